//! Where the machine gets to: one that rarely gets anywhere finds nothing.

use super::audit_roads::{audit_ways, AUDIT_ROADS};
use super::cases::Case;
use super::market::{Job, Market, State};
use super::sending::{Act, Told};
use super::strategy::{Machine, Step};
use super::{CASES, STEPS};
use mizan_protocol::{
    explain::Rule,
    jobs::{Accusation, EndReason, Grounds},
};
use pallet_disputes::Flaw;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

/// Refusals and flaws that the machine must run into, and ends that jobs must come to.
const ROADS: [&str; 84] = [
    "Arithmetic(Overflow)",
    "Arithmetic(Underflow)",
    "Disputes(AlreadyConvicted)",
    "Disputes(BalanceTooLow)",
    "Disputes(DemandUnknown)",
    "Disputes(JobUnknown)",
    "Disputes(NotAttested)",
    "Disputes(Over)",
    "Disputes(RequestImpossible)",
    "Disputes(TooManyDemands)",
    "Disputes(WrongAnswerLength)",
    "Disputes(WrongHash)",
    "Jobs(AlreadyAttested)",
    "Jobs(AttestTooLate)",
    "Jobs(BadBlobServer)",
    "Jobs(BalanceTooLow)",
    "Jobs(BatchOutOfRange)",
    "Jobs(DeclineTooLate)",
    "Jobs(DeliveryCanBeDemanded)",
    "Jobs(DemandsOpen)",
    "Jobs(DurationTooLong)",
    "Jobs(DurationTooShort)",
    "Jobs(JobUnknown)",
    "Jobs(ModelUnknown)",
    "Jobs(NotAssigned)",
    "Jobs(NotAttested)",
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
    "Providers(WorkerConvicted)",
    "Providers(WorkerExists)",
    "Providers(WorkerOffline)",
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
    "end: convicted by a proof in the block in which it could settle",
    "end: convicted by a proof in the last block before",
    "end: convicted by an answer",
    "end: convicted of Element",
    "end: convicted of Length",
    "end: convicted of Output",
    "end: convicted of SecondAttestation",
    "end: convicted of Unanswered",
    "end: refused",
    "end: settled",
    "end: settled directed",
    "end: settled after demands",
    "proves nothing: NoSuchPlace",
    "proves nothing: NothingWrong",
    "proves nothing: NotSigned",
    "proves nothing: OtherAssignment",
    "proves nothing: WrongEvidenceLength",
    "proves nothing: WrongHash",
    "way: a block without room",
    "way: a demand after the challenge period",
    "way: a second proof in the block of the conviction",
    "way: recalled",
    "way: settlement postponed by an answer",
];

/// In a few times as many cases as are tried at once, each of the roads is travelled.
#[test]
fn machine_travels_every_road() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::<String, u32>::new();
    for _ in 0..4 * CASES {
        let strategy = Machine::sequential_strategy(STEPS);
        let tree = strategy.new_tree(&mut runner).expect("steps are found");
        let (mut machine, steps, _) = tree.current();
        for step in steps {
            let before = machine.market.clone();
            machine = Machine::apply(machine, &step);
            for road in travelled(&before, &machine, &step) {
                *seen.entry(road).or_default() += 1;
            }
        }
    }
    let roads = ROADS.iter().chain(&AUDIT_ROADS);
    let missing: Vec<_> = roads.filter(|road| !seen.contains_key(**road)).collect();
    assert!(missing.is_empty(), "never travelled: {missing:?}");
}

/// What a step brought about.
fn travelled(before: &Market, machine: &Machine, step: &Step) -> Vec<String> {
    let (market, outcome) = (&machine.market, machine.outcome);
    let mut roads: Vec<_> = outcome.err().map(String::from).into_iter().collect();
    roads.extend(market.told.iter().map(|told| match told {
        Told::ProvedNothing(_, flaw) => format!("proves nothing: {flaw:?}"),
        Told::Interrupted(_, refusal) | Told::ItemRefused(refusal) | Told::FellBack(refusal) => {
            (*refusal).into()
        }
    }));
    let sent = match step {
        Step::Send(..) => machine.sent.as_ref(),
        _ => None,
    };
    let mut on_the_way = |came: bool, what: &str| {
        if came {
            roads.push(format!("way: {what}"));
        }
    };
    on_the_way(market.full && !before.full, "a block without room");
    let again = sent.is_some_and(|act| is_second_proof(before, act));
    on_the_way(again, "a second proof in the block of the conviction");
    for (id, job) in &market.jobs {
        let Some(old) = before.jobs.get(id) else {
            continue;
        };
        let notes = job.history.iter().skip(old.history.len());
        let recalled = notes.filter(|(_, rule)| matches!(rule, Rule::Recalled { .. }));
        on_the_way(recalled.count() > 0, "recalled");
        let (case, old) = (market.cases.get(id), before.cases.get(id));
        let Some((case, old)) = case.zip(old) else {
            continue;
        };
        on_the_way(
            case.settles > old.settles,
            "settlement postponed by an answer",
        );
        on_the_way(case.late > old.late, "a demand after the challenge period");
    }
    roads.extend(audit_ways(before, market, sent));
    for (id, job) in &market.jobs {
        let old = before.jobs.get(id);
        if old.is_none_or(|old| old.state != job.state) {
            roads.extend(ends(job, before.cases.get(id), before, sent));
        }
    }
    roads
}

/// Whether the act accuses a worker that was convicted in this block.
fn is_second_proof(market: &Market, act: &Act) -> bool {
    let (Act::Prove { job, .. } | Act::ShowSecond(job, _)) = act else {
        return false;
    };
    let state = market.jobs.get(&job.id()).map(|job| &job.state);
    matches!(state, Some(State::Convicted { convicted, .. }) if *convicted == market.now)
}

/// How a job ended, in a step before which this was so.
fn ends(job: &Job, case: Option<&Case>, before: &Market, sent: Option<&Act>) -> Vec<String> {
    let mut ends = Vec::new();
    match &job.state {
        State::Open | State::Assigned(_) | State::Attested { .. } => (),
        State::Settled { .. } => {
            let directed = job.offer.worker.is_some();
            ends.push(if directed {
                "settled directed"
            } else {
                "settled"
            });
            let demanded = case.is_some_and(|case| case.next > 0);
            ends.extend(demanded.then_some("settled after demands"));
        }
        State::Ended(reason, _) => ends.push(name(*reason)),
        State::Refused { .. } => ends.push("refused"),
        State::Convicted { grounds, .. } => {
            ends.push(match grounds {
                Grounds::Wrong(Accusation::Element { .. }) => "convicted of Element",
                Grounds::Wrong(Accusation::Output { .. }) => "convicted of Output",
                Grounds::Wrong(Accusation::Length { .. }) => "convicted of Length",
                Grounds::SecondAttestation => "convicted of SecondAttestation",
                Grounds::Unanswered(_) => "convicted of Unanswered",
            });
            ends.extend(match sent {
                Some(Act::Answer { .. }) => Some("convicted by an answer"),
                Some(_) => case.and_then(|case| how_late(case, before)),
                None => None,
            });
        }
    }
    ends.into_iter().map(|end| format!("end: {end}")).collect()
}

/// Whether a proof came at the last moment.
fn how_late(case: &Case, before: &Market) -> Option<&'static str> {
    if !case.demands.is_empty() {
        None
    } else if case.settles <= before.time {
        Some("convicted by a proof in the block in which it could settle")
    } else {
        let last = case.settles == before.time + 1 && !before.full;
        last.then_some("convicted by a proof in the last block before")
    }
}

// Kept honest by the compiler: a new end or flaw must be added to the roads.
fn name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Cancelled => "Cancelled",
        EndReason::Expired => "Expired",
        EndReason::InputsUnavailable => "InputsUnavailable",
        EndReason::TooManyMisses => "TooManyMisses",
    }
}

const _: fn(Flaw) = |flaw| match flaw {
    Flaw::NothingWrong
    | Flaw::NoSuchPlace
    | Flaw::WrongEvidenceLength
    | Flaw::WrongHash
    | Flaw::NotSigned
    | Flaw::OtherAssignment => (),
};
