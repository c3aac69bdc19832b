//! Posting and taking back.

use crate::*;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{
        fungible::{Inspect, MutateHold},
        tokens::{Fortitude, Preservation},
        Get,
    },
};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::{is_blob_server, JobState},
    traits::{ModelSummary, Models},
};
use sp_runtime::DispatchError;

/// What a requester asks for.
pub(crate) struct Offer<AccountId> {
    pub(crate) model: ModelId,
    pub(crate) batch: u32,
    pub(crate) inputs: Hashes,
    pub(crate) price_per_unit: Balance,
    pub(crate) duration_blocks: BlockNumber,
    pub(crate) wait_blocks: BlockNumber,
    pub(crate) worker: Option<AccountId>,
    pub(crate) blob_servers: BlobServers,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_post(
        requester: T::AccountId,
        offer: Offer<T::AccountId>,
    ) -> Result<JobId, DispatchError> {
        let summary = T::Models::summary(&offer.model).ok_or(Error::<T>::ModelUnknown)?;
        Self::check_offer(&offer, &summary)?;
        let economics = T::Economics::get();
        let macs = summary.cost.macs(offer.batch);
        let held = economics
            .payment(offer.price_per_unit, macs)
            .ok_or(Error::<T>::PaymentOverflow)?;
        // The lock behind the job must be a number too.
        economics.lock(held).ok_or(Error::<T>::PaymentOverflow)?;
        let servers = u32::try_from(offer.blob_servers.len()).unwrap_or(u32::MAX);
        let deposit = economics
            .deposit_for_job(summary.inputs, servers)
            .ok_or(Error::<T>::PaymentOverflow)?;
        Self::hold(&requester, held, deposit)?;

        let id = NextJobId::<T>::get();
        NextJobId::<T>::put(
            id.checked_add(1)
                .ok_or(sp_runtime::ArithmeticError::Overflow)?,
        );
        let wait_until_block = block_number::<T>().saturating_add(offer.wait_blocks);
        let mut job = Job {
            requester: requester.clone(),
            model: offer.model,
            batch: offer.batch,
            inputs: offer.inputs,
            macs,
            price_per_unit: offer.price_per_unit,
            held,
            deposit,
            duration_blocks: offer.duration_blocks,
            wait_until_block,
            directed: offer.worker,
            excluded: Default::default(),
            missing_inputs: Default::default(),
            blob_servers: offer.blob_servers,
            state: JobState::Open,
            due_block: wait_until_block,
        };
        Self::list_under(&requester, id);
        Self::record(id, Rule::Posted { held, deposit });
        Self::deposit_event(Event::JobPosted {
            job: id,
            requester,
            model: offer.model,
            held,
        });
        Self::put_on_agenda(id, &mut job, wait_until_block.saturating_add(1));
        let (matched, next) = Self::try_match(id, &mut job, None);
        if !matched {
            OpenJobs::<T>::insert(id.to_be_bytes(), next);
        }
        Jobs::<T>::insert(id, job);
        Ok(id)
    }

    fn check_offer(offer: &Offer<T::AccountId>, summary: &ModelSummary) -> Result<(), Error<T>> {
        ensure!(
            offer.batch > 0 && offer.batch <= summary.max_batch,
            Error::<T>::BatchOutOfRange
        );
        let inputs = u32::try_from(offer.inputs.len()).unwrap_or(u32::MAX);
        ensure!(inputs == summary.inputs, Error::<T>::WrongInputCount);
        let least = T::Economics::get().min_price_per_unit;
        ensure!(offer.price_per_unit >= least, Error::<T>::PriceTooLow);
        let timing = TimingRecord::<T>::get();
        let bytes = summary
            .cost
            .item_input_bytes
            .saturating_mul(u64::from(offer.batch));
        ensure!(
            offer.duration_blocks >= timing.min_duration(bytes),
            Error::<T>::DurationTooShort
        );
        ensure!(
            offer.duration_blocks <= timing.max_duration_blocks,
            Error::<T>::DurationTooLong
        );
        ensure!(offer.wait_blocks > 0, Error::<T>::WaitTooShort);
        ensure!(
            offer.wait_blocks <= timing.max_wait_blocks,
            Error::<T>::WaitTooLong
        );
        ensure!(
            offer.blob_servers.iter().all(|at| is_blob_server(at)),
            Error::<T>::BadBlobServer
        );
        Ok(())
    }

    /// Holds payment and deposit, or neither.
    fn hold(requester: &T::AccountId, payment: Balance, deposit: Balance) -> DispatchResult {
        let total = payment
            .checked_add(deposit)
            .ok_or(Error::<T>::PaymentOverflow)?;
        let free =
            T::Currency::reducible_balance(requester, Preservation::Protect, Fortitude::Polite);
        ensure!(total <= free, Error::<T>::BalanceTooLow);
        T::Currency::hold(&HoldReason::Payment.into(), requester, payment)?;
        T::Currency::hold(&HoldReason::Deposit.into(), requester, deposit)
    }

    pub(crate) fn do_cancel(requester: T::AccountId, id: JobId) -> DispatchResult {
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
        ensure!(job.requester == requester, Error::<T>::NotYourJob);
        ensure!(matches!(job.state, JobState::Open), Error::<T>::NotOpen);
        Self::end(id, &mut job, EndReason::Cancelled);
        Jobs::<T>::insert(id, job);
        Ok(())
    }
}
