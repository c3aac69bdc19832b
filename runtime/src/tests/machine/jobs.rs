//! The model's jobs, from the post to the day they are forgotten.

use super::audits::Audited;
use super::market::{
    must, periods, Assignment, Contribution, Facts, Job, Market, Offer, Refusal, State, Who,
    MAX_BATCH, PROGRAMS,
};
use super::money::{job_deposit, lock, payment, split, MIN_PRICE};
use super::picks::Claim;
use super::results::{Fault, Work};
use mizan_protocol::{
    explain::Rule,
    jobs::{DeclineReason, EndReason},
};
use std::collections::BTreeSet;

/// Whether workers may be sent there.
fn is_server(address: &str) -> bool {
    let host = address
        .strip_prefix("http://")
        .or(address.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(|b| (33..127).contains(&b)))
}

fn check(offer: &Offer, facts: &Facts) -> Result<(), Refusal> {
    must(
        (1..=MAX_BATCH).contains(&offer.batch),
        "Jobs(BatchOutOfRange)",
    )?;
    must(offer.inputs == facts.inputs, "Jobs(WrongInputCount)")?;
    must(offer.price >= MIN_PRICE, "Jobs(PriceTooLow)")?;
    // A block's time fetches three million bytes.
    let item = facts.input_bytes.iter().sum::<u64>();
    let fetching = (item * u64::from(offer.batch)).div_ceil(3_000_000) as u32;
    let least = periods::MIN_DURATION + fetching;
    must(offer.duration >= least, "Jobs(DurationTooShort)")?;
    let most = periods::MAX_DURATION;
    must(offer.duration <= most, "Jobs(DurationTooLong)")?;
    must(offer.wait > 0, "Jobs(WaitTooShort)")?;
    must(offer.wait <= periods::MAX_WAIT, "Jobs(WaitTooLong)")?;
    let reachable = offer.servers.iter().all(|server| is_server(server));
    must(reachable, "Jobs(BadBlobServer)")
}

impl Market {
    pub(super) fn post(&mut self, by: Who, offer: &Offer) -> Result<(), Refusal> {
        let facts = PROGRAMS.get(offer.model).ok_or("Jobs(ModelUnknown)")?;
        check(offer, facts)?;
        let macs = facts.item_macs * u128::from(offer.batch);
        let held = payment(offer.price, macs).ok_or("Jobs(PaymentOverflow)")?;
        lock(held).ok_or("Jobs(PaymentOverflow)")?;
        let deposit = job_deposit(facts.inputs, offer.servers.len());
        let covered = held + deposit <= self.spendable(by);
        must(covered, "Jobs(BalanceTooLow)")?;
        let account = &mut self.accounts[by];
        account.free -= held + deposit;
        account.payment += held;
        account.deposit += deposit;
        let wait_until = self.now + offer.wait;
        let job = Job {
            requester: by,
            offer: offer.clone(),
            macs,
            held,
            deposit,
            wait_until,
            excluded: Vec::new(),
            missing: Vec::new(),
            state: State::Open,
            due: wait_until + 1,
            history: vec![(self.now, Rule::Posted { held, deposit })],
        };
        let id = self.next_job;
        self.next_job += 1;
        self.jobs.insert(id, job);
        self.look_for_worker(id);
        Ok(())
    }

    pub(super) fn cancel(&mut self, by: Who, id: u64) -> Result<(), Refusal> {
        let job = self.jobs.get(&id).ok_or("Jobs(JobUnknown)")?;
        must(job.requester == by, "Jobs(NotYourJob)")?;
        must(job.state == State::Open, "Jobs(NotOpen)")?;
        self.end(id, EndReason::Cancelled);
        Ok(())
    }

    fn assigned_to(&self, by: Who, id: u64) -> Result<Assignment, Refusal> {
        let job = self.jobs.get(&id).ok_or("Jobs(JobUnknown)")?;
        let assignment = match &job.state {
            State::Assigned(assignment) => assignment.clone(),
            State::Attested { .. }
            | State::Settled { .. }
            | State::Convicted { .. }
            | State::Refused { .. } => return Err("Jobs(AlreadyAttested)"),
            State::Open | State::Ended(..) => return Err("Jobs(NotAssigned)"),
        };
        must(assignment.worker == by, "Jobs(NotYourAssignment)")?;
        Ok(assignment)
    }

    pub(super) fn decline(
        &mut self,
        by: Who,
        id: u64,
        reason: DeclineReason,
    ) -> Result<(), Refusal> {
        let given = self.assigned_to(by, id)?;
        let early = self.now <= given.assigned + periods::DECLINE;
        must(early, "Jobs(DeclineTooLate)")?;
        self.unlock(given.provider, given.lock, 0);
        let paused_until_block = self.miss(by);
        let job = self.job_mut(id);
        if reason == DeclineReason::InputsUnavailable && !job.missing.contains(&given.provider) {
            job.missing.push(given.provider);
        }
        let rule = Rule::Declined {
            worker: by,
            provider: given.provider,
            reason,
            paused_until_block,
        };
        self.note(id, rule);
        self.take_back(id, &given);
        Ok(())
    }

    pub(super) fn time_out(&mut self, id: u64, given: Assignment) {
        let burned = given.lock.min(given.payment / 10);
        self.unlock(given.provider, given.lock, burned);
        let rule = Rule::TimedOut {
            worker: given.worker,
            provider: given.provider,
            burned,
            paused_until_block: self.miss(given.worker),
        };
        self.note(id, rule);
        self.take_back(id, &given);
    }

    /// The worker's provider was convicted for another job.
    pub(super) fn recall(&mut self, id: u64, given: Assignment) {
        let now = self.now;
        self.unlock(given.provider, given.lock, 0);
        let worker = self.workers.get_mut(&given.worker);
        worker.expect("busy workers can't leave").finish(now);
        let rule = Rule::Recalled {
            worker: given.worker,
            provider: given.provider,
        };
        self.note(id, rule);
        self.take_back(id, &given);
    }

    fn miss(&mut self, worker: Who) -> u32 {
        let now = self.now;
        let worker = self.workers.get_mut(&worker);
        worker.expect("busy workers can't leave").miss(now)
    }

    /// The worker lost the job: others may have it, if any can.
    fn take_back(&mut self, id: u64, given: &Assignment) {
        let now = self.now;
        let job = self.job_mut(id);
        job.excluded.push(given.worker);
        job.state = State::Open;
        job.due = job.wait_until + 1;
        let macs = job.macs;
        let end = if job.missing.len() == 3 {
            Some(EndReason::InputsUnavailable)
        } else if job.offer.worker.is_some() {
            Some(EndReason::TooManyMisses)
        } else {
            (now >= job.wait_until).then_some(EndReason::Expired)
        };
        self.units.entry(given.provider).or_default().rejected += macs;
        if let Some(reason) = end {
            self.end(id, reason);
        }
    }

    pub(super) fn attest(
        &mut self,
        by: Who,
        id: u64,
        claim: Claim,
        outputs: usize,
        result: Work,
    ) -> Result<(), Refusal> {
        let given = self.assigned_to(by, id)?;
        let now = self.now;
        must(now <= given.attest_by, "Jobs(AttestTooLate)")?;
        let right = given.assigned < now && claim == Claim::Block(given.assigned);
        must(right, "Jobs(WrongAssignmentBlock)")?;
        let facts = &PROGRAMS[self.jobs[&id].offer.model];
        must(outputs == facts.outputs, "Jobs(WrongOutputCount)")?;
        let settles = self.open_case(id);
        let job = self.job_mut(id);
        let returned = job.held - given.payment;
        job.held = given.payment;
        let (requester, macs) = (job.requester, job.macs);
        job.state = State::Attested {
            by: given.clone(),
            fault: result.fault,
            attested: now,
            settles,
        };
        self.accounts[requester].payment -= returned;
        self.accounts[requester].free += returned;
        let worker = self.workers.get_mut(&by);
        worker.expect("busy workers can't leave").finish(now);
        self.units.entry(given.provider).or_default().claimed += macs;
        let rule = Rule::Attested {
            worker: by,
            provider: given.provider,
            returned,
            settles_block: settles,
        };
        self.note(id, rule);
        self.look_again(id);
        Ok(())
    }

    pub(super) fn settle(&mut self, id: u64, given: Assignment, fault: Fault) {
        let now = self.now;
        let job = self.job_mut(id);
        let (requester, macs, payment) = (job.requester, job.macs, job.held);
        let directed = job.offer.worker.is_some();
        job.held = 0;
        self.accounts[requester].payment -= payment;
        self.refund(id);
        let Audited { outcome, auditors } = self.close_case(id, None);
        let [worker_paid, each, burned, minted] = split(payment, auditors.len(), outcome);
        let auditors_paid = self.pay_auditors(auditors, each);
        let provider = given.provider;
        self.unlock(provider, given.lock, 0);
        if let Some(worker) = self.workers.get_mut(&given.worker) {
            worker.misses = 0;
        }
        self.accounts[provider].free += worker_paid + minted;
        self.burned += burned;
        self.minted += minted;
        let entry = self.era_entry(provider);
        entry.settled += macs;
        entry.directed += if directed { macs } else { 0 };
        entry.jobs += 1;
        entry.burned += burned;
        self.units.entry(provider).or_default().accepted += macs;
        let state = State::Settled {
            by: given,
            fault,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit: outcome,
            settled: now,
        };
        let rule = Rule::Settled {
            provider,
            payment,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit: outcome,
        };
        self.finish_job(id, rule, state);
    }

    /// Gives each of them that much, and says how much it was together.
    fn pay_auditors(&mut self, auditors: BTreeSet<Who>, each: u128) -> u128 {
        let together = each * auditors.len() as u128;
        for auditor in auditors {
            self.accounts[auditor].free += each;
            self.era_entry(auditor).audits += 1;
        }
        together
    }

    /// A large result was not delivered: nobody gains.
    pub(super) fn refuse_delivery(&mut self, by: Who, id: u64) -> Result<(), Refusal> {
        let job = self.jobs.get(&id).ok_or("Jobs(JobUnknown)")?;
        must(job.requester == by, "Jobs(NotYourJob)")?;
        let State::Attested {
            by: given, fault, ..
        } = job.state.clone()
        else {
            return Err("Jobs(NotAttested)");
        };
        let outputs = PROGRAMS[job.offer.model].operation_bytes.iter();
        let large = outputs.sum::<u64>() * u64::from(job.offer.batch) > 1_048_576;
        must(large, "Jobs(DeliveryCanBeDemanded)")?;
        let case = &self.cases[&id];
        let open = case.demands.len() + case.audit.receipts.len();
        must(open == 0, "Jobs(DemandsOpen)")?;
        let (provider, refused) = (given.provider, self.now);
        let burned = std::mem::take(&mut self.job_mut(id).held);
        self.accounts[by].payment -= burned;
        self.burned += burned;
        self.refund(id);
        self.close_case(id, None);
        self.unlock(provider, given.lock, 0);
        self.unclaim(id, provider);
        for who in [by, provider] {
            *self.refusals.entry(who).or_default() += 1;
        }
        let state = State::Refused {
            by: given,
            fault,
            refused,
        };
        self.finish_job(id, Rule::Refused { provider, burned }, state);
        Ok(())
    }

    /// A claimed result will not be paid.
    pub(super) fn unclaim(&mut self, id: u64, provider: Who) {
        let macs = self.jobs[&id].macs;
        let units = self.units.entry(provider).or_default();
        units.claimed -= macs;
        units.rejected += macs;
    }

    pub(super) fn era_entry(&mut self, provider: Who) -> &mut Contribution {
        let era = self.now / periods::ERA;
        self.eras.entry((era, provider)).or_default()
    }

    /// Gives back what is held for a job, and says how much it was.
    pub(super) fn refund(&mut self, id: u64) -> u128 {
        let job = self.job_mut(id);
        let (held, deposit) = (job.held, job.deposit);
        let requester = job.requester;
        (job.held, job.deposit) = (0, 0);
        let account = &mut self.accounts[requester];
        account.payment -= held;
        account.deposit -= deposit;
        account.free += held + deposit;
        held + deposit
    }

    /// Nothing more happens to the job, and one day it is forgotten.
    pub(super) fn finish_job(&mut self, id: u64, rule: Rule<Who>, state: State) {
        let due = self.now + periods::ERA * periods::RETENTION_ERAS;
        let job = self.job_mut(id);
        (job.state, job.due) = (state, due);
        self.note(id, rule);
    }

    /// Ends a job that no worker has, and refunds it.
    pub(super) fn end(&mut self, id: u64, reason: EndReason) {
        let job = self.job_mut(id);
        let (requester, deposit) = (job.requester, job.deposit);
        let missing = reason == EndReason::InputsUnavailable;
        let burned = if missing { deposit / 10 } else { 0 };
        let refunded = self.refund(id) - burned;
        self.accounts[requester].free -= burned;
        self.burned += burned;
        let rule = Rule::Ended {
            reason,
            refunded,
            burned,
        };
        self.finish_job(id, rule, State::Ended(reason, self.now));
    }

    pub(super) fn note(&mut self, id: u64, rule: Rule<Who>) {
        let note = (self.now, rule);
        self.job_mut(id).history.push(note);
    }

    pub(super) fn job_mut(&mut self, id: u64) -> &mut Job {
        self.jobs.get_mut(&id).expect("the job is known")
    }
}
