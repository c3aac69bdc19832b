//! The model's disputes: fraud proofs, demands and answers, and what a conviction does.

use super::audits::Stage;
use super::cases::{Demand, PLACES};
use super::market::{must, periods, Market, Refusal, State, Who};
use super::money::{DEMAND_DEPOSIT, PROOF_DEPOSIT};
use super::picks::{Claim, Form, Second, Shown, Which};
use super::sending::Told;
use super::verdicts::{is_possible, judge, judge_answer};
use mizan_protocol::{
    explain::Rule,
    jobs::{Accusation, Grounds, Request},
};
use pallet_disputes::Flaw;

impl Market {
    fn can_accuse(&self, who: Who) -> Result<(), Refusal> {
        let covered = PROOF_DEPOSIT <= self.spendable(who);
        must(covered, "Disputes(BalanceTooLow)")
    }

    pub(super) fn prove(
        &mut self,
        by: Who,
        id: u64,
        accusation: Accusation,
        shown: Shown,
    ) -> Result<(), Refusal> {
        self.can_accuse(by)?;
        let (_, claim) = self.claimed(id)?;
        let verdict = judge(claim, accusation, shown.evidence());
        // What an auditor at work looks at is its to find.
        let rewarded = self.auditor_of(id, claim, accusation).unwrap_or(by);
        self.conclude(
            by,
            rewarded,
            id,
            verdict.map(|()| Grounds::Wrong(accusation)),
        );
        Ok(())
    }

    pub(super) fn show_second(&mut self, by: Who, id: u64, second: &Second) -> Result<(), Refusal> {
        self.can_accuse(by)?;
        let (given, claim) = self.claimed(id)?;
        let is_word = matches!(second.form, Form::Short | Form::Long);
        let signed = is_word && second.signer == Some(given.worker);
        let same = !second.of_next && second.claim == Claim::Block(given.assigned);
        let verdict = if !signed {
            Err(Flaw::NotSigned)
        } else if !same {
            Err(Flaw::OtherAssignment)
        } else if second.result.work() == claim {
            Err(Flaw::NothingWrong)
        } else {
            Ok(Grounds::SecondAttestation)
        };
        self.conclude(by, by, id, verdict);
        Ok(())
    }

    fn conclude(&mut self, by: Who, rewarded: Who, id: u64, verdict: Result<Grounds, Flaw>) {
        match verdict {
            Ok(grounds) => self.convict(id, grounds, Some(rewarded)),
            Err(flaw) => {
                self.accounts[by].free -= PROOF_DEPOSIT;
                self.burned += PROOF_DEPOSIT;
                self.told.push(Told::ProvedNothing(id, flaw));
            }
        }
    }

    pub(super) fn demand(&mut self, by: Who, id: u64, request: Request) -> Result<(), Refusal> {
        let (_, claim) = self.claimed(id)?;
        must(is_possible(claim, request), "Disputes(RequestImpossible)")?;
        let (requests, time) = (self.jobs[&id].requester == by, self.time);
        let case = self.case_mut(id);
        let late = time >= case.ends;
        let own = requests && !late && case.count(|demand| demand.own) < PLACES.0;
        let by_auditor = case.has_auditors_place(by);
        let deposit = if own || by_auditor {
            DEMAND_DEPOSIT
        } else {
            case.public_price()?
        };
        self.hold_deposit(by, deposit)?;
        let demand = Demand {
            demander: by,
            request,
            deposit,
            own,
            by_auditor,
            answer_by: self.time_after(periods::ANSWER),
        };
        let case = self.case_mut(id);
        case.demands.insert(case.next, demand);
        case.next += 1;
        case.late += u32::from(late && !by_auditor);
        self.look_again(id);
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        by: Who,
        id: u64,
        which: Which,
        shown: Shown,
    ) -> Result<(), Refusal> {
        let (number, request) = which.resolved();
        let demands = self.cases.get(&id).map(|case| &case.demands);
        let demand = demands.and_then(|demands| demands.get(&number)).cloned();
        let demand = demand.ok_or("Disputes(DemandUnknown)")?;
        let (_, claim) = self.claimed(id)?;
        // Made after the answer to it was written: that is empty.
        must(request.is_some(), "Disputes(WrongAnswerLength)")?;
        if judge_answer(claim, demand.request, shown.evidence())? {
            let Request::Element { operation, index } = demand.request else {
                panic!("only an element can be wrong");
            };
            let accusation = Accusation::Element { operation, index };
            self.convict(id, Grounds::Wrong(accusation), Some(demand.demander));
            return Ok(());
        }
        self.pay_for_answer(demand.demander, demand.deposit, by);
        let anew = self.time_after(periods::AUDIT);
        let case = self.case_mut(id);
        case.demands.remove(&number);
        if let (Stage::Open(at_work), true) = (&mut case.audit.stage, demand.by_auditor) {
            at_work.answered += 1;
            at_work.verdict_by = at_work.verdict_by.max(anew);
        }
        self.postpone(id);
        self.look_again(id);
        Ok(())
    }

    /// Whoever attested loses the lock, a fifth of it to the challenger, and its assigned jobs; the
    /// requester has everything back.
    pub(super) fn convict(&mut self, id: u64, grounds: Grounds, challenger: Option<Who>) {
        let State::Attested { by, fault, .. } = self.jobs[&id].state.clone() else {
            panic!("no result is claimed");
        };
        let (provider, worker, now) = (by.provider, by.worker, self.now);
        self.unlock(provider, by.lock, by.lock);
        let rewarded = if challenger.is_some() { by.lock / 5 } else { 0 };
        let burned = by.lock - rewarded;
        if let Some(challenger) = challenger {
            self.burned -= rewarded;
            self.accounts[challenger].free += rewarded;
        }
        // Its key may work for another provider by now.
        let worker = self.workers.get_mut(&worker);
        if let Some(worker) = worker.filter(|worker| worker.provider == provider) {
            worker.listed = false;
            worker.convicted = true;
        }
        let refunded = self.refund(id);
        self.close_case(id, Some(grounds));
        self.unclaim(id, provider);
        self.era_entry(provider).convictions += 1;
        let rule = Rule::Convicted {
            provider,
            grounds,
            challenger,
            rewarded,
            burned,
            refunded,
        };
        let state = State::Convicted {
            by,
            fault,
            grounds,
            challenger,
            rewarded,
            burned,
            refunded,
            convicted: now,
        };
        self.finish_job(id, rule, state);
        self.look_at_jobs_of(provider);
    }

    /// A convicted provider's workers lose the jobs that they have, and what they claim is audited.
    fn look_at_jobs_of(&mut self, provider: Who) {
        let (next, ids) = (self.now + 1, self.jobs.keys().copied());
        for id in ids.collect::<Vec<_>>() {
            match &self.jobs[&id].state {
                State::Assigned(given) if given.provider == provider => {
                    self.job_mut(id).due = next;
                }
                State::Attested { by, .. } if by.provider == provider => self.make_certain(id),
                _ => (),
            }
        }
    }
}
