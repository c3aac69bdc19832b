//! Entry points that hash.

use super::{launch, Address, Grid, Kernels};
use crate::cuda::{
    error::DeviceError,
    runs::{CHUNK_BYTES, GROUP_CHUNKS, NODE_BYTES},
};
use cust::stream::Stream;

/// Whether what is hashed is all of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Part,
}

impl Kernels {
    /// Queues the hash of `length` bytes, and gives the address where it will be. `nodes` is room
    /// for [`hash_workspace_bytes`].
    ///
    /// # Safety
    /// As for [`Self::linear`].
    pub(crate) unsafe fn hash(
        &self,
        stream: &Stream,
        bytes: Address,
        length: u64,
        mut nodes: Address,
    ) -> Result<Address, DeviceError> {
        let mut count = length.div_ceil(CHUNK_BYTES).max(1);
        // SAFETY: the caller vouches for all of it.
        unsafe {
            self.hash_chunks(stream, bytes, length, 0, nodes, Extent::Whole)?;
            while count > 1 {
                let parents = nodes + count * NODE_BYTES;
                self.join_nodes(stream, nodes, count, parents, Extent::Whole)?;
                (nodes, count) = (parents, count.div_ceil(GROUP_CHUNKS));
            }
        }
        Ok(nodes)
    }

    /// Queues the hashes of chunks of a blob, of which the first has that index. Only a blob's
    /// last chunk may be shorter than the others.
    ///
    /// # Safety
    /// As for [`Self::linear`].
    pub(crate) unsafe fn hash_chunks(
        &self,
        stream: &Stream,
        mut bytes: Address,
        mut length: u64,
        mut first: u64,
        mut nodes: Address,
        extent: Extent,
    ) -> Result<(), DeviceError> {
        let mut key = 0u64;
        let count = length.div_ceil(CHUNK_BYTES).max(1);
        let mut root = u32::from(count == 1 && extent == Extent::Whole);
        let arguments = arguments![bytes, length, first, key, nodes, root];
        let grid = Grid::of(count.div_ceil(128), 128);
        launch(stream, &self.blake3, "blake3_chunks", grid, &arguments)
    }

    /// Queues the joining of each [`GROUP_CHUNKS`] neighbouring nodes to one.
    ///
    /// # Safety
    /// As for [`Self::linear`].
    pub(crate) unsafe fn join_nodes(
        &self,
        stream: &Stream,
        mut nodes: Address,
        mut count: u64,
        mut parents: Address,
        extent: Extent,
    ) -> Result<(), DeviceError> {
        let mut key = 0u64;
        let mut root = u32::from(count <= GROUP_CHUNKS && extent == Extent::Whole);
        let arguments = arguments![nodes, count, key, parents, root];
        let grid = Grid::of(count.div_ceil(GROUP_CHUNKS), 256);
        launch(stream, &self.blake3, "blake3_tree", grid, &arguments)
    }
}

/// Room for the nodes of all levels of a blob's tree.
pub(crate) fn hash_workspace_bytes(length: u64) -> u64 {
    let mut count = length.div_ceil(CHUNK_BYTES).max(1);
    let mut nodes = count;
    while count > 1 {
        count = count.div_ceil(GROUP_CHUNKS);
        nodes += count;
    }
    nodes * NODE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_of_a_hash_holds_every_level() {
        assert_eq!(hash_workspace_bytes(0), 32);
        assert_eq!(hash_workspace_bytes(1_024), 32);
        assert_eq!(hash_workspace_bytes(1_025), 3 * 32);
        // 1,025 chunks, two subtrees, the root.
        assert_eq!(hash_workspace_bytes((1 << 20) + 1), (1_025 + 2 + 1) * 32);
    }
}
