//! What one pallet may ask of another. The runtime joins them.

use crate::{jobs::Settled, Balance, BlockNumber, EraIndex, Macs, ModelId};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_tensor::Cost;
use polkadot_sdk::sp_runtime::DispatchResult;
use scale_info::TypeInfo;

/// Latest public randomness.
pub trait Beacon {
    /// The newest beacon value.
    fn latest() -> [u8; 32];
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
}

/// Splits payments, burns and mints.
pub trait Settlement<AccountId, Credit> {
    /// Pays the provider out of `payment`, burns the rest, and mints the reward.
    fn settle(payment: Credit, provider: &AccountId) -> Settled;
}

/// The ledger.
pub trait Contributions<AccountId> {
    /// Records a settled job.
    fn record_settled(provider: &AccountId, macs: Macs, directed: bool, burned: Balance);

    /// The current era.
    fn era() -> EraIndex;

    /// The era of a block.
    fn era_of(block: BlockNumber) -> EraIndex;
}
