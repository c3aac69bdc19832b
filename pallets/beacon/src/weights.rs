//! Weights of the hook.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's hook. The runtime has measured ones.
#[allow(missing_docs)]
pub trait WeightInfo {
    /// One output and one slot: written, and those that fell out of the retention removed.
    fn on_initialize() -> Weight;
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn on_initialize() -> Weight {
        bound(20, 3, 4)
    }
}
