//! What must hold after every block.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::bonds_are_held()?;
        Self::locks_are_covered()?;
        Self::workers_have_providers()?;
        Self::idle_workers_are_idle()
    }

    /// Every bond is held on its provider's account, to the last unit.
    fn bonds_are_held() -> Result<(), DispatchError> {
        for (who, provider) in Providers::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &who);
            ensure!(held == provider.bond, "a bond differs from what is held");
        }
        Ok(())
    }

    /// No provider has more bond locked than it has, nor more locks than the limit.
    fn locks_are_covered() -> Result<(), DispatchError> {
        for (_, provider) in Providers::<T>::iter() {
            ensure!(
                provider.locked <= provider.bond,
                "more is locked than bonded"
            );
            ensure!(provider.locks <= MAX_LOCKS, "too many locks");
            ensure!(
                provider.locks > 0 || provider.locked == 0,
                "something is locked by no job"
            );
        }
        Ok(())
    }

    /// Every worker has a provider, and providers' counts of workers are right.
    fn workers_have_providers() -> Result<(), DispatchError> {
        let mut counts = BTreeMap::new();
        for (account, worker) in Workers::<T>::iter() {
            ensure!(
                WorkersOf::<T>::contains_key(&worker.provider, account),
                "a worker is not listed under its provider"
            );
            ensure!(
                worker.open_jobs <= worker.slots,
                "a worker has more jobs than slots"
            );
            let count: &mut u32 = counts.entry(worker.provider).or_default();
            *count = count.saturating_add(1);
        }
        for (who, provider) in Providers::<T>::iter() {
            let count = counts.remove(&who).unwrap_or_default();
            ensure!(
                count == provider.workers,
                "a provider's count of workers is wrong"
            );
        }
        ensure!(
            WorkersOf::<T>::iter_keys().all(|(_, worker)| Workers::<T>::contains_key(worker)),
            "an unknown worker is listed under a provider"
        );
        ensure!(counts.is_empty(), "a worker has no provider");
        Ok(())
    }

    /// A worker is listed as idle only with a free slot, and under its own ask.
    fn idle_workers_are_idle() -> Result<(), DispatchError> {
        for (ask, account, ()) in Idle::<T>::iter() {
            let worker = Workers::<T>::get(&account).ok_or("an unknown worker is idle")?;
            ensure!(
                worker.ask.to_be_bytes() == ask,
                "a worker is listed under another ask"
            );
            ensure!(
                worker.open_jobs < worker.slots,
                "a busy worker is listed as idle"
            );
            ensure!(!worker.convicted, "a convicted worker is listed as idle");
            ensure!(!worker.offline, "an offline worker is listed as idle");
        }
        Ok(())
    }
}
