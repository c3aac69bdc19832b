//! Auditors, and audits as full as they can be.

use super::RICH;
use crate::*;
use alloc::vec::Vec;
use frame_benchmarking::{account, BenchmarkError};
use frame_support::traits::{
    fungible::{Balanced, MutateHold},
    tokens::Precision,
};
use frame_system::RawOrigin;
use mizan_protocol::{
    jobs::AuditScope,
    traits::{Beacon, ClaimedResults},
    UNIT,
};

/// An auditor whose bond covers the lock of any job here, locked once behind `lock`.
pub(super) fn auditor<T: Config>(
    number: u32,
    bond: Balance,
) -> Result<T::AccountId, BenchmarkError> {
    let who: T::AccountId = account("auditor", number, 0);
    let _ = T::Currency::deposit(&who, bond.saturating_add(UNIT), Precision::Exact)?;
    Pallet::<T>::register_auditor(RawOrigin::Signed(who.clone()).into(), bond)?;
    Ok(who)
}

/// The most passes, each over all of the job and with a demand for its receipt if there are to be
/// any, and an order. One more auditor is at work, if one is to be.
pub fn fill_audits<T: Config>(
    job: JobId,
    passes: u32,
    receipts: bool,
    at_work: bool,
) -> Result<(), BenchmarkError> {
    let mut audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
    let mut case = Cases::<T>::get(job).ok_or("the job has no case")?;
    let (lock, seed) = (UNIT, H256([1; 32]));
    let result = T::Results::claimed(job).map_err(|_| "not claimed")?;
    for number in 0..passes {
        let who = auditor::<T>(number, RICH)?;
        assert!(Pallet::<T>::lock_auditor(&who, lock));
        AuditsOf::<T>::insert(&who, job, ());
        audit
            .drawn
            .try_push(who.clone())
            .map_err(|_| "too many are drawn")?;
        let pass = Pass {
            auditor: who.clone(),
            lock,
            seed,
            scope: AuditScope::Full,
            ordered: number == 0,
            receipt: H256([2; 32]),
            slashed: false,
        };
        audit.passes.try_push(pass).map_err(|_| "too many passes")?;
        if receipts {
            T::Currency::hold(&HoldReason::Demand.into(), &who, UNIT / 2)?;
            let demand = ReceiptDemand {
                demander: who,
                index: 0,
                deposit: UNIT / 2,
                answer_by_time: Time::<T>::get(),
            };
            ReceiptDemands::<T>::insert(job, number, demand);
            case.open_receipts = case.open_receipts.saturating_add(1);
        }
    }
    let price = UNIT / 100;
    let _ = T::Currency::deposit(&result.requester, UNIT, Precision::Exact)?;
    T::Currency::hold(&HoldReason::AuditOrder.into(), &result.requester, price)?;
    audit.order = Some(Order {
        scope: AuditScope::Full,
        price,
        begun: false,
        misses: 0,
    });
    Pallet::<T>::drop_draw(job, &audit);
    audit.stage = Stage::Done;
    if at_work {
        let who = auditor::<T>(MAX_PASSES, RICH)?;
        assert!(Pallet::<T>::lock_auditor(&who, lock));
        AuditsOf::<T>::insert(&who, job, ());
        audit.stage = Stage::Open(OpenAudit {
            auditor: who,
            lock,
            seed,
            scope: AuditScope::Full,
            ordered: false,
            verdict_by_time: DisputeTime::MAX,
            open_demands: 0,
            answered: 1,
        });
    }
    Cases::<T>::insert(job, case);
    Audits::<T>::insert(job, audit);
    Ok(())
}

/// Nothing is drawn for a job any more.
pub fn forgo_draw<T: Config>(job: JobId) {
    if let Some(mut audit) = Audits::<T>::get(job) {
        Pallet::<T>::drop_draw(job, &audit);
        audit.stage = Stage::Done;
        Audits::<T>::insert(job, audit);
    }
}

/// Who is hit by the last of the tries to draw an auditor that hits somebody new.
pub(super) fn last_hit<T: Config>(job: JobId) -> Result<T::AccountId, BenchmarkError> {
    let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
    let beacon = T::Beacon::latest();
    let all = Pallet::<T>::all_free_bonds();
    let mut hits: Vec<_> = (0..drawing::TRIES)
        .filter_map(|attempt| Pallet::<T>::hit(job, &beacon, attempt, all))
        .collect();
    while let Some(last) = hits.pop() {
        if !hits.contains(&last) && !audit.drawn.contains(&last) {
            return Ok(last);
        }
    }
    Err("nobody new is hit".into())
}

/// The auditor at work on a job.
pub(super) fn at_work<T: Config>(job: JobId) -> Result<T::AccountId, BenchmarkError> {
    let audit = Audits::<T>::get(job).ok_or("the job has no audit")?;
    let open = audit.at_work().ok_or("nobody is at work")?;
    Ok(open.auditor.clone())
}
