//! Weights of the calls and of the steps of the hooks.

use mizan_protocol::weights::bound;
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls and of the steps of its hooks. The runtime has measured ones.
#[allow(missing_docs)]
pub trait WeightInfo {
    /// Includes one attempt to match: a page of idle workers with their providers.
    fn post_job() -> Weight;
    fn cancel_job() -> Weight;
    /// Includes the look at whether it is free of fees.
    fn decline_job() -> Weight;
    /// Includes the look at whether it is free of fees.
    fn attest_job() -> Weight;
    /// Looking at one block of the agenda.
    fn agenda_block() -> Weight;
    /// Paying for a job on the agenda, and `a` auditors of it.
    fn settle(a: u32) -> Weight;
    /// Ending an open job on the agenda.
    fn expire() -> Weight;
    /// Taking a job on the agenda from its worker.
    fn time_out() -> Weight;
    /// Convicting a worker for a job on the agenda, with the most demands open and the most jobs
    /// to take back.
    fn convict() -> Weight;
    /// Taking back a job on the agenda whose worker's provider was convicted.
    fn recall() -> Weight;
    fn refuse_delivery() -> Weight;
    /// Dropping the record of a job on the agenda.
    fn forget() -> Weight;
    /// One attempt to match: a page of idle workers with their providers.
    fn matching_step() -> Weight;

    /// One job of the agenda, whatever is due, with at most so many auditors to pay.
    fn agenda_step(auditors: u32) -> Weight {
        Self::settle(auditors)
            .max(Self::expire())
            .max(Self::time_out())
            .max(Self::convict())
            .max(Self::recall())
            .max(Self::forget())
    }
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn post_job() -> Weight {
        bound(400, 76, 38)
    }
    fn cancel_job() -> Weight {
        bound(120, 9, 11)
    }
    fn decline_job() -> Weight {
        bound(180, 16, 18)
    }
    fn attest_job() -> Weight {
        bound(180, 16, 16)
    }
    fn agenda_block() -> Weight {
        bound(10, 2, 1)
    }
    fn settle(a: u32) -> Weight {
        bound(300, 26, 26).saturating_add(bound(100, 7, 7).saturating_mul(a.into()))
    }
    fn expire() -> Weight {
        bound(150, 12, 14)
    }
    fn time_out() -> Weight {
        bound(250, 20, 20)
    }
    fn convict() -> Weight {
        bound(1_500, 160, 260)
    }
    fn recall() -> Weight {
        bound(250, 20, 20)
    }
    fn refuse_delivery() -> Weight {
        bound(300, 26, 26)
    }
    fn forget() -> Weight {
        bound(150, 5, 40)
    }
    fn matching_step() -> Weight {
        bound(220, 66, 28)
    }
}
