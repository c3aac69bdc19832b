//! What must hold after every block.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_core::H256;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::models_are_what_their_bytes_say()?;
        Self::deposits_are_held()
    }

    /// Every model's id is the hash of its bytes, and its summary is what the bytes give.
    fn models_are_what_their_bytes_say() -> Result<(), DispatchError> {
        for (id, model) in Models::<T>::iter() {
            let bytes = Programs::<T>::get(id).ok_or("a model has no program")?;
            ensure!(
                H256(mizan_tensor::hash_bytes(&bytes)) == id,
                "an id is not the bytes' hash"
            );
            let program = Program::from_bytes(&bytes).map_err(|_| "a program is undecodable")?;
            let again = summary(program).map_err(|_| "a program is invalid")?;
            ensure!(
                again == model.summary,
                "a summary is not what the bytes give"
            );
        }
        ensure!(
            Programs::<T>::iter().count() == Models::<T>::iter().count(),
            "a stray program"
        );
        Ok(())
    }

    /// Deposits of models are held on their owners' accounts.
    fn deposits_are_held() -> Result<(), DispatchError> {
        let mut sums = BTreeMap::new();
        for (_, model) in Models::<T>::iter() {
            let sum: &mut Balance = sums.entry(model.owner).or_default();
            *sum = sum.saturating_add(model.deposit);
        }
        for (owner, sum) in sums {
            let held = T::Currency::balance_on_hold(&HoldReason::Model.into(), &owner);
            ensure!(held == sum, "deposits of models differ from what is held");
        }
        Ok(())
    }
}
