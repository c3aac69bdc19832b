//! The dearest job, from its post to its claimed result.

use super::{assignee, match_one, set_block, worker, BOND, PRICE};
use crate::*;
use alloc::vec;
use frame_benchmarking::{whitelisted_caller, BenchmarkError};
use frame_support::traits::{fungible::Balanced, tokens::Precision, UnfilteredDispatchable};
use frame_system::{
    pallet_prelude::{BlockNumberFor, OriginFor},
    RawOrigin,
};
use mizan_protocol::{
    block_number,
    jobs::{BlobServer, JobState, MAX_BLOB_SERVER_BYTES},
};
use sp_core::H256;

/// Misses of a worn job. One more ends it.
const MISSES: u32 = 15;

/// As many as a program may have inputs or outputs.
pub(super) fn hashes() -> Hashes {
    let hashes = vec![H256([7; 32]); Hashes::bound()];
    hashes.try_into().expect("it is the bound; qed")
}

pub(super) fn blob_servers() -> BlobServers {
    let mut address = b"https://".to_vec();
    address.resize(MAX_BLOB_SERVER_BYTES as usize, b'a');
    let server = BlobServer::try_from(address).expect("as long as it may be; qed");
    BlobServers::try_from(vec![server; 4]).expect("four fit; qed")
}

/// The call that posts the dearest job.
pub(super) fn post<T: Config>() -> Call<T> {
    let timing = TimingRecord::<T>::get();
    Call::post_job {
        model: T::BenchmarkHelper::model(),
        batch: 1_000,
        inputs: hashes(),
        price_per_unit: PRICE,
        duration_blocks: timing.min_duration_blocks.saturating_add(1),
        wait_blocks: timing.max_wait_blocks,
        worker: None,
        blob_servers: blob_servers(),
    }
}

pub(super) fn requester<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let who: T::AccountId = whitelisted_caller();
    let _ = T::Currency::deposit(&who, BOND, Precision::Exact)?;
    Ok(who)
}

/// An open job with the longest history. `missing` of its workers could not fetch its inputs.
pub(super) fn worn_job<T: Config>(missing: u32) -> Result<JobId, BenchmarkError> {
    let origin: OriginFor<T> = RawOrigin::Signed(requester::<T>()?).into();
    let id = NextJobId::<T>::get();
    post::<T>().dispatch_bypass_filter(origin)?;
    for miss in 0..MISSES {
        worker::<T>();
        MatchingCursor::<T>::kill();
        match_one::<T>();
        let reason = match miss < missing {
            true => DeclineReason::InputsUnavailable,
            false => DeclineReason::TooLarge,
        };
        let who = RawOrigin::Signed(assignee::<T>(id)?);
        Pallet::<T>::decline_job(who.into(), id, reason)?;
    }
    let job = Jobs::<T>::get(id).ok_or("the job is unknown")?;
    assert!(matches!(job.state, JobState::Open));
    MatchingCursor::<T>::kill();
    Ok(id)
}

/// A worn job that one more worker has.
pub(super) fn worn_and_assigned<T: Config>(
    missing: u32,
) -> Result<(JobId, T::AccountId), BenchmarkError> {
    let id = worn_job::<T>(missing)?;
    worker::<T>();
    match_one::<T>();
    Ok((id, assignee::<T>(id)?))
}

/// The call that attests a job, one block after its assignment.
pub(super) fn attest<T: Config>(id: JobId) -> Call<T> {
    let assigned: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number();
    let assigned_block_hash = H256([9; 32]);
    frame_system::BlockHash::<T>::insert(assigned, assigned_block_hash);
    set_block::<T>(block_number::<T>().saturating_add(1));
    Call::attest_job {
        job: id,
        assigned_block_hash,
        outputs: hashes(),
        trace: H256([8; 32]),
    }
}

/// A worn job with a claimed result.
pub(super) fn worn_and_attested<T: Config>() -> Result<JobId, BenchmarkError> {
    let (id, who) = worn_and_assigned::<T>(0)?;
    let call = attest::<T>(id);
    call.dispatch_bypass_filter(RawOrigin::Signed(who).into())?;
    T::BenchmarkHelper::let_dispute_time_pass();
    Ok(id)
}
