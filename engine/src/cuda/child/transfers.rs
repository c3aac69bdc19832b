//! What passes between a slot and the device's memory, and within that.

use super::{
    batch::{out_of_slot, Batch},
    driver::DriverError,
};
use crate::cuda::error::DeviceError;
use cust::{
    memory::{AsyncCopyDestination, DeviceBuffer},
    stream::Stream,
};
use mizan_tensor::Table;

/// Queues a copy to the device.
///
/// # Safety
/// Both must live, and the source stay as it is, until the stream is done.
pub(super) unsafe fn upload(
    buffer: &mut DeviceBuffer<u8>,
    at: u64,
    source: &[u8],
    stream: &Stream,
) -> Result<(), DriverError> {
    // A buffer's length fits both.
    let at = at as usize;
    let mut to = buffer.index(at..at + source.len());
    // SAFETY: the caller vouches for it.
    Ok(unsafe { to.async_copy_from(source, stream) }?)
}

/// Queues a copy from the device.
///
/// # Safety
/// Both must live, and nobody use the target, until the stream is done.
pub(super) unsafe fn download(
    buffer: &DeviceBuffer<u8>,
    at: u64,
    to: &mut [u8],
    stream: &Stream,
) -> Result<(), DeviceError> {
    if to.is_empty() {
        return Ok(());
    }
    let at = at as usize;
    let from = buffer.index(at..at + to.len());
    // SAFETY: the caller vouches for it.
    let queued = unsafe { from.async_copy_to(to, stream) };
    Ok(queued.map_err(DriverError::from)?)
}

impl Batch<'_> {
    /// Queues the inputs.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    pub(super) unsafe fn upload_inputs(
        &self,
        workspace: &mut DeviceBuffer<u8>,
    ) -> Result<(), DeviceError> {
        let inputs = self.layouts.slot.inputs.iter();
        for (range, place) in inputs.zip(&self.layouts.places.inputs) {
            // SAFETY: the caller vouches for the slot; inputs do not overlap.
            let input = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let input = input.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { upload(workspace, *place, input, self.stream) }?;
        }
        Ok(())
    }

    /// Queues the outputs.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    pub(super) unsafe fn download_outputs(
        &self,
        workspace: &DeviceBuffer<u8>,
    ) -> Result<(), DeviceError> {
        let outputs = self.layouts.slot.outputs.iter();
        for (range, place) in outputs.zip(&self.layouts.places.outputs) {
            // SAFETY: the caller vouches for the slot; outputs do not overlap.
            let output = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let output = output.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { download(workspace, *place, output, self.stream) }?;
        }
        Ok(())
    }

    /// Queues the tables.
    ///
    /// # Safety
    /// As for [`Self::queue_work`].
    pub(super) unsafe fn upload_tables(
        &self,
        workspace: &mut DeviceBuffer<u8>,
    ) -> Result<(), DeviceError> {
        let tables = self.prepared.plan.program().tables.iter().zip(0u16..);
        for (Table(entries), index) in tables {
            let place = self.layouts.places.table(index);
            // SAFETY: the program lives as long as the parameters.
            unsafe { upload(workspace, place, bytemuck::cast_slice(entries), self.stream) }?;
        }
        Ok(())
    }

    /// Queues zeroes.
    ///
    /// # Safety
    /// As for [`Self::queue_work`].
    pub(super) unsafe fn clear(
        &self,
        workspace: &DeviceBuffer<u8>,
        at: u64,
        bytes: u64,
    ) -> Result<(), DeviceError> {
        if bytes == 0 {
            return Ok(());
        }
        let at = at as usize;
        let mut part = workspace.index(at..at + bytes as usize);
        // SAFETY: the caller vouches for it.
        let queued = unsafe { part.set_8_async(0, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// Queues a copy within the device.
    ///
    /// # Safety
    /// As for [`Self::queue_work`]; the two must not overlap.
    pub(super) unsafe fn copy(
        &self,
        workspace: &DeviceBuffer<u8>,
        from: u64,
        to: u64,
        bytes: u64,
    ) -> Result<(), DeviceError> {
        if bytes == 0 {
            return Ok(());
        }
        let part = |at: u64| workspace.index(at as usize..(at + bytes) as usize);
        // SAFETY: the caller vouches for it.
        let queued = unsafe { part(to).async_copy_from(&part(from), self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }
}
