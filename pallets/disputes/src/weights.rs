//! Weights of the calls.

use mizan_protocol::weights::{bound, operations_of};
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of this pallet's calls. The runtime has measured ones.
///
/// `o` are operations of the job's program, `b` bytes of its parameters, `e` bytes of evidence or
/// of an answer. A conviction is always included, with the most demands open on the job and the
/// most jobs to take back.
#[allow(missing_docs)]
pub trait WeightInfo {
    fn submit_fraud_proof(o: u32, b: u32, e: u32) -> Weight;
    fn submit_second_attestation() -> Weight;
    fn demand(o: u32, b: u32) -> Weight;
    /// Includes the look at whether it is free of fees.
    fn answer(o: u32, b: u32, e: u32) -> Weight;
    /// What is done after the last transaction of a block.
    fn tick() -> Weight;
    fn register_auditor() -> Weight;
    fn bond_auditor() -> Weight;
    fn unbond_auditor() -> Weight;
    fn exit_auditor() -> Weight;
    /// Includes the look at whether it is free of fees.
    fn submit_verdict() -> Weight;
    fn order_audit() -> Weight;
    fn demand_receipt(o: u32, b: u32) -> Weight;
    /// Includes the look at whether it is free of fees.
    fn open_receipt(o: u32, b: u32) -> Weight;
    /// What the agenda does for the audits of a job: at most an auditor without a verdict, and `r`
    /// demands for receipts that nobody answered.
    fn advance(r: u32) -> Weight;
    /// Looking which draws are due.
    fn look_for_draws() -> Weight;
    /// Making one: at most one that hits on the last try and is so late that the block which decides
    /// it must be searched.
    fn draw() -> Weight;

    /// A demand for a receipt about a program of so many bytes.
    fn demand_receipt_of(program: u32) -> Weight {
        Self::demand_receipt(operations_of(program), program)
    }

    /// An opened receipt about a program of so many bytes.
    fn open_receipt_of(program: u32) -> Weight {
        Self::open_receipt(operations_of(program), program)
    }

    /// A fraud proof about a program of so many bytes.
    fn submit_fraud_proof_of(program: u32, evidence: u32) -> Weight {
        Self::submit_fraud_proof(operations_of(program), program, evidence)
    }

    /// A demand about a program of so many bytes.
    fn demand_of(program: u32) -> Weight {
        Self::demand(operations_of(program), program)
    }

    /// An answer about a program of so many bytes.
    fn answer_of(program: u32, answer: u32) -> Weight {
        Self::answer(operations_of(program), program, answer)
    }
}

/// Bounds for mocks, in which nothing is measured.
impl WeightInfo for () {
    fn submit_fraud_proof(o: u32, b: u32, e: u32) -> Weight {
        let units = u64::from(o)
            .saturating_add(u64::from(b).div_ceil(8))
            .saturating_add(u64::from(e).div_ceil(256));
        bound(1_500, 170, 270).saturating_add(bound(1, 0, 0).saturating_mul(units))
    }
    fn submit_second_attestation() -> Weight {
        bound(1_600, 170, 270)
    }
    fn demand(o: u32, b: u32) -> Weight {
        let units = u64::from(o).saturating_add(u64::from(b).div_ceil(8));
        bound(300, 20, 12).saturating_add(bound(1, 0, 0).saturating_mul(units))
    }
    fn answer(o: u32, b: u32, e: u32) -> Weight {
        Self::submit_fraud_proof(o, b, e).saturating_mul(2)
    }
    fn tick() -> Weight {
        bound(20, 3, 1)
    }
    fn register_auditor() -> Weight {
        bound(150, 10, 8)
    }
    fn bond_auditor() -> Weight {
        bound(150, 7, 6)
    }
    fn unbond_auditor() -> Weight {
        bound(150, 7, 6)
    }
    fn exit_auditor() -> Weight {
        bound(250, 14, 12)
    }
    fn submit_verdict() -> Weight {
        bound(300, 16, 14)
    }
    fn order_audit() -> Weight {
        bound(200, 12, 9)
    }
    fn demand_receipt(o: u32, b: u32) -> Weight {
        Self::demand(o, b)
    }
    fn open_receipt(o: u32, b: u32) -> Weight {
        Self::answer(o, b, 0)
    }
    fn advance(r: u32) -> Weight {
        bound(300, 40, 20).saturating_add(bound(150, 15, 12).saturating_mul(r.into()))
    }
    fn look_for_draws() -> Weight {
        bound(10, 2, 0)
    }
    fn draw() -> Weight {
        bound(900, 110, 18)
    }
}
