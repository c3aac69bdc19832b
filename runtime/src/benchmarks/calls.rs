//! The calls by which users come to the state that a benchmark begins with.

use super::Helper;
use crate::*;
use alloc::vec::Vec;
use codec::Encode;
use frame_benchmarking::account;
use frame_support::traits::fungible::Mutate;
use frame_system::RawOrigin;
use mizan_protocol::{JobId, ModelId};
use mizan_tensor::Program;
use sp_core::H256;

pub(super) fn endow(who: &AccountId, amount: Balance) {
    Balances::mint_into(who, amount).expect("the issuance has room; qed");
}

/// A new worker of a new provider.
pub(super) fn idle_worker(ask: Balance, bond: Balance, slots: u32) -> AccountId {
    let number = pallet_providers::Providers::<Runtime>::iter_keys().count();
    let provider: AccountId = account("provider", u32::try_from(number).expect("few; qed"), 0);
    endow(&provider, bond + MZN);
    let origin = RawOrigin::Signed(provider.clone());
    Providers::register_provider(origin.clone().into(), bond).expect("it has the bond; qed");
    let genesis = System::block_hash(0);
    let (worker, consent) = <Helper as pallet_providers::BenchmarkHelper<_, _>>::sign(|worker| {
        pallet_providers::registration::consent_bytes(genesis.as_ref(), &provider, worker)
    });
    Providers::register_worker(origin.into(), worker.clone(), ask, slots, Some(consent))
        .expect("it consents; qed");
    Providers::heartbeat(RawOrigin::Signed(worker.clone()).into()).expect("it is due; qed");
    worker
}

pub(super) fn register(owner: AccountId, program: &Program) -> ModelId {
    let bytes = program.encode();
    let model = H256(mizan_tensor::hash_bytes(&bytes));
    let bytes = bytes.try_into().expect("it is short enough; qed");
    Models::register_model(RawOrigin::Signed(owner).into(), bytes).expect("it is valid; qed");
    model
}

/// Posts a job for one worker, which has it at once.
pub(super) fn post(
    requester: &AccountId,
    model: ModelId,
    batch: u32,
    inputs: Vec<H256>,
    worker: &AccountId,
) -> JobId {
    let job = pallet_jobs::NextJobId::<Runtime>::get();
    let inputs = inputs.try_into().expect("they are few; qed");
    let origin = RawOrigin::Signed(requester.clone());
    let worker = Some(worker.clone());
    Jobs::post_job(
        origin.into(),
        model,
        batch,
        inputs,
        MZN,
        100,
        100,
        worker,
        Default::default(),
    )
    .expect("it can be paid; qed");
    job
}

pub(super) fn attest(job: JobId, worker: &AccountId, outputs: Vec<H256>, trace: H256) {
    let now = System::block_number();
    let hash = H256([9; 32]);
    frame_system::BlockHash::<Runtime>::insert(now, hash);
    System::set_block_number(now + 1);
    let outputs = outputs.try_into().expect("they are few; qed");
    Jobs::attest_job(
        RawOrigin::Signed(worker.clone()).into(),
        job,
        hash,
        outputs,
        trace,
    )
    .expect("it has the job; qed");
}
