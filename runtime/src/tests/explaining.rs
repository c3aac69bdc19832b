//! Nobody is left asking why: histories, sums, outlooks, and the runtime API that tells them.

mod outlooks;

use super::{chain::*, providing::consent};
use crate::{AccountId, Block, Jobs, Providers, Runtime};
use frame_support::assert_ok;
use mizan_protocol::{
    api::runtime_decl_for_market_api::MarketApi,
    explain::{JobOutlook, ModelCostError, Note, Rule, Units, WorkerOutlook, MAX_NOTES},
    jobs::{AuditOutcome, DeclineReason, JobState},
    JobId, UNIT,
};
use pallet_jobs::{Histories, UnitsOf};
use polkadot_sdk::*;

/// The runtime's API, as a node calls it.
type Api = Runtime;

fn explained(id: JobId) -> mizan_protocol::explain::JobExplanation<AccountId> {
    <Api as MarketApi<Block, AccountId>>::explain_job(id).expect("the job is known")
}

fn rules(id: JobId) -> Vec<&'static str> {
    let history = explained(id).history;
    history.iter().map(|note| note.rule.name()).collect()
}

fn units(who: sp_keyring::Sr25519Keyring) -> (u128, u128, u128, u128) {
    let units = UnitsOf::<Runtime>::get(id(who)).unwrap_or_default();
    let Units {
        claimed,
        accepted,
        rejected,
    } = units;
    (claimed, accepted, rejected, units.pending())
}

fn outlook_of_worker(who: sp_keyring::Sr25519Keyring) -> WorkerOutlook {
    Providers::worker_outlook(&id(who)).expect("it is registered")
}

#[test]
fn paid_job_tells_who_got_what_by_which_rule_and_when() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT / 2);
        let job = Post::of(model).accepted(Bob);
        let held = super::chain::job(job).held;
        let posted = now();
        pass(1);
        assert_ok!(attest(Charlie, job));
        assert_eq!(units(Charlie), (2_400, 0, 0, 2_400));
        let settles = now() + timing().challenge_blocks + 1;
        assert_eq!(
            explained(job).outlook,
            JobOutlook::InChallenge {
                settles_block: settles,
                open_demands: 0,
                auditor: None,
            }
        );
        run_to(settles);
        let payment = economics().payment(UNIT / 2, 2_400).unwrap();
        let JobState::Settled(_, _, settled) = super::chain::job(job).state else {
            panic!("the job is not settled")
        };
        let deposit = economics().deposit_for_job(1, 0).unwrap();
        let lock = economics().lock(payment).unwrap();
        let expected = [
            (posted, Rule::Posted { held, deposit }),
            (
                posted,
                Rule::Assigned {
                    worker: id(Charlie),
                    provider: id(Charlie),
                    payment,
                    lock,
                    attest_by_block: posted + 10,
                },
            ),
            (
                posted + 1,
                Rule::Attested {
                    worker: id(Charlie),
                    provider: id(Charlie),
                    returned: held - payment,
                    settles_block: settles,
                },
            ),
            (
                settles,
                Rule::Settled {
                    provider: id(Charlie),
                    payment,
                    worker_paid: settled.worker_paid,
                    auditors_paid: 0,
                    burned: settled.burned,
                    minted: settled.minted,
                    audit: AuditOutcome::NotDrawn,
                },
            ),
        ];
        let expected = expected.map(|(block, rule)| Note { block, rule });
        assert_eq!(explained(job).history, expected);
        assert_eq!(explained(job).outlook, JobOutlook::Paid);
        assert_eq!(units(Charlie), (2_400, 2_400, 0, 0));
    });
}

#[test]
fn declined_and_timed_out_work_is_counted_as_rejected_with_its_reason_and_loss() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let job = Post::of(model).accepted(Bob);
        pass(1);
        let reason = DeclineReason::TooLarge;
        assert_ok!(Jobs::decline_job(signed(Charlie), job, reason));
        assert_eq!(units(Charlie), (0, 0, 2_400, 0));
        assert_eq!(rules(job), ["posted", "assigned", "declined"]);
        assert_eq!(
            outlook_of_worker(Charlie),
            WorkerOutlook::Paused {
                until_block: now() + timing().back_off(1),
                misses: 1
            }
        );

        provide(Dave, 100 * UNIT, 0);
        pass(1);
        assert_eq!(worker_of(job), id(Dave));
        let bond = held(Dave, pallet_providers::HoldReason::Bond);
        pass(11);
        let last = explained(job).history.pop().expect("there is one");
        let Rule::TimedOut { burned, .. } = last.rule else {
            panic!("{last:?}")
        };
        assert!(burned > 0);
        assert_eq!(
            held(Dave, pallet_providers::HoldReason::Bond),
            bond - burned
        );
        assert_eq!(units(Dave), (0, 0, 2_400, 0));
        assert_eq!(
            rules(job),
            ["posted", "assigned", "declined", "assigned", "timed_out"]
        );
    });
}

#[test]
fn account_sees_its_jobs_newest_first_in_pages() {
    on_chain(|| {
        let model = model();
        let jobs: Vec<_> = (0..5).map(|_| Post::of(model).accepted(Bob)).collect();
        let page = |before, limit| {
            <Api as MarketApi<Block, AccountId>>::explain_account(id(Bob), before, limit)
        };
        let ids = |page: &mizan_protocol::explain::AccountExplanation<AccountId>| {
            page.jobs.iter().map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let first = page(None, 3);
        assert_eq!(ids(&first), [jobs[4], jobs[3], jobs[2]]);
        assert_eq!(first.next, Some(jobs[2]));
        let second = page(first.next, 3);
        assert_eq!(ids(&second), [jobs[1], jobs[0]]);
        assert_eq!(second.next, None);
        assert_eq!((second.units, second.provider), (None, None));
        assert!(ids(&page(Some(0), 3)).is_empty());
        assert_eq!(ids(&page(Some(u64::MAX), u32::MAX)).len(), 5);
    });
}

#[test]
fn provider_and_hot_key_both_see_the_job_and_strangers_do_not() {
    on_chain(|| {
        let model = model();
        assert_ok!(Providers::register_provider(signed(Charlie), 100 * UNIT));
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Dave),
            0,
            1,
            Some(consent(Charlie, Dave))
        ));
        assert_ok!(Providers::heartbeat(signed(Dave)));
        let job = Post::of(model).accepted(Bob);
        let account =
            |who| <Api as MarketApi<Block, AccountId>>::explain_account(id(who), None, 10);
        for who in [Bob, Charlie, Dave] {
            assert_eq!(account(who).jobs.len(), 1, "{who:?}");
            assert!(explained(job).names(&id(who)));
        }
        assert!(account(Eve).jobs.is_empty());
        assert!(!explained(job).names(&id(Eve)));
        assert_eq!(account(Charlie).workers, account(Dave).workers);
        assert_eq!(account(Charlie).provider.map(|p| p.workers), Some(1));
    });
}

#[test]
fn forgotten_job_leaves_only_the_sums() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let job = Post::of(model).accepted(Bob);
        pass(1);
        assert_ok!(attest(Charlie, job));
        let kept = timing().era_blocks * timing().retention_eras;
        pass(timing().challenge_blocks + 1);
        let settled = now();
        // Invariants are checked in each of these blocks.
        run_to(settled + kept - 1);
        assert_eq!(rules(job).len(), 4);
        pass(1);
        assert_eq!(<Api as MarketApi<Block, AccountId>>::explain_job(job), None);
        assert!(!Histories::<Runtime>::contains_key(job));
        let account = <Api as MarketApi<Block, AccountId>>::explain_account(id(Charlie), None, 10);
        assert!(account.jobs.is_empty());
        assert_eq!(units(Charlie), (2_400, 2_400, 0, 0));
    });
}

#[test]
fn sixteen_misses_fit_the_history() {
    on_chain(|| {
        let model = model();
        assert_ok!(Providers::register_provider(signed(Charlie), 1_000 * UNIT));
        let job = Post {
            wait: 2_000,
            ..Post::of(model)
        }
        .accepted(Bob);
        for number in 0..16u8 {
            let worker = AccountId::from([number + 100; 32]);
            register_by_force(Charlie, &worker);
            assert_ok!(Providers::heartbeat(
                frame_system::RawOrigin::Signed(worker).into()
            ));
            pass(1);
            pass(11);
        }
        let history = explained(job).history;
        assert_eq!(history.len(), 1 + 2 * 16 + 1);
        assert!(history.len() <= MAX_NOTES as usize);
        assert_eq!(explained(job).outlook, JobOutlook::Refunded);
    });
}

/// A worker key that nobody has the secret of: its record is written as registration would.
fn register_by_force(provider: sp_keyring::Sr25519Keyring, worker: &AccountId) {
    let record = pallet_providers::Worker {
        provider: id(provider),
        ask: 0,
        slots: 1,
        open_jobs: 0,
        heard_block: None,
        misses: 0,
        paused_until_block: 0,
        convicted: false,
        offline: false,
    };
    pallet_providers::Workers::<Runtime>::insert(worker, record);
    pallet_providers::WorkersOf::<Runtime>::insert(id(provider), worker, ());
    pallet_providers::Providers::<Runtime>::mutate_extant(id(provider), |p| p.workers += 1);
}

#[test]
fn open_jobs_come_in_pages_of_bounded_size() {
    on_chain(|| {
        let model = model();
        for _ in 0..3 {
            Post::of(model).accepted(Bob);
        }
        let page = |after, limit| {
            let jobs = <Api as MarketApi<Block, AccountId>>::open_jobs(after, limit);
            jobs.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2), [0, 1]);
        assert_eq!(page(Some(1), 2), [2]);
        assert!(page(Some(u64::MAX), 2).is_empty());
        assert_eq!(page(None, u32::MAX), [0, 1, 2]);
    });
}

#[test]
fn model_cost_is_what_posting_holds_at_the_least_price() {
    on_chain(|| {
        let model = model();
        let cost = |batch| <Api as MarketApi<Block, AccountId>>::model_cost(model, batch);
        let found = cost(100).expect("the batch is allowed");
        let job = Post {
            price: economics().min_price_per_unit,
            ..Post::of(model)
        }
        .accepted(Bob);
        let posted = super::chain::job(job);
        assert_eq!(found.min_payment, posted.held);
        assert_eq!(found.deposit, posted.deposit);
        assert_eq!(found.macs, posted.macs);
        assert_eq!((found.input_bytes, found.output_bytes), (800, 300));
        let out_of_range = ModelCostError::BatchOutOfRange { max_batch: 4_096 };
        assert_eq!(cost(0), Err(out_of_range));
        assert_eq!(cost(4_097), Err(out_of_range));
        let unknown = <Api as MarketApi<Block, AccountId>>::model_cost(Default::default(), 1);
        assert_eq!(unknown, Err(ModelCostError::ModelUnknown));
    });
}

#[test]
fn block_tells_what_happened_to_jobs_in_it() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let first = Post::of(model).accepted(Bob);
        let second = Post::of(model).accepted(Bob);
        let notes = || {
            let notes = <Api as MarketApi<Block, AccountId>>::job_notes();
            let named = notes.iter().map(|(job, note)| (*job, note.rule.name()));
            named.collect::<Vec<_>>()
        };
        assert_eq!(
            notes(),
            [(first, "posted"), (first, "assigned"), (second, "posted")]
        );
        pass(1);
        // As at the beginning of every real block.
        crate::System::reset_events();
        assert!(notes().is_empty());
        assert_ok!(Jobs::cancel_job(signed(Bob), second));
        assert_ok!(attest(Charlie, first));
        assert_eq!(notes(), [(second, "ended"), (first, "attested")]);
    });
}
