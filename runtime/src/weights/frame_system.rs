// Generated, do not edit. Command: scripts/weights
// Steps: 50, repeats: 20, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `frame_system`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> frame_system::WeightInfo for WeightInfo<T> {
    // Component `b`: 0 to 3932160.
    // Proof measured: 0 bytes. Least time: 2_474_000 ps.
    fn remark(b: u32) -> Weight {
        Weight::from_parts(14_215_287, 0)
            // Standard error: 1.
            .saturating_add(Weight::from_parts(205, 0).saturating_mul(b.into()))
    }
    // Component `b`: 0 to 3932160.
    // Proof measured: 0 bytes. Least time: 5_779_000 ps.
    fn remark_with_event(b: u32) -> Weight {
        Weight::from_parts(4_138_554, 0)
            // Standard error: 1.
            .saturating_add(Weight::from_parts(1_480, 0).saturating_mul(b.into()))
    }
    // Storage: UNKNOWN KEY `0x3a686561707061676573` (r:0 w:1)
    // Proof: UNKNOWN KEY `0x3a686561707061676573` (r:0 w:1)
    // Proof measured: 0 bytes. Least time: 4_657_000 ps.
    fn set_heap_pages() -> Weight {
        Weight::from_parts(4_878_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: UNKNOWN KEY `0x3a636f6465` (r:0 w:1)
    // Proof: UNKNOWN KEY `0x3a636f6465` (r:0 w:1)
    // Proof measured: 0 bytes. Least time: 86_473_687_000 ps.
    fn set_code() -> Weight {
        Weight::from_parts(87_671_103_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `Skipped::Metadata` (r:0 w:0)
    // Proof: `Skipped::Metadata` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Component `i`: 0 to 1000.
    // Proof measured: 0 bytes. Least time: 2_484_000 ps.
    fn set_storage(i: u32) -> Weight {
        Weight::from_parts(2_534_000, 0)
            // Standard error: 1_366.
            .saturating_add(Weight::from_parts(912_635, 0).saturating_mul(i.into()))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(i.into())))
    }
    // Storage: `Skipped::Metadata` (r:0 w:0)
    // Proof: `Skipped::Metadata` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Component `i`: 0 to 1000.
    // Proof measured: 0 bytes. Least time: 2_524_000 ps.
    fn kill_storage(i: u32) -> Weight {
        Weight::from_parts(2_553_000, 0)
            // Standard error: 1_497.
            .saturating_add(Weight::from_parts(628_049, 0).saturating_mul(i.into()))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(i.into())))
    }
    // Storage: `Skipped::Metadata` (r:0 w:0)
    // Proof: `Skipped::Metadata` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Component `p`: 0 to 1000.
    // Proof measured: 70 + p * 69 bytes. Least time: 4_427_000 ps.
    fn kill_prefix(p: u32) -> Weight {
        Weight::from_parts(4_507_000, 61)
            // Standard error: 2_065.
            .saturating_add(Weight::from_parts(1_178_706, 0).saturating_mul(p.into()))
            .saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(p.into())))
            .saturating_add(T::DbWeight::get().writes(1_u64.saturating_mul(p.into())))
            .saturating_add(Weight::from_parts(0, 70).saturating_mul(p.into()))
    }
    // Storage: `System::AuthorizedUpgrade` (r:0 w:1)
    // Proof: `System::AuthorizedUpgrade` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
    // Proof measured: 0 bytes. Least time: 17_666_000 ps.
    fn authorize_upgrade() -> Weight {
        Weight::from_parts(20_731_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `System::AuthorizedUpgrade` (r:1 w:1)
    // Proof: `System::AuthorizedUpgrade` (`max_values`: Some(1), `max_size`: Some(33), added: 528, mode: `MaxEncodedLen`)
    // Storage: UNKNOWN KEY `0x3a636f6465` (r:0 w:1)
    // Proof: UNKNOWN KEY `0x3a636f6465` (r:0 w:1)
    // Proof measured: 22 bytes. Least time: 92_708_331_000 ps.
    fn apply_authorized_upgrade() -> Weight {
        Weight::from_parts(93_810_355_000, 1_518)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }
}
