//! Weights of the calls: hand-written upper bounds until they are measured.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls.
#[allow(missing_docs)]
pub trait WeightInfo {
    fn register_provider() -> Weight {
        bound(60, 4, 3)
    }
    fn bond() -> Weight {
        bound(60, 4, 3)
    }
    fn unbond() -> Weight {
        bound(60, 4, 3)
    }
    /// Includes the check of a signature.
    fn register_worker() -> Weight {
        bound(200, 5, 4)
    }
    fn set_ask() -> Weight {
        bound(40, 4, 3)
    }
    fn heartbeat() -> Weight {
        bound(40, 4, 3)
    }
    fn deregister_worker() -> Weight {
        bound(40, 4, 5)
    }
    fn exit() -> Weight {
        bound(60, 4, 3)
    }
}

impl WeightInfo for () {}
