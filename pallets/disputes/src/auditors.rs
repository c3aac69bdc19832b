//! Auditors and their bonds.

use crate::*;
use frame_support::{
    defensive,
    dispatch::DispatchResult,
    ensure,
    traits::{
        fungible::{BalancedHold, MutateHold},
        tokens::Precision,
        Get, Imbalance, OnUnbalanced,
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_auditor(who: T::AccountId, bond: Balance) -> DispatchResult {
        ensure!(
            !Auditors::<T>::contains_key(&who),
            Error::<T>::AlreadyAuditor
        );
        let least = T::Economics::get().min_auditor_bond;
        ensure!(bond >= least, Error::<T>::AuditorBondTooSmall);
        let place = AuditorCount::<T>::get();
        ensure!(place < MAX_AUDITORS, Error::<T>::TooManyAuditors);
        T::Currency::hold(&HoldReason::AuditorBond.into(), &who, bond)?;
        AuditorCount::<T>::put(place.saturating_add(1));
        AuditorAt::<T>::insert(place, &who);
        let auditor = Auditor {
            bond,
            locked: 0,
            locks: 0,
            place,
        };
        Self::store_auditor(&who, auditor);
        Self::deposit_event(Event::AuditorRegistered { auditor: who, bond });
        Ok(())
    }

    pub(crate) fn do_bond_auditor(who: T::AccountId, amount: Balance) -> DispatchResult {
        let mut auditor = Auditors::<T>::get(&who).ok_or(Error::<T>::AuditorUnknown)?;
        auditor.bond = auditor
            .bond
            .checked_add(amount)
            .ok_or(sp_runtime::ArithmeticError::Overflow)?;
        T::Currency::hold(&HoldReason::AuditorBond.into(), &who, amount)?;
        Self::store_changed_bond(who, auditor);
        Ok(())
    }

    pub(crate) fn do_unbond_auditor(who: T::AccountId, amount: Balance) -> DispatchResult {
        let mut auditor = Auditors::<T>::get(&who).ok_or(Error::<T>::AuditorUnknown)?;
        ensure!(amount <= auditor.free_bond(), Error::<T>::AuditorBondLocked);
        auditor.bond = auditor.bond.saturating_sub(amount);
        let least = T::Economics::get().min_auditor_bond;
        ensure!(auditor.bond >= least, Error::<T>::AuditorBondTooSmall);
        let reason = HoldReason::AuditorBond.into();
        T::Currency::release(&reason, &who, amount, Precision::Exact)?;
        Self::store_changed_bond(who, auditor);
        Ok(())
    }

    pub(crate) fn do_exit_auditor(who: T::AccountId) -> DispatchResult {
        let auditor = Auditors::<T>::get(&who).ok_or(Error::<T>::AuditorUnknown)?;
        ensure!(auditor.locks == 0, Error::<T>::AuditorLocksRemain);
        let reason = HoldReason::AuditorBond.into();
        T::Currency::release(&reason, &who, auditor.bond, Precision::Exact)?;
        Auditors::<T>::remove(&who);
        Self::give_up_place(auditor.place);
        Self::deposit_event(Event::AuditorExited {
            auditor: who,
            bond: auditor.bond,
        });
        Ok(())
    }

    /// The auditor at the last place moves to the one that is free now.
    fn give_up_place(place: u32) {
        let last = AuditorCount::<T>::get().saturating_sub(1);
        AuditorCount::<T>::put(last);
        Self::set_free_bond(last, 0);
        let Some(mover) = AuditorAt::<T>::take(last) else {
            defensive!("every place below the count has an auditor");
            return;
        };
        if place == last {
            return;
        }
        AuditorAt::<T>::insert(place, &mover);
        if let Some(auditor) = Auditors::<T>::get(&mover) {
            Self::store_auditor(&mover, Auditor { place, ..auditor });
        }
    }

    /// Keeps the sums of free bonds right.
    fn store_auditor(who: &T::AccountId, auditor: Auditor) {
        Self::set_free_bond(auditor.place, auditor.free_bond());
        Auditors::<T>::insert(who, auditor);
    }

    fn store_changed_bond(who: T::AccountId, auditor: Auditor) {
        let bond = auditor.bond;
        Self::store_auditor(&who, auditor);
        Self::deposit_event(Event::AuditorBondChanged { auditor: who, bond });
    }

    /// Locks a part of the free bond behind a verdict. Says whether it is large enough.
    pub(crate) fn lock_auditor(who: &T::AccountId, lock: Balance) -> bool {
        let Some(mut auditor) = Auditors::<T>::get(who) else {
            return false;
        };
        if auditor.locks >= MAX_AUDIT_LOCKS || auditor.free_bond() < lock {
            return false;
        }
        auditor.locked = auditor.locked.saturating_add(lock);
        auditor.locks = auditor.locks.saturating_add(1);
        Self::store_auditor(who, auditor);
        true
    }

    /// Frees a lock and burns `penalty` of it. Gives what was burned.
    pub(crate) fn unlock_auditor(who: &T::AccountId, lock: Balance, penalty: Balance) -> Balance {
        let Some(mut auditor) = Auditors::<T>::get(who) else {
            defensive!("an auditor can't leave while it has locks");
            return 0;
        };
        if lock > auditor.locked || auditor.locks == 0 {
            defensive!("more is unlocked than was locked");
        }
        auditor.locked = auditor.locked.saturating_sub(lock);
        auditor.locks = auditor.locks.saturating_sub(1);
        let mut burned = 0;
        if penalty > 0 {
            let reason = HoldReason::AuditorBond.into();
            let (taken, missing) = T::Currency::slash(&reason, who, penalty.min(lock));
            if missing > 0 {
                defensive!("an audit lock was not held in full");
            }
            burned = taken.peek();
            T::BurnedDeposit::on_unbalanced(taken);
        }
        auditor.bond = auditor.bond.saturating_sub(burned);
        Self::store_auditor(who, auditor);
        burned
    }
}
