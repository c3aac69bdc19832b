//! Which blobs can go: those that the worker brought into the folder itself and that no job needs.

use crate::journal::CachedBlob;
use mizan_client::Hash;
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Most bytes of blobs that no job needs.
    pub bytes: u64,
    /// How long such a blob is kept after its last use.
    pub age: Duration,
}

/// Blobs to remove: first those that are too old, then the oldest until the rest fits. Blobs in
/// `held` stay whatever they are. A clock that jumped costs a blob that can be fetched again.
pub fn superfluous(
    cached: &[(Hash, CachedBlob)],
    held: &BTreeSet<Hash>,
    limits: CacheLimits,
    now_seconds: u64,
) -> Vec<Hash> {
    let mut free: Vec<_> = cached
        .iter()
        .filter(|(hash, _)| !held.contains(hash))
        .collect();
    free.sort_by_key(|(hash, blob)| (std::cmp::Reverse(blob.used_seconds), *hash));
    let mut kept_bytes = 0u64;
    let mut removed = Vec::new();
    for (hash, blob) in free {
        let old = now_seconds.saturating_sub(blob.used_seconds) > limits.age.as_secs();
        let sum = kept_bytes.saturating_add(blob.bytes);
        if old || sum > limits.bytes {
            removed.push(*hash);
        } else {
            kept_bytes = sum;
        }
    }
    removed
}

/// Seconds since 1970 by this machine's clock.
pub fn wall_clock_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CacheLimits = CacheLimits {
        bytes: 10,
        age: Duration::from_secs(100),
    };

    fn blob(name: u8, bytes: u64, used_seconds: u64) -> (Hash, CachedBlob) {
        let blob = CachedBlob {
            bytes,
            used_seconds,
        };
        ([name; 32], blob)
    }

    #[test]
    fn old_blobs_go_and_then_the_oldest_until_the_rest_fits() {
        let cached = [
            blob(1, 1, 800),
            blob(2, 6, 950),
            blob(3, 5, 990),
            blob(4, 4, 920),
        ];
        let removed = superfluous(&cached, &BTreeSet::new(), LIMITS, 1_000);
        assert_eq!(removed, [[2; 32], [1; 32]]);
    }

    #[test]
    fn what_a_job_needs_stays_and_counts_for_nothing() {
        let cached = [blob(1, 100, 0), blob(2, 10, 1_000)];
        let held = BTreeSet::from([[1; 32]]);
        assert!(superfluous(&cached, &held, LIMITS, 1_000).is_empty());
    }

    #[test]
    fn a_clock_set_back_removes_nothing() {
        let cached = [blob(1, 1, 5_000)];
        assert!(superfluous(&cached, &BTreeSet::new(), LIMITS, 1_000).is_empty());
    }
}
