//! Whoever is too slow is left: nothing for a while, or too little over a longer while.

use std::{future::Future, time::Duration};
use tokio::time::{timeout, Instant};

/// The other side is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slow;

/// Measures how fast the other side gives bytes. Only time spent waiting for it counts.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    idle: Duration,
    min_bytes_per_second: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(idle: Duration, min_bytes_per_second: u64) -> Self {
        Self {
            idle,
            min_bytes_per_second,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Waits for the other side.
    pub(crate) async fn wait<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Slow> {
        let start = Instant::now();
        let outcome = timeout(self.idle, what).await.map_err(|_| Slow);
        self.waited = self.waited.saturating_add(start.elapsed());
        outcome
    }

    /// Counts what came. The speed is looked at whenever as long was waited as may be idle.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<(), Slow> {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.waited < self.idle {
            return Ok(());
        }
        let least = least_bytes(self.min_bytes_per_second, self.waited);
        let enough = self.bytes >= least;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        if enough {
            Ok(())
        } else {
            Err(Slow)
        }
    }
}

/// The least that must move in that time.
pub(crate) fn least_bytes(per_second: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (per_second.saturating_mul(millis) / 1000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn nothing_for_a_while_is_too_slow() {
        let mut pace = Pace::new(Duration::from_millis(20), 1);
        assert_eq!(pace.wait(ready(7)).await, Ok(7));
        assert_eq!(pace.wait(pending::<()>()).await, Err(Slow));
    }

    #[test]
    fn too_little_over_a_while_is_too_slow_and_enough_is_not() {
        let mut pace = Pace::new(Duration::from_secs(1), 1000);
        pace.waited = Duration::from_secs(2);
        assert_eq!(pace.count(2000), Ok(()));
        assert_eq!(pace.count(1), Ok(()));
        pace.waited = Duration::from_secs(2);
        assert_eq!(pace.count(1998), Err(Slow));
    }
}
