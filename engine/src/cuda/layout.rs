//! Where a batch's tensors are in a slot: the inputs one after the other, then the trace, then
//! hashes of it.

use super::runs::most_node_bytes;
use mizan_tensor::{Plan, TensorRef};
use std::ops::Range;

/// Bytes of a slot, by tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotLayout {
    pub(crate) inputs: Vec<Range<u64>>,
    /// The outputs of all operations. They follow each other, as in a trace.
    pub(crate) outputs: Vec<Range<u64>>,
    /// Room for the hashes of its runs.
    pub(crate) nodes: Range<u64>,
    /// All of it.
    pub(crate) bytes: u64,
}

impl SlotLayout {
    /// The first byte behind the inputs.
    pub(crate) fn end_of_inputs(&self) -> u64 {
        self.inputs.last().map_or(0, |input| input.end)
    }

    /// Of a batch; `None` if it is larger than anything.
    pub(crate) fn of(plan: &Plan, batch: u32) -> Option<Self> {
        let program = plan.program();
        let mut end = 0u64;
        let mut place = |tensor| {
            let start = end;
            end = start.checked_add(plan.tensor_bytes(tensor, batch)?)?;
            Some(start..end)
        };
        let inputs = (0u16..).take(program.inputs.len());
        let inputs = inputs.map(|index| place(TensorRef::Input(index)));
        let inputs = inputs.collect::<Option<_>>()?;
        let outputs = (0u16..).take(program.operations.len());
        let outputs = outputs.map(|index| place(TensorRef::Operation(index)));
        let outputs = outputs.collect::<Option<_>>()?;
        let nodes = end..end.checked_add(most_node_bytes(plan, batch)?)?;
        Some(Self {
            inputs,
            outputs,
            bytes: nodes.end,
            nodes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::vectors;

    #[test]
    fn tensors_follow_each_other_and_the_trace_is_as_long_as_the_plan_says() {
        for vector in vectors::all().unwrap() {
            let plan = Plan::new(vector.program).unwrap();
            let layout = SlotLayout::of(&plan, vector.batch).unwrap();
            let tensors = layout.inputs.iter().chain(&layout.outputs);
            let mut end = 0;
            for tensor in tensors {
                assert_eq!(tensor.start, end);
                end = tensor.end;
            }
            assert_eq!(end, layout.nodes.start);
            assert_eq!(layout.nodes.end, layout.bytes);
            let trace = end - layout.outputs[0].start;
            assert_eq!(Some(trace), plan.trace_bytes(vector.batch));
        }
    }
}
