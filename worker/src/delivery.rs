//! Giving results to the blob servers of their job.
//!
//! Whoever attests answers for the data until settlement. The worker keeps it in its own folder for
//! so long, whatever the servers do; so it may attest what no server took, and does so when the
//! time is up. Otherwise a requester could name servers that take nothing, and make every worker
//! lose a part of its bond by timing out. The result is offered again until the job is settled.

use crate::{
    equipment::Equipment,
    journal::Key,
    steps::{StepError, Task, BLOCK_SECONDS},
};
use mizan_client::{views::JobView, Hash};
use std::{fmt, time::Duration};
use tracing::{info, warn};

impl Task {
    /// Gives the result to the job's blob servers. If none takes it until it is almost too late to
    /// attest, the worker attests all the same: it answers for the data, and has the data; and a
    /// requester who names servers that take nothing must not make it time out.
    pub(crate) async fn deliver_before_attesting(
        &self,
        job: &JobView,
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
        let pushed = deliver(&self.equipment, self.key, job, &owed);
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
mod tests {
    use super::*;

    #[test]
    fn the_last_blocks_are_kept_for_attesting() {
        let table = [
            // duration, next, last: left
            (5, 100, 105, 2),
            (40, 100, 140, 35),
            (3_600, 100, 3_700, 3_580),
            (40, 136, 140, 0),
            (40, 150, 140, 0),
        ];
        for (duration, next, last, left) in table {
            assert_eq!(blocks_to_deliver(duration, next, last), left);
        }
    }
}
