//! Weights of the calls: hand-written upper bounds until they are measured.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls.
#[allow(missing_docs)]
pub trait WeightInfo {
    /// Hashing and validating grow with the program's bytes.
    fn register_model(bytes: u32) -> Weight {
        bound(200, 4, 4).saturating_add(bound(1, 0, 0).saturating_mul(u64::from(bytes).div_ceil(8)))
    }
}

impl WeightInfo for () {}
