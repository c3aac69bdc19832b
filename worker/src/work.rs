//! From a job to its result: get what it needs, execute, store what it gives.

use crate::{
    devices::JobExecutor,
    journal::Claim,
    planning::Obstacle,
    sampling::{self, Difference},
    supply::{Brought, Supply, SupplyError},
};
use mizan_blobs::{BlobError, BlobStore, LocalBlobStore};
use mizan_client::{calls::DeclineReason, views::JobView, Hash};
use mizan_engine::EngineError;
use mizan_tensor::{Commitment, Execution, ExecutionError, Plan, ProgramError, TensorRef};
use std::{sync::Arc, time::Duration};

/// Why a job could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A blob that the job names can't be had.
    #[error("{tensor}: {error}")]
    Unavailable {
        /// Which input or parameter.
        tensor: String,
        /// Why.
        error: SupplyError,
    },
    /// A blob that the job names has another length than the program and the batch ask for.
    #[error("{tensor} has {bytes} bytes instead of {expected}")]
    WrongLength {
        /// Which input or parameter.
        tensor: String,
        /// Its length.
        bytes: u64,
        /// The length it must have.
        expected: u64,
    },
    /// The job needs more memory than it may have.
    #[error("the job needs {bytes} bytes, more than the {limit} that it may have")]
    TooLarge {
        /// What it needs.
        bytes: u64,
        /// The most it may have.
        limit: u64,
    },
    /// The disk has no room for what the job brings.
    #[error("the job needs {bytes} bytes of disk, and {free} are free")]
    NoRoom {
        /// What it needs.
        bytes: u64,
        /// What there is.
        free: u64,
    },
    /// Inputs and parameters did not come before the job had to be attested.
    #[error("inputs and parameters did not come in the time that the job leaves")]
    TooSlow,
    /// The chain's program is not valid; it should not have been registered.
    #[error("the program is not valid: {0}")]
    Program(#[from] ProgramError),
    /// The program could not be executed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The result can't be stored.
    #[error("the result can't be stored: {0}")]
    Storing(BlobError),
    /// Two runs of one job gave two results.
    #[error("this machine computed two different results for one job: its hardware is faulty")]
    Faulty,
    /// An element came out differently when it was computed once more.
    #[error(
        "element {} of operation {} came out differently when it was computed once more: this \
         machine's hardware is faulty", .0.index, .0.operation
    )]
    Different(Difference),
    /// The thread that executed it is gone.
    #[error("the execution was cut off")]
    CutOff,
}

impl WorkError {
    /// Why the job may have to be declined; `None` if trying again is likely to help.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let (reason, may_pass) = match self {
            Self::Unavailable { error, .. } if error.is_disk_full() => {
                (DeclineReason::TooLarge, true)
            }
            Self::Unavailable { error, .. } => match error.may_pass() {
                None => return None,
                Some(may_pass) => (DeclineReason::InputsUnavailable, may_pass),
            },
            Self::WrongLength { .. } => (DeclineReason::InputsUnavailable, false),
            Self::TooLarge { .. }
            | Self::Engine(EngineError::Execution(ExecutionError::TooLarge)) => {
                (DeclineReason::TooLarge, false)
            }
            Self::NoRoom { .. } => (DeclineReason::TooLarge, true),
            Self::Storing(error) if error.is_disk_full() => (DeclineReason::TooLarge, true),
            // A driver that is being replaced, a device that rests.
            Self::Engine(EngineError::Device(_)) => (DeclineReason::Unavailable, true),
            Self::Program(_) | Self::Engine(_) | Self::Faulty | Self::Different(_) => {
                (DeclineReason::Unavailable, false)
            }
            Self::Storing(_) | Self::TooSlow | Self::CutOff => return None,
        };
        Some(Obstacle { reason, may_pass })
    }

    /// Whether the machine computes wrongly.
    pub fn is_faulty_hardware(&self) -> bool {
        matches!(self, Self::Faulty | Self::Different(_))
    }

    /// Whether the disk was full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Storing(error) => error.is_disk_full(),
            Self::Unavailable { error, .. } => error.is_disk_full(),
            _ => false,
        }
    }
}

/// A job with all bytes that it needs, checked.
pub struct Loaded {
    plan: Plan,
    batch: u32,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    /// All blobs that it reads.
    pub used: Vec<Brought>,
    /// Those that were not in the folder of blobs before.
    pub brought: Vec<Brought>,
}

/// What loading finds out about blobs.
#[derive(Default)]
struct Notes {
    used: Vec<Brought>,
    brought: Vec<Brought>,
}

/// The blobs that a job reads: parameters and inputs.
pub fn needed(job: &JobView, plan: &Plan) -> Vec<Hash> {
    let parameters = plan.program().parameters.iter();
    let parameters = parameters.map(|parameter| parameter.hash);
    parameters.chain(job.inputs.iter().copied()).collect()
}

/// Gets a job's inputs and parameters.
pub async fn load(supply: &Supply, job: &JobView, plan: Plan) -> Result<Loaded, WorkError> {
    let mut notes = Notes::default();
    let parameters = plan.program().parameters.iter();
    let parameters = parameters.zip(0u16..);
    let parameters = parameters
        .map(|(parameter, i)| (TensorRef::Parameter(i), parameter.hash))
        .collect();
    let parameters = get_all(supply, &plan, job, parameters, &mut notes).await?;
    let inputs = job.inputs.iter().zip(0u16..);
    let inputs = inputs
        .map(|(hash, i)| (TensorRef::Input(i), *hash))
        .collect();
    let inputs = get_all(supply, &plan, job, inputs, &mut notes).await?;
    Ok(Loaded {
        plan,
        batch: job.batch,
        parameters,
        inputs,
        used: notes.used,
        brought: notes.brought,
    })
}

async fn get_all(
    supply: &Supply,
    plan: &Plan,
    job: &JobView,
    tensors: Vec<(TensorRef, Hash)>,
    notes: &mut Notes,
) -> Result<Vec<Vec<u8>>, WorkError> {
    let mut blobs = Vec::with_capacity(tensors.len());
    for (tensor, hash) in tensors {
        let name = match tensor {
            TensorRef::Input(index) => format!("input {index}"),
            TensorRef::Parameter(index) => format!("parameter {index}"),
            TensorRef::Operation(index) => format!("operation {index}"),
        };
        // The chain refuses jobs with more inputs than the program has.
        let expected = plan.tensor_bytes(tensor, job.batch).unwrap_or_default();
        let blob = supply.get(&job.blob_servers, hash, expected).await;
        let (blob, new) = blob.map_err(|error| WorkError::Unavailable {
            tensor: name.clone(),
            error,
        })?;
        let bytes = u64::try_from(blob.len()).unwrap_or(u64::MAX);
        if bytes != expected {
            return Err(WorkError::WrongLength {
                tensor: name,
                bytes,
                expected,
            });
        }
        let found = Brought { hash, bytes };
        notes.used.push(found);
        notes.brought.extend(new.then_some(found));
        blobs.push(blob);
    }
    Ok(blobs)
}

/// A result with its hashes.
pub struct Executed {
    /// The result.
    pub execution: Execution,
    /// Its hashes, made by what executed it. Bytes that were damaged since then do not have them:
    /// they can't be read when they are demanded, and are computed anew.
    pub commitment: Commitment,
}

/// Executes a job on a thread of its own, and looks at the result before it is believed. What is
/// logged meanwhile is in the caller's span. What can't end in `time` is not begun; without it
/// everything is, however long it takes.
pub async fn execute(
    executor: Arc<dyn JobExecutor>,
    loaded: Loaded,
    time: Option<Duration>,
) -> Result<Executed, WorkError> {
    let span = tracing::Span::current();
    let run = move || {
        let _logged_there = span.enter();
        let parameters: Vec<&[u8]> = loaded.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = loaded.inputs.iter().map(Vec::as_slice).collect();
        let Loaded { plan, batch, .. } = &loaded;
        let executed = match time {
            Some(time) => executor.execute_in_time(time, plan, &parameters, &inputs, *batch),
            None => executor.execute_committed(plan, &parameters, &inputs, *batch),
        };
        let (execution, commitment) = executed?;
        match sampling::compare(plan, &parameters, &inputs, *batch, &execution) {
            None => Ok(Executed {
                execution,
                commitment,
            }),
            Some(difference) => Err(WorkError::Different(difference)),
        }
    };
    let executed = tokio::task::spawn_blocking(run).await;
    executed.map_err(|_| WorkError::CutOff)?
}

/// Stores outputs and trace and gives their hashes, and which of them were not there before. When
/// this returns, they are on the disk.
pub async fn store(
    store: &LocalBlobStore,
    executed: Executed,
) -> Result<(Claim, Vec<Brought>), WorkError> {
    let Executed {
        execution,
        commitment: Commitment { outputs, trace },
    } = executed;
    let mut brought = Vec::new();
    // The trace first: an output that is the whole of it is there then.
    let results = outputs.iter().zip(execution.outputs);
    for (hash, bytes) in std::iter::once((&trace, execution.trace)).chain(results) {
        let new = Brought {
            hash: *hash,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        let there = store.contains(*hash).await.map_err(WorkError::Storing)?;
        let stored = store.put_hashed(*hash, bytes).await;
        stored.map_err(WorkError::Storing)?;
        brought.extend((!there).then_some(new));
    }
    Ok((Claim { outputs, trace }, brought))
}

/// The blobs of a claim: outputs, then the trace.
pub fn claimed(claim: &Claim) -> Vec<Hash> {
    claim.outputs.iter().copied().chain([claim.trace]).collect()
}

/// Whether the store has those blobs.
pub async fn are_stored(store: &LocalBlobStore, blobs: &[Hash]) -> Result<bool, WorkError> {
    for hash in blobs {
        if !store.contains(*hash).await.map_err(WorkError::Storing)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_engine::cuda::DeviceError;
    use std::io;

    fn unavailable(error: impl Into<SupplyError>) -> WorkError {
        WorkError::Unavailable {
            tensor: "input 0".into(),
            error: error.into(),
        }
    }

    fn io(kind: io::ErrorKind) -> BlobError {
        BlobError::Io {
            path: "blobs".into(),
            source: kind.into(),
        }
    }

    #[test]
    fn what_can_not_be_done_is_declined_with_its_reason_and_what_may_pass_later() {
        use DeclineReason::{InputsUnavailable, TooLarge, Unavailable};
        let table = [
            (
                unavailable(BlobError::Missing([1; 32])),
                Some((InputsUnavailable, false)),
            ),
            (unavailable(io(io::ErrorKind::PermissionDenied)), None),
            (
                unavailable(io(io::ErrorKind::StorageFull)),
                Some((TooLarge, true)),
            ),
            (
                WorkError::Storing(io(io::ErrorKind::StorageFull)),
                Some((TooLarge, true)),
            ),
            (
                WorkError::Storing(io(io::ErrorKind::PermissionDenied)),
                None,
            ),
            (
                WorkError::TooLarge { bytes: 2, limit: 1 },
                Some((TooLarge, false)),
            ),
            (
                WorkError::NoRoom { bytes: 2, free: 1 },
                Some((TooLarge, true)),
            ),
            (
                WorkError::Engine(DeviceError::NoDevice.into()),
                Some((Unavailable, true)),
            ),
            (WorkError::Faulty, Some((Unavailable, false))),
            (WorkError::CutOff, None),
        ];
        for (error, expected) in table {
            let obstacle = error.obstacle().map(|o| (o.reason, o.may_pass));
            assert_eq!(obstacle, expected, "{error}");
        }
    }
}
