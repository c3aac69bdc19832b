//! One operation as a program of its own, whose inputs are its operands.

use crate::auditing::AuditError;
use mizan_engine::{
    audit::{full, AuditedJob, WrongElement},
    CpuExecutor,
};
use mizan_tensor::{Operand, Operation, Plan, Program, TensorRef};

/// What the check of an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// For its parameters, twice: as they are, and as they are multiplied.
    pub fixed_bytes: u64,
    /// For an item: its operands, what was published and what is right.
    pub item_bytes: u64,
}

impl Part {
    /// `None` if there is no such operation.
    pub(super) fn of(plan: &Plan, index: u16) -> Option<Self> {
        let operation = plan.program().operations.get(usize::from(index))?;
        let (operands, parameters) = reads(operation);
        let all = |tensors: Vec<TensorRef>| {
            tensors.into_iter().try_fold(0u64, |sum, tensor| {
                sum.checked_add(plan.tensor_bytes(tensor, 1)?)
            })
        };
        let parameters = parameters.into_iter().map(TensorRef::Parameter);
        let parameters = all(parameters.collect())?;
        let output = plan.tensor_bytes(TensorRef::Operation(index), 1)?;
        let operands = all(operands)?;
        Some(Self {
            fixed_bytes: parameters.saturating_mul(2),
            item_bytes: operands.saturating_add(output.saturating_mul(2)),
        })
    }

    /// How many items are checked at once in so much memory: at least one.
    pub(super) fn items(&self, bytes: u64) -> u32 {
        let items = bytes.saturating_sub(self.fixed_bytes) / self.item_bytes.max(1);
        u32::try_from(items).unwrap_or(u32::MAX).max(1)
    }
}

/// What an operation reads: batched tensors and parameters.
fn reads(operation: &Operation) -> (Vec<TensorRef>, Vec<u16>) {
    match *operation {
        Operation::Linear {
            input,
            weights,
            channels,
            ..
        } => (vec![input.into()], vec![weights, channels]),
        Operation::Add { left, right, .. } => (vec![left.into(), right.into()], Vec::new()),
    }
}

/// The same operation on the inputs and parameters of a program of its own.
fn renamed(operation: &Operation) -> Operation {
    let mut own = operation.clone();
    match &mut own {
        Operation::Linear {
            input,
            weights,
            channels,
            ..
        } => (*input, *weights, *channels) = (Operand::Input(0), 0, 1),
        Operation::Add { left, right, .. } => {
            (*left, *right) = (Operand::Input(0), Operand::Input(1));
        }
    }
    own
}

/// An operation as a program of its own.
pub(super) struct Alone {
    plan: Plan,
    /// What it takes.
    pub part: Part,
    /// The tensors of the whole job that are its inputs.
    pub operands: Vec<TensorRef>,
    /// The parameters of the whole program that are its own.
    pub parameters: Vec<u16>,
}

impl Alone {
    /// That operation of a program.
    pub(super) fn new(plan: &Plan, index: u16) -> Result<Self, AuditError> {
        let lacks = || AuditError::impossible("an operation that is not there");
        let program = plan.program();
        let operation = program.operations.get(usize::from(index));
        let operation = operation.ok_or_else(lacks)?;
        let (operands, parameters) = reads(operation);
        let inputs = operands
            .iter()
            .map(|tensor| plan.tensor_type(*tensor).cloned());
        let own = parameters
            .iter()
            .map(|index| program.parameters.get(usize::from(*index)).cloned());
        let alone = Program {
            inputs: inputs.collect::<Option<_>>().ok_or_else(lacks)?,
            parameters: own.collect::<Option<_>>().ok_or_else(lacks)?,
            tables: program.tables.clone(),
            operations: vec![renamed(operation)],
            outputs: vec![0],
            ..*program
        };
        Ok(Self {
            plan: Plan::new(alone)?,
            part: Part::of(plan, index).ok_or_else(lacks)?,
            operands,
            parameters,
        })
    }

    /// The first wrong element of what was published of some items.
    pub(super) fn first_wrong(
        &self,
        executor: &CpuExecutor,
        parameters: &[&[u8]],
        operands: &[Vec<u8>],
        items: u32,
        published: &[u8],
    ) -> Result<Option<WrongElement>, AuditError> {
        let inputs: Vec<&[u8]> = operands.iter().map(Vec::as_slice).collect();
        let job = AuditedJob {
            inputs: &inputs,
            batch: items,
            trace: published,
        };
        Ok(full(&executor.load_lazily(&self.plan, parameters), &job)?)
    }
}
