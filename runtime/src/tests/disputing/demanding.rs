//! Demands and answers.

use super::*;
use frame_support::dispatch::CheckIfFeeless;
use mizan_protocol::{explain::JobOutlook, traits::Disputes as _};

fn base() -> Balance {
    economics().demand_deposit
}

/// Everything that can be demanded of the trial's job, one of each form.
fn requests() -> Vec<Request> {
    let chunks = |blob| Request::Chunks {
        blob,
        first: 0,
        count: 1,
    };
    vec![
        FIRST_ELEMENT,
        chunks(BlobRef::Trace),
        chunks(BlobRef::Input(0)),
        chunks(BlobRef::Parameter(1)),
        chunks(BlobRef::Output(0)),
        Request::Nodes {
            blob: BlobRef::Trace,
            level: 0,
            index: 0,
        },
    ]
}

#[test]
fn an_answer_gets_half_the_deposit_and_the_rest_is_burned() {
    for request in requests() {
        on_chain(|| {
            let trial = Trial::right();
            let (demander, answerer) = (wealth(Dave), wealth(Eve));
            let issued = Balances::total_issuance();
            assert_ok!(trial.demand(Dave, request));
            assert_eq!(held(Dave, HoldReason::Demand), base());
            let info = trial.give(Eve, 0).expect("it is right");
            assert_eq!(info.pays_fee, Pays::No);
            assert_eq!(held(Dave, HoldReason::Demand), 0);
            assert_eq!(wealth(Dave), demander - base());
            assert_eq!(wealth(Eve), answerer + base() / 2);
            assert_eq!(Balances::total_issuance(), issued - base() / 2);
            assert_eq!(trial.case().open_demands, 0);
        });
    }
}

#[test]
fn silence_convicts_burns_the_whole_lock_and_returns_the_deposit() {
    on_chain(|| {
        let trial = Trial::right();
        let (lock, bond) = (trial.lock(), BOND);
        let (demander, requester) = (wealth(Dave), wealth(Bob));
        let issued = Balances::total_issuance();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        let last = now() + timing().answer_blocks;
        run_to(last);
        assert!(matches!(job(trial.job).state, JobState::Attested(..)));
        run_to(last + 1);
        let conviction = trial.conviction();
        assert_eq!(conviction.grounds, Grounds::Unanswered(FIRST_ELEMENT));
        assert_eq!(conviction.challenger, None);
        assert_eq!((conviction.rewarded, conviction.burned), (0, lock));
        assert_eq!(wealth(Dave), demander);
        assert_eq!(wealth(Bob), requester);
        assert_eq!(held(Bob, pallet_jobs::HoldReason::Payment), 0);
        assert_eq!(held(Bob, pallet_jobs::HoldReason::Deposit), 0);
        assert_eq!(Balances::total_issuance(), issued - lock);
        let bonded = held(Charlie, pallet_providers::HoldReason::Bond);
        assert_eq!(bonded, bond - lock);
    });
}

#[test]
fn an_answer_in_the_last_block_is_in_time() {
    on_chain(|| {
        let trial = Trial::right();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        pass(timing().answer_blocks);
        assert_ok!(trial.give(Charlie, 0));
        pass(timing().reaction_blocks() + 1);
        assert!(trial.is_settled());
    });
}

#[test]
fn a_job_does_not_settle_while_a_demand_is_open_nor_soon_after_its_answer() {
    on_chain(|| {
        let trial = Trial::right();
        let settles = now() + timing().challenge_blocks + 1;
        run_to(settles - 1);
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        assert_eq!(
            Jobs::explain_job(trial.job).expect("it is known").outlook,
            JobOutlook::InChallenge {
                settles_block: now() + timing().answer_blocks + 1,
                open_demands: 1,
                auditor: None,
            }
        );
        pass(3);
        assert!(!trial.is_settled());
        assert_ok!(trial.give(Charlie, 0));
        pass(timing().reaction_blocks());
        assert!(!trial.is_settled());
        pass(1);
        assert!(trial.is_settled());
    });
}

#[test]
fn an_answer_that_shows_a_wrong_number_convicts_and_pays_the_demander() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let (demander, answerer) = (wealth(Dave), wealth(Eve));
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        let info = trial.give(Eve, 0).expect("it is right");
        assert_eq!(info.pays_fee, Pays::No);
        let conviction = trial.conviction();
        assert_eq!(conviction.grounds, Grounds::Wrong(FIRST));
        assert_eq!(conviction.challenger, Some(id(Dave)));
        assert_eq!(wealth(Dave), demander + conviction.rewarded);
        assert_eq!(wealth(Eve), answerer);
    });
}

#[test]
fn each_further_demand_costs_twice_as_much_and_the_requester_has_places_of_his_own() {
    on_chain(|| {
        let trial = Trial::right();
        let mut held_before = 0;
        for place in 0..pallet_disputes::PUBLIC_DEMANDS {
            assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
            let now_held = held(Dave, HoldReason::Demand);
            assert_eq!(now_held - held_before, base() << place);
            held_before = now_held;
        }
        assert_noop!(
            trial
                .demand(Dave, FIRST_ELEMENT)
                .map_err(|error| error.error),
            DisputesError::TooManyDemands
        );
        for place in 1..=pallet_disputes::OWN_DEMANDS {
            assert_ok!(trial.demand(Bob, FIRST_ELEMENT));
            assert_eq!(held(Bob, HoldReason::Demand), base() * u128::from(place));
        }
        assert_noop!(
            trial
                .demand(Bob, FIRST_ELEMENT)
                .map_err(|error| error.error),
            DisputesError::TooManyDemands
        );
        // An answer frees its place.
        assert_ok!(trial.give(Charlie, 0));
        assert_ok!(trial.demand(Eve, FIRST_ELEMENT));
        assert_eq!(held(Eve, HoldReason::Demand), base() << 11);
    });
}

#[test]
fn demands_after_the_challenge_period_double_even_when_they_are_answered() {
    on_chain(|| {
        let trial = Trial::right();
        run_to(now() + timing().challenge_blocks);
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        pass(1);
        for late in 0..4 {
            assert_ok!(trial.give(Charlie, late));
            // The requester has no place of his own any more.
            assert_ok!(trial.demand(Bob, FIRST_ELEMENT));
            assert_eq!(held(Bob, HoldReason::Demand), base() << late);
            pass(1);
        }
        assert_ok!(trial.give(Charlie, 4));
        pass(timing().reaction_blocks() + 1);
        assert!(trial.is_settled());
    });
}

#[test]
fn all_open_demands_are_returned_when_the_job_is_convicted() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let before = [wealth(Bob), wealth(Dave), wealth(Eve)];
        assert_ok!(trial.demand(Bob, FIRST_ELEMENT));
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        assert_ok!(trial.demand(Eve, FIRST_ELEMENT));
        assert_ok!(trial.accuse(Eve, FIRST));
        let reward = trial.conviction().rewarded;
        assert_eq!(before[0], wealth(Bob));
        assert_eq!(before[1], wealth(Dave));
        assert_eq!(before[2] + reward, wealth(Eve));
        assert_eq!(Demands::<Runtime>::iter().count(), 0);
        assert_noop!(
            Disputes::answer(signed(Charlie), trial.job, 0, Default::default())
                .map_err(|error| error.error),
            DisputesError::DemandUnknown
        );
    });
}

#[test]
fn what_the_job_does_not_have_can_not_be_demanded() {
    on_chain(|| {
        let trial = Trial::right();
        let chunks = |blob, first, count| Request::Chunks { blob, first, count };
        for request in [
            chunks(BlobRef::Trace, 1, 1),
            chunks(BlobRef::Trace, 0, 2),
            chunks(BlobRef::Trace, 0, 0),
            chunks(BlobRef::Trace, u64::MAX, 8),
            chunks(BlobRef::Input(1), 0, 1),
            chunks(BlobRef::Parameter(2), 0, 1),
            chunks(BlobRef::Output(2), 0, 1),
            Request::Nodes {
                blob: BlobRef::Trace,
                level: 1,
                index: 0,
            },
            Request::Nodes {
                blob: BlobRef::Trace,
                level: 0,
                index: 1,
            },
            Request::Element {
                operation: 2,
                index: 0,
            },
            Request::Element {
                operation: 0,
                index: u64::from(3 * BATCH),
            },
        ] {
            assert_noop!(
                trial.demand(Dave, request).map_err(|error| error.error),
                DisputesError::RequestImpossible
            );
        }
    });
}

#[test]
fn demands_need_a_claimed_result_and_the_deposit() {
    on_chain(|| {
        let error = |result: DispatchResultWithPostInfo| result.map_err(|error| error.error);
        let demand = |who, job| error(Disputes::demand(signed(who), job, FIRST_ELEMENT));
        assert_noop!(demand(Dave, 0), DisputesError::JobUnknown);
        let trial = Trial::right();
        let other = Trial::assigned();
        assert_noop!(demand(Dave, other.job), DisputesError::NotAttested);
        let rest = base() + crate::EXISTENTIAL_DEPOSIT - 1;
        let to = id(Alice).into();
        assert_ok!(Balances::transfer_keep_alive(
            signed(Eve),
            to,
            free(Eve) - rest
        ));
        assert_noop!(demand(Eve, trial.job), DisputesError::BalanceTooLow);
    });
}

#[test]
fn wrong_answers_are_refused_and_change_nothing() {
    on_chain(|| {
        let trial = Trial::right();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        let right = trial.answer(FIRST_ELEMENT);
        let send = |bytes: Vec<u8>, id| {
            let answer = bytes.try_into().expect("it is short");
            Disputes::answer(signed(Eve), trial.job, id, answer).map_err(|error| error.error)
        };
        let mut flipped = right.clone();
        flipped[0] ^= 1;
        let other = trial.answer(Request::Element {
            operation: 1,
            index: 0,
        });
        assert_noop!(send(flipped, 0), DisputesError::WrongHash);
        assert_noop!(send(other, 0), DisputesError::WrongHash);
        assert_noop!(send(Vec::new(), 0), DisputesError::WrongAnswerLength);
        let shorter = right[..right.len() - 1].to_vec();
        assert_noop!(send(shorter, 0), DisputesError::WrongAnswerLength);
        let longer = [right.as_slice(), &[0]].concat();
        assert_noop!(send(longer, 0), DisputesError::WrongAnswerLength);
        assert_noop!(send(right.clone(), 1), DisputesError::DemandUnknown);
        assert_ok!(send(right.clone(), 0));
        assert_noop!(send(right, 0), DisputesError::DemandUnknown);
    });
}

#[test]
fn right_answers_are_free_of_fees_and_wrong_ones_are_not() {
    on_chain(|| {
        let trial = Trial::right();
        assert_ok!(trial.demand(Dave, FIRST_ELEMENT));
        let call = |bytes: Vec<u8>| pallet_disputes::Call::<Runtime>::answer {
            job: trial.job,
            demand: 0,
            answer: bytes.try_into().expect("it is short"),
        };
        assert!(call(trial.answer(FIRST_ELEMENT)).is_feeless(&signed(Eve)));
        assert!(!call(Vec::new()).is_feeless(&signed(Eve)));
    });
}

#[test]
fn an_untouched_case_says_when_it_is_due() {
    on_chain(|| {
        let trial = Trial::right();
        let settles = now() + timing().challenge_blocks + 1;
        // Whether it is audited is decided before.
        assert_eq!(
            Disputes::due(trial.job),
            mizan_protocol::traits::Due::Nothing(now() + timing().draw_delay_slots + 2)
        );
        assert_eq!(Disputes::settles_block(trial.job), settles);
        run_to(settles);
        assert!(trial.is_settled());
        assert_eq!(Cases::<Runtime>::get(trial.job), None);
    });
}
