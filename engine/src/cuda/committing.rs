//! A commitment out of what devices hash and of the rest, which is hashed here.

use super::{
    content::{hash_with, subtree, Subtree},
    error::DeviceError,
    parts::Part,
    process::lock,
    protocol::Hashed,
    runs::{Blob, Run, CHUNK_BYTES, NODE_BYTES},
};
use mizan_tensor::{Commitment, Execution, Hash, Plan};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
};

/// Of so many of a run's hashes one is compared with the bytes on the host, and at least one of
/// each run.
const COMPARED: u64 = 16;

/// The hashes that devices have made for one commitment.
pub(crate) struct Committing {
    job_batch: u32,
    least_bytes: u64,
    /// Those of one part follow each other, and parts come in any order.
    known: Mutex<BTreeMap<Blob, Vec<Subtree>>>,
}

impl Committing {
    /// For a job of so many items. Fewer neighbouring bytes are hashed here.
    pub(crate) fn new(job_batch: u32, least_bytes: u64) -> Self {
        Self {
            job_batch,
            least_bytes,
            known: Mutex::default(),
        }
    }

    /// What a device is to hash of a part.
    pub(crate) fn of(&self, part: &Part<'_>) -> Hashed {
        Hashed {
            first: part.items.start,
            job_batch: self.job_batch,
            least_bytes: self.least_bytes,
        }
    }

    /// Takes the hashes of a part's runs, after some were compared with the part's results.
    pub(crate) fn take(
        &self,
        runs: &[Run],
        nodes: &[u8],
        part: &Part<'_>,
    ) -> Result<(), DeviceError> {
        let (nodes, _) = nodes.as_chunks::<{ NODE_BYTES as usize }>();
        let mut nodes = nodes.iter();
        let mut found = Vec::with_capacity(runs.len());
        for run in runs {
            let subtrees = run.subtrees().zip(&mut nodes);
            let subtrees = subtrees.map(|(chunks, hash)| Subtree {
                chunks,
                hash: *hash,
            });
            let subtrees: Vec<_> = subtrees.collect();
            compare(run, &subtrees, part)?;
            found.push((run.blob, subtrees));
        }
        let mut known = lock(&self.known);
        for (blob, subtrees) in found {
            known.entry(blob).or_default().extend(subtrees);
        }
        Ok(())
    }

    /// The commitment, when all parts are done.
    pub(crate) fn commitment(self, plan: &Plan, execution: &Execution) -> Commitment {
        let known = self.known.into_inner();
        let mut known = known.unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut hash = |blob, bytes: &[u8]| -> Hash {
            let mut subtrees = known.remove(&blob).unwrap_or_default();
            subtrees.sort_unstable_by_key(|subtree| subtree.chunks.start);
            hash_with(bytes, &subtrees)
        };
        let trace = hash(Blob::Trace, &execution.trace);
        let outputs = plan.program().outputs.iter().zip(&execution.outputs);
        let outputs = outputs.map(|(operation, bytes)| {
            // An output that is as long as the trace is the trace.
            match bytes.len() == execution.trace.len() {
                true => trace,
                false => hash(Blob::Output(*operation), bytes),
            }
        });
        Commitment {
            outputs: outputs.collect(),
            trace,
        }
    }
}

/// Hashes some of what the device has hashed of a run, as it came here. It finds a device that
/// hashes or copies wrongly as a rule, and takes a fraction of the time of hashing everything.
fn compare(run: &Run, subtrees: &[Subtree], part: &Part<'_>) -> Result<(), DeviceError> {
    let changed = || {
        let reason = "a result has other bytes on the host than on the device";
        DeviceError::DeviceLost(reason.into())
    };
    let random = RandomState::new();
    let output = part.outputs.get(usize::from(run.operation));
    let mut index = random.hash_one(0) % COMPARED.min(subtrees.len() as u64).max(1);
    while let Some(known) = subtrees.get(index as usize) {
        let start = run.skipped + (known.chunks.start - run.first) * CHUNK_BYTES;
        let end = run.skipped + (known.chunks.end - run.first) * CHUNK_BYTES;
        let bytes = output.and_then(|output| output.get(start as usize..end as usize));
        let bytes = bytes.ok_or_else(changed)?;
        if subtree(bytes, known.chunks.start * CHUNK_BYTES, &[]) != known.hash {
            return Err(changed());
        }
        index += 1 + random.hash_one(index) % (2 * COMPARED - 1);
    }
    Ok(())
}
