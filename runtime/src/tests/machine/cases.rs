//! The model's cases: what is kept of a job while its result can be challenged.

use super::audits::{Audit, Audited, Stage};
use super::market::{must, periods, Assignment, Market, Refusal, State, Who};
use super::money::DEMAND_DEPOSIT;
use super::results::Work;
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::{
    jobs::{Grounds, Request},
    Slot,
};
use std::collections::BTreeMap;

/// How long a job can't settle after an answer. A quarter of the challenge period would be less.
const REACTION: u32 = 3;
/// Places of a requester, and those of all others.
pub(super) const PLACES: (usize, usize) = (4, 12);
/// Places of an auditor at work, and how many demands it can make in them.
const AUDITORS_PLACES: (usize, u32) = (4, 64);

/// What is kept of a job whose result is claimed. Times are in blocks that had room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// When the challenge period is over. What is demanded later is late.
    pub(super) ends: u32,
    pub(super) settles: u32,
    /// How many demands were late, but for those of auditors at work.
    pub(super) late: u32,
    pub(super) next: u32,
    pub(super) demands: BTreeMap<u32, Demand>,
    pub(super) audit: Audit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) demander: Who,
    pub(super) request: Request,
    pub(super) deposit: u128,
    pub(super) own: bool,
    /// Whether it took a place of the auditor at work.
    pub(super) by_auditor: bool,
    pub(super) answer_by: u32,
}

/// What is to be done with a claimed result that the chain looks at.
pub(super) enum Due {
    Settle,
    Convict(Request),
    Wait(u32),
}

impl Case {
    /// At a time, in a block of a slot.
    fn due(&self, time: u32, now: u32, slot: Slot) -> Due {
        let block_of = |awaited: u32| now + awaited.saturating_sub(time);
        let oldest = self.demands.values().next();
        if let Some(demand) = oldest.filter(|demand| demand.answer_by <= time) {
            return Due::Convict(demand.request);
        }
        // A draw is made in the block after the one that decides, and what follows in the next. That
        // is sooner where slots stay empty.
        let of_audit = match &self.audit.stage {
            Stage::Waits(draw) => Some(now + draw.slot.saturating_sub(slot) as u32 + 2),
            Stage::Open(at_work) => (!self.auditor_waits()).then(|| block_of(at_work.verdict_by)),
            Stage::Done => None,
        };
        let answers = oldest.map(|demand| demand.answer_by);
        let receipts = self.audit.receipts.values().map(|demand| demand.answer_by);
        let awaited = answers.into_iter().chain(receipts).map(block_of);
        match awaited.chain(of_audit).min() {
            Some(block) => Due::Wait(block),
            None if self.settles <= time => Due::Settle,
            None => Due::Wait(block_of(self.settles)),
        }
    }

    pub(super) fn count(&self, wanted: impl Fn(&Demand) -> bool) -> usize {
        self.demands
            .values()
            .filter(|demand| wanted(demand))
            .count()
    }

    /// The clock of an auditor rests while one of its demands is open.
    pub(super) fn auditor_waits(&self) -> bool {
        self.count(|demand| demand.by_auditor) > 0
    }

    /// Whether the actor has a place of the auditor at work.
    pub(super) fn has_auditors_place(&self, who: Who) -> bool {
        let open = self.count(|demand| demand.by_auditor);
        let at_work = self.audit.at_work(who);
        at_work.is_some_and(|at_work| {
            let made = open as u32 + at_work.answered;
            open < AUDITORS_PLACES.0 && made < AUDITORS_PLACES.1
        })
    }

    /// Deposit for a demand, of data or of a receipt, in a place that is nobody's own.
    pub(super) fn public_price(&self) -> Result<u128, Refusal> {
        let public = self.count(|demand| !demand.own && !demand.by_auditor);
        let public = public + self.audit.receipts.len();
        must(public < PLACES.1, "Disputes(TooManyDemands)")?;
        let factor = 2u128.checked_pow(public as u32 + self.late);
        let deposit = factor.and_then(|factor| DEMAND_DEPOSIT.checked_mul(factor));
        deposit.ok_or("Disputes(TooManyDemands)")
    }
}

impl Market {
    /// Time is up when that many more blocks had room: this one does not count.
    pub(super) fn time_after(&self, blocks: u32) -> u32 {
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
            audit: self.audit_of_claim(),
        };
        self.cases.insert(id, case);
        self.now + settles - self.time
    }

    /// The job ended: demanders have their deposits back, and auditors what is theirs.
    pub(super) fn close_case(&mut self, id: u64, convicted: Option<Grounds>) -> Audited {
        let audited = self.end_audits(id, convicted);
        let case = self.cases.remove(&id).expect("a claimed result has a case");
        for demand in case.demands.into_values() {
            self.return_deposit(demand.demander, demand.deposit);
        }
        for demand in case.audit.receipts.into_values() {
            self.return_deposit(demand.demander, demand.deposit);
        }
        audited
    }

    pub(super) fn return_deposit(&mut self, demander: Who, deposit: u128) {
        let account = &mut self.accounts[demander];
        account.demands -= deposit;
        account.free += deposit;
    }

    pub(super) fn hold_deposit(&mut self, demander: Who, deposit: u128) -> Result<(), Refusal> {
        let covered = deposit <= self.spendable(demander);
        must(covered, "Disputes(BalanceTooLow)")?;
        let account = &mut self.accounts[demander];
        account.free -= deposit;
        account.demands += deposit;
        Ok(())
    }

    /// Half of the deposit is for whoever answers, and half is burned.
    pub(super) fn pay_for_answer(&mut self, demander: Who, deposit: u128, answerer: Who) {
        self.accounts[demander].demands -= deposit;
        let half = deposit / 2;
        let taken = self.accounts[answerer].free + half >= EXISTENTIAL_DEPOSIT;
        let paid = if taken { half } else { 0 };
        self.accounts[answerer].free += paid;
        self.burned += deposit - paid;
    }

    /// Whoever learned something has time to use it.
    pub(super) fn postpone(&mut self, id: u64) {
        let react = self.time_after(REACTION);
        let case = self.case_mut(id);
        case.settles = case.settles.max(react);
    }

    /// The job as its worker claims to have done it, if that can be challenged.
    pub(super) fn claimed(&self, id: u64) -> Result<(Assignment, Work), Refusal> {
        let job = self.jobs.get(&id).ok_or("Disputes(JobUnknown)")?;
        match &job.state {
            State::Open | State::Assigned(_) | State::Ended(..) => Err("Disputes(NotAttested)"),
            State::Settled { .. } | State::Refused { .. } => Err("Disputes(Over)"),
            State::Convicted { .. } => Err("Disputes(AlreadyConvicted)"),
            State::Attested { by, fault, .. } => Ok((by.clone(), job.work(*fault))),
        }
    }

    pub(super) fn case_mut(&mut self, id: u64) -> &mut Case {
        let case = self.cases.get_mut(&id);
        case.expect("a claimed result has a case")
    }

    /// What is waited for has changed.
    pub(super) fn look_again(&mut self, id: u64) {
        let now = self.now;
        let next = match self.due(id) {
            Due::Wait(block) => block,
            Due::Settle | Due::Convict(_) => now,
        };
        self.job_mut(id).due = next.max(now + 1);
    }

    /// What is to be done with a claimed result now.
    pub(super) fn due(&self, id: u64) -> Due {
        self.cases[&id].due(self.time, self.now, self.slot())
    }
}
