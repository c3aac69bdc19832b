//! What a worker says to its job: declining and attesting; and its silence.

use crate::*;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{fungible::MutateHold, tokens::Precision, Defensive, Get},
};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::{Assignment, Attestation, JobState},
    traits::{Disputes, Models, Workforce},
};
use sp_core::H256;
use sp_runtime::SaturatedConversion;

/// A job with the assignment that it has.
type Assigned<T> = (JobOf<T>, Assignment<<T as frame_system::Config>::AccountId>);

impl<T: Config> Pallet<T> {
    fn assigned_to(who: &T::AccountId, id: JobId) -> Result<Assigned<T>, Error<T>> {
        let job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
        let assignment = match &job.state {
            JobState::Assigned(assignment) => assignment.clone(),
            JobState::Attested(..)
            | JobState::Settled(..)
            | JobState::Convicted(..)
            | JobState::Refused(..) => return Err(Error::<T>::AlreadyAttested),
            JobState::Open | JobState::Ended { .. } => return Err(Error::<T>::NotAssigned),
        };
        ensure!(&assignment.worker == who, Error::<T>::NotYourAssignment);
        Ok((job, assignment))
    }

    /// The job, if this worker may decline it now.
    pub(crate) fn may_decline(who: &T::AccountId, id: JobId) -> Result<Assigned<T>, Error<T>> {
        let (job, assignment) = Self::assigned_to(who, id)?;
        let last = assignment
            .assigned_block
            .saturating_add(TimingRecord::<T>::get().decline_blocks);
        ensure!(block_number::<T>() <= last, Error::<T>::DeclineTooLate);
        Ok((job, assignment))
    }

    pub(crate) fn do_decline(
        who: T::AccountId,
        id: JobId,
        reason: DeclineReason,
    ) -> DispatchResult {
        let (mut job, assignment) = Self::may_decline(&who, id)?;
        Self::deposit_event(Event::JobDeclined {
            job: id,
            worker: who,
            reason,
        });
        T::Workforce::unlock(&assignment.provider, assignment.lock, 0);
        let paused_until_block = T::Workforce::miss(&assignment.worker);
        Self::record(
            id,
            Rule::Declined {
                worker: assignment.worker.clone(),
                provider: assignment.provider.clone(),
                reason,
                paused_until_block,
            },
        );
        let missing = &mut job.missing_inputs;
        if reason == DeclineReason::InputsUnavailable && !missing.contains(&assignment.provider) {
            // The third ends the job, so the list never has a fourth to take.
            let _ = missing.try_push(assignment.provider.clone());
        }
        Self::reopen(id, &mut job, assignment);
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    /// A worker let the time pass.
    pub(crate) fn time_out(id: JobId, job: &mut JobOf<T>, assignment: Assignment<T::AccountId>) {
        let penalty = T::Economics::get().timeout_penalty(assignment.payment, assignment.lock);
        let burned = T::Workforce::unlock(&assignment.provider, assignment.lock, penalty);
        let paused_until_block = T::Workforce::miss(&assignment.worker);
        Self::record(
            id,
            Rule::TimedOut {
                worker: assignment.worker.clone(),
                provider: assignment.provider.clone(),
                burned,
                paused_until_block,
            },
        );
        Self::deposit_event(Event::JobTimedOut {
            job: id,
            worker: assignment.worker.clone(),
            burned,
        });
        Self::reopen(id, job, assignment);
    }

    /// Takes the job from its worker and opens it for others, or ends it when none can do it.
    pub(crate) fn reopen(id: JobId, job: &mut JobOf<T>, assignment: Assignment<T::AccountId>) {
        let Assignment {
            worker, provider, ..
        } = assignment;
        Self::count_units(&provider, job.macs, |units| &mut units.rejected);
        BackedJobs::<T>::remove(&provider, id);
        JobsOf::<T>::remove(&worker, id);
        let excluded = job.excluded.try_push(worker).is_ok();
        job.state = JobState::Open;
        if job.missing_inputs.is_full() {
            Self::end(id, job, EndReason::InputsUnavailable);
        } else if !excluded || job.excluded.is_full() || job.directed.is_some() {
            Self::end(id, job, EndReason::TooManyMisses);
        } else if block_number::<T>() >= job.wait_until_block {
            Self::end(id, job, EndReason::Expired);
        } else {
            OpenJobs::<T>::insert(id.to_be_bytes(), None::<Place<T::AccountId>>);
            Self::put_on_agenda(id, job, job.wait_until_block.saturating_add(1));
        }
    }

    /// The job, if this worker may attest it so now.
    pub(crate) fn may_attest(
        who: &T::AccountId,
        id: JobId,
        assigned_block_hash: H256,
        outputs: &Hashes,
    ) -> Result<Assigned<T>, Error<T>> {
        let (job, assignment) = Self::assigned_to(who, id)?;
        ensure!(
            block_number::<T>() <= assignment.attest_by_block,
            Error::<T>::AttestTooLate
        );
        let block = frame_system::Pallet::<T>::block_hash(
            frame_system::pallet_prelude::BlockNumberFor::<T>::saturated_from(
                assignment.assigned_block,
            ),
        );
        // The hash of the current block is not known yet and reads as zero.
        let known = assignment.assigned_block < block_number::<T>();
        ensure!(
            known && block == assigned_block_hash,
            Error::<T>::WrongAssignmentBlock
        );
        let expected = T::Models::summary(&job.model).map(|summary| summary.outputs);
        ensure!(
            expected == u32::try_from(outputs.len()).ok(),
            Error::<T>::WrongOutputCount
        );
        Ok((job, assignment))
    }

    pub(crate) fn do_attest(
        who: T::AccountId,
        id: JobId,
        assigned_block_hash: H256,
        outputs: Hashes,
        trace: H256,
    ) -> DispatchResult {
        let (mut job, assignment) = Self::may_attest(&who, id, assigned_block_hash, &outputs)?;
        // From here on the price is fixed: what a cheaper worker leaves goes back.
        let change = job.held.saturating_sub(assignment.payment);
        let reason = HoldReason::Payment.into();
        T::Currency::release(&reason, &job.requester, change, Precision::Exact).defensive()?;
        job.held = assignment.payment;
        T::Workforce::finish(&who);
        JobsOf::<T>::remove(&who, id);
        let attested_block = block_number::<T>();
        let settles_block = T::Disputes::begin(id, assigned_block_hash);
        Self::count_units(&assignment.provider, job.macs, |units| &mut units.claimed);
        Self::record(
            id,
            Rule::Attested {
                worker: who.clone(),
                provider: assignment.provider.clone(),
                returned: change,
                settles_block,
            },
        );
        Self::deposit_event(Event::JobAttested {
            job: id,
            worker: who,
            outputs: outputs.clone(),
            trace,
            settles_block,
        });
        let attestation = Attestation {
            outputs,
            trace,
            attested_block,
            settles_block,
        };
        job.state = JobState::Attested(assignment, attestation);
        Self::put_on_agenda(id, &mut job, Self::looks_at(T::Disputes::due(id)));
        Jobs::<T>::insert(id, job);
        Ok(())
    }
}
