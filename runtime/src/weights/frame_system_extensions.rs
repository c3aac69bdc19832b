// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `frame_system_extensions`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> frame_system::ExtensionsWeightInfo for WeightInfo<T> {
    // Proof measured: 0 bytes. Least time: 2_413_000 ps.
    fn check_genesis() -> Weight {
        Weight::from_parts(2_564_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 4_918_000 ps.
    fn check_mortality_mortal_transaction() -> Weight {
        Weight::from_parts(5_138_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 4_837_000 ps.
    fn check_mortality_immortal_transaction() -> Weight {
        Weight::from_parts(5_047_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 811_000 ps.
    fn check_non_zero_sender() -> Weight {
        Weight::from_parts(881_000, 0)
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 101 bytes. Least time: 9_123_000 ps.
    fn check_nonce() -> Weight {
        Weight::from_parts(9_424_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Proof measured: 0 bytes. Least time: 621_000 ps.
    fn check_spec_version() -> Weight {
        Weight::from_parts(671_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 601_000 ps.
    fn check_tx_version() -> Weight {
        Weight::from_parts(651_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 4_547_000 ps.
    fn check_weight() -> Weight {
        Weight::from_parts(4_777_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 2_554_000 ps.
    fn weight_reclaim() -> Weight {
        Weight::from_parts(2_805_000, 0)
    }
}
