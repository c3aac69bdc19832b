//! The model's disputes: fraud proofs, demands and answers, and what a conviction does.

use super::market::{must, periods, Assignment, Market, Refusal, State, Who};
use super::money::{DEMAND_DEPOSIT, PROOF_DEPOSIT};
use super::picks::{Claim, Form, Second, Shown, Which};
use super::results::Work;
use super::sending::Told;
use super::verdicts::{is_possible, judge, judge_answer};
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::{
    explain::Rule,
    jobs::{Accusation, Grounds, Request},
};
use pallet_disputes::Flaw;
use std::collections::BTreeMap;

/// How long a job can't settle after an answer. A quarter of the challenge period would be less.
const REACTION: u32 = 3;
/// Places of a requester, and those of all others.
pub(super) const PLACES: (usize, usize) = (4, 12);

/// What is kept of a job whose result is claimed. Times are in blocks that had room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// When the challenge period is over. What is demanded later is late.
    pub(super) ends: u32,
    pub(super) settles: u32,
    /// How many demands were late.
    pub(super) late: u32,
    pub(super) next: u32,
    pub(super) demands: BTreeMap<u32, Demand>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) demander: Who,
    pub(super) request: Request,
    pub(super) deposit: u128,
    pub(super) own: bool,
    pub(super) answer_by: u32,
}

/// What is to be done with a claimed result that the chain looks at.
pub(super) enum Due {
    Settle,
    Convict(Request),
    Wait(u32),
}

impl Case {
    /// At a time, in a block.
    pub(super) fn due(&self, time: u32, now: u32) -> Due {
        let oldest = self.demands.values().next();
        let awaited = oldest.map_or(self.settles, |demand| demand.answer_by);
        match oldest {
            _ if time < awaited => Due::Wait(now + awaited - time),
            Some(demand) => Due::Convict(demand.request),
            None => Due::Settle,
        }
    }

    /// How many demands took a place of the requester, and how many another.
    fn taken(&self) -> (usize, usize) {
        let own = self.demands.values().filter(|demand| demand.own).count();
        (own, self.demands.len() - own)
    }
}

impl Market {
    /// Time is up when that many more blocks had room: this one does not count.
    fn time_after(&self, blocks: u32) -> u32 {
        self.time + 1 + blocks
    }

    /// A result is claimed. Gives the first block in which the job can settle.
    pub(super) fn open_case(&mut self, id: u64) -> u32 {
        let settles = self.time_after(periods::CHALLENGE);
        let case = Case {
            ends: settles,
            settles,
            late: 0,
            next: 0,
            demands: BTreeMap::new(),
        };
        self.cases.insert(id, case);
        self.now + settles - self.time
    }

    /// The job ended: demanders have their deposits back.
    pub(super) fn close_case(&mut self, id: u64) {
        let case = self.cases.remove(&id).expect("a claimed result has a case");
        for demand in case.demands.into_values() {
            let account = &mut self.accounts[demand.demander];
            account.demands -= demand.deposit;
            account.free += demand.deposit;
        }
    }

    /// The job as its worker claims to have done it, if that can be challenged.
    fn claimed(&self, id: u64) -> Result<(Assignment, Work), Refusal> {
        let job = self.jobs.get(&id).ok_or("Disputes(JobUnknown)")?;
        match &job.state {
            State::Open | State::Assigned(_) | State::Ended(..) => Err("Disputes(NotAttested)"),
            State::Settled { .. } | State::Refused { .. } => Err("Disputes(Over)"),
            State::Convicted { .. } => Err("Disputes(AlreadyConvicted)"),
            State::Attested { by, fault, .. } => Ok((by.clone(), job.work(*fault))),
        }
    }

    fn case_mut(&mut self, id: u64) -> &mut Case {
        let case = self.cases.get_mut(&id);
        case.expect("a claimed result has a case")
    }

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
        self.conclude(by, id, verdict.map(|()| Grounds::Wrong(accusation)));
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
        self.conclude(by, id, verdict);
        Ok(())
    }

    fn conclude(&mut self, by: Who, id: u64, verdict: Result<Grounds, Flaw>) {
        match verdict {
            Ok(grounds) => self.convict(id, grounds, Some(by)),
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
        let (own_taken, public_taken) = case.taken();
        let late = time >= case.ends;
        let own = requests && !late && own_taken < PLACES.0;
        let has_place = own || public_taken < PLACES.1;
        must(has_place, "Disputes(TooManyDemands)")?;
        let doublings = if own {
            0
        } else {
            public_taken as u32 + case.late
        };
        let factor = 2u128.checked_pow(doublings);
        let deposit = factor.and_then(|factor| DEMAND_DEPOSIT.checked_mul(factor));
        let deposit = deposit.ok_or("Disputes(TooManyDemands)")?;
        let covered = deposit <= self.spendable(by);
        must(covered, "Disputes(BalanceTooLow)")?;
        self.accounts[by].free -= deposit;
        self.accounts[by].demands += deposit;
        let demand = Demand {
            demander: by,
            request,
            deposit,
            own,
            answer_by: self.time_after(periods::ANSWER),
        };
        let case = self.case_mut(id);
        case.demands.insert(case.next, demand);
        case.next += 1;
        case.late += u32::from(late);
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
        self.accounts[demand.demander].demands -= demand.deposit;
        let half = demand.deposit / 2;
        let taken = self.accounts[by].free + half >= EXISTENTIAL_DEPOSIT;
        let paid = if taken { half } else { 0 };
        self.accounts[by].free += paid;
        self.burned += demand.deposit - paid;
        let react = self.time_after(REACTION);
        let case = self.case_mut(id);
        case.demands.remove(&number);
        case.settles = case.settles.max(react);
        self.look_again(id);
        Ok(())
    }

    /// What is waited for has changed.
    fn look_again(&mut self, id: u64) {
        let (time, now) = (self.time, self.now);
        let next = match self.case_mut(id).due(time, now) {
            Due::Wait(block) => block,
            Due::Settle | Due::Convict(_) => now,
        };
        self.job_mut(id).due = next.max(now + 1);
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
        self.close_case(id);
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
        for job in self.jobs.values_mut() {
            if matches!(&job.state, State::Assigned(given) if given.provider == provider) {
                job.due = now + 1;
            }
        }
    }
}
