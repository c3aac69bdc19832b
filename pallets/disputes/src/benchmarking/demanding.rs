//! Accounts with money, and the demands that they make.

use super::RICH;
use crate::*;
use frame_benchmarking::{whitelisted_caller, BenchmarkError};
use frame_support::traits::{fungible::Balanced, tokens::Precision};
use frame_system::RawOrigin;
use mizan_protocol::traits::ClaimedResults;

pub(super) fn account_with_money<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let who: T::AccountId = whitelisted_caller();
    let _ = T::Currency::deposit(&who, RICH, Precision::Exact)?;
    Ok(who)
}

/// Opens demands for the element until `left` places are left.
pub(super) fn open_demands<T: Config>(
    job: JobId,
    left: u32,
) -> Result<T::AccountId, BenchmarkError> {
    let who = account_with_money::<T>()?;
    let requester = T::Results::claimed(job)
        .map_err(|_| "not claimed")?
        .requester;
    let request = Request::Element {
        operation: 0,
        index: 0,
    };
    for _ in 0..OWN_DEMANDS {
        Pallet::<T>::demand(RawOrigin::Signed(requester.clone()).into(), job, request)
            .map_err(|error| error.error)?;
    }
    for _ in left..PUBLIC_DEMANDS {
        Pallet::<T>::demand(RawOrigin::Signed(who.clone()).into(), job, request)
            .map_err(|error| error.error)?;
    }
    Ok(who)
}
