//! Which benchmarks there are, and what they need of this runtime.
//!
//! `scripts/weights` runs them and writes [`crate::weights`].

use crate::{configs::consensus::MAX_AUTHORITIES, *};
use alloc::{string::String, vec, vec::Vec};
use codec::Encode;
use cumulus_pallet_session_benchmarking::Pallet as SessionBench;
use frame_benchmarking::{account, BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::traits::{
    fungible::Mutate, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys,
};
use frame_system::RawOrigin;
use frame_system_benchmarking::{extensions::Pallet as ExtensionsBench, Pallet as SystemBench};
use mizan_protocol::ModelId;
use mizan_tensor::{
    Operand, Operation, Parameter, Program, TensorType, FORMAT, MAX_INPUTS, MAX_OUTPUTS,
};
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

/// Sets up what benchmarks of one pallet need of others, by the calls that users make.
pub struct Helper;

impl pallet_providers::BenchmarkHelper<AccountId, MultiSignature> for Helper {
    fn sign(bytes: impl FnOnce(&AccountId) -> Vec<u8>) -> (AccountId, MultiSignature) {
        const KEYS: KeyTypeId = KeyTypeId(*b"bnch");
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
        let number = pallet_providers::Providers::<Runtime>::iter_keys().count();
        let provider: AccountId = account("provider", u32::try_from(number).expect("few; qed"), 0);
        endow(&provider, bond + MZN);
        let origin = RawOrigin::Signed(provider.clone());
        Providers::register_provider(origin.clone().into(), bond).expect("it has the bond; qed");
        let genesis = System::block_hash(0);
        let (worker, consent) = <Self as pallet_providers::BenchmarkHelper<_, _>>::sign(|worker| {
            pallet_providers::registration::consent_bytes(genesis.as_ref(), &provider, worker)
        });
        Providers::register_worker(origin.into(), worker.clone(), ask, 1, Some(consent))
            .expect("it consents; qed");
        Providers::heartbeat(RawOrigin::Signed(worker.clone()).into()).expect("it is due; qed");
        worker
    }
}

fn endow(who: &AccountId, amount: Balance) {
    Balances::mint_into(who, amount).expect("the issuance has room; qed");
}

/// The most inputs and outputs, all of them small.
fn program(owner: &AccountId) -> Program {
    let parameter = |tensor| Parameter {
        hash: [1; 32],
        tensor,
    };
    let outputs: Vec<u16> = (0u16..).take(MAX_OUTPUTS as usize).collect();
    let operation = |_: &u16| Operation::Linear {
        input: Operand::Input(0),
        weights: 0,
        channels: 1,
        table: None,
    };
    Program {
        format: FORMAT,
        owner: owner.clone().into(),
        max_batch: 4_096,
        inputs: vec![TensorType::i8(&[8]); MAX_INPUTS as usize],
        parameters: vec![
            parameter(TensorType::i8(&[8, 8])),
            parameter(TensorType::channels(8)),
        ],
        tables: vec![],
        operations: outputs.iter().map(operation).collect(),
        outputs,
    }
}
