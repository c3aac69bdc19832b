//! What must hold after every block.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{ensure, traits::fungible::InspectHold};
use mizan_protocol::{explain::Rule, jobs::JobState};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::holds_are_what_jobs_hold()?;
        Self::agenda_names_every_job_once()?;
        Self::open_jobs_are_listed()?;
        Self::workers_jobs_are_listed()?;
        Self::histories_end_in_the_state()?;
        Self::jobs_are_listed_under_all_in_them()?;
        Self::pending_units_are_those_attested()?;
        Self::backed_jobs_are_listed()
    }

    /// What is held on requesters' accounts is exactly what unfinished jobs hold.
    fn holds_are_what_jobs_hold() -> Result<(), DispatchError> {
        let mut sums: BTreeMap<_, (Balance, Balance)> = BTreeMap::new();
        for (_, job) in Jobs::<T>::iter() {
            let ended = !matches!(
                job.state,
                JobState::Open | JobState::Assigned(_) | JobState::Attested(..)
            );
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

    /// Every job has a history that begins with its post and ends in its state, and nothing else
    /// has one.
    fn histories_end_in_the_state() -> Result<(), DispatchError> {
        ensure!(
            Histories::<T>::iter_keys().all(Jobs::<T>::contains_key),
            "an unknown job has a history"
        );
        for (id, job) in Jobs::<T>::iter() {
            let history = Histories::<T>::get(id);
            let (first, last) = (history.first(), history.last());
            ensure!(
                first.is_some_and(|note| matches!(note.rule, Rule::Posted { .. })),
                "a history does not begin with the post"
            );
            let fits = last.is_some_and(|note| match &job.state {
                JobState::Open => matches!(
                    note.rule,
                    Rule::Posted { .. }
                        | Rule::Declined { .. }
                        | Rule::TimedOut { .. }
                        | Rule::Recalled { .. }
                ),
                JobState::Assigned(_) => matches!(note.rule, Rule::Assigned { .. }),
                JobState::Attested(..) => matches!(
                    note.rule,
                    Rule::Attested { .. }
                        | Rule::AuditorDrawn { .. }
                        | Rule::AuditPassed { .. }
                        | Rule::AuditMissed { .. }
                        | Rule::AuditorSlashed { .. }
                        | Rule::AuditOrdered { .. }
                ),
                JobState::Settled(..) => matches!(note.rule, Rule::Settled { .. }),
                JobState::Ended { .. } => matches!(note.rule, Rule::Ended { .. }),
                JobState::Convicted(..) => matches!(note.rule, Rule::Convicted { .. }),
                JobState::Refused(..) => matches!(note.rule, Rule::Refused { .. }),
            });
            ensure!(fits, "a history does not end in the job's state");
        }
        Ok(())
    }

    /// A job is listed under its requester and all that ever had or audited it, and under nobody
    /// else.
    fn jobs_are_listed_under_all_in_them() -> Result<(), DispatchError> {
        let listed: BTreeSet<_> = AccountJobs::<T>::iter_keys()
            .map(|(account, key)| (account, history::job_of(key)))
            .collect();
        let mut expected = BTreeSet::new();
        for (id, job) in Jobs::<T>::iter() {
            expected.insert((job.requester, id));
            for note in Histories::<T>::get(id) {
                match note.rule {
                    Rule::Assigned {
                        worker, provider, ..
                    } => expected.extend([(worker, id), (provider, id)]),
                    Rule::AuditorDrawn { auditor, .. } => expected.extend([(auditor, id)]),
                    _ => {}
                }
            }
        }
        ensure!(
            listed == expected,
            "the jobs listed by account are not those of their histories"
        );
        Ok(())
    }

    /// A provider's pending units are those of its attested jobs.
    fn pending_units_are_those_attested() -> Result<(), DispatchError> {
        let mut pending: BTreeMap<_, u128> = BTreeMap::new();
        for (_, job) in Jobs::<T>::iter() {
            if let JobState::Attested(assignment, _) = job.state {
                let sum = pending.entry(assignment.provider).or_default();
                *sum = sum.saturating_add(job.macs);
            }
        }
        for (provider, units) in UnitsOf::<T>::iter() {
            let attested = pending.remove(&provider).unwrap_or_default();
            ensure!(
                units.pending() == attested,
                "a provider's pending units are not those of its attested jobs"
            );
        }
        ensure!(
            pending.is_empty(),
            "an attested job's provider has no units"
        );
        Ok(())
    }

    /// The jobs that a provider's bond backs are its assigned and attested ones.
    fn backed_jobs_are_listed() -> Result<(), DispatchError> {
        let listed: BTreeSet<_> = BackedJobs::<T>::iter_keys().collect();
        let mut backed = BTreeSet::new();
        for (id, job) in Jobs::<T>::iter() {
            if let JobState::Assigned(assignment) | JobState::Attested(assignment, _) = job.state {
                backed.insert((assignment.provider, id));
            }
        }
        ensure!(
            listed == backed,
            "the jobs listed by provider are not those that its bond backs"
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
