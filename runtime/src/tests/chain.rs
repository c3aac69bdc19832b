//! A chain in memory: blocks pass, hooks run, and every invariant is checked after each.

use super::on_development_chain;
use crate::{
    AccountId, Balance, Balances, Beacon, Contributions, Disputes, Jobs, Models, Providers,
    Rewards, Runtime, RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, System,
};
use frame_support::{
    assert_ok,
    traits::{
        fungible::{Inspect, InspectHold},
        OnIdle, OnInitialize, PostTransactions,
    },
    weights::Weight,
};
use mizan_protocol::{
    jobs::{BlobServers, Hashes, Job, JobState},
    Economics, JobId, ModelId, Slot, Timing, UNIT,
};
use mizan_tensor::{Operand, Operation, Parameter, Program, Table, TensorType, FORMAT};
use polkadot_sdk::*;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;

pub(super) use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie};

/// The slot of block 1: not its number.
pub(super) const FIRST_SLOT: Slot = 700;

/// Runs a test from block 1 of the development chain, and checks every invariant at its end.
pub(super) fn on_chain(test: impl FnOnce()) {
    on_development_chain(|| {
        start_block(FIRST_SLOT);
        test();
        check_invariants();
    });
}

pub(super) fn id(who: Sr25519Keyring) -> AccountId {
    who.to_account_id()
}

pub(super) fn signed(who: Sr25519Keyring) -> RuntimeOrigin {
    RuntimeOrigin::signed(id(who))
}

pub(super) fn timing() -> Timing {
    pallet_jobs::TimingRecord::<Runtime>::get()
}

pub(super) fn economics() -> Economics {
    pallet_rewards::EconomicsRecord::<Runtime>::get()
}

pub(super) fn block_hash(block: u32) -> H256 {
    H256::from_low_u64_be(u64::from(block) + 1_000)
}

/// Begins the next block, in that slot, with what needs no room. Gives its number.
pub(super) fn start_bare_block(slot: Slot) -> u32 {
    let block = now() + 1;
    System::initialize(&block, &block_hash(block - 1), &Default::default());
    pallet_babe::CurrentSlot::<Runtime>::put(sp_consensus_babe::Slot::from(slot));
    Beacon::on_initialize(block);
    block
}

fn start_block(slot: Slot) {
    let block = start_bare_block(slot);
    // In the runtime's order.
    Jobs::on_initialize(block);
    Rewards::on_initialize(block);
    Disputes::on_initialize(block);
}

/// A block whose hooks had no room for anything.
pub(super) fn start_block_without_hooks() {
    Disputes::post_transactions();
    start_bare_block(slot() + 1);
}

pub(super) fn run_jobs_hooks() {
    Jobs::on_initialize(now());
}

pub(super) fn now() -> u32 {
    System::block_number()
}

/// The slot of this block.
pub(super) fn slot() -> Slot {
    *pallet_babe::CurrentSlot::<Runtime>::get()
}

/// What is done at the end of a block that nobody fills.
pub(super) fn end_block() {
    Disputes::post_transactions();
    Jobs::on_idle(now(), Weight::from_parts(u64::MAX / 8, u64::MAX / 8));
    check_invariants();
}

/// Lets blocks pass until `block` has begun. Gives the events of all of them.
pub(super) fn run_to(block: u32) -> Vec<RuntimeEvent> {
    let mut events = events();
    while now() < block {
        events.extend(pass_over(0));
    }
    events
}

/// Ends this block, leaves so many slots empty, and begins the next block. Gives its events.
pub(super) fn pass_over(empty: Slot) -> Vec<RuntimeEvent> {
    end_block();
    start_block(slot() + empty + 1);
    events()
}

/// Lets that many blocks pass.
pub(super) fn pass(blocks: u32) -> Vec<RuntimeEvent> {
    run_to(now() + blocks)
}

pub(super) fn events() -> Vec<RuntimeEvent> {
    System::events()
        .into_iter()
        .map(|record| record.event)
        .collect()
}

pub(super) fn check_invariants() {
    assert_ok!(Beacon::do_try_state());
    assert_ok!(Providers::do_try_state());
    assert_ok!(Models::do_try_state());
    assert_ok!(Jobs::do_try_state());
    assert_ok!(Contributions::do_try_state());
    assert_ok!(Rewards::do_try_state());
    assert_ok!(Disputes::do_try_state());
}

/// Free and held.
pub(super) fn wealth(who: Sr25519Keyring) -> Balance {
    Balances::total_balance(&id(who))
}

pub(super) fn free(who: Sr25519Keyring) -> Balance {
    Balances::free_balance(id(who))
}

pub(super) fn held(who: Sr25519Keyring, reason: impl Into<RuntimeHoldReason>) -> Balance {
    Balances::balance_on_hold(&reason.into(), &id(who))
}

/// A program of one linear operation: 8 values in, 3 out, at most 4,096 items.
pub(super) fn program(owner: Sr25519Keyring) -> Program {
    let parameter = |tensor| Parameter {
        hash: [1; 32],
        tensor,
    };
    Program {
        format: FORMAT,
        owner: owner.to_account_id().into(),
        max_batch: 4_096,
        inputs: vec![TensorType::i8(&[8])],
        parameters: vec![
            parameter(TensorType::i8(&[3, 8])),
            parameter(TensorType::channels(3)),
        ],
        tables: vec![Table::from_fn(|x| x.max(0))],
        operations: vec![Operation::Linear {
            input: Operand::Input(0),
            weights: 0,
            channels: 1,
            table: Some(0),
        }],
        outputs: vec![0],
    }
}

/// Registers Alice's program.
pub(super) fn model() -> ModelId {
    use codec::Encode;
    let bytes = program(Alice).encode();
    let model = H256(mizan_tensor::hash_bytes(&bytes));
    assert_ok!(Models::register_model(
        signed(Alice),
        bytes.try_into().expect("it is short")
    ));
    model
}

/// Makes an account a provider that is its own worker, live and idle.
pub(super) fn provide(who: Sr25519Keyring, bond: Balance, ask: Balance) {
    assert_ok!(Providers::register_provider(signed(who), bond));
    assert_ok!(Providers::register_worker(
        signed(who),
        id(who),
        ask,
        1,
        None
    ));
    assert_ok!(Providers::heartbeat(signed(who)));
}

pub(super) fn inputs() -> Hashes {
    vec![H256([5; 32])].try_into().expect("one fits")
}

/// A job with sound values, to be changed one at a time.
pub(super) struct Post {
    pub(super) model: ModelId,
    pub(super) batch: u32,
    pub(super) inputs: Hashes,
    pub(super) price: Balance,
    pub(super) duration: u32,
    pub(super) wait: u32,
    pub(super) worker: Option<AccountId>,
    pub(super) blob_servers: BlobServers,
}

impl Post {
    /// For a registered model.
    pub(super) fn of(model: ModelId) -> Self {
        Self {
            model,
            batch: 100,
            inputs: inputs(),
            price: UNIT,
            duration: 10,
            wait: 50,
            worker: None,
            blob_servers: BlobServers::default(),
        }
    }

    pub(super) fn by(self, who: Sr25519Keyring) -> frame_support::dispatch::DispatchResult {
        Jobs::post_job(
            signed(who),
            self.model,
            self.batch,
            self.inputs,
            self.price,
            self.duration,
            self.wait,
            self.worker,
            self.blob_servers,
        )
    }

    /// Posts it and gives its id.
    pub(super) fn accepted(self, who: Sr25519Keyring) -> JobId {
        let job = pallet_jobs::NextJobId::<Runtime>::get();
        assert_ok!(self.by(who));
        job
    }
}

pub(super) fn job(job: JobId) -> Job<AccountId> {
    pallet_jobs::Jobs::<Runtime>::get(job).expect("the job is known")
}

pub(super) fn worker_of(id: JobId) -> AccountId {
    match job(id).state {
        JobState::Assigned(assignment) => assignment.worker,
        state => panic!("no worker has the job: {state:?}"),
    }
}

pub(super) fn attest(who: Sr25519Keyring, id: JobId) -> frame_support::dispatch::DispatchResult {
    let assigned = match job(id).state {
        JobState::Assigned(assignment) => assignment.assigned_block,
        _ => now(),
    };
    Jobs::attest_job(
        signed(who),
        id,
        block_hash(assigned),
        outputs(),
        H256([8; 32]),
    )
}

pub(super) fn outputs() -> Hashes {
    vec![H256([7; 32])].try_into().expect("one fits")
}
