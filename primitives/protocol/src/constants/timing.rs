//! What the periods make of a job.

use super::Timing;
use crate::BlockNumber;

/// One block to see an answer, one to send what follows from it, one to spare.
const LEAST_REACTION_BLOCKS: BlockNumber = 3;

/// Blocks of three seconds in which so many bytes come at 1 MB/s.
fn fetch_blocks(bytes: u64) -> BlockNumber {
    u32::try_from(bytes.div_ceil(3_000_000)).unwrap_or(u32::MAX)
}

impl Timing {
    /// Times of a development chain: a job settles within seconds.
    pub fn development() -> Self {
        Self {
            challenge_blocks: 4,
            answer_blocks: 8,
            draw_delay_slots: 2,
            audit_blocks: 8,
            decline_blocks: 10,
            min_duration_blocks: 5,
            heartbeat_blocks: 5,
            liveness_blocks: 20,
            back_off_blocks: 2,
            era_blocks: 100,
            ..Self::default()
        }
    }

    /// Says what is wrong with the record.
    pub fn check(&self) -> Result<(), &'static str> {
        let ordered = self.min_duration_blocks <= self.max_duration_blocks
            && self.heartbeat_blocks < self.liveness_blocks
            // Whether a result is audited shows while it can still be challenged.
            && self.draw_delay_slots < self.challenge_blocks;
        let positive = [
            self.challenge_blocks,
            self.answer_blocks,
            self.draw_delay_slots,
            self.audit_blocks,
            self.decline_blocks,
            self.max_wait_blocks,
            self.min_duration_blocks,
            self.heartbeat_blocks,
            self.back_off_blocks,
            self.era_blocks,
        ];
        match (ordered, positive.contains(&0)) {
            (false, _) => Err("timing: a shortest period exceeds its longest"),
            (_, true) => Err("timing: a period is zero"),
            _ => Ok(()),
        }
    }

    /// Least time that a job must leave its worker: the fixed part, and its inputs at 1 MB/s.
    pub fn min_duration(&self, input_bytes: u64) -> BlockNumber {
        self.min_duration_blocks
            .saturating_add(fetch_blocks(input_bytes))
    }

    /// Time that an auditor has for its verdict, in dispute time: the fixed part, and what it
    /// fetches at 1 MB/s. Who audits all of a job has the job's duration as well.
    pub fn verdict_blocks(&self, fetched_bytes: u64, duration: BlockNumber) -> BlockNumber {
        self.audit_blocks
            .saturating_add(fetch_blocks(fetched_bytes))
            .saturating_add(duration)
    }

    /// How long a job can't settle after an answer, so that what it shows can be used: a quarter of
    /// the challenge period, rounded up, and never less than it takes to see the answer and to
    /// have a transaction included.
    pub fn reaction_blocks(&self) -> BlockNumber {
        self.challenge_blocks.div_ceil(4).max(LEAST_REACTION_BLOCKS)
    }

    /// How long a worker gets no job after `misses` declines and timeouts in a row.
    pub fn back_off(&self, misses: u32) -> BlockNumber {
        self.back_off_blocks
            .saturating_mul(2u32.saturating_pow(misses))
    }
}
