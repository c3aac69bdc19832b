//! Weights of the calls.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls. The runtime has measured ones.
#[allow(missing_docs)]
pub trait WeightInfo {
    fn register_provider() -> Weight;
    fn bond() -> Weight;
    fn unbond() -> Weight;
    /// Includes the check of a signature.
    fn register_worker() -> Weight;
    fn set_ask() -> Weight;
    /// Includes the look at whether it is free of fees.
    fn heartbeat() -> Weight;
    fn deregister_worker() -> Weight;
    fn exit() -> Weight;
    /// Includes the look at whether it is free of fees.
    fn go_offline() -> Weight;
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn register_provider() -> Weight {
        bound(60, 4, 3)
    }
    fn bond() -> Weight {
        bound(60, 4, 3)
    }
    fn unbond() -> Weight {
        bound(60, 4, 3)
    }
    fn register_worker() -> Weight {
        bound(200, 5, 5)
    }
    fn set_ask() -> Weight {
        bound(40, 4, 3)
    }
    fn heartbeat() -> Weight {
        bound(40, 4, 3)
    }
    fn deregister_worker() -> Weight {
        bound(40, 4, 6)
    }
    fn exit() -> Weight {
        bound(60, 4, 3)
    }
    fn go_offline() -> Weight {
        bound(40, 4, 3)
    }
}
