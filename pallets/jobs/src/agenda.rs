//! Which job the chain looks at in which block.

use crate::*;
use frame_support::{defensive, weights::WeightMeter};
use mizan_protocol::jobs::JobState;

impl<T: Config> Pallet<T> {
    /// Moves a job to another block of the agenda. Never to this block or before: what is due
    /// now has been looked at.
    pub(crate) fn put_on_agenda(id: JobId, job: &mut JobOf<T>, block: BlockNumber) {
        Agenda::<T>::remove(job.due_block, id);
        job.due_block = block;
        Agenda::<T>::insert(block, id, ());
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
            if !meter.can_consume(T::WeightInfo::agenda_step()) {
                return false;
            }
            meter.consume(T::WeightInfo::agenda_step());
            Agenda::<T>::remove(block, id);
            Self::do_what_is_due(id);
        }
    }

    fn do_what_is_due(id: JobId) {
        let Some(mut job) = Jobs::<T>::get(id) else {
            defensive!("the agenda names an unknown job");
            return;
        };
        match job.state.clone() {
            JobState::Open => Self::end(id, &mut job, EndReason::Expired),
            JobState::Assigned(assignment) => Self::time_out(id, &mut job, assignment),
            JobState::Attested(assignment, attestation) => {
                Self::settle(id, &mut job, assignment, attestation);
            }
            JobState::Settled(..) | JobState::Ended { .. } => {
                Self::forget(id, &job);
                return;
            }
        }
        Jobs::<T>::insert(id, job);
    }
}
