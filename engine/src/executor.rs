//! What an executor is, and the one that defines the others' results.

use crate::commit;
#[cfg(all(feature = "cuda", target_os = "linux"))]
use crate::cuda::DeviceError;
use mizan_tensor::{Commitment, Execution, ExecutionError, Plan};
use rten_gemm::GemmError;

/// Executes programs. All implementations give the same bytes.
///
/// # Parameters
/// A program names its parameters by the hashes of their bytes, and whoever calls an executor has
/// compared them. So an executor may keep a parameter under that name, in the order or in the
/// memory that it needs, and take what it keeps for the bytes that it is given; before it keeps
/// any it makes sure that they have that hash. With other bytes than the program names, an
/// executor either executes on the bytes that it is given, as [`Reference`] and
/// [`CpuExecutor`](crate::CpuExecutor) do, or on those that the program names, or gives
/// [`EngineError::WrongParameter`]; other jobs never get them.
pub trait Executor: Send + Sync {
    /// A short name for logs and settings.
    fn name(&self) -> &str;

    /// Executes a job of `batch` items on the bytes of the program's parameters and inputs.
    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError>;

    /// Executes a job as [`Self::execute`] does, and commits to its result.
    ///
    /// The commitment is made where the result is. Where that is a device, the result was checked
    /// there: if bytes that it hashed are damaged on their way here, they do not hash to the
    /// commitment, and can be computed anew. What it leaves to the host is hashed as it arrived.
    fn execute_committed(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        let execution = self.execute(plan, parameters, inputs, batch)?;
        let commitment = commit(&execution);
        Ok((execution, commitment))
    }
}

/// Why a job was not executed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The job's tensors do not fit the program, or the trace does not fit this machine.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The matrix library refused a product.
    #[error("the matrix product failed: {0}")]
    Product(#[from] GemmError),
    /// A parameter is not the one that the program names: whoever brought it did not compare its
    /// hash.
    #[error("parameter {parameter} has other bytes than the program names")]
    WrongParameter {
        /// Its index.
        parameter: u16,
    },
    /// No device executed it.
    #[cfg(all(feature = "cuda", target_os = "linux"))]
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// The definition: every element by itself, by `mizan_tensor::execute`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Executor for Reference {
    fn name(&self) -> &str {
        "reference"
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        Ok(mizan_tensor::execute(plan, parameters, inputs, batch)?)
    }
}
