//! Validation: from a program that anyone may have written to one with every shape resolved.

use crate::{
    cost::Cost, ElementType, Operand, Operation, Program, Table, TensorType, FORMAT, MAX_BATCH,
    MAX_DIMENSIONS, MAX_INPUTS, MAX_OPENING_BYTES, MAX_OPERATIONS, MAX_OUTPUTS, MAX_PARAMETERS,
    MAX_REDUCTION, MAX_TABLES, MAX_TENSOR_BYTES,
};
use alloc::vec::Vec;

/// Why a program is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramError {
    /// The format version is not [`FORMAT`].
    UnknownFormat,
    /// A list is empty that may not be: inputs, operations or outputs.
    Empty,
    /// A list is longer than its limit.
    TooMany,
    /// The largest batch is zero or above [`MAX_BATCH`].
    BatchOutOfRange,
    /// A tensor has no dimension, more than [`MAX_DIMENSIONS`], or one that is zero.
    BadDimensions,
    /// An input is not made of signed bytes.
    BadInputType,
    /// A tensor or the trace exceeds [`MAX_TENSOR_BYTES`] at the largest batch.
    TooLarge,
    /// An operation reads an input, parameter or table that does not exist, or an operation
    /// that does not come before it.
    DanglingReference,
    /// The shapes or element types that an operation reads do not fit each other.
    ShapeMismatch,
    /// A reduction is longer than [`MAX_REDUCTION`].
    ReductionTooLong,
    /// The proof about one element could need more than [`MAX_OPENING_BYTES`].
    OpeningTooLarge,
    /// An output is not the index of an operation, or is listed twice.
    BadOutput,
}

impl core::fmt::Display for ProgramError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnknownFormat => "the program's format version is not known",
            Self::Empty => "a program needs at least one input, operation and output",
            Self::TooMany => "a list of the program is longer than its limit",
            Self::BatchOutOfRange => "the largest batch must be between 1 and 1,048,576",
            Self::BadDimensions => "a tensor needs one to four dimensions, none of them zero",
            Self::BadInputType => "an input must be made of signed bytes",
            Self::TooLarge => "a tensor or the trace is too large at the largest batch",
            Self::DanglingReference => {
                "an operation reads something that does not exist or does not come before it"
            }
            Self::ShapeMismatch => "an operation reads shapes that do not fit each other",
            Self::ReductionTooLong => "a reduction is longer than 65,536",
            Self::OpeningTooLarge => "the proof about one element would exceed 256 KiB",
            Self::BadOutput => "an output is not the index of an operation, or is listed twice",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for ProgramError {}

/// A tensor of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TensorRef {
    /// An input of the program.
    Input(u16),
    /// A parameter of the program.
    Parameter(u16),
    /// The output of an operation.
    Operation(u16),
}

impl From<Operand> for TensorRef {
    fn from(operand: Operand) -> Self {
        match operand {
            Operand::Input(index) => TensorRef::Input(index),
            Operand::Operation(index) => TensorRef::Operation(index),
        }
    }
}

/// A range of bytes of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The tensor.
    pub tensor: TensorRef,
    /// Offset of the first byte.
    pub start: u64,
    /// Number of bytes; never zero.
    pub length: u32,
}

/// A validated program: every shape resolved, every reference known to hold.
#[derive(Clone, Debug)]
pub struct Plan {
    program: Program,
    /// Type of one item of each operation's output.
    types: Vec<TensorType>,
    /// Offset of each operation's output in the trace of one item, and at last its length.
    item_offsets: Vec<u64>,
    cost: Cost,
}

impl Plan {
    /// Validates a program.
    pub fn new(program: Program) -> Result<Self, ProgramError> {
        check_lists(&program)?;
        check_tensors(&program)?;
        let mut plan = Plan {
            program,
            types: Vec::new(),
            item_offsets: Vec::new(),
            cost: Cost::default(),
        };
        let mut offset = 0u64;
        plan.item_offsets.push(offset);
        for index in 0..plan.program.operations.len() {
            let operation = plan
                .program
                .operations
                .get(index)
                .ok_or(ProgramError::DanglingReference)?;
            let output = plan.output_type(operation)?;
            let bytes = plan.batched(&output)?;
            offset = offset.checked_add(bytes).ok_or(ProgramError::TooLarge)?;
            plan.types.push(output);
            plan.item_offsets.push(offset);
        }
        check_outputs(&plan.program)?;
        plan.cost = Cost::of(&plan).ok_or(ProgramError::TooLarge)?;
        if plan.cost.opening_bytes > MAX_OPENING_BYTES {
            return Err(ProgramError::OpeningTooLarge);
        }
        Ok(plan)
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What a job of this program costs.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Type of one item of a batched tensor, or of a whole parameter.
    pub fn tensor_type(&self, tensor: TensorRef) -> Option<&TensorType> {
        match tensor {
            TensorRef::Input(index) => self.program.inputs.get(usize::from(index)),
            TensorRef::Parameter(index) => self
                .program
                .parameters
                .get(usize::from(index))
                .map(|p| &p.tensor),
            TensorRef::Operation(index) => self.types.get(usize::from(index)),
        }
    }

    /// Bytes of a tensor in a job of `batch` items.
    pub fn tensor_bytes(&self, tensor: TensorRef, batch: u32) -> Option<u64> {
        let bytes = self.tensor_type(tensor)?.bytes()?;
        match tensor {
            TensorRef::Parameter(_) => Some(bytes),
            _ => bytes.checked_mul(u64::from(batch)),
        }
    }

    /// Offset of an operation's output in the trace of a job of `batch` items.
    pub fn trace_offset(&self, operation: u16, batch: u32) -> Option<u64> {
        self.item_offsets
            .get(usize::from(operation))?
            .checked_mul(u64::from(batch))
    }

    /// Bytes of the trace of a job of `batch` items.
    pub fn trace_bytes(&self, batch: u32) -> Option<u64> {
        self.item_offsets.last()?.checked_mul(u64::from(batch))
    }

    /// Whether the program allows jobs of so many items.
    pub(crate) fn allows(&self, batch: u32) -> bool {
        batch > 0 && batch <= self.program.max_batch
    }

    /// A table of the program.
    pub(crate) fn table(&self, index: u16) -> Option<&Table> {
        self.program.tables.get(usize::from(index))
    }

    /// The batched tensor that an operand names, if the plan knows it already.
    fn operand(&self, operand: Operand) -> Result<&TensorType, ProgramError> {
        self.tensor_type(operand.into())
            .ok_or(ProgramError::DanglingReference)
    }

    fn parameter(&self, index: u16, element: ElementType) -> Result<&[u32], ProgramError> {
        let tensor = self
            .tensor_type(TensorRef::Parameter(index))
            .ok_or(ProgramError::DanglingReference)?;
        if tensor.element != element {
            return Err(ProgramError::ShapeMismatch);
        }
        Ok(&tensor.dimensions)
    }

    fn check_table(&self, table: Option<u16>) -> Result<(), ProgramError> {
        match table {
            Some(index) if self.table(index).is_none() => Err(ProgramError::DanglingReference),
            _ => Ok(()),
        }
    }

    /// Type of one item of an operation's output. Operations that the plan does not hold yet do
    /// not exist for it, which is what keeps programs in single-assignment order.
    fn output_type(&self, operation: &Operation) -> Result<TensorType, ProgramError> {
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => {
                self.check_table(table)?;
                let mut output = self.operand(input)?.clone();
                let last = output
                    .dimensions
                    .last_mut()
                    .ok_or(ProgramError::BadDimensions)?;
                let [n, k] = self.parameter(weights, ElementType::I8)? else {
                    return Err(ProgramError::ShapeMismatch);
                };
                if k != last || self.parameter(channels, ElementType::Channel)? != [*n] {
                    return Err(ProgramError::ShapeMismatch);
                }
                if *k > MAX_REDUCTION {
                    return Err(ProgramError::ReductionTooLong);
                }
                *last = *n;
                Ok(output)
            }
            Operation::Add {
                left, right, table, ..
            } => {
                self.check_table(table)?;
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                if left != right {
                    return Err(ProgramError::ShapeMismatch);
                }
                Ok(left.clone())
            }
        }
    }

    /// Bytes of one item, once the whole batch is known to be within the limit.
    fn batched(&self, tensor: &TensorType) -> Result<u64, ProgramError> {
        batched(tensor, self.program.max_batch)
    }
}

fn batched(tensor: &TensorType, batch: u32) -> Result<u64, ProgramError> {
    let item = tensor.bytes().ok_or(ProgramError::TooLarge)?;
    match item.checked_mul(u64::from(batch)) {
        Some(total) if total <= MAX_TENSOR_BYTES => Ok(item),
        _ => Err(ProgramError::TooLarge),
    }
}

fn check_lists(program: &Program) -> Result<(), ProgramError> {
    if program.format != FORMAT {
        return Err(ProgramError::UnknownFormat);
    }
    if program.max_batch == 0 || program.max_batch > MAX_BATCH {
        return Err(ProgramError::BatchOutOfRange);
    }
    let lists = [
        (program.inputs.len(), MAX_INPUTS, true),
        (program.operations.len(), MAX_OPERATIONS, true),
        (program.outputs.len(), MAX_OUTPUTS, true),
        (program.parameters.len(), MAX_PARAMETERS, false),
        (program.tables.len(), MAX_TABLES, false),
    ];
    for (length, limit, required) in lists {
        if required && length == 0 {
            return Err(ProgramError::Empty);
        }
        if u32::try_from(length).map_or(true, |length| length > limit) {
            return Err(ProgramError::TooMany);
        }
    }
    Ok(())
}

fn check_tensors(program: &Program) -> Result<(), ProgramError> {
    for tensor in program
        .inputs
        .iter()
        .chain(program.parameters.iter().map(|p| &p.tensor))
    {
        let count = tensor.dimensions.len();
        let within = u32::try_from(count).is_ok_and(|count| count <= MAX_DIMENSIONS);
        if count == 0 || !within || tensor.dimensions.contains(&0) {
            return Err(ProgramError::BadDimensions);
        }
    }
    for input in &program.inputs {
        if input.element != ElementType::I8 {
            return Err(ProgramError::BadInputType);
        }
        batched(input, program.max_batch)?;
    }
    for parameter in &program.parameters {
        batched(&parameter.tensor, 1)?;
    }
    Ok(())
}

fn check_outputs(program: &Program) -> Result<(), ProgramError> {
    for (position, output) in program.outputs.iter().enumerate() {
        let exists = usize::from(*output) < program.operations.len();
        if !exists
            || program
                .outputs
                .iter()
                .take(position)
                .any(|earlier| earlier == output)
        {
            return Err(ProgramError::BadOutput);
        }
    }
    Ok(())
}
