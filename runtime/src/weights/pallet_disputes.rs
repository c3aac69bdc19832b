// Generated, do not edit. Command: scripts/weights --steps 10 --repeat 5
// Steps: 10, repeats: 5, genesis: the `development` preset.
// SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's
// dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.
// Machine: AMD EPYC, 2 cores, 24 GiB.
// Date: 2026-11-24.

//! Weights of `pallet_disputes`, measured.

#![allow(missing_docs, unused_imports)]

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::*;

/// The measured weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_disputes::WeightInfo for WeightInfo<T> {
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Jobs` (r:64 w:64)
    // Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(2594), added: 5069, mode: `MaxEncodedLen`)
    // Storage: `Models::Programs` (r:1 w:0)
    // Proof: `Models::Programs` (`max_values`: None, `max_size`: Some(131108), added: 133583, mode: `MaxEncodedLen`)
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:3 w:3)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Eras` (r:1 w:1)
    // Proof: `Contributions::Eras` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Lifetime` (r:1 w:1)
    // Proof: `Contributions::Lifetime` (`max_values`: None, `max_size`: Some(108), added: 2583, mode: `MaxEncodedLen`)
    // Storage: `Jobs::UnitsOf` (r:1 w:1)
    // Proof: `Jobs::UnitsOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Demands` (r:17 w:16)
    // Proof: `Disputes::Demands` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Histories` (r:1 w:1)
    // Proof: `Jobs::Histories` (`max_values`: None, `max_size`: Some(5297), added: 7772, mode: `MaxEncodedLen`)
    // Storage: `Jobs::BackedJobs` (r:65 w:1)
    // Proof: `Jobs::BackedJobs` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Agenda` (r:0 w:128)
    // Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Component `o`: 1 to 4096.
    // Component `b`: 0 to 93176.
    // Component `e`: 2048 to 131072.
    // Proof measured: 9097 + b * 1 + o * 9 bytes. Least time: 3_211_066_000 ps.
    fn submit_fraud_proof(o: u32, b: u32, e: u32) -> Weight {
        Weight::from_parts(2_285_445_646, 325_406)
            // Standard error: 8_548.
            .saturating_add(Weight::from_parts(462_796, 0).saturating_mul(o.into()))
            // Standard error: 375.
            .saturating_add(Weight::from_parts(6_387, 0).saturating_mul(b.into()))
            // Standard error: 271.
            .saturating_add(Weight::from_parts(3_836, 0).saturating_mul(e.into()))
            .saturating_add(T::DbWeight::get().reads(162))
            .saturating_add(T::DbWeight::get().writes(223))
    }
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Jobs` (r:64 w:64)
    // Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(2594), added: 5069, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:3 w:3)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Eras` (r:1 w:1)
    // Proof: `Contributions::Eras` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Lifetime` (r:1 w:1)
    // Proof: `Contributions::Lifetime` (`max_values`: None, `max_size`: Some(108), added: 2583, mode: `MaxEncodedLen`)
    // Storage: `Jobs::UnitsOf` (r:1 w:1)
    // Proof: `Jobs::UnitsOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Demands` (r:17 w:16)
    // Proof: `Disputes::Demands` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Histories` (r:1 w:1)
    // Proof: `Jobs::Histories` (`max_values`: None, `max_size`: Some(5297), added: 7772, mode: `MaxEncodedLen`)
    // Storage: `Jobs::BackedJobs` (r:65 w:1)
    // Proof: `Jobs::BackedJobs` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Agenda` (r:0 w:128)
    // Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Proof measured: 8838 bytes. Least time: 2_086_760_000 ps.
    fn submit_second_attestation() -> Weight {
        Weight::from_parts(2_122_664_000, 325_406)
            .saturating_add(T::DbWeight::get().reads(161))
            .saturating_add(T::DbWeight::get().writes(223))
    }
    // Storage: `Jobs::Jobs` (r:1 w:1)
    // Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(2594), added: 5069, mode: `MaxEncodedLen`)
    // Storage: `Models::Programs` (r:1 w:0)
    // Proof: `Models::Programs` (`max_values`: None, `max_size`: Some(131108), added: 133583, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Time` (r:1 w:0)
    // Proof: `Disputes::Time` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Demands` (r:2 w:1)
    // Proof: `Disputes::Demands` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Agenda` (r:0 w:1)
    // Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Component `o`: 1 to 4096.
    // Component `b`: 0 to 93176.
    // Proof measured: 2692 + b * 1 + o * 9 bytes. Least time: 726_683_000 ps.
    fn demand(o: u32, b: u32) -> Weight {
        Weight::from_parts(95_460_845, 134_573)
            // Standard error: 3_125.
            .saturating_add(Weight::from_parts(494_703, 0).saturating_mul(o.into()))
            // Standard error: 137.
            .saturating_add(Weight::from_parts(6_622, 0).saturating_mul(b.into()))
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `Disputes::Demands` (r:17 w:16)
    // Proof: `Disputes::Demands` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Jobs` (r:64 w:64)
    // Proof: `Jobs::Jobs` (`max_values`: None, `max_size`: Some(2594), added: 5069, mode: `MaxEncodedLen`)
    // Storage: `Models::Programs` (r:1 w:0)
    // Proof: `Models::Programs` (`max_values`: None, `max_size`: Some(131108), added: 133583, mode: `MaxEncodedLen`)
    // Storage: `Rewards::EconomicsRecord` (r:1 w:0)
    // Proof: `Rewards::EconomicsRecord` (`max_values`: Some(1), `max_size`: Some(188), added: 683, mode: `MaxEncodedLen`)
    // Storage: `Providers::Providers` (r:1 w:1)
    // Proof: `Providers::Providers` (`max_values`: None, `max_size`: Some(88), added: 2563, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:3 w:3)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(157), added: 2632, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Rewards::Burned` (r:1 w:1)
    // Proof: `Rewards::Burned` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Providers::Workers` (r:1 w:1)
    // Proof: `Providers::Workers` (`max_values`: None, `max_size`: Some(118), added: 2593, mode: `MaxEncodedLen`)
    // Storage: `Jobs::TimingRecord` (r:1 w:0)
    // Proof: `Jobs::TimingRecord` (`max_values`: Some(1), `max_size`: Some(44), added: 539, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Eras` (r:1 w:1)
    // Proof: `Contributions::Eras` (`max_values`: None, `max_size`: Some(120), added: 2595, mode: `MaxEncodedLen`)
    // Storage: `Contributions::Lifetime` (r:1 w:1)
    // Proof: `Contributions::Lifetime` (`max_values`: None, `max_size`: Some(108), added: 2583, mode: `MaxEncodedLen`)
    // Storage: `Jobs::UnitsOf` (r:1 w:1)
    // Proof: `Jobs::UnitsOf` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Cases` (r:1 w:1)
    // Proof: `Disputes::Cases` (`max_values`: None, `max_size`: Some(72), added: 2547, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Histories` (r:1 w:1)
    // Proof: `Jobs::Histories` (`max_values`: None, `max_size`: Some(5297), added: 7772, mode: `MaxEncodedLen`)
    // Storage: `Jobs::BackedJobs` (r:65 w:1)
    // Proof: `Jobs::BackedJobs` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Providers::Idle` (r:0 w:1)
    // Proof: `Providers::Idle` (`max_values`: None, `max_size`: Some(64), added: 2539, mode: `MaxEncodedLen`)
    // Storage: `Jobs::Agenda` (r:0 w:128)
    // Proof: `Jobs::Agenda` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Component `o`: 1 to 4096.
    // Component `b`: 0 to 93176.
    // Component `e`: 2048 to 131072.
    // Proof measured: 9097 + b * 1 + o * 9 bytes. Least time: 4_126_852_000 ps.
    fn answer(o: u32, b: u32, e: u32) -> Weight {
        Weight::from_parts(1_927_001_836, 325_406)
            // Standard error: 8_059.
            .saturating_add(Weight::from_parts(996_657, 0).saturating_mul(o.into()))
            // Standard error: 354.
            .saturating_add(Weight::from_parts(13_632, 0).saturating_mul(b.into()))
            // Standard error: 255.
            .saturating_add(Weight::from_parts(7_333, 0).saturating_mul(e.into()))
            .saturating_add(T::DbWeight::get().reads(162))
            .saturating_add(T::DbWeight::get().writes(223))
    }
    // Storage: `Disputes::Time` (r:1 w:1)
    // Proof: `Disputes::Time` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Proof measured: 6 bytes. Least time: 3_094_000 ps.
    fn tick() -> Weight {
        Weight::from_parts(3_224_000, 1_489)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}
