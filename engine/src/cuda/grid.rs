//! One kernel, queued.

use super::{child::driver::DriverError, error::DeviceError};
use cust::{module::Module, stream::Stream};
use std::ffi::c_void;

/// How many threads run a kernel, and with how much shared memory.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) blocks: u64,
    pub(super) threads: u32,
    pub(super) shared_bytes: u32,
}

impl Grid {
    /// Without shared memory.
    pub(super) fn of(blocks: u64, threads: u32) -> Self {
        Self {
            blocks,
            threads,
            shared_bytes: 0,
        }
    }
}

/// Why a kernel is of no use.
pub(super) fn bad_entry(entry: &str, error: cust::error::CudaError) -> DeviceError {
    DeviceError::BadKernel(format!("{entry}: {}", DriverError::from(error)))
}

/// Queues a kernel.
///
/// # Safety
/// The arguments must point to values of the types that the entry point declares.
pub(super) unsafe fn launch(
    stream: &Stream,
    module: &Module,
    entry: &str,
    grid: Grid,
    arguments: &[*mut c_void],
) -> Result<(), DeviceError> {
    // The device's limit for grids of one dimension.
    let blocks = u32::try_from(grid.blocks).ok();
    let blocks = blocks.filter(|blocks| i32::try_from(*blocks).is_ok());
    let blocks = blocks.ok_or(DeviceError::OutOfMemory { bytes: 0 })?;
    let function = module.get_function(entry);
    let function = function.map_err(|error| bad_entry(entry, error))?;
    // SAFETY: the caller vouches for the arguments.
    let launched = unsafe {
        stream.launch(
            &function,
            blocks,
            grid.threads,
            grid.shared_bytes,
            arguments,
        )
    };
    Ok(launched.map_err(DriverError::from)?)
}
