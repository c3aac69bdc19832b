//! Finding a worker for a job.

use crate::*;
use frame_support::{defensive, weights::WeightMeter};
use mizan_protocol::{
    block_number,
    jobs::{Assignment, JobState},
    traits::{Beacon, Candidate, Workforce},
};

/// Idle workers that one attempt looks at.
pub(crate) const PAGE: u32 = 16;

impl<T: Config> Pallet<T> {
    /// Tries to match the open jobs, in the order of their posting, from where the last block
    /// stopped, each at most once a block.
    pub(crate) fn match_open_jobs(meter: &mut WeightMeter) {
        let start = MatchingCursor::<T>::get();
        let mut last = start;
        let mut wrapped = start.is_none();
        while meter.can_consume(T::WeightInfo::matching_step()) {
            meter.consume(T::WeightInfo::matching_step());
            let Some(id) = Self::open_job_after(last) else {
                if wrapped {
                    last = None;
                    break;
                }
                (wrapped, last) = (true, None);
                continue;
            };
            last = Some(id);
            Self::match_one(id);
            let once_around = wrapped && start.is_some_and(|start| id >= start);
            if once_around {
                break;
            }
        }
        if last != start {
            MatchingCursor::<T>::set(last);
        }
    }

    fn open_job_after(last: Option<JobId>) -> Option<JobId> {
        let key = match last {
            Some(id) => {
                OpenJobs::<T>::iter_keys_from(OpenJobs::<T>::hashed_key_for(id.to_be_bytes()))
                    .next()
            }
            None => OpenJobs::<T>::iter_keys().next(),
        };
        key.map(JobId::from_be_bytes)
    }

    fn match_one(id: JobId) {
        let (Some(mut job), Some(after)) =
            (Jobs::<T>::get(id), OpenJobs::<T>::get(id.to_be_bytes()))
        else {
            defensive!("an open job is unknown");
            return;
        };
        let (matched, next) = Self::try_match(id, &mut job, after.as_ref());
        if matched {
            OpenJobs::<T>::remove(id.to_be_bytes());
            Jobs::<T>::insert(id, job);
        } else if next != after {
            OpenJobs::<T>::insert(id.to_be_bytes(), next);
        }
    }

    /// Looks at one page of idle workers. Says whether one of them has the job now, and where
    /// the search goes on if not.
    pub(crate) fn try_match(
        id: JobId,
        job: &mut JobOf<T>,
        after: Option<&Place<T::AccountId>>,
    ) -> (bool, Option<Place<T::AccountId>>) {
        if block_number::<T>() > job.wait_until_block {
            return (false, None);
        }
        let attest_by_block = block_number::<T>().saturating_add(job.duration_blocks);
        let (found, next) = match &job.directed {
            Some(worker) => (T::Workforce::candidate(worker).into_iter().collect(), None),
            None => {
                let page = T::Workforce::idle(after, PAGE);
                // Workers come by their asks: past the offer there is nobody to look for.
                let beyond = page
                    .next
                    .as_ref()
                    .is_some_and(|p| p.ask > job.price_per_unit);
                (page.candidates, page.next.filter(|_| !beyond))
            }
        };
        let best = found
            .into_iter()
            .filter_map(|candidate| Self::terms(job, candidate))
            .min_by_key(|(candidate, _, _)| (candidate.ask, Self::tie_break(id, candidate)));
        match best {
            Some((candidate, payment, lock)) => {
                let matched = Self::assign(id, job, candidate, payment, lock, attest_by_block);
                (matched, next)
            }
            None => (false, next),
        }
    }

    /// Payment and lock of a candidate that may have the job.
    fn terms(
        job: &JobOf<T>,
        candidate: Candidate<T::AccountId>,
    ) -> Option<(Candidate<T::AccountId>, Balance, Balance)> {
        if candidate.ask > job.price_per_unit || job.excluded.contains(&candidate.worker) {
            return None;
        }
        let (payment, lock) = Self::terms_at(job, candidate.ask)?;
        (lock <= candidate.free_bond).then_some((candidate, payment, lock))
    }

    /// A number that nobody can choose ahead of the newest beacon, different for each job.
    fn tie_break(id: JobId, candidate: &Candidate<T::AccountId>) -> [u8; 32] {
        use codec::Encode;
        let subject = (T::Beacon::latest(), id, &candidate.worker);
        subject.using_encoded(sp_io::hashing::blake2_256)
    }

    fn assign(
        id: JobId,
        job: &mut JobOf<T>,
        candidate: Candidate<T::AccountId>,
        payment: Balance,
        lock: Balance,
        attest_by_block: BlockNumber,
    ) -> bool {
        let Candidate {
            worker, provider, ..
        } = candidate;
        if T::Workforce::assign(&worker, lock).is_err() {
            defensive!("a candidate can't be assigned");
            return false;
        }
        let assignment = Assignment {
            worker: worker.clone(),
            provider,
            payment,
            lock,
            assigned_block: block_number::<T>(),
            attest_by_block,
        };
        let assignment_provider = assignment.provider.clone();
        Self::record_assigned(id, &assignment);
        job.state = JobState::Assigned(assignment);
        JobsOf::<T>::insert(&worker, id, ());
        BackedJobs::<T>::insert(&assignment_provider, id, ());
        Self::put_on_agenda(id, job, attest_by_block.saturating_add(1));
        Self::deposit_event(Event::JobAssigned {
            job: id,
            worker,
            payment,
            lock,
            attest_by_block,
        });
        true
    }
}
