//! A requester orders an audit.

use super::*;

/// Nothing is audited unless it is ordered.
fn audit_on_order() {
    audit_all(false);
    pallet_rewards::EconomicsRecord::<Runtime>::mutate(|economics| {
        economics.audit_probability = Perbill::from_parts(1);
        economics.further_probability = Perbill::from_percent(20);
    });
}

#[test]
fn an_ordered_audit_is_drawn_for_certain_and_paid_to_who_passes() {
    on_chain(|| {
        audit_on_order();
        // The bond behind a job of almost no audits is huge.
        assert_ok!(Providers::register_provider(
            signed(Charlie),
            900_000 * UNIT
        ));
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Charlie),
            1,
            1,
            None
        ));
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|economics| {
            economics.audit_probability = Perbill::from_percent(25);
        });
        auditors(&[Dave]);
        let trial = Trial::assigned();
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|economics| {
            economics.audit_probability = Perbill::from_parts(1);
        });
        trial.claim();
        draw();
        assert_eq!(audit(trial.job).stage, Stage::Done);
        let price = economics().audit_price(AuditScope::Full, trial.payment());
        assert_ok!(trial.order(Bob, AuditScope::Full));
        assert_eq!(held(Bob, HoldReason::AuditOrder), price);
        assert_noop!(
            trial.order(Bob, AuditScope::Full),
            DisputesError::AlreadyOrdered
        );
        draw();
        let open = at_work(trial.job).expect("Dave is");
        assert_eq!((open.scope, open.ordered), (AuditScope::Full, true));
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|economics| {
            economics.further_probability = Perbill::from_percent(1);
        });
        let before = wealth(Dave);
        trial.pass(Dave);
        trial.run_to_end();
        let share = settled(trial.job).auditors_paid;
        assert!(share > 0);
        assert_eq!(wealth(Dave), before + share + price);
        assert_eq!(held(Bob, HoldReason::AuditOrder), 0);
    });
}

#[test]
fn an_order_waits_for_the_audit_that_goes_on() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave, Eve]);
        let trial = Trial::right();
        draw();
        assert_ok!(trial.order(Bob, AuditScope::Sampled));
        let first = at_work(trial.job).expect("one is at work");
        assert!(!first.ordered);
        trial.pass(if first.auditor == id(Dave) { Dave } else { Eve });
        draw();
        draw();
        let second = at_work(trial.job).expect("the other is at work");
        assert!(second.ordered && second.auditor != first.auditor);
        trial.pass(if second.auditor == id(Dave) {
            Dave
        } else {
            Eve
        });
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Passed);
    });
}

#[test]
fn an_order_that_nobody_fulfils_is_given_back_and_costs_the_provider_nothing() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        assert_ok!(trial.order(Bob, AuditScope::Full));
        trial.pass(Dave);
        trial.run_to_end();
        assert_eq!(held(Bob, HoldReason::AuditOrder), 0);
        assert_eq!(settled(trial.job).audit, AuditOutcome::Passed);
        assert!(settled(trial.job).minted > 0);
    });
}

#[test]
fn a_conviction_gives_the_price_back() {
    on_chain(|| {
        let rich = wealth(Bob);
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::wrong(0);
        assert_ok!(trial.order(Bob, AuditScope::Full));
        draw();
        trial.pass(Dave);
        assert_ok!(trial.accuse(Eve, FIRST));
        assert_eq!((wealth(Bob), free(Bob)), (rich, rich));
    });
}

#[test]
fn only_the_requester_orders_and_only_in_the_challenge_period() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        assert_noop!(
            trial.order(Eve, AuditScope::Full),
            DisputesError::NotYourJob
        );
        run_to(now() + timing().challenge_blocks + 2);
        assert_noop!(
            trial.order(Bob, AuditScope::Full),
            DisputesError::OrderTooLate
        );
        draw();
        if is_at_work(trial.job, Dave) {
            trial.pass(Dave);
        }
        trial.run_to_end();
        assert_noop!(trial.order(Bob, AuditScope::Full), DisputesError::Over);
    });
}
