//! The memory that is shared with the parent.

use super::driver::check;
use crate::cuda::error::DeviceError;
use cust::sys;
use rustix::mm::{mmap, MapFlags, ProtFlags};
use std::{fs::File, ops::Range, ptr, slice};

/// The slots, mapped. They stay mapped until the process ends.
pub(crate) struct Mapping {
    start: *mut u8,
    slots: u32,
    slot_bytes: usize,
}

// SAFETY: the memory is not bound to a thread; who may touch which slot is said at each use.
unsafe impl Send for Mapping {}
// SAFETY: see above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub(crate) fn new(file: &File, slots: u32, slot_bytes: u64) -> Result<Self, DeviceError> {
        let bad = |reason: String| DeviceError::CannotStart(format!("shared memory: {reason}"));
        let there = file.metadata().map_err(|error| bad(error.to_string()))?;
        let bytes = slot_bytes.checked_mul(slots.into());
        if bytes != Some(there.len()) || there.len() == 0 {
            return Err(bad("it has another size than the slots".into()));
        }
        let bytes = usize::try_from(there.len()).map_err(|error| bad(error.to_string()))?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address that the system chooses touches no other memory.
        let start = unsafe { mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, file, 0) };
        let start: *mut u8 = start.map_err(|error| bad(error.to_string()))?.cast();
        // Copies of pinned memory are faster and overlap computing. A system that allows too
        // little of it still works.
        // SAFETY: the mapping is of that size and stays.
        let _ = check(unsafe {
            sys::cuMemHostRegister_v2(start.cast(), bytes, sys::CU_MEMHOSTREGISTER_PORTABLE)
        });
        Ok(Self {
            start,
            slots,
            slot_bytes: bytes / slots as usize,
        })
    }

    /// Bytes of each slot.
    pub(crate) fn slot_bytes(&self) -> u64 {
        self.slot_bytes as u64
    }

    /// Bytes of a slot; `None` where it has none.
    ///
    /// # Safety
    /// The slot must be this process's by the protocol, and nobody else in it may use these bytes
    /// meanwhile.
    // Each call is for bytes that only its caller uses.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn bytes(&self, slot: u32, range: &Range<u64>) -> Option<&mut [u8]> {
        let (start, end) = (
            usize::try_from(range.start).ok()?,
            usize::try_from(range.end).ok()?,
        );
        if slot >= self.slots || start > end || end > self.slot_bytes {
            return None;
        }
        let offset = slot as usize * self.slot_bytes + start;
        // SAFETY: it is within the mapping; the caller vouches for the rest.
        Some(unsafe { slice::from_raw_parts_mut(self.start.add(offset), end - start) })
    }
}
