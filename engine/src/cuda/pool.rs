//! Who may use which slot of which device.

use super::{device::Device, error::DeviceError, process::lock};
use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// How often those who wait look whether a device is of use again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// All devices and their free slots.
pub(crate) struct Pool {
    devices: Vec<Device>,
    slots: u32,
    /// Free slots of each device.
    free: Mutex<Vec<Vec<u32>>>,
    freed: Condvar,
}

/// How much of a device is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// One slot.
    Slot,
    /// All slots, so that nothing else is on the device.
    Whole,
}

impl Pool {
    pub(crate) fn new(devices: Vec<Device>, slots: u32) -> Self {
        let free = devices.iter().map(|_| (0..slots).collect()).collect();
        Self {
            devices,
            slots,
            free: Mutex::new(free),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Slots of all devices.
    pub(crate) fn slots(&self) -> usize {
        self.devices.len() * self.slots as usize
    }

    /// Waits for a slot of the device with most free slots; an error if no device is of use.
    pub(crate) fn lease(&self, share: Share) -> Result<Lease<'_>, DeviceError> {
        let wanted = match share {
            Share::Slot => 1,
            Share::Whole => self.slots as usize,
        };
        let mut free = lock(&self.free);
        loop {
            let (mut fault, mut usable) = (DeviceError::NoDevice, false);
            let mut best: Option<(usize, usize)> = None;
            for (index, device) in self.devices.iter().enumerate() {
                if let Some(found) = device.fault() {
                    fault = found;
                    continue;
                }
                usable = true;
                let there = free[index].len();
                if there >= wanted && best.is_none_or(|(_, most)| there > most) {
                    best = Some((index, there));
                }
            }
            if let Some((index, there)) = best {
                let slots = free[index].split_off(there - wanted);
                return Ok(Lease {
                    pool: self,
                    index,
                    slots,
                });
            }
            if !usable {
                return Err(fault);
            }
            let waited = self.freed.wait_timeout(free, LOOK_AGAIN);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Slots of a device, until this is dropped.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    index: usize,
    slots: Vec<u32>,
}

impl Lease<'_> {
    pub(crate) fn device(&self) -> &Device {
        &self.pool.devices[self.index]
    }

    /// The slot to use.
    pub(crate) fn slot(&self) -> u32 {
        self.slots[0]
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        lock(&self.pool.free)[self.index].append(&mut self.slots);
        self.pool.freed.notify_all();
    }
}
