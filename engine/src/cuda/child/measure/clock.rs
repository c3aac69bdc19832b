//! How often something is done to tell its time.

use super::Run;
use crate::cuda::{
    child::stopwatch::Stopwatch,
    measure::{Effort, MeasureError, Timing, MAX_REPETITIONS},
};
use cust::stream::Stream;

const SECOND: u64 = 1_000_000_000;
/// How long a device works before anything counts: clocks rise, and kernels are loaded when they
/// are first used.
const WARM_NANOS: u64 = SECOND / 10;
/// Most time of a round.
const ROUND_NANOS: u64 = SECOND;
/// Most time of all rounds of all that is measured together: the parent waits for it.
const TOTAL_NANOS: u64 = 20 * SECOND;

/// Times what runs on a stream.
pub(super) struct Clock<'a> {
    stopwatch: Stopwatch<'a>,
}

impl<'a> Clock<'a> {
    pub(super) fn new(stream: &'a Stream) -> Result<Self, MeasureError> {
        let stopwatch = Stopwatch::new(stream)?;
        Ok(Self { stopwatch })
    }

    /// Nanoseconds of so many executions.
    pub(super) fn round(&self, run: &dyn Run, repetitions: u32) -> Result<u64, MeasureError> {
        self.stopwatch
            .nanos(|| (0..repetitions).try_for_each(|_| run.queue()))
    }

    /// Executes until the device is warm, and gives the nanoseconds of one execution then.
    fn warm(&self, run: &dyn Run) -> Result<u64, MeasureError> {
        self.round(run, 1)?;
        let (mut repetitions, mut spent) = (1, 0);
        loop {
            let nanos = self.round(run, repetitions)?;
            spent += nanos;
            if spent >= WARM_NANOS || repetitions >= MAX_REPETITIONS {
                return Ok((nanos / u64::from(repetitions)).max(1));
            }
            repetitions = repetitions.saturating_mul(2).min(MAX_REPETITIONS);
        }
    }

    /// Executes until the device is warm; an error where so many rounds would take too long.
    pub(super) fn warm_for(&self, run: &dyn Run, effort: Effort) -> Result<(), MeasureError> {
        check_time(self.warm(run)?.saturating_mul(effort.rounds.into()))
    }

    /// Times all of them: a round of the first, one of the second, and so on, so that whatever
    /// changes meanwhile changes for all.
    pub(super) fn in_turns<const N: usize>(
        &self,
        runs: [&dyn Run; N],
        effort: Effort,
    ) -> Result<[Timing; N], MeasureError> {
        let rounds = u64::from(effort.rounds);
        let share = TOTAL_NANOS / rounds / (N as u64).max(1);
        let mut least = 0u64;
        let mut timings = runs.map(|run| Timing {
            of: run.name(),
            repetitions: 1,
            round_nanos: Vec::new(),
        });
        for (run, timing) in runs.iter().zip(&mut timings) {
            let one = self.warm(*run)?;
            least = least.saturating_add(one.saturating_mul(rounds));
            let fitting = share.min(ROUND_NANOS) / one;
            timing.repetitions = u32::try_from(fitting)
                .unwrap_or(u32::MAX)
                .clamp(1, effort.repetitions);
        }
        check_time(least)?;
        for _ in 0..rounds {
            for (run, timing) in runs.iter().zip(&mut timings) {
                let nanos = self.round(*run, timing.repetitions)?;
                timing.round_nanos.push(nanos);
            }
        }
        Ok(timings)
    }
}

/// An error where all rounds take longer than they may, though each has one repetition only.
fn check_time(nanos: u64) -> Result<(), MeasureError> {
    match nanos > TOTAL_NANOS {
        true => Err(MeasureError::TooLong {
            seconds: nanos.div_ceil(SECOND),
            limit: TOTAL_NANOS / SECOND,
        }),
        false => Ok(()),
    }
}
