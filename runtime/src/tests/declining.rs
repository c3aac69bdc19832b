//! Giving a job back, and what that costs.

use super::chain::*;
use crate::{Jobs, Providers, Runtime, RuntimeEvent};
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::{
    jobs::{DeclineReason, EndReason, JobState},
    UNIT,
};
use pallet_jobs::{Error, Event, HoldReason};
use polkadot_sdk::*;

type JobsError = Error<Runtime>;

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
