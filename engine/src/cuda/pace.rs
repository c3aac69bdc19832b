//! When parts of jobs may begin on a device: whoever owns it has a say.

use super::{executor::CudaExecutor, info::DeviceInfo};
use std::sync::Arc;

/// Decides when parts of jobs begin on devices. A part that has begun is not interrupted; it ends
/// soon (see [`CudaSettings::part_macs`](super::CudaSettings::part_macs)).
///
/// While no device may be used, jobs wait, without end and without any request under way: no limit
/// of time runs meanwhile. A device that may not be used is passed over where another one may.
pub trait Pace: Send + Sync {
    /// Whether a part may begin on the device now. It is asked several times a second while there
    /// is work, and must answer at once.
    fn may_begin(&self, device: &DeviceInfo) -> bool;

    /// A part begins on it, as soon as its process is started.
    fn begins(&self, device: &DeviceInfo);

    /// A part that began on it has ended, whatever became of it.
    fn ended(&self, device: &DeviceInfo);
}

impl CudaExecutor {
    /// Lets parts begin as `pace` says, of jobs to come too. Only the first call counts; without
    /// any, parts begin as soon as there is a slot.
    pub fn keep_pace(&self, pace: Arc<dyn Pace>) {
        self.pool.keep_pace(pace);
    }

    /// Gives all memory of a device back to others: its process ends, as soon as no part uses it
    /// any more. It is started again, and proves itself again, when there is work for the device.
    /// May take seconds.
    pub fn release(&self, uuid: &[u8; 16]) {
        let mut devices = self.pool.devices().iter();
        if let Some(device) = devices.find(|device| device.info().uuid == *uuid) {
            device.release();
        }
    }
}
