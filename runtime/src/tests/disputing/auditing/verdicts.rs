//! What auditors say, and what follows.

use super::*;
use frame_support::dispatch::CheckIfFeeless;

#[test]
fn who_passes_a_right_result_gets_the_auditors_share() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        let before = wealth(Dave);
        trial.pass(Dave);
        trial.run_to_end();
        let settled = settled(trial.job);
        let share = economics().auditor_share.mul_floor(settled.payment);
        assert_eq!(settled.audit, AuditOutcome::Passed);
        assert_eq!(settled.auditors_paid, share);
        assert_eq!(wealth(Dave), before + share);
        let parts = settled.worker_paid + settled.auditors_paid + settled.burned;
        assert_eq!(parts, settled.payment);
        assert!(settled.minted > 0);
        let ledger = pallet_contributions::Lifetime::<Runtime>::get(id(Dave));
        assert_eq!((ledger.audits, ledger.jobs), (1, 0));
        assert_eq!((auditor(Dave).locked, auditor(Dave).locks), (0, 0));
    });
}

#[test]
fn only_the_auditor_at_work_gives_a_verdict_and_for_free() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let pass_it = Verdict::Pass {
            receipt: H256::zero(),
        };
        let trial = Trial::right();
        assert_noop!(trial.say(Dave, pass_it), DisputesError::NotYourAudit);
        draw();
        let call = pallet_disputes::Call::<Runtime>::submit_verdict {
            job: trial.job,
            verdict: pass_it,
        };
        assert!(!call.is_feeless(&signed(Eve)));
        assert_noop!(trial.say(Eve, pass_it), DisputesError::NotYourAudit);
        assert_noop!(
            Disputes::submit_verdict(signed(Dave), 99, pass_it),
            DisputesError::JobUnknown
        );
        assert!(call.is_feeless(&signed(Dave)));
        let info = trial.say(Dave, pass_it).expect("it is at work");
        assert_eq!(info.pays_fee, Pays::No);
        assert!(!call.is_feeless(&signed(Dave)));
        assert_noop!(trial.say(Dave, pass_it), DisputesError::NotYourAudit);
        trial.run_to_end();
        assert_noop!(trial.say(Dave, pass_it), DisputesError::Over);
    });
}

#[test]
fn silence_costs_a_tenth_of_the_lock_and_another_is_drawn() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave, Eve]);
        let trial = Trial::right();
        draw();
        let (silent, other) = match is_at_work(trial.job, Dave) {
            true => (Dave, Eve),
            false => (Eve, Dave),
        };
        let (before, issued) = (wealth(silent), Balances::total_issuance());
        let open = at_work(trial.job).expect("one is at work");
        // The last block in which a verdict counts is the one before its time.
        run_to(now() + open.verdict_by_time - Time::<Runtime>::get() - 1);
        assert!(is_at_work(trial.job, silent));
        pass(1);
        let lost = economics().miss_penalty(trial.audit_lock());
        assert_eq!(wealth(silent), before - lost);
        assert_eq!(Balances::total_issuance(), issued - lost);
        assert_eq!(auditor(silent).locks, 0);
        draw();
        assert!(is_at_work(trial.job, other));
        trial.pass(other);
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Passed);
    });
}

#[test]
fn three_silent_auditors_leave_a_job_unaudited_and_nothing_is_minted() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Alice, Dave, Eve, Ferdie]);
        let trial = Trial::right();
        trial.run_to_end();
        let settled = settled(trial.job);
        assert_eq!(settled.audit, AuditOutcome::Unaudited);
        assert_eq!((settled.minted, settled.auditors_paid), (0, 0));
        assert!(settled.worker_paid > 0);
        let lost = economics().miss_penalty(trial.audit_lock());
        let poorer = [Alice, Dave, Eve, Ferdie].map(|who| auditor(who).bond < 100_000 * UNIT);
        assert_eq!(poorer.iter().filter(|poorer| **poorer).count(), 3);
        assert!(lost > 0);
    });
}

#[test]
fn the_clock_rests_while_the_auditor_waits_for_data() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        let open = at_work(trial.job).expect("Dave is");
        assert_eq!(open.open_demands, 1);
        let pass_it = Verdict::Pass {
            receipt: H256::zero(),
        };
        assert_noop!(trial.say(Dave, pass_it), DisputesError::DemandsOpen);
        pass(timing().answer_blocks);
        assert!(
            is_at_work(trial.job, Dave),
            "its time has passed, and rests"
        );
        assert_ok!(trial.give(Charlie, 0));
        let answered = at_work(trial.job).expect("Dave is");
        assert_eq!((answered.open_demands, answered.answered), (0, 1));
        let rest = answered.verdict_by_time - Time::<Runtime>::get();
        assert_eq!(rest, timing().audit_blocks + 1);
        trial.pass(Dave);
    });
}

#[test]
fn an_auditor_has_places_of_its_own_at_the_base_price() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        for _ in 0..3 {
            assert_ok!(trial.demand(Eve, FIRST_ELEMENT));
        }
        let base = economics().demand_deposit;
        for number in 1..=4 {
            assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
            assert_eq!(held(Dave, HoldReason::Demand), number * base);
        }
        // A fifth takes a place that is nobody's own.
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        assert_eq!(held(Dave, HoldReason::Demand), 4 * base + 8 * base);
    });
}

#[test]
fn who_was_answered_may_give_up_without_loss() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        assert_noop!(
            trial.say(Dave, Verdict::Withheld),
            DisputesError::NothingAnswered
        );
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        assert_noop!(
            trial.say(Dave, Verdict::Withheld),
            DisputesError::DemandsOpen
        );
        assert_ok!(trial.give(Charlie, 0));
        let bond = auditor(Dave).bond;
        assert_ok!(trial.say(Dave, Verdict::Withheld));
        assert_eq!((auditor(Dave).bond, auditor(Dave).locks), (bond, 0));
        assert_eq!(audit(trial.job).misses, 1);
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Unaudited);
    });
}

#[test]
fn withheld_data_convicts_by_silence() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        let before = wealth(Dave);
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        trial.run_to_end();
        assert_eq!(
            trial.conviction().grounds,
            Grounds::Unanswered(FIRST_ELEMENT)
        );
        assert_eq!(trial.conviction().challenger, None);
        assert_eq!(wealth(Dave), before);
        assert_eq!((auditor(Dave).locked, auditor(Dave).locks), (0, 0));
    });
}

#[test]
fn the_auditor_at_work_gets_the_reward_for_what_it_was_drawn_to_find() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::wrong(0);
        draw();
        let (operation, index) = drawn_element(&trial);
        // A batch of two and three channels: everything is drawn.
        assert_eq!((operation, index), (0, 0));
        // Eve copies the auditor's proof from the pool.
        assert_ok!(trial.accuse(Eve, FIRST));
        assert_eq!(trial.conviction().challenger, Some(id(Dave)));
        assert!(trial.conviction().rewarded > 0);
    });
}

#[test]
fn who_passed_a_number_that_is_proved_wrong_loses_the_whole_lock() {
    on_chain(|| {
        audit_all(true);
        auditors(&[Dave, Eve]);
        let trial = Trial::wrong(0);
        draw();
        let (blind, honest) = match is_at_work(trial.job, Dave) {
            true => (Dave, Eve),
            false => (Eve, Dave),
        };
        trial.pass(blind);
        draw();
        assert!(is_at_work(trial.job, honest));
        let (before, bond) = (wealth(honest), auditor(blind).bond);
        assert_ok!(trial.accuse(honest, FIRST));
        assert_eq!(auditor(blind).bond, bond - trial.audit_lock());
        assert_eq!((auditor(blind).locked, auditor(honest).locked), (0, 0));
        assert_eq!(wealth(honest), before + trial.conviction().rewarded);
        let slashed = events().into_iter().any(|event| {
            matches!(event, RuntimeEvent::Disputes(Event::AuditorSlashed { auditor, .. })
                if auditor == id(blind))
        });
        assert!(slashed);
    });
}

#[test]
fn a_conviction_for_something_else_leaves_auditors_alone() {
    on_chain(|| {
        audit_all(true);
        auditors(&[Dave, Eve]);
        let trial = Trial::right();
        draw();
        let open = at_work(trial.job).expect("one is at work");
        let who = if open.auditor == id(Dave) { Dave } else { Eve };
        trial.pass(who);
        let bond = auditor(who).bond;
        assert_ok!(trial.demand(Ferdie, FIRST_ELEMENT));
        trial.run_to_end();
        assert!(matches!(trial.conviction().grounds, Grounds::Unanswered(_)));
        assert_eq!((auditor(who).bond, auditor(who).locks), (bond, 0));
    });
}

#[test]
fn two_auditors_share_what_auditors_get() {
    on_chain(|| {
        audit_all(true);
        auditors(&[Dave, Eve]);
        let trial = Trial::right();
        for _ in 0..2 {
            draw();
            let open = at_work(trial.job).expect("one is at work");
            trial.pass(if open.auditor == id(Dave) { Dave } else { Eve });
        }
        // Nobody is left for a third.
        for who in [Dave, Eve] {
            assert_eq!(auditor(who).locks, 1);
        }
        let (dave, eve) = (wealth(Dave), wealth(Eve));
        trial.run_to_end();
        let settled = settled(trial.job);
        let each = economics().auditor_share.mul_floor(settled.payment) / 2;
        assert_eq!(settled.auditors_paid, 2 * each);
        assert_eq!((wealth(Dave), wealth(Eve)), (dave + each, eve + each));
        assert_eq!(settled.audit, AuditOutcome::Passed);
    });
}
