//! Weights of the calls: hand-written upper bounds until they are measured.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls.
#[allow(missing_docs)]
pub trait WeightInfo {
    fn burn() -> Weight {
        bound(60, 3, 3)
    }
}

impl WeightInfo for () {}
