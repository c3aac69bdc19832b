//! Settlement, the ledger, the books.

mod random_strategies;

use super::chain::*;
use crate::{
    Balances, Contributions, Jobs, Providers, Rewards, Runtime, RuntimeCall, RuntimeEvent,
};
use frame_support::{assert_noop, assert_ok, traits::OnInitialize, weights::Weight};
use mizan_protocol::{
    jobs::{AuditOutcome, JobState, Settled},
    traits::Contributions as _,
    UNIT,
};
use pallet_rewards::Split;
use polkadot_sdk::*;
use sp_runtime::{traits::Dispatchable, TokenError};

#[test]
fn settled_job_pays_burns_mints_and_is_recorded() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT);
        let (bob, charlie) = (wealth(Bob), wealth(Charlie));
        let issued = Balances::total_issuance();
        let id = Post {
            batch: 4_000,
            ..Post::of(model)
        }
        .accepted(Bob);
        pass(1);
        assert_ok!(attest(Charlie, id));
        let attested = now();
        // The last block of the challenge period does not settle.
        pass(timing().challenge_blocks);
        assert!(matches!(job(id).state, JobState::Attested(..)));
        let events = pass(1);

        let macs = 4_000 * 24;
        let payment = economics().payment(UNIT, macs).unwrap();
        let split = Split::of(payment, &economics(), 0, AuditOutcome::NotDrawn);
        let JobState::Settled(_, _, settled) = job(id).state else {
            panic!("not settled")
        };
        let expected = Settled {
            payment,
            worker_paid: split.worker,
            auditors_paid: 0,
            burned: split.burned,
            minted: split.minted,
            audit: AuditOutcome::NotDrawn,
            settled_block: attested + timing().challenge_blocks + 1,
        };
        assert_eq!(settled, expected);
        assert_eq!(wealth(Bob), bob - payment);
        assert_eq!(held(Bob, pallet_jobs::HoldReason::Deposit), 0);
        assert_eq!(wealth(Charlie), charlie + split.worker + split.minted);
        assert_eq!(
            Balances::total_issuance(),
            issued + split.minted - split.burned
        );

        let era = Contributions::era();
        let entry = pallet_contributions::Eras::<Runtime>::get(era, self::id(Charlie));
        assert_eq!(entry.settled_macs, macs);
        assert_eq!(
            (entry.directed_macs, entry.jobs, entry.burned),
            (0, 1, split.burned)
        );
        let life = pallet_contributions::Lifetime::<Runtime>::get(self::id(Charlie));
        assert_eq!(life, entry);

        let (provider, burned, minted) = (self::id(Charlie), split.burned, split.minted);
        let worker_paid = split.worker;
        for event in [
            RuntimeEvent::Jobs(pallet_jobs::Event::JobSettled {
                job: id,
                provider: provider.clone(),
                payment,
                worker_paid,
                auditors_paid: 0,
                burned,
                minted,
                audit: AuditOutcome::NotDrawn,
            }),
            RuntimeEvent::Rewards(pallet_rewards::Event::PaymentSplit {
                provider: provider.clone(),
                worker_paid,
                auditors_paid: 0,
                burned,
                minted,
            }),
            RuntimeEvent::Contributions(pallet_contributions::Event::ContributionRecorded {
                provider,
                era,
                macs,
                burned,
            }),
        ] {
            assert!(events.contains(&event), "{event:?}");
        }
    });
}

#[test]
fn directed_work_is_recorded_as_such() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let worker = Some(self::id(Charlie));
        let id = Post {
            worker,
            ..Post::of(model)
        }
        .accepted(Bob);
        pass(1);
        assert_ok!(attest(Charlie, id));
        pass(timing().challenge_blocks + 1);
        let life = pallet_contributions::Lifetime::<Runtime>::get(self::id(Charlie));
        assert_eq!(life.directed_macs, life.settled_macs);
        assert_eq!(life.settled_macs, 2_400);
    });
}

#[test]
fn eras_are_kept_apart_and_lifetimes_add_up() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 1_000 * UNIT, 0);
        for _ in 0..2 {
            let id = Post::of(model).accepted(Bob);
            pass(1);
            assert_ok!(attest(Charlie, id));
            pass(timing().era_blocks);
            assert_ok!(Providers::heartbeat(signed(Charlie)));
        }
        let entries: Vec<_> = pallet_contributions::Eras::<Runtime>::iter().collect();
        assert_eq!(entries.len(), 2);
        assert!(entries
            .iter()
            .all(|(_, _, entry)| entry.settled_macs == 2_400));
        let life = pallet_contributions::Lifetime::<Runtime>::get(self::id(Charlie));
        assert_eq!((life.settled_macs, life.jobs), (4_800, 2));
    });
}

#[test]
fn paying_oneself_loses_at_least_half_of_the_burn_share() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT);
        let before = wealth(Charlie);
        let worker = Some(self::id(Charlie));
        let id = Post {
            worker,
            ..Post::of(model)
        }
        .accepted(Charlie);
        pass(1);
        assert_ok!(attest(Charlie, id));
        pass(timing().challenge_blocks + 1);
        let JobState::Settled(_, _, settled) = job(id).state else {
            panic!("not settled")
        };
        let loss = before - wealth(Charlie);
        assert!(loss >= economics().burn_share * settled.payment / 2);
        assert_eq!(loss, settled.burned - settled.minted);
    });
}

#[test]
fn a_thousand_due_jobs_are_worked_off_within_the_agendas_share() {
    on_chain(|| {
        let model = model();
        for _ in 0..1_000 {
            Post {
                wait: 3,
                batch: 1,
                ..Post::of(model)
            }
            .accepted(Bob);
        }
        let open = || pallet_jobs::OpenJobs::<Runtime>::iter_keys().count();
        while now() < 4 {
            pass(1);
        }
        let share =
            crate::configs::mizan::AgendaShare::get() + crate::configs::mizan::MatchingShare::get();
        let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
        let mut blocks = 0;
        while open() > 0 {
            start_block_without_hooks();
            let used = Jobs::on_initialize(now());
            assert!(used.all_lte(share * block), "{used:?}");
            blocks += 1;
            assert!(blocks < 100, "the agenda does not get done");
        }
        assert!(blocks > 2, "it was no burden");
        check_invariants();
    });
}

#[test]
fn burning_counts_only_through_the_books() {
    on_chain(|| {
        let issued = Balances::total_issuance();
        let burn = RuntimeCall::Balances(pallet_balances::Call::burn {
            value: UNIT,
            keep_alive: true,
        });
        assert_noop!(
            burn.clone().dispatch(signed(Bob)).map_err(|e| e.error),
            frame_system::Error::<Runtime>::CallFiltered
        );
        // Wrapped in a batch it is refused as well.
        let batch = RuntimeCall::Utility(pallet_utility::Call::batch_all { calls: vec![burn] });
        assert_noop!(
            batch.dispatch(signed(Bob)).map_err(|e| e.error),
            frame_system::Error::<Runtime>::CallFiltered
        );
        assert_ok!(Rewards::burn(signed(Bob), UNIT));
        assert_eq!(Balances::total_issuance(), issued - UNIT);
        assert_eq!(pallet_rewards::Burned::<Runtime>::get(), UNIT);
        let event = pallet_rewards::Event::TokensBurned {
            who: id(Bob),
            amount: UNIT,
        };
        assert!(events().contains(&RuntimeEvent::Rewards(event)));
        assert_noop!(
            Rewards::burn(signed(Bob), u128::MAX),
            TokenError::FundsUnavailable
        );
    });
}

#[test]
fn dust_is_in_the_books() {
    on_chain(|| {
        let pauper = sp_keyring::Sr25519Keyring::One;
        let amount = crate::EXISTENTIAL_DEPOSIT;
        assert_ok!(Balances::transfer_keep_alive(
            signed(Bob),
            id(pauper).into(),
            amount
        ));
        assert_ok!(Balances::transfer_allow_death(
            signed(pauper),
            id(Bob).into(),
            amount / 2
        ));
        assert_eq!(pallet_rewards::Burned::<Runtime>::get(), amount / 2);
    });
}

#[test]
fn eras_follow_the_era_length() {
    on_chain(|| {
        let length = timing().era_blocks;
        assert_eq!(Contributions::era_of(length - 1), 0);
        assert_eq!(Contributions::era_of(length), 1);
    });
}

#[test]
fn genesis_with_unsound_constants_does_not_start() {
    use sp_runtime::BuildStorage;
    let mut unsound = economics_default();
    unsound.burn_share = sp_runtime::Perbill::from_percent(50);
    let economics = pallet_rewards::GenesisConfig::<Runtime> {
        economics: unsound,
        ..Default::default()
    };
    assert!(std::panic::catch_unwind(|| economics.build_storage()).is_err());
    let timing = mizan_protocol::Timing {
        challenge_blocks: 0,
        ..Default::default()
    };
    let timing = pallet_jobs::GenesisConfig::<Runtime> {
        timing,
        ..Default::default()
    };
    assert!(std::panic::catch_unwind(|| timing.build_storage()).is_err());
}

fn economics_default() -> mizan_protocol::Economics {
    mizan_protocol::Economics::default()
}

#[test]
fn hooks_take_no_more_than_their_shares_when_there_is_nothing_to_do() {
    on_chain(|| {
        start_block_without_hooks();
        let used = Jobs::on_initialize(now());
        let block = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
        assert!(used.ref_time() * 100 < block.ref_time(), "{used:?}");
        assert!(used.any_gt(Weight::zero()));
    });
}
