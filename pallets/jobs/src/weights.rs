//! Weights of the calls and of the steps of the hooks: hand-written upper bounds until they are
//! measured.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls and hooks.
#[allow(missing_docs)]
pub trait WeightInfo {
    /// Includes one attempt to match: a page of idle workers with their providers.
    fn post_job() -> Weight {
        bound(300, 70, 30)
    }
    fn cancel_job() -> Weight {
        bound(100, 8, 10)
    }
    fn decline_job() -> Weight {
        bound(150, 14, 16)
    }
    fn attest_job() -> Weight {
        bound(150, 14, 14)
    }
    /// One job of the agenda: the dearest is a settlement.
    fn agenda_step() -> Weight {
        bound(300, 24, 24)
    }
    /// Looking at one block of the agenda.
    fn agenda_block() -> Weight {
        bound(10, 2, 1)
    }
    /// One attempt to match: a page of idle workers with their providers.
    fn matching_step() -> Weight {
        bound(200, 64, 24)
    }
}

impl WeightInfo for () {}
