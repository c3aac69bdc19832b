//! The work over one connection: heartbeats, and one step after another for all jobs.

use super::{advising::Advising, answering::Answering, liveness::Liveness, upkeep, DaemonError};
use crate::{
    equipment::Equipment,
    journal::{JournalError, Key},
    metrics::shown,
    node::{Node, LONGEST_PAUSE},
    planning::Obstacle,
    steps::{Progress, StepError, Task, DISK_FULL},
};
use mizan_client::{views::Timing, At, BlockStream, ClientError, Hash};
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
    answering: Answering,
    advising: Advising,
    liveness: Liveness,
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
        let answering = Answering::new(node.clone(), equipment.clone());
        let advising = Advising::new(node.clone(), equipment.clone());
        let liveness = Liveness::new(node.clone(), equipment.clone(), timing.clone());
        Ok(Self {
            node,
            equipment,
            timing,
            answering,
            advising,
            liveness,
            blocks,
            attempts: BTreeMap::new(),
            running: BTreeSet::new(),
            tasks: JoinSet::new(),
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
                () = self.answering.advance() => self.answering.check()?,
                () = self.advising.advance() => {}
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
            let longest = self.timing.max_duration_blocks;
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            let work = upkeep::run(node, equipment, longest, self.ticks);
            self.upkeep = Some(tokio::spawn(work));
        }
        self.look_around().await?;
        self.liveness.leave_if_convicted(self.tasks.len()).await
    }

    /// Says that the worker is there, and starts a step for every job that has none running.
    async fn look_around(&mut self) -> Result<(), DaemonError> {
        self.liveness.stay_live(self.ticks).await?;
        self.answering.look();
        if self.equipment.lending.is_lent() {
            self.advising.look();
        }
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

    /// Tells the chain that the worker stops, so that it gives no job that nobody would do, while
    /// running steps come to an end.
    async fn wind_up(&mut self, within: Duration) {
        self.advising.stop();
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.abort();
        }
        let Self {
            liveness,
            tasks,
            answering,
            ..
        } = self;
        tokio::join!(liveness.leave(), finish_steps(tasks, answering, within));
    }
}

/// Lets running steps come to an end, for so long; the journal knows how to go on with those that
/// do not.
async fn finish_steps<T: 'static>(
    tasks: &mut JoinSet<T>,
    answering: &mut Answering,
    within: Duration,
) {
    let running = tasks.len() + answering.running();
    if running > 0 {
        info!(
            "stopping; {running} running steps get {} seconds",
            within.as_secs()
        );
    }
    let ended = tokio::time::timeout(within, async {
        while tasks.join_next().await.is_some() {}
        answering.wind_up().await;
    });
    if ended.await.is_err() {
        info!(
            "{} steps were dropped; the journal knows them",
            tasks.len() + answering.running()
        );
    }
}

fn shown_count(count: usize) -> i64 {
    u64::try_from(count).map_or(i64::MAX, shown)
}

#[cfg(test)]
mod tests {
    use super::*;

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
