//! Which kernel multiplies: each computes a tile of the result in a block.

use super::info::KernelFamily;

/// More dynamic shared memory than that must be asked for.
pub(super) const SHARED_BYTES_UNASKED: u32 = 49_152;

/// A kernel for linear operations: the rows and columns that one of its blocks computes, and what
/// a block needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) entry: &'static str,
    rows: u64,
    columns: u64,
    pub(super) threads: u32,
    pub(super) shared_bytes: u32,
}

pub(super) const ROWS_DP4A: Tile = tile("linear_dp4a_rows", 4, 16, 128, 0);
pub(super) const LARGE_DP4A: Tile = tile("linear_dp4a_128x128", 128, 128, 256, 37_632);
pub(super) const LARGE_MMA_8X8X16: Tile = tile("linear_mma_m8n8k16_128x128", 128, 128, 128, 32_768);
pub(super) const SMALL_MMA_16X8X32: Tile = tile("linear_mma_m16n8k32_64x64", 64, 64, 128, 32_768);
pub(super) const MIDDLE_MMA_16X8X32: Tile =
    tile("linear_mma_m16n8k32_128x128", 128, 128, 128, 49_152);
pub(super) const LARGE_MMA_16X8X32: Tile =
    tile("linear_mma_m16n8k32_128x256", 128, 256, 256, 98_304);

const fn tile(
    entry: &'static str,
    rows: u64,
    columns: u64,
    threads: u32,
    shared_bytes: u32,
) -> Tile {
    Tile {
        entry,
        rows,
        columns,
        threads,
        shared_bytes,
    }
}

impl Tile {
    /// Blocks for a product of m rows and n columns.
    pub(super) fn blocks(self, m: u64, n: u32) -> u64 {
        m.div_ceil(self.rows)
            .saturating_mul(u64::from(n).div_ceil(self.columns))
    }
}

/// Most rows for which reading the weights takes longer than multiplying.
const FEW_ROWS: u64 = 16;

/// What a device offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) family: KernelFamily,
    /// Whether few rows may be left to the kernel that is made for them, of whatever family.
    pub(super) has_rows: bool,
    /// Whether there is shared memory for the largest tile.
    pub(super) has_large: bool,
    /// Multiprocessors.
    pub(super) processors: u32,
}

impl Choice {
    /// The tile for a product: for many rows the largest whose blocks fill the device.
    pub(super) fn tile(&self, m: u64, n: u32) -> Tile {
        match self.family {
            _ if self.has_rows && m <= FEW_ROWS => ROWS_DP4A,
            KernelFamily::Dp4a => LARGE_DP4A,
            KernelFamily::Mma8x8x16 => LARGE_MMA_8X8X16,
            KernelFamily::Mma16x8x32 => {
                let fills = |tile: &Tile| tile.blocks(m, n) >= self.processors.into();
                let large = self.has_large.then_some(LARGE_MMA_16X8X32);
                let fitting = large.into_iter().chain([MIDDLE_MMA_16X8X32]).find(fills);
                fitting.unwrap_or(SMALL_MMA_16X8X32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICE: Choice = Choice {
        family: KernelFamily::Mma16x8x32,
        has_rows: true,
        has_large: true,
        processors: 108,
    };

    #[test]
    fn the_largest_tile_is_taken_that_fills_the_device() {
        assert_eq!(CHOICE.tile(4_096, 4_096), LARGE_MMA_16X8X32);
        assert_eq!(CHOICE.tile(2_048, 1_024), MIDDLE_MMA_16X8X32);
        assert_eq!(CHOICE.tile(17, 4_096), SMALL_MMA_16X8X32);
        let without = Choice {
            has_large: false,
            ..CHOICE
        };
        assert_eq!(without.tile(4_096, 4_096), MIDDLE_MMA_16X8X32);
    }

    #[test]
    fn few_rows_go_to_their_own_kernel_unless_a_family_is_asked_for() {
        for family in KernelFamily::ALL {
            let choice = Choice { family, ..CHOICE };
            assert_eq!(choice.tile(16, 1_000), ROWS_DP4A);
            assert_ne!(choice.tile(17, 1_000), ROWS_DP4A);
        }
        let asked = Choice {
            has_rows: false,
            ..CHOICE
        };
        assert_eq!(asked.tile(1, 1_000), SMALL_MMA_16X8X32);
    }

    #[test]
    fn all_but_the_largest_tile_get_their_shared_memory_unasked() {
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
