//! The connection, heartbeats, and one step after another for all jobs.

use crate::{
    journal::{JournalError, Key},
    steps::{Equipment, Progress, StepError, Task},
};
use mizan_client::{
    blobs::BlobStore,
    calls::{self, DeclineReason},
    views::{Timing, WorkerView},
    At, BlockStream, Client, ClientError, Keypair,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior},
};
use tracing::{debug, info, warn};

/// Longest pause between two attempts at anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Jobs are looked at this often even while no block becomes final.
const TICK: Duration = Duration::from_secs(6);
/// A reminder that nothing happens comes once in so many ticks.
const TICKS_BETWEEN_REMINDERS: u32 = 20;

/// Why the daemon can't go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The node's runtime is not the one that this program was built for.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The journal is broken, or belongs to another chain.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Works until something is wrong that only a person can put right.
pub async fn run<S: BlobStore + 'static>(
    url: &str,
    equipment: Arc<Equipment<S>>,
) -> Result<(), DaemonError> {
    let mut failures = 0;
    loop {
        let error = match Session::open(url, equipment.clone()).await {
            Ok(session) => {
                failures = 0;
                session.work().await
            }
            Err(error) => Err(error),
        };
        match error {
            Ok(()) => {}
            Err(DaemonError::Chain(error)) if error.is_transient() => {
                failures += 1;
                warn!("{error}; trying again in {:?}", pause_after(failures));
            }
            Err(fatal) => return Err(fatal),
        }
        tokio::time::sleep(pause_after(failures)).await;
    }
}

/// Twice as long after each failure.
fn pause_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(LONGEST_PAUSE)
}

/// What is known of a job besides journal and chain, for as long as the process lives.
#[derive(Default)]
struct Attempt {
    failures: u32,
    not_before: Option<Instant>,
    obstacle: Option<DeclineReason>,
}

/// The work over one connection.
struct Session<S> {
    client: Client,
    equipment: Arc<Equipment<S>>,
    timing: Timing,
    blocks: BlockStream,
    attempts: BTreeMap<Key, Attempt>,
    running: BTreeSet<Key>,
    tasks: JoinSet<(Key, Result<Progress, StepError>)>,
    heartbeat: Option<JoinHandle<()>>,
    idle_ticks: u32,
}

impl<S: BlobStore + 'static> Session<S> {
    async fn open(url: &str, equipment: Arc<Equipment<S>>) -> Result<Self, DaemonError> {
        let client = Client::connect(url).await?;
        equipment.journal.bind(&client.genesis_hash())?;
        let timing = client.timing(At::Finalized).await?;
        let blocks = client.finalized_blocks().await?;
        let worker = equipment.account();
        info!(%worker, genesis = %mizan_client::hex_hash(&client.genesis_hash()), "connected to {url}");
        Ok(Self {
            client,
            equipment,
            timing,
            blocks,
            attempts: BTreeMap::new(),
            running: BTreeSet::new(),
            tasks: JoinSet::new(),
            heartbeat: None,
            idle_ticks: 0,
        })
    }

    /// Works until the connection is lost or the journal fails.
    async fn work(mut self) -> Result<(), DaemonError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                block = self.blocks.next() => {
                    debug!("block {} is final", block?.0);
                    self.look_around().await?;
                }
                _ = ticks.tick() => {
                    self.idle_ticks += 1;
                    self.look_around().await?;
                }
                Some(done) = self.tasks.join_next() => {
                    // A step that panicked is planned again like one that failed.
                    if let Ok((key, result)) = done {
                        self.finish(key, result)?;
                    }
                }
            }
        }
    }

    /// Says that the worker is there, and starts a step for every job that has none running.
    async fn look_around(&mut self) -> Result<(), DaemonError> {
        self.stay_live().await?;
        let account = self.equipment.account();
        let mut keys = BTreeSet::new();
        for job in self.client.jobs_of(&account, At::Finalized).await? {
            keys.extend(self.assignment(job).await?);
        }
        keys.extend(
            self.equipment
                .journal
                .unfinished()?
                .into_iter()
                .map(|(key, _)| key),
        );
        self.attempts
            .retain(|key, _| keys.contains(key) || self.running.contains(key));
        for key in keys {
            let waits = self
                .attempts
                .get(&key)
                .and_then(|attempt| attempt.not_before);
            if !self.running.contains(&key) && waits.is_none_or(|until| until <= Instant::now()) {
                self.start(key);
            }
        }
        Ok(())
    }

    /// What a job that the worker has is called in the journal.
    async fn assignment(&self, id: u64) -> Result<Option<Key>, ClientError> {
        let job = self.client.job(id, At::Finalized).await?;
        let assignment = job.as_ref().and_then(|job| job.state.assignment());
        let Some(assigned_block) = assignment.map(|assignment| assignment.assigned_block) else {
            return Ok(None);
        };
        let hash = self.client.block_hash(assigned_block).await?;
        Ok(hash.map(|block_hash| Key {
            job: id,
            assigned_block,
            block_hash,
        }))
    }

    fn start(&mut self, key: Key) {
        let task = Task {
            equipment: self.equipment.clone(),
            client: self.client.clone(),
            key,
            decline_blocks: self.timing.decline_blocks,
            obstacle: self.attempts.entry(key).or_default().obstacle,
        };
        self.running.insert(key);
        self.tasks.spawn(async move { (key, task.advance().await) });
    }

    fn finish(&mut self, key: Key, result: Result<Progress, StepError>) -> Result<(), DaemonError> {
        self.running.remove(&key);
        let attempt = self.attempts.entry(key).or_default();
        match result {
            Ok(progress) => {
                attempt.failures = 0;
                attempt.not_before = None;
                if progress == Progress::GoOn {
                    self.start(key);
                }
            }
            Err(StepError::Journal(error)) => return Err(error.into()),
            Err(error) => {
                attempt.failures += 1;
                attempt.obstacle = error.obstacle();
                let declines = attempt.obstacle.is_some() && attempt.failures == 1;
                let pause = if declines {
                    Duration::ZERO
                } else {
                    pause_after(attempt.failures)
                };
                attempt.not_before = Some(Instant::now() + pause);
                warn!(job = key.job, step = %"failed", reason = %error, "job");
                if declines {
                    self.start(key);
                }
            }
        }
        Ok(())
    }

    async fn stay_live(&mut self) -> Result<(), DaemonError> {
        if self
            .heartbeat
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return Ok(());
        }
        let worker = self
            .client
            .worker(&self.equipment.account(), At::Best)
            .await?;
        let Some(worker) = worker else {
            self.remind_to_register();
            return Ok(());
        };
        let next_block = self.client.best_number().await?.saturating_add(1);
        if heartbeat_due(&worker, &self.timing, next_block) {
            let (client, key) = (self.client.clone(), self.equipment.key.clone());
            self.heartbeat = Some(tokio::spawn(send_heartbeat(client, key)));
        }
        Ok(())
    }

    fn remind_to_register(&mut self) {
        if self.idle_ticks % TICKS_BETWEEN_REMINDERS == 1 {
            let worker = self.equipment.account();
            warn!("{worker} is not a registered worker: run `mizan-worker register`; waiting");
            self.idle_ticks += 1;
        }
    }
}

async fn send_heartbeat(client: Client, key: Keypair) {
    match client.submit(&calls::heartbeat(), &key).await {
        Ok(included) => debug!("heartbeat in block {}", included.block_number),
        Err(error) => warn!("no heartbeat: {error}"),
    }
}

/// Whether a heartbeat in that block is free of fees and of use.
fn heartbeat_due(worker: &WorkerView, timing: &Timing, block: u32) -> bool {
    let Some(heard) = worker.heard_block else {
        return true;
    };
    let waited = block >= heard.saturating_add(timing.heartbeat_blocks);
    let resumes = heard < worker.paused_until_block && block >= worker.paused_until_block;
    waited || resumes
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::AccountId;

    fn timing() -> Timing {
        Timing {
            challenge_blocks: 4,
            decline_blocks: 5,
            min_duration_blocks: 5,
            max_duration_blocks: 100,
            max_wait_blocks: 100,
            heartbeat_blocks: 10,
            liveness_blocks: 20,
            back_off_blocks: 2,
            era_blocks: 100,
            retention_eras: 8,
        }
    }

    fn worker(heard_block: Option<u32>, paused_until_block: u32) -> WorkerView {
        WorkerView {
            account: AccountId([1; 32]),
            provider: AccountId([1; 32]),
            ask: 1,
            slots: 1,
            open_jobs: 0,
            heard_block,
            misses: 0,
            paused_until_block,
        }
    }

    #[test]
    fn a_heartbeat_is_due_at_first_then_in_its_rhythm_and_after_a_pause() {
        let table = [
            (worker(None, 0), 1, true),
            (worker(Some(5), 0), 14, false),
            (worker(Some(5), 0), 15, true),
            (worker(Some(5), 9), 8, false),
            (worker(Some(5), 9), 9, true),
            (worker(Some(9), 9), 10, false),
        ];
        for (worker, block, due) in table {
            assert_eq!(
                heartbeat_due(&worker, &timing(), block),
                due,
                "{worker:?} at {block}"
            );
        }
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60];
        for (failures, seconds) in (0..).zip(seconds) {
            assert_eq!(pause_after(failures), Duration::from_secs(seconds));
        }
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
