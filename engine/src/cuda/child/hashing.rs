//! Hashing a batch's results on the device.

use super::{batch::Batch, transfers::download};
use crate::cuda::{
    error::DeviceError,
    launch::Extent,
    runs::{Run, NODE_BYTES},
};
use cust::memory::DeviceBuffer;

/// A hash has no checksum, and what is hashed must be what is checked. So everything is hashed
/// before the checks and once more behind them: if both give the same, then the bytes between,
/// which were checked, are those that were hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    BeforeChecks,
    BehindChecks,
}

impl Batch<'_> {
    /// Queues the hashes of all runs.
    ///
    /// # Safety
    /// As for [`Self::queue_work`], after all operations.
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

    /// Queues what both turns gave.
    ///
    /// # Safety
    /// As for [`Self::queue_work`], behind which it must come; `nodes` must live until the stream is
    /// done.
    pub(super) unsafe fn download_nodes(
        &self,
        workspace: &DeviceBuffer<u8>,
        nodes: &mut [Vec<u8>; 2],
    ) -> Result<(), DeviceError> {
        for (nodes, turn) in nodes
            .iter_mut()
            .zip([Turn::BeforeChecks, Turn::BehindChecks])
        {
            let place = self.layouts.places.place_of(turn);
            // SAFETY: the caller vouches for it.
            unsafe { download(workspace, place, nodes, self.stream) }?;
        }
        Ok(())
    }
}
