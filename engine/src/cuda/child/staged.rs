//! A batch that does not fit its slot: its inputs and results pass through in pieces, while all of
//! it is on the device.

use super::{
    batch::{out_of_slot, Batch, Layouts},
    driver::DriverError,
    lane::{refused, Prepared},
    opened::Opened,
    parameter::address,
    transfers::{download, upload},
    verdict::Verdict,
};
use crate::cuda::{error::DeviceError, protocol::Hashed};
use blake3::Hasher;
use cust::{memory::DeviceBuffer, stream::Stream};
use std::ops::Range;

/// A batch of which the inputs come, or the results go.
pub(super) struct Staged {
    prepared: Prepared,
    layouts: Layouts,
    workspace: DeviceBuffer<u8>,
    /// Of each input, as far as it has come.
    hashers: Vec<Hasher>,
    /// How far pieces have passed, in the layout that the batch would have in a slot.
    passed: u64,
    /// The hashes of its runs, once it was executed.
    nodes: Option<Vec<u8>>,
}

impl Staged {
    /// Takes the memory that the batch needs.
    pub(super) fn new(
        opened: &Opened,
        slot: u32,
        prepared: Prepared,
        batch: u32,
        hashed: Option<&Hashed>,
    ) -> Result<Self, DeviceError> {
        let layouts = Layouts::of(opened, &prepared.plan, batch, hashed)?;
        let workspace = opened.take_workspace(slot, layouts.places.bytes)?;
        Ok(Self {
            hashers: vec![Hasher::new(); layouts.slot.inputs.len()],
            prepared,
            layouts,
            workspace,
            passed: 0,
            nodes: None,
        })
    }

    /// Takes the next piece of the inputs from the slot.
    pub(super) fn bring(
        &mut self,
        opened: &Opened,
        stream: &Stream,
        slot: u32,
        piece: &Range<u64>,
    ) -> Result<(), DeviceError> {
        self.pass(piece, self.layouts.slot.end_of_inputs())?;
        let inputs = self.layouts.slot.inputs.iter();
        let inputs = inputs.zip(&self.layouts.places.inputs);
        let mut queued = Ok(());
        for ((tensor, place), hasher) in inputs.zip(&mut self.hashers) {
            let Some((in_tensor, in_slot)) = overlap(tensor, piece) else {
                continue;
            };
            // SAFETY: the slot is this process's until it answers, and nothing else here uses it.
            let source = unsafe { opened.mapping.bytes(slot, &in_slot) };
            queued = source.ok_or_else(out_of_slot).and_then(|source| {
                // SAFETY: both live until the stream is done, below.
                unsafe { upload(&mut self.workspace, place + in_tensor, source, stream) }?;
                hasher.update_rayon(source);
                Ok(())
            });
            if queued.is_err() {
                break;
            }
        }
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        Ok(done?)
    }

    /// Executes the batch, of which all inputs must have come.
    pub(super) fn execute(
        &mut self,
        opened: &Opened,
        stream: &Stream,
        slot: u32,
    ) -> Result<(), DeviceError> {
        if self.passed != self.layouts.slot.end_of_inputs() || self.nodes.is_some() {
            return Err(refused("a batch without its inputs"));
        }
        let batch = Batch {
            opened,
            stream,
            slot,
            prepared: &self.prepared,
            layouts: &self.layouts,
            start: address(&self.workspace),
        };
        let mut verdict = Verdict::of(&self.prepared.plan, &self.layouts.runs);
        // SAFETY: workspace, parameters and `verdict` live until the stream is done, below.
        let queued = unsafe {
            let queued = batch.queue_work(&mut self.workspace);
            queued.and_then(|()| batch.download_verdict(&self.workspace, &mut verdict))
        };
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        let inputs = self.hashers.iter();
        let inputs: Vec<_> = inputs.map(|hasher| hasher.finalize().into()).collect();
        let checked = verdict.check(&self.prepared, &inputs, &self.layouts.runs);
        checked.inspect_err(|_| self.prepared.forget_residents(opened))?;
        self.nodes = Some(verdict.into_nodes());
        Ok(())
    }

    /// Puts the next piece of the results into the slot: outputs, then hashes. True if it was the
    /// last one.
    pub(super) fn fetch(
        &mut self,
        opened: &Opened,
        stream: &Stream,
        slot: u32,
        piece: &Range<u64>,
    ) -> Result<bool, DeviceError> {
        let nodes = self.nodes.as_ref();
        let nodes = nodes.ok_or_else(|| refused("results before there are any"))?;
        let place_of_nodes = self.layouts.place_of_nodes();
        pass(&mut self.passed, piece, place_of_nodes.end)?;
        let outputs = self.layouts.slot.outputs.iter();
        let mut queued = Ok(());
        for (tensor, place) in outputs.zip(&self.layouts.places.outputs) {
            let Some((in_tensor, in_slot)) = overlap(tensor, piece) else {
                continue;
            };
            // SAFETY: the slot is this process's until it answers; pieces of tensors that follow
            // each other do not overlap.
            let to = unsafe { opened.mapping.bytes(slot, &in_slot) };
            queued = to.ok_or_else(out_of_slot).and_then(|to| {
                // SAFETY: both live until the stream is done, below.
                unsafe { download(&self.workspace, place + in_tensor, to, stream) }
            });
            if queued.is_err() {
                break;
            }
        }
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        if let Some((in_nodes, in_slot)) = overlap(&place_of_nodes, piece) {
            // SAFETY: as above, and the stream is done.
            let to = unsafe { opened.mapping.bytes(slot, &in_slot) };
            let to = to.ok_or_else(out_of_slot)?;
            let from = in_nodes as usize..in_nodes as usize + to.len();
            to.copy_from_slice(nodes.get(from).ok_or_else(out_of_slot)?);
        }
        Ok(self.passed == place_of_nodes.end)
    }

    fn pass(&mut self, piece: &Range<u64>, end: u64) -> Result<(), DeviceError> {
        pass(&mut self.passed, piece, end)
    }
}

/// Pieces follow each other, and end no later than at `end`.
fn pass(passed: &mut u64, piece: &Range<u64>, end: u64) -> Result<(), DeviceError> {
    if piece.start != *passed || piece.end < piece.start || piece.end > end {
        return Err(refused("pieces of a batch out of order"));
    }
    *passed = piece.end;
    Ok(())
}

/// Where what a tensor and a piece have in common begins in the tensor, and where it is in the
/// piece.
fn overlap(tensor: &Range<u64>, piece: &Range<u64>) -> Option<(u64, Range<u64>)> {
    let start = tensor.start.max(piece.start);
    let end = tensor.end.min(piece.end);
    let in_piece = || start - piece.start..end - piece.start;
    (start < end).then(|| (start - tensor.start, in_piece()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_parts_of_several_tensors() {
        let piece = 10..20;
        assert_eq!(overlap(&(0..12), &piece), Some((10, 0..2)));
        assert_eq!(overlap(&(12..15), &piece), Some((0, 2..5)));
        assert_eq!(overlap(&(15..90), &piece), Some((0, 5..10)));
        assert_eq!(overlap(&(0..10), &piece), None);
        assert_eq!(overlap(&(20..30), &piece), None);
    }

    #[test]
    fn pieces_follow_each_other_to_the_end() {
        let mut passed = 0;
        let out_of_order = || Err(refused("pieces of a batch out of order"));
        assert_eq!(pass(&mut passed, &(0..7), 9), Ok(()));
        assert_eq!(pass(&mut passed, &(8..9), 9), out_of_order());
        assert_eq!(pass(&mut passed, &(7..10), 9), out_of_order());
        assert_eq!(pass(&mut passed, &(7..9), 9), Ok(()));
        assert_eq!(passed, 9);
    }
}
