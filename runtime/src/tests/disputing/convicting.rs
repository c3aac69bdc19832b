//! What a conviction does.

use super::*;
use mizan_protocol::explain::{JobOutlook, Rule, WorkerOutlook};

fn contribution() -> pallet_contributions::Contribution {
    pallet_contributions::Lifetime::<Runtime>::get(id(Charlie))
}

#[test]
fn the_requester_is_refunded_the_challenger_paid_and_the_rest_burned() {
    on_chain(|| {
        let rich = wealth(Bob);
        let trial = Trial::wrong(0);
        let (lock, challenger) = (trial.lock(), wealth(Dave));
        let issued = Balances::total_issuance();
        assert_ok!(trial.accuse(Dave, FIRST));
        let reward = economics().challenger_share.mul_floor(lock);
        let conviction = trial.conviction();
        assert_eq!(conviction.rewarded, reward);
        assert_eq!(conviction.burned, lock - reward);
        assert_eq!(wealth(Dave), challenger + reward);
        assert_eq!((wealth(Bob), free(Bob)), (rich, rich));
        assert_eq!(Balances::total_issuance(), issued - (lock - reward));
        let provider = pallet_providers::Providers::<Runtime>::get(id(Charlie)).expect("it is one");
        assert_eq!((provider.bond, provider.locked), (BOND - lock, 0));
        assert_eq!(contribution().convictions, 1);
        assert_eq!((contribution().jobs, contribution().settled_macs), (0, 0));
        let units = pallet_jobs::UnitsOf::<Runtime>::get(id(Charlie)).expect("it worked");
        let macs = job(trial.job).macs;
        assert_eq!(
            (units.claimed, units.accepted, units.rejected),
            (0, 0, macs)
        );
    });
}

#[test]
fn a_worker_that_convicts_itself_still_loses_most_of_the_lock() {
    on_chain(|| {
        let before = wealth(Charlie);
        let trial = Trial::wrong(0);
        assert_ok!(trial.accuse(Charlie, FIRST));
        let reward = economics().challenger_share.mul_floor(trial.lock());
        assert_eq!(wealth(Charlie), before - trial.lock() + reward);
    });
}

#[test]
fn a_convicted_worker_gets_no_more_jobs_until_it_is_registered_anew() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        assert_ok!(trial.accuse(Dave, FIRST));
        let outlook = || Providers::worker_outlook(&id(Charlie));
        assert_eq!(outlook(), Some(WorkerOutlook::Convicted));
        pass(timing().heartbeat_blocks);
        assert_noop!(
            Providers::heartbeat(signed(Charlie)),
            pallet_providers::Error::<Runtime>::WorkerConvicted
        );
        let waiting = Post::of(job(trial.job).model);
        let waiting = Post {
            batch: 1,
            worker: Some(id(Charlie)),
            ..waiting
        };
        let waiting = waiting.accepted(Bob);
        assert!(matches!(job(waiting).state, JobState::Open));
        assert_ok!(Providers::deregister_worker(signed(Charlie), id(Charlie)));
        assert_ok!(Providers::register_worker(
            signed(Charlie),
            id(Charlie),
            1,
            1,
            None
        ));
        assert_ok!(Providers::heartbeat(signed(Charlie)));
        pass(1);
        assert_eq!(worker_of(waiting), id(Charlie));
    });
}

#[test]
fn the_providers_other_jobs_are_taken_back_and_its_claimed_ones_stay() {
    on_chain(|| {
        let mut guilty = {
            assert_ok!(Providers::register_provider(signed(Charlie), BOND));
            assert_ok!(Providers::register_worker(
                signed(Charlie),
                id(Charlie),
                1,
                4,
                None
            ));
            assert_ok!(Providers::heartbeat(signed(Charlie)));
            Trial::assigned()
        };
        let (claimed, directed) = (Trial::assigned(), Trial::assigned());
        let open = Post {
            batch: 1,
            duration: 40,
            ..Post::of(job(guilty.job).model)
        };
        let open = open.accepted(Bob);
        assert_eq!(worker_of(open), id(Charlie));
        guilty.trace[0] ^= 1;
        guilty.outputs = guilty.plan.outputs(&guilty.trace, BATCH).expect("whole");
        guilty.claim();
        assert_ok!(claimed.attestation().dispatch_as(Charlie));

        assert_ok!(guilty.accuse(Dave, FIRST));
        assert_eq!(worker_of(open), id(Charlie));
        pass(1);
        assert!(matches!(job(open).state, JobState::Open));
        assert!(matches!(job(directed.job).state, JobState::Ended { .. }));
        assert!(matches!(job(claimed.job).state, JobState::Attested(..)));
        let history = pallet_jobs::Histories::<Runtime>::get(open);
        assert!(matches!(
            history.last().map(|note| &note.rule),
            Some(Rule::Recalled { .. })
        ));
        let provider = pallet_providers::Providers::<Runtime>::get(id(Charlie)).expect("it is one");
        assert_eq!((provider.locks, provider.locked), (1, claimed.lock()));
        // Its other claim is right, and is paid.
        run_to(claimed.case().settles_time + 2);
        assert!(claimed.is_settled());
    });
}

#[test]
fn locked_bond_can_not_leave_before_a_proof() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let error = pallet_providers::Error::<Runtime>::BondLocked;
        let leaving = BOND - trial.lock() + 1;
        assert_noop!(Providers::unbond(signed(Charlie), leaving), error);
        let least = economics().min_bond;
        assert_ok!(Providers::unbond(signed(Charlie), BOND - least));
        assert_ok!(Providers::deregister_worker(signed(Charlie), id(Charlie)));
        assert_noop!(
            Providers::exit(signed(Charlie)),
            pallet_providers::Error::<Runtime>::LocksRemain
        );
        // Neither a smaller bond nor a worker that left changes what the proof takes.
        let lock = trial.lock();
        assert_ok!(trial.accuse(Dave, FIRST));
        let conviction = trial.conviction();
        assert_eq!(conviction.rewarded + conviction.burned, lock);
        assert_ok!(Providers::exit(signed(Charlie)));
    });
}

#[test]
fn the_history_says_who_was_convicted_of_what_by_whom() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        assert_ok!(trial.accuse(Dave, FIRST));
        let explained = Jobs::explain_job(trial.job).expect("it is known");
        assert_eq!(explained.outlook, JobOutlook::Convicted);
        let last = explained.history.last().expect("it has notes");
        let Rule::Convicted {
            provider,
            grounds,
            challenger,
            refunded,
            ..
        } = &last.rule
        else {
            panic!("{:?}", last.rule);
        };
        assert_eq!(
            (provider, challenger.as_ref()),
            (&id(Charlie), Some(&id(Dave)))
        );
        assert_eq!(*grounds, Grounds::Wrong(FIRST));
        assert_eq!(*refunded, trial.conviction().refunded);
    });
}

#[test]
fn a_convicted_job_is_forgotten_like_any_other() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        assert_ok!(trial.accuse(Dave, FIRST));
        run_to(job(trial.job).due_block);
        assert_eq!(pallet_jobs::Jobs::<Runtime>::get(trial.job), None);
    });
}
