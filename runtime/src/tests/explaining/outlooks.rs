//! What a job waits for, and why a worker gets none.

use super::{explained, outlook_of_worker, rules};
use crate::{
    tests::{
        chain::{self, *},
        providing::consent,
    },
    Jobs, Providers,
};
use frame_support::assert_ok;
use mizan_protocol::{
    explain::{JobOutlook, Rule, WorkerOutlook},
    jobs::{DeclineReason, EndReason, JobState},
    UNIT,
};
use polkadot_sdk::*;

#[test]
fn open_job_says_what_it_waits_for() {
    on_chain(|| {
        let model = model();
        let outlook = |id| explained(id).outlook;
        let price = UNIT / 4;
        let post = || Post {
            price,
            ..Post::of(model)
        };
        let job = post().accepted(Bob);
        assert_eq!(outlook(job), JobOutlook::NoLiveWorker);

        provide(Charlie, 100 * UNIT, price + 1);
        let too_dear = JobOutlook::AsksAboveOffer {
            lowest_ask: price + 1,
            offer: price,
        };
        assert_eq!(outlook(job), too_dear);

        // Charlie gets a job that pays what he asks; then Dave comes, who asks for little.
        let large = Post {
            price: UNIT * 1_000_000_000 / 2_400,
            ..Post::of(model)
        };
        assert_eq!(worker_of(large.accepted(Bob)), id(Charlie));
        provide(Dave, 10 * UNIT, 0);
        let directed = Post {
            worker: Some(id(Eve)),
            ..post()
        }
        .accepted(Bob);
        assert_eq!(
            outlook(directed),
            JobOutlook::DirectedWorkerAway { worker: id(Eve) }
        );
        // Dave can do it: the next block gives it to him.
        assert_eq!(outlook(job), JobOutlook::AboutToMatch { worker: id(Dave) });
        pass(1);
        assert_eq!(
            outlook(job),
            JobOutlook::BeingComputed {
                worker: id(Dave),
                attest_by_block: now() + 10
            }
        );
        assert_ok!(Jobs::decline_job(
            signed(Dave),
            job,
            DeclineReason::Unavailable
        ));
        pass(timing().back_off(1));
        assert_ok!(Providers::heartbeat(signed(Dave)));
        assert_eq!(outlook(job), JobOutlook::AllExcluded);
        assert_ok!(Jobs::cancel_job(signed(Bob), job));
        assert_eq!(outlook(job), JobOutlook::Refunded);
        assert_eq!(rules(job).last(), Some(&"ended"));
    });
}

#[test]
fn job_that_no_bond_covers_says_how_much_is_missing() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 10 * UNIT, 0);
        let price = 10 * UNIT * 1_000_000_000 / 2_400;
        assert_ok!(Providers::set_ask(signed(Charlie), id(Charlie), price));
        let job = Post {
            price,
            ..Post::of(model)
        }
        .accepted(Bob);
        let payment = economics().payment(price, 2_400).unwrap();
        let short = JobOutlook::BondsTooSmall {
            lock: economics().lock(payment).unwrap(),
            largest_free_bond: 10 * UNIT,
        };
        assert_eq!(explained(job).outlook, short);
        run_to(chain::job(job).wait_until_block);
        assert_eq!(explained(job).outlook, JobOutlook::WaitOver);
        pass(1);
        let last = explained(job).history.pop().expect("there is one");
        assert!(
            matches!(
                last.rule,
                Rule::Ended {
                    reason: EndReason::Expired,
                    ..
                }
            ),
            "{last:?}"
        );
    });
}

#[test]
fn worker_without_jobs_says_why() {
    on_chain(|| {
        let model = model();
        assert_eq!(Providers::worker_outlook(&id(Charlie)), None);
        assert_ok!(Providers::register_provider(signed(Charlie), 10 * UNIT));
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Charlie),
            0,
            1,
            None
        ));
        assert_eq!(outlook_of_worker(Charlie), WorkerOutlook::NeverHeard);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let heard_block = now();
        assert_eq!(
            outlook_of_worker(Charlie),
            WorkerOutlook::Idle {
                free_bond: 10 * UNIT
            }
        );
        assert_ok!(Providers::go_offline(signed(Charlie)));
        let offline = WorkerOutlook::Offline { heard_block };
        assert_eq!(outlook_of_worker(Charlie), offline);
        pass(timing().heartbeat_blocks);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let heard_block = now();
        let job = Post::of(model).accepted(Bob);
        assert_eq!(outlook_of_worker(Charlie), WorkerOutlook::Busy { slots: 1 });
        pass(1);
        let reason = DeclineReason::Unavailable;
        assert_ok!(Jobs::decline_job(signed(Charlie), job, reason));
        pass(timing().back_off(1));
        assert_eq!(outlook_of_worker(Charlie), WorkerOutlook::HeartbeatNeeded);
        run_to(heard_block + timing().liveness_blocks + 1);
        assert_eq!(
            outlook_of_worker(Charlie),
            WorkerOutlook::Silent { heard_block }
        );
    });
}

#[test]
fn worker_whose_provider_has_no_bond_left_says_so() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 10 * UNIT, 0);
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Dave),
            0,
            1,
            Some(consent(Charlie, Dave))
        ));
        assert_ok!(Providers::heartbeat(signed(Dave)));
        // A payment whose lock is all but half a token of the bond.
        let most = 95 * UNIT / 10 * 4 / 45;
        let price = (most - economics().flat_price) * 1_000_000_000 / 2_400;
        for who in [Charlie, Dave] {
            assert_ok!(Providers::set_ask(signed(Charlie), id(who), price));
        }
        let job = Post {
            price,
            ..Post::of(model)
        }
        .accepted(Bob);
        let JobState::Assigned(assignment) = chain::job(job).state else {
            panic!("nobody has it")
        };
        let idle = if assignment.worker == id(Charlie) {
            Dave
        } else {
            Charlie
        };
        assert_eq!(
            outlook_of_worker(idle),
            WorkerOutlook::BondTooSmall {
                free_bond: 10 * UNIT - assignment.lock,
                least_lock: economics().lock(economics().flat_price).unwrap(),
            }
        );
    });
}
