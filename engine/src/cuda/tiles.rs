//! The kernels that multiply: each computes a tile of the result in a block.

use super::info::KernelFamily::{self, Dp4a, Mma16x8x32, Mma8x8x16, Wgmma};

/// More dynamic shared memory than that must be asked for.
pub(super) const SHARED_BYTES_UNASKED: u32 = 49_152;

/// A kernel for linear operations: its family, the rows and columns that one of its blocks computes,
/// and what a block needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) entry: &'static str,
    pub(super) family: KernelFamily,
    pub(super) rows: u64,
    pub(super) columns: u64,
    /// Bytes of the depth that a block takes at a time, if several blocks can share a tile.
    pub(super) depth: Option<u32>,
    pub(super) threads: u32,
    pub(super) shared_bytes: u32,
    /// Blocks that a multiprocessor holds at once, at the least, by what they need of it.
    pub(super) resident: u32,
}

pub(super) const ROWS_DP4A: Tile = Tile {
    depth: None,
    ..tile(Dp4a, "linear_dp4a_rows", [4, 16], [128, 0, 4])
};
pub(super) const LARGE_DP4A: Tile = Tile {
    depth: Some(32),
    ..tile(Dp4a, "linear_dp4a_128x128", [128, 128], [256, 37_632, 2])
};
pub(super) const LARGE_MMA_8X8X16: Tile = tile(
    Mma8x8x16,
    "linear_mma_m8n8k16_128x128",
    [128, 128],
    [128, 32_768, 2],
);
pub(super) const SMALL_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_64x64",
    [64, 64],
    [128, 32_768, 3],
);
pub(super) const MIDDLE_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_128x128",
    [128, 128],
    [128, 49_152, 2],
);
pub(super) const LARGE_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_128x256",
    [128, 256],
    [256, 98_304, 1],
);
pub(super) const LARGE_WGMMA: Tile = Tile {
    depth: Some(128),
    ..tile(Wgmma, "linear_wgmma_128x256", [128, 256], [256, 197_632, 1])
};

const fn tile(
    family: KernelFamily,
    entry: &'static str,
    [rows, columns]: [u64; 2],
    [threads, shared_bytes, resident]: [u32; 3],
) -> Tile {
    Tile {
        entry,
        family,
        rows,
        columns,
        depth: Some(64),
        threads,
        shared_bytes,
        resident,
    }
}

impl Tile {
    /// Tiles of a product of m rows and n columns.
    pub(super) fn count(self, m: u64, n: u32) -> u64 {
        m.div_ceil(self.rows)
            .saturating_mul(u64::from(n).div_ceil(self.columns))
    }

    /// Bytes of a tile's accumulators.
    pub(super) fn bytes(self) -> u64 {
        self.rows * self.columns * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_largest_tiles_get_their_shared_memory_unasked() {
        let unasked = [
            ROWS_DP4A,
            LARGE_DP4A,
            LARGE_MMA_8X8X16,
            SMALL_MMA_16X8X32,
            MIDDLE_MMA_16X8X32,
        ];
        assert!(unasked
            .iter()
            .all(|tile| tile.shared_bytes <= SHARED_BYTES_UNASKED));
    }
}
