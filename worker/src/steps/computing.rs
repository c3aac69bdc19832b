//! Computing a job: waiting for memory, getting what it reads, executing, storing.

use super::{StepError, Task, BLOCK_SECONDS};
use crate::{
    budget::job_bytes,
    disk::{free_space, SPARE_BYTES},
    equipment::Equipment,
    journal::{Claim, Key},
    metrics::shown,
    work::{self, Loaded, WorkError},
};
use mizan_client::{views::JobView, ClientError};
use mizan_tensor::Plan;
use std::time::Duration;
use tracing::{error_span, info, Instrument};

impl Task {
    /// Computes the job and stores its result. `None` if somebody else has it by now.
    pub(crate) async fn result_of(&self, job: &JobView) -> Result<Option<Claim>, StepError> {
        let Equipment {
            budget, metrics, ..
        } = &*self.equipment;
        let program = self.node.program(&job.model).await?;
        let program = program.ok_or(StepError::Missing("the model's program"))?;
        let plan = Plan::new(program).map_err(WorkError::from)?;
        let audited = plan.cost().full_audit_bytes(job.batch);
        if audited > self.equipment.max_job_bytes {
            return Err(too_large(audited, self.equipment.max_job_bytes));
        }
        let bytes = job_bytes(plan.cost(), job.batch);
        let _goes_first = self.equipment.paid.begin();
        let left = self.time_left(job).await?;
        let whole = Duration::from_secs(u64::from(job.duration_blocks) * BLOCK_SECONDS);
        let expected = self.equipment.lending.expect(job.macs, left, whole);
        if !budget.has_room_for(bytes) {
            info!(job = self.key.job, step = %"waiting", bytes, "job");
        }
        let reserved = budget.reserve(bytes).await;
        let reserved = reserved.ok_or_else(|| too_large(bytes, budget.total_bytes()))?;
        if reserved.waited && self.still_assigned().await?.is_none() {
            return Ok(None);
        }
        metrics.memory_used_bytes.set(shown(budget.used_bytes()));
        let result = self.compute_within(job, plan).await;
        if result.is_ok() {
            expected.computed();
        }
        drop(reserved);
        metrics.memory_used_bytes.set(shown(budget.used_bytes()));
        result.map(Some)
    }

    async fn compute_within(&self, job: &JobView, plan: Plan) -> Result<Claim, StepError> {
        let loaded = self.load_within(job, plan).await?;
        let time = self.time_while_declinable(job).await?;
        compute_loaded(&self.equipment, self.key, job, loaded, time).await
    }

    /// Gets what the job reads. It is held from then on, so superfluous blobs may go while the job
    /// waits for devices and computes.
    async fn load_within(&self, job: &JobView, plan: Plan) -> Result<Loaded, StepError> {
        let Equipment {
            supply,
            journal,
            metrics,
            ..
        } = &*self.equipment;
        let _no_sweeping = self.equipment.sweeping.read().await;
        self.check_room(job, &plan).await?;
        journal.hold(self.key, &work::needed(job, &plan), &[])?;
        let loading =
            tokio::time::timeout(self.time_left(job).await?, work::load(supply, job, plan));
        let loaded = loading.await.map_err(|_| WorkError::TooSlow)??;
        let fetched = loaded.brought.iter().map(|blob| blob.bytes).sum();
        metrics.fetched_bytes.inc_by(fetched);
        self.equipment.remember(&loaded.brought, false)?;
        self.equipment.remember(&loaded.used, true)?;
        Ok(loaded)
    }

    /// That time while the job can still be declined. Afterwards it is tried by whatever there is.
    async fn time_while_declinable(&self, job: &JobView) -> Result<Option<Duration>, ClientError> {
        let next_block = self.node.best_number().await?.saturating_add(1);
        let decline_by = self.key.assigned_block.saturating_add(self.decline_blocks);
        let left = self.time_left(job).await?;
        Ok((next_block <= decline_by).then_some(left))
    }

    /// Whether the disk has room for what the job brings, as far as the system says.
    async fn check_room(&self, job: &JobView, plan: &Plan) -> Result<(), StepError> {
        let cost = plan.cost();
        let fetched = match job.blob_servers.is_empty() {
            true => 0,
            false => cost
                .item_input_bytes
                .saturating_mul(job.batch.into())
                .saturating_add(cost.parameter_bytes),
        };
        let result = cost.item_trace_bytes.saturating_add(cost.item_output_bytes);
        let bytes = result
            .saturating_mul(job.batch.into())
            .saturating_add(fetched);
        let folder = self.equipment.supply.store.folder().to_path_buf();
        let free = tokio::task::spawn_blocking(move || free_space(&folder)).await;
        match free.ok().flatten() {
            Some(free) if free < bytes.saturating_add(SPARE_BYTES) => {
                Err(WorkError::NoRoom { bytes, free }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Executes a job that is loaded, stores its result and holds that.
async fn compute_loaded(
    equipment: &Equipment,
    key: Key,
    job: &JobView,
    loaded: Loaded,
    time: Option<Duration>,
) -> Result<Claim, StepError> {
    let Equipment {
        supply,
        executor,
        journal,
        metrics,
        ..
    } = equipment;
    let (id, executor) = (key.job, executor.clone());
    info!(job = id, step = %"computing", batch = job.batch, executor = executor.name(), "job");
    let span = error_span!("executing", job = id);
    let executing = work::execute(executor, loaded, time);
    let execution = executing.instrument(span).await?;
    metrics
        .macs
        .inc_by(u64::try_from(job.macs).unwrap_or(u64::MAX));
    // A result that another job left as superfluous must not go before it is held.
    let _no_sweeping = equipment.sweeping.read().await;
    let (claim, stored) = work::store(&supply.store, execution).await?;
    let result = work::claimed(&claim);
    if job.blob_servers.is_empty() {
        // The requester reads it from the folder: only the requester can remove it.
        journal.hold(key, &result, &[])?;
    } else {
        journal.hold(key, &result, &result)?;
        equipment.remember(&stored, false)?;
    }
    Ok(claim)
}

fn too_large(bytes: u64, limit: u64) -> StepError {
    WorkError::TooLarge { bytes, limit }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        devices::JobExecutor,
        small_job::{bytes, plan, view, KEY},
    };
    use mizan_blobs::BlobStore;
    use mizan_engine::{CpuExecutor, EngineError, Executor};
    use mizan_tensor::{hash_bytes, Commitment, Execution};
    use std::sync::{
        mpsc::{self, Receiver, Sender},
        Arc, Mutex,
    };

    /// Says when it has begun, and waits until it may go on, as for an owner.
    struct Waiting {
        begun: Sender<()>,
        goes_on: Mutex<Receiver<()>>,
    }

    impl Executor for Waiting {
        fn name(&self) -> &'static str {
            "waiting"
        }

        fn execute(
            &self,
            plan: &Plan,
            parameters: &[&[u8]],
            inputs: &[&[u8]],
            batch: u32,
        ) -> Result<Execution, EngineError> {
            self.begun.send(()).unwrap();
            self.goes_on.lock().unwrap().recv().unwrap();
            CpuExecutor::new().execute(plan, parameters, inputs, batch)
        }
    }

    impl JobExecutor for Waiting {
        fn execute_in_time(
            &self,
            _: Duration,
            plan: &Plan,
            parameters: &[&[u8]],
            inputs: &[&[u8]],
            batch: u32,
        ) -> Result<(Execution, Commitment), EngineError> {
            self.execute_committed(plan, parameters, inputs, batch)
        }
    }

    #[tokio::test]
    async fn superfluous_blobs_may_go_while_a_job_waits_for_its_devices() {
        let folder = tempfile::tempdir().unwrap();
        let mut equipment = Equipment::bare(folder.path());
        let (begun, has_begun) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel();
        equipment.executor = Arc::new(Waiting {
            begun,
            goes_on: Mutex::new(goes_on),
        });
        let (weights, channels, input) = (bytes(100), bytes(160), bytes(30));
        for blob in [&weights, &channels, &input] {
            equipment.supply.store.put(blob).await.unwrap();
        }
        let job = view(3, hash_bytes(&input), Vec::new());
        let plan = plan(8, &weights, &channels);
        let loaded = work::load(&equipment.supply, &job, plan).await.unwrap();
        let look = async {
            let begun = tokio::task::spawn_blocking(move || has_begun.recv());
            begun.await.unwrap().unwrap();
            let sweeps = equipment.sweeping.try_write().is_ok();
            go_on.send(()).unwrap();
            sweeps
        };
        let computing = compute_loaded(&equipment, KEY, &job, loaded, None);
        let (claim, sweeps) = tokio::join!(computing, look);
        assert!(sweeps);
        let held = equipment.journal.holding(KEY).unwrap().blobs;
        assert!(held.contains(&claim.unwrap().trace));
    }
}
