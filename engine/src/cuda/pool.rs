//! Who may use which slot of which device.

use super::{device::Device, error::DeviceError, pace::Pace, process::lock};
use mizan_tensor::Hash;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// How often those who wait look whether a device is of use again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Models of which it is remembered that a device has worked on them.
const REMEMBERED_MODELS: usize = 16;

/// All devices and their free slots.
pub(crate) struct Pool {
    devices: Vec<Device>,
    slots: u32,
    desks: Mutex<Desks>,
    freed: Condvar,
    pace: OnceLock<Arc<dyn Pace>>,
}

/// Where slots are given out, and who waits for them.
struct Desks {
    of_devices: Vec<Desk>,
    /// Who came first is at the front.
    waiting: VecDeque<u64>,
    next: u64,
}

impl Desks {
    fn line_up(&mut self) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.push_back(ticket);
        ticket
    }
}

/// Where the slots of a device are given out.
struct Desk {
    free: Vec<u32>,
    /// The newest last. Their parameters are likely to be there.
    models: VecDeque<Hash>,
}

impl Desk {
    /// How well it suits: first whether the device has worked on the model, then free slots.
    fn suits(&self, model: &Hash) -> (bool, usize) {
        (self.models.contains(model), self.free.len())
    }

    fn remember(&mut self, model: &Hash) {
        self.models.retain(|other| other != model);
        if self.models.len() >= REMEMBERED_MODELS {
            self.models.pop_front();
        }
        self.models.push_back(*model);
    }
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
        let desk = |_| Desk {
            free: (0..slots).collect(),
            models: VecDeque::new(),
        };
        let desks = Desks {
            of_devices: devices.iter().map(desk).collect(),
            waiting: VecDeque::new(),
            next: 0,
        };
        Self {
            devices,
            slots,
            desks: Mutex::new(desks),
            freed: Condvar::new(),
            pace: OnceLock::new(),
        }
    }

    pub(crate) fn keep_pace(&self, pace: Arc<dyn Pace>) {
        // A second one would have heard of no part that runs.
        let _ = self.pace.set(pace);
    }

    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Slots of all devices.
    pub(crate) fn slots(&self) -> usize {
        self.devices.len() * self.slots as usize
    }

    /// Waits for a slot of the device that suits the model best, or for all slots of one; an error
    /// if no device is of use. Whoever came first is served first, or those who want a whole device
    /// would wait for ever.
    pub(crate) fn turn(&self, model: &Hash, share: Share) -> Result<Turn<'_>, DeviceError> {
        let wanted = match share {
            Share::Slot => 1,
            Share::Whole => self.slots as usize,
        };
        let mut desks = lock(&self.desks);
        let ticket = desks.line_up();
        loop {
            if desks.waiting.front() == Some(&ticket) {
                if let Some(served) = self.serve(&mut desks, model, wanted).transpose() {
                    desks.waiting.pop_front();
                    // Who comes next need not wait for a slot to be freed.
                    self.freed.notify_all();
                    return served;
                }
            }
            let waited = self.freed.wait_timeout(desks, LOOK_AGAIN);
            desks = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The slots of the device that suits best; `None` if none can be had now, an error if none
    /// ever can.
    fn serve(
        &self,
        desks: &mut Desks,
        model: &Hash,
        wanted: usize,
    ) -> Result<Option<Turn<'_>>, DeviceError> {
        let pace = self.pace.get();
        let (mut fault, mut usable, mut best) = (DeviceError::NoDevice, false, None);
        for (index, device) in self.devices.iter().enumerate() {
            if let Some(found) = device.fault() {
                fault = found;
                continue;
            }
            usable = true;
            if pace.is_some_and(|pace| !pace.may_begin(device.info())) {
                continue;
            }
            let suits = desks.of_devices[index].suits(model);
            if suits.1 >= wanted && best.is_none_or(|(_, most)| suits > most) {
                best = Some((index, suits));
            }
        }
        let Some((index, (_, there))) = best else {
            return if usable { Ok(None) } else { Err(fault) };
        };
        let desk = &mut desks.of_devices[index];
        desk.remember(model);
        let slots = desk.free.split_off(there - wanted);
        if let Some(pace) = pace {
            pace.begins(self.devices[index].info());
        }
        Ok(Some(Turn {
            pool: self,
            index,
            slots,
            pace: pace.cloned(),
        }))
    }
}

/// Slots of a device, until this is dropped.
pub(crate) struct Turn<'a> {
    pool: &'a Pool,
    index: usize,
    slots: Vec<u32>,
    /// Whom it was told that a part begins.
    pace: Option<Arc<dyn Pace>>,
}

impl Turn<'_> {
    pub(crate) fn device(&self) -> &Device {
        &self.pool.devices[self.index]
    }

    /// The slot to use.
    pub(crate) fn slot(&self) -> u32 {
        self.slots[0]
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(pace) = &self.pace {
            pace.ended(self.device().info());
        }
        lock(&self.pool.desks).of_devices[self.index]
            .free
            .append(&mut self.slots);
        self.pool.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_knows_the_model_suits_best_then_one_with_free_slots() {
        let desk = |free, models: &[Hash]| Desk {
            free: (0..free).collect(),
            models: models.iter().copied().collect(),
        };
        let (a, b) = ([1; 32], [2; 32]);
        assert!(desk(1, &[a]).suits(&a) > desk(2, &[b]).suits(&a));
        assert!(desk(2, &[b]).suits(&a) > desk(1, &[]).suits(&a));
    }

    #[test]
    fn the_models_of_long_ago_are_forgotten() {
        let mut desk = Desk {
            free: Vec::new(),
            models: VecDeque::new(),
        };
        (0..20).for_each(|model| desk.remember(&[model; 32]));
        desk.remember(&[5; 32]);
        assert_eq!(desk.models.len(), REMEMBERED_MODELS);
        assert!(!desk.suits(&[3; 32]).0 && desk.suits(&[4; 32]).0);
        assert_eq!(desk.models.back(), Some(&[5; 32]));
    }
}
