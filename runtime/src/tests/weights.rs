//! Every call has a measured weight.

use crate::{weights, Runtime, RuntimeCall};
use frame_support::traits::GetCallMetadata;
use polkadot_sdk::*;
use std::{any::TypeId, collections::BTreeSet, fs, path::Path};

/// Calls that have no entry of their own name, with the entry that weighs them.
const UNDER_ANOTHER_NAME: &[(&str, &str, &str)] = &[
    // The same as with the checks, less the checks.
    ("System", "set_code_without_checks", "set_code"),
    (
        "System",
        "authorize_upgrade_without_checks",
        "authorize_upgrade",
    ),
    // One entry for each of two ways; the call declares the dearer, or that of its argument.
    (
        "Balances",
        "force_set_balance",
        "force_set_balance_creating",
    ),
    ("Balances", "force_set_balance", "force_set_balance_killing"),
    ("Balances", "burn", "burn_allow_death"),
    ("Balances", "burn", "burn_keep_alive"),
];

/// Calls that nothing was measured for.
const WITHOUT: &[(&str, &str, &str)] = &[
    (
        "Utility",
        "with_weight",
        "has the weight that its sender says, and only root may send it",
    ),
    (
        "Babe",
        "plan_config_change",
        "only root may send it, and nothing is root here",
    ),
    (
        "Babe",
        "report_equivocation",
        "is refused: no key has an owner until there is staking",
    ),
    ("Babe", "report_equivocation_unsigned", "as above"),
    (
        "Grandpa",
        "note_stalled",
        "only root may send it, and nothing is root here",
    ),
    (
        "Grandpa",
        "report_equivocation",
        "is refused: no key has an owner until there is staking",
    ),
    ("Grandpa", "report_equivocation_unsigned", "as above"),
];

/// The file of a pallet's weights.
fn file_of(pallet: &str) -> String {
    match pallet {
        "System" => "frame_system".to_owned(),
        name => format!("pallet_{}", name.to_lowercase()),
    }
}

/// The functions that a generated file has, if there is one.
fn entries(pallet: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/weights");
    let file = folder.join(file_of(pallet)).with_extension("rs");
    let text = fs::read_to_string(file).unwrap_or_default();
    let names = text.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("fn ")?.split_once('(')?;
        Some(name.to_owned())
    });
    names.collect()
}

fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    RuntimeCall::get_module_names().iter().flat_map(|pallet| {
        let names = RuntimeCall::get_call_names(pallet);
        names.iter().map(|name| (*pallet, *name))
    })
}

#[test]
fn every_call_has_a_generated_weight() {
    let missing: Vec<_> = calls()
        .filter(|(pallet, call)| {
            let mut other = UNDER_ANOTHER_NAME
                .iter()
                .filter(|(p, c, _)| (p, c) == (pallet, call))
                .map(|(_, _, entry)| *entry)
                .peekable();
            let entries = entries(pallet);
            let weighed = match other.peek() {
                Some(_) => other.all(|entry| entries.contains(entry)),
                None => entries.contains(*call),
            };
            let excused = WITHOUT.iter().any(|(p, c, _)| (p, c) == (pallet, call));
            !weighed && !excused
        })
        .collect();
    assert!(
        missing.is_empty(),
        "calls without a weight, run scripts/weights: {missing:?}"
    );
}

#[test]
fn every_exception_is_a_call_and_still_needed() {
    let calls: BTreeSet<_> = calls().collect();
    for (pallet, call, _) in UNDER_ANOTHER_NAME.iter().chain(WITHOUT) {
        assert!(calls.contains(&(*pallet, *call)), "{pallet}.{call}");
        assert!(!entries(pallet).contains(*call), "{pallet}.{call}");
    }
}

#[test]
fn runtime_uses_the_generated_weights() {
    fn same<A: 'static, B: 'static>() {
        assert_eq!(TypeId::of::<A>(), TypeId::of::<B>());
    }
    macro_rules! generated {
        ($($pallet:ident),*) => {$(
            same::<<Runtime as $pallet::Config>::WeightInfo, weights::$pallet::WeightInfo<Runtime>>();
        )*};
    }
    generated!(
        pallet_balances,
        pallet_beacon,
        pallet_disputes,
        pallet_jobs,
        pallet_models,
        pallet_providers,
        pallet_rewards,
        pallet_session,
        pallet_timestamp,
        pallet_transaction_payment,
        pallet_utility
    );
    same::<
        <Runtime as frame_system::Config>::SystemWeightInfo,
        weights::frame_system::WeightInfo<Runtime>,
    >();
    same::<
        <Runtime as frame_system::Config>::ExtensionsWeightInfo,
        weights::frame_system_extensions::WeightInfo<Runtime>,
    >();
}

#[test]
fn every_generated_file_says_how_it_was_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/weights");
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.ends_with("mod.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it can be read");
        for field in ["Command: scripts/weights", "Machine: ", "Date: ", "SDK: "] {
            assert!(text.contains(field), "{}: no {field:?}", path.display());
        }
    }
}
