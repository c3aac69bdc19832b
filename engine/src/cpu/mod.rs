//! The executor for processors.

mod add;
mod linear;

use crate::{EngineError, Executor};
use add::add;
use linear::{Arithmetic, Linear};
use mizan_tensor::{Execution, ExecutionError, Operand, Operation, Plan, Table, TensorRef};

/// Workspace of one row block, unless asked otherwise: large enough to keep the matrix library
/// busy, small beside the tensors of a job that needs it.
const WORKSPACE_BYTES: usize = 16 << 20;
/// Fewest elements that are worth handing to another thread.
const ELEMENTS_PER_THREAD: usize = 16 * 1_024;

/// Executes programs with the processor's vector instructions, on all threads of the global
/// thread pool.
///
/// The trace is one allocation into which every operation writes directly.
#[derive(Clone, Copy, Debug)]
pub struct CpuExecutor {
    arithmetic: Arithmetic,
    workspace_bytes: usize,
}

impl CpuExecutor {
    /// An executor with the fastest arithmetic that is exact on this machine.
    pub fn new() -> Self {
        Self {
            arithmetic: Arithmetic::of_this_machine(),
            workspace_bytes: WORKSPACE_BYTES,
        }
    }

    /// An executor that always takes the arithmetic that is exact on every machine, at half the
    /// speed.
    pub fn with_exact_split() -> Self {
        Self {
            arithmetic: Arithmetic::Split,
            ..Self::new()
        }
    }

    /// Bounds what one operation holds besides tensors: activations and accumulators of as many
    /// rows as fit, and at least of one.
    pub fn workspace_bytes(self, bytes: usize) -> Self {
        Self {
            workspace_bytes: bytes,
            ..self
        }
    }
}

impl Default for CpuExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for CpuExecutor {
    fn name(&self) -> &str {
        match self.arithmetic {
            Arithmetic::Whole => "cpu",
            Arithmetic::Split => "cpu-exact-split",
        }
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        plan.check_tensors(parameters, inputs, batch)?;
        let mut trace = zeroes(plan.trace_bytes(batch))?;
        for (operation, index) in plan.program().operations.iter().zip(0u16..) {
            let start = size(plan.trace_offset(index, batch))?;
            let length = size(plan.tensor_bytes(TensorRef::Operation(index), batch))?;
            let (done, rest) = trace
                .split_at_mut_checked(start)
                .ok_or(ExecutionError::TooLarge)?;
            let output = rest.get_mut(..length).ok_or(ExecutionError::TooLarge)?;
            let memory = Memory {
                plan,
                batch,
                parameters,
                inputs,
                done,
            };
            self.run(operation, &memory, output)?;
        }
        let outputs = plan
            .outputs(&trace, batch)
            .ok_or(ExecutionError::TooLarge)?;
        Ok(Execution { trace, outputs })
    }
}

impl CpuExecutor {
    fn run(
        &self,
        operation: &Operation,
        memory: &Memory<'_>,
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => Linear {
                input: memory.operand(input)?,
                weights: bytemuck::cast_slice(memory.parameter(weights)?),
                channels: memory.parameter(channels)?,
                table: memory.table(table)?,
            }
            .run(self.arithmetic, self.workspace_bytes, output),
            Operation::Add {
                left,
                right,
                left_multiplier,
                right_multiplier,
                shift,
                table,
            } => {
                let (left, right) = (memory.operand(left)?, memory.operand(right)?);
                let multipliers = [left_multiplier, right_multiplier];
                add(
                    left,
                    right,
                    multipliers,
                    shift,
                    memory.table(table)?,
                    output,
                );
                Ok(())
            }
        }
    }
}

/// What an operation may read: inputs, parameters, and the trace of the operations before it.
///
/// A validated plan and checked lengths leave memory as the only reason for a miss.
struct Memory<'a> {
    plan: &'a Plan,
    batch: u32,
    parameters: &'a [&'a [u8]],
    inputs: &'a [&'a [u8]],
    done: &'a [u8],
}

impl<'a> Memory<'a> {
    fn operand(&self, operand: Operand) -> Result<&'a [u8], ExecutionError> {
        let bytes = match operand {
            Operand::Input(index) => self.inputs.get(usize::from(index)).copied(),
            Operand::Operation(index) => {
                let start = size(self.plan.trace_offset(index, self.batch))?;
                let length = size(self.plan.tensor_bytes(operand.into(), self.batch))?;
                self.done.get(start..).and_then(|bytes| bytes.get(..length))
            }
        };
        bytes.ok_or(ExecutionError::TooLarge)
    }

    fn parameter(&self, index: u16) -> Result<&'a [u8], ExecutionError> {
        self.parameters
            .get(usize::from(index))
            .copied()
            .ok_or(ExecutionError::TooLarge)
    }

    fn table(&self, index: Option<u16>) -> Result<Option<&'a Table>, ExecutionError> {
        let find = |index: u16| self.plan.program().tables.get(usize::from(index));
        index
            .map(|index| find(index).ok_or(ExecutionError::TooLarge))
            .transpose()
    }
}

/// A number of bytes that this machine can address.
fn size(bytes: Option<u64>) -> Result<usize, ExecutionError> {
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or(ExecutionError::TooLarge)
}

/// A tensor of zeroes, or an error where the machine has no room for it.
fn zeroes(bytes: Option<u64>) -> Result<Vec<u8>, ExecutionError> {
    let length = size(bytes)?;
    let mut tensor = Vec::new();
    tensor
        .try_reserve_exact(length)
        .map_err(|_| ExecutionError::TooLarge)?;
    tensor.resize(length, 0);
    Ok(tensor)
}

/// The value through the table, as a byte of the trace.
#[inline]
fn finish(value: i8, table: Option<&Table>) -> u8 {
    let [byte] = value.to_le_bytes();
    match table {
        Some(Table(entries)) => entries[usize::from(byte)].to_le_bytes()[0],
        None => byte,
    }
}
