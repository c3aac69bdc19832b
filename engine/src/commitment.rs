//! Committing to a result with all threads.

use mizan_tensor::{Commitment, Execution, Hash};

/// What [`Commitment::to`] gives, computed by all threads of the thread pool that it runs in.
///
/// It commits to the bytes as they are here. Whoever has a result executed by devices has it
/// committed to there as well, with
/// [`Executor::execute_committed`](crate::Executor::execute_committed).
///
/// Outputs are parts of the trace, so one that is as long as the trace is the trace, as with
/// programs of one operation, and is not hashed again.
pub fn commit(execution: &Execution) -> Commitment {
    let trace = hash(&execution.trace);
    let output = |bytes: &Vec<u8>| match bytes.len() == execution.trace.len() {
        true => trace,
        false => hash(bytes),
    };
    Commitment {
        outputs: execution.outputs.iter().map(output).collect(),
        trace,
    }
}

/// Fewest bytes that are worth waking other threads for: they are hashed in some ten microseconds.
const BYTES_FOR_THREADS: usize = 128 << 10;

fn hash(bytes: &[u8]) -> Hash {
    if bytes.len() < BYTES_FOR_THREADS {
        return mizan_tensor::hash_bytes(bytes);
    }
    blake3::Hasher::new().update_rayon(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::on_threads;

    #[test]
    fn any_number_of_threads_gives_the_same_commitment() {
        let bytes = |count: usize| (0..count).map(|i| (i / 3) as u8).collect::<Vec<u8>>();
        for length in [0, 1, 1_024, 131_073, 3_000_000] {
            let trace = bytes(length);
            let execution = Execution {
                outputs: vec![trace.clone(), trace[length / 2..].to_vec()],
                trace,
            };
            for threads in [1, 2, 3] {
                let committed = on_threads(threads, || commit(&execution)).unwrap();
                assert_eq!(committed, Commitment::to(&execution));
            }
        }
    }
}
