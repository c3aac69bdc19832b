//! What a job costs: a pure function of program and batch.

use crate::{
    tree::{chunks_of, CHUNK_BYTES, NODE_BYTES},
    Operation, Plan, Span, TensorRef, DRAWN_ELEMENTS, DRAWN_ITEMS, MAX_BATCH,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One compute unit (CU), version 1: 10^9 multiply-accumulates of 8-bit integers.
pub const MACS_PER_COMPUTE_UNIT: u64 = 1_000_000_000;

/// Costs per item and per job. Items do not mix, so everything that grows with the batch is
/// exactly proportional to it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Cost {
    /// Multiply-accumulates of one item. An element-wise addition counts two an element.
    pub item_macs: u64,
    /// Bytes of one item of all inputs.
    pub item_input_bytes: u64,
    /// Bytes of one item of the trace.
    pub item_trace_bytes: u64,
    /// Bytes of one item of all outputs.
    pub item_output_bytes: u64,
    /// Bytes of all parameters.
    pub parameter_bytes: u64,
    /// Upper bound of the bytes that the proof about one element opens, at the largest batch:
    /// chunks and tree nodes of the element and of all it depends on.
    pub opening_bytes: u64,
    /// The same bound, summed over the operations.
    pub openings_bytes: u64,
}

impl Cost {
    /// Multiply-accumulates of a job.
    pub fn macs(&self, batch: u32) -> u128 {
        // 64 by 32 bits always fits 128.
        u128::from(self.item_macs).saturating_mul(u128::from(batch))
    }

    /// Bytes that an auditor fetches to re-execute a job: inputs, parameters and trace.
    pub fn full_audit_bytes(&self, batch: u32) -> u64 {
        self.item_input_bytes
            .saturating_add(self.item_trace_bytes)
            .saturating_mul(u64::from(batch))
            .saturating_add(self.parameter_bytes)
    }

    /// Upper bound of the bytes that a sampled audit of a job looks at: openings of
    /// [`DRAWN_ELEMENTS`] of every operation; inputs, trace and outputs of up to [`DRAWN_ITEMS`],
    /// without the hashes that prove these.
    pub fn sampled_audit_bytes(&self, batch: u32) -> u64 {
        let items = u64::from(batch.min(DRAWN_ITEMS));
        self.openings_bytes
            .saturating_mul(DRAWN_ELEMENTS.into())
            .saturating_add(
                self.item_input_bytes
                    .saturating_add(self.item_trace_bytes)
                    .saturating_add(self.item_output_bytes)
                    .saturating_mul(items),
            )
    }

    /// `None` when a sum overflows.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let program = plan.program();
        let mut cost = Cost::default();
        for input in &program.inputs {
            cost.item_input_bytes = cost.item_input_bytes.checked_add(input.bytes()?)?;
        }
        for parameter in &program.parameters {
            cost.parameter_bytes = cost
                .parameter_bytes
                .checked_add(parameter.tensor.bytes()?)?;
        }
        cost.item_trace_bytes = plan.trace_bytes(1)?;
        for output in &program.outputs {
            let bytes = plan.tensor_bytes(TensorRef::Operation(*output), 1)?;
            cost.item_output_bytes = cost.item_output_bytes.checked_add(bytes)?;
        }
        let trace = cost
            .item_trace_bytes
            .checked_mul(u64::from(program.max_batch))?;
        if trace > crate::MAX_TENSOR_BYTES || cost.parameter_bytes > crate::MAX_TENSOR_BYTES {
            return None;
        }
        for (index, operation) in program.operations.iter().enumerate() {
            let index = u16::try_from(index).ok()?;
            let macs = item_macs(plan, index, operation)?;
            cost.item_macs = cost.item_macs.checked_add(macs)?;
            let opening = opening_bytes(plan, index, trace)?;
            cost.opening_bytes = cost.opening_bytes.max(opening);
            cost.openings_bytes = cost.openings_bytes.checked_add(opening)?;
        }
        // What a job can cost at most must fit the arithmetic of its users.
        cost.item_macs.checked_mul(u64::from(MAX_BATCH))?;
        Some(cost)
    }
}

/// Compute units of a number of multiply-accumulates, as whole units and billionths.
pub fn compute_units(macs: u128) -> (u128, u32) {
    let unit = u128::from(MACS_PER_COMPUTE_UNIT);
    let rest = macs
        .checked_rem(unit)
        .and_then(|rest| u32::try_from(rest).ok());
    (
        macs.checked_div(unit).unwrap_or_default(),
        rest.unwrap_or_default(),
    )
}

fn item_macs(plan: &Plan, index: u16, operation: &Operation) -> Option<u64> {
    let elements = plan.tensor_type(TensorRef::Operation(index))?.elements()?;
    match operation {
        Operation::Linear { weights, .. } => {
            let k = plan
                .tensor_type(TensorRef::Parameter(*weights))?
                .dimensions
                .last()?;
            elements.checked_mul(u64::from(*k))
        }
        Operation::Add { .. } => elements.checked_mul(2),
    }
}

/// Bound of the bytes opened to check one element of an operation at the largest batch.
fn opening_bytes(plan: &Plan, index: u16, trace_bytes: u64) -> Option<u64> {
    let batch = plan.program().max_batch;
    let mut sum = slice_bound(1, false, trace_bytes)?;
    // Lengths do not depend on the element; only alignment does, and `slice_bound` takes the
    // worst.
    for span in plan.spans(index, 0, batch)? {
        let (total, aligned) = match span.tensor {
            // Operations are opened in the trace, where nothing is aligned.
            TensorRef::Operation(_) => (trace_bytes, false),
            tensor => (plan.tensor_bytes(tensor, batch)?, is_aligned(span)),
        };
        sum = sum.checked_add(slice_bound(u64::from(span.length), aligned, total)?)?;
    }
    Some(sum)
}

/// Whether spans of that length, all starting at multiples of it, keep to as few chunks as the
/// length allows.
fn is_aligned(span: Span) -> bool {
    let length = u64::from(span.length);
    CHUNK_BYTES.checked_rem(length) == Some(0) || length.checked_rem(CHUNK_BYTES) == Some(0)
}

/// Bound of a Bao slice of `length` consecutive bytes of a blob of `total`: its chunks, the
/// nodes between them, and a path from the root to either end.
fn slice_bound(length: u64, aligned: bool, total: u64) -> Option<u64> {
    let spread = if aligned || length == 1 { 0 } else { 1 };
    let chunks = length.div_ceil(CHUNK_BYTES).checked_add(spread)?;
    let all = chunks_of(total);
    let chunks = chunks.min(all);
    let depth = u64::from(all.checked_next_power_of_two()?.trailing_zeros());
    let paths = if chunks == 1 {
        depth
    } else {
        depth.checked_mul(2)?
    };
    let nodes = chunks.saturating_sub(1).checked_add(paths)?;
    chunks
        .checked_mul(CHUNK_BYTES)?
        .checked_add(nodes.checked_mul(NODE_BYTES)?)
}
