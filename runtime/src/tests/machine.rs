//! All pallets of the runtime as one machine, beside a model of it.
//!
//! Five accounts do whatever they like: they post, cancel, decline, attest or stay silent, bond and
//! leave, register each other's keys, send and burn money, alone or wrapped in batches; and blocks
//! pass, some of them without room for the chain's own work. A [model](market) of a few hundred
//! lines says what each step does. After each step the runtime must be where the model is: every
//! balance and hold to the unit, every job, worker, provider and sum; every call that the model
//! refuses is refused with that error and leaves the storage as it was; and every pallet's
//! invariants hold.
//!
//! `PROPTEST_CASES` sets the number of cases. What failed once is in `proptest-regressions` and is
//! tried first.

mod acts;
mod bounds;
mod crowd;
mod jobs;
mod market;
mod money;
mod on_chain;
mod picks;
mod reading;
mod signed;
mod strategy;
mod workforce;

use super::chain::*;
use market::State;
use mizan_protocol::jobs::EndReason;
use on_chain::Chain;
use polkadot_sdk::*;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{FileFailurePersistence, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use std::collections::BTreeMap;
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
            Step::PassIntoCrowdedBlock => on_chain::pass_into_crowded_block(),
            Step::Send(by, _) => {
                let act = after.sent.as_ref().expect("the model took it");
                let (root, seen) = (storage_root(), events().len());
                let result = chain.send(by, act);
                assert_eq!(result, after.outcome.map_err(String::from), "outcome");
                if result.is_err() {
                    assert_eq!(root, storage_root(), "a refused call changed something");
                } else {
                    let (told, expected) = on_chain::told_since(seen, &after.market.told);
                    assert_eq!(told, expected, "swallowed refusals");
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

/// Refusals that the machine must run into, and ends that jobs must come to.
const ROADS: [&str; 48] = [
    "Arithmetic(Overflow)",
    "Arithmetic(Underflow)",
    "Jobs(AlreadyAttested)",
    "Jobs(AttestTooLate)",
    "Jobs(BadBlobServer)",
    "Jobs(BalanceTooLow)",
    "Jobs(BatchOutOfRange)",
    "Jobs(DeclineTooLate)",
    "Jobs(DurationTooLong)",
    "Jobs(DurationTooShort)",
    "Jobs(JobUnknown)",
    "Jobs(ModelUnknown)",
    "Jobs(NotAssigned)",
    "Jobs(NotOpen)",
    "Jobs(NotYourAssignment)",
    "Jobs(NotYourJob)",
    "Jobs(PaymentOverflow)",
    "Jobs(PriceTooLow)",
    "Jobs(WaitTooLong)",
    "Jobs(WaitTooShort)",
    "Jobs(WrongAssignmentBlock)",
    "Jobs(WrongInputCount)",
    "Jobs(WrongOutputCount)",
    "Providers(AlreadyRegistered)",
    "Providers(BadSlots)",
    "Providers(BondLocked)",
    "Providers(BondTooSmall)",
    "Providers(ConsentInvalid)",
    "Providers(ConsentMissing)",
    "Providers(HeartbeatTooSoon)",
    "Providers(LocksRemain)",
    "Providers(NotYourWorker)",
    "Providers(ProviderUnknown)",
    "Providers(WorkerBusy)",
    "Providers(WorkerExists)",
    "Providers(WorkerUnknown)",
    "Providers(WorkersRemain)",
    "System(CallFiltered)",
    "Token(BelowMinimum)",
    "Token(Frozen)",
    "Token(FundsUnavailable)",
    "Token(NotExpendable)",
    "end: Cancelled",
    "end: Expired",
    "end: InputsUnavailable",
    "end: TooManyMisses",
    "end: settled",
    "end: settled directed",
];

/// A machine that rarely gets anywhere finds nothing: in as many cases as are tried above, each
/// refusal and each end of a job comes up.
#[test]
fn machine_travels_every_road() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::<String, u32>::new();
    for _ in 0..CASES {
        let strategy = Machine::sequential_strategy(STEPS);
        let tree = strategy.new_tree(&mut runner).expect("steps are found");
        let (mut machine, steps, _) = tree.current();
        for step in steps {
            machine = Machine::apply(machine, &step);
            let jobs = machine.market.jobs.values();
            let roads = machine.outcome.err().map(String::from).into_iter();
            for road in roads.chain(jobs.filter_map(end_of)) {
                *seen.entry(road).or_default() += 1;
            }
        }
    }
    let missing: Vec<_> = ROADS
        .iter()
        .filter(|road| !seen.contains_key(**road))
        .collect();
    assert!(missing.is_empty(), "never travelled: {missing:?}");
}

fn end_of(job: &market::Job) -> Option<String> {
    match &job.state {
        State::Settled { .. } if job.offer.worker.is_some() => Some("end: settled directed".into()),
        State::Settled { .. } => Some("end: settled".into()),
        State::Ended(reason, _) => Some(format!("end: {reason:?}")),
        _ => None,
    }
}

// Kept honest by the compiler: a new end must be added to the roads.
const _: fn(EndReason) = |reason| match reason {
    EndReason::Cancelled
    | EndReason::Expired
    | EndReason::InputsUnavailable
    | EndReason::TooManyMisses => (),
};
