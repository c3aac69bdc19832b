// Generated, do not edit. Command: scripts/weights --steps 10 --repeat 5
// Steps: 10, repeats: 5, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-28.

//! Weights of `pallet_beacon`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_beacon::WeightInfo for WeightInfo<T> {
    // Storage: `Babe::AuthorVrfRandomness` (r:1 w:0)
    // Proof: `Babe::AuthorVrfRandomness` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
    // Storage: `Beacon::Outputs` (r:1 w:2)
    // Proof: `Beacon::Outputs` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Babe::CurrentSlot` (r:1 w:0)
    // Proof: `Babe::CurrentSlot` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Beacon::Slots` (r:0 w:2)
    // Proof: `Beacon::Slots` (`max_values`: None, `max_size`: Some(20), added: 2495, mode: `MaxEncodedLen`)
    // Proof measured: 317 bytes. Least time: 17_857_000 ps.
    fn on_initialize() -> Weight {
        Weight::from_parts(18_267_000, 3_509)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(4))
    }
}
