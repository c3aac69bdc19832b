//! Which results are audited, and by whom.

use super::*;
use crate::{configs::mizan::DrawsShare, Beacon};
use mizan_protocol::explain::Rule;
use pallet_disputes::{Draws, WeightInfo};

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
        pass(timing().draw_delay_slots);
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
        pass(timing().draw_delay_slots);
        // What follows from a draw is done in the next block.
        assert_eq!(audit(trial.job).stage, Stage::Done);
        assert!(!trial.is_settled());
        pass(1);
        assert!(trial.is_settled());
    });
}

/// Whom the first hit of a draw is, by that beacon.
fn first_hit(job: JobId, beacon: [u8; 32], auditors: &[Sr25519Keyring]) -> AccountId {
    let hash = sp_io::hashing::blake2_256(&(b"mizan auditor", beacon, job, 0u32).encode());
    let number = u128::from_le_bytes(hash[..16].try_into().expect("it is long enough"));
    // Their bonds are equal.
    let bond = auditor(auditors[0]).bond;
    let place = number % (bond * auditors.len() as u128) / bond;
    let at = pallet_disputes::AuditorAt::<Runtime>::get(place as u32);
    at.expect("every place has one")
}

#[test]
fn the_first_block_after_an_empty_slot_decides() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        let slot = draw_slot(trial.job);
        assert_eq!(slot, self::slot() + u64::from(timing().draw_delay_slots));
        // The block right before, then five slots of nobody, and the block that decides.
        pass(timing().draw_delay_slots - 1);
        pass_over(5);
        assert!(self::slot() > slot && at_work(trial.job).is_none());
        let deciding = now();
        pass(1);
        assert!(is_at_work(trial.job, Dave));
        assert_eq!(Beacon::first_since(slot), Beacon::output(deciding));
        let name = (b"mizan draw", Beacon::latest(), trial.job, id(Dave));
        let seed = sp_io::hashing::blake2_256(&name.encode());
        assert_eq!(at_work(trial.job).map(|open| open.seed), Some(H256(seed)));
    });
}

/// Counted in blocks, an author who leaves his slots empty would move the draw into a later slot.
#[test]
fn slots_left_empty_before_the_slot_of_a_draw_do_not_move_it() {
    on_chain(|| {
        audit_all(false);
        pallet_jobs::TimingRecord::<Runtime>::mutate(|timing| timing.draw_delay_slots = 12);
        auditors(&[Dave]);
        let trial = Trial::right();
        let slot = draw_slot(trial.job);
        pass_over(3);
        pass_over(0);
        pass_over(5);
        assert_eq!(self::slot() + 1, slot);
        pass(1);
        assert_eq!((self::slot(), at_work(trial.job)), (slot, None));
        pass(1);
        assert!(is_at_work(trial.job, Dave));
    });
}

#[test]
fn a_draw_is_queued_until_it_is_made_or_its_job_ends() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        let key = draw_slot(trial.job).to_be_bytes();
        let queued = || Draws::<Runtime>::iter_keys().collect::<Vec<_>>();
        assert_eq!(queued(), [(key, trial.job)]);
        draw();
        assert_eq!(queued(), []);
        trial.pass(Dave);
        assert_eq!(queued().len(), 1);
        trial.run_to_end();
        assert_eq!(queued(), []);

        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let mut guilty = Trial::assigned();
        guilty.trace[0] ^= 1;
        guilty.outputs = guilty.plan.outputs(&guilty.trace, BATCH).expect("whole");
        guilty.claim();
        assert_eq!(queued().len(), 1);
        assert_ok!(guilty.accuse(Eve, FIRST));
        assert_eq!(queued(), []);
    });
}

/// Claims of four workers' jobs in as many blocks, all of which are audited for certain.
fn many_claims(count: usize) -> Vec<Trial> {
    audit_all(false);
    assert_ok!(Disputes::register_auditor(signed(Dave), 900_000 * UNIT));
    pallet_jobs::TimingRecord::<Runtime>::mutate(|timing| {
        timing.challenge_blocks = 10_000;
        timing.draw_delay_slots = 420;
    });
    provide(Charlie, 900_000 * UNIT, 1);
    let trials = (0..count).map(|_| {
        pass(timing().heartbeat_blocks);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let trial = Trial::assigned();
        trial.claim();
        trial
    });
    trials.collect()
}

#[test]
fn a_stall_of_two_thousand_slots_is_caught_up_with_in_shares_of_blocks() {
    on_chain(|| {
        let trials = many_claims(60);
        let slots: Vec<_> = trials.iter().map(|trial| draw_slot(trial.job)).collect();
        assert!(slots.iter().all(|slot| *slot > self::slot()), "none is due");
        pass_over(2_000);
        let deciding = now();
        let drawn = || {
            trials
                .iter()
                .filter(|trial| at_work(trial.job).is_some())
                .count()
        };
        assert_eq!(drawn(), 0);
        type Weights = <Runtime as pallet_disputes::Config>::WeightInfo;
        let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
        let limit = DrawsShare::get() * block;
        let most =
            (limit.ref_time() - Weights::look_for_draws().ref_time()) / Weights::draw().ref_time();
        let mut before = 0;
        while before < trials.len() {
            pass(1);
            let made = drawn() - before;
            let left = trials.len() - before;
            assert_eq!(made, left.min(most as usize), "in block {}", now());
            before += made;
            // The earliest ones first.
            let waits = trials.iter().map(|trial| at_work(trial.job).is_none());
            assert!(waits.is_sorted());
        }
        assert!(now() > deciding + 1, "one block had room for all");
        // Late or not, the block after the stall decided all of them.
        for slot in slots {
            assert_eq!(Beacon::first_since(slot), Beacon::output(deciding));
        }
    });
}

#[test]
fn a_late_draw_is_made_before_the_transactions_of_a_block_and_by_the_newest_beacon() {
    on_chain(|| {
        audit_all(false);
        let all = [Dave, Eve, Ferdie];
        auditors(&all);
        let trial = Trial::right();
        pass(timing().draw_delay_slots);
        // What the next block draws by: here no block carries a VRF output.
        let next = || pallet_beacon::mix(&Beacon::latest(), now(), None::<H256>);
        let hit = |beacon| first_hit(trial.job, beacon, &all);
        let in_time = hit(next());
        loop {
            // A block whose beginning has no room for it: what is done in its end draws nobody.
            start_block_without_hooks();
            let plenty = frame_support::weights::Weight::from_parts(u64::MAX / 8, u64::MAX / 8);
            let _ = <Jobs as frame_support::traits::OnIdle<u32>>::on_idle(now(), plenty);
            assert_eq!(at_work(trial.job), None);
            if hit(next()) != in_time {
                break;
            }
        }
        pass(1);
        let open = at_work(trial.job).expect("one is drawn");
        let newest = Beacon::latest();
        assert_eq!(open.auditor, hit(newest));
        assert_ne!(open.auditor, in_time);
        let name = (b"mizan draw", newest, trial.job, &open.auditor);
        assert_eq!(open.seed, H256(sp_io::hashing::blake2_256(&name.encode())));
    });
}

/// Whether a late draw hits is decided by the block that the protocol names, and by no later one.
#[test]
fn a_late_draw_hits_as_it_would_have_in_time() {
    on_chain(|| {
        let half = Perbill::from_percent(50);
        pallet_rewards::EconomicsRecord::<Runtime>::mutate(|e| e.audit_probability = half);
        auditors(&[Dave]);
        provide(Charlie, BOND, 1);
        let (mut hits, mut misses) = (0, 0);
        for _ in 0..20 {
            pass(timing().heartbeat_blocks);
            assert_ok!(Providers::heartbeat(signed(Charlie)));
            let trial = Trial::assigned();
            trial.claim();
            pass(timing().draw_delay_slots);
            let deciding = now();
            start_block_without_hooks();
            let beacon = Beacon::output(deciding).expect("it is recent");
            start_block_without_hooks();
            pass(1);
            let hash = sp_io::hashing::blake2_256(&(b"mizan audit", beacon, trial.job).encode());
            let hit = hash[3] < 128;
            assert_eq!(is_at_work(trial.job, Dave), hit);
            if hit {
                hits += 1;
                trial.pass(Dave);
            } else {
                misses += 1;
            }
        }
        assert!(hits > 3 && misses > 3, "{hits} hits, {misses} misses");
    });
}
