//! All pallets of the runtime as one machine, beside a model of it.
//!
//! Five accounts do whatever they like: they post, cancel, decline, attest or stay silent, claim
//! wrong results, prove each other wrong or fail to, demand data and answer or stay silent, refuse
//! deliveries, bond and leave, audit each other's results rightly, blindly or not at all, order
//! audits, demand and open receipts, register each other's keys, send and burn money, alone or
//! wrapped in batches; and blocks pass, some of them after empty slots, some without room for the
//! chain's own work, some without room for a fraud proof. Results are [real bytes](results), so that evidence and receipts
//! are real too; a [model](market) that looks at none of them says what each step does. After each
//! step the runtime must be where the model is: every balance and hold to the unit, every job,
//! worker, provider, auditor, audit and sum; every call that the model refuses is refused with that
//! error and leaves the storage as it was; and every pallet's invariants hold. Audits are more
//! frequent than on a real chain.
//!
//! `PROPTEST_CASES` sets the number of cases. What failed once is in `proptest-regressions` and is
//! tried first.

mod acts;
mod agenda;
mod audit_acts;
mod audit_roads;
mod auditing;
mod auditors;
mod audits;
mod audits_on_chain;
mod bounds;
mod cases;
mod challenges;
mod crowd;
mod disputes;
mod drawing;
mod jobs;
mod market;
mod money;
mod notes;
mod on_chain;
mod picks;
mod reading;
mod receipts;
mod results;
mod roads;
mod sending;
mod signed;
mod strategy;
mod verdicts;
mod workforce;

use super::chain::*;
use frame_support::dispatch::Pays;
use on_chain::Chain;
use polkadot_sdk::*;
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use strategy::{Machine, Step};

/// Enough for half a minute.
const CASES: u32 = 200;
const STEPS: std::ops::Range<usize> = 40..200;
const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/proptest-regressions/machine.txt"
);

fn config() -> ProptestConfig {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: if chosen { default.cases } else { CASES },
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        max_shrink_iters: 4_000,
        ..default
    }
}

struct UnderTest;

impl StateMachineTest for UnderTest {
    type SystemUnderTest = Chain;
    type Reference = Machine;

    fn init_test(machine: &Machine) -> Chain {
        Chain::like(machine)
    }

    fn apply(chain: Chain, after: &Machine, step: Step) -> Chain {
        match step {
            Step::Pass(blocks) => drop(pass(blocks)),
            Step::PassOver(empty) => drop(pass_over(empty)),
            Step::PassIntoCrowdedBlock => on_chain::pass_into_crowded_block(),
            Step::Fill(lane) => on_chain::fill(lane),
            Step::Send(by, _) => {
                let act = after.sent.as_ref().expect("the model took it");
                let (root, seen) = (storage_root(), events().len());
                let free = act.is_free(&after.market.told);
                let pays = if free { Pays::No } else { Pays::Yes };
                let outcome = after.outcome.map(|()| pays).map_err(String::from);
                let result = chain.send(by, act);
                assert_eq!(result, outcome, "outcome");
                if result.is_err() {
                    assert_eq!(root, storage_root(), "a refused call changed something");
                } else {
                    let (told, expected) = on_chain::told_since(seen, &after.market.told);
                    assert_eq!(told, expected, "swallowed refusals, failed proofs");
                }
            }
        }
        chain
    }

    fn check_invariants(chain: &Chain, machine: &Machine) {
        check_invariants();
        reading::assert_same(chain, &machine.market);
    }
}

fn storage_root() -> Vec<u8> {
    sp_io::storage::root(sp_runtime::StateVersion::V1)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn runtime_does_what_the_model_says(
        (initial, steps, seen) in Machine::sequential_strategy(STEPS)
    ) {
        on_chain(|| UnderTest::test_sequential(config(), initial, steps, seen));
    }
}
