//! What the Mizan pallets share: ids and units, protocol constants, job types, and the traits
//! by which pallets meet without depending on each other.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`constants`] | [`Timing`] and [`Economics`]: every period and every price, set once by genesis |
//! | [`jobs`] | the life of a job as the chain stores it |
//! | [`explain`] | why a job or a worker is where it is |
//! | [`traits`] | what one pallet may ask of another |
//! | [`weights`] | upper bounds for mocks, in which nothing is measured |
//! | [`api`] | the runtime API that clients and the node use |
//!
//! # Non-goals
//! No storage, no dispatch, no arithmetic on tensors (see `mizan-tensor`).
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::panic
    )
)]

extern crate alloc;

pub mod api;
pub mod constants;
pub mod explain;
pub mod jobs;
pub mod traits;
pub mod weights;

pub use constants::{Economics, Timing};

use polkadot_sdk::sp_core::H256;

/// Smallest units of MZN; one MZN is 10^12 of them.
pub type Balance = u128;
/// Height of a block.
pub type BlockNumber = u32;
/// A slot of BABE: three seconds in which at most one block of a chain is authored. Counted since
/// 1970.
pub type Slot = u64;
/// Identifies a job; counted from zero.
pub type JobId = u64;
/// A ledger period, counted from zero: [`Timing::era_blocks`] blocks.
pub type EraIndex = u32;
/// BLAKE3 hash of a program's SCALE bytes.
pub type ModelId = H256;
/// Multiply-accumulates of 8-bit integers. Ledger and prices count in these; a compute unit is
/// 10^9 of them.
pub type Macs = u128;

/// One MZN.
pub const UNIT: Balance = 1_000_000_000_000;

/// The block number as this crate counts it.
pub fn block_number<T: polkadot_sdk::frame_system::Config>() -> BlockNumber {
    use polkadot_sdk::sp_runtime::SaturatedConversion;
    polkadot_sdk::frame_system::Pallet::<T>::block_number().saturated_into()
}
