//! Convictions: what whoever attested a wrong result, or withheld its data, loses.

use crate::*;
use alloc::vec::Vec;
use frame_support::traits::Get;
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::{Assignment, Attestation, Conviction, JobState},
    traits::{ClaimedResult, ClaimedResults, Contributions, Disputes, NotInChallenge, Workforce},
};

impl<T: Config> Pallet<T> {
    /// Ends an attested job: the lock is lost, the requester has the money back.
    pub(crate) fn convict_job(
        id: JobId,
        job: &mut JobOf<T>,
        assignment: Assignment<T::AccountId>,
        attestation: Attestation,
        grounds: Grounds,
        challenger: Option<T::AccountId>,
    ) {
        let provider = assignment.provider.clone();
        let (rewarded, burned) = T::Workforce::convict(
            &assignment.worker,
            &provider,
            assignment.lock,
            challenger.as_ref(),
            T::Economics::get().challenger_share,
        );
        BackedJobs::<T>::remove(&provider, id);
        let payment = Self::release(HoldReason::Payment, &job.requester, job.held);
        job.held = 0;
        let (deposit, _) = Self::give_back_deposit(job, 0);
        let refunded = payment.saturating_add(deposit);
        T::Contributions::record_convicted(&provider);
        Self::unclaim_units(&provider, job.macs);
        let _ = T::Disputes::end(id, Some(&grounds));
        Self::record(
            id,
            Rule::Convicted {
                provider: provider.clone(),
                grounds,
                challenger: challenger.clone(),
                rewarded,
                burned,
                refunded,
            },
        );
        Self::deposit_event(Event::JobConvicted {
            job: id,
            worker: assignment.worker.clone(),
            grounds,
            challenger: challenger.clone(),
            refunded,
        });
        let conviction = Conviction {
            grounds,
            challenger,
            rewarded,
            burned,
            refunded,
            convicted_block: block_number::<T>(),
        };
        job.state = JobState::Convicted(assignment, attestation, conviction);
        Self::keep_for_a_while(id, job);
        Self::look_at_jobs_of(&provider);
    }

    /// Lets the next block take back the jobs that a provider's workers have, and has the results
    /// that they claim audited for certain.
    fn look_at_jobs_of(provider: &T::AccountId) {
        let next = block_number::<T>().saturating_add(1);
        let backed: Vec<_> = BackedJobs::<T>::iter_key_prefix(provider).collect();
        for id in backed {
            let Some(mut job) = Jobs::<T>::get(id) else {
                frame_support::defensive!("a bond backs an unknown job");
                continue;
            };
            match job.state {
                JobState::Assigned(_) => {
                    Self::put_on_agenda(id, &mut job, next);
                    Jobs::<T>::insert(id, job);
                }
                JobState::Attested(..) => T::Disputes::audit_for_certain(id),
                JobState::Open
                | JobState::Settled(..)
                | JobState::Ended { .. }
                | JobState::Convicted(..)
                | JobState::Refused(..) => {}
            }
        }
    }

    /// Takes a job from a worker whose provider was convicted for another.
    pub(crate) fn recall(id: JobId, job: &mut JobOf<T>, assignment: Assignment<T::AccountId>) {
        let Assignment {
            worker, provider, ..
        } = assignment.clone();
        T::Workforce::unlock(&provider, assignment.lock, 0);
        T::Workforce::finish(&worker);
        Self::record(
            id,
            Rule::Recalled {
                worker: worker.clone(),
                provider,
            },
        );
        Self::deposit_event(Event::JobRecalled { job: id, worker });
        Self::reopen(id, job, assignment);
    }

    /// A claimed result will not be paid.
    pub(crate) fn unclaim_units(provider: &T::AccountId, macs: mizan_protocol::Macs) {
        UnitsOf::<T>::mutate(provider, |units| {
            let units = units.get_or_insert_default();
            units.claimed = units.claimed.saturating_sub(macs);
            units.rejected = units.rejected.saturating_add(macs);
        });
    }

    /// A job whose result can be challenged.
    fn in_challenge(id: JobId) -> Result<JobOf<T>, NotInChallenge> {
        let job = Jobs::<T>::get(id).ok_or(NotInChallenge::JobUnknown)?;
        match job.state {
            JobState::Attested(..) => Ok(job),
            JobState::Open | JobState::Assigned(_) | JobState::Ended { .. } => {
                Err(NotInChallenge::NotAttested)
            }
            JobState::Settled(..) | JobState::Refused(..) => Err(NotInChallenge::Over),
            JobState::Convicted(..) => Err(NotInChallenge::AlreadyConvicted),
        }
    }
}

impl<T: Config> ClaimedResults<T::AccountId> for Pallet<T> {
    fn claimed(id: JobId) -> Result<ClaimedResult<T::AccountId>, NotInChallenge> {
        let job = Self::in_challenge(id)?;
        let JobState::Attested(assignment, attestation) = job.state else {
            return Err(NotInChallenge::NotAttested);
        };
        Ok(ClaimedResult {
            requester: job.requester,
            worker: assignment.worker,
            provider: assignment.provider,
            payment: assignment.payment,
            duration_blocks: job.duration_blocks,
            model: job.model,
            batch: job.batch,
            inputs: job.inputs,
            outputs: attestation.outputs,
            trace: attestation.trace,
        })
    }

    fn look_at(id: JobId, block: BlockNumber) {
        let Ok(mut job) = Self::in_challenge(id) else {
            frame_support::defensive!("a job without a claimed result has demands");
            return;
        };
        let next = block_number::<T>().saturating_add(1);
        Self::put_on_agenda(id, &mut job, block.max(next));
        Jobs::<T>::insert(id, job);
    }

    fn note(id: JobId, rule: Rule<T::AccountId>) {
        if let Rule::AuditorDrawn { auditor, .. } = &rule {
            Self::list_under(auditor, id);
        }
        Self::record(id, rule);
    }

    fn convict(
        id: JobId,
        grounds: Grounds,
        challenger: Option<T::AccountId>,
    ) -> Result<(), NotInChallenge> {
        let mut job = Self::in_challenge(id)?;
        let JobState::Attested(assignment, attestation) = job.state.clone() else {
            return Err(NotInChallenge::NotAttested);
        };
        Self::convict_job(id, &mut job, assignment, attestation, grounds, challenger);
        Jobs::<T>::insert(id, job);
        Ok(())
    }
}
