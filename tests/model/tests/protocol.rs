//! The complete rules keep every promise in every reachable state, and the search reaches what
//! it is about.

use mizan_model::{properties::*, rules::Rules, Protocol};
use stateright::{Checker, Expectation, Model};
use std::{collections::BTreeSet, time::Instant};

/// Visits all states: no promise is broken, the number of states is the documented one, and the
/// named examples, and no others, are among them.
fn search(protocol: Protocol, states: usize, examples: &[&str]) {
    let start = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, {:?}",
        checker.unique_state_count(),
        start.elapsed()
    );

    let mut found = BTreeSet::new();
    for (name, path) in checker.discoveries() {
        match checker.model().property(name).expectation {
            Expectation::Sometimes => found.insert(name),
            _ => panic!("not true: {name}\n{:#?}", path.into_actions()),
        };
    }
    assert_eq!(found, examples.iter().copied().collect());
    assert_eq!(checker.unique_state_count(), states);
}

#[test]
fn promises_hold_for_a_job_without_audit() {
    let examples = [
        HONEST_PAID,
        PROVED,
        FORCED_AND_PROVED,
        COPIED,
        SILENT,
        RIGHT_BUT_SILENT,
        SPAM_ANSWERED,
        SECOND_DEMAND_DOUBLE,
        FALSE_PROOF_REFUSED,
        LIE_PAID,
    ];
    search(Protocol::unaudited(Rules::default()), 2_433_891, &examples);
}

#[test]
fn promises_hold_for_an_audited_job_with_a_right_result() {
    let examples = [
        HONEST_PAID,
        RIGHT_BUT_SILENT,
        SPAM_ANSWERED,
        FALSE_PROOF_REFUSED,
        UNAUDITED,
        PASSED_TWICE,
        GAVE_UP,
    ];
    search(
        Protocol::audited_right(Rules::default()),
        1_461_801,
        &examples,
    );
}

#[test]
fn promises_hold_for_an_audited_job_with_a_wrong_result_in_public() {
    let examples = [
        PROVED,
        COPIED,
        AUDITOR_PROVED,
        SPAM_ANSWERED,
        FALSE_PROOF_REFUSED,
        UNAUDITED,
        PASSED_TWICE,
        AUDITOR_SLASHED,
        LIE_PAID,
    ];
    search(
        Protocol::audited_public_lie(Rules::default()),
        592_549,
        &examples,
    );
}

#[test]
fn promises_hold_for_an_audited_job_with_a_hidden_wrong_result() {
    let examples = [
        PROVED,
        FORCED_AND_PROVED,
        COPIED,
        AUDITOR_PROVED,
        SILENT,
        SILENT_TO_AUDITOR,
        FALSE_PROOF_REFUSED,
        UNAUDITED,
        PASSED_TWICE,
        AUDITOR_SLASHED,
        LIE_PAID,
        GAVE_UP,
        GAVE_UP_ON_LIE,
    ];
    search(
        Protocol::audited_hidden_lie(Rules::default()),
        3_435_382,
        &examples,
    );
}

#[test]
fn promises_hold_for_receipts_of_a_right_result() {
    let examples = [
        HONEST_PAID,
        UNAUDITED,
        PASSED_TWICE,
        RECEIPT_OPENED,
        BLIND_PASS_BURNED,
        BLIND_PASS_FOUND,
        BLIND_PASS_PAID,
        UNAUDITED_BY_RECEIPTS,
    ];
    search(
        Protocol::receipts_right(Rules::default()),
        1_773_739,
        &examples,
    );
}

#[test]
fn promises_hold_for_receipts_of_a_wrong_result() {
    let examples = [
        PROVED,
        COPIED,
        AUDITOR_PROVED,
        UNAUDITED,
        PASSED_TWICE,
        AUDITOR_SLASHED,
        RECEIPT_OPENED,
        BLIND_PASS_BURNED,
        BLIND_PASS_PAID,
        UNAUDITED_BY_RECEIPTS,
        LIE_PAID,
    ];
    search(
        Protocol::receipts_lie(Rules::default()),
        1_058_567,
        &examples,
    );
}
