//! Which results are audited, and by whom.

use super::*;
use mizan_protocol::explain::Rule;

#[test]
fn nothing_is_drawn_while_nobody_audits() {
    on_chain(|| {
        audit_all(true);
        let trial = Trial::right();
        draw();
        assert_eq!(audit(trial.job).stage, Stage::Done);
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::NotDrawn);
        assert!(settled(trial.job).minted > 0);
    });
}

#[test]
fn the_beacon_of_a_later_block_draws_an_auditor() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        pass(timing().draw_delay_blocks);
        assert_eq!(at_work(trial.job), None);
        let events = pass(1);
        let open = at_work(trial.job).expect("Dave is drawn");
        assert_eq!((open.auditor, open.lock), (id(Dave), trial.audit_lock()));
        assert_eq!(open.scope, AuditScope::Sampled);
        assert!(AuditsOf::<Runtime>::contains_key(id(Dave), trial.job));
        let drawn = events.iter().any(|event| {
            matches!(event, RuntimeEvent::Disputes(Event::AuditorDrawn { auditor, .. })
                if *auditor == id(Dave))
        });
        assert!(drawn);
        trial.pass(Dave);
        trial.run_to_end();
        assert!(!AuditsOf::<Runtime>::contains_key(id(Dave), trial.job));
    });
}

#[test]
fn neither_worker_nor_requester_audits_and_nobody_does_twice() {
    on_chain(|| {
        audit_all(true);
        // Charlie is the worker and its provider, Bob the requester.
        auditors(&[Bob, Charlie]);
        let trial = Trial::right();
        for _ in 0..MAX_MISSES {
            draw();
            let audit = Audits::<Runtime>::get(trial.job);
            assert!(audit.is_none_or(|audit| audit.at_work().is_none()));
        }
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Unaudited);
        assert_eq!(settled(trial.job).minted, 0);

        let history = pallet_jobs::Histories::<Runtime>::get(trial.job);
        let missed = |note: &&mizan_protocol::explain::Note<AccountId>| {
            matches!(note.rule, Rule::AuditMissed { auditor: None, .. })
        };
        assert_eq!(history.iter().filter(missed).count(), MAX_MISSES as usize);

        auditors(&[Dave]);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let second = Trial::assigned();
        second.claim();
        draw();
        second.pass(Dave);
        draw();
        // A further auditor is drawn for certain, and only Dave could be: nobody is missing.
        second.run_to_end();
        assert_eq!(settled(second.job).audit, AuditOutcome::Passed);
    });
}

#[test]
fn an_auditor_whose_free_bond_is_too_small_is_not_drawn() {
    on_chain(|| {
        audit_all(false);
        assert_ok!(Disputes::register_auditor(signed(Dave), 10 * UNIT));
        let trial = Trial::right();
        // Passes are followed rarely here, so the lock is large.
        assert!(trial.audit_lock() > 10 * UNIT);
        draw();
        assert_eq!(at_work(trial.job), None);
        assert_eq!(auditor(Dave).locks, 0);
    });
}

/// Jobs are drawn by the beacon alone, so what comes out is the same in every run.
#[test]
fn draws_follow_the_probability_and_the_free_bonds() {
    on_chain(|| {
        let half = Perbill::from_percent(50);
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|e| e.audit_probability = half);
        assert_ok!(Disputes::register_auditor(signed(Eve), 90_000 * UNIT));
        assert_ok!(Disputes::register_auditor(signed(Dave), 10_000 * UNIT));
        provide(Charlie, BOND, 1);
        let (mut heavy, mut light) = (0, 0);
        for _ in 0..100 {
            pass(timing().heartbeat_blocks);
            assert_ok!(Providers::heartbeat(signed(Charlie)));
            let trial = Trial::assigned();
            trial.claim();
            draw();
            for (who, count) in [(Eve, &mut heavy), (Dave, &mut light)] {
                if is_at_work(trial.job, who) {
                    trial.pass(who);
                    *count += 1;
                }
            }
        }
        let drawn = heavy + light;
        assert!((35..=65).contains(&drawn), "{drawn} of 100 were drawn");
        assert!(heavy > 4 * light && light > 0, "{heavy} to {light}");
    });
}

#[test]
fn a_conviction_has_the_providers_other_claims_audited() {
    on_chain(|| {
        auditors(&[Dave]);
        assert_ok!(Providers::register_provider(signed(Charlie), BOND));
        let worker = Providers::register_worker(signed(Charlie), id(Charlie), 1, 4, None);
        assert_ok!(worker);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let (mut guilty, early, late) = (Trial::assigned(), Trial::assigned(), Trial::assigned());
        // From here on no draw hits. Before, the locks would have been huge.
        let never = Perbill::from_parts(1);
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|e| e.audit_probability = never);
        early.claim();
        draw();
        assert_eq!(audit(early.job).stage, Stage::Done);
        guilty.trace[0] ^= 1;
        guilty.outputs = guilty.plan.outputs(&guilty.trace, BATCH).expect("whole");
        guilty.claim();
        assert_ok!(late.attestation().dispatch_as(Charlie));

        assert_ok!(guilty.accuse(Eve, FIRST));
        for other in [&early, &late] {
            let audit = audit(other.job);
            assert!(
                matches!(&audit.stage, Stage::Waits(draw) if draw.reason == DrawReason::Certain)
            );
        }
        draw();
        assert!(is_at_work(early.job, Dave) && is_at_work(late.job, Dave));
        early.pass(Dave);
        late.pass(Dave);
        early.run_to_end();
        late.run_to_end();
        assert!(early.is_settled() && late.is_settled());
    });
}

#[test]
fn settlement_waits_for_the_draw_and_the_verdict() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        run_to(now() + timing().challenge_blocks + 3);
        assert!(!trial.is_settled());
        assert_eq!(Disputes::auditor_at_work(trial.job), Some(id(Dave)));
        trial.pass(Dave);
        pass(1);
        assert!(
            !trial.is_settled(),
            "the draw of a further auditor is to come"
        );
        draw();
        assert!(trial.is_settled());
    });
}

#[test]
fn a_late_draw_is_made_before_the_transactions_of_a_block_and_by_the_newest_beacon() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        pass(timing().draw_delay_blocks);
        // The block whose beginning had no room for it: what is done in its end draws nobody.
        start_block_without_hooks();
        let plenty = frame_support::weights::Weight::from_parts(u64::MAX / 8, u64::MAX / 8);
        let _ = <Jobs as frame_support::traits::OnIdle<u32>>::on_idle(now(), plenty);
        assert_eq!(at_work(trial.job), None);
        pass(1);
        assert!(is_at_work(trial.job, Dave));
    });
}
