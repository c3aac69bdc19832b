//! Carrying out one step for one job.

use crate::{
    equipment::Equipment,
    journal::{Claim, JournalError, Key},
    metrics::Outcome,
    node::Node,
    planning::{next_step, Obstacle, Step},
    rivals::{Rival, Signed},
    standing::{Sight, Standing},
    supply::SupplyError,
    work::{self, WorkError},
};
use mizan_client::{
    calls::{self, DeclineReason},
    views::JobView,
    At, ClientError,
};
use std::{sync::Arc, time::Duration};
use tracing::info;

mod computing;

/// Time of a block.
pub(crate) const BLOCK_SECONDS: u64 = 3;

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
    /// No blob server of the job took the result.
    #[error("the result is not delivered yet: {0}")]
    Undelivered(SupplyError),
    /// The chain does not have what the job refers to.
    #[error("the chain does not have {0}")]
    Missing(&'static str),
    /// Somebody else uses the key.
    #[error(transparent)]
    Rival(#[from] Rival),
}

impl StepError {
    /// Why the job may have to be declined.
    pub fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Work(error) => error.obstacle(),
            Self::Journal(JournalError::Full(_)) => Some(DISK_FULL),
            _ => None,
        }
    }

    /// Whether the disk was full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Work(error) => error.is_disk_full(),
            Self::Journal(error) => matches!(error, JournalError::Full(_)),
            Self::Undelivered(error) => error.is_disk_full(),
            _ => false,
        }
    }
}

/// What stands in the way of every new job while the disk is full.
pub const DISK_FULL: Obstacle = Obstacle {
    reason: DeclineReason::TooLarge,
    may_pass: true,
};

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next step can follow at once.
    GoOn,
    /// The next final block may bring something to do.
    Wait,
}

/// One job, as the worker deals with it.
pub struct Task {
    /// The worker.
    pub equipment: Arc<Equipment>,
    /// The connection.
    pub node: Node,
    /// The assignment.
    pub key: Key,
    /// From assignment until a worker can no longer decline.
    pub decline_blocks: u32,
    /// Why the last attempt to compute failed.
    pub obstacle: Option<Obstacle>,
}

impl Task {
    /// Plans by the final state and carries the step out.
    pub async fn advance(&self) -> Result<Progress, StepError> {
        let standing = match self.node.sight_of(self.key).await?.0 {
            // Whoever drops a job for that may drop one that is attested, with its blobs.
            Sight::Behind => return Ok(Progress::Wait),
            // The chain started anew.
            Sight::OtherChain => Standing::Gone,
            Sight::Known => {
                let job = self.node.job(self.key.job, At::Finalized).await?;
                self.standing(job.as_ref())
            }
        };
        let entry = self.equipment.journal.entry(self.key)?;
        let next_block = self.node.best_number().await?.saturating_add(1);
        let step = next_step(entry.as_ref(), &standing, self.obstacle, next_block);
        match step {
            Step::RecordAttested => return self.record_attested(),
            Step::Alarm => return self.alarm(),
            Step::Drop => return self.drop_job(&standing),
            Step::Rest => return Ok(Progress::Wait),
            Step::Take | Step::Compute | Step::Attest(_) | Step::Decline(_) => {}
        }
        // The best state may know of an attestation or a decline that is not final yet: then
        // there is nothing to do but wait for it.
        let Some(job) = self.still_assigned().await? else {
            return Ok(Progress::Wait);
        };
        match step {
            Step::Take => self.take(),
            Step::Attest(claim) => self.attest(&job, claim, next_block).await,
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

    async fn still_assigned(&self) -> Result<Option<JobView>, ClientError> {
        let newest = self.node.job(self.key.job, At::Best).await?;
        let assigned = matches!(self.standing(newest.as_ref()), Standing::Assigned { .. });
        Ok(newest.filter(|_| assigned))
    }

    fn take(&self) -> Result<Progress, StepError> {
        self.equipment.journal.take(self.key)?;
        info!(job = self.key.job, step = %"taken", assigned_block = self.key.assigned_block, "job");
        Ok(Progress::GoOn)
    }

    async fn compute(&self, job: &JobView) -> Result<Progress, StepError> {
        let Some(claim) = self.result_of(job).await? else {
            return Ok(Progress::Wait);
        };
        let recorded = self
            .equipment
            .journal
            .record_result(self.key, claim.clone())?;
        if recorded != claim {
            return Err(WorkError::Faulty.into());
        }
        self.equipment.rivals.computed(self.key.job);
        info!(job = self.key.job, step = %"computed", trace = %mizan_client::hex_hash(&claim.trace), "job");
        Ok(Progress::GoOn)
    }

    /// Time until the job must be attested.
    async fn time_left(&self, job: &JobView) -> Result<Duration, ClientError> {
        let best = self.node.best_number().await?;
        let assignment = job.state.assignment();
        let last = assignment.map_or(best, |assignment| assignment.attest_by_block);
        let blocks = u64::from(last.saturating_sub(best));
        Ok(Duration::from_secs(blocks * BLOCK_SECONDS))
    }

    async fn attest(
        &self,
        job: &JobView,
        claim: Claim,
        next_block: u32,
    ) -> Result<Progress, StepError> {
        let Equipment { key, rivals, .. } = &*self.equipment;
        if !self.holds_all(&claim).await? {
            match self.result_of(job).await? {
                None => return Ok(Progress::Wait),
                Some(again) if again != claim => return Err(WorkError::Faulty.into()),
                Some(_) => {}
            }
        }
        self.deliver_before_attesting(job, &claim, next_block)
            .await?;
        let block = self.key.block_hash;
        info!(job = self.key.job, step = %"attesting", "job");
        let call = calls::attest_job(self.key.job, block, &claim.outputs, claim.trace);
        let sent = rivals.send(
            Signed::Attestation(self.key.job),
            self.node.submit(&call, key),
        );
        let included = sent.await?;
        info!(job = self.key.job, step = %"included", block = included.block_number, "job");
        Ok(Progress::Wait)
    }

    /// Whether the worker has, and holds, everything that it answers for once it attested this.
    async fn holds_all(&self, claim: &Claim) -> Result<bool, StepError> {
        let held = self.equipment.journal.holding(self.key)?.blobs;
        if !work::claimed(claim).iter().all(|hash| held.contains(hash)) {
            return Ok(false);
        }
        // Inputs and parameters are held since before the result was.
        Ok(work::are_stored(&self.equipment.supply.store, &held).await?)
    }

    async fn decline(&self, reason: DeclineReason) -> Result<Progress, StepError> {
        info!(job = self.key.job, step = %"declining", reason = ?reason, "job");
        let call = calls::decline_job(self.key.job, reason);
        let included = self.node.submit(&call, &self.equipment.key).await?;
        self.equipment.metrics.ended(Outcome::Declined);
        info!(job = self.key.job, step = %"declined", block = included.block_number, "job");
        // Should that block be given up, the job is taken anew.
        self.equipment.journal.give_up(self.key)?;
        self.equipment.journal.release(self.key)?;
        Ok(Progress::Wait)
    }

    fn record_attested(&self) -> Result<Progress, StepError> {
        self.equipment.journal.record_attested(self.key)?;
        self.equipment.metrics.ended(Outcome::Attested);
        info!(job = self.key.job, step = %"attested", "job");
        Ok(Progress::Wait)
    }

    fn alarm(&self) -> Result<Progress, StepError> {
        // Given up first, so that this worker can be started again once the other one is stopped.
        self.equipment.journal.give_up(self.key)?;
        Err(StepError::Rival(Rival {
            worker: self.equipment.account().to_string(),
            what: format!(
                "the chain has an attestation of job {} that this journal does not know",
                self.key.job
            ),
        }))
    }

    fn drop_job(&self, standing: &Standing) -> Result<Progress, StepError> {
        self.equipment.journal.give_up(self.key)?;
        self.equipment.journal.release(self.key)?;
        self.equipment.metrics.ended(Outcome::Dropped);
        let why = match standing {
            Standing::Assigned { .. } => "its time has passed",
            Standing::Attested(_) | Standing::Gone => "this worker does not have it any more",
        };
        info!(job = self.key.job, step = %"dropped", why, "job");
        Ok(Progress::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_obstacle_that_may_pass_wherever_it_shows() {
        let full = StepError::Journal(JournalError::Full("journal".into()));
        assert!(full.is_disk_full());
        assert_eq!(full.obstacle(), Some(DISK_FULL));
        let broken = StepError::Journal(JournalError::InUse("journal".into()));
        assert!(!broken.is_disk_full() && broken.obstacle().is_none());
    }
}
