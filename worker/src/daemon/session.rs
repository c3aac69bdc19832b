//! The work over one connection: heartbeats, and one step after another for all jobs.

use super::{upkeep, DaemonError};
use crate::{
    equipment::Equipment,
    journal::{JournalError, Key},
    metrics::shown,
    node::{Node, LONGEST_PAUSE},
    planning::Obstacle,
    rivals::Signed,
    steps::{Progress, StepError, Task, DISK_FULL},
};
use mizan_client::{
    calls,
    views::{Timing, WorkerView},
    At, BlockStream, ClientError, Hash,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior},
};
use tracing::{debug, info, warn};

/// Longest pause between two attempts at what must be done within a few blocks.
const LONGEST_URGENT_PAUSE: Duration = Duration::from_secs(4);
/// Jobs are looked at this often even while no block becomes final.
const TICK: Duration = Duration::from_secs(6);
/// A reminder that nothing happens comes once in so many ticks.
const TICKS_BETWEEN_REMINDERS: u32 = 20;

/// Twice as long after each failure.
fn pause_after(failures: u32, urgent: bool) -> Duration {
    let longest = if urgent {
        LONGEST_URGENT_PAUSE
    } else {
        LONGEST_PAUSE
    };
    Duration::from_secs(1 << failures.min(6)).min(longest)
}

/// What is known of a job besides journal and chain, for as long as the connection lasts.
#[derive(Default)]
struct Attempt {
    failures: u32,
    not_before: Option<Instant>,
    obstacle: Option<Obstacle>,
}

/// The work over one connection.
pub(super) struct Session {
    node: Node,
    equipment: Arc<Equipment>,
    timing: Timing,
    blocks: BlockStream,
    attempts: BTreeMap<Key, Attempt>,
    running: BTreeSet<Key>,
    tasks: JoinSet<(Key, Result<Progress, StepError>)>,
    heartbeat: Option<JoinHandle<()>>,
    upkeep: Option<JoinHandle<Result<(), JournalError>>>,
    ticks: u32,
}

impl Session {
    pub(super) async fn open(node: Node, equipment: Arc<Equipment>) -> Result<Self, DaemonError> {
        equipment.journal.bind(&node.genesis_hash())?;
        let timing = node.timing().await?;
        let blocks = node.finalized_blocks().await?;
        equipment.rivals.begin(node.best_number().await?);
        let worker = equipment.account();
        info!(%worker, genesis = %mizan_client::hex_hash(&node.genesis_hash()), "following the chain");
        Ok(Self {
            node,
            equipment,
            timing,
            blocks,
            attempts: BTreeMap::new(),
            running: BTreeSet::new(),
            tasks: JoinSet::new(),
            heartbeat: None,
            upkeep: None,
            ticks: 0,
        })
    }

    /// Works until it is told to stop, the connection is lost, or something is wrong for good.
    pub(super) async fn work(
        mut self,
        stop: &mut watch::Receiver<bool>,
        stop_within: Duration,
    ) -> Result<(), DaemonError> {
        // Intervals are of the monotonic clock: a wall clock that jumps changes nothing.
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                block = self.blocks.next() => {
                    let (number, hash) = block?;
                    self.follow(number, hash).await?;
                }
                _ = ticks.tick() => {
                    self.tick().await?;
                }
                Some(done) = self.tasks.join_next() => {
                    self.equipment.metrics.running.set(shown_count(self.tasks.len()));
                    // A step that panicked is planned again like one that failed.
                    if let Ok((key, result)) = done {
                        self.finish(key, result)?;
                    }
                }
                _ = stop.wait_for(|stop| *stop) => {
                    self.wind_up(stop_within).await;
                    return Ok(());
                }
            }
        }
    }

    async fn follow(&mut self, number: u32, hash: Hash) -> Result<(), DaemonError> {
        debug!("block {number} is final");
        let Equipment {
            metrics, rivals, ..
        } = &*self.equipment;
        metrics.final_block.set(number.into());
        let account = self.equipment.account();
        rivals.look_at(&self.node, &account, number, hash).await;
        rivals.verdict(&account)?;
        self.look_around().await
    }

    async fn tick(&mut self) -> Result<(), DaemonError> {
        self.ticks = self.ticks.wrapping_add(1);
        let equipment = self.equipment.clone();
        let looked = tokio::task::spawn_blocking(move || equipment.disk.look(&equipment.journal));
        if let Ok(looked) = looked.await {
            looked?;
        }
        let full = self.equipment.disk.is_full();
        self.equipment.metrics.disk_full.set(full.into());
        if let Some(upkeep) = self.upkeep.take_if(|upkeep| upkeep.is_finished()) {
            match upkeep.await {
                Ok(Err(error @ JournalError::Full(_))) => self.equipment.disk.report_full(&error),
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(())) | Err(_) => {}
            }
        }
        if self.upkeep.is_none() {
            let work = upkeep::run(self.node.clone(), self.equipment.clone(), self.ticks);
            self.upkeep = Some(tokio::spawn(work));
        }
        self.look_around().await
    }

    /// Says that the worker is there, and starts a step for every job that has none running.
    async fn look_around(&mut self) -> Result<(), DaemonError> {
        self.stay_live().await?;
        let account = self.equipment.account();
        let mut keys = BTreeSet::new();
        for job in self.node.jobs_of(&account, At::Finalized).await? {
            keys.extend(self.assignment(job).await?);
        }
        let unfinished = self.equipment.journal.unfinished()?;
        keys.extend(unfinished.into_iter().map(|(key, _)| key));
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
        let job = self.node.job(id, At::Finalized).await?;
        let assignment = job.as_ref().and_then(|job| job.state.assignment());
        let Some(assigned_block) = assignment.map(|assignment| assignment.assigned_block) else {
            return Ok(None);
        };
        let hash = self.node.block_hash(assigned_block).await?;
        Ok(hash.map(|block_hash| Key {
            job: id,
            assigned_block,
            block_hash,
        }))
    }

    fn start(&mut self, key: Key) {
        let full = self.equipment.disk.is_full().then_some(DISK_FULL);
        let task = Task {
            equipment: self.equipment.clone(),
            node: self.node.clone(),
            key,
            decline_blocks: self.timing.decline_blocks,
            obstacle: self.attempts.entry(key).or_default().obstacle.or(full),
        };
        self.running.insert(key);
        self.tasks.spawn(async move { (key, task.advance().await) });
        self.equipment
            .metrics
            .running
            .set(shown_count(self.tasks.len()));
    }

    fn finish(&mut self, key: Key, result: Result<Progress, StepError>) -> Result<(), DaemonError> {
        self.running.remove(&key);
        let attempt = self.attempts.entry(key).or_default();
        let error = match result {
            Ok(progress) => {
                attempt.failures = 0;
                attempt.not_before = None;
                if progress == Progress::GoOn {
                    self.start(key);
                }
                return Ok(());
            }
            Err(error) => error,
        };
        self.equipment.metrics.failed_attempts.inc();
        if error.is_disk_full() {
            self.equipment.disk.report_full(&error);
        }
        attempt.failures += 1;
        attempt.obstacle = error.obstacle();
        let passes = |obstacle: Obstacle| obstacle.may_pass;
        let declines = attempt.failures == 1 && attempt.obstacle.is_some_and(|o| !passes(o));
        let urgent =
            attempt.obstacle.is_some_and(passes) || matches!(error, StepError::Undelivered(_));
        let pause = if declines {
            Duration::ZERO
        } else {
            pause_after(attempt.failures, urgent)
        };
        attempt.not_before = Some(Instant::now() + pause);
        warn!(job = key.job, step = %"failed", reason = %error, "job");
        match error {
            StepError::Journal(JournalError::Full(_)) => {}
            StepError::Journal(error) => return Err(error.into()),
            StepError::Rival(rival) => return Err(rival.into()),
            _ if declines => self.start(key),
            _ => {}
        }
        Ok(())
    }

    /// Lets running steps come to an end, for so long; the journal knows how to go on with those
    /// that do not.
    async fn wind_up(&mut self, within: Duration) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.abort();
        }
        let running = self.tasks.len();
        if running > 0 {
            info!(
                "stopping; {running} running steps get {} seconds",
                within.as_secs()
            );
        }
        let ended = tokio::time::timeout(within, async {
            while self.tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            info!(
                "{} steps were dropped; the journal knows them",
                self.tasks.len()
            );
        }
    }

    async fn stay_live(&mut self) -> Result<(), DaemonError> {
        let beating = self.heartbeat.as_ref();
        if beating.is_some_and(|task| !task.is_finished()) || self.equipment.disk.is_full() {
            return Ok(());
        }
        let worker = self.node.worker(&self.equipment.account()).await?;
        let Some(worker) = worker else {
            self.remind_to_register();
            return Ok(());
        };
        let next_block = self.node.best_number().await?.saturating_add(1);
        if heartbeat_due(&worker, &self.timing, next_block) {
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            self.heartbeat = Some(tokio::spawn(send_heartbeat(node, equipment)));
        }
        Ok(())
    }

    fn remind_to_register(&mut self) {
        if self.ticks % TICKS_BETWEEN_REMINDERS == 1 {
            let worker = self.equipment.account();
            warn!("{worker} is not a registered worker: run `mizan-worker register`; waiting");
            self.ticks = self.ticks.wrapping_add(1);
        }
    }
}

async fn send_heartbeat(node: Node, equipment: Arc<Equipment>) {
    let call = calls::heartbeat();
    let sent = equipment
        .rivals
        .send(Signed::Heartbeat, node.submit(&call, &equipment.key));
    match sent.await {
        Ok(included) => {
            equipment.metrics.heartbeats.inc();
            debug!("heartbeat in block {}", included.block_number);
        }
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

fn shown_count(count: usize) -> i64 {
    u64::try_from(count).map_or(i64::MAX, shown)
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
    fn pauses_double_up_to_a_minute_and_stay_short_while_time_is_short() {
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60];
        for (failures, seconds) in (0..).zip(seconds) {
            assert_eq!(pause_after(failures, false), Duration::from_secs(seconds));
            let urgent = Duration::from_secs(seconds).min(LONGEST_URGENT_PAUSE);
            assert_eq!(pause_after(failures, true), urgent);
        }
        assert_eq!(pause_after(u32::MAX, false), LONGEST_PAUSE);
    }
}
