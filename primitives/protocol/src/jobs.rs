//! The life of a job as the chain stores it.
//!
//! `Open -> Assigned -> Attested -> Settled`. A decline or a timeout leads back to `Open`. An
//! attested job can also end `Convicted`, when its result is proved wrong or its data withheld, or
//! `Refused`, when its requester was not given the result; an open one ends by an [`EndReason`].

use crate::{Balance, BlockNumber, Macs, ModelId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::{traits::ConstU32, BoundedVec},
    sp_core::H256,
};
use scale_info::TypeInfo;

pub use mizan_tensor::{Accusation, AuditScope, BlobRef, Request};

/// Hashes of a job's inputs or outputs: as many as a program may have.
pub type Hashes = BoundedVec<H256, ConstU32<{ mizan_tensor::MAX_INPUTS }>>;
/// The address of a blob server: `http://` or `https://` and printable ASCII.
pub type BlobServer = BoundedVec<u8, ConstU32<MAX_BLOB_SERVER_BYTES>>;
/// Where a job's inputs and its model's parameters can be fetched, and its outputs and trace are
/// to be brought.
pub type BlobServers = BoundedVec<BlobServer, ConstU32<4>>;
/// Most bytes of the address of a blob server.
pub const MAX_BLOB_SERVER_BYTES: u32 = 128;

/// Whether that can be the address of a blob server. It is not resolved: workers look at it with
/// the suspicion that anything from a stranger deserves.
pub fn is_blob_server(address: &[u8]) -> bool {
    let host = address
        .strip_prefix(b"http://")
        .or_else(|| address.strip_prefix(b"https://"));
    host.is_some_and(|host| !host.is_empty() && host.iter().all(u8::is_ascii_graphic))
}

/// Workers that declined or timed out. A job that is full of them ends.
pub type Excluded<AccountId> = BoundedVec<AccountId, ConstU32<16>>;
/// Providers that found inputs missing; the third closes the job.
pub type MissingInputs<AccountId> = BoundedVec<AccountId, ConstU32<3>>;

/// Why a worker does not take a job. The worker is not asked for a proof: it is only excluded
/// from that job.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum DeclineReason {
    /// An input or parameter can't be fetched, or has another length or hash than it must.
    #[codec(index = 0)]
    InputsUnavailable,
    /// The job does not fit this worker's memory or disk.
    #[codec(index = 1)]
    TooLarge,
    /// The worker is shutting down or was taken back by its owner.
    #[codec(index = 2)]
    Unavailable,
}

/// A worker's obligation to a job.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Assignment<AccountId> {
    /// The hot key that attests.
    pub worker: AccountId,
    /// The account that is paid and whose bond is locked.
    pub provider: AccountId,
    /// What the job will cost its requester.
    pub payment: Balance,
    /// Bond locked behind it.
    pub lock: Balance,
    /// Block of the assignment.
    pub assigned_block: BlockNumber,
    /// Last block in which an attestation counts.
    pub attest_by_block: BlockNumber,
}

/// A worker's signed claim of a result.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Attestation {
    /// Hash of each output, in the program's order.
    pub outputs: Hashes,
    /// Hash of the trace.
    pub trace: H256,
    /// Block of the attestation.
    pub attested_block: BlockNumber,
    /// First block in which the job can settle.
    pub settles_block: BlockNumber,
}

/// Where the money of a settled job went.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Settled {
    /// What the requester paid.
    pub payment: Balance,
    /// What the provider got of it.
    pub worker_paid: Balance,
    /// What auditors got of it.
    pub auditors_paid: Balance,
    /// What was burned of it.
    pub burned: Balance,
    /// What was minted to the provider on top.
    pub minted: Balance,
    /// Whether it was audited.
    pub audit: AuditOutcome,
    /// Block of the settlement.
    pub settled_block: BlockNumber,
}

/// Whether a job that settled was audited.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum AuditOutcome {
    /// No audit was drawn.
    #[default]
    #[codec(index = 0)]
    NotDrawn,
    /// An auditor checked it and passed it.
    #[codec(index = 1)]
    Passed,
    /// An audit was drawn, and no verdict on it counts, or three are missing. Nothing is minted.
    #[codec(index = 2)]
    Unaudited,
}

/// Why a job ended without a payment.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum EndReason {
    /// Its requester cancelled it before a worker had it.
    #[codec(index = 0)]
    Cancelled,
    /// No worker took it while it waited.
    #[codec(index = 1)]
    Expired,
    /// Three providers could not fetch its inputs.
    #[codec(index = 2)]
    InputsUnavailable,
    /// Too many workers declined it or timed out, or the only one that may do it did.
    #[codec(index = 3)]
    TooManyMisses,
}

/// What a worker was convicted of.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Grounds {
    /// A number of its result was proved wrong, or a length.
    #[codec(index = 0)]
    Wrong(Accusation),
    /// It signed another result for the same assignment.
    #[codec(index = 1)]
    SecondAttestation,
    /// It did not give what was demanded.
    #[codec(index = 2)]
    Unanswered(Request),
}

/// What a conviction did.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Conviction<AccountId> {
    /// What for.
    pub grounds: Grounds,
    /// Who proved it.
    pub challenger: Option<AccountId>,
    /// What the challenger got of the lock.
    pub rewarded: Balance,
    /// What was burned of the lock.
    pub burned: Balance,
    /// What the requester got back, deposit included.
    pub refunded: Balance,
    /// Block of the conviction.
    pub convicted_block: BlockNumber,
}

/// Where a job stands.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum JobState<AccountId> {
    /// Waiting for a worker.
    #[codec(index = 0)]
    Open,
    /// A worker has it.
    #[codec(index = 1)]
    Assigned(Assignment<AccountId>),
    /// A result is claimed and can be challenged.
    #[codec(index = 2)]
    Attested(Assignment<AccountId>, Attestation),
    /// Paid and recorded in the ledger.
    #[codec(index = 3)]
    Settled(Assignment<AccountId>, Attestation, Settled),
    /// Ended and refunded.
    #[codec(index = 4)]
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        block: BlockNumber,
    },
    /// Its worker was convicted, and the payment given back.
    #[codec(index = 5)]
    Convicted(Assignment<AccountId>, Attestation, Conviction<AccountId>),
    /// Its requester was not given the result: the payment was burned.
    #[codec(index = 6)]
    Refused(Assignment<AccountId>, Attestation, BlockNumber),
}

/// A job.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Job<AccountId> {
    /// Who posted it and pays.
    pub requester: AccountId,
    /// The program it runs.
    pub model: ModelId,
    /// Number of items.
    pub batch: u32,
    /// Hashes of its inputs, in the program's order.
    pub inputs: Hashes,
    /// Its size.
    pub macs: Macs,
    /// Most that the requester pays for a compute unit.
    pub price_per_unit: Balance,
    /// Held on the requester's account for the payment.
    pub held: Balance,
    /// Held on the requester's account for the record.
    pub deposit: Balance,
    /// Blocks that a worker has from its assignment.
    pub duration_blocks: BlockNumber,
    /// Last block in which a worker can get it.
    pub wait_until_block: BlockNumber,
    /// The only worker that may do it.
    pub directed: Option<AccountId>,
    /// Workers that declined it or timed out.
    pub excluded: Excluded<AccountId>,
    /// Providers that found its inputs missing.
    pub missing_inputs: MissingInputs<AccountId>,
    /// Where its blobs are.
    pub blob_servers: BlobServers,
    /// Where it stands.
    pub state: JobState<AccountId>,
    /// Block in which the chain looks at it next.
    pub due_block: BlockNumber,
}
