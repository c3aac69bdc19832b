//! Presets from which a chain starts. The chain's specification names one of them.

use crate::{
    configs::consensus::GENESIS_EPOCH_CONFIG, AccountId, BabeConfig, Balance, BalancesConfig,
    JobsConfig, RewardsConfig, RuntimeGenesisConfig, SessionConfig, SessionKeys, MZN,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use mizan_protocol::{Economics, Timing};
use polkadot_sdk::*;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// What each well-known development account starts with.
const DEVELOPMENT_ENDOWMENT: Balance = 1_000_000 * MZN;

/// The well-known development accounts. Their keys are public: never use them on a real chain.
const DEVELOPMENT_ACCOUNTS: [Sr25519Keyring; 6] = [
    Sr25519Keyring::Alice,
    Sr25519Keyring::Bob,
    Sr25519Keyring::Charlie,
    Sr25519Keyring::Dave,
    Sr25519Keyring::Eve,
    Sr25519Keyring::Ferdie,
];

/// The preset of this name as JSON, if there is one.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_str() {
        DEV_RUNTIME_PRESET => development(),
        LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The names of all presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![
        PresetId::from(DEV_RUNTIME_PRESET),
        PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET),
    ]
}

/// One validator, Alice, and six funded accounts.
fn development() -> Value {
    with_public_keys(&[(Sr25519Keyring::Alice, Ed25519Keyring::Alice)])
}

/// Three validators, so that a network can be tried on one machine, and the same six accounts.
///
/// A block is final once more than two thirds of the validators voted for it: all three. While one
/// is down, blocks are made and none becomes final.
fn local_testnet() -> Value {
    with_public_keys(&[
        (Sr25519Keyring::Alice, Ed25519Keyring::Alice),
        (Sr25519Keyring::Bob, Ed25519Keyring::Bob),
        (Sr25519Keyring::Charlie, Ed25519Keyring::Charlie),
    ])
}

/// A chain for trying out: everybody knows the keys of its validators and of its money. Its
/// validators' session keys are those that `mizan-node --alice` and its like hold.
fn with_public_keys(validators: &[(Sr25519Keyring, Ed25519Keyring)]) -> Value {
    genesis(
        validators
            .iter()
            .map(|(account, voter)| {
                let keys = SessionKeys {
                    babe: account.public().into(),
                    grandpa: voter.public().into(),
                };
                (account.to_account_id(), keys)
            })
            .collect(),
        DEVELOPMENT_ACCOUNTS
            .iter()
            .map(|account| (account.to_account_id(), DEVELOPMENT_ENDOWMENT))
            .collect(),
        Timing::development(),
        Economics::default(),
    )
}

/// The authorities of BABE and GRANDPA stay empty: Session fills both from the validators' keys.
fn genesis(
    validators: Vec<(AccountId, SessionKeys)>,
    balances: Vec<(AccountId, Balance)>,
    timing: Timing,
    economics: Economics,
) -> Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        babe: BabeConfig {
            epoch_config: GENESIS_EPOCH_CONFIG
        },
        balances: BalancesConfig { balances },
        jobs: JobsConfig { timing },
        rewards: RewardsConfig { economics },
        session: SessionConfig {
            keys: validators
                .into_iter()
                .map(|(account, keys)| (account.clone(), account, keys))
                .collect(),
        },
    })
}
