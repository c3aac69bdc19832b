//! A device that was opened: its context, kernels and memory.

use super::{
    driver::{self, DriverError},
    mapping::Mapping,
    parameter::Parameter,
    residents::Residents,
    trial::Tried,
};
use crate::cuda::{
    error::DeviceError,
    info::{DeviceInfo, KernelFamily},
    launch::Kernels,
    process::lock,
    protocol::Opening,
    ways::Room,
};
use cust::{
    context::{Context, ContextFlags, CurrentContext},
    memory::{mem_get_info, DeviceBuffer},
};
use std::{fs::File, sync::Mutex};

/// What all slots of a device have in common.
pub(crate) struct Opened {
    pub(crate) info: DeviceInfo,
    pub(crate) family: KernelFamily,
    pub(super) kernels: Kernels,
    pub(super) mapping: Mapping,
    pub(super) residents: Mutex<Residents<Parameter>>,
    /// Of each slot, while it has no work; it may be taken away then.
    pub(super) workspaces: Vec<Mutex<Option<DeviceBuffer<u8>>>>,
    /// How products are computed best.
    pub(super) tried: Mutex<Tried>,
    pub(super) least_tried_macs: u64,
    context: Context,
}

impl Opened {
    /// Opens a device, whose context is then current on this thread.
    pub(crate) fn open(opening: &Opening, memory: &File) -> Result<Self, DeviceError> {
        let driver = driver::initialise()?;
        let (device, info) = driver::describe(opening.device, driver)?;
        let family = choose_family(opening, info.capability)?;
        let context = Context::new(device).map_err(DriverError::from)?;
        // Waiting must not cost a processor; a driver that can't change it any more still works.
        let _ = context.set_flags(ContextFlags::SCHED_BLOCKING_SYNC);
        let kernels = Kernels::load(family, opening.family.is_some(), info.processors)?;
        let mapping = Mapping::new(memory, opening.slots, opening.slot_bytes)?;
        let (free, _) = mem_get_info().map_err(DriverError::from)?;
        // The rest is for tensors of jobs.
        let usual = free as u64 / 4 * 3;
        Ok(Self {
            info,
            family,
            kernels,
            mapping,
            residents: Mutex::new(Residents::new(opening.resident_bytes.unwrap_or(usual))),
            workspaces: (0..opening.slots).map(|_| Mutex::new(None)).collect(),
            tried: Mutex::default(),
            least_tried_macs: opening.least_tried_macs,
            context,
        })
    }

    /// Lets this thread use the device.
    pub(super) fn enter(&self) -> Result<(), DriverError> {
        Ok(CurrentContext::set_current(&self.context)?)
    }

    /// Memory of any content. What is not in use goes if there is not enough: parameters first,
    /// then the workspaces of slots without work.
    pub(super) fn allocate(&self, bytes: u64) -> Result<DeviceBuffer<u8>, DeviceError> {
        let wanted = || DeviceError::OutOfMemory { bytes };
        let length = usize::try_from(bytes.max(1)).map_err(|_| wanted())?;
        loop {
            // SAFETY: only bytes that a copy or a kernel has written are read.
            match unsafe { DeviceBuffer::uninitialized(length) } {
                Ok(buffer) => return Ok(buffer),
                Err(error) => {
                    let error = DriverError::from(error);
                    if !error.is_out_of_memory() {
                        return Err(error.into());
                    }
                }
            }
            if !lock(&self.residents).evict() && !self.drop_idle_workspace() {
                return Err(wanted());
            }
        }
    }

    /// The room for blocks that share tiles: as much as is of use, if that is tried at all.
    pub(super) fn room(&self, m: u64, n: u32, k: u32) -> Room {
        match self.is_worth_a_trial(m, n, k) {
            true => Room::of(self.info.processors),
            false => Room::default(),
        }
    }

    /// The workspace of a slot, of at least so many bytes, for its work alone.
    pub(super) fn take_workspace(
        &self,
        slot: u32,
        bytes: u64,
    ) -> Result<DeviceBuffer<u8>, DeviceError> {
        let idle = self.workspaces.get(slot as usize);
        let idle = idle.and_then(|workspace| lock(workspace).take());
        match idle.filter(|workspace| workspace.len() as u64 >= bytes) {
            Some(workspace) => Ok(workspace),
            // One that is too small is gone by now, and leaves its room.
            None => self.allocate(bytes),
        }
    }

    /// Keeps the workspace of a slot for its next work.
    pub(super) fn put_back_workspace(&self, slot: u32, workspace: DeviceBuffer<u8>) {
        if let Some(place) = self.workspaces.get(slot as usize) {
            *lock(place) = Some(workspace);
        }
    }

    fn drop_idle_workspace(&self) -> bool {
        let mut workspaces = self.workspaces.iter();
        workspaces.any(|workspace| lock(workspace).take().is_some())
    }
}

fn choose_family(opening: &Opening, capability: (u32, u32)) -> Result<KernelFamily, DeviceError> {
    let family = match opening.family {
        Some(family) => Some(family).filter(|family| family.runs_on(capability)),
        None => KernelFamily::fastest_for(capability, &opening.without),
    };
    let (major, minor) = capability;
    family.ok_or(DeviceError::UnsupportedDevice { major, minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_that_the_device_lacks_are_refused_and_older_ones_can_be_asked_for() {
        let (old, new) = ((7, 5), (9, 0));
        let choose = |family, without: &[KernelFamily], capability| {
            let opening = Opening {
                device: 0,
                family,
                without: without.to_vec(),
                slots: 1,
                slot_bytes: 1,
                resident_bytes: None,
                least_tried_macs: 0,
            };
            choose_family(&opening, capability)
        };
        let dp4a = Some(KernelFamily::Dp4a);
        assert_eq!(choose(dp4a, &[], new), Ok(KernelFamily::Dp4a));
        assert_eq!(choose(None, &[], old), Ok(KernelFamily::Mma8x8x16));
        assert_eq!(choose(None, &[], new), Ok(KernelFamily::Wgmma));
        let without = [KernelFamily::Wgmma];
        assert_eq!(choose(None, &without, new), Ok(KernelFamily::Mma16x8x32));
        assert_eq!(
            choose(Some(KernelFamily::Mma16x8x32), &[], old),
            Err(DeviceError::UnsupportedDevice { major: 7, minor: 5 })
        );
    }
}
