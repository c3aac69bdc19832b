//! A parameter in the device's memory.

use super::{driver::DriverError, opened::Opened};
use crate::cuda::{
    error::DeviceError,
    launch::{hash_workspace_bytes, Address, WeightCheck},
    protocol::Content,
};
use cust::{
    memory::{AsyncCopyDestination, DeviceBuffer},
    stream::Stream,
};
use mizan_tensor::Hash;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

/// Addresses that kernels get are multiples of it.
pub(super) const ALIGNMENT: u64 = 256;

/// A parameter, and what its use as weights needs.
pub(crate) struct Parameter {
    content: Content,
    buffer: DeviceBuffer<u8>,
    /// By the shape that the bytes were taken for.
    checks: Mutex<Vec<([u32; 2], DeviceBuffer<u8>)>>,
}

/// The first address of a buffer.
pub(super) fn address(buffer: &DeviceBuffer<u8>) -> Address {
    buffer.as_device_ptr().as_raw()
}

impl Parameter {
    pub(super) fn address(&self) -> Address {
        address(&self.buffer)
    }

    /// Takes a buffer that holds the parameter; `None` if the device does not hash it to the
    /// content's hash.
    pub(super) fn verified(
        opened: &Opened,
        stream: &Stream,
        buffer: DeviceBuffer<u8>,
        content: Content,
    ) -> Result<Option<Self>, DeviceError> {
        let parameter = Self {
            content,
            buffer,
            checks: Mutex::default(),
        };
        let is_named = parameter.has_its_hash(opened, stream)?;
        Ok(is_named.then_some(parameter))
    }

    /// Whether the bytes on the device have the content's hash.
    fn has_its_hash(&self, opened: &Opened, stream: &Stream) -> Result<bool, DeviceError> {
        let bytes = self.content.bytes;
        let nodes = opened.allocate(hash_workspace_bytes(bytes))?;
        let mut found: Hash = [0; 32];
        // SAFETY: the buffers have the sizes that are said and live until the stream is done.
        let queued = unsafe {
            let place = opened
                .kernels
                .hash(stream, self.address(), bytes, address(&nodes));
            place.and_then(|place| {
                let start = (place - address(&nodes)) as usize;
                let root = nodes.index(start..start + found.len());
                Ok(root
                    .async_copy_to(&mut found, stream)
                    .map_err(DriverError::from)?)
            })
        };
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        Ok(found == self.content.hash)
    }

    /// The numbers by which products with these weights, `[n, k]`, are checked. They are made
    /// when the weights are used for the first time.
    pub(super) fn check(
        &self,
        opened: &Opened,
        stream: &Stream,
        shape: [u32; 2],
    ) -> Result<WeightCheck, DeviceError> {
        let checks = self.checks.lock();
        let mut checks = checks.unwrap_or_else(PoisonError::into_inner);
        let place_of_u = (u64::from(shape[0]) * 4).next_multiple_of(ALIGNMENT);
        let check = |buffer: &DeviceBuffer<u8>| WeightCheck {
            r: address(buffer),
            u: address(buffer) + place_of_u,
        };
        if let Some((_, buffer)) = checks.iter().find(|(other, _)| *other == shape) {
            return Ok(check(buffer));
        }
        let mut buffer = opened.allocate(place_of_u + u64::from(shape[1]) * 8)?;
        let mut numbers = factors(shape[0]);
        numbers.resize(buffer.len(), 0);
        // SAFETY: the buffers have the sizes that the kernel wants and live until the stream is
        // done.
        let queued = unsafe {
            buffer
                .async_copy_from(&numbers[..], stream)
                .map_err(|error| DriverError::from(error).into())
                .and_then(|()| {
                    let kernels = &opened.kernels;
                    kernels.check_weights(stream, self.address(), check(&buffer), shape)
                })
        };
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        // The bytes that were summed up must have been the right ones.
        if !self.has_its_hash(opened, stream)? {
            let reason = "a parameter has other bytes on the device than when it came";
            return Err(DeviceError::DeviceLost(reason.into()));
        }
        let made = check(&buffer);
        checks.push((shape, buffer));
        Ok(made)
    }
}

/// Random numbers from 1 to 2^31 - 1, which nobody foresees.
fn factors(count: u32) -> Vec<u8> {
    let random = RandomState::new();
    let factor = |index| {
        let number = random.hash_one(index) % (u64::from(u32::MAX >> 1));
        number as u32 + 1
    };
    (0..count).flat_map(|i| factor(i).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_positive_and_differ_from_one_making_to_the_next() {
        let bytes = factors(1_000);
        let (numbers, _) = bytes.as_chunks::<4>();
        assert_eq!(numbers.len(), 1_000);
        assert!(numbers.iter().all(|bytes| i32::from_le_bytes(*bytes) > 0));
        assert_ne!(bytes, factors(1_000));
    }
}
