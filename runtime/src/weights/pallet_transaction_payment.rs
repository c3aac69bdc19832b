// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_transaction_payment`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_transaction_payment::WeightInfo for WeightInfo<T> {
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Session::Validators` (r:1 w:0)
    // Proof: `Session::Validators` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Proof measured: 3464 bytes. Least time: 83_084_000 ps.
    fn charge_transaction_payment() -> Weight {
        Weight::from_parts(84_066_000, 6_196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
