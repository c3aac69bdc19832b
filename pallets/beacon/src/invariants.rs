//! What must hold after every block.

use crate::{Config, Outputs, Pallet};
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::*;
use sp_runtime::{
    traits::{CheckedSub, One, SaturatedConversion, Saturating},
    TryRuntimeError,
};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::newest_output_is_the_parents()?;
        Self::no_output_outlives_the_retention()?;
        Self::no_block_is_missing_between_oldest_and_newest()
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
}
