//! Workers' keys and heartbeats.

use crate::*;
use alloc::vec::Vec;
use frame_support::{dispatch::DispatchResult, ensure, traits::Get};
use mizan_protocol::block_number;
use sp_runtime::traits::{Verify, Zero};

/// What a worker's key signs to work for a provider: SCALE of a fixed text, the chain's genesis
/// hash, the provider and the worker.
pub fn consent_bytes<AccountId: Encode>(
    genesis: &[u8],
    provider: &AccountId,
    worker: &AccountId,
) -> Vec<u8> {
    let mut bytes = b"mizan: work for provider".to_vec();
    bytes.extend_from_slice(genesis);
    (provider, worker).encode_to(&mut bytes);
    bytes
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_worker(
        provider: T::AccountId,
        worker: T::AccountId,
        ask: Balance,
        slots: u32,
        consent: Option<T::Consent>,
    ) -> DispatchResult {
        let mut record = Providers::<T>::get(&provider).ok_or(Error::<T>::ProviderUnknown)?;
        ensure!(
            !Workers::<T>::contains_key(&worker),
            Error::<T>::WorkerExists
        );
        ensure!(slots > 0 && slots <= MAX_SLOTS, Error::<T>::BadSlots);
        ensure!(record.workers < MAX_WORKERS, Error::<T>::TooManyWorkers);
        if worker != provider {
            let consent = consent.ok_or(Error::<T>::ConsentMissing)?;
            let genesis = frame_system::BlockHash::<T>::get(
                frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
            );
            let bytes = consent_bytes(genesis.as_ref(), &provider, &worker);
            ensure!(
                consent.verify(&bytes[..], &worker),
                Error::<T>::ConsentInvalid
            );
        }
        record.workers = record.workers.saturating_add(1);
        Providers::<T>::insert(&provider, record);
        // A key without balance can send its fee-free calls only if the account exists.
        frame_system::Pallet::<T>::inc_sufficients(&worker);
        let entry = Worker {
            provider: provider.clone(),
            ask,
            slots,
            open_jobs: 0,
            heard_block: None,
            misses: 0,
            paused_until_block: 0,
            convicted: false,
            offline: false,
        };
        Workers::<T>::insert(&worker, entry);
        WorkersOf::<T>::insert(&provider, &worker, ());
        Self::deposit_event(Event::WorkerRegistered {
            worker,
            provider,
            ask,
            slots,
        });
        Ok(())
    }

    /// The worker, if it is the provider's.
    fn own_worker(
        provider: &T::AccountId,
        worker: &T::AccountId,
    ) -> Result<Worker<T::AccountId>, Error<T>> {
        let record = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerUnknown)?;
        ensure!(&record.provider == provider, Error::<T>::NotYourWorker);
        Ok(record)
    }

    pub(crate) fn do_set_ask(
        provider: T::AccountId,
        worker: T::AccountId,
        ask: Balance,
    ) -> DispatchResult {
        let mut record = Self::own_worker(&provider, &worker)?;
        let listed = Self::is_listed(&worker, &record);
        Self::delist(&worker, &record);
        record.ask = ask;
        if listed {
            Self::list(&worker, &record);
        }
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::AskChanged { worker, ask });
        Ok(())
    }

    pub(crate) fn do_deregister_worker(
        provider: T::AccountId,
        worker: T::AccountId,
    ) -> DispatchResult {
        let record = Self::own_worker(&provider, &worker)?;
        ensure!(record.open_jobs == 0, Error::<T>::WorkerBusy);
        Self::delist(&worker, &record);
        Workers::<T>::remove(&worker);
        WorkersOf::<T>::remove(&provider, &worker);
        Providers::<T>::mutate_extant(&provider, |p| p.workers = p.workers.saturating_sub(1));
        frame_system::Pallet::<T>::dec_sufficients(&worker);
        Self::deposit_event(Event::WorkerDeregistered { worker });
        Ok(())
    }

    /// The worker's record, if a heartbeat of it is due.
    pub(crate) fn heartbeat_due(worker: &T::AccountId) -> Result<Worker<T::AccountId>, Error<T>> {
        let record = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerUnknown)?;
        ensure!(!record.convicted, Error::<T>::WorkerConvicted);
        let (now, timing) = (block_number::<T>(), T::Timing::get());
        let Some(heard) = record.heard_block else {
            return Ok(record);
        };
        let waited = now >= heard.saturating_add(timing.heartbeat_blocks);
        let resumes = heard < record.paused_until_block && now >= record.paused_until_block;
        ensure!(waited || resumes, Error::<T>::HeartbeatTooSoon);
        Ok(record)
    }

    pub(crate) fn do_heartbeat(worker: T::AccountId) -> DispatchResult {
        let mut record = Self::heartbeat_due(&worker)?;
        record.heard_block = Some(block_number::<T>());
        record.offline = false;
        Self::list(&worker, &record);
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::WorkerHeard { worker });
        Ok(())
    }

    /// The worker's record, if the chain takes it for there.
    pub(crate) fn online(worker: &T::AccountId) -> Result<Worker<T::AccountId>, Error<T>> {
        let record = Workers::<T>::get(worker).ok_or(Error::<T>::WorkerUnknown)?;
        ensure!(!record.convicted, Error::<T>::WorkerConvicted);
        let online = !record.offline && Self::is_live(&record);
        ensure!(online, Error::<T>::WorkerOffline);
        Ok(record)
    }

    pub(crate) fn do_go_offline(worker: T::AccountId) -> DispatchResult {
        let mut record = Self::online(&worker)?;
        record.offline = true;
        Self::delist(&worker, &record);
        Workers::<T>::insert(&worker, record);
        Self::deposit_event(Event::WorkerWentOffline { worker });
        Ok(())
    }
}
