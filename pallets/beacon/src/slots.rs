//! In which slot each block was authored, and which block is the first since a slot.

use crate::{Config, Output, Pallet, Slots};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use mizan_protocol::{block_number, Slot};
use polkadot_sdk::*;
use sp_runtime::traits::{CheckedSub, One, SaturatedConversion, Saturating};

impl<T: Config> Pallet<T> {
    /// Writes the slot of `now` and forgets that of the block whose output was just forgotten.
    pub(crate) fn remember_slot(now: BlockNumberFor<T>) {
        Slots::<T>::insert(now, T::Slot::get());
        let kept = T::Retention::get().saturating_add(One::one());
        if let Some(expired) = now.checked_sub(&kept) {
            Slots::<T>::remove(expired);
        }
    }

    /// The output of the first block at or after a slot. `None` if no finished block is, or if that
    /// block may be one that is forgotten.
    ///
    /// Two slots are read if it is the newest block. Otherwise the remembered blocks are halved
    /// until one is left, which takes a dozen more.
    pub fn first_since(slot: Slot) -> Option<Output> {
        let is_since = |block: u32| Slots::<T>::get(BlockNumberFor::<T>::from(block)) >= slot;
        let now = block_number::<T>();
        let newest = now.checked_sub(1)?;
        if !is_since(newest) {
            return None;
        }
        let Some(earlier) = newest.checked_sub(1).filter(|block| is_since(*block)) else {
            return Self::output(newest.into());
        };
        let oldest = now.saturating_sub(T::Retention::get().saturated_into());
        if is_since(oldest) {
            // What came before it is forgotten, unless nothing did.
            return Self::output(oldest.into()).filter(|_| oldest == 0);
        }
        let (mut before, mut first) = (oldest, earlier);
        loop {
            let half = first.saturating_sub(before) / 2;
            if half == 0 {
                return Self::output(first.into());
            }
            let middle = before.saturating_add(half);
            match is_since(middle) {
                true => first = middle,
                false => before = middle,
            }
        }
    }
}

impl<T: Config> mizan_protocol::traits::Beacon for Pallet<T> {
    fn latest() -> Output {
        Self::latest()
    }

    fn slot() -> Slot {
        T::Slot::get()
    }

    fn parent_slot() -> Slot {
        let parent = frame_system::Pallet::<T>::block_number().saturating_sub(One::one());
        Slots::<T>::get(parent)
    }

    fn first_since(slot: Slot) -> Option<Output> {
        Self::first_since(slot)
    }
}
