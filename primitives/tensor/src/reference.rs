//! The boring executor: every element by the normative function, one after the other.

use crate::{ElementError, Plan, Source, Span, TensorRef};
use alloc::vec::Vec;

/// What a job computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The outputs of all operations, one after the other.
    pub trace: Vec<u8>,
    /// The program's outputs.
    pub outputs: Vec<Vec<u8>>,
}

/// Why a job can't be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionError {
    /// The batch is zero or above the program's largest.
    BatchOutOfRange,
    /// The number of inputs or parameters is not the program's.
    WrongCount,
    /// A tensor has another length than its type and the batch say.
    WrongLength(TensorRef),
    /// The trace is larger than this machine can address.
    TooLarge,
}

impl core::fmt::Display for ExecutionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BatchOutOfRange => {
                f.write_str("the batch is zero or above the program's largest")
            }
            Self::WrongCount => f.write_str("the number of inputs or parameters is wrong"),
            Self::WrongLength(tensor) => write!(f, "{tensor:?} has the wrong length"),
            Self::TooLarge => f.write_str("the trace is larger than this machine can address"),
        }
    }
}

#[cfg(feature = "std")]
impl std::error::Error for ExecutionError {}

/// Tensors in memory; operations are read from the trace so far.
struct Memory<'a> {
    plan: &'a Plan,
    batch: u32,
    parameters: &'a [&'a [u8]],
    inputs: &'a [&'a [u8]],
    trace: Vec<u8>,
}

impl Source for Memory<'_> {
    type Error = ();

    fn bytes(&self, span: Span) -> Result<&[u8], ()> {
        let (blob, offset) = match span.tensor {
            TensorRef::Input(index) => (*self.inputs.get(usize::from(index)).ok_or(())?, 0),
            TensorRef::Parameter(index) => (*self.parameters.get(usize::from(index)).ok_or(())?, 0),
            TensorRef::Operation(index) => (
                self.trace.as_slice(),
                self.plan.trace_offset(index, self.batch).ok_or(())?,
            ),
        };
        let start = offset.checked_add(span.start).ok_or(())?;
        let end = start.checked_add(span.length.into()).ok_or(())?;
        let (start, end) = (
            usize::try_from(start).map_err(drop)?,
            usize::try_from(end).map_err(drop)?,
        );
        blob.get(start..end).ok_or(())
    }
}

impl Plan {
    /// Checks that a job's tensors are those that the program and the batch ask for.
    pub fn check_tensors(
        &self,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(), ExecutionError> {
        let program = self.program();
        if !self.allows(batch) {
            return Err(ExecutionError::BatchOutOfRange);
        }
        if parameters.len() != program.parameters.len() || inputs.len() != program.inputs.len() {
            return Err(ExecutionError::WrongCount);
        }
        let named = (0u16..)
            .map(TensorRef::Parameter)
            .zip(parameters)
            .chain((0u16..).map(TensorRef::Input).zip(inputs));
        for (tensor, bytes) in named {
            if u64::try_from(bytes.len()).ok() != self.tensor_bytes(tensor, batch) {
                return Err(ExecutionError::WrongLength(tensor));
            }
        }
        Ok(())
    }

    /// The program's outputs, taken from a whole trace.
    pub fn outputs(&self, trace: &[u8], batch: u32) -> Option<Vec<Vec<u8>>> {
        let cut = |index: &u16| {
            let start = usize::try_from(self.trace_offset(*index, batch)?).ok()?;
            let length = self.tensor_bytes(TensorRef::Operation(*index), batch)?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            Some(trace.get(start..end)?.to_vec())
        };
        self.program().outputs.iter().map(cut).collect()
    }
}

/// Executes a program by [`Plan::element`] alone.
pub fn execute(
    plan: &Plan,
    parameters: &[&[u8]],
    inputs: &[&[u8]],
    batch: u32,
) -> Result<Execution, ExecutionError> {
    plan.check_tensors(parameters, inputs, batch)?;
    let mut memory = Memory {
        plan,
        batch,
        parameters,
        inputs,
        trace: Vec::new(),
    };
    for operation in 0..plan.program().operations.len() {
        let operation = u16::try_from(operation).map_err(|_| ExecutionError::TooLarge)?;
        let tensor = TensorRef::Operation(operation);
        let length = plan
            .tensor_bytes(tensor, batch)
            .ok_or(ExecutionError::TooLarge)?;
        for index in 0..length {
            let value =
                plan.element(operation, index, batch, &memory)
                    .map_err(|error| match error {
                        // Lengths were checked above, so the only miss left is memory.
                        ElementError::NoSuchOperation
                        | ElementError::OutOfRange
                        | ElementError::WrongLength
                        | ElementError::Source(()) => ExecutionError::TooLarge,
                    })?;
            memory.trace.extend_from_slice(&value.to_le_bytes());
        }
    }
    let outputs = plan
        .outputs(&memory.trace, batch)
        .ok_or(ExecutionError::TooLarge)?;
    Ok(Execution {
        trace: memory.trace,
        outputs,
    })
}
