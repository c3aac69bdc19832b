//! Where a payment goes.

use crate::*;
use frame_support::{
    pallet_prelude::*,
    traits::{
        fungible::Balanced,
        tokens::{Fortitude, Precision, Preservation},
        Imbalance,
    },
};
use mizan_protocol::{block_number, jobs::Settled, traits::Settlement};

/// The parts of a payment, as the constants say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// For the provider.
    pub worker: Balance,
    /// Burned: the burn share, shares that nobody earned, and what rounding leaves.
    pub burned: Balance,
    /// Minted to the provider: `mint_ratio` of the burn share.
    pub minted: Balance,
}

impl Split {
    /// Splits a payment for which no auditor was drawn and whose model has no royalty.
    pub fn of(payment: Balance, economics: &Economics) -> Self {
        // Multiplication by a share of at most one rounds down and can't overflow.
        let worker = economics.worker_share.mul_floor(payment);
        let burn_share = economics.burn_share.mul_floor(payment);
        Self {
            worker,
            burned: payment.saturating_sub(worker),
            minted: economics.mint_ratio.mul_floor(burn_share),
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn burn_credit(credit: CreditOf<T>) {
        Burned::<T>::mutate(|sum| *sum = sum.saturating_add(credit.peek()));
        drop(credit);
    }

    /// Gives money to an account, or burns it when the account can't take it. Says how much the
    /// account got.
    fn pay(who: &T::AccountId, credit: CreditOf<T>) -> Balance {
        let amount = credit.peek();
        match T::Currency::resolve(who, credit) {
            Ok(()) => amount,
            Err(credit) => {
                Self::burn_credit(credit);
                0
            }
        }
    }

    pub(crate) fn do_burn(who: T::AccountId, amount: Balance) -> DispatchResult {
        let credit = T::Currency::withdraw(
            &who,
            amount,
            Precision::Exact,
            Preservation::Preserve,
            Fortitude::Polite,
        )?;
        Self::burn_credit(credit);
        Self::deposit_event(Event::TokensBurned { who, amount });
        Ok(())
    }
}

impl<T: Config> Settlement<T::AccountId, CreditOf<T>> for Pallet<T> {
    fn settle(payment: CreditOf<T>, provider: &T::AccountId) -> Settled {
        let total = payment.peek();
        let split = Split::of(total, &EconomicsRecord::<T>::get());
        let (for_worker, rest) = payment.split(split.worker);
        let worker_paid = Self::pay(provider, for_worker);
        Self::burn_credit(rest);
        Minted::<T>::mutate(|sum| *sum = sum.saturating_add(split.minted));
        let minted = Self::pay(provider, T::Currency::issue(split.minted));
        let burned = total.saturating_sub(worker_paid);
        Self::deposit_event(Event::PaymentSplit {
            provider: provider.clone(),
            worker_paid,
            burned,
            minted,
        });
        let settled_block = block_number::<T>();
        Settled {
            payment: total,
            worker_paid,
            burned,
            minted,
            settled_block,
        }
    }
}
