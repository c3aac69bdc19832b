//! From a job to its result: get what it needs, execute, store what it gives.

use crate::journal::Claim;
use mizan_client::{
    blobs::{BlobError, BlobStore},
    calls::DeclineReason,
    views::JobView,
    Hash,
};
use mizan_engine::{EngineError, Executor};
use mizan_tensor::{Execution, ExecutionError, Plan, Program, ProgramError, TensorRef};
use std::sync::Arc;

/// Why a job could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A blob that the job names can't be had.
    #[error("{tensor}: {error}")]
    Unavailable {
        /// Which input or parameter.
        tensor: String,
        /// What the store says.
        error: BlobError,
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
    #[error("the job needs more than the {limit} bytes that it may have")]
    TooLarge {
        /// The most it may have.
        limit: u64,
    },
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
    /// The thread that executed it is gone.
    #[error("the execution was cut off")]
    CutOff,
}

impl WorkError {
    /// The reason to decline, if trying again is not likely to help.
    pub fn decline_reason(&self) -> Option<DeclineReason> {
        match self {
            Self::Unavailable {
                error: BlobError::Io { .. },
                ..
            } => None,
            Self::Unavailable { .. } | Self::WrongLength { .. } => {
                Some(DeclineReason::InputsUnavailable)
            }
            Self::TooLarge { .. }
            | Self::Engine(EngineError::Execution(ExecutionError::TooLarge)) => {
                Some(DeclineReason::TooLarge)
            }
            Self::Program(_) | Self::Engine(_) | Self::Faulty => Some(DeclineReason::Unavailable),
            Self::Storing(_) | Self::CutOff => None,
        }
    }
}

/// A job with all bytes that it needs, checked.
pub struct Loaded {
    plan: Plan,
    batch: u32,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
}

/// Gets a job's inputs and parameters. `max_bytes` bounds them and the trace together.
pub async fn load<S: BlobStore>(
    store: &S,
    job: &JobView,
    program: Program,
    max_bytes: u64,
) -> Result<Loaded, WorkError> {
    let plan = Plan::new(program)?;
    let cost = plan.cost();
    if cost.full_audit_bytes(job.batch) > max_bytes {
        return Err(WorkError::TooLarge { limit: max_bytes });
    }
    let parameters = plan
        .program()
        .parameters
        .iter()
        .map(|parameter| parameter.hash);
    let parameters = parameters
        .zip(0u16..)
        .map(|(hash, i)| (TensorRef::Parameter(i), hash));
    let parameters = get_all(store, &plan, job.batch, parameters.collect()).await?;
    let inputs = job
        .inputs
        .iter()
        .zip(0u16..)
        .map(|(hash, i)| (TensorRef::Input(i), *hash));
    let inputs = get_all(store, &plan, job.batch, inputs.collect()).await?;
    Ok(Loaded {
        plan,
        batch: job.batch,
        parameters,
        inputs,
    })
}

async fn get_all<S: BlobStore>(
    store: &S,
    plan: &Plan,
    batch: u32,
    tensors: Vec<(TensorRef, Hash)>,
) -> Result<Vec<Vec<u8>>, WorkError> {
    let mut blobs = Vec::with_capacity(tensors.len());
    for (tensor, hash) in tensors {
        let name = match tensor {
            TensorRef::Input(index) => format!("input {index}"),
            TensorRef::Parameter(index) => format!("parameter {index}"),
            TensorRef::Operation(index) => format!("operation {index}"),
        };
        // The chain refuses jobs with more inputs than the program has.
        let expected = plan.tensor_bytes(tensor, batch).unwrap_or_default();
        let blob = store.get(hash, expected).await;
        let blob = blob.map_err(|error| WorkError::Unavailable {
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
        blobs.push(blob);
    }
    Ok(blobs)
}

/// Executes a job on a thread of its own.
pub async fn execute(executor: Arc<dyn Executor>, loaded: Loaded) -> Result<Execution, WorkError> {
    let run = move || {
        let parameters: Vec<&[u8]> = loaded.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = loaded.inputs.iter().map(Vec::as_slice).collect();
        executor.execute(&loaded.plan, &parameters, &inputs, loaded.batch)
    };
    let execution = tokio::task::spawn_blocking(run).await;
    Ok(execution.map_err(|_| WorkError::CutOff)??)
}

/// Stores outputs and trace and gives their hashes. When this returns, they are on the disk.
pub async fn store<S: BlobStore>(store: &S, execution: &Execution) -> Result<Claim, WorkError> {
    let mut outputs = Vec::with_capacity(execution.outputs.len());
    for output in &execution.outputs {
        outputs.push(store.put(output).await.map_err(WorkError::Storing)?);
    }
    let trace = store
        .put(&execution.trace)
        .await
        .map_err(WorkError::Storing)?;
    Ok(Claim { outputs, trace })
}

/// Whether the store has the blobs of a claim.
pub async fn is_stored<S: BlobStore>(store: &S, claim: &Claim) -> Result<bool, WorkError> {
    for hash in claim.outputs.iter().chain([&claim.trace]) {
        if !store.contains(*hash).await.map_err(WorkError::Storing)? {
            return Ok(false);
        }
    }
    Ok(true)
}
