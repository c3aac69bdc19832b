// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_utility`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_utility::WeightInfo for WeightInfo<T> {
    // Component `c`: 0 to 1000.
    // Proof measured: 0 bytes. Least time: 4_737_000 ps.
    fn batch(c: u32) -> Weight {
        Weight::from_parts(5_038_000, 0)
            // Standard error: 1_304.
            .saturating_add(Weight::from_parts(3_855_815, 0).saturating_mul(c.into()))
    }
    // Proof measured: 0 bytes. Least time: 5_488_000 ps.
    fn as_derivative() -> Weight {
        Weight::from_parts(5_609_000, 0)
    }
    // Component `c`: 0 to 1000.
    // Proof measured: 0 bytes. Least time: 4_788_000 ps.
    fn batch_all(c: u32) -> Weight {
        Weight::from_parts(10_911_810, 0)
            // Standard error: 3_181.
            .saturating_add(Weight::from_parts(4_225_760, 0).saturating_mul(c.into()))
    }
    // Proof measured: 0 bytes. Least time: 7_361_000 ps.
    fn dispatch_as() -> Weight {
        Weight::from_parts(7_511_000, 0)
    }
    // Component `c`: 0 to 1000.
    // Proof measured: 0 bytes. Least time: 4_878_000 ps.
    fn force_batch(c: u32) -> Weight {
        Weight::from_parts(7_816_012, 0)
            // Standard error: 2_515.
            .saturating_add(Weight::from_parts(3_833_678, 0).saturating_mul(c.into()))
    }
    // Proof measured: 0 bytes. Least time: 7_361_000 ps.
    fn dispatch_as_fallible() -> Weight {
        Weight::from_parts(7_491_000, 0)
    }
    // Proof measured: 0 bytes. Least time: 9_404_000 ps.
    fn if_else() -> Weight {
        Weight::from_parts(9_744_000, 0)
    }
}
