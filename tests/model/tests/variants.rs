//! The same searches without one rule find the broken promise: each promise is broken by at least
//! one missing rule, so none holds for want of trying.

use mizan_model::{
    actors::Action, properties::*, rules::Rules, state::Worker, variants::Flaw, Protocol,
};
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::BTreeSet;

const STUFFED: Action = Action::Seal { room: false };

/// The steps to a state in which the promise is broken.
fn counterexample(protocol: Protocol, promise: &'static str) -> Vec<Action> {
    let found = HasDiscoveries::AllOf(BTreeSet::from([promise]));
    let checker = protocol
        .checker()
        .threads(2)
        .finish_when(found)
        .spawn_bfs()
        .join();
    let steps = checker.assert_any_discovery(promise).into_actions();
    println!(
        "{promise}: {} states, {steps:?}",
        checker.unique_state_count()
    );
    steps
}

fn without(flaw: Flaw) -> Rules {
    Rules { flaw: Some(flaw) }
}

#[test]
fn wrong_result_is_paid_when_convictions_have_no_consequence() {
    let rules = without(Flaw::ConvictionWithoutConsequence);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn lock_is_misplaced_when_convictions_do_not_slash() {
    let rules = without(Flaw::ConvictionWithoutSlash);
    counterexample(Protocol::unaudited(rules), MONEY_DOCUMENTED);
}

#[test]
fn wrong_result_is_paid_without_a_challenge_period() {
    counterexample(
        Protocol::unaudited(without(Flaw::NoWindow)),
        WRONG_NEVER_PAID,
    );
}

#[test]
fn wrong_result_is_paid_when_settlement_comes_before_proofs() {
    let rules = without(Flaw::SettlementBeforeProofs);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn honest_worker_is_convicted_when_answer_periods_count_stuffed_blocks() {
    let rules = without(Flaw::AnswerClockCountsStuffed);
    let steps = counterexample(Protocol::unaudited(rules), HONEST_NEVER_CONVICTED);
    assert!(steps.contains(&STUFFED));
}

#[test]
fn wrong_result_is_paid_when_the_challenge_period_counts_stuffed_blocks() {
    let rules = without(Flaw::ChallengeClockCountsStuffed);
    let steps = counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
    assert!(steps.contains(&STUFFED));
}

#[test]
fn honest_auditor_loses_when_audit_periods_count_stuffed_blocks() {
    let rules = without(Flaw::AuditClockCountsStuffed);
    let steps = counterexample(Protocol::audited_right(rules), HONEST_AUDITOR_KEEPS);
    assert!(steps.contains(&STUFFED));
}

#[test]
fn wrong_result_is_paid_when_open_demands_do_not_delay() {
    let rules = without(Flaw::OpenDemandDoesNotDelay);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn wrong_result_is_paid_when_answers_do_not_delay() {
    let rules = without(Flaw::AnswerDoesNotDelay);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn wrong_result_is_paid_when_the_block_of_an_answer_counts() {
    let rules = without(Flaw::AnswerBlockCounts);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn wrong_result_is_paid_when_silence_is_forgiven() {
    let rules = without(Flaw::SilenceIsForgiven);
    counterexample(Protocol::unaudited(rules), WRONG_NEVER_PAID);
}

#[test]
fn job_never_ends_when_silence_is_awaited() {
    let mut protocol = Protocol::unaudited(without(Flaw::SilenceIsAwaited));
    protocol
        .scenes
        .retain(|scene| scene.worker == Worker::Vanishing);
    counterexample(protocol, EVERY_JOB_ENDS);
}

#[test]
fn right_result_is_convicted_when_verdicts_need_no_proof() {
    let rules = without(Flaw::VerdictWithoutProof);
    counterexample(Protocol::audited_right(rules), RIGHT_RESULT_STANDS);
}

#[test]
fn honest_worker_is_convicted_when_verdicts_need_no_proof() {
    let rules = without(Flaw::VerdictWithoutProof);
    counterexample(Protocol::audited_right(rules), HONEST_NEVER_CONVICTED);
}

#[test]
fn wrong_element_that_an_auditor_drew_is_paid_when_audits_do_not_delay() {
    let rules = without(Flaw::AuditDoesNotDelay);
    counterexample(Protocol::audited_public_lie(rules), HIT_NEVER_PAID);
}

#[test]
fn audit_lock_is_misplaced_when_blind_passes_are_free() {
    let rules = without(Flaw::BlindPassIsFree);
    counterexample(Protocol::audited_public_lie(rules), MONEY_DOCUMENTED);
}

#[test]
fn job_is_paid_without_its_audit_when_audits_do_not_delay() {
    let rules = without(Flaw::AuditDoesNotDelay);
    counterexample(Protocol::audited_right(rules), AUDIT_IS_IN);
}

#[test]
fn honest_auditor_loses_when_giving_up_costs() {
    let rules = without(Flaw::GivingUpCosts);
    let steps = counterexample(Protocol::audited_right(rules), HONEST_AUDITOR_KEEPS);
    assert!(steps.contains(&Action::GiveUp));
}

#[test]
fn blind_pass_counts_when_unopened_receipts_are_forgiven() {
    let rules = without(Flaw::UnopenedReceiptIsForgiven);
    counterexample(Protocol::receipts_right(rules), BLIND_PASS_FALLS);
}

#[test]
fn blind_pass_counts_when_demands_for_receipts_do_not_delay() {
    let rules = without(Flaw::ReceiptDoesNotDelay);
    counterexample(Protocol::receipts_right(rules), BLIND_PASS_FALLS);
}

#[test]
fn job_is_paid_without_its_audit_when_nobody_is_drawn_after_an_unopened_receipt() {
    let rules = without(Flaw::UnopenedReceiptIsNoMiss);
    counterexample(Protocol::receipts_right(rules), AUDIT_IS_IN);
}

#[test]
fn honest_auditor_loses_when_the_time_for_receipts_counts_stuffed_blocks() {
    let rules = without(Flaw::ReceiptClockCountsStuffed);
    let steps = counterexample(Protocol::receipts_right(rules), HONEST_AUDITOR_KEEPS);
    assert!(steps.contains(&STUFFED));
}

/// A liar's own auditors could end the audit by their blind passes while an honest one works.
#[test]
fn wrong_element_that_an_auditor_drew_is_paid_when_the_third_miss_ends_the_audit() {
    let rules = without(Flaw::ThirdMissEndsAudit);
    counterexample(Protocol::receipts_lie(rules), HIT_NEVER_PAID);
}

#[test]
fn unaudited_job_mints_when_misses_are_forgotten() {
    let rules = without(Flaw::UnauditedMints);
    counterexample(Protocol::audited_right(rules), UNAUDITED_MINTS_NOTHING);
}

#[test]
fn settled_job_is_convicted_when_settlement_is_not_final() {
    let rules = without(Flaw::ConvictionAfterSettlement);
    counterexample(Protocol::unaudited(rules), CLOSED_ONCE);
}

#[test]
fn lock_pays_twice_when_a_conviction_is_not_final() {
    let rules = without(Flaw::SecondConviction);
    counterexample(Protocol::unaudited(rules), MONEY_SOUND);
}

/// The delay after an answer is what the full checker has to act on it, and no less will do.
#[test]
fn wrong_result_is_paid_when_the_checker_is_slower_than_the_delay_after_an_answer() {
    let mut protocol = Protocol::unaudited(Rules::default());
    for scene in &mut protocol.scenes {
        scene.reaction += 1;
    }
    counterexample(protocol, WRONG_NEVER_PAID);
}
