//! Which open demands to answer now: each once, and again after a while if that failed or if the
//! block with the answer was given up. An auditor keeps a book of its duties in the same way.

use crate::journal::Key;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// Longest pause between two attempts at one answer: short, for silence convicts.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// How long an answer that a block had is trusted, should the demand show as open again.
const TRUST: Duration = Duration::from_secs(30);

/// Names a demand for the data of an assignment's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DemandKey {
    /// The assignment.
    pub key: Key,
    /// The demand's id among those of the job.
    pub demand: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// An answer is being made or sent.
    Running { failures: u32 },
    /// The last attempt failed: the next one not before that.
    Failed {
        failures: u32,
        until: Instant,
        is_lost: bool,
    },
    /// A block has the answer. Past that moment an open demand says that the block was given up.
    Answered { until: Instant },
}

/// What became of the demands that are open.
#[derive(Debug)]
pub struct DemandBook<K = DemandKey>(BTreeMap<K, State>);

impl<K> Default for DemandBook<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Copy> DemandBook<K> {
    /// Those of all open demands whose answer is to be made now; they count as being answered from
    /// here on. Others that are in the book and not open any more are forgotten, unless an answer
    /// is under way.
    pub fn due(&mut self, open: &[K], now: Instant) -> Vec<K> {
        let listed: BTreeSet<_> = open.iter().copied().collect();
        self.0
            .retain(|key, state| listed.contains(key) || matches!(state, State::Running { .. }));
        let mut due = Vec::new();
        for key in listed {
            let failures = match self.0.get(&key) {
                None => 0,
                Some(State::Failed {
                    failures, until, ..
                }) if *until <= now => *failures,
                Some(State::Answered { until }) if *until <= now => 0,
                Some(_) => continue,
            };
            self.0.insert(key, State::Running { failures });
            due.push(key);
        }
        due
    }

    /// A block has the answer, by whomever.
    pub fn answered(&mut self, key: K, now: Instant) {
        let until = now + TRUST;
        self.0.insert(key, State::Answered { until });
    }

    /// The attempt failed, because data is lost or otherwise: another follows after a pause, if the
    /// demand is open then.
    pub fn failed(&mut self, key: K, is_lost: bool, now: Instant) -> Duration {
        let failures = match self.0.get(&key) {
            Some(State::Running { failures } | State::Failed { failures, .. }) => *failures,
            Some(State::Answered { .. }) | None => 0,
        };
        let pause = Duration::from_secs(1 << failures.min(6)).min(LONGEST_PAUSE);
        let state = State::Failed {
            failures: failures.saturating_add(1),
            until: now + pause,
            is_lost,
        };
        self.0.insert(key, state);
        pause
    }

    /// The attempt ended, and the next is made at once if there is still something to do.
    pub fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Attempts that ended without saying how are made again.
    pub fn forget_running(&mut self) {
        self.0
            .retain(|_, state| !matches!(state, State::Running { .. }));
    }

    /// How many open demands no block has an answer to.
    pub fn unanswered(&self) -> usize {
        let states = self.0.values();
        states
            .filter(|state| !matches!(state, State::Answered { .. }))
            .count()
    }

    /// For how many of them data is lost, as far as is known.
    pub fn unanswerable(&self) -> usize {
        let states = self.0.values();
        states
            .filter(|state| matches!(state, State::Failed { is_lost: true, .. }))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(job: u64, demand: u32) -> DemandKey {
        let key = Key {
            job,
            assigned_block: 7,
            block_hash: [7; 32],
        };
        DemandKey { key, demand }
    }

    #[test]
    fn an_open_demand_is_answered_once() {
        let (mut book, now) = (DemandBook::default(), Instant::now());
        let open = [demand(1, 0), demand(1, 1), demand(2, 0)];
        assert_eq!(book.due(&open, now), open);
        assert_eq!(book.due(&open, now + TRUST), []);
        assert_eq!(book.unanswered(), 3);
        book.answered(open[1], now);
        assert_eq!(book.unanswered(), 2);
        // The node's newest block may be an older one for a moment.
        assert_eq!(book.due(&open, now), []);
        assert_eq!(book.due(&[demand(1, 2)], now), [demand(1, 2)]);
    }

    #[test]
    fn a_failed_answer_is_repeated_after_pauses_that_grow_and_stay_short() {
        let (mut book, mut now) = (DemandBook::default(), Instant::now());
        let open = [demand(1, 0)];
        for seconds in [1, 2, 4, 8, 16, 16, 16, 16] {
            assert_eq!(book.due(&open, now), open);
            let pause = book.failed(open[0], false, now);
            assert_eq!(pause, Duration::from_secs(seconds));
            now += pause;
            assert_eq!(book.due(&open, now - Duration::from_millis(1)), []);
            assert_eq!(book.unanswered(), 1);
        }
    }

    #[test]
    fn a_demand_that_is_not_open_any_more_is_forgotten_whatever_became_of_it() {
        let (mut book, now) = (DemandBook::default(), Instant::now());
        let open = [demand(1, 0), demand(1, 1), demand(1, 2)];
        book.due(&open, now);
        book.answered(open[0], now);
        book.failed(open[1], true, now);
        assert_eq!(book.unanswerable(), 1);
        assert_eq!(book.due(&[], now), []);
        // One attempt is still under way.
        assert_eq!((book.unanswered(), book.unanswerable()), (1, 0));
        book.answered(open[2], now);
        book.due(&[], now);
        assert_eq!(book.unanswered(), 0);
        assert!(book.0.is_empty());
    }

    #[test]
    fn an_answer_in_a_block_that_was_given_up_is_given_again() {
        let (mut book, now) = (DemandBook::default(), Instant::now());
        let open = [demand(1, 0)];
        book.due(&open, now);
        book.answered(open[0], now);
        assert_eq!(book.due(&open, now + TRUST), open);
    }

    #[test]
    fn attempts_that_were_cut_off_are_made_again() {
        let (mut book, now) = (DemandBook::default(), Instant::now());
        let open = [demand(1, 0), demand(1, 1)];
        book.due(&open, now);
        book.answered(open[0], now);
        book.forget_running();
        assert_eq!(book.due(&open, now), [open[1]]);
    }
}
