// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_providers`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_providers::WeightInfo for WeightInfo<T> {
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(156), added: 651, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(139), added: 2614, mode: `MaxEncodedLen`)
    // Proof measured: 231 bytes. Least time: 66_099_000 ps.
    fn register_provider() -> Weight {
        Weight::from_parts(67_000_000, 3_604)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(139), added: 2614, mode: `MaxEncodedLen`)
    // Proof measured: 176 bytes. Least time: 66_359_000 ps.
    fn bond() -> Weight {
        Weight::from_parts(66_899_000, 3_604)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(156), added: 651, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(139), added: 2614, mode: `MaxEncodedLen`)
    // Proof measured: 401 bytes. Least time: 60_099_000 ps.
    fn unbond() -> Weight {
        Weight::from_parts(60_831_000, 3_604)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Providers::WorkersOf` (r:0 w:1)
    // Proof: `Providers::WorkersOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Proof measured: 227 bytes. Least time: 63_595_000 ps.
    fn register_worker() -> Weight {
        Weight::from_parts(65_127_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:1 w:2)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
    // Proof measured: 413 bytes. Least time: 24_637_000 ps.
    fn set_ask() -> Weight {
        Weight::from_parts(25_709_000, 3_582)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(40), added: 535, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Proof measured: 323 bytes. Least time: 23_245_000 ps.
    fn heartbeat() -> Weight {
        Weight::from_parts(24_156_000, 3_582)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(117), added: 2592, mode: `MaxEncodedLen`)
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Providers::WorkersOf` (r:0 w:1)
    // Proof: `Providers::WorkersOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Proof measured: 504 bytes. Least time: 28_573_000 ps.
    fn deregister_worker() -> Weight {
        Weight::from_parts(29_483_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(139), added: 2614, mode: `MaxEncodedLen`)
    // Proof measured: 176 bytes. Least time: 54_090_000 ps.
    fn exit() -> Weight {
        Weight::from_parts(54_741_000, 3_604)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
