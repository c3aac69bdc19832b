//! Memory on the device that is measured.

use super::{noise::Noise, DriverError, Measuring};
use crate::cuda::{
    child::parameter::address, error::DeviceError, launch::Address, measure::MeasureError,
};
use cust::memory::{mem_get_info, AsyncCopyDestination, DeviceBuffer};

/// What a result is before anything has been computed.
const UNTOUCHED: u8 = 0x80;

/// Memory that no queued work outlives.
pub(super) struct Memory<'a> {
    buffer: DeviceBuffer<u8>,
    measuring: Measuring<'a>,
}

impl Measuring<'_> {
    /// An error if so many bytes are more than are free.
    pub(super) fn check_room(self, bytes: u64) -> Result<(), MeasureError> {
        let (free, _) = mem_get_info().map_err(DriverError::from)?;
        let free = free as u64;
        match bytes <= free {
            true => Ok(()),
            false => Err(MeasureError::TooLarge { bytes, free }),
        }
    }
}

impl<'a> Memory<'a> {
    /// Of so many bytes, each [`UNTOUCHED`].
    pub(super) fn new(measuring: Measuring<'a>, bytes: u64) -> Result<Self, MeasureError> {
        let buffer = measuring.opened.allocate(bytes)?;
        let memory = Self { buffer, measuring };
        memory.set(UNTOUCHED)?;
        Ok(memory)
    }

    /// With these bytes.
    pub(super) fn with(measuring: Measuring<'a>, bytes: &[u8]) -> Result<Self, MeasureError> {
        let memory = Self::new(measuring, bytes.len() as u64)?;
        memory.put(0, bytes)?;
        Ok(memory)
    }

    /// With noise, which passes through the slot.
    pub(super) fn of_noise(
        measuring: Measuring<'a>,
        noise: Noise,
        bytes: u64,
    ) -> Result<Self, MeasureError> {
        let memory = Self::new(measuring, bytes)?;
        let passage = measuring.opened.mapping.slot_bytes().max(1);
        let mut at = 0;
        while at < bytes {
            let length = passage.min(bytes - at);
            // SAFETY: the slot is this process's until it answers, and nothing else here uses it.
            let piece = unsafe { measuring.opened.mapping.bytes(measuring.slot, &(0..length)) };
            let Some(piece) = piece else {
                let reason = "the slot is smaller than it should be";
                return Err(DeviceError::CannotStart(reason.into()).into());
            };
            noise.write(at, piece);
            memory.put(at, piece)?;
            at += length;
        }
        Ok(memory)
    }

    pub(super) fn address(&self) -> Address {
        address(&self.buffer)
    }

    /// Brings bytes to the device.
    fn put(&self, at: u64, bytes: &[u8]) -> Result<(), MeasureError> {
        // A buffer's length fits both.
        let at = at as usize;
        let mut to = self.buffer.index(at..at + bytes.len());
        // SAFETY: the bytes live until the stream is done, below.
        let queued = unsafe { to.async_copy_from(bytes, self.measuring.stream) };
        let queued = queued.map_err(DriverError::from);
        self.measuring.wait()?;
        Ok(queued?)
    }

    /// Queues that each byte becomes this one.
    pub(super) fn set(&self, value: u8) -> Result<(), MeasureError> {
        let mut all = self.buffer.index(0..self.buffer.len());
        // SAFETY: the memory lives until the stream is done, as `drop` waits for that.
        let queued = unsafe { all.set_8_async(value, self.measuring.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// Queues that each byte is [`UNTOUCHED`] again.
    pub(super) fn reset(&self) -> Result<(), MeasureError> {
        self.set(UNTOUCHED)
    }

    /// Elements of `width` bytes that are at these bytes, one after the other.
    pub(super) fn get(&self, places: &[u64], width: usize) -> Result<Vec<u8>, MeasureError> {
        let mut elements = vec![0; places.len() * width];
        let mut queued = Ok(());
        for (place, element) in places.iter().zip(elements.chunks_exact_mut(width)) {
            let at = *place as usize;
            let from = self.buffer.index(at..at + width);
            // SAFETY: the elements live until the stream is done, below.
            let copied = unsafe { from.async_copy_to(element, self.measuring.stream) };
            queued = queued.and(copied.map_err(DriverError::from));
        }
        self.measuring.wait()?;
        queued?;
        Ok(elements)
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        // If this fails, nothing is being done any more.
        let _ = self.measuring.wait();
    }
}
