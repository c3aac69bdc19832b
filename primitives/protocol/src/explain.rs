//! Why a job or a worker is where it is: what happened by which rule, what holds it up, and what
//! whoever is concerned can do.
//!
//! The chain keeps a [`Note`] of every change of a job for as long as the job's record, and sums
//! of each provider's work for ever. What holds something up now, an *outlook*, is not stored: it
//! is worked out when somebody asks.

mod outlooks;
mod rules;

use crate::{
    jobs::{AuditOutcome, AuditScope, DeclineReason, EndReason, Grounds},
    Balance, BlockNumber, JobId, Macs,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Everything that can happen to one job: it is posted, given to sixteen workers that decline or
/// time out, and to one whose result is audited and settles; and a few more, should a rule be added.
pub const MAX_NOTES: u32 = 96;

/// All that happened to a job, oldest first.
pub type History<AccountId> = BoundedVec<Note<AccountId>, ConstU32<MAX_NOTES>>;

/// Something that happened to a job.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Note<AccountId> {
    /// When.
    pub block: BlockNumber,
    /// What, and by which rule.
    pub rule: Rule<AccountId>,
}

/// What happened to a job, with the accounts and amounts that it touched.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Rule<AccountId> {
    /// It was posted.
    #[codec(index = 0)]
    Posted {
        /// Held for the payment.
        held: Balance,
        /// Held for the record.
        deposit: Balance,
    },
    /// A worker got it.
    #[codec(index = 1)]
    Assigned {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What the job will pay.
        payment: Balance,
        /// Bond locked behind it.
        lock: Balance,
        /// Last block in which an attestation counts.
        attest_by_block: BlockNumber,
    },
    /// The worker declined it.
    #[codec(index = 2)]
    Declined {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// Why.
        reason: DeclineReason,
        /// First block in which the worker may get a job again.
        paused_until_block: BlockNumber,
    },
    /// The worker did not attest in time.
    #[codec(index = 3)]
    TimedOut {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What was burned of the provider's bond.
        burned: Balance,
        /// First block in which the worker may get a job again.
        paused_until_block: BlockNumber,
    },
    /// The worker claimed a result.
    #[codec(index = 4)]
    Attested {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What went back to the requester: the offer was higher than the payment.
        returned: Balance,
        /// First block in which the job can settle.
        settles_block: BlockNumber,
    },
    /// It was paid.
    #[codec(index = 5)]
    Settled {
        /// Who was paid.
        provider: AccountId,
        /// What the requester paid.
        payment: Balance,
        /// What the provider got of it.
        worker_paid: Balance,
        /// What auditors got of it.
        auditors_paid: Balance,
        /// What was burned of it.
        burned: Balance,
        /// What was minted to the provider on top.
        minted: Balance,
        /// Whether it was audited.
        audit: AuditOutcome,
    },
    /// It ended without a payment.
    #[codec(index = 6)]
    Ended {
        /// Why.
        reason: EndReason,
        /// What the requester got back, deposit included.
        refunded: Balance,
        /// What was burned of the deposit.
        burned: Balance,
    },
    /// It was taken from its worker, whose provider was convicted for another job.
    #[codec(index = 7)]
    Recalled {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
    },
    /// Its worker was convicted.
    #[codec(index = 8)]
    Convicted {
        /// Whose bond the lock was.
        provider: AccountId,
        /// What for.
        grounds: Grounds,
        /// Who proved it.
        challenger: Option<AccountId>,
        /// What the challenger got of the lock.
        rewarded: Balance,
        /// What was burned of the lock.
        burned: Balance,
        /// What the requester got back, deposit included.
        refunded: Balance,
    },
    /// Its requester says that the result was not delivered.
    #[codec(index = 9)]
    Refused {
        /// Who is not paid.
        provider: AccountId,
        /// What was burned of the payment.
        burned: Balance,
    },
    /// An auditor was drawn for it.
    #[codec(index = 10)]
    AuditorDrawn {
        /// The auditor.
        auditor: AccountId,
        /// How much it checks.
        scope: AuditScope,
        /// Bond locked behind its verdict.
        lock: Balance,
        /// Dispute time at which a missing verdict costs it a part of that.
        verdict_by_time: u32,
    },
    /// An auditor found nothing wrong.
    #[codec(index = 11)]
    AuditPassed {
        /// The auditor.
        auditor: AccountId,
    },
    /// An auditor gave no verdict that counts, or none could be drawn.
    #[codec(index = 12)]
    AuditMissed {
        /// The auditor; `None` where no auditor had the free bond.
        auditor: Option<AccountId>,
        /// Whether it said that it was not given what it needs.
        withheld: bool,
        /// What was burned of its bond.
        burned: Balance,
    },
    /// An auditor passed what is wrong, or could not open its receipt.
    #[codec(index = 13)]
    AuditorSlashed {
        /// The auditor.
        auditor: AccountId,
        /// What was burned of its bond.
        burned: Balance,
    },
    /// Its requester ordered an audit.
    #[codec(index = 14)]
    AuditOrdered {
        /// How much is checked.
        scope: AuditScope,
        /// Held for the auditor.
        price: Balance,
    },
}

/// What a job waits for now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum JobOutlook<AccountId> {
    /// A worker fits: the chain gives the job away in one of the next blocks.
    AboutToMatch {
        /// The cheapest that fits.
        worker: AccountId,
    },
    /// No worker is idle and live.
    NoLiveWorker,
    /// Every idle worker asks for more than the job offers.
    AsksAboveOffer {
        /// The lowest ask.
        lowest_ask: Balance,
        /// The offer.
        offer: Balance,
    },
    /// No idle worker that is cheap enough has the bond.
    BondsTooSmall {
        /// The bond that the job locks.
        lock: Balance,
        /// The largest free bond among them.
        largest_free_bond: Balance,
    },
    /// Every idle worker that fits has declined the job or timed out before.
    AllExcluded,
    /// The one worker that may do it is not idle and live.
    DirectedWorkerAway {
        /// That worker.
        worker: AccountId,
    },
    /// Its time to wait is over: it ends in the next block that has room.
    WaitOver,
    /// A worker has it.
    BeingComputed {
        /// The worker.
        worker: AccountId,
        /// Last block in which an attestation counts.
        attest_by_block: BlockNumber,
    },
    /// Its result can be challenged.
    InChallenge {
        /// First block in which it can settle, if nothing comes between.
        settles_block: BlockNumber,
        /// Demands for its data that are not answered yet: it does not settle while there is one.
        open_demands: u32,
        /// The auditor whose verdict it waits for.
        auditor: Option<AccountId>,
    },
    /// It was paid.
    Paid,
    /// It ended without a payment.
    Refunded,
    /// Its worker was convicted.
    Convicted,
    /// Its payment was burned: the requester says that the result was not delivered.
    Burned,
}

/// Whether a worker gets jobs now, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum WorkerOutlook {
    /// It is idle: the next job that fits is its.
    Idle {
        /// Bond of its provider that backs no job: a job's lock must not exceed it.
        free_bond: Balance,
    },
    /// It never sent a heartbeat.
    NeverHeard,
    /// Its last heartbeat is too old.
    Silent {
        /// The block of that heartbeat.
        heard_block: BlockNumber,
    },
    /// It said itself that it takes no jobs.
    Offline {
        /// The block of its last heartbeat, before it said so.
        heard_block: BlockNumber,
    },
    /// It pauses after declines or timeouts.
    Paused {
        /// First block in which it may get a job again.
        until_block: BlockNumber,
        /// Declines and timeouts since the last settled job.
        misses: u32,
    },
    /// Its pause is over, and it was not heard since.
    HeartbeatNeeded,
    /// It was convicted: it gets no more jobs as it is registered.
    Convicted,
    /// All its slots have jobs.
    Busy {
        /// Jobs that it can do at once.
        slots: u32,
    },
    /// Its provider's bond backs as many jobs as it may.
    NoLocksLeft,
    /// Its provider's free bond does not cover the lock of the smallest job.
    BondTooSmall {
        /// That free bond.
        free_bond: Balance,
        /// That lock.
        least_lock: Balance,
    },
}

/// Sums of what a provider's workers did.
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
pub struct Units {
    /// Attested, and not proved wrong since.
    pub claimed: Macs,
    /// Settled and paid.
    pub accepted: Macs,
    /// Given to it and not paid: declined, timed out, recalled, convicted or refused.
    pub rejected: Macs,
}

impl Units {
    /// Attested and not settled yet.
    pub fn pending(&self) -> Macs {
        self.claimed.saturating_sub(self.accepted)
    }
}

/// A job, what it waits for and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct JobExplanation<AccountId> {
    /// The job.
    pub job: crate::jobs::Job<AccountId>,
    /// What it waits for.
    pub outlook: JobOutlook<AccountId>,
    /// What happened.
    pub history: Vec<Note<AccountId>>,
}

impl<AccountId: PartialEq> JobExplanation<AccountId> {
    /// Whether an account takes part in the job: posted it, has or had it, or audits it.
    pub fn names(&self, account: &AccountId) -> bool {
        let had_it = |note: &Note<AccountId>| match &note.rule {
            Rule::Assigned {
                worker, provider, ..
            } => worker == account || provider == account,
            Rule::AuditorDrawn { auditor, .. } => auditor == account,
            _ => false,
        };
        &self.job.requester == account || self.history.iter().any(had_it)
    }
}

/// An account's part in the market.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct AccountExplanation<AccountId> {
    /// What its workers did, if it is or was a provider.
    pub units: Option<Units>,
    /// Its bond, if it is a provider.
    pub provider: Option<ProviderReport>,
    /// Its bond as an auditor, if it is one.
    pub auditor: Option<AuditorReport>,
    /// Its workers, at most [`MAX_PAGE`] of them; or itself, if it is one.
    pub workers: Vec<(AccountId, WorkerOutlook)>,
    /// The newest jobs in which it took part, each with what happened to it.
    pub jobs: Vec<(JobId, Vec<Note<AccountId>>)>,
    /// Where older jobs begin: those below this id.
    pub next: Option<JobId>,
}

/// A provider's bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ProviderReport {
    /// Held on its account.
    pub bond: Balance,
    /// Part of it that backs jobs.
    pub locked: Balance,
    /// Number of jobs that it backs.
    pub locks: u32,
    /// Number of its workers.
    pub workers: u32,
}

/// An auditor's bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct AuditorReport {
    /// Held on its account.
    pub bond: Balance,
    /// Part of it that is locked behind verdicts.
    pub locked: Balance,
    /// Number of those verdicts.
    pub locks: u32,
}

/// A worker, its jobs and whether it gets more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct WorkerReport<AccountId> {
    /// Who owns it and is paid.
    pub provider: AccountId,
    /// Least price per compute unit.
    pub ask: Balance,
    /// Jobs that it can do at once.
    pub slots: u32,
    /// Block of its last heartbeat.
    pub heard_block: Option<BlockNumber>,
    /// Declines and timeouts since the last settled job.
    pub misses: u32,
    /// First block in which it may get a job again.
    pub paused_until_block: BlockNumber,
    /// The jobs that it has.
    pub jobs: Vec<JobId>,
    /// Whether it gets more.
    pub outlook: WorkerOutlook,
}

/// A provider's part in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ContributionReport {
    /// The current era.
    pub current_era: crate::EraIndex,
    /// The era of [`of_era`](Self::of_era).
    pub era: crate::EraIndex,
    /// Contributed in that era.
    pub of_era: ContributionSums,
    /// Contributed ever.
    pub lifetime: ContributionSums,
}

/// What a provider contributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ContributionSums {
    /// Multiply-accumulates of settled jobs.
    pub settled_macs: Macs,
    /// Those of them whose requester named the worker.
    pub directed_macs: Macs,
    /// Number of settled jobs.
    pub jobs: u64,
    /// Tokens that were burned of the payments for them.
    pub burned: Balance,
    /// Number of convictions.
    pub convictions: u32,
    /// Verdicts as an auditor on jobs that settled.
    pub audits: u64,
}

/// What a job of some batch costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ModelCost {
    /// Most items of a job.
    pub max_batch: u32,
    /// Multiply-accumulates.
    pub macs: Macs,
    /// Bytes of all inputs.
    pub input_bytes: u64,
    /// Bytes of all outputs.
    pub output_bytes: u64,
    /// Bytes of the trace.
    pub trace_bytes: u64,
    /// Bytes of all parameters.
    pub parameter_bytes: u64,
    /// Bytes of the worst proof about one number.
    pub opening_bytes: u64,
    /// Payment at the least price.
    pub min_payment: Balance,
    /// Bond that is locked behind it.
    pub min_lock: Balance,
    /// Deposit for a job that names no blob server.
    pub deposit: Balance,
    /// Least time that a worker must be given.
    pub min_duration_blocks: BlockNumber,
}

/// Why [`ModelCost`] can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum ModelCostError {
    /// There is no such model.
    ModelUnknown,
    /// The batch is zero or above the model's largest.
    BatchOutOfRange {
        /// The largest.
        max_batch: u32,
    },
    /// The payment exceeds what can be counted.
    PaymentOverflow,
}

/// Most entries of a page.
pub const MAX_PAGE: u32 = 100;
