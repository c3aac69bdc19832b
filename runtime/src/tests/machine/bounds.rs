//! Posts at the bounds of what can be counted and paid.

use super::on_chain::registered_large_program;
use crate::tests::{chain::*, issue_to};
use crate::{Jobs, Runtime, RuntimeCall, EXISTENTIAL_DEPOSIT};
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::jobs::{EndReason, JobState};
use pallet_jobs::{Error, HoldReason};
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring::{self, One};
use sp_runtime::{traits::Dispatchable, ArithmeticError};

type JobsError = Error<Runtime>;

/// Makes it that a new account has exactly this much.
fn give(who: Sr25519Keyring, amount: u128) {
    let dest = id(who).into();
    let sent = crate::Balances::transfer_keep_alive(signed(Bob), dest, amount);
    assert_ok!(sent);
    assert_eq!(free(who), amount);
}

/// Creates tokens as if genesis had.
fn issue(who: Sr25519Keyring, amount: u128) {
    issue_to(&id(who), amount);
    pallet_rewards::GenesisIssuance::<Runtime>::mutate(|issued| *issued += amount);
}

/// The largest number of which this holds, given that it holds of zero and of none after one of
/// which it does not.
fn largest(holds: impl Fn(u128) -> bool) -> u128 {
    let (mut yes, mut no) = (0, u128::MAX);
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    yes
}

fn servers() -> mizan_protocol::jobs::BlobServers {
    let address = || b"https://blobs.example".to_vec().try_into();
    let all = (0..4).map(|_| address().expect("it is short"));
    all.collect::<Vec<_>>().try_into().expect("four fit")
}

#[test]
fn post_takes_exactly_the_free_balance_and_not_a_unit_more() {
    on_chain(|| {
        let post = |model| Post {
            blob_servers: servers(),
            ..Post::of(model)
        };
        let model = model();
        let payment = economics().payment(post(model).price, 100 * 24).unwrap();
        let deposit = economics().deposit_for_job(1, 4).unwrap();
        give(One, EXISTENTIAL_DEPOSIT + payment + deposit - 1);
        assert_noop!(post(model).by(One), JobsError::BalanceTooLow);
        assert_ok!(crate::Balances::transfer_keep_alive(
            signed(Bob),
            id(One).into(),
            1
        ));
        let job = post(model).accepted(One);
        assert_eq!(free(One), EXISTENTIAL_DEPOSIT);
        assert_eq!(held(One, HoldReason::Payment), payment);
        assert_eq!(held(One, HoldReason::Deposit), deposit);
        assert_noop!(post(model).by(One), JobsError::BalanceTooLow);
        assert_ok!(Jobs::cancel_job(signed(One), job));
        assert_eq!(free(One), EXISTENTIAL_DEPOSIT + payment + deposit);
    });
}

#[test]
fn account_at_the_existential_deposit_can_not_post() {
    on_chain(|| {
        let model = model();
        give(One, EXISTENTIAL_DEPOSIT);
        assert_noop!(Post::of(model).by(One), JobsError::BalanceTooLow);
        assert_eq!(wealth(One), EXISTENTIAL_DEPOSIT);
        // Nor can one that never had anything.
        let nobody = Sr25519Keyring::Two;
        assert_noop!(Post::of(model).by(nobody), JobsError::BalanceTooLow);
    });
}

#[test]
fn largest_payment_whose_lock_is_a_number_is_held_and_given_back() {
    on_chain(|| {
        let (model, macs) = (registered_large_program(), 4_096 * (1_024 * 1_024 + 24));
        let payment = |price| economics().payment(price, macs);
        let price = largest(|price| payment(price).and_then(|p| economics().lock(p)).is_some());
        let post = |price| Post {
            batch: 4_096,
            inputs: vec![sp_core::H256([5; 32]); 2].try_into().expect("two fit"),
            price,
            ..Post::of(model)
        };
        assert_noop!(post(price + 1).by(Ferdie), JobsError::PaymentOverflow);
        assert_noop!(post(u128::MAX).by(Ferdie), JobsError::PaymentOverflow);
        assert_noop!(post(price).by(Ferdie), JobsError::BalanceTooLow);
        issue(Ferdie, payment(price).unwrap());
        // Nobody has the bond, which is all that can be counted.
        provide(Charlie, 900_000 * mizan_protocol::UNIT, 0);
        let before = free(Ferdie);
        let job = Post {
            worker: Some(id(Dave)),
            ..post(price)
        }
        .accepted(Ferdie);
        assert_eq!(held(Ferdie, HoldReason::Payment), payment(price).unwrap());
        pass(51);
        let ended = |block| JobState::Ended {
            reason: EndReason::Expired,
            block,
        };
        assert_eq!(crate::tests::chain::job(job).state, ended(now()));
        assert_eq!(free(Ferdie), before);
    });
}

#[test]
fn post_at_the_bounds_of_its_numbers_is_refused() {
    on_chain(|| {
        let model = model();
        let refused = |change: fn(&mut Post), error: JobsError| {
            let mut post = Post::of(model);
            change(&mut post);
            assert_noop!(post.by(Bob), error);
        };
        refused(|post| post.batch = u32::MAX, JobsError::BatchOutOfRange);
        refused(|post| post.duration = u32::MAX, JobsError::DurationTooLong);
        refused(|post| post.wait = u32::MAX, JobsError::WaitTooLong);
        refused(|post| post.price = 0, JobsError::PriceTooLow);
        refused(|post| post.price = u128::MAX, JobsError::BalanceTooLow);
    });
}

#[test]
fn post_without_an_id_left_is_refused_and_holds_nothing() {
    on_chain(|| {
        let post = Post::of(model());
        pallet_jobs::NextJobId::<Runtime>::put(u64::MAX);
        let call = RuntimeCall::Jobs(pallet_jobs::Call::post_job {
            model: post.model,
            batch: post.batch,
            inputs: post.inputs,
            price_per_unit: post.price,
            duration_blocks: post.duration,
            wait_blocks: post.wait,
            worker: post.worker,
            blob_servers: post.blob_servers,
        });
        let sent = call.dispatch(signed(Bob)).map_err(|refused| refused.error);
        assert_noop!(sent, ArithmeticError::Overflow);
        assert_eq!(held(Bob, HoldReason::Payment), 0);
        assert_eq!(held(Bob, HoldReason::Deposit), 0);
    });
}
