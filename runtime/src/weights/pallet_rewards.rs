// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_rewards`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_rewards::WeightInfo for WeightInfo<T> {
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Proof measured: 98 bytes. Least time: 30_635_000 ps.
    fn burn() -> Weight {
        Weight::from_parts(31_106_000, 1_501)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Rewards::GenesisIssuance` (r:0 w:1)
    // Proof: `Rewards::GenesisIssuance` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Proof measured: 0 bytes. Least time: 1_001_000 ps.
    fn on_initialize() -> Weight {
        Weight::from_parts(1_062_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
}
