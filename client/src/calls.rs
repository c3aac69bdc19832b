//! Every call of the Mizan pallets, to be given to [`Client::submit`](crate::Client::submit).

use crate::{
    runtime::{
        self,
        runtime_types::{
            bounded_collections::bounded_vec::BoundedVec,
            mizan_protocol::jobs::DeclineReason as Reason, sp_runtime::MultiSignature,
        },
    },
    AccountId, Hash, Keypair,
};
use codec::Encode;
use subxt::{
    transactions::Payload,
    utils::{MultiAddress, H256},
};

/// A worker key's signature under its [`consent`].
pub type Consent = MultiSignature;

/// What a requester asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The program to run.
    pub model: Hash,
    /// Number of items.
    pub batch: u32,
    /// Hashes of the inputs, in the program's order.
    pub inputs: Vec<Hash>,
    /// Most to pay for a compute unit.
    pub price_per_unit: u128,
    /// Blocks that a worker has from its assignment.
    pub duration_blocks: u32,
    /// Blocks that the job may wait for a worker.
    pub wait_blocks: u32,
    /// The only worker that may do it.
    pub worker: Option<AccountId>,
    /// Addresses of blob servers: `http://` or `https://`, at most four of at most 128 bytes.
    pub blob_servers: Vec<String>,
}

/// Why a worker does not take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    /// An input or parameter can't be fetched, or has another length or hash than it must.
    InputsUnavailable,
    /// The job does not fit this worker's memory or disk.
    TooLarge,
    /// The worker is shutting down or was taken back by its owner.
    Unavailable,
}

/// Post a job.
pub fn post_job(offer: Offer) -> impl Payload {
    runtime::tx().jobs().post_job(
        H256(offer.model),
        offer.batch,
        hashes(&offer.inputs),
        offer.price_per_unit,
        offer.duration_blocks,
        offer.wait_blocks,
        offer.worker,
        blob_servers(offer.blob_servers),
    )
}

/// Take back a job that no worker has.
pub fn cancel_job(job: u64) -> impl Payload {
    runtime::tx().jobs().cancel_job(job)
}

/// Decline a job soon after its assignment.
pub fn decline_job(job: u64, reason: DeclineReason) -> impl Payload {
    let reason = match reason {
        DeclineReason::InputsUnavailable => Reason::InputsUnavailable,
        DeclineReason::TooLarge => Reason::TooLarge,
        DeclineReason::Unavailable => Reason::Unavailable,
    };
    runtime::tx().jobs().decline_job(job, reason)
}

/// Claim a job's result. `assigned_block_hash` is the hash of the block of the assignment.
pub fn attest_job(
    job: u64,
    assigned_block_hash: Hash,
    outputs: &[Hash],
    trace: Hash,
) -> impl Payload {
    let block = H256(assigned_block_hash);
    runtime::tx()
        .jobs()
        .attest_job(job, block, hashes(outputs), H256(trace))
}

/// Register a model by the SCALE bytes of its program, which name the caller as owner.
pub fn register_model(program: Vec<u8>) -> impl Payload {
    runtime::tx().models().register_model(BoundedVec(program))
}

/// Become a provider with a bond.
pub fn register_provider(bond: u128) -> impl Payload {
    runtime::tx().providers().register_provider(bond)
}

/// Add to the bond.
pub fn bond(amount: u128) -> impl Payload {
    runtime::tx().providers().bond(amount)
}

/// Take back bond that backs no job.
pub fn unbond(amount: u128) -> impl Payload {
    runtime::tx().providers().unbond(amount)
}

/// Register a worker's hot key; one other than the caller's needs its [`consent`].
pub fn register_worker(
    worker: AccountId,
    ask: u128,
    slots: u32,
    consent: Option<Consent>,
) -> impl Payload {
    runtime::tx()
        .providers()
        .register_worker(worker, ask, slots, consent)
}

/// A worker key's consent to work for a provider on the chain of that genesis.
pub fn consent(worker: &Keypair, provider: &AccountId, genesis: &Hash) -> Consent {
    let mut bytes = b"mizan: work for provider".to_vec();
    bytes.extend_from_slice(genesis);
    (provider.0, worker.public_key().0).encode_to(&mut bytes);
    MultiSignature::Sr25519(worker.sign(&bytes).0)
}

/// Change the least price per compute unit at which a worker works.
pub fn set_ask(worker: AccountId, ask: u128) -> impl Payload {
    runtime::tx().providers().set_ask(worker, ask)
}

/// Say that the worker is there.
pub fn heartbeat() -> impl Payload {
    runtime::tx().providers().heartbeat()
}

/// Say that the worker takes no new jobs until its next heartbeat.
pub fn go_offline() -> impl Payload {
    runtime::tx().providers().go_offline()
}

/// Take a worker off.
pub fn deregister_worker(worker: AccountId) -> impl Payload {
    runtime::tx().providers().deregister_worker(worker)
}

/// Stop being a provider and take the whole bond back.
pub fn exit() -> impl Payload {
    runtime::tx().providers().exit()
}

/// Send money. The sender's account stays alive.
pub fn transfer(to: AccountId, amount: u128) -> impl Payload {
    runtime::tx()
        .balances()
        .transfer_keep_alive(MultiAddress::Id(to), amount)
}

/// Burn tokens of one's own.
pub fn burn(amount: u128) -> impl Payload {
    runtime::tx().rewards().burn(amount)
}

fn blob_servers(addresses: Vec<String>) -> BoundedVec<BoundedVec<u8>> {
    let bytes = addresses.into_iter().map(String::into_bytes);
    BoundedVec(bytes.map(BoundedVec).collect())
}

fn hashes(hashes: &[Hash]) -> BoundedVec<H256> {
    BoundedVec(hashes.iter().copied().map(H256).collect())
}
