//! Which ways there are to compute a product.
//!
//! A product of few rows has few tiles, fewer than the device has multiprocessors. Then several
//! blocks share a tile, each with a part of the depth (*split-K*); whoever comes last adds up. How
//! many are best, and whether a larger tile or more of them are, depends on clocks, caches and
//! memory, so it is tried on the device itself (`child/trial.rs`). Here is only which ways are worth
//! a try, and what is taken without one.

use super::{
    info::KernelFamily::{self, Dp4a, Mma16x8x32, Mma8x8x16, Wgmma},
    tiles::{
        Tile, LARGE_DP4A, LARGE_MMA_16X8X32, LARGE_MMA_8X8X16, LARGE_WGMMA, MIDDLE_MMA_16X8X32,
        ROWS_DP4A, SMALL_MMA_16X8X32,
    },
};

/// Most rows for which reading the weights takes longer than multiplying.
const FEW_ROWS: u64 = 16;
/// Most rows for which that may be so.
const RATHER_FEW_ROWS: u64 = 64;
/// Most blocks that share a tile.
const MOST_PARTS: u64 = 32;
/// Fewest steps through the depth for which a block is worth its start.
const LEAST_STEPS: u64 = 4;
/// Room for accumulators that blocks leave to each other, for each multiprocessor: two of 128 x 128.
const ROOM_PER_PROCESSOR: u64 = 2 * 128 * 128 * 4;
/// Rows of tiles that fill a device so often are as good as more of them.
const FILLED: u64 = 8;

/// How a product is computed: by which kernel, and by how many blocks for each tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) tile: Tile,
    pub(super) parts: u32,
}

impl Way {
    /// With a block for each tile.
    pub(super) fn whole(tile: Tile) -> Self {
        Self { tile, parts: 1 }
    }

    /// Blocks for a product of m rows and n columns.
    pub(super) fn blocks(self, m: u64, n: u32) -> u64 {
        self.tile.count(m, n).saturating_mul(self.parts.into())
    }

    /// The room that its blocks need.
    pub(super) fn room(self, m: u64, n: u32) -> Room {
        if self.parts == 1 {
            return Room::default();
        }
        Room {
            arrivals_bytes: self.tile.count(m, n).saturating_mul(4),
            partials_bytes: self.blocks(m, n).saturating_mul(self.tile.bytes()),
        }
    }

    /// Whether that room is enough for it.
    pub(super) fn fits(self, room: Room, m: u64, n: u32) -> bool {
        let needed = self.room(m, n);
        needed.partials_bytes <= room.partials_bytes && needed.arrivals_bytes <= room.arrivals_bytes
    }

    /// The kernel's name, and the parts if there are several.
    pub(super) fn name(self) -> String {
        match self.parts {
            1 => self.tile.entry.into(),
            parts => format!("{} in {parts} parts", self.tile.entry),
        }
    }
}

/// How much memory blocks have that share tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    /// Of a counter for each tile.
    pub(super) arrivals_bytes: u64,
    /// Of what they leave to each other.
    pub(super) partials_bytes: u64,
}

impl Room {
    /// As much as is of use on a device of so many multiprocessors.
    pub(super) fn of(processors: u32) -> Self {
        let partials_bytes = u64::from(processors) * ROOM_PER_PROCESSOR;
        Self {
            // Two blocks at least share a tile, and no tile is smaller.
            arrivals_bytes: partials_bytes / (2 * SMALL_MMA_16X8X32.bytes()) * 4,
            partials_bytes,
        }
    }
}

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
    /// The tile for a product that is not worth a trial: for many rows the largest whose blocks
    /// fill the device.
    pub(super) fn tile(&self, m: u64, n: u32) -> Tile {
        let fills = |tile: &Tile| tile.count(m, n) >= self.processors.into();
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

    /// The ways to compute a product that are worth a try; at least one.
    pub(super) fn ways(&self, m: u64, n: u32, k: u32) -> Vec<Way> {
        let tiles = self.tiles();
        let sharing = tiles.iter().filter(|tile| tile.depth.is_some());
        let heights = || sharing.clone().map(|tile| tile.rows);
        let (lowest, highest) = (heights().min().unwrap_or(0), heights().max().unwrap_or(0));
        let mut ways = Vec::new();
        for &tile in &tiles {
            let Some(depth) = tile.depth else {
                if m <= RATHER_FEW_ROWS {
                    ways.push(Way::whole(tile));
                }
                continue;
            };
            // One of half the height has all rows as well.
            let is_too_high = tile.rows > lowest && m <= tile.rows / 2;
            let held = u64::from(self.processors) * u64::from(tile.resident);
            let count = tile.count(m, n);
            // Higher ones fill the device many times over, and read less.
            let is_too_low = tile.rows < m.min(highest) && count / FILLED > held;
            if is_too_high || is_too_low {
                continue;
            }
            ways.push(Way::whole(tile));
            let most = (u64::from(k).div_ceil(depth.into()) / LEAST_STEPS).min(MOST_PARTS);
            let full = (held / count.max(1)).min(most);
            let room = Room::of(self.processors);
            let shared = [full / 2, full].map(|parts| Way {
                tile,
                parts: parts as u32,
            });
            let shared = shared.into_iter();
            ways.extend(shared.filter(|way| way.parts > 1 && way.fits(room, m, n)));
        }
        ways
    }

    /// As many rows of a product as tell which way is best for all of them.
    pub(super) fn telling_rows(&self, m: u64, n: u32) -> u64 {
        let mut tiles = self.tiles().into_iter();
        let rows = tiles.try_fold(0u64, |most, tile| {
            let blocks = FILLED * u64::from(self.processors) * u64::from(tile.resident);
            let down = blocks.div_ceil(tile.count(1, n).max(1));
            Some(most.max(down.checked_mul(tile.rows)?))
        });
        rows.map_or(m, |rows| m.min(rows))
    }

    /// All tiles that it may take.
    fn tiles(&self) -> Vec<Tile> {
        let families = self.families();
        let of_family = |family| match family {
            Dp4a if self.family == Dp4a => vec![ROWS_DP4A, LARGE_DP4A],
            // Others have what multiplies better.
            Dp4a => vec![ROWS_DP4A],
            Mma8x8x16 => vec![LARGE_MMA_8X8X16],
            Mma16x8x32 if self.has_large => {
                vec![LARGE_MMA_16X8X32, MIDDLE_MMA_16X8X32, SMALL_MMA_16X8X32]
            }
            Mma16x8x32 => vec![MIDDLE_MMA_16X8X32, SMALL_MMA_16X8X32],
            Wgmma => vec![LARGE_WGMMA],
        };
        families.flat_map(of_family).collect()
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
mod tests;
