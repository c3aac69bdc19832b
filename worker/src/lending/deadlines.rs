//! When accepted jobs would be late.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What is kept of a job's time for delivering and attesting its result.
const RESERVE: Duration = Duration::from_secs(60);
/// Jobs by which the time of others is guessed.
const REMEMBERED: usize = 16;
/// A job tells of one that is this many times as large.
const ALIKE: u128 = 8;
/// Jobs have this many times as long as they are guessed to take.
const MARGIN: u32 = 2;

/// Accepted jobs that are not computed yet, and how fast others were.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    jobs: BTreeMap<u64, Due>,
    next: u64,
    /// The last ones that were computed.
    done: VecDeque<Done>,
}

/// A job that was computed.
#[derive(Debug)]
struct Done {
    macs: u128,
    time: Duration,
}

/// A job that must be computed.
#[derive(Debug)]
struct Due {
    macs: u128,
    /// Until when, and from when on it does not wait whatever is guessed.
    end: Duration,
    middle: Duration,
}

impl Deadlines {
    /// Another job has so much time from now on, of so much in all: what earlier attempts took counts
    /// too. Gives its number.
    pub(super) fn add(
        &mut self,
        now: Duration,
        macs: u128,
        left: Duration,
        whole: Duration,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let end = now.saturating_add(left);
        let due = Due {
            macs,
            end,
            middle: end.saturating_sub(whole / 2),
        };
        self.jobs.insert(number, due);
        number
    }

    /// A job waits no more.
    pub(super) fn remove(&mut self, number: u64) {
        self.jobs.remove(&number);
    }

    /// A job was computed in so much time of devices.
    pub(super) fn learn(&mut self, macs: u128, time: Duration) {
        if macs == 0 || time.is_zero() {
            return;
        }
        if self.done.len() >= REMEMBERED {
            self.done.pop_front();
        }
        self.done.push_back(Done { macs, time });
    }

    /// Whether a job is late if devices wait any longer: when half of its time has gone, or when
    /// what is left is not twice as much as all jobs may take. Where nothing is known of that, at
    /// once.
    pub(super) fn press(&self, now: Duration) -> bool {
        if self.jobs.is_empty() {
            return false;
        }
        let Some(time) = self.guess() else {
            return true;
        };
        let needed = RESERVE.saturating_add(time.saturating_mul(MARGIN));
        let presses = |due: &Due| now >= due.middle || now.saturating_add(needed) >= due.end;
        self.jobs.values().any(presses)
    }

    /// How long all of them may take together, by what jobs took lately.
    fn guess(&self) -> Option<Duration> {
        let guesses = self.jobs.values().map(|due| self.guess_one(due.macs));
        guesses.reduce(|a, b| Some(a?.saturating_add(b?))).flatten()
    }

    /// How long a job may take: as long as the slowest that was not much smaller. What a small one
    /// took says little of a large one, since most of it was not computing; so where all were
    /// smaller, the largest counts.
    fn guess_one(&self, macs: u128) -> Option<Duration> {
        let alike = self.done.iter().filter(|done| done.macs >= macs / ALIKE);
        let slowest = alike.map(|done| done.scaled(macs)).max();
        let largest = || self.done.iter().max_by_key(|done| done.macs);
        slowest.or_else(|| Some(largest()?.scaled(macs)))
    }
}

impl Done {
    /// How long a job of that size takes at this speed, and at least what this one took.
    fn scaled(&self, macs: u128) -> Duration {
        let micros = self.time.as_micros().saturating_mul(macs) / self.macs.max(1);
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        Duration::from_micros(micros).max(self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// A machine that did 100 multiply-accumulates a second.
    fn measured() -> Deadlines {
        let mut deadlines = Deadlines::default();
        deadlines.learn(1_000, seconds(10));
        deadlines
    }

    #[test]
    fn nothing_presses_without_a_job() {
        assert!(!Deadlines::default().press(seconds(9)));
        assert!(!measured().press(seconds(9)));
    }

    #[test]
    fn a_job_presses_when_half_of_its_time_has_gone() {
        let mut deadlines = measured();
        deadlines.add(seconds(100), 1, seconds(600), seconds(600));
        assert!(!deadlines.press(seconds(399)));
        assert!(deadlines.press(seconds(400)));
        assert!(deadlines.press(seconds(9_999)));
    }

    #[test]
    fn what_earlier_attempts_took_of_a_jobs_time_is_gone() {
        let mut deadlines = measured();
        deadlines.add(seconds(100), 1, seconds(400), seconds(600));
        assert!(!deadlines.press(seconds(199)));
        assert!(deadlines.press(seconds(200)));
        // More than half had gone before.
        deadlines.add(seconds(100), 1, seconds(299), seconds(600));
        assert!(deadlines.press(seconds(100)));
    }

    #[test]
    fn a_job_presses_earlier_that_may_take_long() {
        let mut deadlines = measured();
        // 200 seconds, twice, and a minute, of 600.
        deadlines.add(seconds(0), 20_000, seconds(600), seconds(600));
        assert!(!deadlines.press(seconds(139)));
        assert!(deadlines.press(seconds(140)));
    }

    #[test]
    fn jobs_are_guessed_to_take_as_long_as_all_of_them_together() {
        let mut deadlines = measured();
        let first = deadlines.add(seconds(0), 10_000, seconds(600), seconds(600));
        let second = deadlines.add(seconds(0), 10_000, seconds(6_000), seconds(6_000));
        assert!(deadlines.press(seconds(140)));
        deadlines.remove(second);
        assert!(!deadlines.press(seconds(140)));
        deadlines.remove(first);
        assert!(!deadlines.press(seconds(9_999)));
    }

    #[test]
    fn the_slowest_of_the_last_jobs_counts() {
        let mut deadlines = measured();
        deadlines.learn(1_000, seconds(100));
        deadlines.add(seconds(0), 2_000, seconds(600), seconds(600));
        assert!(deadlines.press(seconds(140)));
        (0..REMEMBERED).for_each(|_| deadlines.learn(1_000, seconds(1)));
        assert!(!deadlines.press(seconds(140)));
    }

    #[test]
    fn what_a_small_job_took_says_nothing_of_a_large_one() {
        let mut deadlines = Deadlines::default();
        deadlines.learn(1_000_000_000_000, seconds(10));
        // Most of which the device's process took to start.
        deadlines.learn(1, seconds(5));
        deadlines.add(seconds(0), 1_000_000_000_000, seconds(600), seconds(600));
        assert!(!deadlines.press(seconds(200)));
    }

    #[test]
    fn a_job_presses_at_once_where_nothing_was_measured() {
        let mut deadlines = Deadlines::default();
        deadlines.learn(1_000, Duration::ZERO);
        deadlines.add(seconds(0), 1, seconds(6_000), seconds(6_000));
        assert!(deadlines.press(seconds(0)));
    }

    #[test]
    fn numbers_too_large_to_count_press() {
        let mut deadlines = measured();
        deadlines.add(seconds(0), u128::MAX, seconds(1 << 40), seconds(1 << 40));
        assert!(deadlines.press(seconds(0)));
    }
}
