//! Why a worker gets jobs or gets none.

use crate::*;
use alloc::vec::Vec;
use frame_support::traits::Get;
use mizan_protocol::{
    block_number,
    explain::{ProviderReport, WorkerOutlook},
};

impl<T: Config> Pallet<T> {
    /// Whether a registered worker gets jobs now, and if not, why.
    pub fn worker_outlook(account: &T::AccountId) -> Option<WorkerOutlook> {
        let worker = Workers::<T>::get(account)?;
        let provider = Providers::<T>::get(&worker.provider)?;
        Some(Self::outlook_of(account, &worker, &provider))
    }

    fn outlook_of(
        account: &T::AccountId,
        worker: &Worker<T::AccountId>,
        provider: &Provider,
    ) -> WorkerOutlook {
        if worker.convicted {
            return WorkerOutlook::Convicted;
        }
        let Some(heard_block) = worker.heard_block else {
            return WorkerOutlook::NeverHeard;
        };
        if !Self::is_live(worker) {
            return WorkerOutlook::Silent { heard_block };
        }
        if worker.offline {
            return WorkerOutlook::Offline { heard_block };
        }
        if block_number::<T>() < worker.paused_until_block {
            return WorkerOutlook::Paused {
                until_block: worker.paused_until_block,
                misses: worker.misses,
            };
        }
        if worker.open_jobs >= worker.slots {
            return WorkerOutlook::Busy {
                slots: worker.slots,
            };
        }
        if !Self::is_listed(account, worker) {
            return WorkerOutlook::HeartbeatNeeded;
        }
        if provider.locks >= MAX_LOCKS {
            return WorkerOutlook::NoLocksLeft;
        }
        let economics = T::Economics::get();
        let free_bond = provider.free_bond();
        match economics.lock(economics.flat_price) {
            Some(least_lock) if free_bond < least_lock => WorkerOutlook::BondTooSmall {
                free_bond,
                least_lock,
            },
            _ => WorkerOutlook::Idle { free_bond },
        }
    }

    /// A provider's bond.
    pub fn provider_report(account: &T::AccountId) -> Option<ProviderReport> {
        let provider = Providers::<T>::get(account)?;
        Some(ProviderReport {
            bond: provider.bond,
            locked: provider.locked,
            locks: provider.locks,
            workers: provider.workers,
        })
    }

    /// At most `limit` workers of a provider, in no order; or the account itself, if it is a
    /// worker of another.
    pub fn worker_outlooks(
        account: &T::AccountId,
        limit: usize,
    ) -> Vec<(T::AccountId, WorkerOutlook)> {
        let mut workers: Vec<_> = WorkersOf::<T>::iter_key_prefix(account)
            .take(limit)
            .collect();
        if !workers.contains(account) && Workers::<T>::contains_key(account) {
            workers.insert(0, account.clone());
        }
        workers
            .into_iter()
            .filter_map(|worker| {
                let outlook = Self::worker_outlook(&worker)?;
                Some((worker, outlook))
            })
            .collect()
    }
}
