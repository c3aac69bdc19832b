//! Which worker gets a job.

use super::chain::*;
use crate::{Jobs, Providers, Runtime, RuntimeEvent};
use frame_support::assert_ok;
use mizan_protocol::{
    jobs::{DeclineReason, EndReason, JobState},
    UNIT,
};
use pallet_jobs::Event;
use polkadot_sdk::*;

#[test]
fn post_is_matched_at_once_with_the_cheapest_worker() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT / 2);
        provide(Dave, 100 * UNIT, UNIT / 3);
        provide(Eve, 100 * UNIT, UNIT);
        let id = Post::of(model).accepted(Bob);
        assert_eq!(worker_of(id), self::id(Dave));
        let payment = economics().payment(UNIT / 3, 2_400).unwrap();
        let lock = economics().lock(payment).unwrap();
        let provider = pallet_providers::Providers::<Runtime>::get(self::id(Dave)).unwrap();
        assert_eq!((provider.locked, provider.locks), (lock, 1));
        let event = Event::JobAssigned {
            job: id,
            worker: self::id(Dave),
            payment,
            lock,
            attest_by_block: now() + 10,
        };
        assert!(events().contains(&RuntimeEvent::Jobs(event)));
    });
}

#[test]
fn price_never_falls_below_the_minimum_for_workers_that_ask_for_less() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        let JobState::Assigned(assignment) = job(id).state else {
            panic!("nobody has it")
        };
        let least = economics()
            .payment(economics().min_price_per_unit, 2_400)
            .unwrap();
        assert_eq!(assignment.payment, least);
    });
}

#[test]
fn open_job_waits_for_a_worker_and_is_matched_by_a_later_block() {
    on_chain(|| {
        let model = model();
        let id = Post::of(model).accepted(Bob);
        pass(3);
        assert_eq!(job(id).state, JobState::Open);
        provide(Charlie, 100 * UNIT, 0);
        pass(1);
        assert_eq!(worker_of(id), self::id(Charlie));
    });
}

#[test]
fn worker_that_asks_for_more_has_no_bond_left_no_slot_or_is_silent_is_not_matched() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT + 1);
        let dear = Post::of(model).accepted(Bob);
        pass(1);
        assert_eq!(job(dear).state, JobState::Open);
        assert_ok!(Jobs::cancel_job(signed(Bob), dear));

        // The lock of a 10 MZN payment is 112.5 MZN.
        provide(Dave, 100 * UNIT, 0);
        let price = 10 * UNIT * 1_000_000_000 / 2_400;
        assert_ok!(Providers::set_ask(signed(Dave), self::id(Dave), price));
        let large = Post {
            price,
            ..Post::of(model)
        }
        .accepted(Bob);
        // Charlie asks for less and has the bond for his price.
        assert_eq!(worker_of(large), self::id(Charlie));
        let second = Post {
            price,
            ..Post::of(model)
        }
        .accepted(Bob);
        assert_eq!(job(second).state, JobState::Open);
        pass(timing().liveness_blocks + 1);
        for open in [large, second] {
            assert_ok!(Jobs::cancel_job(signed(Bob), open));
        }
        assert_ok!(Providers::set_ask(signed(Dave), self::id(Dave), 0));
        let silent = Post::of(model).accepted(Bob);
        assert_eq!(job(silent).state, JobState::Open);
        assert_ok!(Providers::heartbeat(signed(Dave)));
        pass(1);
        assert_eq!(worker_of(silent), self::id(Dave));
    });
}

#[test]
fn equal_asks_are_shared_out_by_the_beacon() {
    on_chain(|| {
        let model = model();
        for who in [Charlie, Dave, Eve] {
            provide(who, 1_000 * UNIT, 0);
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let id = Post::of(model).accepted(Bob);
            let worker = worker_of(id);
            seen.insert(worker.clone());
            let who = [Charlie, Dave, Eve]
                .into_iter()
                .find(|w| self::id(*w) == worker)
                .unwrap();
            pass(1);
            assert_ok!(attest(who, id));
            for who in [Charlie, Dave, Eve] {
                let _ = Providers::heartbeat(signed(who));
            }
        }
        assert_eq!(seen.len(), 3);
    });
}

#[test]
fn many_cheap_workers_without_bond_do_not_hide_one_that_can() {
    on_chain(|| {
        let model = model();
        // Forty keys of one provider whose bond backs another job already stand before Eve.
        assert_ok!(Providers::register_provider(
            signed(Charlie),
            economics().min_bond
        ));
        pallet_providers::Providers::<Runtime>::mutate_extant(self::id(Charlie), |p| {
            (p.locked, p.locks) = (p.bond, 1)
        });
        for seed in 0..40u8 {
            let worker = crate::AccountId::new([seed; 32]);
            pallet_providers::Workers::<Runtime>::insert(
                &worker,
                pallet_providers::Worker {
                    provider: self::id(Charlie),
                    ask: 0,
                    slots: 1,
                    open_jobs: 0,
                    heard_block: None,
                    misses: 0,
                    paused_until_block: 0,
                    convicted: false,
                    offline: false,
                },
            );
            pallet_providers::WorkersOf::<Runtime>::insert(self::id(Charlie), &worker, ());
            pallet_providers::Providers::<Runtime>::mutate_extant(self::id(Charlie), |p| {
                p.workers += 1
            });
            assert_ok!(Providers::heartbeat(crate::RuntimeOrigin::signed(worker)));
        }
        provide(Eve, 100 * UNIT, UNIT);
        // One attempt looks at sixteen workers; the next goes on from there.
        let id = Post::of(model).accepted(Bob);
        pass(1);
        assert_eq!(job(id).state, JobState::Open);
        pass(1);
        assert_eq!(worker_of(id), self::id(Eve));
    });
}

#[test]
fn directed_job_waits_for_its_worker_alone() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let worker = Some(self::id(Dave));
        let id = Post {
            worker,
            ..Post::of(model)
        }
        .accepted(Bob);
        pass(2);
        assert_eq!(job(id).state, JobState::Open);
        provide(Dave, 100 * UNIT, UNIT);
        pass(1);
        assert_eq!(worker_of(id), self::id(Dave));
        // Nobody else may do it, so declining ends it.
        assert_ok!(Jobs::decline_job(
            signed(Dave),
            id,
            DeclineReason::Unavailable
        ));
        let reason = EndReason::TooManyMisses;
        assert_eq!(
            job(id).state,
            JobState::Ended {
                reason,
                block: now()
            }
        );
    });
}
