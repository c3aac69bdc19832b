//! Bonds, and the locks on them that back jobs.

use crate::*;
use frame_support::{
    defensive,
    pallet_prelude::*,
    traits::{
        fungible::{Balanced, BalancedHold, MutateHold},
        tokens::Precision,
        Defensive, Imbalance, OnUnbalanced,
    },
};
use sp_runtime::Perbill;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_provider(who: T::AccountId, bond: Balance) -> DispatchResult {
        ensure!(
            !Providers::<T>::contains_key(&who),
            Error::<T>::AlreadyRegistered
        );
        ensure!(
            bond >= T::Economics::get().min_bond,
            Error::<T>::BondTooSmall
        );
        T::Currency::hold(&HoldReason::Bond.into(), &who, bond)?;
        Providers::<T>::insert(
            &who,
            Provider {
                bond,
                ..Provider::default()
            },
        );
        Self::deposit_event(Event::ProviderRegistered {
            provider: who,
            bond,
        });
        Ok(())
    }

    pub(crate) fn do_bond(who: T::AccountId, amount: Balance) -> DispatchResult {
        let mut provider = Providers::<T>::get(&who).ok_or(Error::<T>::ProviderUnknown)?;
        provider.bond = provider
            .bond
            .checked_add(amount)
            .ok_or(sp_runtime::ArithmeticError::Overflow)?;
        T::Currency::hold(&HoldReason::Bond.into(), &who, amount)?;
        Self::store_bond(who, provider);
        Ok(())
    }

    pub(crate) fn do_unbond(who: T::AccountId, amount: Balance) -> DispatchResult {
        let mut provider = Providers::<T>::get(&who).ok_or(Error::<T>::ProviderUnknown)?;
        ensure!(amount <= provider.free_bond(), Error::<T>::BondLocked);
        provider.bond = provider.bond.saturating_sub(amount);
        ensure!(
            provider.bond >= T::Economics::get().min_bond,
            Error::<T>::BondTooSmall
        );
        T::Currency::release(&HoldReason::Bond.into(), &who, amount, Precision::Exact)?;
        Self::store_bond(who, provider);
        Ok(())
    }

    fn store_bond(who: T::AccountId, provider: Provider) {
        let bond = provider.bond;
        Providers::<T>::insert(&who, provider);
        Self::deposit_event(Event::BondChanged {
            provider: who,
            bond,
        });
    }

    pub(crate) fn do_exit(who: T::AccountId) -> DispatchResult {
        let provider = Providers::<T>::get(&who).ok_or(Error::<T>::ProviderUnknown)?;
        ensure!(provider.workers == 0, Error::<T>::WorkersRemain);
        ensure!(provider.locks == 0, Error::<T>::LocksRemain);
        T::Currency::release(
            &HoldReason::Bond.into(),
            &who,
            provider.bond,
            Precision::Exact,
        )?;
        Providers::<T>::remove(&who);
        Self::deposit_event(Event::ProviderExited {
            provider: who,
            bond: provider.bond,
        });
        Ok(())
    }

    /// Locks part of the free bond behind one job.
    pub(crate) fn lock_bond(who: &T::AccountId, lock: Balance) -> DispatchResult {
        Providers::<T>::try_mutate(who, |provider| {
            let provider = provider.as_mut().ok_or(Error::<T>::ProviderUnknown)?;
            ensure!(provider.locks < MAX_LOCKS, Error::<T>::TooManyLocks);
            ensure!(lock <= provider.free_bond(), Error::<T>::FreeBondTooSmall);
            provider.locked = provider.locked.saturating_add(lock);
            provider.locks = provider.locks.saturating_add(1);
            Ok(())
        })
    }

    /// Frees a lock, less a penalty that is burned. Gives what was burned.
    pub(crate) fn unlock_bond(who: &T::AccountId, lock: Balance, penalty: Balance) -> Balance {
        let taken = Self::free_lock(who, lock, penalty);
        let burned = taken.peek();
        if burned > 0 {
            Self::burn_bond(who, taken);
        }
        burned
    }

    /// Takes a whole lock: a share for the challenger, the rest burned. Gives both amounts.
    pub(crate) fn take_lock(
        who: &T::AccountId,
        lock: Balance,
        challenger: Option<&T::AccountId>,
        share: Perbill,
    ) -> (Balance, Balance) {
        let mut taken = Self::free_lock(who, lock, lock);
        let mut rewarded = 0;
        if let Some(challenger) = challenger {
            let reward = taken.extract(share.mul_floor(taken.peek()));
            let amount = reward.peek();
            match T::Currency::resolve(challenger, reward) {
                Ok(()) => rewarded = amount,
                // An account that can't take it has it burned.
                Err(reward) => taken = taken.merge(reward),
            }
        }
        let burned = taken.peek();
        Self::burn_bond(who, taken);
        (rewarded, burned)
    }

    fn burn_bond(who: &T::AccountId, taken: CreditOf<T>) {
        let amount = taken.peek();
        T::BurnedBond::on_unbalanced(taken);
        Self::deposit_event(Event::BondBurned {
            provider: who.clone(),
            amount,
        });
    }

    /// Frees a lock and takes `penalty` of it out of the bond.
    fn free_lock(who: &T::AccountId, lock: Balance, penalty: Balance) -> CreditOf<T> {
        let Some(mut provider) =
            Providers::<T>::get(who).defensive_proof("a provider can't leave while it has locks")
        else {
            return CreditOf::<T>::zero();
        };
        if lock > provider.locked || provider.locks == 0 {
            defensive!("more is unlocked than was locked");
        }
        provider.locked = provider.locked.saturating_sub(lock);
        provider.locks = provider.locks.saturating_sub(1);
        let penalty = penalty.min(lock);
        let taken = if penalty > 0 {
            let (taken, missing) = T::Currency::slash(&HoldReason::Bond.into(), who, penalty);
            if missing > 0 {
                defensive!("a lock was not held in full");
            }
            taken
        } else {
            CreditOf::<T>::zero()
        };
        provider.bond = provider.bond.saturating_sub(taken.peek());
        Providers::<T>::insert(who, provider);
        taken
    }
}
