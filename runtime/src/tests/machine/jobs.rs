//! The model's jobs, from the post to the day they are forgotten.

use super::market::{
    must, periods, Assignment, Facts, Job, Market, Offer, Refusal, State, Who, ACTORS, MAX_BATCH,
    PROGRAMS,
};
use super::money::{job_deposit, lock, payment, split, MIN_PRICE};
use super::picks::Claim;
use mizan_protocol::{
    explain::Rule,
    jobs::{DeclineReason, EndReason},
};
use polkadot_sdk::*;
use sp_io::hashing::{blake2_256, twox_64};

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
    let fetching = (facts.item_input_bytes * u64::from(offer.batch)).div_ceil(3_000_000) as u32;
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
            State::Attested { .. } | State::Settled { .. } => return Err("Jobs(AlreadyAttested)"),
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

    fn time_out(&mut self, id: u64, given: Assignment) {
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
    ) -> Result<(), Refusal> {
        let given = self.assigned_to(by, id)?;
        let now = self.now;
        must(now <= given.attest_by, "Jobs(AttestTooLate)")?;
        let right = given.assigned < now && claim == Claim::Block(given.assigned);
        must(right, "Jobs(WrongAssignmentBlock)")?;
        let job = self.job_mut(id);
        let facts = &PROGRAMS[job.offer.model];
        must(outputs == facts.outputs, "Jobs(WrongOutputCount)")?;
        let returned = job.held - given.payment;
        job.held = given.payment;
        let (requester, macs) = (job.requester, job.macs);
        let settles = now + periods::CHALLENGE + 1;
        job.due = settles;
        job.state = State::Attested {
            by: given.clone(),
            outputs,
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
        Ok(())
    }

    fn settle(&mut self, id: u64, given: Assignment) {
        let now = self.now;
        let job = self.job_mut(id);
        let (requester, macs, payment) = (job.requester, job.macs, job.held);
        let directed = job.offer.worker.is_some();
        let (worker_paid, burned, minted) = split(payment);
        job.held = 0;
        let deposit = std::mem::take(&mut job.deposit);
        job.due = now + periods::ERA * periods::RETENTION_ERAS;
        let provider = given.provider;
        self.unlock(provider, given.lock, 0);
        if let Some(worker) = self.workers.get_mut(&given.worker) {
            worker.misses = 0;
        }
        self.accounts[requester].payment -= payment;
        self.accounts[requester].deposit -= deposit;
        self.accounts[requester].free += deposit;
        self.accounts[provider].free += worker_paid + minted;
        self.burned += burned;
        self.minted += minted;
        let entry = self.eras.entry((now / periods::ERA, provider)).or_default();
        entry.settled += macs;
        entry.directed += if directed { macs } else { 0 };
        entry.jobs += 1;
        entry.burned += burned;
        self.units.entry(provider).or_default().accepted += macs;
        self.job_mut(id).state = State::Settled {
            by: given,
            worker_paid,
            burned,
            minted,
            settled: now,
        };
        let rule = Rule::Settled {
            provider,
            payment,
            worker_paid,
            burned,
            minted,
        };
        self.note(id, rule);
    }

    /// Ends a job that no worker has, and refunds it.
    fn end(&mut self, id: u64, reason: EndReason) {
        let now = self.now;
        let job = self.job_mut(id);
        let (held, deposit) = (job.held, job.deposit);
        let requester = job.requester;
        (job.held, job.deposit) = (0, 0);
        job.state = State::Ended(reason, now);
        job.due = now + periods::ERA * periods::RETENTION_ERAS;
        let missing = reason == EndReason::InputsUnavailable;
        let burned = if missing { deposit / 10 } else { 0 };
        let refunded = held + deposit - burned;
        let account = &mut self.accounts[requester];
        account.payment -= held;
        account.deposit -= deposit;
        account.free += refunded;
        self.burned += burned;
        let rule = Rule::Ended {
            reason,
            refunded,
            burned,
        };
        self.note(id, rule);
    }

    fn note(&mut self, id: u64, rule: Rule<Who>) {
        let note = (self.now, rule);
        self.job_mut(id).history.push(note);
    }

    fn job_mut(&mut self, id: u64) -> &mut Job {
        self.jobs.get_mut(&id).expect("the job is known")
    }

    /// Does what is due. Within a block the chain goes by the hashes of the ids: a settlement
    /// before a timeout of the same worker leaves another count of misses than after it.
    pub(super) fn do_what_is_due(&mut self) {
        let due = self.jobs.iter().filter(|(_, job)| job.due <= self.now);
        let mut due: Vec<_> = due.map(|(id, job)| (job.due, *id)).collect();
        due.sort_by_key(|(block, id)| (*block, twox_64(&id.to_le_bytes()), id.to_le_bytes()));
        for (_, id) in due {
            match self.jobs[&id].state.clone() {
                State::Open => self.end(id, EndReason::Expired),
                State::Assigned(given) => self.time_out(id, given),
                State::Attested { by, .. } => self.settle(id, by),
                State::Settled { .. } | State::Ended(..) => drop(self.jobs.remove(&id)),
            }
        }
    }

    pub(super) fn match_open_jobs(&mut self) {
        let open = self.jobs.iter().filter(|(_, job)| job.state == State::Open);
        let open: Vec<_> = open.map(|(id, _)| *id).collect();
        for id in open {
            self.look_for_worker(id);
        }
    }

    /// Gives the job to the idle worker with the lowest ask whose bond covers the lock. Among
    /// equal asks the lowest hash of beacon, job and worker decides.
    fn look_for_worker(&mut self, id: u64) {
        let (job, now) = (&self.jobs[&id], self.now);
        let fitting = self.workers.iter().filter_map(|(who, worker)| {
            let free_bond = self.idle_bond(worker)?;
            let named = job.offer.worker.is_none_or(|named| named == *who);
            let wanted = named && !job.excluded.contains(who) && worker.ask <= job.offer.price;
            let payment = payment(worker.ask.max(MIN_PRICE), job.macs)?.min(job.held);
            let lock = lock(payment)?;
            (wanted && lock <= free_bond).then_some((worker.ask, *who, payment, lock))
        });
        let Some((_, worker, payment, lock)) =
            fitting.min_by_key(|(ask, who, ..)| (*ask, self.tie_break(id, *who)))
        else {
            return;
        };
        let provider = self.workers[&worker].provider;
        let attest_by = now + job.offer.duration;
        let given = Assignment {
            worker,
            provider,
            payment,
            lock,
            assigned: now,
            attest_by,
        };
        let rule = Rule::Assigned {
            worker,
            provider,
            payment,
            lock,
            attest_by_block: attest_by,
        };
        let backing = self.provider_mut(provider);
        backing.locked += lock;
        backing.locks += 1;
        let busy = self.workers.get_mut(&worker);
        busy.expect("it was just found").begin();
        self.note(id, rule);
        let job = self.job_mut(id);
        job.due = attest_by + 1;
        job.state = State::Assigned(given);
    }

    fn tie_break(&self, id: u64, worker: Who) -> [u8; 32] {
        let mut subject = self.beacon.to_vec();
        subject.extend(id.to_le_bytes());
        subject.extend(ACTORS[worker].to_raw_public());
        blake2_256(&subject)
    }
}
