//! A requester who was not given a large result.

use crate::*;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{fungible::BalancedHold, OnUnbalanced},
};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::JobState,
    traits::{Disputes, Models, Workforce},
};

/// Outputs up to that many bytes can be demanded whole, so nobody needs to refuse them.
pub(crate) const DEMANDABLE_BYTES: u64 = 1024 * 1024;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_refuse_delivery(who: T::AccountId, id: JobId) -> DispatchResult {
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
        ensure!(job.requester == who, Error::<T>::NotYourJob);
        let JobState::Attested(assignment, attestation) = job.state.clone() else {
            return Err(Error::<T>::NotAttested.into());
        };
        let summary = T::Models::summary(&job.model).ok_or(Error::<T>::ModelUnknown)?;
        let bytes = summary
            .cost
            .item_output_bytes
            .saturating_mul(job.batch.into());
        ensure!(bytes > DEMANDABLE_BYTES, Error::<T>::DeliveryCanBeDemanded);
        ensure!(T::Disputes::open_demands(id) == 0, Error::<T>::DemandsOpen);

        let reason = HoldReason::Payment.into();
        let (payment, missing) = T::Currency::slash(&reason, &who, job.held);
        let burned = job.held.saturating_sub(missing);
        T::BurnedDeposit::on_unbalanced(payment);
        job.held = 0;
        let _ = Self::give_back_deposit(&mut job, 0);
        let provider = assignment.provider.clone();
        T::Workforce::unlock(&provider, assignment.lock, 0);
        BackedJobs::<T>::remove(&provider, id);
        Self::unclaim_units(&provider, job.macs);
        let _ = T::Disputes::end(id, None);
        for account in [&who, &provider] {
            Refusals::<T>::mutate(account, |count| *count = count.saturating_add(1));
        }
        let rule = Rule::Refused {
            provider: provider.clone(),
            burned,
        };
        Self::record(id, rule);
        Self::deposit_event(Event::DeliveryRefused {
            job: id,
            requester: who,
            provider,
            burned,
        });
        job.state = JobState::Refused(assignment, attestation, block_number::<T>());
        Self::keep_for_a_while(id, &mut job);
        Jobs::<T>::insert(id, job);
        Ok(())
    }
}
