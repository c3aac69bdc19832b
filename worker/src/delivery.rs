//! Giving results to the blob servers of their job.
//!
//! Whoever attests answers for the data until settlement. The worker keeps it in its own folder for
//! so long, whatever the servers do; so it may attest what no server took, and does so when the
//! time is up. Otherwise a requester could name servers that take nothing, and make every worker
//! lose a part of its bond by timing out. The result is offered again until the job is settled.
//!
//! What was damaged on the disk since it was computed is not given to anybody. It is computed anew,
//! as it is when it is demanded, if that can be done before the job must be attested.

use crate::{
    equipment::Equipment,
    journal::{Claim, Key},
    steps::{StepError, Task, BLOCK_SECONDS},
    work::WorkError,
};
use mizan_client::{views::JobView, Hash};
use std::{fmt, future::Future, time::Duration};
use tracing::{info, warn};

impl Task {
    /// Gives the result to the job's blob servers. If none takes it until it is almost too late to
    /// attest, the worker attests all the same: it answers for the data, and has the data; and a
    /// requester who names servers that take nothing must not make it time out.
    pub(crate) async fn deliver_before_attesting(
        &self,
        job: &JobView,
        claim: &Claim,
        next_block: u32,
    ) -> Result<(), StepError> {
        let owed = self.equipment.journal.holding(self.key)?.owed;
        if owed.is_empty() {
            return Ok(());
        }
        let assignment = job.state.assignment();
        let attest_by = assignment.map_or(next_block, |assignment| assignment.attest_by_block);
        let blocks = blocks_to_deliver(job.duration_blocks, next_block, attest_by);
        let time = Duration::from_secs(u64::from(blocks) * BLOCK_SECONDS);
        let again = || self.result_of(job);
        let pushed = deliver_or_mend(&self.equipment, self.key, job, claim, &owed, again);
        match tokio::time::timeout(time, pushed).await {
            Ok(Err(StepError::Undelivered(error))) if blocks == 0 => self.say_undelivered(&error),
            Ok(result) => return result,
            Err(_) => self.say_undelivered(&"it took too long"),
        }
        Ok(())
    }

    fn say_undelivered(&self, reason: &dyn fmt::Display) {
        warn!(
            job = self.key.job,
            "attesting although no blob server of the job has the result, for the time is up: \
             {reason}. It is offered to them until the job settles, and kept here"
        );
    }
}

/// Gives what is owed to a job's blob servers; where it was damaged on the disk, once `again` has
/// computed it anew. That gives `None` if somebody else has the job by now.
async fn deliver_or_mend<F>(
    equipment: &Equipment,
    key: Key,
    job: &JobView,
    claim: &Claim,
    owed: &[Hash],
    again: impl FnOnce() -> F,
) -> Result<(), StepError>
where
    F: Future<Output = Result<Option<Claim>, StepError>>,
{
    let error = match deliver(equipment, key, job, owed).await {
        Err(StepError::Undelivered(error)) if error.is_damage() => error,
        done => return done,
    };
    warn!(
        job = key.job,
        "computing the result anew, for it is damaged on the disk: {error}"
    );
    match again().await {
        Ok(Some(made)) if made == *claim => deliver(equipment, key, job, owed).await,
        Ok(Some(_)) => Err(WorkError::Faulty.into()),
        Ok(None) => Err(StepError::Undelivered(error)),
        // What is attested was right before it was damaged.
        Err(StepError::Work(failure)) if !failure.is_faulty_hardware() => {
            warn!(
                job = key.job,
                "the result can't be computed anew yet: {failure}"
            );
            Err(StepError::Undelivered(error))
        }
        Err(failure) => Err(failure),
    }
}

/// Gives what is owed to a job's blob servers, and records that they have it.
pub(crate) async fn deliver(
    equipment: &Equipment,
    key: Key,
    job: &JobView,
    owed: &[Hash],
) -> Result<(), StepError> {
    let pushed = equipment.supply.push(&job.blob_servers, owed, key.job);
    let bytes = pushed.await.map_err(StepError::Undelivered)?;
    equipment.metrics.pushed_bytes.inc_by(bytes);
    equipment.journal.delivered(key)?;
    info!(job = key.job, step = %"delivered", bytes, "job");
    Ok(())
}

/// Blocks that are left for delivering before the job must be attested: some of the last are kept
/// for that.
fn blocks_to_deliver(duration_blocks: u32, next_block: u32, attest_by_block: u32) -> u32 {
    let kept = (duration_blocks / 8).clamp(3, 20);
    attest_by_block
        .saturating_sub(kept)
        .saturating_sub(next_block)
}

#[cfg(test)]
mod tests;
