//! What is kept of auditors and of the audits of a job.

use crate::DisputeTime;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::{jobs::AuditScope, Balance, Slot};
use polkadot_sdk::{
    frame_support::{traits::ConstU32, BoundedVec},
    sp_core::H256,
};
use scale_info::TypeInfo;

/// Verdicts "pass" of a job. Each is followed by another with probability 1/5 only.
pub const MAX_PASSES: u32 = 8;
/// Auditors without a verdict that counts after which a job settles unaudited.
pub const MAX_MISSES: u32 = 3;
/// Draws for a job: two rows of misses, for it and for an ordered audit, and all passes.
pub const MAX_DRAWN: u32 = 16;
/// Jobs for which an auditor can be at work, or answer for a verdict, at once.
pub const MAX_AUDIT_LOCKS: u32 = 64;
/// Demands of an auditor at work that can be open at once, at the base price.
pub const AUDITOR_DEMANDS: u32 = 4;

/// An auditor.
#[derive(
    Clone,
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
pub struct Auditor {
    /// Held on its account.
    pub bond: Balance,
    /// Part of the bond that is locked behind verdicts.
    pub locked: Balance,
    /// Number of those verdicts.
    pub locks: u32,
    /// Its place among all auditors, counted from zero.
    pub place: u32,
}

impl Auditor {
    /// Bond that is not locked. Auditors are drawn by it.
    pub fn free_bond(&self) -> Balance {
        self.bond.saturating_sub(self.locked)
    }
}

/// The audits of a job whose result can be challenged.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Audit<AccountId> {
    /// What is next.
    pub stage: Stage<AccountId>,
    /// Verdicts "pass", oldest first. A pass is named by its place in this list.
    pub passes: BoundedVec<Pass<AccountId>, ConstU32<MAX_PASSES>>,
    /// Whoever was drawn. Nobody is drawn twice.
    pub drawn: BoundedVec<AccountId, ConstU32<MAX_DRAWN>>,
    /// Draws without a verdict that counts.
    pub misses: u32,
    /// An audit that the requester ordered.
    pub order: Option<Order>,
}

/// What is next in the audits of a job.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage<AccountId> {
    /// The beacon of a block to come decides whether an auditor is drawn, and whom.
    #[codec(index = 0)]
    Waits(PendingDraw),
    /// An auditor is at work.
    #[codec(index = 1)]
    Open(OpenAudit<AccountId>),
    /// Nothing.
    #[codec(index = 2)]
    Done,
}

/// A draw to come.
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
pub struct PendingDraw {
    /// The beacon of the first block at or after this slot draws.
    pub slot: Slot,
    /// Why, and with what probability.
    pub reason: DrawReason,
    /// How much the auditor will check.
    pub scope: AuditScope,
    /// Whether it is the requester's order.
    pub ordered: bool,
}

/// Why a draw is made.
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
pub enum DrawReason {
    /// A result was claimed: with `Economics.audit_probability`.
    #[codec(index = 0)]
    Claimed,
    /// An auditor passed it: with `Economics.further_probability`.
    #[codec(index = 1)]
    Passed,
    /// It must be audited: for certain.
    #[codec(index = 2)]
    Certain,
}

/// An auditor at work.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OpenAudit<AccountId> {
    /// The auditor.
    pub auditor: AccountId,
    /// Bond locked behind its verdict.
    pub lock: Balance,
    /// From which its drawn set and the key of its receipt follow.
    pub seed: H256,
    /// How much it checks.
    pub scope: AuditScope,
    /// Whether it is the requester's order.
    pub ordered: bool,
    /// Dispute time at which a missing verdict costs it a part of the lock. It rests while a
    /// demand of its is open.
    pub verdict_by_time: DisputeTime,
    /// Its demands that are open.
    pub open_demands: u32,
    /// Its demands that were answered.
    pub answered: u32,
}

/// A verdict "pass".
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pass<AccountId> {
    /// The auditor.
    pub auditor: AccountId,
    /// Bond locked behind it.
    pub lock: Balance,
    /// See [`OpenAudit::seed`].
    pub seed: H256,
    /// How much it checked.
    pub scope: AuditScope,
    /// Whether it was the requester's order.
    pub ordered: bool,
    /// Keyed hash of what it checked; see `mizan_tensor::receipt_key`.
    pub receipt: H256,
    /// Whether its lock was taken: then it does not count.
    pub slashed: bool,
}

/// An audit that a requester ordered.
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
pub struct Order {
    /// How much is checked.
    pub scope: AuditScope,
    /// Held on the requester's account.
    pub price: Balance,
    /// Whether its draw was made or is about to be made.
    pub begun: bool,
    /// Draws for it without a verdict that counts.
    pub misses: u32,
}

/// What an auditor at work says.
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
pub enum Verdict {
    /// It found nothing wrong in its drawn set.
    #[codec(index = 0)]
    Pass {
        /// Keyed hash of what it checked; see `mizan_tensor::receipt_key`.
        receipt: H256,
    },
    /// It was not given what it needs, though a demand of its was answered. Fraud needs no verdict:
    /// the proof convicts.
    #[codec(index = 1)]
    Withheld,
}

/// An open demand to open a receipt.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ReceiptDemand<AccountId> {
    /// Who wants to see it.
    pub demander: AccountId,
    /// Which byte of what the receipt was made of.
    pub index: u64,
    /// Held on the demander's account.
    pub deposit: Balance,
    /// Dispute time at which silence costs the auditor its lock.
    pub answer_by_time: DisputeTime,
}

impl<AccountId> Audit<AccountId> {
    /// Nobody was drawn yet.
    pub(crate) fn begun_with(stage: Stage<AccountId>) -> Self {
        Self {
            stage,
            passes: BoundedVec::new(),
            drawn: BoundedVec::new(),
            misses: 0,
            order: None,
        }
    }

    /// The slot of the draw that is to come.
    pub fn draw_slot(&self) -> Option<Slot> {
        match &self.stage {
            Stage::Waits(draw) => Some(draw.slot),
            Stage::Open(_) | Stage::Done => None,
        }
    }

    /// The auditor at work.
    pub fn at_work(&self) -> Option<&OpenAudit<AccountId>> {
        match &self.stage {
            Stage::Open(open) => Some(open),
            Stage::Waits(_) | Stage::Done => None,
        }
    }

    /// Verdicts "pass" that count.
    pub fn counting(&self) -> impl Iterator<Item = &Pass<AccountId>> {
        self.passes.iter().filter(|pass| !pass.slashed)
    }
}
