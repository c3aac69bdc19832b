//! Matching, declining, attesting, timing out.

use super::chain::*;
use crate::{Jobs, Providers, Runtime, RuntimeEvent};
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::{
    jobs::{DeclineReason, EndReason, JobState},
    UNIT,
};
use pallet_jobs::{Error, Event, HoldReason};
use polkadot_sdk::*;
use sp_core::H256;

type JobsError = Error<Runtime>;

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

#[test]
fn decline_opens_the_job_for_others_and_pauses_the_worker() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        let wealth_before = wealth(Charlie);
        assert_ok!(Jobs::decline_job(
            signed(Charlie),
            id,
            DeclineReason::TooLarge
        ));
        let event = Event::JobDeclined {
            job: id,
            worker: self::id(Charlie),
            reason: DeclineReason::TooLarge,
        };
        assert!(events().contains(&RuntimeEvent::Jobs(event)));
        assert_eq!(job(id).state, JobState::Open);
        assert_eq!(wealth(Charlie), wealth_before);
        let provider = pallet_providers::Providers::<Runtime>::get(self::id(Charlie)).unwrap();
        assert_eq!((provider.locked, provider.locks), (0, 0));
        let worker = pallet_providers::Workers::<Runtime>::get(self::id(Charlie)).unwrap();
        assert_eq!(
            worker.paused_until_block,
            now() + 2 * timing().back_off_blocks
        );
        // Excluded for good from this job, even when it is idle again.
        run_to(worker.paused_until_block);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        pass(2);
        assert_eq!(job(id).state, JobState::Open);
        provide(Dave, 100 * UNIT, UNIT);
        pass(1);
        assert_eq!(worker_of(id), self::id(Dave));
    });
}

#[test]
fn decline_fails_for_others_too_late_and_without_assignment() {
    on_chain(|| {
        let model = model();
        let unavailable = DeclineReason::Unavailable;
        assert_noop!(
            Jobs::decline_job(signed(Charlie), 0, unavailable),
            JobsError::JobUnknown
        );
        let id = Post {
            duration: 20,
            ..Post::of(model)
        }
        .accepted(Bob);
        assert_noop!(
            Jobs::decline_job(signed(Charlie), id, unavailable),
            JobsError::NotAssigned
        );
        provide(Charlie, 100 * UNIT, 0);
        pass(1);
        assert_noop!(
            Jobs::decline_job(signed(Dave), id, unavailable),
            JobsError::NotYourAssignment
        );
        pass(timing().decline_blocks);
        frame_support::storage::with_storage_layer(|| -> Result<(), sp_runtime::DispatchError> {
            assert_ok!(Jobs::decline_job(signed(Charlie), id, unavailable));
            Err("only tried".into())
        })
        .unwrap_err();
        pass(1);
        assert_noop!(
            Jobs::decline_job(signed(Charlie), id, unavailable),
            JobsError::DeclineTooLate
        );
        assert_ok!(attest(Charlie, id));
        assert_noop!(
            Jobs::decline_job(signed(Charlie), id, unavailable),
            JobsError::AlreadyAttested
        );
    });
}

#[test]
fn third_provider_without_inputs_closes_the_job_and_a_tenth_of_the_deposit_burns() {
    on_chain(|| {
        let model = model();
        let before = wealth(Bob);
        let id = Post::of(model).accepted(Bob);
        let deposit = job(id).deposit;
        for who in [Charlie, Dave, Eve] {
            provide(who, 100 * UNIT, 0);
            pass(1);
            assert_eq!(worker_of(id), self::id(who));
            assert_ok!(Jobs::decline_job(
                signed(who),
                id,
                DeclineReason::InputsUnavailable
            ));
        }
        let reason = EndReason::InputsUnavailable;
        assert_eq!(
            job(id).state,
            JobState::Ended {
                reason,
                block: now()
            }
        );
        assert_eq!(wealth(Bob), before - deposit / 10);
        assert_eq!(pallet_rewards::Burned::<Runtime>::get(), deposit / 10);
        assert_eq!(held(Bob, HoldReason::Deposit), 0);
    });
}

#[test]
fn two_workers_of_one_provider_count_once_as_missing_inputs() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        assert_ok!(Jobs::decline_job(
            signed(Charlie),
            id,
            DeclineReason::InputsUnavailable
        ));
        let consent = super::providing::consent(Charlie, Ferdie);
        let worker = self::id(Ferdie);
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            worker,
            0,
            1,
            Some(consent)
        ));
        assert_ok!(Providers::heartbeat(signed(Ferdie)));
        pass(1);
        assert_ok!(Jobs::decline_job(
            signed(Ferdie),
            id,
            DeclineReason::InputsUnavailable
        ));
        assert_eq!(job(id).missing_inputs.len(), 1);
        assert_eq!(job(id).state, JobState::Open);
    });
}

#[test]
fn attestation_is_recorded_and_gives_the_change_back() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT / 2);
        let before = wealth(Bob);
        let id = Post::of(model).accepted(Bob);
        let offered = held(Bob, HoldReason::Payment);
        pass(1);
        assert_ok!(attest(Charlie, id));
        let payment = economics().payment(UNIT / 2, 2_400).unwrap();
        assert!(payment < offered);
        assert_eq!(held(Bob, HoldReason::Payment), payment);
        assert_eq!(wealth(Bob), before);
        let settles_block = now() + timing().challenge_blocks + 1;
        let event = Event::JobAttested {
            job: id,
            worker: self::id(Charlie),
            outputs: outputs(),
            trace: H256([8; 32]),
            settles_block,
        };
        assert!(events().contains(&RuntimeEvent::Jobs(event)));
        // The slot is free again, the lock is not.
        let worker = pallet_providers::Workers::<Runtime>::get(self::id(Charlie)).unwrap();
        assert_eq!(worker.open_jobs, 0);
        let provider = pallet_providers::Providers::<Runtime>::get(self::id(Charlie)).unwrap();
        assert_eq!(provider.locks, 1);
    });
}

#[test]
fn attest_fails_twice_for_others_before_assignment_and_for_unknown_jobs() {
    on_chain(|| {
        let model = model();
        let attest_as = |who, id| {
            Jobs::attest_job(
                signed(who),
                id,
                block_hash(now() - 1),
                outputs(),
                H256([8; 32]),
            )
        };
        assert_noop!(attest_as(Charlie, 0), JobsError::JobUnknown);
        let id = Post::of(model).accepted(Bob);
        assert_noop!(attest_as(Charlie, id), JobsError::NotAssigned);
        provide(Charlie, 100 * UNIT, 0);
        pass(2);
        assert_noop!(attest_as(Dave, id), JobsError::NotYourAssignment);
        assert_ok!(attest_as(Charlie, id));
        assert_noop!(attest_as(Charlie, id), JobsError::AlreadyAttested);
        pass(timing().challenge_blocks + 1);
        assert_noop!(attest_as(Charlie, id), JobsError::AlreadyAttested);
    });
}

#[test]
fn attest_fails_with_the_wrong_block_or_number_of_outputs() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        let trace = H256([8; 32]);
        // In the block of the assignment its hash is not known to anyone.
        assert_noop!(
            Jobs::attest_job(signed(Charlie), id, H256::zero(), outputs(), trace),
            JobsError::WrongAssignmentBlock
        );
        pass(2);
        assert_noop!(
            Jobs::attest_job(signed(Charlie), id, block_hash(2), outputs(), trace),
            JobsError::WrongAssignmentBlock
        );
        assert_noop!(
            Jobs::attest_job(
                signed(Charlie),
                id,
                block_hash(1),
                Default::default(),
                trace
            ),
            JobsError::WrongOutputCount
        );
        assert_ok!(attest(Charlie, id));
    });
}

#[test]
fn attestation_counts_in_the_last_block_and_not_after_it() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        pass(10);
        frame_support::storage::with_storage_layer(|| -> Result<(), sp_runtime::DispatchError> {
            assert_ok!(attest(Charlie, id));
            Err("only tried".into())
        })
        .unwrap_err();
        // The agenda is full: the time-out comes late, the attestation must fail all the same.
        start_block_without_hooks();
        assert_noop!(attest(Charlie, id), JobsError::AttestTooLate);
        run_jobs_hooks();
    });
}

#[test]
fn silent_worker_loses_the_job_and_a_tenth_of_the_payment() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT);
        let before = wealth(Charlie);
        let id = Post::of(model).accepted(Bob);
        let JobState::Assigned(assignment) = job(id).state else {
            panic!("nobody has it")
        };
        let events = pass(11);
        let burned = assignment.payment / 10;
        let event = Event::JobTimedOut {
            job: id,
            worker: self::id(Charlie),
            burned,
        };
        assert!(events.contains(&RuntimeEvent::Jobs(event)));
        assert_eq!(wealth(Charlie), before - burned);
        assert_eq!(pallet_rewards::Burned::<Runtime>::get(), burned);
        assert_eq!(job(id).state, JobState::Open);
        provide(Dave, 100 * UNIT, UNIT);
        pass(1);
        assert_eq!(worker_of(id), self::id(Dave));
    });
}

#[test]
fn timed_out_job_that_has_waited_long_enough_expires() {
    on_chain(|| {
        let model = model();
        let before = wealth(Bob);
        provide(Charlie, 100 * UNIT, UNIT);
        let id = Post {
            wait: 5,
            ..Post::of(model)
        }
        .accepted(Bob);
        pass(11);
        let reason = EndReason::Expired;
        assert_eq!(
            job(id).state,
            JobState::Ended {
                reason,
                block: now()
            }
        );
        assert_eq!(wealth(Bob), before);
    });
}

#[test]
fn job_ends_after_sixteen_misses() {
    on_chain(|| {
        let model = model();
        let id = Post {
            wait: 2_000,
            ..Post::of(model)
        }
        .accepted(Bob);
        for seed in 0..16u8 {
            let worker = crate::AccountId::new([seed + 100; 32]);
            assert_ok!(crate::Balances::transfer_keep_alive(
                signed(Ferdie),
                worker.clone().into(),
                100 * UNIT
            ));
            let origin = || crate::RuntimeOrigin::signed(worker.clone());
            assert_ok!(Providers::register_provider(origin(), 50 * UNIT));
            assert_ok!(Providers::register_worker(
                origin(),
                worker.clone(),
                0,
                1,
                None
            ));
            assert_ok!(Providers::heartbeat(origin()));
            pass(1);
            assert_eq!(worker_of(id), worker);
            assert_ok!(Jobs::decline_job(origin(), id, DeclineReason::Unavailable));
        }
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

#[test]
fn provider_with_an_open_job_can_neither_leave_nor_take_its_worker_off() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 10 * UNIT, 0);
        let id = Post::of(model).accepted(Bob);
        type ProvidersError = pallet_providers::Error<Runtime>;
        let take_off = || Providers::deregister_worker(signed(Charlie), self::id(Charlie));
        assert_noop!(take_off(), ProvidersError::WorkerBusy);
        assert_noop!(
            Providers::exit(signed(Charlie)),
            ProvidersError::WorkersRemain
        );
        pass(1);
        assert_ok!(attest(Charlie, id));
        // The worker may go, the bond stays until the job has settled.
        assert_ok!(take_off());
        assert_noop!(
            Providers::exit(signed(Charlie)),
            ProvidersError::LocksRemain
        );
        pass(timing().challenge_blocks + 1);
        assert!(matches!(job(id).state, JobState::Settled(..)));
        assert_ok!(Providers::exit(signed(Charlie)));
    });
}
