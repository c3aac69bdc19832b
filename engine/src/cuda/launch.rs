//! The kernels' entry points, as `docs/kernels.md` and the header comment of each source in
//! `engine/kernels` define them: names, arguments, grids, shared memory. Nothing else in this
//! crate knows any of it.

use super::{
    child::driver::{check, DriverError},
    error::DeviceError,
    grid::{bad_entry, launch, Grid},
    info::KernelFamily,
    tiles::{Tile, LARGE_MMA_16X8X32, LARGE_WGMMA, SHARED_BYTES_UNASKED},
    ways::{Choice, Room, Way},
};
use cust::{module::Module, stream::Stream, sys};
use mizan_tensor::Operation;

/// An address on the device; 0 is the kernels' null.
pub(crate) type Address = u64;

const DP4A: &str = include_str!("../../ptx/linear_dp4a.ptx");
const MMA_8X8X16: &str = include_str!("../../ptx/linear_mma_m8n8k16.ptx");
const MMA_16X8X32: &str = include_str!("../../ptx/linear_mma_m16n8k32.ptx");
const WGMMA: &str = include_str!("../../ptx/linear_wgmma.ptx");
const ADD: &str = include_str!("../../ptx/add.ptx");
const CHECK: &str = include_str!("../../ptx/check.ptx");
const BLAKE3: &str = include_str!("../../ptx/blake3.ptx");

/// Elements of an element-wise operation for one block.
const ELEMENTS_PER_BLOCK: u64 = 4_096;
/// Blocks of an element-wise operation for one multiprocessor, at most.
const BLOCKS_PER_PROCESSOR: u32 = 16;

/// Pointers to variables: a kernel's arguments, as the driver takes them.
macro_rules! arguments {
    ($($variable:ident),*) => {
        [$(std::ptr::from_mut(&mut $variable).cast::<std::ffi::c_void>()),*]
    };
}

mod hashing;

pub(crate) use hashing::{hash_workspace_bytes, Extent};

/// What `linear` reads and writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    /// `[m, k]`.
    pub(crate) x: Address,
    /// `[n, k]`.
    pub(crate) w: Address,
    pub(crate) channels: Address,
    pub(crate) table: Address,
    /// `[m, n]`.
    pub(crate) y: Address,
    pub(crate) m: u64,
    pub(crate) n: u32,
    pub(crate) k: u32,
    pub(crate) check: WeightCheck,
    /// Two words for each row.
    pub(crate) sums: Address,
    /// For ways by which blocks share tiles.
    pub(super) sharing: Sharing,
}

/// Where blocks that share tiles leave to each other what they have summed up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sharing {
    /// How much there is of both.
    pub(super) room: Room,
    /// Zero, whenever a kernel begins and whenever it has ended.
    pub(super) arrivals: Address,
    /// Of any content.
    pub(super) partials: Address,
}

/// What is known of weights by which products with them are checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightCheck {
    /// A random number for each of the n rows.
    pub(crate) r: Address,
    /// The sum of the rows, each times its number.
    pub(crate) u: Address,
}

/// What `add` reads and writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Add {
    pub(crate) a: Address,
    pub(crate) b: Address,
    pub(crate) table: Address,
    pub(crate) y: Address,
    pub(crate) count: u64,
    pub(crate) multipliers: [i32; 2],
    pub(crate) shift: u8,
}

/// The loaded kernels of a device.
pub(crate) struct Kernels {
    choice: Choice,
    linear: Vec<(KernelFamily, Module)>,
    add: Module,
    check: Module,
    blake3: Module,
}

impl Kernels {
    /// Loads them for a device of so many multiprocessors, whose context is current: those of a
    /// family alone, or with what else is fast.
    pub(crate) fn load(
        family: KernelFamily,
        alone: bool,
        processors: u32,
    ) -> Result<Self, DeviceError> {
        let bad = |name: &'static str| {
            move |error: cust::error::CudaError| {
                DeviceError::BadKernel(format!("{name}: {}", DriverError::from(error)))
            }
        };
        let load = |(name, text)| Module::from_ptx(text, &[]).map_err(bad(name));
        let choice = Choice {
            family,
            alone,
            has_large: false,
            processors: processors.max(1),
        };
        let linear = choice.families().map(|family| {
            let module = load(match family {
                KernelFamily::Dp4a => ("linear_dp4a", DP4A),
                KernelFamily::Mma8x8x16 => ("linear_mma_m8n8k16", MMA_8X8X16),
                KernelFamily::Mma16x8x32 => ("linear_mma_m16n8k32", MMA_16X8X32),
                KernelFamily::Wgmma => ("linear_wgmma", WGMMA),
            });
            Ok((family, module?))
        });
        let mut kernels = Self {
            choice,
            linear: linear.collect::<Result<_, DeviceError>>()?,
            add: load(("add", ADD))?,
            check: load(("check", CHECK))?,
            blake3: load(("blake3", BLAKE3))?,
        };
        if family == KernelFamily::Wgmma && !kernels.ask_for_shared_memory(LARGE_WGMMA)? {
            let lacks = "linear_wgmma: the device grants it no shared memory";
            return Err(DeviceError::BadKernel(lacks.into()));
        }
        if family == KernelFamily::Mma16x8x32 {
            kernels.choice.has_large = kernels.ask_for_shared_memory(LARGE_MMA_16X8X32)?;
        }
        Ok(kernels)
    }

    /// The module that has a kernel.
    fn module(&self, tile: Tile) -> Result<&Module, DeviceError> {
        let mut loaded = self.linear.iter();
        let found = loaded.find(|(family, _)| *family == tile.family);
        let lacks = || DeviceError::BadKernel(format!("{} is not loaded", tile.entry));
        found.map(|(_, module)| module).ok_or_else(lacks)
    }

    /// Whether the device grants a tile the shared memory that it needs.
    fn ask_for_shared_memory(&self, tile: Tile) -> Result<bool, DeviceError> {
        debug_assert!(tile.shared_bytes > SHARED_BYTES_UNASKED);
        let function = self.module(tile)?.get_function(tile.entry);
        let function = function.map_err(|error| bad_entry(tile.entry, error))?;
        let attribute =
            sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = i32::try_from(tile.shared_bytes).unwrap_or(i32::MAX);
        // SAFETY: the function is of a module that is loaded.
        let set = unsafe { sys::cuFuncSetAttribute(function.to_raw(), attribute, bytes) };
        Ok(check(set).is_ok())
    }

    /// What kernels there are to choose from.
    pub(super) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Whether the device runs that kernel of a loaded family.
    pub(super) fn grants(&self, tile: Tile) -> bool {
        tile != LARGE_MMA_16X8X32 || self.choice.has_large
    }

    /// Queues a linear operation in that way, which must be of a loaded family and have room.
    ///
    /// # Safety
    /// All addresses must be of device memory of the sizes that the kernels' contracts say, which
    /// lives until the stream has done it. `sums` and the arrivals must be zero.
    pub(super) unsafe fn linear(
        &self,
        way: Way,
        stream: &Stream,
        operation: Linear,
    ) -> Result<(), DeviceError> {
        let Linear {
            mut x,
            mut w,
            mut channels,
            mut table,
            mut y,
            mut m,
            mut n,
            mut k,
            check: WeightCheck { mut r, .. },
            mut sums,
            sharing,
        } = operation;
        if !way.fits(sharing.room, m, n) {
            return Err(DeviceError::OutOfMemory { bytes: 0 });
        }
        let Way { tile, mut parts } = way;
        let (mut partials, mut arrivals) = (sharing.partials, sharing.arrivals);
        let grid = Grid {
            blocks: way.blocks(m, n),
            threads: tile.threads,
            shared_bytes: tile.shared_bytes,
        };
        let arguments = arguments![x, w, channels, table, y, m, n, k, r, sums];
        let shared = arguments![parts, partials, arrivals];
        // Blocks of the others share nothing.
        let shared = shared.iter().filter(|_| tile.depth.is_some());
        let arguments: Vec<_> = arguments.iter().chain(shared).copied().collect();
        launch(stream, self.module(tile)?, tile.entry, grid, &arguments)
    }

    /// Queues the check of a linear operation, which counts faults.
    ///
    /// # Safety
    /// As for [`Self::linear`], after which `sums` must not have changed.
    pub(crate) unsafe fn check_linear(
        &self,
        stream: &Stream,
        operation: Linear,
        mut faults: Address,
    ) -> Result<(), DeviceError> {
        let Linear {
            mut x,
            mut y,
            mut m,
            mut n,
            mut k,
            check: WeightCheck { mut r, mut u },
            mut sums,
            ..
        } = operation;
        let arguments = arguments![x, y, u, r, sums, faults, m, n, k];
        let grid = Grid::of(m.div_ceil(32), 256);
        launch(stream, &self.check, "check_linear", grid, &arguments)
    }

    /// Queues an addition, or the check of one, which counts faults.
    ///
    /// # Safety
    /// As for [`Self::linear`].
    pub(crate) unsafe fn add(
        &self,
        stream: &Stream,
        operation: Add,
        faults: Option<Address>,
    ) -> Result<(), DeviceError> {
        let Add {
            mut a,
            mut b,
            mut table,
            mut y,
            mut count,
            multipliers: [mut ma, mut mb],
            shift,
        } = operation;
        let mut shift = u32::from(shift);
        let most = self.choice.processors.saturating_mul(BLOCKS_PER_PROCESSOR);
        let blocks = count.div_ceil(ELEMENTS_PER_BLOCK).clamp(1, most.into());
        let grid = Grid::of(blocks, 256);
        let arguments = arguments![a, b, table, y, count, ma, mb, shift];
        match faults {
            None => launch(stream, &self.add, "add", grid, &arguments),
            Some(mut faults) => {
                let faults = arguments![faults];
                let arguments = [&arguments[..], &faults[..]].concat();
                launch(stream, &self.check, "check_add", grid, &arguments)
            }
        }
    }

    /// Queues the sum of weights by which products with them are checked. `u` must be zero.
    ///
    /// # Safety
    /// As for [`Self::linear`].
    pub(crate) unsafe fn check_weights(
        &self,
        stream: &Stream,
        mut w: Address,
        WeightCheck { mut r, mut u }: WeightCheck,
        [mut n, mut k]: [u32; 2],
    ) -> Result<(), DeviceError> {
        let blocks = u64::from(k).div_ceil(256) * u64::from(n).div_ceil(1_024);
        let arguments = arguments![w, r, u, n, k];
        let grid = Grid::of(blocks, 256);
        launch(stream, &self.check, "check_weights", grid, &arguments)
    }
}

/// Whether there is a kernel for an operation.
pub(crate) fn is_supported(operation: &Operation) -> bool {
    match operation {
        Operation::Linear { .. } | Operation::Add { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::tiles::{
        LARGE_DP4A, LARGE_MMA_8X8X16, MIDDLE_MMA_16X8X32, ROWS_DP4A, SMALL_MMA_16X8X32,
    };

    #[test]
    fn every_entry_point_is_in_the_ptx_that_is_loaded_for_it() {
        let files = [
            (DP4A, vec![ROWS_DP4A.entry, LARGE_DP4A.entry]),
            (MMA_8X8X16, vec![LARGE_MMA_8X8X16.entry]),
            (
                MMA_16X8X32,
                vec![
                    SMALL_MMA_16X8X32.entry,
                    MIDDLE_MMA_16X8X32.entry,
                    LARGE_MMA_16X8X32.entry,
                ],
            ),
            (WGMMA, vec![LARGE_WGMMA.entry]),
            (ADD, vec!["add"]),
            (CHECK, vec!["check_weights", "check_linear", "check_add"]),
            (BLAKE3, vec!["blake3_chunks", "blake3_tree"]),
        ];
        for (text, entries) in files {
            for entry in entries {
                let declared = format!(".entry {entry}(");
                assert!(text.contains(&declared), "{entry} is missing");
            }
        }
    }
}
