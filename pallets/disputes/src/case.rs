//! What is kept of a job while its result can be challenged.

use crate::{DemandId, DisputeTime};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::Balance;
use mizan_tensor::Request;
use polkadot_sdk::sp_core::H256;
use scale_info::TypeInfo;

/// What is kept of a job while its result can be challenged.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Case {
    /// Hash of the block of the assignment, which every attestation of it names.
    pub assigned_block_hash: H256,
    /// Dispute time at which the challenge period is over.
    pub challenge_ends_time: DisputeTime,
    /// Dispute time at which the job can settle: later, if there were answers.
    pub settles_time: DisputeTime,
    /// Demands that are open.
    pub open_demands: u32,
    /// Those of them that took a place of the requester.
    pub own_demands: u32,
    /// Demands for receipts that are open.
    pub open_receipts: u32,
    /// Demands that were made after the challenge period, open or not, but for those of auditors
    /// at work.
    pub late_demands: u32,
    /// The id of the next demand.
    pub next_demand: DemandId,
}

/// An open demand.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Demand<AccountId> {
    /// Who wants to know.
    pub demander: AccountId,
    /// What.
    pub request: Request,
    /// Held on the demander's account.
    pub deposit: Balance,
    /// Whether it took a place of the requester.
    pub own: bool,
    /// Whether it took a place of the auditor at work.
    pub by_auditor: bool,
    /// Dispute time at which silence convicts.
    pub answer_by_time: DisputeTime,
}
