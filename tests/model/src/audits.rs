//! What the chain does with drawn auditors and their verdicts.

use crate::{
    money::{Account, AUDIT_LOCK, MISS},
    rules::Rules,
    state::{fresh, Audit, Auditor, HonestHit, Party, Pass, State, AUDIT},
    variants::Flaw,
};

impl Rules {
    /// Draws an auditor.
    pub fn draw(&self, state: &mut State, honest: bool, hits: bool) {
        let auditors = Account::Party(Party::Auditor);
        state
            .ledger
            .transfer(auditors, Account::AuditLocks, AUDIT_LOCK);
        if honest && hits {
            state.record.honest_hit = HonestHit::Drawn;
        }
        state.audit = Audit::Open(Auditor {
            honest,
            hits,
            left: fresh(AUDIT),
            patience: fresh(AUDIT),
            waits: false,
            answered: false,
        });
    }

    /// Takes the verdict "pass". The first one that counts may be followed by a further auditor.
    pub fn pass(&self, state: &mut State, blind: bool) {
        let Some(auditor) = state.auditor() else {
            return;
        };
        let first = state.passes.is_empty();
        state.passes.push(Pass {
            hits: auditor.hits,
            honest: auditor.honest && state.scene.receipts,
            blind,
            demand: None,
        });
        state.audit = if first { Audit::Passed } else { Audit::In };
    }

    /// Takes the verdict "withheld" of an auditor that was answered and still lacks data: a miss
    /// without penalty.
    pub fn give_up(&self, state: &mut State) {
        let Some(auditor) = state.auditor() else {
            return;
        };
        if auditor.honest && auditor.hits {
            state.record.honest_hit = HonestHit::GaveUp;
        }
        let burned = if self.lack(Flaw::GivingUpCosts) {
            MISS
        } else {
            0
        };
        state.record.gave_up += 1;
        self.release(state, auditor, burned);
    }

    /// An auditor gave no verdict in time.
    pub(crate) fn judge_auditor(&self, state: &mut State) {
        match state.auditor() {
            Some(auditor) if auditor.left == 0 && !auditor.waits => {
                state.record.silent += 1;
                self.release(state, auditor, MISS);
            }
            _ => {}
        }
    }

    /// An auditor at work leaves, and another is drawn.
    fn release(&self, state: &mut State, auditor: Auditor, burned: i32) {
        state
            .ledger
            .transfer(Account::AuditLocks, Account::Burned, burned);
        let auditors = Account::Party(Party::Auditor);
        state
            .ledger
            .transfer(Account::AuditLocks, auditors, AUDIT_LOCK - burned);
        state.record.honest_auditor_lost |= auditor.honest && burned > 0;
        state.audit = Audit::In;
        self.replace(state);
    }

    /// After a miss another auditor is drawn, unless one is at work or three were drawn for
    /// nothing. Who is at work when the third miss comes finishes: its verdict may be a proof.
    pub(crate) fn replace(&self, state: &mut State) {
        let at_work = state.auditor().is_some() && !self.lack(Flaw::ThirdMissEndsAudit);
        if state.is_unaudited() && !at_work {
            state.audit = Audit::In;
        } else if state.audit == Audit::In {
            state.audit = Audit::Due;
        }
    }
}
