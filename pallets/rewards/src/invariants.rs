//! What must hold after every block.

use crate::*;
use frame_support::{ensure, traits::fungible::Inspect};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::books_balance()?;
        Self::minting_follows_burning()
    }

    /// Total issuance is genesis plus minted less burned.
    fn books_balance() -> Result<(), DispatchError> {
        let expected = GenesisIssuance::<T>::get()
            .checked_add(Minted::<T>::get())
            .and_then(|sum| sum.checked_sub(Burned::<T>::get()))
            .ok_or("more was burned than there was")?;
        ensure!(
            T::Currency::total_issuance() == expected,
            "the token's books do not balance"
        );
        Ok(())
    }

    /// Never more was minted than half of what was burned.
    fn minting_follows_burning() -> Result<(), DispatchError> {
        let (minted, burned) = (Minted::<T>::get(), Burned::<T>::get());
        ensure!(
            minted <= burned.saturating_div(2),
            "more was minted than half of what was burned"
        );
        Ok(())
    }
}
