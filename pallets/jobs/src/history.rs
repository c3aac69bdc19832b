//! What happened to jobs, kept so that nobody is left asking why.

use crate::*;
use alloc::vec::Vec;
use frame_support::traits::Get;
use mizan_protocol::{
    block_number,
    explain::{Note, Rule},
    jobs::Assignment,
    Macs,
};

/// Keys of [`AccountJobs`] count down, so that going through them begins with the newest job.
pub(crate) fn newest_first(id: JobId) -> [u8; 8] {
    (!id).to_be_bytes()
}

/// The job of such a key.
pub(crate) fn job_of(key: [u8; 8]) -> JobId {
    !JobId::from_be_bytes(key)
}

impl<T: Config> Event<T> {
    /// The job that it is about.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::JobPosted { job, .. }
            | Self::JobAssigned { job, .. }
            | Self::JobDeclined { job, .. }
            | Self::JobTimedOut { job, .. }
            | Self::JobAttested { job, .. }
            | Self::JobSettled { job, .. }
            | Self::JobEnded { job, .. }
            | Self::JobConvicted { job, .. }
            | Self::JobRecalled { job, .. }
            | Self::DeliveryRefused { job, .. }
            | Self::JobForgotten { job } => Some(*job),
            Self::__Ignore(..) => None,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Adds to a job's history.
    pub(crate) fn record(id: JobId, rule: Rule<T::AccountId>) {
        let note = Note {
            block: block_number::<T>(),
            rule,
        };
        Histories::<T>::mutate(id, |history| {
            if history.try_push(note).is_err() {
                frame_support::defensive!("a job's history is longer than its misses allow");
            }
        });
    }

    /// Lists a job under an account that takes part in it.
    pub(crate) fn list_under(account: &T::AccountId, id: JobId) {
        AccountJobs::<T>::insert(account, newest_first(id), ());
    }

    /// Lists a job under its worker and provider, and records that they have it.
    pub(crate) fn record_assigned(id: JobId, assignment: &Assignment<T::AccountId>) {
        Self::list_under(&assignment.provider, id);
        Self::list_under(&assignment.worker, id);
        Self::record(
            id,
            Rule::Assigned {
                worker: assignment.worker.clone(),
                provider: assignment.provider.clone(),
                payment: assignment.payment,
                lock: assignment.lock,
                attest_by_block: assignment.attest_by_block,
            },
        );
    }

    /// Drops all that is kept of a job.
    pub(crate) fn forget(id: JobId, job: &JobOf<T>) {
        let history = Histories::<T>::take(id);
        AccountJobs::<T>::remove(&job.requester, newest_first(id));
        for note in history {
            match note.rule {
                Rule::Assigned {
                    worker, provider, ..
                } => {
                    AccountJobs::<T>::remove(worker, newest_first(id));
                    AccountJobs::<T>::remove(provider, newest_first(id));
                }
                Rule::AuditorDrawn { auditor, .. } => {
                    AccountJobs::<T>::remove(auditor, newest_first(id));
                }
                _ => {}
            }
        }
        Jobs::<T>::remove(id);
        Self::deposit_event(Event::JobForgotten { job: id });
    }

    /// Counts units of a provider.
    pub(crate) fn count_units(
        provider: &T::AccountId,
        macs: Macs,
        sum: impl FnOnce(&mut Units) -> &mut Macs,
    ) {
        UnitsOf::<T>::mutate(provider, |units| {
            let units = units.get_or_insert_default();
            let sum = sum(units);
            *sum = sum.saturating_add(macs);
        });
    }

    /// What happened to jobs in this block, by its events: the last notes of the jobs that they
    /// name.
    pub fn notes_of_block(
        jobs: impl IntoIterator<Item = JobId>,
    ) -> Vec<(JobId, Note<T::AccountId>)> {
        let now = block_number::<T>();
        let mut notes = Vec::new();
        for id in jobs {
            let history = Histories::<T>::get(id);
            let of_block = history.into_iter().filter(|note| note.block == now);
            notes.extend(of_block.map(|note| (id, note)));
        }
        notes
    }

    /// Jobs in which an account takes part, newest first, with ids below `before`.
    pub fn jobs_of_account(
        account: &T::AccountId,
        before: Option<JobId>,
        limit: usize,
    ) -> Vec<JobId> {
        let keys = match before {
            Some(before) => AccountJobs::<T>::iter_key_prefix_from(
                account,
                AccountJobs::<T>::hashed_key_for(account, newest_first(before)),
            ),
            None => AccountJobs::<T>::iter_key_prefix(account),
        };
        keys.take(limit).map(job_of).collect()
    }

    /// Jobs without a worker, oldest first, with ids above `after`.
    pub fn open_jobs(after: Option<JobId>, limit: usize) -> Vec<(JobId, JobOf<T>)> {
        let keys = match after {
            Some(after) => {
                OpenJobs::<T>::iter_keys_from(OpenJobs::<T>::hashed_key_for(after.to_be_bytes()))
            }
            None => OpenJobs::<T>::iter_keys(),
        };
        keys.take(limit)
            .map(JobId::from_be_bytes)
            .filter_map(|id| Some((id, Jobs::<T>::get(id)?)))
            .collect()
    }

    /// What a job of that model and batch costs at the least price.
    pub fn model_cost(
        model: &ModelId,
        batch: u32,
    ) -> Result<mizan_protocol::explain::ModelCost, mizan_protocol::explain::ModelCostError> {
        use mizan_protocol::{
            explain::{ModelCost, ModelCostError},
            traits::Models,
        };
        let summary = T::Models::summary(model).ok_or(ModelCostError::ModelUnknown)?;
        let max_batch = summary.max_batch;
        if batch == 0 || batch > max_batch {
            return Err(ModelCostError::BatchOutOfRange { max_batch });
        }
        let (cost, economics) = (summary.cost, T::Economics::get());
        let items = u64::from(batch);
        let input_bytes = cost.item_input_bytes.saturating_mul(items);
        let payment = economics.payment(economics.min_price_per_unit, cost.macs(batch));
        let min_payment = payment.ok_or(ModelCostError::PaymentOverflow)?;
        Ok(ModelCost {
            max_batch,
            macs: cost.macs(batch),
            input_bytes,
            output_bytes: cost.item_output_bytes.saturating_mul(items),
            trace_bytes: cost.item_trace_bytes.saturating_mul(items),
            parameter_bytes: cost.parameter_bytes,
            opening_bytes: cost.opening_bytes,
            min_payment,
            min_lock: economics
                .lock(min_payment)
                .ok_or(ModelCostError::PaymentOverflow)?,
            deposit: economics
                .deposit_for_job(summary.inputs, 0)
                .ok_or(ModelCostError::PaymentOverflow)?,
            min_duration_blocks: TimingRecord::<T>::get().min_duration(input_bytes),
        })
    }
}
