//! What must hold after every block.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{ensure, traits::fungible::InspectHold};
use mizan_protocol::jobs::JobState;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::holds_are_what_jobs_hold()?;
        Self::agenda_names_every_job_once()?;
        Self::open_jobs_are_listed()?;
        Self::workers_jobs_are_listed()
    }

    /// What is held on requesters' accounts is exactly what unfinished jobs hold.
    fn holds_are_what_jobs_hold() -> Result<(), DispatchError> {
        let mut sums: BTreeMap<_, (Balance, Balance)> = BTreeMap::new();
        for (_, job) in Jobs::<T>::iter() {
            let ended = matches!(job.state, JobState::Settled(..) | JobState::Ended { .. });
            ensure!(
                !ended || (job.held, job.deposit) == (0, 0),
                "an ended job holds money"
            );
            let (payments, deposits) = sums.entry(job.requester).or_default();
            *payments = payments.saturating_add(job.held);
            *deposits = deposits.saturating_add(job.deposit);
        }
        for (who, (payments, deposits)) in sums {
            let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &who);
            ensure!(
                held(HoldReason::Payment) == payments,
                "payments differ from what is held"
            );
            ensure!(
                held(HoldReason::Deposit) == deposits,
                "deposits differ from what is held"
            );
        }
        Ok(())
    }

    /// Every job is on the agenda once, in the block that it names, and nothing else is.
    fn agenda_names_every_job_once() -> Result<(), DispatchError> {
        let agenda: BTreeSet<_> = Agenda::<T>::iter()
            .map(|(block, id, ())| (id, block))
            .collect();
        let jobs: BTreeSet<_> = Jobs::<T>::iter()
            .map(|(id, job)| (id, job.due_block))
            .collect();
        ensure!(agenda == jobs, "the agenda differs from what jobs name");
        let cursor = AgendaCursor::<T>::get();
        ensure!(
            agenda.iter().all(|(_, block)| *block >= cursor),
            "the agenda's cursor ran ahead"
        );
        Ok(())
    }

    /// The list of open jobs is the list of jobs that are open.
    fn open_jobs_are_listed() -> Result<(), DispatchError> {
        let listed: BTreeSet<_> = OpenJobs::<T>::iter_keys()
            .map(JobId::from_be_bytes)
            .collect();
        let open: BTreeSet<_> = Jobs::<T>::iter()
            .filter(|(_, job)| matches!(job.state, JobState::Open))
            .map(|(id, _)| id)
            .collect();
        ensure!(
            listed == open,
            "the list of open jobs differs from the open jobs"
        );
        Ok(())
    }

    /// The jobs listed by worker are the assigned ones.
    fn workers_jobs_are_listed() -> Result<(), DispatchError> {
        let listed: BTreeSet<_> = JobsOf::<T>::iter().map(|(who, id, ())| (who, id)).collect();
        let mut assigned = BTreeSet::new();
        for (id, job) in Jobs::<T>::iter() {
            if let JobState::Assigned(assignment) = job.state {
                assigned.insert((assignment.worker, id));
            }
        }
        ensure!(
            listed == assigned,
            "the jobs listed by worker are not the assigned ones"
        );
        Ok(())
    }
}
