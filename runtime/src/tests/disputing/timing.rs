//! Time that can't be stuffed, and which of two things comes first.

use super::*;
use crate::configs::system::RuntimeBlockWeights;
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo},
    weights::Weight,
};

/// Uses up the block, as its transactions of that class would.
fn stuff(class: DispatchClass) {
    let limit = RuntimeBlockWeights::get().max_block;
    let used = frame_system::Pallet::<Runtime>::block_weight().total();
    let rest = limit.saturating_sub(used);
    frame_system::Pallet::<Runtime>::register_extra_weight_unchecked(rest, class);
}

fn time() -> u32 {
    Time::<Runtime>::get()
}

#[test]
fn every_block_with_room_counts() {
    on_chain(|| {
        let before = time();
        pass(7);
        assert_eq!(time(), before + 7);
    });
}

#[test]
fn blocks_full_of_proofs_do_not_count() {
    on_chain(|| {
        let before = time();
        stuff(DispatchClass::Operational);
        pass(1);
        assert_eq!(time(), before);
        pass(1);
        assert_eq!(time(), before + 1);
    });
}

#[test]
fn what_everyone_may_fill_leaves_room_for_proofs() {
    on_chain(|| {
        let before = time();
        let most = RuntimeBlockWeights::get()
            .get(DispatchClass::Normal)
            .max_total
            .expect("it is limited");
        frame_system::Pallet::<Runtime>::register_extra_weight_unchecked(
            most,
            DispatchClass::Normal,
        );
        pass(1);
        assert_eq!(time(), before + 1);
    });
}

#[test]
fn stuffed_blocks_postpone_settlement_by_as_many() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let settles = now() + timing().challenge_blocks + 1;
        for _ in 0..6 {
            stuff(DispatchClass::Operational);
            pass(1);
        }
        assert!(now() > settles);
        assert!(!trial.is_settled());
        run_to(settles + 6 - 1);
        assert_ok!(trial.accuse(Dave, FIRST));
        assert_eq!(trial.conviction().challenger, Some(id(Dave)));
    });
}

#[test]
fn stuffed_blocks_give_as_much_time_to_answer() {
    on_chain(|| {
        let trial = Trial::right();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        for _ in 0..20 {
            stuff(DispatchClass::Operational);
            pass(1);
        }
        pass(timing().answer_blocks);
        assert_ok!(trial.give(Charlie, 0));
    });
}

#[test]
fn a_proof_in_the_last_block_of_the_window_wins_over_settlement() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        run_to(now() + timing().challenge_blocks);
        assert_ok!(trial.accuse(Dave, FIRST));
        pass(1);
        assert_eq!(trial.conviction().challenger, Some(id(Dave)));
    });
}

#[test]
fn a_proof_in_the_block_of_the_settlement_comes_too_late() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        run_to(now() + timing().challenge_blocks + 1);
        assert!(trial.is_settled());
        assert_noop!(
            trial.accuse(Dave, FIRST).map_err(|error| error.error),
            DisputesError::Over
        );
    });
}

#[test]
fn a_settlement_that_found_no_room_can_still_be_challenged() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        run_to(now() + timing().challenge_blocks);
        start_block_without_hooks();
        assert_ok!(trial.accuse(Dave, FIRST));
        assert_eq!(trial.conviction().challenger, Some(id(Dave)));
    });
}

#[test]
fn proofs_demands_and_answers_are_operational() {
    let calls: [pallet_disputes::Call<Runtime>; 4] = [
        pallet_disputes::Call::submit_fraud_proof {
            job: 0,
            accusation: FIRST,
            evidence: Default::default(),
        },
        pallet_disputes::Call::submit_second_attestation {
            job: 0,
            payload: Default::default(),
            signature: Alice.sign(&[]).into(),
        },
        pallet_disputes::Call::demand {
            job: 0,
            request: FIRST_ELEMENT,
        },
        pallet_disputes::Call::answer {
            job: 0,
            demand: 0,
            answer: Default::default(),
        },
    ];
    for call in calls {
        let info = RuntimeCall::from(call).get_dispatch_info();
        assert_eq!(info.class, DispatchClass::Operational);
        assert_ne!(info.call_weight, Weight::zero());
    }
}
