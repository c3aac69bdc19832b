//! For which audits advice was given, or will be tried again: once for each.

use crate::journal::Key;
use mizan_client::Hash;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// Attempts that may fail before an audit is left alone.
const ATTEMPTS: u32 = 5;
/// The pause after the first that fails; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Until it is looked again whether paid jobs have ended.
const LATER: Duration = Duration::from_secs(5);

/// Names an open audit of all of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdviceKey {
    /// The assignment.
    pub key: Key,
    /// The seed of the auditor's draw, another for each auditor.
    pub seed: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waits { failures: u32, until: Instant },
    Done,
}

/// What became of the audits that are open.
#[derive(Debug, Default)]
pub struct AdviceBook(BTreeMap<AdviceKey, State>);

impl AdviceBook {
    /// The first of all open audits for which it is time. Others that are in the book and not open
    /// any more are forgotten.
    pub fn due(&mut self, open: &[AdviceKey], now: Instant) -> Option<AdviceKey> {
        let listed: BTreeSet<_> = open.iter().copied().collect();
        self.0.retain(|key, _| listed.contains(key));
        listed.into_iter().find(|key| match self.0.get(key) {
            None => true,
            Some(State::Waits { until, .. }) => *until <= now,
            Some(State::Done) => false,
        })
    }

    /// There is nothing more to do for this audit.
    pub fn done(&mut self, key: AdviceKey) {
        self.0.insert(key, State::Done);
    }

    /// An attempt failed. Gives the pause before the next, if another follows.
    pub fn failed(&mut self, key: AdviceKey, now: Instant) -> Option<Duration> {
        let failures = self.failures(key);
        if failures.saturating_add(1) >= ATTEMPTS {
            self.done(key);
            return None;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << failures);
        let state = State::Waits {
            failures: failures.saturating_add(1),
            until: now + pause,
        };
        self.0.insert(key, state);
        Some(pause)
    }

    /// Something else goes first, which is no failure.
    pub fn postponed(&mut self, key: AdviceKey, now: Instant) {
        let state = State::Waits {
            failures: self.failures(key),
            until: now + LATER,
        };
        self.0.insert(key, state);
    }

    fn failures(&self, key: AdviceKey) -> u32 {
        match self.0.get(&key) {
            Some(State::Waits { failures, .. }) => *failures,
            Some(State::Done) | None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(job: u64, seed: u8) -> AdviceKey {
        AdviceKey {
            key: Key {
                job,
                assigned_block: 1,
                block_hash: [1; 32],
            },
            seed: [seed; 32],
        }
    }

    #[test]
    fn each_audit_gets_advice_once() {
        let (mut book, now) = (AdviceBook::default(), Instant::now());
        let (one, two, again) = (key(1, 1), key(2, 1), key(1, 2));
        assert_eq!(book.due(&[two, one], now), Some(one));
        book.done(one);
        assert_eq!(book.due(&[two, one], now), Some(two));
        book.done(two);
        assert_eq!(book.due(&[two, one], now), None);
        // Another auditor is another audit.
        assert_eq!(book.due(&[two, again], now), Some(again));
    }

    #[test]
    fn what_failed_is_tried_again_after_longer_and_longer_pauses_but_not_for_ever() {
        let (mut book, mut now) = (AdviceBook::default(), Instant::now());
        let one = key(1, 1);
        for seconds in [1, 2, 4, 8] {
            let pause = book.failed(one, now).unwrap();
            assert_eq!(pause, Duration::from_secs(seconds));
            assert_eq!(book.due(&[one], now), None);
            now += pause;
            assert_eq!(book.due(&[one], now), Some(one));
        }
        assert_eq!(book.failed(one, now), None);
        assert_eq!(book.due(&[one], now + LATER), None);
    }

    #[test]
    fn what_had_to_wait_has_not_failed() {
        let (mut book, mut now) = (AdviceBook::default(), Instant::now());
        let one = key(1, 1);
        for _ in 0..2 * ATTEMPTS {
            book.postponed(one, now);
            assert_eq!(book.due(&[one], now), None);
            now += LATER;
            assert_eq!(book.due(&[one], now), Some(one));
        }
        assert_eq!(book.failed(one, now), Some(FIRST_PAUSE));
    }
}
