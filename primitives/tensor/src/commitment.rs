//! What a worker attests: everything is a BLAKE3 blob.

use crate::{Execution, Hash};
use alloc::vec::Vec;

/// The BLAKE3 hash of a blob: the name under which anyone fetches it.
pub fn hash_bytes(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

/// The hashes of a job's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Hash of each output, in the program's order.
    pub outputs: Vec<Hash>,
    /// Hash of the trace.
    pub trace: Hash,
}

impl Commitment {
    /// The commitment to an execution.
    pub fn to(execution: &Execution) -> Self {
        Self {
            outputs: execution
                .outputs
                .iter()
                .map(|bytes| hash_bytes(bytes))
                .collect(),
            trace: hash_bytes(&execution.trace),
        }
    }
}
