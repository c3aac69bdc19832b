//! The model's money: accounts, what leaves them, and the protocol's prices.

use super::market::{must, Market, Refusal, Who};
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::{
    jobs::{AuditOutcome, AuditScope},
    UNIT,
};
use polkadot_sdk::*;
use sp_core::U256;

/// Least price of a compute unit.
pub(super) const MIN_PRICE: u128 = UNIT / 1_000;
/// Least bond of a provider.
pub(super) const MIN_BOND: u128 = 10 * UNIT;
/// What a fraud proof that proves nothing costs.
pub(super) const PROOF_DEPOSIT: u128 = UNIT / 10;
/// Deposit of the first demand on a job.
pub(super) const DEMAND_DEPOSIT: u128 = UNIT / 10;
/// Part of every payment that does not depend on its size.
const FLAT_PRICE: u128 = UNIT / 10;

/// How often, in a hundred, a claimed result is audited, and a pass followed by a further audit.
pub(super) const AUDITED: u128 = 50;
pub(super) const FOLLOWED: u128 = 50;
/// Least bond of an auditor.
pub(super) const MIN_AUDITOR_BOND: u128 = 10 * UNIT;
/// Shares are counted in billionths.
const ONE: u128 = 1_000_000_000;
/// What an attacker does not have of the slots, and of the auditors' bonds.
const TWO_THIRDS: u128 = 666_666_667;

/// Payment for a number of multiply-accumulates; `None` when it is no number.
pub(super) fn payment(price: u128, macs: u128) -> Option<u128> {
    let unit = U256::from(1_000_000_000u128);
    let product = U256::from(price) * U256::from(macs);
    let rounded_up = (product + unit - U256::one()) / unit;
    u128::try_from(rounded_up).ok()?.checked_add(FLAT_PRICE)
}

/// Bond behind a job of that payment; `None` when it is no number.
pub(super) fn lock(payment: u128) -> Option<u128> {
    // p (1 - v) (1 - c) d, rounded down at each step.
    const CONVICTION: u128 = AUDITED * (ONE / 100) * TWO_THIRDS / ONE * TWO_THIRDS / ONE * 9 / 10;
    let up = U256::from(payment) * U256::from((ONE - CONVICTION) * ONE);
    let down = U256::from(CONVICTION * (ONE - ONE / 5));
    u128::try_from((up + down - U256::one()) / down).ok()
}

/// Bond behind a verdict on a job of that payment: a bribe must cost more than it can gain.
pub(super) fn audit_lock(payment: u128) -> u128 {
    const CAUGHT: u128 = FOLLOWED * (ONE / 100) * TWO_THIRDS / ONE;
    (payment * ONE).div_ceil(CAUGHT)
}

/// What an audit of that scope costs the requester who orders it.
pub(super) fn audit_price(scope: AuditScope, payment: u128) -> u128 {
    let percent = match scope {
        AuditScope::Sampled => 5,
        AuditScope::Full => 20,
    };
    (payment * percent).div_ceil(100)
}

/// Deposit for a job's record.
pub(super) fn job_deposit(inputs: usize, servers: usize) -> u128 {
    (10 + inputs + 4 * servers) as u128 * (UNIT / 100)
}

/// A payment's parts: for the provider, for each of so many auditors, burned, and minted on top.
pub(super) fn split(payment: u128, auditors: usize, audit: AuditOutcome) -> [u128; 4] {
    let worker = payment * 85 / 100;
    let auditors = auditors as u128;
    let each = (payment * 5 / 100).checked_div(auditors).unwrap_or(0);
    let mints = audit != AuditOutcome::Unaudited;
    let minted = if mints { payment * 8 / 100 / 2 } else { 0 };
    [worker, each, payment - worker - each * auditors, minted]
}

/// Where an actor's money is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) free: u128,
    pub(super) bond: u128,
    pub(super) payment: u128,
    pub(super) deposit: u128,
    pub(super) demands: u128,
    pub(super) auditor_bond: u128,
    pub(super) order: u128,
}

impl Account {
    pub(super) fn with(free: u128) -> Self {
        Self {
            free,
            ..Self::default()
        }
    }

    pub(super) fn held(&self) -> u128 {
        self.bond + self.payment + self.deposit + self.demands + self.auditor_bond + self.order
    }

    pub(super) fn total(&self) -> u128 {
        self.free + self.held()
    }

    /// What can leave while the account stays.
    pub(super) fn spendable(&self) -> u128 {
        self.free.saturating_sub(EXISTENTIAL_DEPOSIT)
    }

    /// What can be held for a bond; payments and deposits have a refusal of their own.
    pub(super) fn hold_bond(&mut self, amount: u128) -> Result<(), Refusal> {
        self.take(amount)?;
        self.bond += amount;
        Ok(())
    }

    /// The same for the bond of an auditor.
    pub(super) fn hold_auditor_bond(&mut self, amount: u128) -> Result<(), Refusal> {
        self.take(amount)?;
        self.auditor_bond += amount;
        Ok(())
    }

    fn take(&mut self, amount: u128) -> Result<(), Refusal> {
        must(amount <= self.spendable(), "Token(FundsUnavailable)")?;
        self.free -= amount;
        Ok(())
    }
}

impl Market {
    /// An account from which something is held can't be emptied.
    pub(super) fn transfer(
        &mut self,
        from: Who,
        to: Who,
        amount: u128,
        keep_alive: bool,
    ) -> Result<(), Refusal> {
        if amount == 0 {
            return Ok(());
        }
        must(amount <= self.issuance(), "Arithmetic(Underflow)")?;
        let source = self.accounts[from];
        must(amount <= source.free, "Token(FundsUnavailable)")?;
        let rest = source.free - amount;
        let dies = rest < EXISTENTIAL_DEPOSIT;
        must(!dies || source.held() == 0, "Token(Frozen)")?;
        must(!dies || !keep_alive, "Token(NotExpendable)")?;
        let arrives = self.accounts[to].free + amount;
        must(arrives >= EXISTENTIAL_DEPOSIT, "Token(BelowMinimum)")?;
        if from == to {
            return Ok(());
        }
        self.accounts[from].free = if dies { 0 } else { rest };
        // What is left is too little to keep an account for.
        self.burned += if dies { rest } else { 0 };
        self.accounts[to].free += amount;
        Ok(())
    }

    pub(super) fn burn(&mut self, by: Who, amount: u128) -> Result<(), Refusal> {
        let account = &mut self.accounts[by];
        must(amount <= account.spendable(), "Token(FundsUnavailable)")?;
        account.free -= amount;
        self.burned += amount;
        Ok(())
    }

    /// All tokens there are.
    pub(super) fn issuance(&self) -> u128 {
        super::on_chain::GENESIS + self.minted - self.burned
    }
}
