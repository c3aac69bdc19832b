use super::*;
use mizan_tensor::AuditScope;

#[test]
fn default_records_are_valid() {
    assert_eq!(Timing::default().check(), Ok(()));
    assert_eq!(Timing::development().check(), Ok(()));
    assert_eq!(Economics::default().check(), Ok(()));
}

#[test]
fn lock_is_eleven_and_a_quarter_payments() {
    let economics = Economics::default();
    let lock = economics.lock(1_000_000_000).unwrap();
    // e is a tenth up to the rounding of two thirds, and always downwards: the lock is not
    // smaller than the exact one.
    assert!((11_250_000_000..11_250_000_200).contains(&lock), "{lock}");
    assert_eq!(economics.lock(u128::MAX), None);
    assert_eq!(economics.lock(0), Some(0));
}

#[test]
fn cheating_costs_more_than_it_gains_at_the_lock() {
    let economics = Economics::default();
    let e = f64::from(economics.conviction().deconstruct()) / 1e9;
    let s = f64::from(economics.challenger_share.deconstruct()) / 1e9;
    let payment = 5_000_000_007u128;
    let lock = economics.lock(payment).unwrap() as f64;
    // Gain P when not convicted, lose what of the lock does not come back as challenger.
    assert!(payment as f64 * (1.0 - e) <= e * lock * (1.0 - s) * (1.0 + 1e-12));
}

#[test]
fn payment_is_rounded_up_and_refuses_overflow() {
    let economics = Economics {
        flat_price: 7,
        ..Economics::default()
    };
    assert_eq!(economics.payment(1, 1), Some(8));
    assert_eq!(economics.payment(3, 1_000_000_000), Some(10));
    assert_eq!(economics.payment(3, 1_000_000_001), Some(11));
    assert_eq!(economics.payment(u128::MAX, u128::MAX), None);
    assert_eq!(economics.payment(u128::MAX, 1_000_000_000), None);
}

#[test]
fn records_that_would_lose_or_print_money_are_refused() {
    let wrong: [fn(&mut Economics); 9] = [
        |e| e.further_probability = Perbill::zero(),
        |e| e.min_auditor_bond = 0,
        |e| e.proof_deposit = 0,
        |e| e.demand_deposit = 0,
        |e| e.burn_share = Perbill::from_percent(9),
        |e| e.mint_ratio = Perbill::from_percent(51),
        |e| e.audit_probability = Perbill::zero(),
        |e| e.challenger_share = Perbill::one(),
        |e| e.min_bond = 0,
    ];
    for change in wrong {
        let mut economics = Economics::default();
        change(&mut economics);
        assert!(economics.check().is_err());
    }
    assert!(Timing {
        era_blocks: 0,
        ..Timing::default()
    }
    .check()
    .is_err());
    assert!(Timing {
        liveness_blocks: 1,
        ..Timing::default()
    }
    .check()
    .is_err());
    assert!(Timing {
        draw_delay_slots: Timing::default().challenge_blocks,
        ..Timing::default()
    }
    .check()
    .is_err());
}

/// One auditor and the draw of a further one: what audits of most jobs take.
#[test]
fn a_passed_audit_does_not_postpone_the_settlement() {
    let timing = Timing::default();
    let audited = 2 * timing.draw_delay_slots + timing.audit_blocks;
    assert!(audited < timing.challenge_blocks);
}

#[test]
fn periods_saturate() {
    let timing = Timing::default();
    assert_eq!(timing.back_off(0), 20);
    assert_eq!(timing.back_off(3), 160);
    assert_eq!(timing.back_off(u32::MAX), u32::MAX);
    assert_eq!(timing.min_duration(0), 40);
    assert_eq!(timing.min_duration(3_000_001), 42);
    assert_eq!(timing.min_duration(u64::MAX), u32::MAX);
    assert_eq!(timing.verdict_blocks(3_000_001, 7), 209);
    assert_eq!(timing.verdict_blocks(0, u32::MAX), u32::MAX);
}

#[test]
fn demands_get_dearer_and_overflow_is_none() {
    let economics = Economics {
        demand_deposit: 3,
        ..Economics::default()
    };
    assert_eq!(economics.deposit_for_demand(0), Some(3));
    assert_eq!(economics.deposit_for_demand(5), Some(96));
    assert_eq!(economics.deposit_for_demand(127), None);
    assert_eq!(economics.deposit_for_demand(128), None);
    assert_eq!(Timing::development().reaction_blocks(), 3);
    assert_eq!(Timing::default().reaction_blocks(), 300);
}

#[test]
fn audit_lock_is_seven_and_a_half_payments_and_a_bribe_costs_more_than_it_gains() {
    let economics = Economics::default();
    let lock = economics.audit_lock(1_000_000_000).unwrap();
    assert!((7_500_000_000..7_500_000_100).contains(&lock), "{lock}");
    assert_eq!(economics.audit_lock(u128::MAX), None);
    assert_eq!(economics.audit_lock(0), Some(0));
    // Who bribes an auditor pays it at least what it can expect to lose.
    let share = |share: Perbill| f64::from(share.deconstruct()) / 1e9;
    let caught =
        share(economics.further_probability) * (1.0 - share(economics.attacker_bond_share));
    let payment = 5_000_000_007u128;
    let lock = economics.audit_lock(payment).unwrap() as f64;
    assert!(caught * lock >= payment as f64 * (1.0 - 1e-12));
    assert_eq!(economics.miss_penalty(75), 7);
    assert_eq!(economics.audit_price(AuditScope::Sampled, 101), 6);
    assert_eq!(economics.audit_price(AuditScope::Full, 101), 21);
}

#[test]
fn timeout_never_costs_more_than_the_lock() {
    let economics = Economics::default();
    assert_eq!(economics.timeout_penalty(1_000, 11_250), 100);
    assert_eq!(economics.timeout_penalty(1_000, 30), 30);
}

#[test]
fn security_page_gives_what_the_constants_give() {
    let page = include_str!("../../../../docs/security.md");
    let (e, timing) = (Economics::default(), Timing::default());
    let share = |share: Perbill| f64::from(share.deconstruct()) / 1e9;
    let mzn = |amount: Balance| amount as f64 / UNIT as f64;
    let lock = e.lock(UNIT).expect("it fits") as f64 / UNIT as f64;
    let audit_lock = e.audit_lock(UNIT).expect("it fits") as f64 / UNIT as f64;
    let kept = 1.0 - share(e.challenger_share);
    let demand = |open| mzn(e.deposit_for_demand(open).expect("it fits"));
    let rows = [
        format!("| a job is audited | {:.2} |", share(e.audit_probability)),
        format!("authors' slots | {:.3} |", share(e.attacker_slot_share)),
        format!("auditors' bonds | {:.3} |", share(e.attacker_bond_share)),
        format!("an audit sees a wrong result | {:.2} |", share(e.detection)),
        format!("| of a convicted lock | {:.2} |", share(e.challenger_share)),
        format!(
            "| e | probability of conviction | {:.3} |",
            share(e.conviction())
        ),
        format!("| lock behind a job of payment P | {lock:.2} |"),
        format!("| lost by who convicts himself | {:.2} |", kept * lock),
        format!("a share of {:.2} of the lock |", share(e.challenger_share)),
        format!(
            "by a further auditor | {:.2} |",
            share(e.further_probability)
        ),
        format!("no verdict in time | {:.2} |", share(e.miss_share)),
        format!("| audit lock / P | {audit_lock:.2} |"),
        format!("its fee, and {} MZN burned |", mzn(e.proof_deposit)),
        format!("| 0 | {} MZN |", demand(0)),
        format!("| 1 | {} MZN |", demand(1)),
        format!("| 3 | {} MZN |", demand(3)),
        format!("| 7 | {} MZN |", demand(7)),
        format!("| 11 | {} MZN |", demand(11)),
        format!("{} MZN burned for each", mzn(e.demand_deposit / 2)),
        format!("challenge period ({})", thousands(timing.challenge_blocks)),
        format!("time to answer ({})", thousands(timing.answer_blocks)),
        format!("{} blocks to answer", thousands(timing.answer_blocks)),
        format!("{} blocks after it", timing.reaction_blocks()),
        format!("`D` = {} slots", timing.draw_delay_slots),
    ];
    // Where a line ends is of no account.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = words(page);
    for row in rows {
        assert!(page.contains(&words(&row)), "docs/security.md lacks: {row}");
    }
}

fn thousands(number: u32) -> String {
    format!("{},{:03}", number / 1_000, number % 1_000)
}
