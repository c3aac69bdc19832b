//! Providers, their workers and their bonds.

use super::chain::*;
use crate::{Providers, Runtime, RuntimeEvent, Signature, System};
use frame_support::{assert_noop, assert_ok};
use mizan_protocol::UNIT;
use pallet_providers::{registration::consent_bytes, Error, Event, HoldReason};
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{ArithmeticError, TokenError};

type ProvidersError = Error<Runtime>;

/// A worker key's signature that it works for a provider of this chain.
pub(super) fn consent(provider: Sr25519Keyring, worker: Sr25519Keyring) -> Signature {
    let genesis = System::block_hash(0);
    worker
        .sign(&consent_bytes(genesis.as_ref(), &id(provider), &id(worker)))
        .into()
}

fn record(who: Sr25519Keyring) -> pallet_providers::Provider {
    pallet_providers::Providers::<Runtime>::get(id(who)).expect("it is a provider")
}

#[test]
fn register_provider_holds_the_bond() {
    on_chain(|| {
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        assert_eq!(held(Bob, HoldReason::Bond), 20 * UNIT);
        assert_eq!(record(Bob).free_bond(), 20 * UNIT);
        let event = Event::ProviderRegistered {
            provider: id(Bob),
            bond: 20 * UNIT,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
    });
}

#[test]
fn register_provider_fails_below_the_least_bond_twice_and_beyond_the_balance() {
    on_chain(|| {
        let least = economics().min_bond;
        let register = |bond| Providers::register_provider(signed(Bob), bond);
        assert_noop!(register(least - 1), ProvidersError::BondTooSmall);
        assert_noop!(register(2_000_000 * UNIT), TokenError::FundsUnavailable);
        assert_eq!(held(Bob, HoldReason::Bond), 0);
        assert_ok!(register(least));
        assert_noop!(register(least), ProvidersError::AlreadyRegistered);
    });
}

#[test]
fn bond_grows_and_shrinks_down_to_the_least() {
    on_chain(|| {
        assert_noop!(
            Providers::bond(signed(Bob), 1),
            ProvidersError::ProviderUnknown
        );
        assert_noop!(
            Providers::unbond(signed(Bob), 1),
            ProvidersError::ProviderUnknown
        );
        let least = economics().min_bond;
        assert_ok!(Providers::register_provider(signed(Bob), least));
        assert_ok!(Providers::bond(signed(Bob), UNIT));
        let event = Event::BondChanged {
            provider: id(Bob),
            bond: least + UNIT,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        assert_ok!(Providers::unbond(signed(Bob), UNIT));
        assert_noop!(
            Providers::unbond(signed(Bob), 1),
            ProvidersError::BondTooSmall
        );
        assert_noop!(
            Providers::unbond(signed(Bob), u128::MAX),
            ProvidersError::BondLocked
        );
        assert_noop!(
            Providers::bond(signed(Bob), u128::MAX),
            ArithmeticError::Overflow
        );
        assert_eq!(held(Bob, HoldReason::Bond), least);
    });
}

#[test]
fn locked_bond_can_not_leave() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 20 * UNIT, 0);
        Post::of(model).accepted(Bob);
        let locked = record(Charlie).locked;
        assert!(locked > 0);
        let amount = 20 * UNIT - locked + 1;
        assert_noop!(
            Providers::unbond(signed(Charlie), amount),
            ProvidersError::BondLocked
        );
    });
}

#[test]
fn worker_with_the_providers_key_needs_no_consent() {
    on_chain(|| {
        provide(Bob, 20 * UNIT, 7);
        let event = Event::WorkerRegistered {
            worker: id(Bob),
            provider: id(Bob),
            ask: 7,
            slots: 1,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        let event = Event::WorkerHeard { worker: id(Bob) };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        assert_eq!(record(Bob).workers, 1);
    });
}

#[test]
fn worker_with_a_key_of_its_own_must_consent_to_this_provider_on_this_chain() {
    on_chain(|| {
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        let register = |consent| Providers::register_worker(signed(Bob), id(Eve), 0, 1, consent);
        assert_noop!(register(None), ProvidersError::ConsentMissing);
        for wrong in [consent(Charlie, Eve), consent(Bob, Dave)] {
            assert_noop!(register(Some(wrong)), ProvidersError::ConsentInvalid);
        }
        let elsewhere = Eve
            .sign(&consent_bytes(&[3; 32], &id(Bob), &id(Eve)))
            .into();
        assert_noop!(register(Some(elsewhere)), ProvidersError::ConsentInvalid);
        assert_ok!(register(Some(consent(Bob, Eve))));
    });
}

#[test]
fn register_worker_fails_without_provider_twice_and_with_bad_slots() {
    on_chain(|| {
        let register = |slots| Providers::register_worker(signed(Bob), id(Bob), 0, slots, None);
        assert_noop!(register(1), ProvidersError::ProviderUnknown);
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        assert_noop!(register(0), ProvidersError::BadSlots);
        assert_noop!(register(65), ProvidersError::BadSlots);
        assert_ok!(register(64));
        assert_noop!(register(1), ProvidersError::WorkerExists);
    });
}

#[test]
fn register_worker_fails_when_the_provider_has_too_many() {
    on_chain(|| {
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        let full = pallet_providers::MAX_WORKERS;
        pallet_providers::Providers::<Runtime>::mutate_extant(id(Bob), |p| p.workers = full);
        assert_noop!(
            Providers::register_worker(signed(Bob), id(Bob), 0, 1, None),
            ProvidersError::TooManyWorkers
        );
        pallet_providers::Providers::<Runtime>::mutate_extant(id(Bob), |p| p.workers = 0);
    });
}

#[test]
fn key_without_balance_exists_while_it_is_a_worker() {
    on_chain(|| {
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        let poor = Sr25519Keyring::One;
        let consent = consent(Bob, poor);
        assert_ok!(Providers::register_worker(
            signed(Bob),
            id(poor),
            0,
            1,
            Some(consent)
        ));
        assert_eq!(System::sufficients(&id(poor)), 1);
        assert_ok!(Providers::deregister_worker(signed(Bob), id(poor)));
        assert_eq!(System::sufficients(&id(poor)), 0);
        let event = Event::WorkerDeregistered { worker: id(poor) };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
    });
}

#[test]
fn only_its_provider_changes_a_worker() {
    on_chain(|| {
        provide(Bob, 20 * UNIT, 0);
        provide(Charlie, 20 * UNIT, 0);
        let set = |who, worker| Providers::set_ask(signed(who), id(worker), 5);
        assert_noop!(set(Charlie, Bob), ProvidersError::NotYourWorker);
        assert_noop!(set(Charlie, Dave), ProvidersError::WorkerUnknown);
        assert_ok!(set(Bob, Bob));
        let event = Event::AskChanged {
            worker: id(Bob),
            ask: 5,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        let take_off = |who, worker| Providers::deregister_worker(signed(who), id(worker));
        assert_noop!(take_off(Charlie, Bob), ProvidersError::NotYourWorker);
        assert_noop!(take_off(Charlie, Dave), ProvidersError::WorkerUnknown);
    });
}

#[test]
fn heartbeat_fails_too_soon_and_for_strangers() {
    on_chain(|| {
        let beat = |who| Providers::heartbeat(signed(who));
        assert_noop!(beat(Bob), ProvidersError::WorkerUnknown);
        provide(Bob, 20 * UNIT, 0);
        assert_noop!(beat(Bob), ProvidersError::HeartbeatTooSoon);
        pass(timing().heartbeat_blocks - 1);
        assert_noop!(beat(Bob), ProvidersError::HeartbeatTooSoon);
        pass(1);
        assert_ok!(beat(Bob));
    });
}

#[test]
fn heartbeat_is_due_when_a_pause_has_ended() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 20 * UNIT, 0);
        let job = Post::of(model).accepted(Bob);
        let reason = mizan_protocol::jobs::DeclineReason::Unavailable;
        assert_ok!(crate::Jobs::decline_job(signed(Charlie), job, reason));
        let until_block = now() + timing().back_off(1);
        let event = Event::WorkerPaused {
            worker: id(Charlie),
            until_block,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        assert_noop!(
            Providers::heartbeat(signed(Charlie)),
            ProvidersError::HeartbeatTooSoon
        );
        assert!(until_block < now() + timing().heartbeat_blocks);
        run_to(until_block);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
    });
}

#[test]
fn a_worker_that_went_offline_gets_no_job_until_its_next_heartbeat() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        assert_ok!(Providers::go_offline(signed(Charlie)));
        let event = Event::WorkerWentOffline {
            worker: id(Charlie),
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
        let waiting = Post::of(model).accepted(Bob);
        assert_eq!(job(waiting).state, mizan_protocol::jobs::JobState::Open);
        // Neither another ask nor the end of a pause lists it.
        assert_ok!(Providers::set_ask(signed(Charlie), id(Charlie), 1));
        pass(timing().heartbeat_blocks - 1);
        assert_eq!(job(waiting).state, mizan_protocol::jobs::JobState::Open);
        assert_noop!(
            Providers::heartbeat(signed(Charlie)),
            ProvidersError::HeartbeatTooSoon
        );
        pass(1);
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        pass(1);
        assert_eq!(worker_of(waiting), id(Charlie));
    });
}

#[test]
fn a_job_stays_the_duty_of_a_worker_that_went_offline_and_its_end_lists_it_not() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let duty = Post::of(model).accepted(Bob);
        assert_eq!(worker_of(duty), id(Charlie));
        assert_ok!(Providers::go_offline(signed(Charlie)));
        pass(1);
        assert_ok!(attest(Charlie, duty));
        let waiting = Post::of(model).accepted(Bob);
        pass(1);
        assert_eq!(job(waiting).state, mizan_protocol::jobs::JobState::Open);
    });
}

#[test]
fn going_offline_is_free_once_for_each_heartbeat() {
    use frame_support::dispatch::CheckIfFeeless;
    on_chain(|| {
        let call = pallet_providers::Call::<Runtime>::go_offline {};
        let is_free = |who| call.is_feeless(&signed(who));
        let go = |who| Providers::go_offline(signed(who));
        assert!(!is_free(Bob));
        assert_noop!(go(Bob), ProvidersError::WorkerUnknown);
        assert_ok!(Providers::register_provider(signed(Bob), 20 * UNIT));
        assert_ok!(Providers::register_worker(signed(Bob), id(Bob), 0, 1, None));
        // Never heard, it is not there.
        assert!(!is_free(Bob));
        assert_noop!(go(Bob), ProvidersError::WorkerOffline);
        assert_ok!(Providers::heartbeat(signed(Bob)));
        assert!(is_free(Bob));
        assert_ok!(go(Bob));
        assert!(!is_free(Bob));
        assert_noop!(go(Bob), ProvidersError::WorkerOffline);
        pass(timing().heartbeat_blocks);
        assert_ok!(Providers::heartbeat(signed(Bob)));
        assert!(is_free(Bob));
        // Silent for long, it is not there either.
        pass(timing().liveness_blocks + 1);
        assert!(!is_free(Bob));
        assert_noop!(go(Bob), ProvidersError::WorkerOffline);
    });
}

#[test]
fn misses_in_a_row_lengthen_the_pause_and_a_settled_job_forgives_them() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, 0);
        let misses = || {
            pallet_providers::Workers::<Runtime>::get(id(Charlie))
                .unwrap()
                .misses
        };
        for round in 1..=3u32 {
            let job = Post::of(model).accepted(Bob);
            assert_eq!(worker_of(job), id(Charlie));
            let reason = mizan_protocol::jobs::DeclineReason::Unavailable;
            assert_ok!(crate::Jobs::decline_job(signed(Charlie), job, reason));
            assert_eq!(misses(), round);
            pass(timing().back_off(round));
            assert_ok!(Providers::heartbeat(signed(Charlie)));
        }
        let job = Post::of(model).accepted(Bob);
        pass(1);
        assert_ok!(attest(Charlie, job));
        assert_eq!(misses(), 3);
        pass(timing().challenge_blocks + 1);
        assert_eq!(misses(), 0);
    });
}

#[test]
fn sixty_four_locks_are_all_that_a_bond_backs() {
    on_chain(|| {
        let model = model();
        assert_ok!(Providers::register_provider(
            signed(Charlie),
            500_000 * UNIT
        ));
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Charlie),
            0,
            64,
            None
        ));
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        let consent = consent(Charlie, Dave);
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Dave),
            1,
            1,
            Some(consent)
        ));
        assert_ok!(Providers::heartbeat(signed(Dave)));
        let post = || Post {
            batch: 1,
            ..Post::of(model)
        };
        for _ in 0..64 {
            worker_of(post().accepted(Bob));
        }
        assert_eq!(record(Charlie).locks, 64);
        let waiting = post().accepted(Bob);
        assert_eq!(job(waiting).state, mizan_protocol::jobs::JobState::Open);
    });
}

#[test]
fn assignment_never_exceeds_slots_locks_or_free_bond() {
    use mizan_protocol::traits::Workforce;
    on_chain(|| {
        let assign = |who, lock| <Providers as Workforce<_>>::assign(&id(who), lock);
        assert_noop!(assign(Bob, 1), ProvidersError::WorkerUnknown);
        provide(Bob, 20 * UNIT, 0);
        assert_noop!(assign(Bob, 20 * UNIT + 1), ProvidersError::FreeBondTooSmall);
        let set_locks = |locks| {
            pallet_providers::Providers::<Runtime>::mutate_extant(id(Bob), |p| p.locks = locks)
        };
        set_locks(64);
        assert_noop!(assign(Bob, 1), ProvidersError::TooManyLocks);
        set_locks(0);
        assert_ok!(assign(Bob, 20 * UNIT));
        assert_noop!(assign(Bob, 0), ProvidersError::NoFreeSlot);
    });
}

#[test]
fn exit_gives_the_bond_back_once_nothing_rests_on_it() {
    on_chain(|| {
        assert_noop!(
            Providers::exit(signed(Bob)),
            ProvidersError::ProviderUnknown
        );
        let before = free(Bob);
        provide(Bob, 20 * UNIT, 0);
        assert_noop!(Providers::exit(signed(Bob)), ProvidersError::WorkersRemain);
        assert_ok!(Providers::deregister_worker(signed(Bob), id(Bob)));
        assert_ok!(Providers::exit(signed(Bob)));
        assert_eq!(free(Bob), before);
        let event = Event::ProviderExited {
            provider: id(Bob),
            bond: 20 * UNIT,
        };
        assert!(events().contains(&RuntimeEvent::Providers(event)));
    });
}

#[test]
fn burned_bond_is_announced() {
    on_chain(|| {
        let model = model();
        provide(Charlie, 100 * UNIT, UNIT);
        let job = Post::of(model).accepted(Bob);
        let mizan_protocol::jobs::JobState::Assigned(assignment) = self::job(job).state else {
            panic!("nobody has it")
        };
        let events = pass(11);
        let event = Event::BondBurned {
            provider: id(Charlie),
            amount: assignment.payment / 10,
        };
        assert!(events.contains(&RuntimeEvent::Providers(event)));
    });
}
