//! Attesting and timing out.

use super::chain::*;
use crate::{Jobs, Providers, Runtime, RuntimeEvent};
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::{
    jobs::{EndReason, JobState},
    UNIT,
};
use pallet_jobs::{Error, Event, HoldReason};
use polkadot_sdk::*;
use sp_core::H256;

type JobsError = Error<Runtime>;

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
