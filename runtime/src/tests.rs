//! What the wiring promises, one sentence a test.

mod chain;
mod declining;
mod disputing;
mod explaining;
mod machine;
mod matching;
mod modelling;
mod posting;
mod presets;
mod providing;
mod settling;
mod wasm;
mod weights;
mod working;

use crate::{
    configs::{consensus::SittingValidator, money::FeesToAuthor, system::RuntimeBlockWeights},
    genesis, AccountId, Babe, Balances, Grandpa, Runtime, RuntimeGenesisConfig, Session, System,
    EXISTENTIAL_DEPOSIT, MZN,
};
use codec::Encode;
use frame_support::{
    dispatch::DispatchClass,
    traits::{fungible::Balanced, BuildGenesisConfig, OnUnbalanced},
};
use polkadot_sdk::*;
use serde_json::Value;
use sp_consensus_babe::{
    digests::{PreDigest, SecondaryPlainPreDigest},
    AllowedSlots, BABE_ENGINE_ID,
};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Ferdie};
use sp_runtime::{traits::Convert, DigestItem};

/// Puts the fields of `patch` over those of `base`.
fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch,
    }
}

/// Runs `test` in the genesis block of the development preset.
fn on_development_chain(test: impl FnOnce()) {
    on_chain_of(DEV_RUNTIME_PRESET, test);
}

/// Runs `test` in the genesis block of the preset of that name.
fn on_chain_of(preset: &str, test: impl FnOnce()) {
    let patch = genesis::preset(&PresetId::from(preset)).expect("the preset exists");
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("serialises");
    merge(
        &mut config,
        serde_json::from_slice(&patch).expect("a preset is JSON"),
    );
    let config: RuntimeGenesisConfig = serde_json::from_value(config).expect("fields are known");
    sp_io::TestExternalities::default().execute_with(|| {
        config.build();
        test();
    });
}

fn issue_to(who: &AccountId, amount: u128) {
    let _ = Balances::deposit(who, amount, frame_support::traits::tokens::Precision::Exact)
        .expect("the amount fits");
}

/// Makes `who` the one validator and the author of the current block.
fn author_block_as(who: &AccountId) {
    pallet_session::Validators::<Runtime>::put(vec![who.clone()]);
    let claim = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
        authority_index: 0,
        slot: 1.into(),
    });
    System::deposit_log(DigestItem::PreRuntime(BABE_ENGINE_ID, claim.encode()));
}

#[test]
fn every_named_preset_exists_and_no_other() {
    assert!(genesis::preset_names()
        .iter()
        .all(|name| genesis::preset(name).is_some()));
    assert_eq!(genesis::preset(&PresetId::from("unheard-of")), None);
}

#[test]
fn development_chain_has_alice_as_its_one_authority() {
    on_development_chain(|| {
        assert_eq!(Session::validators(), vec![Alice.to_account_id()]);
        let authors: Vec<_> = Babe::authorities()
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        assert_eq!(authors, vec![Alice.public().into()]);
        assert_eq!(Grandpa::grandpa_authorities().len(), 1);
    });
}

#[test]
fn every_slot_is_claimed_with_a_vrf() {
    on_development_chain(|| {
        let slots = Babe::epoch_config().map(|config| config.allowed_slots);
        assert_eq!(slots, Some(AllowedSlots::PrimaryAndSecondaryVRFSlots));
    });
}

#[test]
fn development_accounts_hold_a_million_each() {
    on_development_chain(|| {
        assert_eq!(
            Balances::free_balance(Ferdie.to_account_id()),
            1_000_000 * MZN
        );
        assert_eq!(Balances::total_issuance(), 6_000_000 * MZN);
    });
}

#[test]
fn validators_account_holds_no_stray_provider_reference() {
    on_development_chain(|| {
        assert_eq!(System::providers(&Alice.to_account_id()), 1);
        assert_eq!(System::consumers(&Alice.to_account_id()), 1);
    });
}

#[test]
fn only_a_sitting_validator_may_set_session_keys() {
    on_development_chain(|| {
        let (alice, bob) = (Alice.to_account_id(), Bob.to_account_id());
        assert_eq!(SittingValidator::convert(alice.clone()), Some(alice));
        assert_eq!(SittingValidator::convert(bob), None);
    });
}

#[test]
fn fees_go_to_the_author() {
    on_development_chain(|| {
        let (author, issued) = (Bob.to_account_id(), Balances::total_issuance());
        author_block_as(&author);
        let before = Balances::free_balance(&author);
        FeesToAuthor::on_unbalanced(Balances::issue(MZN));
        assert_eq!(Balances::free_balance(&author), before + MZN);
        assert_eq!(Balances::total_issuance(), issued + MZN);
    });
}

#[test]
fn fees_without_an_author_are_burned() {
    on_development_chain(|| {
        let issued = Balances::total_issuance();
        FeesToAuthor::on_unbalanced(Balances::issue(MZN));
        assert_eq!(Balances::total_issuance(), issued);
    });
}

#[test]
fn fees_below_the_existential_deposit_of_a_new_author_are_burned() {
    on_development_chain(|| {
        let issued = Balances::total_issuance();
        author_block_as(&AccountId::new([7; 32]));
        FeesToAuthor::on_unbalanced(Balances::issue(EXISTENTIAL_DEPOSIT - 1));
        assert_eq!(Balances::total_issuance(), issued);
    });
}

#[test]
fn dust_is_burned() {
    on_development_chain(|| {
        let pauper = AccountId::new([9; 32]);
        issue_to(&pauper, EXISTENTIAL_DEPOSIT);
        let issued = Balances::total_issuance();
        Balances::transfer_allow_death(
            frame_system::RawOrigin::Signed(pauper.clone()).into(),
            Alice.to_account_id().into(),
            EXISTENTIAL_DEPOSIT / 2,
        )
        .expect("the account may die");
        assert_eq!(Balances::total_issuance(), issued - EXISTENTIAL_DEPOSIT / 2);
    });
}

#[test]
fn a_quarter_of_a_block_is_kept_for_operational_transactions() {
    let weights = RuntimeBlockWeights::get();
    let kept = weights
        .get(DispatchClass::Operational)
        .reserved
        .expect("a part is reserved");
    assert_eq!(kept.ref_time(), weights.max_block.ref_time() / 4);
}
