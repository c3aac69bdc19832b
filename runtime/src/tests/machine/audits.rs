//! The model's audits: what follows from a draw, a verdict or none, and what is paid for it.

use super::market::{must, Market, Refusal, Who};
use super::money::audit_price;
use super::results::Work;
use mizan_protocol::{
    explain::Rule,
    jobs::{Accusation, AuditOutcome, AuditScope, Grounds},
};
use pallet_disputes::{DrawReason, Order, PendingDraw, Verdict};
use polkadot_sdk::*;
use sp_core::H256;
use sp_io::hashing::twox_64;
use std::collections::{BTreeMap, BTreeSet};

/// Verdicts "pass" after which nothing more is drawn.
const MOST_PASSES: usize = 8;
/// Draws without a verdict that counts after which none follows.
const MOST_MISSES: u32 = 3;

/// What an auditor looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DrawnSet {
    pub(super) scope: AuditScope,
    pub(super) seed: H256,
}

/// What an auditor answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duty {
    pub(super) auditor: Who,
    pub(super) lock: u128,
    pub(super) set: DrawnSet,
    /// Whether the requester ordered it.
    pub(super) ordered: bool,
}

/// An auditor whose verdict the job waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AtWork {
    pub(super) duty: Duty,
    pub(super) verdict_by: u32,
    /// How many of its demands were answered.
    pub(super) answered: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) duty: Duty,
    pub(super) receipt: H256,
    /// Whether it does not count any more.
    pub(super) slashed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Waits(PendingDraw),
    Open(AtWork),
    Done,
}

/// A demand that the auditor of a pass opens its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReceiptDemand {
    pub(super) demander: Who,
    pub(super) index: u64,
    pub(super) deposit: u128,
    pub(super) answer_by: u32,
}

/// The audits of a claimed result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Audit {
    pub(super) stage: Stage,
    pub(super) passes: Vec<Pass>,
    pub(super) drawn: Vec<Who>,
    pub(super) misses: u32,
    pub(super) order: Option<Order>,
    /// By pass.
    pub(super) receipts: BTreeMap<u32, ReceiptDemand>,
}

/// How the audits of a job ended.
pub(super) struct Audited {
    pub(super) outcome: AuditOutcome,
    /// Those whose verdicts count.
    pub(super) auditors: BTreeSet<Who>,
}

impl Audit {
    /// The actor's work, if it is the auditor at work.
    pub(super) fn at_work(&self, who: Who) -> Option<&AtWork> {
        match &self.stage {
            Stage::Open(at_work) if at_work.duty.auditor == who => Some(at_work),
            _ => None,
        }
    }

    /// Verdicts that count.
    pub(super) fn counting(&self) -> impl Iterator<Item = &Pass> {
        self.passes.iter().filter(|pass| !pass.slashed)
    }

    /// Whether the auditor of a pass answers for an element: a further one does for the set of the
    /// pass before it as well.
    pub(super) fn answers_for(&self, pass: usize, work: Work, accusation: Accusation) -> bool {
        let sets = &self.passes[pass.saturating_sub(1)..=pass];
        sets.iter()
            .any(|pass| work.is_drawn(pass.duty.set, accusation))
    }
}

impl Market {
    pub(super) fn audit_of_claim(&self) -> Audit {
        Audit {
            stage: self.draw_later(DrawReason::Claimed, AuditScope::Sampled, false),
            passes: Vec::new(),
            drawn: Vec::new(),
            misses: 0,
            order: None,
            receipts: BTreeMap::new(),
        }
    }

    /// Takes the consequences of silence, as far as it is time.
    pub(super) fn advance_audit(&mut self, id: u64) {
        let (time, case) = (self.time, &self.cases[&id]);
        let rests = case.auditor_waits();
        let silent = case.audit.receipts.iter();
        let silent = silent.filter(|(_, demand)| demand.answer_by <= time);
        let mut silent: Vec<_> = silent.map(|(pass, _)| *pass).collect();
        match case.audit.stage.clone() {
            Stage::Open(at_work) if !rests && at_work.verdict_by <= time => {
                self.dismiss(id, at_work.duty, false);
            }
            Stage::Waits(_) | Stage::Open(_) | Stage::Done => (),
        }
        // The chain goes by the hashes of the passes' numbers.
        silent.sort_by_key(|pass| twox_64(&pass.to_le_bytes()));
        for pass in silent {
            self.fail_receipt(id, pass);
        }
    }

    /// An auditor at work gave no verdict that counts.
    fn dismiss(&mut self, id: u64, duty: Duty, withheld: bool) {
        let burned = if withheld { 0 } else { duty.lock / 10 };
        self.unlock_auditor(duty.auditor, duty.lock, burned);
        let rule = Rule::AuditMissed {
            auditor: Some(duty.auditor),
            withheld,
            burned,
        };
        self.note(id, rule);
        self.draw_again(id, duty.set.scope, duty.ordered);
    }

    fn count_miss(&mut self, id: u64, ordered: bool) -> u32 {
        let audit = &mut self.case_mut(id).audit;
        let misses = match &mut audit.order {
            Some(order) if ordered => &mut order.misses,
            _ => &mut audit.misses,
        };
        *misses += 1;
        *misses
    }

    /// Another is drawn for certain, unless too many were.
    pub(super) fn draw_again(&mut self, id: u64, scope: AuditScope, ordered: bool) {
        if self.count_miss(id, ordered) < MOST_MISSES {
            let again = self.draw_later(DrawReason::Certain, scope, ordered);
            self.case_mut(id).audit.stage = again;
        } else {
            self.conclude_audits(id);
        }
    }

    /// Nothing more is drawn, but what the requester ordered.
    pub(super) fn conclude_audits(&mut self, id: u64) {
        let order = self.case_mut(id).audit.order.as_mut();
        let stage = match order.filter(|order| !order.begun) {
            Some(order) => {
                order.begun = true;
                let scope = order.scope;
                self.draw_later(DrawReason::Certain, scope, true)
            }
            None => Stage::Done,
        };
        self.case_mut(id).audit.stage = stage;
    }

    /// Its provider was convicted for another job.
    pub(super) fn make_certain(&mut self, id: u64) {
        let certain = self.draw_later(DrawReason::Certain, AuditScope::Sampled, false);
        let audit = &mut self.case_mut(id).audit;
        let unaudited = audit.passes.is_empty() && audit.misses == 0;
        match &mut audit.stage {
            Stage::Waits(draw) => draw.reason = DrawReason::Certain,
            Stage::Done if unaudited => audit.stage = certain,
            Stage::Open(_) | Stage::Done => return,
        }
        self.look_again(id);
    }

    pub(super) fn say(&mut self, by: Who, id: u64, verdict: Verdict) -> Result<(), Refusal> {
        self.claimed(id)?;
        let case = &self.cases[&id];
        let at_work = case.audit.at_work(by).copied();
        let AtWork { duty, answered, .. } = at_work.ok_or("Disputes(NotYourAudit)")?;
        must(!case.auditor_waits(), "Disputes(DemandsOpen)")?;
        match verdict {
            Verdict::Withheld => {
                must(answered > 0, "Disputes(NothingAnswered)")?;
                self.dismiss(id, duty, true);
            }
            Verdict::Pass { receipt } => self.pass(id, duty, receipt),
        }
        self.look_again(id);
        Ok(())
    }

    fn pass(&mut self, id: u64, duty: Duty, receipt: H256) {
        let auditor = duty.auditor;
        self.note(id, Rule::AuditPassed { auditor });
        let further = self.draw_later(DrawReason::Passed, AuditScope::Sampled, false);
        let audit = &mut self.case_mut(id).audit;
        audit.stage = further;
        audit.passes.push(Pass {
            duty,
            receipt,
            slashed: false,
        });
        assert!(audit.passes.len() < MOST_PASSES, "there are fewer actors");
    }

    pub(super) fn order_audit(
        &mut self,
        by: Who,
        id: u64,
        scope: AuditScope,
    ) -> Result<(), Refusal> {
        let (given, _) = self.claimed(id)?;
        must(self.jobs[&id].requester == by, "Disputes(NotYourJob)")?;
        let case = &self.cases[&id];
        let ordered = case.audit.order.is_some();
        must(!ordered, "Disputes(AlreadyOrdered)")?;
        must(self.time < case.ends, "Disputes(OrderTooLate)")?;
        let price = audit_price(scope, given.payment);
        must(price <= self.spendable(by), "Disputes(BalanceTooLow)")?;
        self.accounts[by].free -= price;
        self.accounts[by].order += price;
        let audit = &mut self.case_mut(id).audit;
        audit.order = Some(Order {
            scope,
            price,
            begun: false,
            misses: 0,
        });
        if audit.stage == Stage::Done {
            self.conclude_audits(id);
        }
        self.note(id, Rule::AuditOrdered { scope, price });
        self.look_again(id);
        Ok(())
    }

    /// The auditor of a pass loses its whole lock, and the pass does not count.
    fn slash(&mut self, id: u64, pass: u32) {
        let pass = &mut self.case_mut(id).audit.passes[pass as usize];
        pass.slashed = true;
        let Duty { auditor, lock, .. } = pass.duty;
        self.unlock_auditor(auditor, lock, lock);
        let burned = lock;
        self.note(id, Rule::AuditorSlashed { auditor, burned });
    }

    /// The same of one whose receipt is not what it must be. Another is drawn for certain, if none
    /// is at work.
    pub(super) fn slash_pass(&mut self, id: u64, pass: u32) {
        self.slash(id, pass);
        let audit = &self.cases[&id].audit;
        let Duty { set, ordered, .. } = audit.passes[pass as usize].duty;
        match audit.stage {
            Stage::Waits(_) | Stage::Open(_) => drop(self.count_miss(id, ordered)),
            Stage::Done => self.draw_again(id, set.scope, ordered),
        }
        if let Stage::Waits(draw) = &mut self.case_mut(id).audit.stage {
            draw.reason = DrawReason::Certain;
        }
    }

    /// Whoever is at work, if the accused element is in its set or in that of the pass before.
    pub(super) fn auditor_of(&self, id: u64, work: Work, accusation: Accusation) -> Option<Who> {
        let audit = &self.cases[&id].audit;
        let Stage::Open(at_work) = &audit.stage else {
            return None;
        };
        let before = audit.passes.last().map(|pass| pass.duty.set);
        let mut sets = before.into_iter().chain([at_work.duty.set]);
        let drawn = sets.any(|set| work.is_drawn(set, accusation));
        drawn.then_some(at_work.duty.auditor)
    }

    /// The job ended: whoever passed what is wrong loses the lock, all others have theirs back, and
    /// the order is paid or given back.
    pub(super) fn end_audits(&mut self, id: u64, convicted: Option<Grounds>) -> Audited {
        if let Some(Grounds::Wrong(accusation)) = convicted {
            let (_, work) = self.claimed(id).expect("it is claimed");
            let audit = self.cases[&id].audit.clone();
            let wrong = (0..audit.passes.len()).filter(|pass| {
                !audit.passes[*pass].slashed && audit.answers_for(*pass, work, accusation)
            });
            wrong.for_each(|pass| self.slash(id, pass as u32));
        }
        let audit = self.cases[&id].audit.clone();
        let counting: Vec<_> = audit.counting().map(|pass| pass.duty).collect();
        let at_work = match audit.stage {
            Stage::Open(at_work) => Some(at_work.duty),
            _ => None,
        };
        for duty in counting.iter().copied().chain(at_work) {
            self.unlock_auditor(duty.auditor, duty.lock, 0);
        }
        if let Some(order) = audit.order {
            let requester = self.jobs[&id].requester;
            let earned = counting
                .iter()
                .find(|duty| duty.ordered && convicted.is_none());
            self.accounts[requester].order -= order.price;
            let to = earned.map_or(requester, |duty| duty.auditor);
            self.accounts[to].free += order.price;
        }
        let auditors: BTreeSet<_> = counting.iter().map(|duty| duty.auditor).collect();
        let missed = audit.misses >= MOST_MISSES || (audit.misses > 0 && auditors.is_empty());
        let outcome = match auditors.is_empty() {
            _ if missed => AuditOutcome::Unaudited,
            true => AuditOutcome::NotDrawn,
            false => AuditOutcome::Passed,
        };
        Audited { outcome, auditors }
    }
}
