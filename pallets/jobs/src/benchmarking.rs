//! The calls and the steps of the hooks at their worst.
//!
//! The dearest job is *worn*: it names the most inputs and blob servers, fifteen workers of fifteen
//! providers had it and declined, and its history tells all of that.

mod worn_jobs;

use crate::{matching::PAGE, *};
use frame_benchmarking::v2::*;
use frame_support::{
    dispatch::CheckIfFeeless, traits::UnfilteredDispatchable, weights::WeightMeter,
};
use frame_system::{pallet_prelude::OriginFor, RawOrigin};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::{AuditScope, JobState},
    traits::ClaimedResults,
    UNIT,
};
use worn_jobs::{attest, post, requester, worn_and_assigned, worn_and_attested, worn_job};

/// What benchmarks need of the pallets behind the traits.
pub trait BenchmarkHelper<AccountId> {
    /// A model with the most inputs and outputs, and the bytes of whose inputs are few.
    fn model() -> ModelId;
    /// A new worker of a new provider, idle with one slot, heard of in this block.
    fn worker(ask: Balance, bond: Balance) -> AccountId;
    /// A job with a claimed result and the most demands, all of them overdue, whose provider's
    /// bond backs the most other jobs that its workers have.
    fn job_with_silent_worker() -> JobId;
    /// So many auditors passed a result, and its requester ordered an audit. One more auditor is at
    /// work, and every receipt is demanded, if so asked.
    fn fill_audits(job: JobId, passes: u32, at_work: bool);
    /// Lets so much dispute time pass that every period of a dispute is over.
    fn let_dispute_time_pass();
    /// A job with a claimed result that is too large to be demanded, and its requester.
    fn large_result() -> (AccountId, JobId);
}

/// Most auditors that are drawn for a job.
const MOST_DRAWN: u32 = 16;
/// Most verdicts "pass" on a job.
const MOST_PASSES: u32 = 8;
/// Most that the jobs here pay for a compute unit; their workers ask for less.
const PRICE: Balance = UNIT;
/// Covers the lock of each.
const BOND: Balance = 1_000 * UNIT;

fn worker<T: Config>() -> T::AccountId {
    T::BenchmarkHelper::worker(PRICE / 2, BOND)
}

fn set_block<T: Config>(block: BlockNumber) {
    frame_system::Pallet::<T>::set_block_number(block.into());
}

/// All but one of a page of workers, first in the list and not heard of for too long.
fn silent_workers<T: Config>() {
    for ask in 1..PAGE {
        T::BenchmarkHelper::worker(ask.into(), BOND);
    }
    let silence = TimingRecord::<T>::get().liveness_blocks;
    let later = block_number::<T>()
        .saturating_add(silence)
        .saturating_add(1);
    set_block::<T>(later);
}

/// Tries to match one open job.
fn match_one<T: Config>() {
    let mut meter = WeightMeter::with_limit(T::WeightInfo::matching_step());
    Pallet::<T>::match_open_jobs(&mut meter);
}

fn assignee<T: Config>(id: JobId) -> Result<T::AccountId, BenchmarkError> {
    match Jobs::<T>::get(id).map(|job| job.state) {
        Some(JobState::Assigned(assignment)) => Ok(assignment.worker),
        _ => Err("no worker has the job".into()),
    }
}

/// Goes to the block in which the agenda has the job, and to no other of its blocks.
fn go_to_due_block<T: Config>(id: JobId) -> Result<BlockNumber, BenchmarkError> {
    let due = Jobs::<T>::get(id).ok_or("the job is unknown")?.due_block;
    set_block::<T>(due);
    AgendaCursor::<T>::put(due);
    Ok(due)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    /// Fifteen workers of the page fell silent and are taken off the list; the last gets the job.
    #[benchmark]
    fn post_job() -> Result<(), BenchmarkError> {
        silent_workers::<T>();
        worker::<T>();
        let origin: OriginFor<T> = RawOrigin::Signed(requester::<T>()?).into();
        let (id, call) = (NextJobId::<T>::get(), post::<T>());

        #[block]
        {
            call.dispatch_bypass_filter(origin)?;
        }

        assignee::<T>(id)?;
        Ok(())
    }

    #[benchmark]
    fn cancel_job() -> Result<(), BenchmarkError> {
        let id = worn_job::<T>(0)?;
        let requester: T::AccountId = whitelisted_caller();

        #[extrinsic_call]
        _(RawOrigin::Signed(requester), id);

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Ended { .. })));
        Ok(())
    }

    /// The third provider that can't fetch the inputs: the job ends, and part of its deposit is
    /// burned. The look at whether the call is free comes before it and has no weight of its own.
    #[benchmark]
    fn decline_job() -> Result<(), BenchmarkError> {
        let (id, who) = worn_and_assigned::<T>(2)?;
        let reason = DeclineReason::InputsUnavailable;
        let call = Call::<T>::decline_job { job: id, reason };
        let origin: OriginFor<T> = RawOrigin::Signed(who).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)?;
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        let reason = EndReason::InputsUnavailable;
        assert!(matches!(state, Some(JobState::Ended { reason: r, .. }) if r == reason));
        Ok(())
    }

    /// The most outputs, and a worker that asked for less than was offered. The look at whether
    /// the call is free comes before it and has no weight of its own.
    #[benchmark]
    fn attest_job() -> Result<(), BenchmarkError> {
        let (id, who) = worn_and_assigned::<T>(0)?;
        let call = attest::<T>(id);
        let origin: OriginFor<T> = RawOrigin::Signed(who).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)?;
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Attested(..))));
        Ok(())
    }

    /// A block in which nothing is due.
    #[benchmark]
    fn agenda_block() {
        let now = block_number::<T>();
        AgendaCursor::<T>::put(now);

        #[block]
        {
            Pallet::<T>::work_off_agenda(now, &mut WeightMeter::new());
        }

        assert_eq!(AgendaCursor::<T>::get(), now.saturating_add(1));
    }

    /// One job is due, and is paid for. `a`: auditors who are paid. The look at its block is counted
    /// here once more.
    #[benchmark]
    fn settle(a: Linear<0, MOST_PASSES>) -> Result<(), BenchmarkError> {
        let id = worn_and_attested::<T>()?;
        T::BenchmarkHelper::fill_audits(id, a, false);
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Settled(..))));
        Ok(())
    }

    /// One job is due that no worker took.
    #[benchmark]
    fn expire() -> Result<(), BenchmarkError> {
        let id = worn_job::<T>(0)?;
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Ended { .. })));
        Ok(())
    }

    /// One job is due whose worker is silent: the penalty is burned, and as it was the last miss
    /// that the job may have, the job ends.
    #[benchmark]
    fn time_out() -> Result<(), BenchmarkError> {
        let (id, _) = worn_and_assigned::<T>(0)?;
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        let reason = EndReason::TooManyMisses;
        assert!(matches!(state, Some(JobState::Ended { reason: r, .. }) if r == reason));
        Ok(())
    }

    /// One job is due whose worker answers no demand: the lock is burned, demanders have their
    /// deposits back, and the provider's other jobs are put on the agenda.
    #[benchmark]
    fn convict() -> Result<(), BenchmarkError> {
        let id = T::BenchmarkHelper::job_with_silent_worker();
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Convicted(..))));
        Ok(())
    }

    /// One job is due before its worker's time is over. As it was the last that the job may have,
    /// the job ends.
    #[benchmark]
    fn recall() -> Result<(), BenchmarkError> {
        let (id, _) = worn_and_assigned::<T>(0)?;
        let now = block_number::<T>().saturating_add(1);
        Jobs::<T>::mutate_extant(id, |job| Pallet::<T>::put_on_agenda(id, job, now));
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        let state = Jobs::<T>::get(id).map(|job| job.state);
        let reason = EndReason::TooManyMisses;
        assert!(matches!(state, Some(JobState::Ended { reason: r, .. }) if r == reason));
        let last = Histories::<T>::get(id).into_iter().rev().nth(1);
        assert!(matches!(
            last.map(|note| note.rule),
            Some(Rule::Recalled { .. })
        ));
        Ok(())
    }

    #[benchmark]
    fn refuse_delivery() -> Result<(), BenchmarkError> {
        let (requester, id) = T::BenchmarkHelper::large_result();
        T::BenchmarkHelper::fill_audits(id, MOST_PASSES, false);

        #[extrinsic_call]
        _(RawOrigin::Signed(requester), id);

        let state = Jobs::<T>::get(id).map(|job| job.state);
        assert!(matches!(state, Some(JobState::Refused(..))));
        Ok(())
    }

    /// One record is due that is listed under its requester, sixteen workers and providers, and the
    /// most auditors.
    #[benchmark]
    fn forget() -> Result<(), BenchmarkError> {
        let id = worn_and_attested::<T>()?;
        T::BenchmarkHelper::fill_audits(id, MOST_PASSES, false);
        for number in 0..MOST_DRAWN {
            let rule = Rule::AuditorDrawn {
                auditor: account("auditor", number, 0),
                scope: AuditScope::Full,
                lock: 0,
                verdict_by_time: 0,
            };
            <Pallet<T> as ClaimedResults<T::AccountId>>::note(id, rule);
        }
        let due = go_to_due_block::<T>(id)?;
        Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        let due = go_to_due_block::<T>(id)?;

        #[block]
        {
            Pallet::<T>::work_off_agenda(due, &mut WeightMeter::new());
        }

        assert!(!Jobs::<T>::contains_key(id));
        Ok(())
    }

    /// The search goes on behind another worker; fifteen of the page fell silent and are taken off
    /// the list; the last gets the worn job.
    #[benchmark]
    fn matching_step() -> Result<(), BenchmarkError> {
        NextJobId::<T>::put(1);
        let id = worn_job::<T>(0)?;
        silent_workers::<T>();
        worker::<T>();
        let behind = Place {
            ask: 0,
            worker: whitelisted_caller(),
        };
        OpenJobs::<T>::insert(id.to_be_bytes(), Some(behind));
        MatchingCursor::<T>::put(0);

        #[block]
        {
            match_one::<T>();
        }

        assignee::<T>(id)?;
        Ok(())
    }
}
