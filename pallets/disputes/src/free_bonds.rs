//! The free bonds of all auditors, summed so that one can be drawn by weight in a few reads.
//!
//! A tree of pages of [`PAGE`] numbers. On level 0 is the free bond at each place, on every level
//! above the sum of each page below; the one page of the highest level sums up to all.

use crate::*;
use frame_support::traits::Defensive;

/// Numbers of a page.
pub const PAGE: u32 = 64;
/// Levels of pages.
pub(crate) const LEVELS: u8 = 3;
/// Most auditors: as many as the places on level 0.
pub const MAX_AUDITORS: u32 = PAGE.pow(LEVELS as u32);

impl<T: Config> Pallet<T> {
    /// Sets the free bond at a place below [`MAX_AUDITORS`].
    pub(crate) fn set_free_bond(place: u32, bond: Balance) {
        let (mut index, mut value) = (place, bond);
        for level in 0..LEVELS {
            let (page, slot) = (index / PAGE, index % PAGE);
            value = FreeBonds::<T>::mutate(level, page, |numbers| {
                while numbers.len() <= slot as usize && numbers.try_push(0).is_ok() {}
                if let Some(number) = numbers.get_mut(slot as usize).defensive() {
                    *number = value;
                }
                numbers
                    .iter()
                    .fold(0, |sum: Balance, n| sum.saturating_add(*n))
            });
            index = page;
        }
    }

    /// The free bonds of all auditors.
    pub(crate) fn all_free_bonds() -> Balance {
        let numbers = FreeBonds::<T>::get(LEVELS.saturating_sub(1), 0);
        numbers.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The place at which the sum of free bonds passes `point`, which is below all of them.
    pub(crate) fn place_at(mut point: Balance) -> Option<u32> {
        let mut index = 0u32;
        for level in (0..LEVELS).rev() {
            let numbers = FreeBonds::<T>::get(level, index);
            let mut slots = (0u32..).zip(numbers.iter());
            let slot = slots.find_map(|(slot, number)| match point.checked_sub(*number) {
                Some(rest) => {
                    point = rest;
                    None
                }
                None => Some(slot),
            })?;
            index = index.saturating_mul(PAGE).saturating_add(slot);
        }
        Some(index)
    }
}
