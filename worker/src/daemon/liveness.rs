//! Heartbeats: saying that the worker is there, until it is convicted.

use super::{Convicted, DaemonError};
use crate::{
    equipment::Equipment, journal::Entry, node::Node, rivals::Signed, steps::BLOCK_SECONDS,
};
use mizan_client::{
    calls,
    views::{Timing, WorkerView},
};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

/// A reminder that nothing happens comes once in so many ticks.
const TICKS_BETWEEN_REMINDERS: u32 = 20;

/// Whether the chain hears of the worker.
pub(super) struct Liveness {
    node: Node,
    equipment: Arc<Equipment>,
    timing: Timing,
    heartbeat: Option<JoinHandle<()>>,
    convicted: bool,
    last_reminder: Option<u32>,
}

impl Liveness {
    pub(super) fn new(node: Node, equipment: Arc<Equipment>, timing: Timing) -> Self {
        Self {
            node,
            equipment,
            timing,
            heartbeat: None,
            convicted: false,
            last_reminder: None,
        }
    }

    /// Sends a heartbeat if one is due and the owner lets new jobs come. Without any the chain
    /// gives the worker none after a while, and counts nothing against it.
    pub(super) async fn stay_live(&mut self, ticks: u32) -> Result<(), DaemonError> {
        // Looked at each time: others go by it, and the metrics show it.
        let takes_jobs = self.equipment.lending.refusal(self.heard()).is_none();
        let beating = self.heartbeat.as_ref();
        if beating.is_some_and(|task| !task.is_finished()) || self.equipment.disk.is_full() {
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
        if worker.convicted {
            return Ok(());
        }
        let next_block = self.node.best_number().await?.saturating_add(1);
        if takes_jobs && heartbeat_due(&worker, &self.timing, next_block) {
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            self.heartbeat = Some(tokio::spawn(send_heartbeat(node, equipment)));
        }
        Ok(())
    }

    /// How long the chain takes the worker for there after a heartbeat.
    fn heard(&self) -> Duration {
        Duration::from_secs(u64::from(self.timing.liveness_blocks) * BLOCK_SECONDS)
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

    pub(super) fn stop(&mut self) {
        if let Some(heartbeat) = self.heartbeat.take() {
            heartbeat.abort();
        }
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
}
