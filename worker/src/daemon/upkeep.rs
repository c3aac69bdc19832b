//! What has time: results that are still owed, blobs that nobody needs, how jobs ended.

use crate::{
    cache::{superfluous, wall_clock_seconds},
    delivery::deliver,
    equipment::Equipment,
    journal::{Entry, Holding, JournalError, Key},
    node::Node,
    standing::{ending, Ending, Sight},
    steps::StepError,
};
use mizan_client::At;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tracing::{debug, info, warn};

/// The cache is looked through once in so many rounds.
const ROUNDS_BETWEEN_SWEEPS: u32 = 100;
/// One attempt to give a result to servers that did not take it before.
const OFFER_TIME: Duration = Duration::from_secs(10 * 60);

/// One round. `max_duration_blocks`: no job leaves its worker more.
pub(super) async fn run(
    node: Node,
    equipment: Arc<Equipment>,
    max_duration_blocks: u32,
    round: u32,
) -> Result<(), JournalError> {
    for (key, holding) in equipment.journal.holdings()? {
        match look_at(&node, &equipment, key, holding, max_duration_blocks).await {
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
    max_duration_blocks: u32,
) -> Result<(), StepError> {
    let entry = equipment.journal.entry(key)?;
    // Until then it is the steps' business.
    let Some(Entry::Attested(_)) = entry else {
        return Ok(());
    };
    let sight = node.sight_of(key).await?;
    let job = node.job(key.job, At::Finalized).await?;
    let state = job.as_ref().map(|job| &job.state);
    let ending = ending(state, &equipment.account(), key);
    match (ending, job) {
        (Some(ending), job) if is_certain(&ending, key, sight, max_duration_blocks) => {
            if !holding.owed.is_empty() {
                warn!(
                    job = key.job,
                    "no blob server of the job ever took its result"
                );
            }
            equipment.journal.release(key)?;
            equipment.metrics.ended(ending.outcome());
            ending.log(key, job.as_ref());
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

/// Whether nobody can ask for the data any more. That a node does not know of the attestation says
/// so only if its final state is of a block by which the job had to be attested: the node that the
/// worker was connected to before may have been ahead of this one.
fn is_certain(
    ending: &Ending,
    key: Key,
    (sight, final_block): (Sight, u32),
    max_duration_blocks: u32,
) -> bool {
    match (sight, ending) {
        (Sight::OtherChain, _) => true,
        (Sight::Behind, _) => false,
        (Sight::Known, Ending::Unpaid) => {
            final_block > key.assigned_block.saturating_add(max_duration_blocks)
        }
        (Sight::Known, Ending::Settled | Ending::Convicted(_) | Ending::Refused) => true,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{journal::Claim, supply::Brought};
    use mizan_blobs::BlobStore;

    const KEY: Key = Key {
        job: 1,
        assigned_block: 10,
        block_hash: [10; 32],
    };

    #[test]
    fn blobs_are_held_until_a_node_that_must_know_says_that_the_job_is_over() {
        let table = [
            (Sight::Behind, 1_000, Ending::Unpaid, false),
            (Sight::Behind, 1_000, Ending::Settled, false),
            (Sight::Known, 110, Ending::Unpaid, false),
            (Sight::Known, 111, Ending::Unpaid, true),
            (Sight::Known, 11, Ending::Settled, true),
            (Sight::Known, 11, Ending::Refused, true),
            (Sight::OtherChain, 11, Ending::Unpaid, true),
        ];
        for (sight, final_block, ending, certain) in table {
            let found = is_certain(&ending, KEY, (sight, final_block), 100);
            assert_eq!(found, certain, "{sight:?} {final_block} {ending:?}");
        }
    }

    #[tokio::test]
    async fn everything_that_an_attested_job_needs_stays_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let equipment = Equipment::bare(folder.path());
        let Equipment {
            journal, supply, ..
        } = &equipment;
        let mut hashes = Vec::new();
        for blob in [&b"input"[..], b"parameter", b"output", b"trace", b"other"] {
            let hash = supply.store.put(blob).await.unwrap();
            let brought = Brought { hash, bytes: 1 };
            equipment.remember(&[brought], false).unwrap();
            hashes.push(hash);
        }
        let here = || {
            hashes
                .iter()
                .map(|hash| supply.store.path_of(*hash).exists())
        };
        let claim = Claim {
            outputs: vec![hashes[2]],
            trace: hashes[3],
        };
        journal.hold(KEY, &hashes[..2], &[]).unwrap();
        journal.hold(KEY, &hashes[2..4], &[hashes[2]]).unwrap();
        journal.record_result(KEY, claim).unwrap();
        journal.record_attested(KEY).unwrap();
        // Others have the result by now, and the worker answers for it all the same.
        journal.delivered(KEY).unwrap();
        sweep(&equipment).await.unwrap();
        assert_eq!(here().collect::<Vec<_>>(), [true, true, true, true, false]);
        journal.release(KEY).unwrap();
        sweep(&equipment).await.unwrap();
        assert!(here().all(|here| !here));
    }
}
