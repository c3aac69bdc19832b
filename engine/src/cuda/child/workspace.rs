//! Where a batch's tensors are in the device's memory.

use super::{batch::verdict_bytes, parameter::ALIGNMENT};
use crate::cuda::launch::hash_workspace_bytes;
use mizan_tensor::{Operation, Plan, TensorRef};

/// Offsets into a slot's workspace. Tensors are aligned, so that kernels take their fast paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workspace {
    pub(super) inputs: Vec<u64>,
    pub(super) outputs: Vec<u64>,
    pub(super) tables: Vec<u64>,
    /// Two words for each row of whichever linear operation is computed.
    pub(super) sums: u64,
    /// Room for hashing the channel records of any linear operation.
    pub(super) nodes: u64,
    /// What the checks say.
    pub(super) verdict: u64,
    /// All of it.
    pub(super) bytes: u64,
}

impl Workspace {
    /// For a batch; `None` if it is larger than anything.
    pub(super) fn of(plan: &Plan, batch: u32) -> Option<Self> {
        let program = plan.program();
        let mut end = 0u64;
        let mut place = |bytes: u64| {
            let start = end;
            end = start
                .checked_add(bytes)?
                .checked_next_multiple_of(ALIGNMENT)?;
            Some(start)
        };
        let inputs = (0u16..).take(program.inputs.len());
        let inputs = inputs
            .map(|index| place(plan.tensor_bytes(TensorRef::Input(index), batch)?))
            .collect::<Option<_>>()?;
        let operations = || (0u16..).zip(&program.operations);
        let outputs = operations()
            .map(|(index, _)| place(plan.tensor_bytes(TensorRef::Operation(index), batch)?))
            .collect::<Option<_>>()?;
        let tables = program.tables.iter().map(|_| place(256));
        let tables = tables.collect::<Option<_>>()?;
        let (mut most_rows, mut most_nodes) = (0, 0);
        for (index, operation) in operations() {
            if let Operation::Linear { channels, .. } = *operation {
                most_rows = most_rows.max(rows(plan, index, batch)?);
                let records = plan.tensor_bytes(TensorRef::Parameter(channels), batch)?;
                most_nodes = most_nodes.max(hash_workspace_bytes(records));
            }
        }
        let sums = place(most_rows.checked_mul(16)?)?;
        let nodes = place(most_nodes)?;
        let verdict = place(verdict_bytes(program.operations.len()))?;
        Some(Self {
            inputs,
            outputs,
            tables,
            sums,
            nodes,
            verdict,
            bytes: end,
        })
    }
}

/// Rows of an operation's output: slices along its last dimension.
pub(super) fn rows(plan: &Plan, operation: u16, batch: u32) -> Option<u64> {
    let output = TensorRef::Operation(operation);
    let width = plan.tensor_type(output)?.dimensions.last()?;
    plan.tensor_bytes(output, batch)?
        .checked_div(u64::from(*width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::vectors;

    #[test]
    fn tensors_are_aligned_and_do_not_overlap() {
        for vector in vectors::all().unwrap() {
            let plan = Plan::new(vector.program).unwrap();
            let workspace = Workspace::of(&plan, vector.batch).unwrap();
            let places = workspace.inputs.iter().chain(&workspace.outputs);
            let lengths = vector
                .inputs
                .iter()
                .map(Vec::len)
                .chain([vector.trace.len()]);
            let mut end = 0;
            for (place, length) in places.zip(lengths) {
                assert!(*place >= end && place.is_multiple_of(ALIGNMENT));
                end = place + length as u64;
            }
            assert!(workspace.sums >= end && workspace.nodes >= workspace.sums);
            assert!(workspace.verdict >= workspace.nodes && workspace.bytes > workspace.verdict);
        }
    }
}
