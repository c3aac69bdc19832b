//! Results too large to be demanded.

use super::*;
use frame_support::assert_noop;
use pallet_jobs::Refusals;

type JobsError = pallet_jobs::Error<Runtime>;

/// A claimed result of `batch` items of 4,096 bytes each.
fn large_result(batch: u32) -> JobId {
    provide(Charlie, BOND, 1);
    let parameter = |tensor| Parameter {
        hash: [1; 32],
        tensor,
    };
    let program = Program {
        parameters: vec![
            parameter(TensorType::i8(&[4_096, 8])),
            parameter(TensorType::channels(4_096)),
        ],
        ..program(Alice)
    };
    let post = Post {
        batch,
        worker: Some(id(Charlie)),
        ..Post::of(registered(&program))
    };
    let job = post.accepted(Bob);
    pass(1);
    assert_ok!(attest(Charlie, job));
    job
}

#[test]
fn a_refused_delivery_burns_the_payment_and_is_remembered_of_both() {
    on_chain(|| {
        let id_of_job = large_result(257);
        let payment = job(id_of_job).held;
        let (requester, provider) = (wealth(Bob), wealth(Charlie));
        let issued = Balances::total_issuance();
        assert_ok!(Jobs::refuse_delivery(signed(Bob), id_of_job));
        assert!(matches!(job(id_of_job).state, JobState::Refused(..)));
        assert_eq!(wealth(Bob), requester - payment);
        assert_eq!(free(Bob), wealth(Bob));
        assert_eq!(wealth(Charlie), provider);
        assert_eq!(Balances::total_issuance(), issued - payment);
        for who in [Bob, Charlie] {
            assert_eq!(Refusals::<Runtime>::get(id(who)), 1);
        }
        let bond = pallet_providers::Providers::<Runtime>::get(id(Charlie)).expect("it is one");
        assert_eq!((bond.locks, bond.locked), (0, 0));
    });
}

#[test]
fn deliveries_that_can_be_demanded_can_not_be_refused() {
    on_chain(|| {
        let job = large_result(256);
        let error = JobsError::DeliveryCanBeDemanded;
        assert_noop!(Jobs::refuse_delivery(signed(Bob), job), error);
    });
}

#[test]
fn only_the_requester_refuses_and_only_while_the_result_can_be_challenged() {
    on_chain(|| {
        let refuse = |who, job| Jobs::refuse_delivery(signed(who), job);
        assert_noop!(refuse(Bob, 0), JobsError::JobUnknown);
        let id = large_result(257);
        assert_noop!(refuse(Dave, id), JobsError::NotYourJob);
        pass(timing().challenge_blocks + 1);
        assert!(matches!(job(id).state, JobState::Settled(..)));
        assert_noop!(refuse(Bob, id), JobsError::NotAttested);
    });
}

#[test]
fn a_demand_comes_before_a_refusal() {
    on_chain(|| {
        let id = large_result(257);
        assert_ok!(Disputes::demand(signed(Dave), id, FIRST_ELEMENT));
        assert_noop!(
            Jobs::refuse_delivery(signed(Bob), id),
            JobsError::DemandsOpen
        );
    });
}
