//! The calls at their worst: each of them convicts a worker whose provider has the most other jobs,
//! with the most demands open.

mod auditing;
mod demanding;

pub use auditing::{fill_audits, forgo_draw};

use crate::*;
use alloc::vec::Vec;
use auditing::{at_work, auditor, last_hit};
use demanding::{account_with_money, open_demands};
use frame_benchmarking::v2::*;
use frame_support::{
    dispatch::CheckIfFeeless,
    traits::{fungible::Balanced, tokens::Precision, PostTransactions, UnfilteredDispatchable},
    weights::Weight,
};
use frame_system::{pallet_prelude::OriginFor, RawOrigin};
use mizan_protocol::{
    jobs::AuditScope,
    traits::{ClaimedResults, Disputes, NotInChallenge},
    weights::LEAST_OPERATION_BYTES,
    Slot, UNIT,
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
    /// A receipt over that job, as [`BenchmarkHelper::wrong_result`] makes it with the longest
    /// evidence, in which the first byte is not the job's; and what opens it there.
    fn false_receipt(operations: u32, parameters: u32, seed: &H256) -> (JobId, H256, Vec<u8>);
    /// The beacon remembers as many blocks as it may. Gives the slot of one whose search takes the
    /// longest.
    fn remember_blocks() -> Slot;
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

fn is_convicted<T: Config>(job: JobId) -> bool {
    T::Results::claimed(job) == Err(NotInChallenge::AlreadyConvicted)
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
        fill_audits::<T>(job, MAX_PASSES, true, true)?;
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
        fill_audits::<T>(job, MAX_PASSES, true, true)?;
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
        fill_audits::<T>(job, MAX_PASSES, true, true)?;
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

    /// The last place of the last page so far.
    #[benchmark]
    fn register_auditor() -> Result<(), BenchmarkError> {
        for number in 0..PAGE.saturating_sub(1) {
            auditor::<T>(number, RICH)?;
        }
        let who = account_with_money::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), RICH / 2);

        assert!(Auditors::<T>::contains_key(who));
        Ok(())
    }

    #[benchmark]
    fn bond_auditor() -> Result<(), BenchmarkError> {
        let who = account_with_money::<T>()?;
        Pallet::<T>::register_auditor(RawOrigin::Signed(who.clone()).into(), RICH / 4)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), UNIT);

        let bond = Auditors::<T>::get(who).map(|auditor| auditor.bond);
        assert_eq!(bond, Some(RICH / 4 + UNIT));
        Ok(())
    }

    #[benchmark]
    fn unbond_auditor() -> Result<(), BenchmarkError> {
        let who = account_with_money::<T>()?;
        Pallet::<T>::register_auditor(RawOrigin::Signed(who.clone()).into(), RICH / 4)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), UNIT);

        let bond = Auditors::<T>::get(who).map(|auditor| auditor.bond);
        assert_eq!(bond, Some(RICH / 4 - UNIT));
        Ok(())
    }

    /// The auditor at the last place, on another page, moves to the one that is free.
    #[benchmark]
    fn exit_auditor() -> Result<(), BenchmarkError> {
        let who = account_with_money::<T>()?;
        Pallet::<T>::register_auditor(RawOrigin::Signed(who.clone()).into(), RICH / 4)?;
        for number in 0..PAGE {
            auditor::<T>(number, RICH)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()));

        assert!(!Auditors::<T>::contains_key(who));
        Ok(())
    }

    /// The last pass after which a further auditor may be drawn. The look at whether the call is free
    /// comes before it and has no weight of its own.
    #[benchmark]
    fn submit_verdict() -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(1, 0, 0);
        open_demands::<T>(job, 0)?;
        fill_audits::<T>(job, MAX_PASSES.saturating_sub(2), true, true)?;
        let verdict = Verdict::Pass {
            receipt: H256([3; 32]),
        };
        let call = Call::<T>::submit_verdict { job, verdict };
        let origin: OriginFor<T> = RawOrigin::Signed(at_work::<T>(job)?).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)
                .map_err(|error| error.error)?;
        }

        let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
        assert!(audit.draw_slot().is_some());
        Ok(())
    }

    /// After the audit is done.
    #[benchmark]
    fn order_audit() -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(1, 0, 0);
        open_demands::<T>(job, 0)?;
        fill_audits::<T>(job, MAX_PASSES.saturating_sub(1), true, false)?;
        Audits::<T>::mutate_extant(job, |audit| audit.order = None);
        let result = T::Results::claimed(job).map_err(|_| "not claimed")?;
        let _ = T::Currency::deposit(&result.requester, RICH, Precision::Exact)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(result.requester), job, AuditScope::Full);

        let order = Audits::<T>::get(job).and_then(|audit| audit.order);
        assert!(order.is_some_and(|order| order.begun));
        Ok(())
    }

    /// The receipt of the last pass, when all others are demanded. `o`: operations. `b`: bytes of
    /// parameters.
    #[benchmark]
    fn demand_receipt(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(o, b / LEAST_PARAMETER_BYTES, 0);
        let who = account_with_money::<T>()?;
        fill_audits::<T>(job, MAX_PASSES, true, true)?;
        let last = MAX_PASSES.saturating_sub(1);
        ReceiptDemands::<T>::remove(job, last);
        Pallet::<T>::forget_receipt_demand(job);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), job, last, 0);

        assert!(ReceiptDemands::<T>::contains_key(job, last));
        Ok(())
    }

    /// A receipt of other bytes: its auditor loses the lock, and another is drawn. The look at
    /// whether the call is free comes before it and has no weight of its own. `o`: operations.
    /// `b`: bytes of parameters.
    #[benchmark]
    fn open_receipt(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let parameters = b / LEAST_PARAMETER_BYTES;
        let seed = H256([1; 32]);
        let (job, receipt, opening) = T::BenchmarkHelper::false_receipt(o, parameters, &seed);
        let who = account_with_money::<T>()?;
        fill_audits::<T>(job, MAX_PASSES, true, false)?;
        Audits::<T>::mutate_extant(job, |audit| {
            if let Some(pass) = audit.passes.get_mut(0) {
                pass.receipt = receipt;
            }
        });
        let opening: Answer = opening.try_into().map_err(|_| "the opening is too long")?;
        let call = Call::<T>::open_receipt {
            job,
            pass: 0,
            opening,
        };
        let origin: OriginFor<T> = RawOrigin::Signed(who).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)
                .map_err(|error| error.error)?;
        }

        let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
        assert!(audit.passes.first().is_some_and(|pass| pass.slashed));
        Ok(())
    }

    /// An auditor at work without a verdict. `r`: passes whose receipts nobody opened.
    #[benchmark]
    fn advance(r: Linear<0, MAX_PASSES>) -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(1, 0, 0);
        fill_audits::<T>(job, r, true, true)?;
        Audits::<T>::mutate_extant(job, |audit| {
            if let Stage::Open(open) = &mut audit.stage {
                open.verdict_by_time = 0;
            }
        });

        #[block]
        {
            let _ = <Pallet<T> as Disputes<T::AccountId>>::advance(job);
        }

        let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
        assert!(audit.passes.iter().all(|pass| pass.slashed));
        assert!(audit.draw_slot().is_some());
        Ok(())
    }

    /// The next one is not due.
    #[benchmark]
    fn look_for_draws() {
        Draws::<T>::insert(Slot::MAX.to_be_bytes(), 0, ());
        let used;

        #[block]
        {
            used = Pallet::<T>::make_draws(Weight::MAX);
        }

        assert_eq!(used, T::WeightInfo::look_for_draws());
    }

    /// A late draw among auditors of several pages, all but one of whom have as many locks as may
    /// be, after as many tries as may be.
    #[benchmark]
    fn draw() -> Result<(), BenchmarkError> {
        let (job, ..) = T::BenchmarkHelper::wrong_result(1, 0, 0);
        let passes = MAX_PASSES.saturating_sub(1);
        fill_audits::<T>(job, passes, true, false)?;
        for number in 0..4 * PAGE {
            let who = auditor::<T>(MAX_PASSES.saturating_add(number), RICH)?;
            Auditors::<T>::mutate_extant(who, |auditor| auditor.locks = MAX_AUDIT_LOCKS);
        }
        let slot = T::BenchmarkHelper::remember_blocks();
        let mut audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
        let pending = PendingDraw {
            slot,
            reason: DrawReason::Certain,
            scope: AuditScope::Full,
            ordered: false,
        };
        audit.stage = Stage::Waits(pending);
        Audits::<T>::insert(job, audit);
        Draws::<T>::insert(slot.to_be_bytes(), job, ());
        let may_audit = last_hit::<T>(job)?;
        Auditors::<T>::mutate_extant(may_audit, |auditor| auditor.locks = 0);

        #[block]
        {
            Draws::<T>::remove(slot.to_be_bytes(), job);
            Pallet::<T>::make_draw(job);
        }

        let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
        assert!(audit.at_work().is_some());
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
