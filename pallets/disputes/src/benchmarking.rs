//! The calls at their worst: each of them convicts a worker whose provider has the most other jobs,
//! with the most demands open.

use crate::*;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
    dispatch::CheckIfFeeless,
    traits::{fungible::Balanced, tokens::Precision, PostTransactions, UnfilteredDispatchable},
};
use frame_system::{pallet_prelude::OriginFor, RawOrigin};
use mizan_protocol::{
    traits::{ClaimedResults, NotInChallenge},
    weights::LEAST_OPERATION_BYTES,
    UNIT,
};
use mizan_tensor::{MAX_OPERATIONS, MAX_PROGRAM_BYTES};

/// What benchmarks need of the pallets behind the traits.
pub trait BenchmarkHelper<AccountId, Signature> {
    /// A job whose worker claims a wrong number, the accusation and its evidence of about so many
    /// bytes. Its program has so many operations, and so many parameters that nothing reads. Its
    /// provider's bond backs the most other jobs that its workers have.
    fn wrong_result(
        operations: u32,
        parameters: u32,
        evidence_bytes: u32,
    ) -> (JobId, Accusation, Vec<u8>);
    /// Another attestation of the same assignment, with the most outputs, as its worker signs it.
    fn second_attestation(job: JobId) -> (Vec<u8>, Signature);
}

/// Bytes of the shortest parameter: its hash, its element type and one dimension.
const LEAST_PARAMETER_BYTES: u32 = 38;
/// Most parameters besides the most operations, with room for what every program has.
const MOST_PARAMETERS: u32 =
    (MAX_PROGRAM_BYTES - LEAST_OPERATION_BYTES * MAX_OPERATIONS - 1_024) / LEAST_PARAMETER_BYTES;
/// The longest evidence that one operation of today needs, less what the paths add.
const LONG_EVIDENCE: u32 = 128 * 1_024;
/// Demands that an account other than the requester can open.
const RICH: Balance = 100_000 * UNIT;

fn account_with_money<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let who: T::AccountId = whitelisted_caller();
    let _ = T::Currency::deposit(&who, RICH, Precision::Exact)?;
    Ok(who)
}

fn is_convicted<T: Config>(job: JobId) -> bool {
    T::Results::claimed(job) == Err(NotInChallenge::AlreadyConvicted)
}

/// Opens demands for the element until `left` places are left.
fn open_demands<T: Config>(job: JobId, left: u32) -> Result<T::AccountId, BenchmarkError> {
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

#[benchmarks]
mod benchmarks {
    use super::*;

    /// `o`: operations. `b`: bytes of parameters. `e`: bytes of evidence.
    #[benchmark]
    fn submit_fraud_proof(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
        e: Linear<2_048, LONG_EVIDENCE>,
    ) -> Result<(), BenchmarkError> {
        let parameters = b / LEAST_PARAMETER_BYTES;
        let (job, accusation, evidence) = T::BenchmarkHelper::wrong_result(o, parameters, e);
        let who = open_demands::<T>(job, 0)?;
        let evidence = evidence
            .try_into()
            .map_err(|_| "the evidence is too long")?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who), job, accusation, evidence);

        assert!(is_convicted::<T>(job));
        Ok(())
    }

    #[benchmark]
    fn submit_second_attestation() -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(1, 0, 0);
        let who = open_demands::<T>(job, 0)?;
        let (payload, signature) = T::BenchmarkHelper::second_attestation(job);
        let payload = payload.try_into().map_err(|_| "the payload is too long")?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who), job, payload, signature);

        assert!(is_convicted::<T>(job));
        Ok(())
    }

    /// The last place. `o`: operations. `b`: bytes of parameters.
    #[benchmark]
    fn demand(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(o, b / LEAST_PARAMETER_BYTES, 0);
        let who = open_demands::<T>(job, 1)?;
        let request = Request::Element {
            operation: 0,
            index: 0,
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(who), job, request);

        let open = Cases::<T>::get(job).map(|case| case.open_demands);
        assert_eq!(open, Some(OWN_DEMANDS + PUBLIC_DEMANDS));
        Ok(())
    }

    /// An answer that convicts. The look at whether the call is free comes before it and has no
    /// weight of its own. `o`: operations. `b`: bytes of parameters. `e`: bytes of the answer.
    #[benchmark]
    fn answer(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
        e: Linear<2_048, LONG_EVIDENCE>,
    ) -> Result<(), BenchmarkError> {
        let parameters = b / LEAST_PARAMETER_BYTES;
        let (job, _, evidence) = T::BenchmarkHelper::wrong_result(o, parameters, e);
        let who = open_demands::<T>(job, 0)?;
        let given: Answer = evidence.try_into().map_err(|_| "the answer is too long")?;
        let call = Call::<T>::answer {
            job,
            demand: 0,
            answer: given,
        };
        let origin: OriginFor<T> = RawOrigin::Signed(who).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)
                .map_err(|error| error.error)?;
        }

        assert!(is_convicted::<T>(job));
        Ok(())
    }

    #[benchmark]
    fn tick() {
        let before = Time::<T>::get();

        #[block]
        {
            Pallet::<T>::post_transactions();
        }

        assert_eq!(Time::<T>::get(), before + 1);
    }
}
