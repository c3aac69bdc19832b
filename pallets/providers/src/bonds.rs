//! Bonds, and the locks on them that back jobs.

use crate::*;
use frame_support::{
    defensive,
    pallet_prelude::*,
    traits::{
        fungible::{BalancedHold, MutateHold},
        tokens::Precision,
        Defensive, OnUnbalanced,
    },
};

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
        let Some(mut provider) =
            Providers::<T>::get(who).defensive_proof("a provider can't leave while it has locks")
        else {
            return 0;
        };
        if lock > provider.locked || provider.locks == 0 {
            defensive!("more is unlocked than was locked");
        }
        provider.locked = provider.locked.saturating_sub(lock);
        provider.locks = provider.locks.saturating_sub(1);
        let penalty = penalty.min(lock);
        let mut burned = 0;
        if penalty > 0 {
            let (credit, missing) = T::Currency::slash(&HoldReason::Bond.into(), who, penalty);
            burned = penalty.saturating_sub(missing);
            provider.bond = provider.bond.saturating_sub(burned);
            T::BurnedBond::on_unbalanced(credit);
            Self::deposit_event(Event::BondBurned {
                provider: who.clone(),
                amount: burned,
            });
        }
        Providers::<T>::insert(who, provider);
        burned
    }
}
