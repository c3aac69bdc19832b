//! What the presets promise about validators, voters and money.

use super::{merge, on_chain_of};
use crate::{genesis, AccountId, Babe, Balances, Grandpa, Session, EPOCH_DURATION_IN_SLOTS, MZN};
use mizan_protocol::Timing;
use polkadot_sdk::*;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{
    Ed25519Keyring,
    Sr25519Keyring::{self, Alice, Bob, Charlie},
};
use std::collections::BTreeSet;

const VALIDATORS: [Sr25519Keyring; 3] = [Alice, Bob, Charlie];
const VOTERS: [Ed25519Keyring; 3] = [
    Ed25519Keyring::Alice,
    Ed25519Keyring::Bob,
    Ed25519Keyring::Charlie,
];

fn on_local_testnet(test: impl FnOnce()) {
    on_chain_of(LOCAL_TESTNET_RUNTIME_PRESET, test);
}

fn json(preset: &str) -> Value {
    let preset = genesis::preset(&PresetId::from(preset)).expect("the preset exists");
    serde_json::from_slice(&preset).expect("a preset is JSON")
}

#[test]
fn presets_have_the_names_that_tools_look_for() {
    let names = genesis::preset_names();
    assert_eq!(names, [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET]);
}

#[test]
fn local_testnet_has_alice_bob_and_charlie_as_validators() {
    on_local_testnet(|| {
        let validators: BTreeSet<AccountId> = Session::validators().into_iter().collect();
        let expected = VALIDATORS.map(|validator| validator.to_account_id());
        assert_eq!(validators, BTreeSet::from(expected));
    });
}

#[test]
fn local_testnets_validators_author_and_vote_with_equal_weight() {
    on_local_testnet(|| {
        let authors: Vec<_> = Babe::authorities().to_vec();
        let keys: BTreeSet<_> = authors.iter().map(|(key, _)| key.clone()).collect();
        let expected = VALIDATORS.map(|validator| validator.public().into());
        assert_eq!(keys, BTreeSet::from(expected));
        assert!(authors.iter().all(|(_, weight)| *weight == 1));

        let voters = Grandpa::grandpa_authorities();
        let keys: BTreeSet<_> = voters.iter().map(|(key, _)| key.clone()).collect();
        let expected = VOTERS.map(|voter| voter.public().into());
        assert_eq!(keys, BTreeSet::from(expected));
        assert!(voters.iter().all(|(_, weight)| *weight == 1));
    });
}

#[test]
fn local_testnets_session_keys_are_each_validators_own() {
    on_local_testnet(|| {
        for (account, voter) in VALIDATORS.into_iter().zip(VOTERS) {
            let account_id = account.to_account_id();
            let (_, keys) = Session::queued_keys()
                .into_iter()
                .find(|(validator, _)| *validator == account_id)
                .expect("the validator has keys");
            assert_eq!(keys.babe, account.public().into());
            assert_eq!(keys.grandpa, voter.public().into());
        }
    });
}

#[test]
fn local_testnet_has_the_money_and_the_timing_of_the_development_chain() {
    on_local_testnet(|| {
        assert_eq!(Balances::total_issuance(), 6_000_000 * MZN);
        for account in Sr25519Keyring::invulnerable() {
            let free = Balances::free_balance(account.to_account_id());
            assert_eq!(free, 1_000_000 * MZN, "{account:?}");
        }
        assert_eq!(
            pallet_jobs::TimingRecord::<crate::Runtime>::get(),
            Timing::development()
        );
    });
}

#[test]
fn local_testnet_differs_from_the_development_chain_in_its_validators_only() {
    let mut development = json(DEV_RUNTIME_PRESET);
    let local = json(LOCAL_TESTNET_RUNTIME_PRESET);
    assert_ne!(development, local);
    merge(&mut development["session"], local["session"].clone());
    assert_eq!(development, local);
}

/// From the beginning of an epoch authors know their slots to the end of the next one. The presets
/// above are for trying out: theirs do not.
#[test]
fn default_draws_wait_for_longer_than_authors_know_their_slots() {
    let delay = u64::from(Timing::default().draw_delay_slots);
    assert!(delay >= 2 * EPOCH_DURATION_IN_SLOTS + 20);
}
