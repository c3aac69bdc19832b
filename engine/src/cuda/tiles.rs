//! Which kernel multiplies: each computes a tile of the result in a block.

use super::info::KernelFamily::{self, Dp4a, Mma16x8x32, Mma8x8x16, Wgmma};

/// More dynamic shared memory than that must be asked for.
pub(super) const SHARED_BYTES_UNASKED: u32 = 49_152;

/// A kernel for linear operations: its family, the rows and columns that one of its blocks computes,
/// and what a block needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) entry: &'static str,
    pub(super) family: KernelFamily,
    rows: u64,
    columns: u64,
    pub(super) threads: u32,
    pub(super) shared_bytes: u32,
}

pub(super) const ROWS_DP4A: Tile = tile(Dp4a, "linear_dp4a_rows", [4, 16], 128, 0);
pub(super) const LARGE_DP4A: Tile = tile(Dp4a, "linear_dp4a_128x128", [128, 128], 256, 37_632);
pub(super) const LARGE_MMA_8X8X16: Tile = tile(
    Mma8x8x16,
    "linear_mma_m8n8k16_128x128",
    [128, 128],
    128,
    32_768,
);
pub(super) const SMALL_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_64x64",
    [64, 64],
    128,
    32_768,
);
pub(super) const MIDDLE_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_128x128",
    [128, 128],
    128,
    49_152,
);
pub(super) const LARGE_MMA_16X8X32: Tile = tile(
    Mma16x8x32,
    "linear_mma_m16n8k32_128x256",
    [128, 256],
    256,
    98_304,
);
pub(super) const LARGE_WGMMA: Tile = tile(Wgmma, "linear_wgmma_128x256", [128, 256], 256, 197_632);

const fn tile(
    family: KernelFamily,
    entry: &'static str,
    [rows, columns]: [u64; 2],
    threads: u32,
    shared_bytes: u32,
) -> Tile {
    Tile {
        entry,
        family,
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
    /// Whether nothing but that family is wanted; else what it is not made for is left to others.
    pub(super) alone: bool,
    /// Whether there is shared memory for the largest tile of `m16n8k32`. Beside `wgmma`, whose tile
    /// is as large, it has nothing to do.
    pub(super) has_large: bool,
    /// Multiprocessors.
    pub(super) processors: u32,
}

impl Choice {
    /// The tile for a product: for many rows the largest whose blocks fill the device.
    pub(super) fn tile(&self, m: u64, n: u32) -> Tile {
        let fills = |tile: &Tile| tile.blocks(m, n) >= self.processors.into();
        match self.family {
            Dp4a if m <= FEW_ROWS => ROWS_DP4A,
            Dp4a => LARGE_DP4A,
            _ if !self.alone && m <= FEW_ROWS => ROWS_DP4A,
            Mma8x8x16 => LARGE_MMA_8X8X16,
            Wgmma if self.alone || fills(&LARGE_WGMMA) => LARGE_WGMMA,
            Wgmma | Mma16x8x32 => {
                let large = self.has_large.then_some(LARGE_MMA_16X8X32);
                let fitting = large.into_iter().chain([MIDDLE_MMA_16X8X32]).find(fills);
                fitting.unwrap_or(SMALL_MMA_16X8X32)
            }
        }
    }

    /// The families whose kernels it takes.
    pub(super) fn families(&self) -> impl Iterator<Item = KernelFamily> {
        let others: &[_] = match self.family {
            _ if self.alone => &[],
            Dp4a => &[],
            Mma8x8x16 | Mma16x8x32 => &[Dp4a],
            Wgmma => &[Mma16x8x32, Dp4a],
        };
        [self.family].into_iter().chain(others.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICE: Choice = Choice {
        family: Mma16x8x32,
        alone: false,
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
            alone: true,
            ..CHOICE
        };
        assert_eq!(asked.tile(1, 1_000), SMALL_MMA_16X8X32);
    }

    #[test]
    fn warpgroups_multiply_what_fills_the_device_and_leave_the_rest_to_others() {
        let choice = Choice {
            family: Wgmma,
            processors: 132,
            ..CHOICE
        };
        assert_eq!(choice.tile(4_096, 4_096), LARGE_WGMMA);
        assert_eq!(choice.tile(17, 256 * 132), LARGE_WGMMA);
        assert_eq!(choice.tile(17, 256 * 131), MIDDLE_MMA_16X8X32);
        assert_eq!(choice.tile(16, 256 * 132), ROWS_DP4A);
        let alone = Choice {
            alone: true,
            ..choice
        };
        assert_eq!(alone.tile(1, 1), LARGE_WGMMA);
    }

    #[test]
    fn every_tile_that_may_be_chosen_is_of_a_family_that_is_loaded() {
        for family in KernelFamily::ALL {
            for alone in [false, true] {
                let choice = Choice {
                    family,
                    alone,
                    ..CHOICE
                };
                for m in [1, 16, 17, 1_000, 100_000] {
                    let tile = choice.tile(m, 1_000);
                    assert!(choice.families().any(|loaded| loaded == tile.family));
                }
            }
        }
    }

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
