//! Whoever passed a result can open its receipt, or loses its lock.

use super::*;
use frame_support::dispatch::CheckIfFeeless;

impl Trial {
    fn demand_receipt(&self, who: Sr25519Keyring, index: u64) -> DispatchResultWithPostInfo {
        Disputes::demand_receipt(signed(who), self.job, 0, index)
    }

    /// What opens the first pass at a byte.
    fn opening(&self, index: u64) -> Vec<u8> {
        let pass = &audit(self.job).passes[0];
        let (scope, seed) = (pass.scope, *pass.seed.as_fixed_bytes());
        self.with_exhibits(|exhibits| exhibits.receipt_opening(scope, &seed, index))
            .expect("it can be opened")
    }

    fn open_receipt(&self, who: Sr25519Keyring, opening: Vec<u8>) -> DispatchResultWithPostInfo {
        let opening = opening.try_into().expect("it is short");
        Disputes::open_receipt(signed(who), self.job, 0, opening)
    }

    /// Right, and passed by Dave.
    fn passed() -> Self {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Self::right();
        draw();
        trial.pass(Dave);
        trial
    }

    /// Right, and passed by Dave with a receipt of something else.
    fn passed_blindly(receipt: H256) -> Self {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Self::right();
        draw();
        assert_ok!(trial.say(Dave, Verdict::Pass { receipt }));
        trial
    }
}

#[test]
fn a_right_receipt_is_opened_for_half_the_deposit_and_holds_the_settlement_up() {
    on_chain(|| {
        let trial = Trial::passed();
        let deposit = economics().demand_deposit;
        assert_ok!(trial.demand_receipt(Eve, 5));
        assert_eq!(held(Eve, HoldReason::Demand), deposit);
        assert_noop!(
            trial.demand_receipt(Ferdie, 6),
            DisputesError::ReceiptDemanded
        );
        run_to(now() + timing().challenge_blocks + 2);
        assert!(!trial.is_settled());
        let (before, issued) = (wealth(Dave), Balances::total_issuance());
        let opening = trial.opening(5);
        let call = pallet_disputes::Call::<Runtime>::open_receipt {
            job: trial.job,
            pass: 0,
            opening: opening.clone().try_into().expect("it is short"),
        };
        assert!(call.is_feeless(&signed(Dave)));
        let info = trial
            .open_receipt(Dave, opening.clone())
            .expect("it is right");
        assert_eq!(info.pays_fee, Pays::No);
        assert!(!call.is_feeless(&signed(Dave)));
        assert_eq!(wealth(Dave), before + deposit / 2);
        assert_eq!(Balances::total_issuance(), issued - deposit / 2);
        assert_noop!(
            trial.open_receipt(Dave, opening),
            DisputesError::ReceiptDemandUnknown
        );
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Passed);
    });
}

#[test]
fn a_receipt_that_nobody_can_open_costs_the_whole_lock_and_does_not_count() {
    on_chain(|| {
        let trial = Trial::passed_blindly(H256([9; 32]));
        let (bond, eve) = (auditor(Dave).bond, wealth(Eve));
        assert_ok!(trial.demand_receipt(Eve, 0));
        // What a right receipt would open is not what this one is.
        assert_noop!(
            trial.open_receipt(Dave, trial.opening(0)),
            DisputesError::WrongHash
        );
        pass(timing().answer_blocks + 1);
        assert_eq!(auditor(Dave).bond, bond - trial.audit_lock());
        assert_eq!(auditor(Dave).locks, 0);
        assert_eq!(wealth(Eve), eve);
        assert!(audit(trial.job).passes[0].slashed);
        assert_eq!(audit(trial.job).misses, 1);
        auditors(&[Ferdie]);
        trial_ends_with(&trial, Ferdie, AuditOutcome::Passed);
    });
}

/// Another auditor is drawn, who passes it.
fn trial_ends_with(trial: &Trial, who: Sr25519Keyring, outcome: AuditOutcome) {
    draw();
    if is_at_work(trial.job, who) {
        trial.pass(who);
    }
    trial.run_to_end();
    assert_eq!(settled(trial.job).audit, outcome);
}

#[test]
fn a_receipt_of_other_bytes_convicts_its_auditor_as_soon_as_it_is_opened() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        let open = at_work(trial.job).expect("Dave is");
        let mut stream = trial.stream(open.scope, open.seed);
        stream[3] ^= 1;
        let key = mizan_tensor::receipt_key(open.seed.as_fixed_bytes());
        let receipt = H256(mizan_tensor::receipt(&stream, open.seed.as_fixed_bytes()));
        assert_ok!(trial.say(Dave, Verdict::Pass { receipt }));
        assert_ok!(trial.demand_receipt(Eve, 3));
        let right = trial.opening(3);
        let mut keyed = Vec::new();
        mizan_tensor::write_keyed_slice(&mut keyed, &stream, &key, 3, 1).expect("it is there");
        let plain = right.get(keyed.len()..).expect("the plain slice follows");
        let bond = auditor(Dave).bond;
        assert_ok!(trial.open_receipt(Ferdie, [keyed.as_slice(), plain].concat()));
        assert_eq!(auditor(Dave).bond, bond - trial.audit_lock());
        assert!(audit(trial.job).passes[0].slashed);
        assert_eq!(held(Eve, HoldReason::Demand), 0);
    });
}

#[test]
fn openings_that_are_none_change_nothing() {
    on_chain(|| {
        let trial = Trial::passed();
        assert_noop!(
            trial.open_receipt(Dave, vec![]),
            DisputesError::ReceiptDemandUnknown
        );
        let end = trial
            .stream(AuditScope::Sampled, audit(trial.job).passes[0].seed)
            .len();
        assert_noop!(
            trial.demand_receipt(Eve, end as u64),
            DisputesError::RequestImpossible
        );
        assert_noop!(
            Disputes::demand_receipt(signed(Eve), trial.job, 1, 0),
            DisputesError::PassUnknown
        );
        assert_ok!(trial.demand_receipt(Eve, 1));
        let right = trial.opening(1);
        let short = right[..right.len() - 1].to_vec();
        assert_noop!(
            trial.open_receipt(Dave, short),
            DisputesError::WrongAnswerLength
        );
        let long = [right.as_slice(), &[0]].concat();
        assert_noop!(
            trial.open_receipt(Dave, long),
            DisputesError::WrongAnswerLength
        );
        let mut flipped = right.clone();
        flipped[0] ^= 1;
        assert_noop!(trial.open_receipt(Dave, flipped), DisputesError::WrongHash);
        assert_ok!(trial.open_receipt(Dave, right));
    });
}

#[test]
fn the_end_of_the_job_returns_what_was_held_for_a_receipt() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::wrong(0);
        draw();
        trial.pass(Dave);
        let before = wealth(Ferdie);
        assert_ok!(trial.demand_receipt(Ferdie, 0));
        assert_ok!(trial.accuse(Eve, FIRST));
        assert_eq!(
            (wealth(Ferdie), held(Ferdie, HoldReason::Demand)),
            (before, 0)
        );
    });
}

#[test]
fn nobody_is_drawn_for_a_pass_too_many() {
    on_chain(|| {
        audit_all(true);
        let accounts: Vec<AccountId> = (0..12u8).map(|number| [number + 1; 32].into()).collect();
        for who in &accounts {
            crate::tests::issue_to(who, 1_000 * UNIT);
            let origin = crate::RuntimeOrigin::signed(who.clone());
            assert_ok!(Disputes::register_auditor(origin, 900 * UNIT));
        }
        pallet_rewards::GenesisIssuance::<Runtime>::put(Balances::total_issuance());
        let trial = Trial::right();
        for _ in 0..pallet_disputes::MAX_PASSES {
            draw();
            let open = at_work(trial.job).expect("one is at work");
            // All but the first pass it as they must.
            let receipt = match audit(trial.job).passes.is_empty() {
                true => H256([9; 32]),
                false => trial.receipt(open.scope, open.seed),
            };
            let origin = crate::RuntimeOrigin::signed(open.auditor);
            let verdict = Verdict::Pass { receipt };
            assert_ok!(Disputes::submit_verdict(origin, trial.job, verdict));
        }
        assert_eq!(audit(trial.job).stage, Stage::Done);
        assert_ok!(trial.demand_receipt(Eve, 0));
        pass(timing().answer_blocks + 1);
        let after = audit(trial.job);
        assert!(after.passes[0].slashed);
        assert_eq!((after.stage, after.misses), (Stage::Done, 1));
        trial.run_to_end();
        assert_eq!(settled(trial.job).audit, AuditOutcome::Passed);
        // No lock is left behind.
        let mut all = pallet_disputes::Auditors::<Runtime>::iter_values();
        assert!(all.all(|auditor| auditor.locks == 0));
    });
}
