//! Upper bounds of weights, written by hand, for mocks in which nothing is measured, and shares of a
//! block. The runtime has measured weights: `scripts/weights`.
//!
//! Each bound is the number of storage reads and writes that the worst case makes, at the SDK's
//! ParityDB costs, plus a generous time for the computation itself.

use polkadot_sdk::{
    frame_support::weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_MICROS},
        Weight,
    },
    sp_runtime::Perbill,
};

/// The shortest operation of a program: a `Linear` without a table. No other costs more for each
/// byte.
pub const LEAST_OPERATION_BYTES: u32 = 9;

/// As many operations as a program of so many bytes and the format have room for.
pub fn operations_of(program_bytes: u32) -> u32 {
    program_bytes
        .div_ceil(LEAST_OPERATION_BYTES)
        .min(mizan_tensor::MAX_OPERATIONS)
}

/// Bytes of proof charged for each read. The chain has no proof size limit of its own; the
/// figure keeps the second dimension honest.
const PROOF_BYTES_PER_READ: u64 = 4_096;

/// The bound of a call of so many microseconds, reads and writes.
pub fn bound(micros: u64, reads: u64, writes: u64) -> Weight {
    let compute = Weight::from_parts(
        micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS),
        reads.saturating_mul(PROOF_BYTES_PER_READ),
    );
    let database: polkadot_sdk::frame_support::weights::RuntimeDbWeight =
        <ParityDbWeight as polkadot_sdk::frame_support::traits::Get<_>>::get();
    compute.saturating_add(database.reads_writes(reads, writes))
}

/// A share of a block's weight, in both dimensions.
pub fn share(of: Perbill, block: Weight) -> Weight {
    Weight::from_parts(
        of.mul_floor(block.ref_time()),
        of.mul_floor(block.proof_size()),
    )
}
