//! Weights of the call and of the hook.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's call and hook. The runtime has measured ones.
#[allow(missing_docs)]
pub trait WeightInfo {
    fn burn() -> Weight;
    /// The first block, in which the books are opened.
    fn on_initialize() -> Weight;
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn burn() -> Weight {
        bound(60, 3, 3)
    }
    fn on_initialize() -> Weight {
        bound(5, 1, 1)
    }
}
