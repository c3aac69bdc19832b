//! Posting and taking back.

use super::chain::*;
use crate::{Balances, Jobs, Runtime, RuntimeEvent};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::{
    jobs::{BlobServers, EndReason, JobState},
    UNIT,
};
use mizan_tensor::TensorType;
use pallet_jobs::{Error, Event, HoldReason};
use polkadot_sdk::*;
use sp_core::H256;

type JobsError = Error<Runtime>;

/// A sound post with one change is refused, and changes nothing.
fn refused(change: impl FnOnce(&mut Post), error: JobsError) {
    let mut post = Post::of(model());
    change(&mut post);
    assert_noop!(post.by(Bob), error);
}

fn servers(addresses: &[&str]) -> BlobServers {
    let bounded = |address: &&str| address.as_bytes().to_vec().try_into().expect("it is short");
    let servers: Vec<_> = addresses.iter().map(bounded).collect();
    servers.try_into().expect("they are few")
}

#[test]
fn post_holds_payment_and_deposit_and_announces_the_job() {
    on_chain(|| {
        let before = free(Bob);
        let id = Post::of(model()).accepted(Bob);
        let macs = 100 * 8 * 3;
        let payment = economics().payment(UNIT, macs).unwrap();
        let deposit = economics().deposit_for_job(1, 0).unwrap();
        assert_eq!(held(Bob, HoldReason::Payment), payment);
        assert_eq!(held(Bob, HoldReason::Deposit), deposit);
        assert_eq!(free(Bob), before - payment - deposit);
        assert_eq!(job(id).macs, macs);
        assert_eq!(job(id).state, JobState::Open);
        let event = Event::JobPosted {
            job: id,
            requester: self::id(Bob),
            model: job(id).model,
            held: payment,
        };
        assert!(events().contains(&RuntimeEvent::Jobs(event)));
    });
}

#[test]
fn post_fails_when_the_model_is_unknown() {
    on_chain(|| refused(|p| p.model = H256([9; 32]), JobsError::ModelUnknown));
}

#[test]
fn post_fails_when_the_batch_is_out_of_range() {
    on_chain(|| {
        let model = model();
        for batch in [0, 4_097] {
            assert_noop!(
                Post {
                    batch,
                    ..Post::of(model)
                }
                .by(Bob),
                JobsError::BatchOutOfRange
            );
        }
    });
}

#[test]
fn post_fails_when_the_number_of_inputs_is_wrong() {
    on_chain(|| {
        refused(
            |p| p.inputs = Default::default(),
            JobsError::WrongInputCount,
        )
    });
}

#[test]
fn post_fails_when_the_price_is_below_the_minimum() {
    on_chain(|| {
        let least = economics().min_price_per_unit;
        refused(|p| p.price = least - 1, JobsError::PriceTooLow);
    });
}

#[test]
fn post_fails_when_the_worker_would_have_too_little_or_too_much_time() {
    on_chain(|| {
        let model = model();
        // The inputs are 800 bytes.
        let least = timing().min_duration(800);
        assert!(least > timing().min_duration_blocks);
        let post = Post {
            duration: least - 1,
            ..Post::of(model)
        };
        assert_noop!(post.by(Bob), JobsError::DurationTooShort);
        let post = Post {
            duration: timing().max_duration_blocks + 1,
            ..Post::of(model)
        };
        assert_noop!(post.by(Bob), JobsError::DurationTooLong);
        assert_ok!(Post {
            duration: least,
            ..Post::of(model)
        }
        .by(Bob));
    });
}

#[test]
fn post_fails_when_it_would_not_wait_or_wait_too_long() {
    on_chain(|| {
        let model = model();
        assert_noop!(
            Post {
                wait: 0,
                ..Post::of(model)
            }
            .by(Bob),
            JobsError::WaitTooShort
        );
        let wait = timing().max_wait_blocks + 1;
        assert_noop!(
            Post {
                wait,
                ..Post::of(model)
            }
            .by(Bob),
            JobsError::WaitTooLong
        );
    });
}

#[test]
fn post_fails_when_payment_overflows() {
    on_chain(|| {
        // 2^20 MACs an item. First the product is not a number, then only the lock.
        let mut large = program(Alice);
        large.inputs = vec![TensorType::i8(&[1_024])];
        large.parameters[0].tensor = TensorType::i8(&[1_024, 1_024]);
        large.parameters[1].tensor = TensorType::channels(1_024);
        let bytes = large.encode().try_into().unwrap();
        assert_ok!(crate::Models::register_model(signed(Alice), bytes));
        let model = H256(large.id());
        for price in [u128::MAX, u128::MAX / 20] {
            let post = Post {
                price,
                batch: 4_096,
                ..Post::of(model)
            };
            assert_noop!(post.by(Bob), JobsError::PaymentOverflow);
        }
    });
}

#[test]
fn post_fails_when_the_balance_is_too_low_and_holds_nothing() {
    on_chain(|| {
        // 2,400 MACs at 10^12 MZN for 10^9 of them is more than Bob has.
        refused(
            |p| p.price = 1_000_000_000_000 * UNIT,
            JobsError::BalanceTooLow,
        );
        assert_eq!(held(Bob, HoldReason::Payment), 0);
    });
}

#[test]
fn post_can_spend_all_but_the_existential_deposit() {
    on_chain(|| {
        let model = model();
        let deposit = economics().deposit_for_job(1, 0).unwrap();
        // A batch of 1,000 has 24,000 MACs.
        let afford = |price| economics().payment(price, 24_000).unwrap() + deposit;
        let spend = free(Bob) - crate::EXISTENTIAL_DEPOSIT;
        let price = (spend - deposit - economics().flat_price) / 24_000 * 1_000_000_000;
        assert!(afford(price) <= spend && afford(price + 50_000_000_000) > spend);
        let post = || Post {
            batch: 1_000,
            ..Post::of(model)
        };
        assert_noop!(
            Post {
                price: price + 50_000_000_000,
                ..post()
            }
            .by(Bob),
            JobsError::BalanceTooLow
        );
        assert_ok!(Post { price, ..post() }.by(Bob));
        assert!(Balances::free_balance(id(Bob)) >= crate::EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn cancel_gives_everything_back() {
    on_chain(|| {
        let model = model();
        let before = free(Bob);
        let id = Post::of(model).accepted(Bob);
        let refunded = before - free(Bob);
        assert_ok!(Jobs::cancel_job(signed(Bob), id));
        assert_eq!(free(Bob), before);
        let reason = EndReason::Cancelled;
        assert_eq!(
            job(id).state,
            JobState::Ended {
                reason,
                block: now()
            }
        );
        let event = Event::JobEnded {
            job: id,
            reason,
            refunded,
            burned: 0,
        };
        assert!(events().contains(&RuntimeEvent::Jobs(event)));
    });
}

#[test]
fn cancel_fails_for_strangers_unknown_jobs_and_jobs_that_a_worker_has() {
    on_chain(|| {
        let model = model();
        assert_noop!(Jobs::cancel_job(signed(Bob), 0), JobsError::JobUnknown);
        let open = Post::of(model).accepted(Bob);
        assert_noop!(Jobs::cancel_job(signed(Eve), open), JobsError::NotYourJob);
        provide(Charlie, 100 * UNIT, 0);
        pass(2);
        assert_noop!(Jobs::cancel_job(signed(Bob), open), JobsError::NotOpen);
        assert_ok!(attest(Charlie, open));
        assert_noop!(Jobs::cancel_job(signed(Bob), open), JobsError::NotOpen);
    });
}

#[test]
fn job_that_nobody_takes_expires_and_is_refunded() {
    on_chain(|| {
        let model = model();
        let before = free(Bob);
        let id = Post {
            wait: 7,
            ..Post::of(model)
        }
        .accepted(Bob);
        pass(7);
        assert_eq!(job(id).state, JobState::Open);
        pass(1);
        let reason = EndReason::Expired;
        assert_eq!(
            job(id).state,
            JobState::Ended {
                reason,
                block: now()
            }
        );
        assert_eq!(free(Bob), before);
    });
}

#[test]
fn record_of_an_ended_job_is_forgotten_after_its_retention() {
    on_chain(|| {
        let id = Post::of(model()).accepted(Bob);
        assert_ok!(Jobs::cancel_job(signed(Bob), id));
        let kept = timing().era_blocks * timing().retention_eras;
        pass(kept - 1);
        assert!(pallet_jobs::Jobs::<Runtime>::contains_key(id));
        let events = pass(1);
        assert!(!pallet_jobs::Jobs::<Runtime>::contains_key(id));
        assert!(events.contains(&RuntimeEvent::Jobs(Event::JobForgotten { job: id })));
    });
}

#[test]
fn blob_servers_are_kept_and_paid_for_by_the_deposit() {
    on_chain(|| {
        let model = model();
        let post = |addresses: &[&str]| Post {
            blob_servers: servers(addresses),
            ..Post::of(model)
        };
        let none = super::chain::job(post(&[]).accepted(Bob)).deposit;
        let with = post(&["https://blobs.example:8443/a", "http://[2001:db8::1]:80"]);
        let job = super::chain::job(with.accepted(Bob));
        assert_eq!(job.blob_servers.len(), 2);
        assert_eq!(job.deposit, none + 8 * economics().job_input_deposit);
        assert_eq!(held(Bob, HoldReason::Deposit), none + job.deposit);
    });
}

#[test]
fn post_fails_when_a_blob_server_is_no_address() {
    on_chain(|| {
        let model = model();
        for address in [
            "",
            "http://",
            "https://",
            "ftp://host",
            "host:80",
            "HTTP://host",
            "http://a b",
            "http://h\n",
            "http://\u{e9}",
        ] {
            let post = Post {
                blob_servers: servers(&["http://good", address]),
                ..Post::of(model)
            };
            assert_noop!(post.by(Bob), Error::<Runtime>::BadBlobServer);
        }
    });
}
