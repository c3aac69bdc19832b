//! Carrying out one step for one job.

use crate::{
    journal::{Claim, Journal, JournalError, Key},
    planning::{next_step, Standing, Step},
    work::{self, WorkError},
};
use mizan_client::{
    account_of,
    blobs::BlobStore,
    calls::{self, DeclineReason},
    views::JobView,
    AccountId, At, Client, ClientError, Keypair,
};
use mizan_engine::Executor;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::{error, info};

/// What a worker is made of, apart from its connection.
pub struct Equipment<S> {
    /// Its hot key.
    pub key: Keypair,
    /// Where inputs come from and results go.
    pub store: S,
    /// Its record of what it has done.
    pub journal: Journal,
    /// What computes.
    pub executor: Arc<dyn Executor>,
    /// Most bytes of inputs, parameters and trace of one job.
    pub max_job_bytes: u64,
    /// One job computes at a time: an executor takes the whole machine.
    pub computing: Semaphore,
}

impl<S> Equipment<S> {
    /// The worker's account.
    pub fn account(&self) -> AccountId {
        account_of(&self.key)
    }
}

/// Why a step was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The chain or the connection to it.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The job itself.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The chain does not have what the job refers to.
    #[error("the chain does not have {0}")]
    Missing(&'static str),
}

impl StepError {
    /// The reason to decline the job, if trying again is not likely to help.
    pub fn obstacle(&self) -> Option<DeclineReason> {
        match self {
            Self::Work(error) => error.decline_reason(),
            Self::Chain(_) | Self::Journal(_) | Self::Missing(_) => None,
        }
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next step can follow at once.
    GoOn,
    /// The next final block may bring something to do.
    Wait,
}

/// One job, as the worker deals with it.
pub struct Task<S> {
    /// The worker.
    pub equipment: Arc<Equipment<S>>,
    /// The connection.
    pub client: Client,
    /// The assignment.
    pub key: Key,
    /// From assignment until a worker can no longer decline.
    pub decline_blocks: u32,
    /// Why the last attempt to compute failed.
    pub obstacle: Option<DeclineReason>,
}

impl<S: BlobStore> Task<S> {
    /// Plans by the final state and carries the step out.
    pub async fn advance(&self) -> Result<Progress, StepError> {
        let standing = self.standing(self.client.job(self.key.job, At::Finalized).await?.as_ref());
        let standing = match self.client.block_hash(self.key.assigned_block).await? {
            Some(hash) if hash == self.key.block_hash => standing,
            // The node is behind, or its chain started anew.
            _ => Standing::Gone,
        };
        let entry = self.equipment.journal.entry(self.key)?;
        let next_block = self.client.best_number().await?.saturating_add(1);
        let step = next_step(entry.as_ref(), &standing, self.obstacle, next_block);
        match step {
            Step::RecordAttested => return self.record_attested(),
            Step::Alarm => return Ok(self.alarm()),
            Step::Drop => return self.drop_job(&standing),
            Step::Rest => return Ok(Progress::Wait),
            Step::Take | Step::Compute | Step::Attest(_) | Step::Decline(_) => {}
        }
        // The best state may know of an attestation or a decline that is not final yet: then
        // there is nothing to do but wait for it.
        let newest = self.client.job(self.key.job, At::Best).await?;
        let assigned = matches!(self.standing(newest.as_ref()), Standing::Assigned { .. });
        let Some(job) = newest.filter(|_| assigned) else {
            return Ok(Progress::Wait);
        };
        match step {
            Step::Take => self.take(),
            Step::Attest(claim) => self.attest(&job, claim).await,
            Step::Decline(reason) => self.decline(reason).await,
            _ => self.compute(&job).await,
        }
    }

    fn standing(&self, job: Option<&JobView>) -> Standing {
        job.map_or(Standing::Gone, |job| {
            let account = self.equipment.account();
            Standing::of(&job.state, &account, self.key, self.decline_blocks)
        })
    }

    fn take(&self) -> Result<Progress, StepError> {
        self.equipment.journal.take(self.key)?;
        info!(job = self.key.job, step = %"taken", assigned_block = self.key.assigned_block, "job");
        Ok(Progress::GoOn)
    }

    async fn compute(&self, job: &JobView) -> Result<Progress, StepError> {
        let journal = &self.equipment.journal;
        let claim = self.result_of(job).await?;
        let recorded = journal.record_result(self.key, claim.clone())?;
        if recorded != claim {
            return Err(WorkError::Faulty.into());
        }
        info!(job = self.key.job, step = %"computed", trace = %mizan_client::hex_hash(&claim.trace), "job");
        Ok(Progress::GoOn)
    }

    /// Computes the job and stores its result.
    async fn result_of(&self, job: &JobView) -> Result<Claim, StepError> {
        let Equipment {
            store,
            executor,
            max_job_bytes,
            computing,
            ..
        } = &*self.equipment;
        let _turn = computing.acquire().await.map_err(|_| WorkError::CutOff)?;
        let program = self.client.program(&job.model, At::Finalized).await?;
        let program = program.ok_or(StepError::Missing("the model's program"))?;
        let loaded = work::load(store, job, program, *max_job_bytes).await?;
        let (id, executor) = (self.key.job, executor.clone());
        info!(job = id, step = %"computing", batch = job.batch, executor = executor.name(), "job");
        let execution = work::execute(executor, loaded).await?;
        Ok(work::store(store, &execution).await?)
    }

    async fn attest(&self, job: &JobView, claim: Claim) -> Result<Progress, StepError> {
        let Equipment { store, key, .. } = &*self.equipment;
        if !work::is_stored(store, &claim).await? && self.result_of(job).await? != claim {
            return Err(WorkError::Faulty.into());
        }
        let block = self.key.block_hash;
        info!(job = self.key.job, step = %"attesting", "job");
        let call = calls::attest_job(self.key.job, block, &claim.outputs, claim.trace);
        let included = self.client.submit(&call, key).await?;
        info!(job = self.key.job, step = %"included", block = included.block_number, "job");
        Ok(Progress::Wait)
    }

    async fn decline(&self, reason: DeclineReason) -> Result<Progress, StepError> {
        info!(job = self.key.job, step = %"declining", reason = ?reason, "job");
        let call = calls::decline_job(self.key.job, reason);
        let included = self.client.submit(&call, &self.equipment.key).await?;
        info!(job = self.key.job, step = %"declined", block = included.block_number, "job");
        Ok(Progress::Wait)
    }

    fn record_attested(&self) -> Result<Progress, StepError> {
        self.equipment.journal.record_attested(self.key)?;
        info!(job = self.key.job, step = %"attested", "job");
        Ok(Progress::Wait)
    }

    fn alarm(&self) -> Progress {
        error!(
            job = self.key.job,
            "the chain has an attestation by this key that this journal does not know: another \
             process uses the key. Stop one of them; two attestations of one job are fraud"
        );
        Progress::Wait
    }

    fn drop_job(&self, standing: &Standing) -> Result<Progress, StepError> {
        self.equipment.journal.give_up(self.key)?;
        let why = match standing {
            Standing::Assigned { .. } => "its time has passed",
            Standing::Attested(_) | Standing::Gone => "this worker does not have it any more",
        };
        info!(job = self.key.job, step = %"dropped", why, "job");
        Ok(Progress::Wait)
    }
}
