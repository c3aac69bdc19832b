//! Whether the chain may give the worker jobs: heartbeats while it takes some, and a word when it
//! takes none any more. Both are said by what the newest block has, so what got lost, or was in a
//! block that was given up, is said again.

use super::{Convicted, DaemonError};
use crate::{equipment::Equipment, journal::Entry, lending::Refusal, node::Node, rivals::Signed};
use mizan_client::{
    calls,
    views::{Timing, WorkerView},
    ClientError,
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};

/// A reminder that nothing happens comes once in so many ticks.
const TICKS_BETWEEN_REMINDERS: u32 = 20;
/// Longest time to tell the chain that the worker stops: three blocks.
const LEAVING: Duration = Duration::from_secs(10);

/// What there is to tell the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The worker is there.
    Heartbeat,
    /// It takes no new jobs.
    Offline,
}

/// Whether the chain hears of the worker.
pub(super) struct Liveness {
    node: Node,
    equipment: Arc<Equipment>,
    timing: Timing,
    /// What is being said.
    saying: Option<JoinHandle<()>>,
    convicted: bool,
    last_reminder: Option<u32>,
}

impl Liveness {
    pub(super) fn new(node: Node, equipment: Arc<Equipment>, timing: Timing) -> Self {
        Self {
            node,
            equipment,
            timing,
            saying: None,
            convicted: false,
            last_reminder: None,
        }
    }

    /// Sends a heartbeat if one is due and jobs are taken; where none are, tells the chain so.
    pub(super) async fn stay_live(&mut self, ticks: u32) -> Result<(), DaemonError> {
        // Looked at each time: others go by it, and the metrics show it.
        let refusal = self.equipment.lending.refusal();
        let word = word(refusal.as_ref(), self.equipment.disk.is_full());
        let saying = self.saying.as_ref();
        if saying.is_some_and(|task| !task.is_finished()) {
            return Ok(());
        }
        let account = self.equipment.account();
        let Some(worker) = self.node.worker(&account).await? else {
            self.now_convicted(false);
            if self.reminds(ticks) {
                warn!("{account} is not a registered worker: run `mizan-worker register`; waiting");
            }
            return Ok(());
        };
        self.now_convicted(worker.convicted);
        let next_block = self.node.best_number().await?.saturating_add(1);
        if let Some(word) = word.filter(|word| word.is_due(&worker, &self.timing, next_block)) {
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            self.saying = Some(tokio::spawn(say(node, equipment, word)));
        }
        Ok(())
    }

    /// Tells the chain that the worker stops, if the node lets it soon enough. Otherwise jobs may
    /// come as long as the last heartbeat counts.
    pub(super) async fn leave(&mut self) {
        match tokio::time::timeout(LEAVING, self.say_the_last_word()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!("the chain was not told that the worker stops: {error}"),
            Err(_) => warn!(
                "no block has it within {} seconds that the worker stops",
                LEAVING.as_secs()
            ),
        }
    }

    async fn say_the_last_word(&mut self) -> Result<(), ClientError> {
        // A heartbeat that is under way would undo it, or be what it needs.
        if let Some(saying) = self.saying.take() {
            let _ = saying.await;
        }
        let Some(worker) = self.node.worker(&self.equipment.account()).await? else {
            return Ok(());
        };
        let next_block = self.node.best_number().await?.saturating_add(1);
        if Word::Offline.is_due(&worker, &self.timing, next_block) {
            go_offline(&self.node, &self.equipment).await;
        }
        Ok(())
    }

    fn now_convicted(&mut self, convicted: bool) {
        self.equipment.metrics.convicted.set(convicted.into());
        if convicted && !self.convicted {
            error!(
                "this worker was convicted: it sends no more heartbeats and gets no more jobs. It \
                 goes on until the results that it attested are settled, then it ends"
            );
        }
        self.convicted = convicted;
    }

    /// Ends a convicted worker once it has nothing to answer for. The conviction must be final.
    pub(super) async fn leave_if_convicted(&self, running: usize) -> Result<(), DaemonError> {
        let account = self.equipment.account();
        if !self.convicted || running > 0 || self.is_obliged()? {
            return Ok(());
        }
        if self.node.is_convicted(&account).await? {
            let worker = account.to_string();
            return Err(Convicted { worker }.into());
        }
        Ok(())
    }

    /// Whether a job of this worker is not settled, as far as the journal knows.
    fn is_obliged(&self) -> Result<bool, DaemonError> {
        let journal = &self.equipment.journal;
        if !journal.unfinished()?.is_empty() {
            return Ok(true);
        }
        for (key, _) in journal.holdings()? {
            if matches!(journal.entry(key)?, Some(Entry::Attested(_))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn reminds(&mut self, ticks: u32) -> bool {
        let since = self.last_reminder.map(|last| ticks.wrapping_sub(last));
        let reminds = since.is_none_or(|since| since >= TICKS_BETWEEN_REMINDERS);
        if reminds {
            self.last_reminder = Some(ticks);
        }
        reminds
    }
}

async fn say(node: Node, equipment: Arc<Equipment>, word: Word) {
    match word {
        Word::Heartbeat => send_heartbeat(&node, &equipment).await,
        Word::Offline => go_offline(&node, &equipment).await,
    }
}

async fn send_heartbeat(node: &Node, equipment: &Equipment) {
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

async fn go_offline(node: &Node, equipment: &Equipment) {
    match node.submit(&calls::go_offline(), &equipment.key).await {
        Ok(included) => info!(
            "offline from block {} on: no jobs come before the next heartbeat",
            included.block_number
        ),
        Err(error) => warn!("the chain was not told that no jobs are taken: {error}"),
    }
}

/// What there is to tell, if it is not said already; nothing while nobody knows yet.
fn word(refusal: Option<&Refusal>, disk_is_full: bool) -> Option<Word> {
    match refusal {
        _ if disk_is_full => Some(Word::Offline),
        None => Some(Word::Heartbeat),
        Some(Refusal::NotLookedAt) => None,
        Some(Refusal::Hours(_) | Refusal::Devices) => Some(Word::Offline),
    }
}

impl Word {
    /// Whether saying so in that block is free of fees and of use.
    fn is_due(self, worker: &WorkerView, timing: &Timing, block: u32) -> bool {
        let due = match self {
            Self::Heartbeat => heartbeat_due,
            Self::Offline => may_get_jobs,
        };
        !worker.convicted && due(worker, timing, block)
    }
}

/// Whether the chain takes the worker for there in that block. One that pauses or has no free slot
/// gets jobs later.
fn may_get_jobs(worker: &WorkerView, timing: &Timing, block: u32) -> bool {
    let heard = worker.heard_block.filter(|_| !worker.offline);
    heard.is_some_and(|heard| block <= heard.saturating_add(timing.liveness_blocks))
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
            answer_blocks: 8,
            draw_delay_slots: 2,
            audit_blocks: 8,
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
            convicted: false,
            offline: false,
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

    fn offline(heard_block: u32) -> WorkerView {
        WorkerView {
            offline: true,
            ..worker(Some(heard_block), 0)
        }
    }

    #[test]
    fn a_worker_that_takes_no_jobs_says_so_once_while_the_chain_takes_it_for_there() {
        let table = [
            (worker(None, 0), 1, false),
            (worker(Some(5), 0), 6, true),
            (worker(Some(5), 0), 25, true),
            (worker(Some(5), 0), 26, false),
            // It would get jobs after its pause.
            (worker(Some(5), 90), 6, true),
            (offline(5), 6, false),
        ];
        for (worker, block, due) in table {
            let found = Word::Offline.is_due(&worker, &timing(), block);
            assert_eq!(found, due, "{worker:?} at {block}");
        }
    }

    #[test]
    fn a_worker_that_said_so_comes_back_with_the_next_heartbeat_that_is_due() {
        let is_due = |block| Word::Heartbeat.is_due(&offline(5), &timing(), block);
        assert_eq!([14, 15].map(is_due), [false, true]);
    }

    #[test]
    fn a_convicted_worker_says_nothing() {
        let convicted = WorkerView {
            convicted: true,
            ..worker(Some(5), 0)
        };
        for word in [Word::Heartbeat, Word::Offline] {
            assert!(!word.is_due(&convicted, &timing(), 15), "{word:?}");
        }
    }

    #[test]
    fn the_chain_hears_what_the_owner_and_the_disk_allow_and_nothing_that_is_not_known_yet() {
        let hours = Refusal::Hours("22:00-08:00".parse().unwrap());
        let table = [
            (None, Some(Word::Heartbeat)),
            (Some(hours), Some(Word::Offline)),
            (Some(Refusal::Devices), Some(Word::Offline)),
            (Some(Refusal::NotLookedAt), None),
        ];
        for (refusal, said) in table {
            assert_eq!(word(refusal.as_ref(), false), said, "{refusal:?}");
            let full = word(refusal.as_ref(), true);
            assert_eq!(full, Some(Word::Offline), "{refusal:?}");
        }
    }
}
