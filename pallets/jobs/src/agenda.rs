//! Which job the chain looks at in which block.

use crate::*;
use frame_support::{
    defensive,
    weights::{Weight, WeightMeter},
};
use mizan_protocol::{
    block_number,
    jobs::JobState,
    traits::{Disputes, Due},
};

impl<T: Config> Pallet<T> {
    /// Moves a job to another block of the agenda. Never to this block or before: what is due
    /// now has been looked at.
    pub(crate) fn put_on_agenda(id: JobId, job: &mut JobOf<T>, block: BlockNumber) {
        Agenda::<T>::remove(job.due_block, id);
        job.due_block = block;
        Agenda::<T>::insert(block, id, ());
    }

    /// The block in which the chain looks again at a claimed result.
    pub(crate) fn looks_at(due: Due) -> BlockNumber {
        let next = block_number::<T>().saturating_add(1);
        match due {
            Due::Nothing(block) => block.max(next),
            Due::Settle | Due::Convict(_) => next,
        }
    }

    /// Does what is due up to this block, as far as the meter allows. The rest is done in the
    /// next one.
    pub(crate) fn work_off_agenda(now: BlockNumber, meter: &mut WeightMeter) {
        let start = AgendaCursor::<T>::get();
        let mut cursor = start;
        while cursor <= now && meter.can_consume(T::WeightInfo::agenda_block()) {
            meter.consume(T::WeightInfo::agenda_block());
            if !Self::work_off_block(cursor, meter) {
                break;
            }
            cursor = cursor.saturating_add(1);
        }
        if cursor != start {
            AgendaCursor::<T>::put(cursor);
        }
    }

    /// Says whether nothing of that block is left.
    fn work_off_block(block: BlockNumber, meter: &mut WeightMeter) -> bool {
        loop {
            let Some(id) = Agenda::<T>::iter_key_prefix(block).next() else {
                return true;
            };
            if !meter.can_consume(Self::agenda_step()) {
                return false;
            }
            Agenda::<T>::remove(block, id);
            meter.consume(Self::do_what_is_due(id));
        }
    }

    /// The weight of one job of the agenda, whatever is due.
    pub(crate) fn agenda_step() -> Weight {
        T::WeightInfo::agenda_step(T::Disputes::most_passes())
            .saturating_add(T::Disputes::advance_weight())
    }

    /// Gives what it weighed.
    fn do_what_is_due(id: JobId) -> Weight {
        let Some(mut job) = Jobs::<T>::get(id) else {
            defensive!("the agenda names an unknown job");
            return T::WeightInfo::agenda_step(0);
        };
        let weight = match job.state.clone() {
            JobState::Open => {
                Self::end(id, &mut job, EndReason::Expired);
                T::WeightInfo::expire()
            }
            // Before its time is over, an assigned job is looked at only to take it back.
            JobState::Assigned(assignment) if block_number::<T>() <= assignment.attest_by_block => {
                Self::recall(id, &mut job, assignment);
                T::WeightInfo::recall()
            }
            JobState::Assigned(assignment) => {
                Self::time_out(id, &mut job, assignment);
                T::WeightInfo::time_out()
            }
            JobState::Attested(assignment, attestation) => {
                let (due, advanced) = T::Disputes::advance(id);
                let weight = match due {
                    Due::Settle => {
                        let auditors = T::Disputes::passes(id);
                        Self::settle(id, &mut job, assignment, attestation);
                        T::WeightInfo::settle(auditors)
                    }
                    Due::Nothing(_) => {
                        Self::put_on_agenda(id, &mut job, Self::looks_at(due));
                        T::WeightInfo::settle(0)
                    }
                    Due::Convict(request) => {
                        let grounds = Grounds::Unanswered(request);
                        Self::convict_job(id, &mut job, assignment, attestation, grounds, None);
                        T::WeightInfo::convict()
                    }
                };
                weight.saturating_add(advanced)
            }
            JobState::Settled(..)
            | JobState::Ended { .. }
            | JobState::Convicted(..)
            | JobState::Refused(..) => {
                Self::forget(id, &job);
                return T::WeightInfo::forget();
            }
        };
        Jobs::<T>::insert(id, job);
        weight
    }
}
