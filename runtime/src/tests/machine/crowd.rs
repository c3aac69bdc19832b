//! Ten thousand jobs that expire in one block.

use crate::configs::mizan::{AgendaShare, MatchingShare};
use crate::tests::chain::*;
use crate::{Balances, Jobs, Runtime};
use frame_support::{
    traits::{OnIdle, OnInitialize},
    weights::Weight,
};
use mizan_protocol::jobs::{EndReason, JobState};
use pallet_disputes::MAX_PASSES;
use pallet_jobs::WeightInfo;
use polkadot_sdk::*;
use sp_runtime::Perbill;

const CROWD: usize = 10_000;
type Weights = <Runtime as pallet_jobs::Config>::WeightInfo;

fn open_jobs() -> usize {
    pallet_jobs::OpenJobs::<Runtime>::iter_keys().count()
}

fn share_of_block(share: Perbill) -> Weight {
    let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
    share * block
}

/// The fewest and the most jobs that expire within it: a step is begun only where the dearest one
/// still fits, whatever it then weighs.
fn steps_in(weight: Weight) -> (usize, usize) {
    let (dearest, expire) = (Weights::agenda_step(MAX_PASSES), Weights::expire());
    let steps = |weight: Weight| (weight.ref_time() / expire.ref_time()) as usize;
    (steps(weight.saturating_sub(dearest)), steps(weight))
}

/// Posts them all. Gives the last block in which a worker can get them.
fn post_the_crowd() -> u32 {
    let model = model();
    for _ in 0..CROWD {
        let post = Post {
            wait: 3,
            batch: 1,
            ..Post::of(model)
        };
        post.accepted(Bob);
    }
    assert_eq!(open_jobs(), CROWD);
    now() + 3
}

/// One block's hooks of the jobs pallet, which leave that much idle weight; gives how many jobs
/// ended.
fn one_block(idle: Weight) -> usize {
    start_block_without_hooks();
    let before = open_jobs();
    let used = Jobs::on_initialize(now());
    let limit = share_of_block(AgendaShare::get() + MatchingShare::get());
    assert!(used.all_lte(limit), "{used:?} of {limit:?}");
    let ended = before - open_jobs();
    let (_, most) = steps_in(share_of_block(AgendaShare::get()));
    assert!(ended <= most, "{ended} jobs ended, {most} fit the share");
    let used = Jobs::on_idle(now(), idle);
    assert!(used.all_lte(idle), "{used:?} of {idle:?} idle");
    before - open_jobs()
}

fn assert_all_refunded(before: u128, issued: u128) {
    assert_eq!(free(Bob), before);
    assert_eq!(Balances::total_issuance(), issued);
    let mut ended = 0;
    for (_, job) in pallet_jobs::Jobs::<Runtime>::iter() {
        let reason = EndReason::Expired;
        assert!(matches!(job.state, JobState::Ended { reason: r, .. } if r == reason));
        assert_eq!((job.held, job.deposit), (0, 0));
        ended += 1;
    }
    assert_eq!(ended, CROWD);
    check_invariants();
}

#[test]
fn ten_thousand_jobs_that_expire_at_once_are_refunded_within_the_agendas_share() {
    on_chain(|| {
        let (before, issued) = (free(Bob), Balances::total_issuance());
        let last = post_the_crowd();
        while now() < last {
            assert_eq!(one_block(Weight::zero()), 0, "a job ended early");
        }
        // Blocks that are full of others' transactions: nothing is idle.
        let (least, _) = steps_in(share_of_block(AgendaShare::get()));
        let enough = CROWD.div_ceil(least - 1) + 1;
        let mut blocks = 0;
        while open_jobs() > 0 {
            let ended = one_block(Weight::zero());
            assert!(ended > 0 || open_jobs() == 0, "a block did nothing");
            blocks += 1;
            assert!(blocks <= enough, "{blocks} blocks, {enough} are enough");
        }
        assert!(blocks > 10, "it was no burden");
        assert_all_refunded(before, issued);
    });
}

#[test]
fn idle_blocks_refund_ten_thousand_jobs_sooner_and_never_take_more_than_is_idle() {
    on_chain(|| {
        let (before, issued) = (free(Bob), Balances::total_issuance());
        let last = post_the_crowd();
        let idle = share_of_block(Perbill::from_percent(60));
        while now() < last {
            assert_eq!(one_block(idle), 0, "a job ended early");
        }
        let shares = [share_of_block(AgendaShare::get()), idle];
        let least: usize = shares.map(|share| steps_in(share).0).iter().sum();
        let enough = CROWD.div_ceil(least - 2) + 1;
        let mut blocks = 0;
        while open_jobs() > 0 {
            one_block(idle);
            blocks += 1;
            assert!(blocks <= enough, "{blocks} blocks, {enough} are enough");
        }
        assert_all_refunded(before, issued);
    });
}
