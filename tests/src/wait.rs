//! Waiting for conditions, never for luck.

use anyhow::{bail, Result};
use std::time::{Duration, Instant};

/// Between two looks at a condition.
pub const PAUSE: Duration = Duration::from_millis(50);

/// When waiting ends in any case.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// So many seconds from now.
    pub fn seconds(seconds: u64) -> Self {
        Self::after(Duration::from_secs(seconds))
    }

    /// Whether it is too late.
    pub fn passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Asks `condition` again and again until it gives something. An error names `what` was waited
/// for when `deadline` passes before.
pub async fn until<T>(
    what: &str,
    deadline: Deadline,
    mut condition: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        if deadline.passed() {
            bail!("waited too long for {what}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_gives_the_value_or_names_what_it_waited_for() {
        let mut rounds = 0;
        let value = until("three rounds", Deadline::seconds(20), async || {
            rounds += 1;
            Ok((rounds == 3).then_some(rounds))
        });
        assert_eq!(value.await.unwrap(), 3);
        let never = until("nothing", Deadline::after(Duration::ZERO), async || {
            Ok(None::<()>)
        });
        assert_eq!(
            never.await.unwrap_err().to_string(),
            "waited too long for nothing"
        );
    }
}
