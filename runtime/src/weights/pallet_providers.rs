// Generated, do not edit. Command: scripts/weights --steps 10 --repeat 5
// Steps: 10, repeats: 5, genesis: the `development` preset.
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
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Proof measured: 263 bytes. Least time: 67_440_000 ps.
    fn register_provider() -> Weight {
        Weight::from_parts(68_702_000, 3_622)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Proof measured: 176 bytes. Least time: 67_421_000 ps.
    fn bond() -> Weight {
        Weight::from_parts(67_681_000, 3_622)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Proof measured: 433 bytes. Least time: 61_511_000 ps.
    fn unbond() -> Weight {
        Weight::from_parts(62_874_000, 3_622)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Providers::WorkersOf` (r:0 w:1)
    // Proof: `Providers::WorkersOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Proof measured: 175 bytes. Least time: 65_938_000 ps.
    fn register_worker() -> Weight {
        Weight::from_parts(71_146_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:1 w:2)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Proof measured: 418 bytes. Least time: 25_508_000 ps.
    fn set_ask() -> Weight {
        Weight::from_parts(26_870_000, 3_583)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Proof measured: 328 bytes. Least time: 24_767_000 ps.
    fn heartbeat() -> Weight {
        Weight::from_parts(25_358_000, 3_583)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Providers::WorkersOf` (r:0 w:1)
    // Proof: `Providers::WorkersOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Proof measured: 434 bytes. Least time: 29_033_000 ps.
    fn deregister_worker() -> Weight {
        Weight::from_parts(30_445_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Proof measured: 176 bytes. Least time: 56_033_000 ps.
    fn exit() -> Weight {
        Weight::from_parts(56_904_000, 3_622)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Not measured yet: that of `heartbeat`, which reads and writes the same and lists where this
    // takes off the list.
    fn go_offline() -> Weight {
        Weight::from_parts(25_358_000, 3_583)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
