// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_balances`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_balances::WeightInfo for WeightInfo<T> {
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Proof measured: 98 bytes. Least time: 73_970_000 ps.
    fn transfer_allow_death() -> Weight {
        Weight::from_parts(75_001_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 0 bytes. Least time: 55_943_000 ps.
    fn transfer_keep_alive() -> Weight {
        Weight::from_parts(56_945_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 39 bytes. Least time: 25_618_000 ps.
    fn force_set_balance_creating() -> Weight {
        Weight::from_parts(26_089_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 174 bytes. Least time: 25_078_000 ps.
    fn force_set_balance_killing() -> Weight {
        Weight::from_parts(25_788_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Proof measured: 201 bytes. Least time: 75_332_000 ps.
    fn force_transfer() -> Weight {
        Weight::from_parts(76_324_000, 6_196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 0 bytes. Least time: 70_104_000 ps.
    fn transfer_all() -> Weight {
        Weight::from_parts(71_286_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Proof measured: 174 bytes. Least time: 21_122_000 ps.
    fn force_unreserve() -> Weight {
        Weight::from_parts(21_612_000, 3_593)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::Account` (r:999 w:999)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Component `u`: 1 to 1000.
    // Proof measured: 0 + u * 85 bytes. Least time: 20_721_000 ps.
    fn upgrade_accounts(u: u32) -> Weight {
        Weight::from_parts(21_042_000, 990)
            // Standard error: 13_812.
            .saturating_add(Weight::from_parts(19_375_106, 0).saturating_mul(u.into()))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(u.into())))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(u.into())))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(u.into()))
    }
    // Proof measured: 0 bytes. Least time: 6_089_000 ps.
    fn force_adjust_total_issuance() -> Weight {
        Weight::from_parts(6_490_000, 0)
    }
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Proof measured: 98 bytes. Least time: 43_615_000 ps.
    fn burn_allow_death() -> Weight {
        Weight::from_parts(44_356_000, 1_501)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Proof measured: 0 bytes. Least time: 26_199_000 ps.
    fn burn_keep_alive() -> Weight {
        Weight::from_parts(26_780_000, 0)
    }
}
