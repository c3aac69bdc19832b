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
use mizan_protocol::{
    block_number,
    jobs::{AuditOutcome, Settled},
    traits::{Audited, Settlement},
};

/// The parts of a payment, as the constants say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// For the provider.
    pub worker: Balance,
    /// For each auditor.
    pub auditor: Balance,
    /// Burned: the burn share, shares that nobody earned, and what rounding leaves.
    pub burned: Balance,
    /// Minted to the provider: `mint_ratio` of the burn share, nothing if an audit was drawn and
    /// no verdict counts.
    pub minted: Balance,
}

impl Split {
    /// Splits a payment that so many auditors earned a part of, and whose model has no royalty.
    pub fn of(
        payment: Balance,
        economics: &Economics,
        auditors: u32,
        outcome: AuditOutcome,
    ) -> Self {
        // Multiplication by a share of at most one rounds down and can't overflow.
        let worker = economics.worker_share.mul_floor(payment);
        let for_auditors = economics.auditor_share.mul_floor(payment);
        let auditor = for_auditors
            .checked_div(auditors.into())
            .unwrap_or_default();
        let paid = worker.saturating_add(auditor.saturating_mul(auditors.into()));
        let burn_share = economics.burn_share.mul_floor(payment);
        let minted = match outcome {
            AuditOutcome::NotDrawn | AuditOutcome::Passed => {
                economics.mint_ratio.mul_floor(burn_share)
            }
            AuditOutcome::Unaudited => 0,
        };
        Self {
            worker,
            auditor,
            burned: payment.saturating_sub(paid),
            minted,
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
    fn settle(
        payment: CreditOf<T>,
        provider: &T::AccountId,
        audited: &Audited<T::AccountId>,
    ) -> Settled {
        let total = payment.peek();
        let auditors = u32::try_from(audited.auditors.len()).unwrap_or(u32::MAX);
        let economics = EconomicsRecord::<T>::get();
        let split = Split::of(total, &economics, auditors, audited.outcome);
        let (for_worker, mut rest) = payment.split(split.worker);
        let worker_paid = Self::pay(provider, for_worker);
        let mut auditors_paid: Balance = 0;
        for auditor in &audited.auditors {
            let paid = Self::pay(auditor, rest.extract(split.auditor));
            auditors_paid = auditors_paid.saturating_add(paid);
        }
        Self::burn_credit(rest);
        Minted::<T>::mutate(|sum| *sum = sum.saturating_add(split.minted));
        let minted = Self::pay(provider, T::Currency::issue(split.minted));
        let burned = total
            .saturating_sub(worker_paid)
            .saturating_sub(auditors_paid);
        Self::deposit_event(Event::PaymentSplit {
            provider: provider.clone(),
            worker_paid,
            auditors_paid,
            burned,
            minted,
        });
        let settled_block = block_number::<T>();
        Settled {
            payment: total,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit: audited.outcome,
            settled_block,
        }
    }
}
