//! What the chain does with receipts: the proof that an auditor which passed had looked.

use crate::{
    money::{Account, AUDIT_LOCK, DEMAND_DEPOSIT},
    rules::Rules,
    state::{fresh, Party, ReceiptDemand, State, ANSWER},
    variants::Flaw,
};

impl Rules {
    /// Demands that the receipt of a pass be opened.
    pub fn demand_receipt(&self, state: &mut State, pass: usize, by: Party) {
        let demander = Account::Party(by);
        state
            .ledger
            .transfer(demander, Account::Deposits, DEMAND_DEPOSIT);
        state.passes[pass].demand = Some(ReceiptDemand {
            by,
            left: fresh(ANSWER),
            patience: fresh(ANSWER),
        });
    }

    /// Takes a right opening: half of the deposit goes to the auditor.
    pub fn open_receipt(&self, state: &mut State, pass: usize) {
        let Some(demand) = state.passes[pass].demand.take() else {
            return;
        };
        let (auditors, half) = (Account::Party(Party::Auditor), DEMAND_DEPOSIT / 2);
        state
            .ledger
            .transfer(Account::Deposits, auditors, DEMAND_DEPOSIT - half);
        state
            .ledger
            .transfer(Account::Deposits, Account::Burned, half);
        state.record.opened[demand.by as usize] += DEMAND_DEPOSIT;
    }

    /// A pass whose receipt was not opened in time does not count: its auditor loses its lock,
    /// the demander has its deposit back, and it is a miss.
    pub(crate) fn judge_receipts(&self, state: &mut State) {
        while let Some(index) = state.silent_receipt() {
            if self.lack(Flaw::UnopenedReceiptIsForgiven) {
                let demand = state.passes[index].demand.take();
                give_back(state, demand);
                continue;
            }
            let pass = state.passes.remove(index);
            give_back(state, pass.demand);
            state
                .ledger
                .transfer(Account::AuditLocks, Account::Burned, AUDIT_LOCK);
            state.record.honest_auditor_lost |= pass.honest;
            state.record.unopened += 1;
            if !self.lack(Flaw::UnopenedReceiptIsNoMiss) {
                self.replace(state);
            }
        }
    }

    /// The job was closed: deposits of open demands go back.
    pub(crate) fn drop_receipt_demands(&self, state: &mut State) {
        for index in 0..state.passes.len() {
            let demand = state.passes[index].demand.take();
            give_back(state, demand);
        }
    }
}

fn give_back(state: &mut State, demand: Option<ReceiptDemand>) {
    if let Some(demand) = demand {
        let demander = Account::Party(demand.by);
        state
            .ledger
            .transfer(Account::Deposits, demander, DEMAND_DEPOSIT);
    }
}

impl State {
    fn silent_receipt(&self) -> Option<usize> {
        let silent = |demand: ReceiptDemand| demand.left == 0;
        self.passes
            .iter()
            .position(|pass| pass.demand.is_some_and(silent))
    }
}
