//! What has time: results that are still owed, blobs that nobody needs, how jobs ended.

use crate::{
    cache::{superfluous, wall_clock_seconds},
    delivery::deliver,
    equipment::Equipment,
    journal::{Entry, Holding, JournalError, Key},
    metrics::Outcome,
    node::Node,
    steps::StepError,
};
use mizan_client::{
    views::{JobState, JobView},
    At,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tracing::{debug, info, warn};

/// The cache is looked through once in so many rounds.
const ROUNDS_BETWEEN_SWEEPS: u32 = 100;
/// One attempt to give a result to servers that did not take it before.
const OFFER_TIME: Duration = Duration::from_secs(10 * 60);

/// One round.
pub(super) async fn run(
    node: Node,
    equipment: Arc<Equipment>,
    round: u32,
) -> Result<(), JournalError> {
    for (key, holding) in equipment.journal.holdings()? {
        match look_at(&node, &equipment, key, holding).await {
            Ok(()) => {}
            Err(StepError::Journal(error)) => return Err(error),
            Err(error) => debug!(job = key.job, "not looked after: {error}"),
        }
    }
    if round % ROUNDS_BETWEEN_SWEEPS == 1 {
        sweep(&equipment).await?;
    }
    Ok(())
}

/// Releases what a job held once nobody can ask for it any more.
async fn look_at(
    node: &Node,
    equipment: &Equipment,
    key: Key,
    holding: Holding,
) -> Result<(), StepError> {
    let entry = equipment.journal.entry(key)?;
    // Until then it is the steps' business.
    let Some(Entry::Attested(_)) = entry else {
        return Ok(());
    };
    let job = node.job(key.job, At::Finalized).await?;
    let outcome = match &job {
        Some(job) if is_own(job, key, equipment) => match job.state {
            JobState::Settled { .. } => Some(Outcome::Settled),
            _ => None,
        },
        // It was given to others, ended, or is forgotten.
        _ => Some(Outcome::Unpaid),
    };
    match (outcome, job) {
        (Some(outcome), _) => {
            if !holding.owed.is_empty() {
                warn!(
                    job = key.job,
                    "no blob server of the job ever took its result"
                );
            }
            equipment.journal.release(key)?;
            equipment.metrics.ended(outcome);
            let step = match outcome {
                Outcome::Settled => "settled",
                _ => "unpaid",
            };
            info!(job = key.job, %step, "job");
        }
        (None, Some(job)) if !holding.owed.is_empty() => {
            let offered = deliver(equipment, key, &job, &holding.owed);
            match tokio::time::timeout(OFFER_TIME, offered).await {
                Ok(done) => done?,
                Err(_) => debug!(job = key.job, "the blob servers are too slow"),
            }
        }
        _ => {}
    }
    Ok(())
}

fn is_own(job: &JobView, key: Key, equipment: &Equipment) -> bool {
    let assignment = job.state.assignment();
    assignment.is_some_and(|assignment| {
        assignment.worker == equipment.account() && assignment.assigned_block == key.assigned_block
    })
}

/// Removes blobs that the worker brought and that nobody needs. While a job brings some, it waits
/// for another round.
async fn sweep(equipment: &Equipment) -> Result<(), JournalError> {
    let Ok(_no_job_brings_any) = equipment.sweeping.try_write() else {
        return Ok(());
    };
    let holdings = equipment.journal.holdings()?;
    let held: BTreeSet<_> = holdings
        .into_iter()
        .flat_map(|(_, holding)| holding.blobs)
        .collect();
    let cached = equipment.journal.cached()?;
    let unneeded = superfluous(&cached, &held, equipment.cache, wall_clock_seconds());
    let mut removed = Vec::new();
    for hash in unneeded {
        match equipment.supply.remove(hash).await {
            Ok(()) => removed.push(hash),
            Err(error) => warn!("a blob that nobody needs can't be removed: {error}"),
        }
    }
    if !removed.is_empty() {
        info!("{} blobs that no job needs were removed", removed.len());
        equipment.journal.uncache(&removed)?;
    }
    Ok(())
}
