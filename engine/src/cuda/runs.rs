//! Which hashes of a part's results are made on the device.
//!
//! Trace and outputs are blobs, and a blob's hash is a tree over chunks of 1 KiB. A part has some
//! neighbouring bytes of every operation's output, which begin and end anywhere in a chunk:
//!
//! ```text
//!   blob      |  chunk  |  chunk  |  chunk  | .. | 1,024 chunks | .. |  chunk  |  chunk  |
//!   part            |<--------------------------------------------------------------->|
//!   run                 |<- before ------------->|<-- groups -->|<- after ->|
//!                       the hash of each chunk     of each MiB    of each chunk
//! ```
//!
//! The device hashes the run of whole chunks, and joins the groups in it that are subtrees of the
//! blob. The chunks at the seams, and runs that are too short, are left to the host, which joins
//! everything (`committing.rs`).

use super::protocol::Hashed;
use mizan_tensor::{Plan, TensorRef};
use std::ops::Range;

/// Bytes of a chunk.
pub(crate) const CHUNK_BYTES: u64 = 1_024;
/// Bytes of the hash of a chunk or of a subtree.
pub(crate) const NODE_BYTES: u64 = 32;
/// Chunks that one launch of `blake3_tree` joins to one.
pub(crate) const GROUP_CHUNKS: u64 = 1_024;

/// Something with a hash of its own in a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blob {
    Trace,
    /// What this operation gives, if it is an output and not the whole trace.
    Output(u16),
}

/// Neighbouring whole chunks of a blob, in one operation's output of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) blob: Blob,
    pub(crate) operation: u16,
    /// Bytes of the part's output of the operation that are before it.
    pub(crate) skipped: u64,
    /// Its first chunk, counted from the blob's begin.
    pub(crate) first: u64,
    /// Chunks before the groups, or all of them if there are none.
    pub(crate) before: u64,
    /// Groups of 1,024 chunks.
    pub(crate) groups: u64,
    /// Chunks behind the groups.
    pub(crate) after: u64,
}

impl Run {
    /// Of the bytes `at` of a blob of so many bytes; `None` if fewer than `least_bytes` are in
    /// whole chunks.
    fn of(
        (blob, blob_bytes): (Blob, u64),
        operation: u16,
        at: Range<u64>,
        least_bytes: u64,
    ) -> Option<Self> {
        let first = at.start.div_ceil(CHUNK_BYTES);
        let end = at.end / CHUNK_BYTES;
        let chunks = end.checked_sub(first).filter(|chunks| *chunks > 0)?;
        // A lone chunk is a root, which is hashed in another way.
        if chunks * CHUNK_BYTES < least_bytes || blob_bytes <= CHUNK_BYTES {
            return None;
        }
        let start_of_groups = first.next_multiple_of(GROUP_CHUNKS);
        let groups = (end / GROUP_CHUNKS).saturating_sub(start_of_groups / GROUP_CHUNKS);
        // So is a lone group.
        let (before, groups) = match groups > 0 && blob_bytes > GROUP_CHUNKS * CHUNK_BYTES {
            true => (start_of_groups - first, groups),
            false => (chunks, 0),
        };
        Some(Self {
            blob,
            operation,
            skipped: first * CHUNK_BYTES - at.start,
            first,
            before,
            groups,
            after: chunks - before - groups * GROUP_CHUNKS,
        })
    }

    /// Chunks in groups.
    pub(crate) fn grouped(&self) -> u64 {
        self.groups * GROUP_CHUNKS
    }

    /// All its chunks.
    pub(crate) fn chunks(&self) -> u64 {
        self.before + self.grouped() + self.after
    }

    /// All its bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks() * CHUNK_BYTES
    }

    /// Hashes that are made of it.
    pub(crate) fn nodes(&self) -> u64 {
        self.before + self.groups + self.after
    }

    /// The chunks of each of these hashes, counted from the blob's begin.
    pub(crate) fn subtrees(&self) -> impl Iterator<Item = Range<u64>> {
        let groups = self.first + self.before;
        let after = groups + self.grouped();
        let single = |chunks: Range<u64>| chunks.map(|chunk| chunk..chunk + 1);
        let group = move |index| {
            let start = groups + index * GROUP_CHUNKS;
            start..start + GROUP_CHUNKS
        };
        single(self.first..groups)
            .chain((0..self.groups).map(group))
            .chain(single(after..after + self.after))
    }
}

/// Bytes of the hashes of all these runs.
pub(crate) fn node_bytes(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.nodes() * NODE_BYTES).sum()
}

/// The runs of a part of `batch` items; `None` if these are not items of such a job.
pub(crate) fn runs(plan: &Plan, hashed: &Hashed, batch: u32) -> Option<Vec<Run>> {
    let end = hashed.first.checked_add(batch)?;
    if end > hashed.job_batch {
        return None;
    }
    let trace_bytes = plan.trace_bytes(hashed.job_batch)?;
    let mut runs = Vec::new();
    for operation in (0u16..).take(plan.program().operations.len()) {
        let bytes = |items| plan.tensor_bytes(TensorRef::Operation(operation), items);
        let (start, end) = (bytes(hashed.first)?, bytes(end)?);
        let offset = plan.trace_offset(operation, hashed.job_batch)?;
        let in_trace = offset.checked_add(start)?..offset.checked_add(end)?;
        let trace = (Blob::Trace, trace_bytes);
        runs.extend(Run::of(trace, operation, in_trace, hashed.least_bytes));
        let output_bytes = bytes(hashed.job_batch)?;
        if plan.program().outputs.contains(&operation) && output_bytes != trace_bytes {
            let output = (Blob::Output(operation), output_bytes);
            runs.extend(Run::of(output, operation, start..end, hashed.least_bytes));
        }
    }
    Some(runs)
}

/// Room for the hashes of a batch, wherever its items are in a job.
pub(crate) fn most_node_bytes(plan: &Plan, batch: u32) -> Option<u64> {
    let trace = plan.trace_bytes(batch)?;
    let outputs = plan.program().outputs.iter();
    let outputs = outputs.map(|output| plan.tensor_bytes(TensorRef::Operation(*output), batch));
    let mut outputs = outputs.filter(|bytes| *bytes != Some(trace));
    let hashed = outputs.try_fold(trace, |sum, bytes| sum.checked_add(bytes?))?;
    Some(hashed.div_ceil(CHUNK_BYTES / NODE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn run(blob_bytes: u64, at: Range<u64>, least_bytes: u64) -> Option<Run> {
        Run::of((Blob::Trace, blob_bytes), 3, at, least_bytes)
    }

    #[test]
    fn a_run_has_the_whole_chunks_and_those_of_them_that_are_subtrees_in_groups() {
        let found = run(9 * MIB, MIB - 1_030..3 * MIB + 2_500, 1).unwrap();
        let expected = Run {
            blob: Blob::Trace,
            operation: 3,
            skipped: 6,
            first: 1_023,
            before: 1,
            groups: 2,
            after: 2,
        };
        assert_eq!(found, expected);
        let subtrees: Vec<_> = found.subtrees().collect();
        let expected = [
            1_023..1_024,
            1_024..2_048,
            2_048..3_072,
            3_072..3_073,
            3_073..3_074,
        ];
        assert_eq!(subtrees, expected);
    }

    #[test]
    fn what_is_hashed_as_a_root_is_left_to_the_host() {
        assert_eq!(run(1_024, 0..1_024, 1), None);
        let lone_group = run(MIB, 0..MIB, 1).unwrap();
        assert_eq!((lone_group.before, lone_group.groups), (1_024, 0));
        let group_of_two = run(MIB + 1, 0..MIB, 1).unwrap();
        assert_eq!((group_of_two.before, group_of_two.groups), (0, 1));
    }

    #[test]
    fn what_is_short_or_has_no_whole_chunk_is_left_to_the_host() {
        assert_eq!(run(MIB, 1..2_047, 1), None);
        assert_eq!(run(MIB, 0..4_095, 3 * 1_024 + 1), None);
        assert!(run(MIB, 0..4_096, 4 * 1_024).is_some());
    }

    proptest! {
        #[test]
        fn the_subtrees_of_a_run_follow_each_other_within_the_part(
            start in 0..5 * MIB,
            length in 0..5 * MIB,
            behind in 0..MIB,
        ) {
            let end = start + length;
            let Some(run) = run(end + behind, start..end, 1) else {
                // Two chunks' length has a whole chunk wherever it begins.
                prop_assert!(length < 2 * CHUNK_BYTES);
                return Ok(());
            };
            prop_assert_eq!(run.first * CHUNK_BYTES, start + run.skipped);
            prop_assert!(run.skipped < CHUNK_BYTES);
            let mut next = run.first;
            for subtree in run.subtrees() {
                prop_assert_eq!(subtree.start, next);
                prop_assert!(subtree.start.is_multiple_of(subtree.end - subtree.start));
                next = subtree.end;
            }
            prop_assert_eq!(next, run.first + run.chunks());
            prop_assert_eq!(run.subtrees().count() as u64, run.nodes());
            prop_assert!(next * CHUNK_BYTES <= end && end < (next + 1) * CHUNK_BYTES);
        }
    }
}
