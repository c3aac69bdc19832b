//! What one pallet may ask of another. The runtime joins them.

use crate::{
    explain::Rule,
    jobs::{AuditOutcome, Grounds, Hashes, Settled},
    Balance, BlockNumber, EraIndex, JobId, Macs, ModelId, Slot,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_tensor::{Cost, Request};
use polkadot_sdk::{
    frame_support::weights::Weight,
    sp_core::H256,
    sp_runtime::{DispatchResult, Perbill},
};
use scale_info::TypeInfo;

/// Public randomness, and the slots of the blocks that it comes from.
pub trait Beacon {
    /// The newest beacon value: that of the parent block.
    fn latest() -> [u8; 32];

    /// The slot of this block.
    fn slot() -> Slot;

    /// The slot of the parent block.
    fn parent_slot() -> Slot;

    /// The value of the first block at or after a slot. `None` if there is none before this one,
    /// or if it is not remembered any more.
    fn first_since(slot: Slot) -> Option<[u8; 32]>;
}

/// What the chain keeps of a registered model for the pallets that use it.
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
pub struct ModelSummary {
    /// Largest batch of a job.
    pub max_batch: u32,
    /// Number of inputs.
    pub inputs: u32,
    /// Number of outputs.
    pub outputs: u32,
    /// What its jobs cost.
    pub cost: Cost,
}

/// The registered models.
pub trait Models {
    /// What is known of a model.
    fn summary(model: &ModelId) -> Option<ModelSummary>;

    /// The SCALE bytes of its program.
    fn program(model: &ModelId) -> Option<Vec<u8>>;
}

/// A worker that could take a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<AccountId> {
    /// Its hot key.
    pub worker: AccountId,
    /// Its provider.
    pub provider: AccountId,
    /// Least price per compute unit.
    pub ask: Balance,
    /// Bond of its provider that backs no job.
    pub free_bond: Balance,
}

/// A place in the order in which workers are tried.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Place<AccountId> {
    /// Ask of the worker.
    pub ask: Balance,
    /// The worker.
    pub worker: AccountId,
}

/// One page of the idle workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<AccountId> {
    /// Those of the page that are live and whose provider has a lock left, lowest ask first.
    pub candidates: Vec<Candidate<AccountId>>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Place<AccountId>>,
}

/// The workers and the bonds behind them.
pub trait Workforce<AccountId> {
    /// Workers with a free slot in the order of their asks: at most `limit` after `after`.
    fn idle(after: Option<&Place<AccountId>>, limit: u32) -> Page<AccountId>;

    /// One worker, if it is idle and live.
    fn candidate(worker: &AccountId) -> Option<Candidate<AccountId>>;

    /// Takes a slot of the worker and locks `lock` of its provider's free bond.
    fn assign(worker: &AccountId, lock: Balance) -> DispatchResult;

    /// Gives the slot back: the worker attested.
    fn finish(worker: &AccountId);

    /// Gives the slot back and lets the worker pause: it declined or timed out. Gives the first
    /// block in which it may get a job again.
    fn miss(worker: &AccountId) -> BlockNumber;

    /// Takes `penalty` of the lock, burns it, and frees the rest. Gives what was burned.
    fn unlock(provider: &AccountId, lock: Balance, penalty: Balance) -> Balance;

    /// A job of the worker settled: its misses are forgotten.
    fn settled(worker: &AccountId);

    /// Takes the whole lock: `share` of it for `challenger`, if there is one, and the rest burned.
    /// The worker gets no more jobs until its provider registers it anew. Gives what was paid and
    /// what was burned.
    fn convict(
        worker: &AccountId,
        provider: &AccountId,
        lock: Balance,
        challenger: Option<&AccountId>,
        share: Perbill,
    ) -> (Balance, Balance);
}

/// A claimed result and where its parts are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedResult<AccountId> {
    /// Who pays for it.
    pub requester: AccountId,
    /// Who signed it.
    pub worker: AccountId,
    /// Whose bond answers for it.
    pub provider: AccountId,
    /// What the job pays.
    pub payment: Balance,
    /// Blocks that its worker had.
    pub duration_blocks: BlockNumber,
    /// The program.
    pub model: ModelId,
    /// Number of items.
    pub batch: u32,
    /// Hashes of the inputs.
    pub inputs: Hashes,
    /// Hashes of the outputs.
    pub outputs: Hashes,
    /// Hash of the trace.
    pub trace: H256,
}

/// Why a result can't be challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInChallenge {
    /// There is no such job, or it ended long ago.
    JobUnknown,
    /// No result is claimed.
    NotAttested,
    /// It was paid, or its payment burned, before.
    Over,
    /// Its worker was convicted before.
    AlreadyConvicted,
}

/// Jobs, as disputes about their results see them.
pub trait ClaimedResults<AccountId> {
    /// The result that a job's worker claims, while it can be challenged.
    fn claimed(job: JobId) -> Result<ClaimedResult<AccountId>, NotInChallenge>;

    /// A demand was made or answered: the chain looks at the job in that block.
    fn look_at(job: JobId, block: BlockNumber);

    /// Adds to the job's history, and lists the job under the auditor that it names.
    fn note(job: JobId, rule: Rule<AccountId>);

    /// Ends the job: the worker loses the lock, the requester has its money back, and the
    /// challenger is paid.
    fn convict(
        job: JobId,
        grounds: Grounds,
        challenger: Option<AccountId>,
    ) -> Result<(), NotInChallenge>;
}

/// What is to be done with an attested job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its challenge period has passed, and no demand is open.
    Settle,
    /// Nothing before that block.
    Nothing(BlockNumber),
    /// Its worker did not give what was demanded.
    Convict(Request),
}

/// How the audits of a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited<AccountId> {
    /// Whether the result counts as checked.
    pub outcome: AuditOutcome,
    /// The auditors whose verdicts count, each once.
    pub auditors: Vec<AccountId>,
}

impl<AccountId> Audited<AccountId> {
    /// No audit was drawn.
    pub fn not_drawn() -> Self {
        Self {
            outcome: AuditOutcome::NotDrawn,
            auditors: Vec::new(),
        }
    }
}

/// Disputes about results, as jobs see them.
pub trait Disputes<AccountId> {
    /// A result was claimed in this block, for the assignment in the block of that hash. Gives
    /// the first block in which the job can settle, if it is not audited.
    fn begin(job: JobId, assigned_block_hash: H256) -> BlockNumber;

    /// Dismisses auditors whose time is over, and says what is to be done with the job and what
    /// this weighed. Auditors are drawn elsewhere, and then the chain is told when to look at the
    /// job again.
    fn advance(job: JobId) -> (Due, Weight);

    /// The weight of [`Disputes::advance`] at its worst.
    fn advance_weight() -> Weight;

    /// How many verdicts "pass" there are on the job: at its end as many auditors may have to be
    /// paid.
    fn passes(job: JobId) -> u32;

    /// The most that there can be.
    fn most_passes() -> u32;

    /// The same as [`Disputes::advance`], changing nothing.
    fn due(job: JobId) -> Due;

    /// The first block in which the job can settle, if nothing comes between.
    fn settles_block(job: JobId) -> BlockNumber;

    /// How many demands are open, for its data or for an auditor's receipt.
    fn open_demands(job: JobId) -> u32;

    /// The auditor whose verdict the job waits for.
    fn auditor_at_work(job: JobId) -> Option<AccountId>;

    /// The worker's provider was convicted for another job: this one is audited for certain.
    fn audit_for_certain(job: JobId);

    /// The job ended, with a conviction on those grounds or without one: who demanded has the
    /// deposit back, auditors have their locks back as far as they were right.
    fn end(job: JobId, convicted: Option<&Grounds>) -> Audited<AccountId>;
}

/// Splits payments, burns and mints.
pub trait Settlement<AccountId, Credit> {
    /// Pays the provider and the auditors out of `payment`, burns the rest, and mints the reward.
    fn settle(payment: Credit, provider: &AccountId, audited: &Audited<AccountId>) -> Settled;
}

/// The ledger.
pub trait Contributions<AccountId> {
    /// Records a settled job.
    fn record_settled(provider: &AccountId, macs: Macs, directed: bool, burned: Balance);

    /// Records that a worker of the provider was convicted.
    fn record_convicted(provider: &AccountId);

    /// Records a verdict of an auditor on a job that settled.
    fn record_audited(auditor: &AccountId);

    /// The current era.
    fn era() -> EraIndex;

    /// The era of a block.
    fn era_of(block: BlockNumber) -> EraIndex;
}
