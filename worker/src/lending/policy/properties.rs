//! What holds for whatever is read.

use super::{
    tests::{read, reading, seconds, used, IDLE, POWER},
    *,
};
use proptest::prelude::*;

/// A device that draws so much at work and at rest, with parts of so many tenths of a second as
/// long as it may: what it drew in each second, in milliwatts.
fn drawn(work: u32, rest: u32, part: u32, time: u64) -> Vec<u32> {
    let mut policy = Policy::new(POWER, Duration::ZERO);
    let (mut left, mut all) = (0, Vec::new());
    for second in 0..time {
        let mut milliwatts = 0;
        for tenth in 0..10 {
            let now = seconds(second) + Duration::from_millis(tenth * 100);
            if left == 0 && policy.may_begin(now) {
                policy.begins();
                left = part;
            }
            milliwatts += if left > 0 { work * 100 } else { rest * 100 };
            if left == 1 {
                policy.ended(now);
            }
            left = left.saturating_sub(1);
        }
        let reading = Reading {
            power_milliwatts: Some(milliwatts),
            ..reading()
        };
        policy.observe(seconds(second + 1), &reading);
        all.push(milliwatts);
    }
    all
}

proptest! {
    #[test]
    fn the_mean_of_power_stays_below_its_limit_in_any_minute(
        work in 101u32..400, rest in 1u32..90, part in 1u32..20,
    ) {
        let all = drawn(work, rest, part, 300);
        // What a part may draw beyond the limit before anybody knows, and the credit.
        let beyond = u64::from(work - 100) * (1_000 + u64::from(part) * 100) + 100_000;
        for minute in all.windows(60) {
            let drawn: u64 = minute.iter().map(|it| u64::from(*it)).sum();
            prop_assert!(drawn <= 60 * 100_000 + 2 * beyond, "{drawn}");
        }
    }

    #[test]
    fn power_that_may_be_drawn_is_drawn(
        work in 101u32..400, rest in 1u32..90, part in 1u32..20,
    ) {
        let all = drawn(work, rest, part, 300);
        let mean: u64 = all.iter().map(|it| u64::from(*it)).sum::<u64>() / 300;
        prop_assert!(mean >= 90_000, "{mean}");
    }

    #[test]
    fn a_device_never_works_within_the_idle_time_after_a_use_that_lasted(
        percents in prop::collection::vec(0u32..=100, 1..400),
    ) {
        let mut policy = read(IDLE, &used(0));
        let mut last_use = None;
        let mut row = 0;
        for (second, percent) in (2u64..).zip(percents) {
            policy.observe(seconds(second), &used(percent));
            row = if percent > USE_PERCENT { row + 1 } else { 0 };
            // Once it is in use, any second of it counts.
            let was_in_use = last_use.is_some_and(|last| second - last <= 61);
            if row > 3 || row > 0 && was_in_use {
                last_use = Some(second);
            }
            let expected = last_use.is_none_or(|last| second - last > 60);
            prop_assert_eq!(policy.may_begin(seconds(second)), expected, "{}", second);
        }
    }

    #[test]
    fn nothing_that_is_read_makes_it_panic(
        steps in prop::collection::vec((0u64..100_000, any::<u32>(), any::<u32>(), any::<u32>(), 0u8..5), 1..60),
    ) {
        let limits = Limits { idle: IDLE.idle, max_power_watts: Some(2_000), max_temperature_celsius: Some(80) };
        let mut policy = Policy::new(limits, Duration::ZERO);
        for (millis, celsius, milliwatts, percent, step) in steps {
            let now = Duration::from_millis(millis);
            match step {
                0 => policy.begins(),
                1 => policy.ended(now),
                2 => policy.miss("nothing"),
                _ => policy.observe(now, &Reading {
                    temperature_celsius: Some(celsius),
                    power_milliwatts: Some(milliwatts),
                    others_percent: Some(percent),
                    ..Reading::default()
                }),
            }
            let may = policy.may_begin(now);
            let paused = matches!(policy.condition(now), Condition::Paused(_));
            prop_assert!(!may || !paused);
        }
    }
}
