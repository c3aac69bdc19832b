//! Hashing a batch's results on the device.

use super::{batch::Batch, lane::refused, verdict::Verdict};
use crate::cuda::{
    error::DeviceError,
    launch::Extent,
    runs::{node_bytes, Run, NODE_BYTES},
};
use cust::memory::DeviceBuffer;
use std::ops::Range;

/// A hash has no checksum, and what is hashed must be what is checked. So everything is hashed
/// before the checks and once more behind them: if both give the same, then the bytes between,
/// which were checked, are those that were hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    BeforeChecks,
    BehindChecks,
}

impl Batch<'_> {
    /// Where the hashes of the runs come in the slot.
    pub(super) fn place_of_nodes(&self) -> Range<u64> {
        let start = self.layouts.slot.nodes.start;
        start..start + node_bytes(&self.layouts.runs)
    }

    /// Queues the hashes of all runs.
    ///
    /// # Safety
    /// As for [`Self::queue`], after all operations.
    pub(super) unsafe fn hash_runs(
        &self,
        workspace: &DeviceBuffer<u8>,
        turn: Turn,
    ) -> Result<(), DeviceError> {
        let mut place = self.layouts.places.place_of(turn);
        for run in &self.layouts.runs {
            // SAFETY: the caller vouches for it.
            unsafe { self.hash_run(workspace, run, place) }?;
            place += run.nodes() * NODE_BYTES;
        }
        Ok(())
    }

    /// Queues the hashes of a run: those of chunks that belong to no group, and those of groups.
    ///
    /// # Safety
    /// As for [`Self::hash_runs`]; there must be room for the hashes at `place`.
    unsafe fn hash_run(
        &self,
        workspace: &DeviceBuffer<u8>,
        run: &Run,
        place: u64,
    ) -> Result<(), DeviceError> {
        let kernels = &self.opened.kernels;
        let bytes = self.output(run.operation)? + run.skipped;
        let chunk_nodes = match run.groups {
            0 => place,
            _ => self.layouts.places.nodes,
        };
        let nodes = |count: u64| count * NODE_BYTES;
        let groups = chunk_nodes + nodes(run.before);
        let behind = groups + nodes(run.grouped());
        let joined = place + nodes(run.before);
        // SAFETY: the run is within the operation's output, and all chunks' nodes have room in the
        // workspace; the caller vouches for the rest.
        unsafe {
            kernels.hash_chunks(
                self.stream,
                bytes,
                run.bytes(),
                run.first,
                self.start + chunk_nodes,
                Extent::Part,
            )?;
            if run.groups == 0 {
                return Ok(());
            }
            self.copy(workspace, chunk_nodes, place, nodes(run.before))?;
            kernels.join_nodes(
                self.stream,
                self.start + groups,
                run.grouped(),
                self.start + joined,
                Extent::Part,
            )?;
            let after = joined + nodes(run.groups);
            self.copy(workspace, behind, after, nodes(run.after))
        }
    }

    /// Queues the hashes of the first turn into the slot, and those of the second one into the
    /// verdict.
    ///
    /// # Safety
    /// As for [`Self::queue`], after both turns; `verdict` must live until the stream is done.
    pub(super) unsafe fn download_nodes(
        &self,
        workspace: &DeviceBuffer<u8>,
        verdict: &mut Verdict,
    ) -> Result<(), DeviceError> {
        // SAFETY: the caller vouches for it.
        unsafe {
            let slot = self.opened.mapping.bytes(self.slot, &self.place_of_nodes());
            let slot = slot.ok_or_else(|| refused("hashes that are larger than their slot"))?;
            let place = self.layouts.places.place_of(Turn::BeforeChecks);
            self.download(workspace, place, slot)?;
            let place = self.layouts.places.place_of(Turn::BehindChecks);
            self.download(workspace, place, &mut verdict.nodes)
        }
    }

    /// The hashes in the slot.
    ///
    /// # Safety
    /// The slot must be this process's, and the stream be done.
    pub(super) unsafe fn nodes(&self) -> Result<&[u8], DeviceError> {
        // SAFETY: the caller vouches for it.
        let slot = unsafe { self.opened.mapping.bytes(self.slot, &self.place_of_nodes()) };
        slot.map(|bytes| &*bytes)
            .ok_or_else(|| refused("hashes that are larger than their slot"))
    }
}
