//! What must hold after every block.

use crate::{Config, Outputs, Pallet, Slots};
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::*;
use sp_runtime::{
    traits::{CheckedSub, One, SaturatedConversion, Saturating, Zero},
    TryRuntimeError,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::newest_output_is_the_parents()?;
        Self::no_output_outlives_the_retention()?;
        Self::no_block_is_missing_between_oldest_and_newest()?;
        Self::slots_are_those_of_remembered_blocks()?;
        Self::slots_of_later_blocks_are_later()
    }

    /// The newest output belongs to the parent block.
    fn newest_output_is_the_parents() -> Result<(), TryRuntimeError> {
        let parent = frame_system::Pallet::<T>::block_number().checked_sub(&One::one());
        ensure!(
            Outputs::<T>::iter_keys().max() == parent,
            "the newest output does not belong to the parent block"
        );
        Ok(())
    }

    /// No output is older than the retention.
    fn no_output_outlives_the_retention() -> Result<(), TryRuntimeError> {
        let oldest_allowed =
            frame_system::Pallet::<T>::block_number().saturating_sub(T::Retention::get());
        ensure!(
            Outputs::<T>::iter_keys().all(|block| block >= oldest_allowed),
            "an output is older than the retention"
        );
        Ok(())
    }

    /// Between the oldest and the newest output no block is missing.
    fn no_block_is_missing_between_oldest_and_newest() -> Result<(), TryRuntimeError> {
        let blocks = || Outputs::<T>::iter_keys();
        let (Some(oldest), Some(newest)) = (blocks().min(), blocks().max()) else {
            return Ok(());
        };
        let span: BlockNumberFor<T> = newest.saturating_sub(oldest).saturating_add(One::one());
        ensure!(
            blocks().count() == span.saturated_into::<usize>(),
            "a block's output is missing between the oldest and the newest"
        );
        Ok(())
    }

    /// Every block with an output, and this one, has a slot, and none does besides them. Nothing
    /// tells that of block 0.
    fn slots_are_those_of_remembered_blocks() -> Result<(), TryRuntimeError> {
        let now = frame_system::Pallet::<T>::block_number();
        let mut expected: BTreeSet<_> = Outputs::<T>::iter_keys().chain([now]).collect();
        expected.remove(&Zero::zero());
        ensure!(
            Slots::<T>::iter_keys().collect::<BTreeSet<_>>() == expected,
            "slots are not those of the blocks with an output and of this one"
        );
        Ok(())
    }

    /// Slots of later blocks are later.
    fn slots_of_later_blocks_are_later() -> Result<(), TryRuntimeError> {
        let slots: BTreeMap<_, _> = Slots::<T>::iter().collect();
        ensure!(
            slots
                .values()
                .zip(slots.values().skip(1))
                .all(|(earlier, later)| earlier < later),
            "a block's slot is not after that of the block before"
        );
        Ok(())
    }
}
