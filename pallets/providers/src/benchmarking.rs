//! The calls at their worst.

use crate::*;
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
    dispatch::CheckIfFeeless,
    traits::{fungible::Balanced, tokens::Precision, Get, UnfilteredDispatchable},
};
use frame_system::{
    pallet_prelude::{BlockNumberFor, OriginFor},
    RawOrigin,
};
use mizan_protocol::UNIT;
use sp_runtime::traits::Zero;

/// What benchmarks need that only the runtime can do.
pub trait BenchmarkHelper<AccountId, Consent> {
    /// A new key, and its signature over the bytes that are made of it; of the kind that takes
    /// longest to check.
    fn sign(bytes: impl FnOnce(&AccountId) -> Vec<u8>) -> (AccountId, Consent);
}

/// A new provider that has some money besides its bond.
fn provider<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let who: T::AccountId = whitelisted_caller();
    let bond = T::Economics::get().min_bond;
    let funds = bond.saturating_mul(10);
    let _ = T::Currency::deposit(&who, funds, Precision::Exact)?;
    Pallet::<T>::register_provider(RawOrigin::Signed(who.clone()).into(), bond)?;
    Ok(who)
}

/// A key and its consent to work for a provider.
fn consenting<T: Config>(provider: &T::AccountId) -> (T::AccountId, T::Consent) {
    let genesis = frame_system::BlockHash::<T>::get(BlockNumberFor::<T>::zero());
    T::BenchmarkHelper::sign(|worker| {
        registration::consent_bytes(genesis.as_ref(), provider, worker)
    })
}

/// A new worker of that provider, live and idle.
fn idle_worker<T: Config>(provider: &T::AccountId) -> Result<T::AccountId, BenchmarkError> {
    let (worker, consent) = consenting::<T>(provider);
    Pallet::<T>::register_worker(
        RawOrigin::Signed(provider.clone()).into(),
        worker.clone(),
        UNIT,
        1,
        Some(consent),
    )?;
    Pallet::<T>::heartbeat(RawOrigin::Signed(worker.clone()).into())?;
    Ok(worker)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register_provider() -> Result<(), BenchmarkError> {
        let who: T::AccountId = whitelisted_caller();
        let amount = T::Economics::get().min_bond;
        let _ = T::Currency::deposit(&who, amount.saturating_mul(10), Precision::Exact)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), amount);

        assert!(Providers::<T>::contains_key(&who));
        Ok(())
    }

    #[benchmark]
    fn bond() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), UNIT);

        let amount = T::Economics::get().min_bond.saturating_add(UNIT);
        assert_eq!(Providers::<T>::get(&who).map(|p| p.bond), Some(amount));
        Ok(())
    }

    #[benchmark]
    fn unbond() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        Pallet::<T>::bond(RawOrigin::Signed(who.clone()).into(), UNIT)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), UNIT);

        let amount = T::Economics::get().min_bond;
        assert_eq!(Providers::<T>::get(&who).map(|p| p.bond), Some(amount));
        Ok(())
    }

    /// A key other than the provider's, whose consent is checked.
    #[benchmark]
    fn register_worker() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        let (worker, consent) = consenting::<T>(&who);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(who),
            worker.clone(),
            UNIT,
            MAX_SLOTS,
            Some(consent),
        );

        assert!(Workers::<T>::contains_key(&worker));
        Ok(())
    }

    /// A listed worker, which moves to another place.
    #[benchmark]
    fn set_ask() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        let worker = idle_worker::<T>(&who)?;
        let ask = UNIT.saturating_mul(2);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), worker.clone(), ask);

        assert!(Idle::<T>::contains_key(ask.to_be_bytes(), &worker));
        Ok(())
    }

    /// A worker that is not listed yet. The look at whether the call is free comes before it and
    /// has no weight of its own.
    #[benchmark]
    fn heartbeat() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        let (worker, consent) = consenting::<T>(&who);
        let origin = RawOrigin::Signed(who);
        Pallet::<T>::register_worker(origin.into(), worker.clone(), UNIT, 1, Some(consent))?;
        let call = Call::<T>::heartbeat {};
        let origin: OriginFor<T> = RawOrigin::Signed(worker.clone()).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)?;
        }

        assert!(Idle::<T>::contains_key(UNIT.to_be_bytes(), &worker));
        Ok(())
    }

    /// A listed worker.
    #[benchmark]
    fn deregister_worker() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        let worker = idle_worker::<T>(&who)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who), worker.clone());

        assert!(!Workers::<T>::contains_key(&worker));
        Ok(())
    }

    #[benchmark]
    fn exit() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()));

        assert!(!Providers::<T>::contains_key(&who));
        Ok(())
    }

    /// A listed worker. The look at whether the call is free comes before it and has no weight of
    /// its own.
    #[benchmark]
    fn go_offline() -> Result<(), BenchmarkError> {
        let who = provider::<T>()?;
        let worker = idle_worker::<T>(&who)?;
        let call = Call::<T>::go_offline {};
        let origin: OriginFor<T> = RawOrigin::Signed(worker.clone()).into();

        #[block]
        {
            assert!(call.is_feeless(&origin));
            call.dispatch_bypass_filter(origin)?;
        }

        assert!(Idle::<T>::iter().next().is_none());
        Ok(())
    }
}
