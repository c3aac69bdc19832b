// Generated, do not edit. Command: scripts/weights --steps 10 --repeat 5
// Steps: 10, repeats: 5, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_models`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
    // Storage: `Models::Models` (r:1 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(148), added: 2623, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `Models::Programs` (r:0 w:1)
    // Proof: `Models::Programs` (`max_values`: None, `max_size`: Some(131108), added: 133583, mode: `MaxEncodedLen`)
    // Component `o`: 1 to 4096.
    // Component `b`: 0 to 93176.
    // Proof measured: 260 bytes. Least time: 891_669_000 ps.
    fn register_model(o: u32, b: u32) -> Weight {
        Weight::from_parts(97_189_349, 3_622)
            // Standard error: 2_858.
            .saturating_add(Weight::from_parts(537_800, 0).saturating_mul(o.into()))
            // Standard error: 125.
            .saturating_add(Weight::from_parts(8_718, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
}
