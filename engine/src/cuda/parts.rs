//! A job cut into parts that fit a device.

use super::layout::SlotLayout;
use mizan_tensor::{Plan, TensorRef};
use std::ops::Range;

/// Some neighbouring items of a job, with the places of their results in the job's trace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) items: Range<u32>,
    /// One for each operation.
    pub(crate) outputs: Vec<&'a mut [u8]>,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

impl<'a> Part<'a> {
    /// A whole job. `trace` must have the length that the plan says; `None` if it has not.
    pub(crate) fn whole(plan: &Plan, batch: u32, mut trace: &'a mut [u8]) -> Option<Self> {
        let mut outputs = Vec::with_capacity(plan.program().operations.len());
        for index in (0u16..).take(plan.program().operations.len()) {
            let bytes = plan.tensor_bytes(TensorRef::Operation(index), batch)?;
            let (output, rest) = trace.split_at_mut_checked(usize::try_from(bytes).ok()?)?;
            outputs.push(output);
            trace = rest;
        }
        trace.is_empty().then_some(Self {
            items: 0..batch,
            outputs,
            attempts: 0,
        })
    }

    /// Number of items.
    pub(crate) fn batch(&self) -> u32 {
        self.items.end - self.items.start
    }

    /// The first `items` and the others; `items` is at least 1 and less than there are.
    pub(crate) fn split(self, items: u32) -> (Self, Self) {
        let middle = self.items.start + items;
        let batch = self.batch();
        let cut = |output: &'a mut [u8]| {
            let item = output.len() / batch as usize;
            output.split_at_mut(item * items as usize)
        };
        let (first, second) = self.outputs.into_iter().map(cut).unzip();
        let part = |items, outputs| Self {
            items,
            outputs,
            attempts: self.attempts,
        };
        (
            part(self.items.start..middle, first),
            part(middle..self.items.end, second),
        )
    }

    /// In parts of at most so many items, and of almost equal size.
    pub(crate) fn cut(self, most: u32) -> Vec<Self> {
        let count = self.batch().div_ceil(most.max(1));
        let even = self.batch().div_ceil(count.max(1));
        let (mut parts, mut rest) = (Vec::new(), self);
        while rest.batch() > even {
            let (first, others) = rest.split(even);
            parts.push(first);
            rest = others;
        }
        parts.push(rest);
        parts
    }

    /// The bytes of its items in an input of a job of `batch` items.
    pub(crate) fn of_input<'b>(&self, input: &'b [u8], batch: u32) -> &'b [u8] {
        let item = input.len() / batch.max(1) as usize;
        &input[self.items.start as usize * item..self.items.end as usize * item]
    }
}

/// Smallest part for which it pays that its tensors are copied while another one is computed.
const OVERLAPPING_BYTES: u64 = 4 << 20;

/// Items of a part so that all slots of a device have one, where the parts are not too small.
pub(crate) fn items_that_overlap(plan: &Plan, batch: u32, slots: u32) -> u32 {
    let bytes = SlotLayout::of(plan, batch).map_or(u64::MAX, |layout| layout.bytes);
    let parts = (bytes / OVERLAPPING_BYTES).clamp(1, slots.max(1).into());
    // No more than slots.
    batch.div_ceil(parts as u32)
}

/// Items that go together so that they fit a slot of so many bytes and take at most so many
/// multiply-accumulates; one, where a single item takes more of these: it passes through the slot
/// in pieces, or takes longer.
pub(crate) fn items_per_part(plan: &Plan, slot_bytes: u64, part_macs: u64) -> u32 {
    // Layouts grow in proportion to the batch, or less: hashes of several items leave less unused.
    let item = SlotLayout::of(plan, 1).map_or(u64::MAX, |layout| layout.bytes);
    let by_bytes = (slot_bytes / item.max(1)).max(1);
    let by_macs = u128::from(part_macs) / plan.cost().macs(1).max(1);
    let by_macs = u64::try_from(by_macs).unwrap_or(u64::MAX).max(1);
    u32::try_from(by_bytes.min(by_macs)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::{Operand, Operation, Program, TensorType, FORMAT};
    use proptest::prelude::*;

    /// Two additions over items of three bytes.
    fn plan(batch: u32) -> Plan {
        let add = |left| Operation::Add {
            left,
            right: Operand::Input(0),
            left_multiplier: 1,
            right_multiplier: 1,
            shift: 0,
            table: None,
        };
        Plan::new(Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: batch,
            inputs: vec![TensorType::i8(&[3])],
            parameters: Vec::new(),
            tables: Vec::new(),
            operations: vec![add(Operand::Input(0)), add(Operand::Operation(0))],
            outputs: vec![1],
        })
        .unwrap()
    }

    #[test]
    fn an_item_larger_than_a_slot_or_its_share_of_work_is_a_part_alone() {
        // Three bytes of input, twice three of trace, and one for hashes.
        assert_eq!(items_per_part(&plan(10), 10, 1), 1);
        assert_eq!(items_per_part(&plan(10), 9, 1), 1);
        assert_eq!(items_per_part(&plan(10), 10 * 7 + 9, u64::MAX), 7);
    }

    #[test]
    fn large_jobs_are_cut_for_all_slots_and_small_ones_are_not() {
        // Nine bytes an item.
        let plan = plan(1 << 20);
        assert_eq!(items_that_overlap(&plan, 1_000_000, 2), 500_000);
        assert_eq!(items_that_overlap(&plan, 1_000_000, 1), 1_000_000);
        assert_eq!(items_that_overlap(&plan, 500_000, 2), 500_000);
        assert_eq!(items_that_overlap(&plan, 1, 2), 1);
    }

    #[test]
    fn a_trace_of_another_length_is_not_cut() {
        let mut trace = [0; 61];
        assert!(Part::whole(&plan(10), 10, &mut trace[..59]).is_none());
        assert!(Part::whole(&plan(10), 10, &mut trace[..60]).is_some());
        assert!(Part::whole(&plan(10), 10, &mut trace).is_none());
    }

    proptest! {
        #[test]
        fn parts_cover_every_item_and_every_byte_once(batch in 1u32..200, most in 1u32..300) {
            let mut trace = vec![0u8; 6 * batch as usize];
            let parts = Part::whole(&plan(batch), batch, &mut trace).unwrap().cut(most);
            let mut end = 0;
            for part in parts {
                prop_assert_eq!(part.items.start, end);
                prop_assert!(part.batch() >= 1 && part.batch() <= most);
                end = part.items.end;
                for (output, operation) in part.outputs.into_iter().zip(1u8..) {
                    prop_assert_eq!(output.len(), 3 * part.items.len());
                    output.iter_mut().for_each(|byte| *byte += operation);
                }
            }
            prop_assert_eq!(end, batch);
            let half = trace.len() / 2;
            prop_assert!(trace[..half].iter().all(|byte| *byte == 1));
            prop_assert!(trace[half..].iter().all(|byte| *byte == 2));
        }
    }
}
