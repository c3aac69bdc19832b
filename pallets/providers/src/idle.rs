//! The order in which jobs look for workers.

use crate::*;
use alloc::vec::Vec;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    traits::{Defensive, Get},
};
use mizan_protocol::{
    block_number,
    traits::{Candidate, Page, Place, Workforce},
};
use sp_runtime::Perbill;

impl<T: Config> Pallet<T> {
    pub(crate) fn is_listed(account: &T::AccountId, worker: &Worker<T::AccountId>) -> bool {
        Idle::<T>::contains_key(worker.ask.to_be_bytes(), account)
    }

    /// Lists a worker that may get a job; does nothing for one that may not.
    pub(crate) fn list(account: &T::AccountId, worker: &Worker<T::AccountId>) {
        let rested = block_number::<T>() >= worker.paused_until_block;
        let free = worker.open_jobs < worker.slots && !worker.convicted && !worker.offline;
        if free && rested && Self::is_live(worker) {
            Idle::<T>::insert(worker.ask.to_be_bytes(), account, ());
        }
    }

    pub(crate) fn delist(account: &T::AccountId, worker: &Worker<T::AccountId>) {
        Idle::<T>::remove(worker.ask.to_be_bytes(), account);
    }

    pub(crate) fn is_live(worker: &Worker<T::AccountId>) -> bool {
        worker.heard_block.is_some_and(|heard| {
            block_number::<T>() <= heard.saturating_add(T::Timing::get().liveness_blocks)
        })
    }

    /// A listed worker as a candidate; `None` while its provider can back no further job.
    fn as_candidate(
        account: T::AccountId,
        worker: &Worker<T::AccountId>,
    ) -> Option<Candidate<T::AccountId>> {
        let provider = Providers::<T>::get(&worker.provider)?;
        (provider.locks < MAX_LOCKS).then(|| Candidate {
            worker: account,
            provider: worker.provider.clone(),
            ask: worker.ask,
            free_bond: provider.free_bond(),
        })
    }

    /// Changes a worker that has a job and lists or delists it as it then is.
    fn change_busy(account: &T::AccountId, change: impl FnOnce(&mut Worker<T::AccountId>)) {
        let Some(mut worker) =
            Workers::<T>::get(account).defensive_proof("a worker can't leave while it has a job")
        else {
            return;
        };
        worker.open_jobs = worker.open_jobs.saturating_sub(1);
        change(&mut worker);
        Self::delist(account, &worker);
        Self::list(account, &worker);
        Workers::<T>::insert(account, worker);
    }
}

impl<T: Config> Workforce<T::AccountId> for Pallet<T> {
    fn idle(after: Option<&Place<T::AccountId>>, limit: u32) -> Page<T::AccountId> {
        let mut keys = match after {
            Some(place) => Idle::<T>::iter_keys_from(Idle::<T>::hashed_key_for(
                place.ask.to_be_bytes(),
                &place.worker,
            )),
            None => Idle::<T>::iter_keys(),
        };
        let (mut candidates, mut silent, mut next) = (Vec::new(), Vec::new(), None);
        for _ in 0..limit {
            let Some((ask, account)) = keys.next() else {
                next = None;
                break;
            };
            next = Some(Place {
                ask: Balance::from_be_bytes(ask),
                worker: account.clone(),
            });
            match Workers::<T>::get(&account) {
                Some(worker) if Self::is_live(&worker) => {
                    candidates.extend(Self::as_candidate(account, &worker));
                }
                _ => silent.push((ask, account)),
            }
        }
        for (ask, account) in silent {
            Idle::<T>::remove(ask, account);
        }
        Page { candidates, next }
    }

    fn candidate(worker: &T::AccountId) -> Option<Candidate<T::AccountId>> {
        let record = Workers::<T>::get(worker)?;
        if !Self::is_listed(worker, &record) || !Self::is_live(&record) {
            return None;
        }
        Self::as_candidate(worker.clone(), &record)
    }

    fn assign(worker: &T::AccountId, lock: Balance) -> DispatchResult {
        let mut record = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerUnknown)?;
        ensure!(record.open_jobs < record.slots, Error::<T>::NoFreeSlot);
        Self::lock_bond(&record.provider, lock)?;
        record.open_jobs = record.open_jobs.saturating_add(1);
        if record.open_jobs == record.slots {
            Self::delist(worker, &record);
        }
        Workers::<T>::insert(worker, record);
        Ok(())
    }

    fn finish(worker: &T::AccountId) {
        Self::change_busy(worker, |_| ());
    }

    fn miss(worker: &T::AccountId) -> BlockNumber {
        let now = block_number::<T>();
        let mut until_block = now;
        Self::change_busy(worker, |record| {
            record.misses = record.misses.saturating_add(1);
            record.paused_until_block =
                now.saturating_add(T::Timing::get().back_off(record.misses));
            until_block = record.paused_until_block;
            Self::deposit_event(Event::WorkerPaused {
                worker: worker.clone(),
                until_block,
            });
        });
        until_block
    }

    fn unlock(provider: &T::AccountId, lock: Balance, penalty: Balance) -> Balance {
        Self::unlock_bond(provider, lock, penalty)
    }

    fn settled(worker: &T::AccountId) {
        // The worker may have left since it attested.
        Workers::<T>::mutate_extant(worker, |record| record.misses = 0);
    }

    fn convict(
        worker: &T::AccountId,
        provider: &T::AccountId,
        lock: Balance,
        challenger: Option<&T::AccountId>,
        share: Perbill,
    ) -> (Balance, Balance) {
        let (rewarded, burned) = Self::take_lock(provider, lock, challenger, share);
        // The worker may have left since it attested, or belong to another provider now.
        if let Some(mut record) = Workers::<T>::get(worker) {
            if &record.provider == provider {
                Self::delist(worker, &record);
                record.convicted = true;
                Workers::<T>::insert(worker, record);
            }
        }
        Self::deposit_event(Event::WorkerConvicted {
            worker: worker.clone(),
            provider: provider.clone(),
            challenger: challenger.cloned(),
            rewarded,
            burned,
        });
        (rewarded, burned)
    }
}
