//! What the chain does: the transitions of a job, and the money they move.

use crate::{
    money::{
        Account, AUDITOR_SHARE, AUDIT_LOCK, CHALLENGER_SHARE, DEMAND_DEPOSIT, LOCK, MINT, PAYMENT,
        PROOF_DEPOSIT, WORKER_SHARE,
    },
    state::{
        fresh, Audit, Auditor, Bounds, Conviction, Demand, FullChecker, Job, Party, ReceiptDemand,
        State, Worker, ANSWER, AUDIT, CHALLENGE, MISSES, QUARTER, ROUNDS, STUFFED_IN_A_ROW,
    },
    variants::Flaw,
};

/// The rules, complete or without one of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// The missing rule.
    pub flaw: Option<Flaw>,
}

impl Rules {
    pub(crate) fn lack(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Opens a demand; an auditor's is its verdict "withheld", at the base price.
    pub fn demand(&self, state: &mut State, by: Party) {
        let dearer = state
            .demands
            .iter()
            .filter(|d| d.by != Party::Auditor)
            .count();
        let deposit = if by == Party::Auditor {
            DEMAND_DEPOSIT
        } else {
            DEMAND_DEPOSIT << dearer
        };
        state
            .ledger
            .transfer(Account::Party(by), Account::Deposits, deposit);
        let (left, patience) = (fresh(ANSWER), fresh(ANSWER));
        state.demands.push(Demand {
            by,
            left,
            patience,
            deposit,
        });
        state.demands.sort_unstable();
        if let (Party::Auditor, Audit::Open(auditor)) = (by, &mut state.audit) {
            auditor.waits = true;
        }
    }

    /// Takes a valid answer: half of the deposit goes to the answerer, and whoever asked has time
    /// to act on it.
    pub fn answer(&self, state: &mut State, index: usize) {
        let Demand { by, deposit, .. } = state.demands.remove(index);
        state
            .ledger
            .transfer(Account::Deposits, Account::Provider, deposit / 2);
        state
            .ledger
            .transfer(Account::Deposits, Account::Burned, deposit - deposit / 2);
        state.record.answered[by as usize] += deposit;
        state.hold_left = match self.flaw {
            Some(Flaw::AnswerDoesNotDelay) => state.hold_left,
            Some(Flaw::AnswerBlockCounts) => QUARTER,
            _ => fresh(QUARTER),
        };
        match (by, &mut state.audit) {
            (Party::Auditor, Audit::Open(auditor)) => {
                auditor.waits = false;
                auditor.answered = true;
                auditor.left = fresh(AUDIT);
                auditor.patience = fresh(AUDIT);
            }
            (Party::Checker, _) => state.checker.learn(state.scene.reaction),
            _ => {}
        }
    }

    /// Judges a fraud proof. Says whether it changed anything.
    pub fn prove(&self, state: &mut State, by: Party, valid: bool) -> bool {
        let checker_is_done = by == Party::Checker;
        if checker_is_done {
            state.checker = FullChecker::Quiet;
        }
        match state.job {
            Job::Convicted(_) if !self.lack(Flaw::SecondConviction) => return checker_is_done,
            Job::Settled if !self.lack(Flaw::ConvictionAfterSettlement) => return checker_is_done,
            _ => {}
        }
        if valid && !self.lack(Flaw::ConvictionWithoutConsequence) {
            self.convict(state, Conviction::Proof(by));
        } else if !valid && by == Party::Auditor && self.lack(Flaw::VerdictWithoutProof) {
            self.convict(state, Conviction::Word);
        } else if !valid {
            state
                .ledger
                .transfer(Account::Party(by), Account::Burned, PROOF_DEPOSIT);
            state.record.refused[by as usize] += 1;
        } else {
            return checker_is_done;
        }
        true
    }

    /// Ends a block and opens the next one.
    pub fn seal(&self, state: &mut State, room: bool) {
        if room {
            state.budget.stuffed_in_a_row = STUFFED_IN_A_ROW;
            state.tick_patience();
        } else {
            state.budget.stuffed -= 1;
            state.budget.stuffed_in_a_row -= 1;
        }
        self.tick_clocks(state, room);
        state.height += 1;
        state.step = 0;
        if state.is_open() {
            self.open_block(state);
        } else {
            state.over = true;
        }
    }

    /// Dispute time passes in blocks with room only.
    fn tick_clocks(&self, state: &mut State, room: bool) {
        if room || self.lack(Flaw::ChallengeClockCountsStuffed) {
            state.challenge_left = state.challenge_left.saturating_sub(1);
            state.hold_left = state.hold_left.saturating_sub(1);
        }
        if room || self.lack(Flaw::AnswerClockCountsStuffed) {
            for demand in &mut state.demands {
                demand.left = demand.left.saturating_sub(1);
            }
        }
        if room || self.lack(Flaw::AuditClockCountsStuffed) {
            if let Audit::Open(Auditor {
                left, waits: false, ..
            }) = &mut state.audit
            {
                *left = left.saturating_sub(1);
            }
        }
        if room || self.lack(Flaw::ReceiptClockCountsStuffed) {
            for demand in state.receipt_demands() {
                demand.left = demand.left.saturating_sub(1);
            }
        }
    }

    /// Before the block's transactions: silence is judged, then the job settles when due.
    fn open_block(&self, state: &mut State) {
        let silence = state.demands.iter().find(|demand| demand.left == 0);
        if let Some(by) = silence.map(|demand| demand.by) {
            match self.flaw {
                Some(Flaw::SilenceIsAwaited) => {}
                Some(Flaw::SilenceIsForgiven) => state.forgive(),
                _ => return self.convict(state, Conviction::Silence(by)),
            }
        }
        self.judge_receipts(state);
        self.judge_auditor(state);
        if self.is_due(state) {
            self.settle(state);
        }
    }

    fn is_due(&self, state: &State) -> bool {
        let end = u8::from(self.lack(Flaw::SettlementBeforeProofs));
        let window = state.challenge_left <= end || self.lack(Flaw::NoWindow);
        let demands = state.demands.is_empty() || self.lack(Flaw::OpenDemandDoesNotDelay);
        let audit = state.audit == Audit::In || self.lack(Flaw::AuditDoesNotDelay);
        let receipts = state.passes.iter().all(|pass| pass.demand.is_none())
            || self.lack(Flaw::ReceiptDoesNotDelay);
        window && state.hold_left <= end && demands && audit && receipts
    }

    fn settle(&self, state: &mut State) {
        let for_auditors = if state.passes.is_empty() {
            0
        } else {
            AUDITOR_SHARE
        };
        let auditors = Account::Party(Party::Auditor);
        state
            .ledger
            .transfer(Account::Payment, Account::Provider, WORKER_SHARE);
        state
            .ledger
            .transfer(Account::Payment, auditors, for_auditors);
        let burned = PAYMENT - WORKER_SHARE - for_auditors;
        state
            .ledger
            .transfer(Account::Payment, Account::Burned, burned);
        if !state.is_unaudited() || self.lack(Flaw::UnauditedMints) {
            state.ledger.mint(MINT);
        }
        state
            .ledger
            .transfer(Account::Lock, Account::Provider, LOCK);
        self.close(state, Job::Settled, 0);
    }

    fn convict(&self, state: &mut State, conviction: Conviction) {
        state
            .ledger
            .transfer(Account::Payment, Account::Requester, PAYMENT);
        let mut slashed = 0;
        let mut rest = LOCK;
        if let Conviction::Proof(challenger) = conviction {
            let challenger = Account::Party(challenger);
            state
                .ledger
                .transfer(Account::Lock, challenger, CHALLENGER_SHARE);
            rest -= CHALLENGER_SHARE;
            if !self.lack(Flaw::BlindPassIsFree) {
                slashed = state.passes.iter().filter(|pass| pass.hits).count() as i32;
            }
        }
        let unslashed = self.lack(Flaw::ConvictionWithoutSlash);
        let to = if unslashed {
            Account::Provider
        } else {
            Account::Burned
        };
        state.ledger.transfer(Account::Lock, to, rest);
        self.close(state, Job::Convicted(conviction), slashed);
    }

    /// Gives back what is still held: deposits of open demands and the auditors' locks.
    fn close(&self, state: &mut State, job: Job, slashed: i32) {
        for Demand { by, deposit, .. } in std::mem::take(&mut state.demands) {
            state
                .ledger
                .transfer(Account::Deposits, Account::Party(by), deposit);
        }
        self.drop_receipt_demands(state);
        let burned = AUDIT_LOCK * slashed;
        state
            .ledger
            .transfer(Account::AuditLocks, Account::Burned, burned);
        let rest = state.ledger.of(Account::AuditLocks);
        state
            .ledger
            .transfer(Account::AuditLocks, Account::Party(Party::Auditor), rest);
        state.record.closings += 1;
        state.job = job;
    }
}

impl State {
    /// Whether an honest party must act before a block with room can end without it.
    pub fn is_awaited(&self) -> bool {
        if !self.is_open() {
            return false;
        }
        let checker = match self.checker {
            FullChecker::Looking { patience, .. } | FullChecker::Ready { patience } => {
                patience == 1
            }
            FullChecker::Quiet | FullChecker::Waiting { .. } => false,
        };
        let worker = self.scene.worker == Worker::Honest
            && self.demands.iter().any(|demand| demand.patience == 1);
        let auditor = self
            .auditor()
            .is_some_and(|a| a.honest && !a.waits && a.patience == 1);
        let opener = self.passes.iter().any(|pass| {
            let due = |demand: ReceiptDemand| demand.patience == 1;
            pass.honest && pass.demand.is_some_and(due)
        });
        checker || worker || auditor || opener
    }

    fn receipt_demands(&mut self) -> impl Iterator<Item = &mut ReceiptDemand> {
        self.passes
            .iter_mut()
            .filter_map(|pass| pass.demand.as_mut())
    }

    /// Drops unanswered demands.
    fn forgive(&mut self) {
        let ledger = &mut self.ledger;
        self.demands.retain(|demand| {
            let answerable = demand.left > 0;
            if !answerable {
                let demander = Account::Party(demand.by);
                ledger.transfer(Account::Deposits, demander, demand.deposit);
            }
            answerable
        });
    }

    fn tick_patience(&mut self) {
        match &mut self.checker {
            FullChecker::Looking { patience, .. } | FullChecker::Ready { patience } => {
                *patience = patience.saturating_sub(1);
            }
            FullChecker::Quiet | FullChecker::Waiting { .. } => {}
        }
        for demand in &mut self.demands {
            demand.patience = demand.patience.saturating_sub(1);
        }
        if let Audit::Open(Auditor {
            patience,
            waits: false,
            ..
        }) = &mut self.audit
        {
            *patience = patience.saturating_sub(1);
        }
        for demand in self.receipt_demands() {
            demand.patience = demand.patience.saturating_sub(1);
        }
    }
}

impl FullChecker {
    /// Its demand was answered.
    fn learn(&mut self, reaction: u8) {
        let patience = fresh(reaction);
        if let Self::Waiting { rounds } = *self {
            *self = match rounds.saturating_sub(1) {
                0 => Self::Ready { patience },
                rounds => Self::Looking { rounds, patience },
            };
        }
    }
}

/// A block by which every run has ended, whatever the bounded adversary does: the challenge
/// period, an answer period and the delay after it for each demand, and all audits, as if nothing
/// overlapped; a demand for the receipt of every pass, if there are any; the blocks without room;
/// and two to settle and to end.
pub fn last_height(bounds: &Bounds) -> u8 {
    let demands = ROUNDS + bounds.spam + bounds.withheld;
    let audits = MISSES + 1 + bounds.withheld;
    let receipts = (MISSES + bounds.receipts) * u8::from(bounds.receipts > 0);
    CHALLENGE
        + demands * (ANSWER + QUARTER)
        + audits * AUDIT
        + receipts * (AUDIT + ANSWER)
        + bounds.stuffed
        + 2
}
