//! Who may audit, and the bond behind it.

use super::*;

#[test]
fn auditors_hold_a_bond_and_have_it_back() {
    on_chain(|| {
        let before = free(Dave);
        assert_ok!(Disputes::register_auditor(signed(Dave), 50 * UNIT));
        assert_eq!(held(Dave, HoldReason::AuditorBond), 50 * UNIT);
        assert_ok!(Disputes::bond_auditor(signed(Dave), 7 * UNIT));
        assert_ok!(Disputes::unbond_auditor(signed(Dave), 20 * UNIT));
        assert_eq!(auditor(Dave).bond, 37 * UNIT);
        assert_eq!(held(Dave, HoldReason::AuditorBond), 37 * UNIT);
        check_invariants();
        assert_ok!(Disputes::exit_auditor(signed(Dave)));
        assert_eq!(free(Dave), before);
    });
}

#[test]
fn bonds_are_refused_where_they_are_too_small_or_not_there() {
    on_chain(|| {
        let least = economics().min_auditor_bond;
        let register = |who, bond| Disputes::register_auditor(signed(who), bond);
        assert_noop!(
            register(Dave, least - 1),
            DisputesError::AuditorBondTooSmall
        );
        assert_noop!(
            register(Dave, 2_000_000 * UNIT),
            sp_runtime::TokenError::FundsUnavailable
        );
        assert_ok!(register(Dave, least));
        assert_noop!(register(Dave, least), DisputesError::AlreadyAuditor);
        let unbond = |amount| Disputes::unbond_auditor(signed(Dave), amount);
        assert_noop!(unbond(1), DisputesError::AuditorBondTooSmall);
        assert_noop!(unbond(least + 1), DisputesError::AuditorBondLocked);
        for call in [
            Disputes::bond_auditor(signed(Eve), 1),
            Disputes::unbond_auditor(signed(Eve), 1),
            Disputes::exit_auditor(signed(Eve)),
        ] {
            assert_eq!(call, Err(DisputesError::AuditorUnknown.into()));
        }
    });
}

#[test]
fn an_auditor_that_leaves_makes_room_for_the_last_one() {
    on_chain(|| {
        auditors(&[Alice, Dave, Eve, Ferdie]);
        for leaving in [Dave, Ferdie, Alice, Eve] {
            assert_ok!(Disputes::exit_auditor(signed(leaving)));
            check_invariants();
        }
        assert_eq!(pallet_disputes::AuditorCount::<Runtime>::get(), 0);
    });
}

#[test]
fn more_auditors_than_a_page_are_summed_right() {
    on_chain(|| {
        let accounts: Vec<AccountId> = (0..150u8).map(|number| [number; 32].into()).collect();
        let register = |(number, who): (usize, &AccountId)| {
            crate::tests::issue_to(who, 1_000 * UNIT);
            let bond = (10 + number as u128) * UNIT;
            let origin = crate::RuntimeOrigin::signed(who.clone());
            assert_ok!(Disputes::register_auditor(origin, bond));
        };
        accounts.iter().enumerate().for_each(register);
        pallet_rewards::GenesisIssuance::<Runtime>::put(Balances::total_issuance());
        check_invariants();
        for who in accounts.iter().step_by(3) {
            let origin = crate::RuntimeOrigin::signed(who.clone());
            assert_ok!(Disputes::exit_auditor(origin));
        }
        check_invariants();
    });
}

#[test]
fn bond_behind_a_verdict_can_not_leave() {
    on_chain(|| {
        audit_all(false);
        auditors(&[Dave]);
        let trial = Trial::right();
        draw();
        let lock = trial.audit_lock();
        assert_eq!((auditor(Dave).locked, auditor(Dave).locks), (lock, 1));
        let all = auditor(Dave).bond;
        assert_noop!(
            Disputes::unbond_auditor(signed(Dave), all - lock + 1),
            DisputesError::AuditorBondLocked
        );
        assert_noop!(
            Disputes::exit_auditor(signed(Dave)),
            DisputesError::AuditorLocksRemain
        );
        trial.pass(Dave);
        assert_noop!(
            Disputes::exit_auditor(signed(Dave)),
            DisputesError::AuditorLocksRemain
        );
        trial.run_to_end();
        assert_ok!(Disputes::exit_auditor(signed(Dave)));
    });
}
