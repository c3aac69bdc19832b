//! The model's auditors and their bonds.

use super::market::{must, Market, Refusal, Who};
use super::money::MIN_AUDITOR_BOND;

/// Verdicts that an auditor can answer for at once.
const MOST_LOCKS: u32 = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Auditor {
    pub(super) who: Who,
    pub(super) bond: u128,
    pub(super) locked: u128,
    pub(super) locks: u32,
}

impl Auditor {
    pub(super) fn free_bond(&self) -> u128 {
        self.bond - self.locked
    }

    /// Whether it can answer for one more verdict.
    pub(super) fn covers(&self, lock: u128) -> bool {
        self.locks < MOST_LOCKS && lock <= self.free_bond()
    }
}

impl Market {
    /// Its place among all auditors.
    pub(super) fn auditor(&self, who: Who) -> Option<usize> {
        self.auditors.iter().position(|auditor| auditor.who == who)
    }

    fn own_place(&self, who: Who) -> Result<usize, Refusal> {
        self.auditor(who).ok_or("Disputes(AuditorUnknown)")
    }

    pub(super) fn register_auditor(&mut self, by: Who, bond: u128) -> Result<(), Refusal> {
        let known = self.auditor(by).is_some();
        must(!known, "Disputes(AlreadyAuditor)")?;
        must(bond >= MIN_AUDITOR_BOND, "Disputes(AuditorBondTooSmall)")?;
        self.accounts[by].hold_auditor_bond(bond)?;
        self.auditors.push(Auditor {
            who: by,
            bond,
            locked: 0,
            locks: 0,
        });
        Ok(())
    }

    pub(super) fn bond_auditor(&mut self, by: Who, amount: u128) -> Result<(), Refusal> {
        let place = self.own_place(by)?;
        let bond = self.auditors[place].bond.checked_add(amount);
        let bond = bond.ok_or("Arithmetic(Overflow)")?;
        self.accounts[by].hold_auditor_bond(amount)?;
        self.auditors[place].bond = bond;
        Ok(())
    }

    pub(super) fn unbond_auditor(&mut self, by: Who, amount: u128) -> Result<(), Refusal> {
        let place = self.own_place(by)?;
        let auditor = &mut self.auditors[place];
        must(amount <= auditor.free_bond(), "Disputes(AuditorBondLocked)")?;
        let rest = auditor.bond - amount;
        must(rest >= MIN_AUDITOR_BOND, "Disputes(AuditorBondTooSmall)")?;
        auditor.bond = rest;
        self.give_back_bond(by, amount);
        Ok(())
    }

    /// The last auditor takes the place of whoever leaves.
    pub(super) fn exit_auditor(&mut self, by: Who) -> Result<(), Refusal> {
        let place = self.own_place(by)?;
        let free = self.auditors[place].locks == 0;
        must(free, "Disputes(AuditorLocksRemain)")?;
        let auditor = self.auditors.swap_remove(place);
        self.give_back_bond(by, auditor.bond);
        Ok(())
    }

    fn give_back_bond(&mut self, who: Who, amount: u128) {
        self.accounts[who].auditor_bond -= amount;
        self.accounts[who].free += amount;
    }

    /// Locks a part of its bond behind a verdict.
    pub(super) fn lock_auditor(&mut self, who: Who, lock: u128) {
        let auditor = self.auditor_mut(who);
        auditor.locked += lock;
        auditor.locks += 1;
    }

    /// Frees a lock, less what is burned of it.
    pub(super) fn unlock_auditor(&mut self, who: Who, lock: u128, burned: u128) {
        let auditor = self.auditor_mut(who);
        auditor.locked -= lock;
        auditor.locks -= 1;
        auditor.bond -= burned;
        self.accounts[who].auditor_bond -= burned;
        self.burned += burned;
    }

    fn auditor_mut(&mut self, who: Who) -> &mut Auditor {
        let place = self.auditor(who).expect("auditors with locks can't leave");
        &mut self.auditors[place]
    }
}
