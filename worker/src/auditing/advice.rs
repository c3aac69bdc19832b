//! A worker's accumulators, from whichever blob server has them.
//!
//! Nobody committed to them, and servers lie: what comes is only believed as far as the check that
//! uses it goes. It is asked for as long as that can end the audit sooner, and no longer.

use super::{
    choosing::{advice_worth, AdviceWorth, Machine, Wanted},
    full::{Advice, AdviceSource},
    Subject,
};
use crate::{budget::Budget, supply::Supply};
use mizan_blobs::{AdviceList, BlobStore, LocalBlobStore};
use mizan_client::Hash;
use std::time::Duration;
use tokio::time::{sleep, timeout_at, Instant};
use tracing::{debug, info, warn};

/// Between two rounds of asking for the list: the worker may be about to put it.
const PAUSE: Duration = Duration::from_millis(500);
/// What the verdict takes from its decision to a block.
const SENDING: Duration = Duration::from_secs(12);

/// Advice from the servers of the job and the auditor's own.
pub struct ServedAdvice<'a> {
    /// The servers.
    pub supply: &'a Supply,
    /// Those that the job names.
    pub named: &'a [String],
    /// How fast this machine and its network are.
    pub machine: &'a Machine,
    /// Memory.
    pub budget: &'a Budget,
    /// Where accumulators lie until they are read.
    pub passing: &'a LocalBlobStore,
    /// When a missing verdict costs the auditor.
    pub verdict_by: Instant,
}

/// How long advice is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Patience {
    /// For the list: half of what advice saves.
    list: Duration,
    /// For all: what it saves, and what fetching takes.
    all: Duration,
}

impl Patience {
    /// `None` if there is no time to wait at all: should advice not come, the job is executed, for
    /// which twice as long as it takes is left.
    fn new(worth: &AdviceWorth, executing: Duration, left: Duration) -> Option<Self> {
        let kept = executing.saturating_mul(2).saturating_add(SENDING);
        let most = left.saturating_sub(kept);
        (!most.is_zero() && !worth.saves.is_zero()).then(|| Self {
            list: (worth.saves / 2).min(most),
            all: worth.saves.saturating_add(worth.fetches).min(most),
        })
    }
}

impl AdviceSource for ServedAdvice<'_> {
    async fn advice(&self, subject: &Subject) -> Option<Advice> {
        let (plan, batch) = (&subject.plan, subject.batch);
        if !self.supply.has_servers(self.named) {
            return None;
        }
        let (worth, started) = (advice_worth(plan, batch, self.machine), Instant::now());
        let executing = self.machine.computes(plan.cost().macs(batch));
        let left = self.verdict_by.saturating_duration_since(started);
        let patience = Patience::new(&worth, executing, left)?;
        // As integers all of them, as bytes one at a time.
        let all: u64 = worth.operations.iter().map(|wanted| wanted.bytes).sum();
        let largest = worth.operations.iter().map(|wanted| wanted.bytes).max();
        let memory = all.saturating_add(largest.unwrap_or_default());
        // Whoever waits for memory goes first: this can be done without.
        let memory = self.budget.try_reserve(memory)?;
        let list = self.list(subject, started + patience.list).await?;
        let mut accumulators = vec![None; plan.program().operations.len()];
        for (hash, wanted) in named(&list, &worth.operations) {
            let sums = self.accumulators(hash, wanted.bytes, started + patience.all);
            let sums = sums.await;
            if let Some(place) = accumulators.get_mut(usize::from(wanted.operation)) {
                *place = sums;
            }
        }
        let operations = accumulators.iter().flatten().count();
        let millis = started.elapsed().as_millis();
        info!(
            job = subject.job,
            operations, "{millis} milliseconds for advice"
        );
        Some(Advice {
            accumulators,
            memory: Some(memory),
        })
    }
}

/// What a list has of what is wanted.
fn named<'a>(
    list: &'a AdviceList,
    wanted: &'a [Wanted],
) -> impl Iterator<Item = (Hash, Wanted)> + 'a {
    list.accumulators().iter().filter_map(|named| {
        let wanted = wanted.iter().find(|one| one.operation == named.operation);
        wanted.map(|wanted| (named.hash, *wanted))
    })
}

impl ServedAdvice<'_> {
    /// A list that fits the job, as soon as a server has one.
    async fn list(&self, subject: &Subject, until: Instant) -> Option<AdviceList> {
        let is_good = |list: &AdviceList| list.check(&subject.plan, subject.batch).is_ok();
        let asking = async {
            loop {
                let list = self.supply.advice_list(self.named, subject.job, is_good);
                if let Some(list) = list.await {
                    return list;
                }
                sleep(PAUSE).await;
            }
        };
        let list = timeout_at(until, asking).await.ok();
        if list.is_none() {
            debug!(job = subject.job, "no advice list came in time");
        }
        list
    }

    /// The accumulators of that name, if a server gives them in time.
    async fn accumulators(&self, hash: Hash, bytes: u64, until: Instant) -> Option<Vec<i32>> {
        let got = timeout_at(until, async {
            let (supply, passing) = (self.supply, self.passing);
            let fetched = supply.fetch_into(passing, self.named, hash, bytes).await;
            fetched.map_err(|error| error.to_string())?;
            let blob = passing.get(hash, bytes).await;
            blob.map_err(|error| error.to_string())
        });
        let got = got.await.unwrap_or_else(|_| Err("it is too late".into()));
        if let Err(error) = self.passing.remove(hash).await {
            warn!("accumulators that were read stay on the disk: {error}");
        }
        match got {
            Ok(blob) => decode(&blob, bytes),
            Err(reason) => {
                debug!("accumulators are missing: {reason}");
                None
            }
        }
    }
}

/// Little-endian integers, if there are exactly so many bytes.
fn decode(blob: &[u8], bytes: u64) -> Option<Vec<i32>> {
    let (sums, rest) = blob.as_chunks::<4>();
    let is_whole = rest.is_empty() && u64::try_from(blob.len()) == Ok(bytes);
    is_whole.then(|| sums.iter().map(|sum| i32::from_le_bytes(*sum)).collect())
}

#[cfg(test)]
mod tests;
