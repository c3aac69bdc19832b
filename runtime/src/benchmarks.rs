//! Which benchmarks there are, and what they need of this runtime.
//!
//! `scripts/weights` runs them and writes [`crate::weights`].

mod calls;
mod claims;
mod programs;

use crate::{configs::consensus::MAX_AUTHORITIES, *};
use alloc::{string::String, vec, vec::Vec};
use calls::{attest, endow, idle_worker, post, register};
use claims::{claim_wrong_result, open_most_demands};
use codec::Encode;
use cumulus_pallet_session_benchmarking::Pallet as SessionBench;
use frame_benchmarking::{account, BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};
use frame_system::RawOrigin;
use frame_system_benchmarking::{extensions::Pallet as ExtensionsBench, Pallet as SystemBench};
use mizan_protocol::{traits::ClaimedResults, JobId, ModelId, Slot};
use mizan_tensor::{Accusation, MAX_OUTPUTS, MAX_REDUCTION};
use programs::program;
use sp_consensus_babe::{
    digests::{PreDigest, SecondaryPlainPreDigest},
    BABE_ENGINE_ID,
};
use sp_core::{crypto::KeyTypeId, H256};
use sp_runtime::{DigestItem, MultiSigner};

// Babe, Grandpa, Authorship, SkipFeelessPayment and Contributions have nothing to measure whose
// weight this runtime uses.
frame_benchmarking::define_benchmarks!(
    [frame_system, SystemBench::<Runtime>]
    [frame_system_extensions, ExtensionsBench::<Runtime>]
    [pallet_timestamp, Timestamp]
    [pallet_balances, Balances]
    [pallet_transaction_payment, TransactionPayment]
    [pallet_session, SessionBench::<Runtime>]
    [pallet_utility, Utility]
    [pallet_beacon, Beacon]
    [pallet_providers, Providers]
    [pallet_models, Models]
    [pallet_jobs, Jobs]
    [pallet_disputes, Disputes]
    [pallet_rewards, Rewards]
);

/// The benchmarks, and the storage that they may touch.
pub(crate) fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Runs one benchmark.
pub(crate) fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}

impl frame_system_benchmarking::Config for Runtime {}

impl cumulus_pallet_session_benchmarking::Config for Runtime {
    /// Seats the owner as the last of the most validators: only a sitting one may set keys.
    fn generate_session_keys_and_proof(owner: AccountId) -> (SessionKeys, Vec<u8>) {
        let mut validators: Vec<AccountId> = (1..MAX_AUTHORITIES)
            .map(|number| account("validator", number, 0))
            .collect();
        validators.push(owner.clone());
        pallet_session::Validators::<Runtime>::put(validators);
        let generated = SessionKeys::generate(&owner.encode(), None);
        (generated.keys, generated.proof.encode())
    }
}

impl pallet_transaction_payment::BenchmarkConfig for Runtime {
    /// Fees go to the author of the block: there is one, at the end of the most validators.
    fn setup_benchmark_environment() {
        let validators: Vec<AccountId> = (0..MAX_AUTHORITIES)
            .map(|number| account("validator", number, 0))
            .collect();
        pallet_session::Validators::<Runtime>::put(validators);
        let claim = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
            authority_index: MAX_AUTHORITIES - 1,
            slot: 1.into(),
        });
        System::deposit_log(DigestItem::PreRuntime(BABE_ENGINE_ID, claim.encode()));
    }
}

const KEYS: KeyTypeId = KeyTypeId(*b"bnch");

/// Sets up what benchmarks of one pallet need of others, by the calls that users make.
pub struct Helper;

impl pallet_providers::BenchmarkHelper<AccountId, MultiSignature> for Helper {
    fn sign(bytes: impl FnOnce(&AccountId) -> Vec<u8>) -> (AccountId, MultiSignature) {
        let key = sp_io::crypto::sr25519_generate(KEYS, None);
        let who = MultiSigner::from(key).into_account();
        let signature = sp_io::crypto::sr25519_sign(KEYS, &key, &bytes(&who));
        (who, signature.expect("the key was just made; qed").into())
    }
}

impl pallet_jobs::BenchmarkHelper<AccountId> for Helper {
    fn model() -> ModelId {
        let owner: AccountId = account("model owner", 0, 0);
        endow(&owner, 100 * MZN);
        let bytes = program(&owner).encode();
        let model = H256(mizan_tensor::hash_bytes(&bytes));
        let bytes = bytes.try_into().expect("the program is short; qed");
        Models::register_model(RawOrigin::Signed(owner).into(), bytes).expect("it is valid; qed");
        model
    }

    fn worker(ask: Balance, bond: Balance) -> AccountId {
        idle_worker(ask, bond, 1)
    }

    fn job_with_silent_worker() -> JobId {
        let (job, ..) = claim_wrong_result(1, 0, 0);
        open_most_demands(job);
        Self::fill_audits(job, pallet_disputes::MAX_PASSES, true);
        Self::let_dispute_time_pass();
        job
    }

    fn fill_audits(job: JobId, passes: u32, at_work: bool) {
        use pallet_disputes::fill_audits;
        fill_audits::<Runtime>(job, passes, at_work, at_work).expect("there is room; qed");
    }

    fn let_dispute_time_pass() {
        pallet_disputes::Time::<Runtime>::put(u32::MAX);
    }

    fn large_result() -> (AccountId, JobId) {
        let owner: AccountId = account("model owner", 2, 0);
        endow(&owner, 100 * MZN);
        let mut program = program(&owner);
        program.max_batch = 65_536;
        let outputs = vec![H256([7; 32]); program.outputs.len()];
        let inputs = vec![H256([7; 32]); program.inputs.len()];
        let model = register(owner, &program);
        let worker = idle_worker(1, 1_000 * MZN, 1);
        let requester: AccountId = account("requester", 0, 0);
        endow(&requester, 100 * MZN);
        let job = post(&requester, model, 65_536, inputs, &worker);
        attest(job, &worker, outputs, H256([8; 32]));
        (requester, job)
    }
}

impl pallet_disputes::BenchmarkHelper<AccountId, Signature> for Helper {
    fn wrong_result(
        operations: u32,
        parameters: u32,
        evidence_bytes: u32,
    ) -> (JobId, Accusation, Vec<u8>) {
        claim_wrong_result(operations, parameters, evidence_bytes)
    }

    fn second_attestation(job: JobId) -> (Vec<u8>, Signature) {
        let worker = <Jobs as ClaimedResults<_>>::claimed(job)
            .expect("it is claimed; qed")
            .worker;
        let case = pallet_disputes::Cases::<Runtime>::get(job).expect("it has a case; qed");
        let outputs = vec![H256([5; 32]); MAX_OUTPUTS as usize];
        let call = RuntimeCall::Jobs(pallet_jobs::Call::attest_job {
            job,
            assigned_block_hash: case.assigned_block_hash,
            outputs: outputs.try_into().expect("they are the most; qed"),
            trace: H256([5; 32]),
        });
        let mut payload = call.encode();
        // What extensions add.
        payload.resize(payload.len() + 128, 0);
        let key = sp_core::sr25519::Public::from_raw(worker.into());
        let hash = sp_io::hashing::blake2_256(&payload);
        let signature = sp_io::crypto::sr25519_sign(KEYS, &key, &hash);
        (
            payload,
            signature.expect("the key was made here; qed").into(),
        )
    }

    fn false_receipt(operations: u32, parameters: u32, seed: &H256) -> (JobId, H256, Vec<u8>) {
        let (job, ..) = claim_wrong_result(operations, parameters, 2 * MAX_REDUCTION);
        // All of the job: its input, which is zero, and the trace.
        let input = vec![0u8; MAX_REDUCTION as usize];
        let mut stream = input.clone();
        stream.resize(stream.len() + operations as usize, 1);
        if let Some(first) = stream.first_mut() {
            *first = 1;
        }
        let seed = seed.as_fixed_bytes();
        let mut plain = Vec::new();
        mizan_tensor::write_slice(&mut plain, &input, 0, 1).expect("it is there; qed");
        let opening = mizan_tensor::receipt_opening(&stream, seed, 0, &plain);
        let receipt = H256(mizan_tensor::receipt(&stream, seed));
        (job, receipt, opening.expect("it is there; qed"))
    }

    fn remember_blocks() -> Slot {
        let now = System::block_number() + BLOCK_HASH_COUNT;
        let oldest = now - BLOCK_HASH_COUNT;
        for block in oldest..now {
            pallet_beacon::Outputs::<Runtime>::insert(block, [1; 32]);
            pallet_beacon::Slots::<Runtime>::insert(block, Slot::from(block));
        }
        System::set_block_number(now);
        Slot::from(oldest + 1)
    }
}
