//! What must hold after every block.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::ensure;
use mizan_protocol::traits::Contributions;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::lifetimes_are_sums()?;
        Self::entries_are_plausible()
    }

    /// Lifetime totals are the sums of the eras.
    fn lifetimes_are_sums() -> Result<(), DispatchError> {
        let mut sums = BTreeMap::new();
        for (_, provider, entry) in Eras::<T>::iter() {
            let sum: &mut Contribution = sums.entry(provider).or_default();
            *sum = sum.checked_add(entry).ok_or("a sum of eras overflows")?;
        }
        let lifetimes: BTreeMap<_, _> = Lifetime::<T>::iter().collect();
        ensure!(
            sums == lifetimes,
            "a lifetime total is not the sum of its eras"
        );
        Ok(())
    }

    /// No era after the current one has an entry, and directed units never exceed settled ones.
    fn entries_are_plausible() -> Result<(), DispatchError> {
        let now = Self::era();
        for (era, _, entry) in Eras::<T>::iter() {
            ensure!(era <= now, "an era to come has an entry");
            ensure!(
                entry.directed_macs <= entry.settled_macs,
                "more is directed than settled"
            );
        }
        Ok(())
    }
}
