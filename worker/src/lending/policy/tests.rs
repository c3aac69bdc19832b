use super::*;

pub(super) const IDLE: Limits = Limits {
    idle: Some(seconds(60)),
    max_power_watts: None,
    max_temperature_celsius: None,
};
pub(super) const POWER: Limits = Limits {
    idle: None,
    max_power_watts: Some(100),
    max_temperature_celsius: None,
};
const HEAT: Limits = Limits {
    idle: None,
    max_power_watts: None,
    max_temperature_celsius: Some(80),
};

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A device of which everything is said.
pub(super) fn reading() -> Reading {
    Reading {
        temperature_celsius: Some(40),
        power_milliwatts: Some(20_000),
        busy_percent: Some(0),
        others_percent: Some(0),
        ..Reading::default()
    }
}

pub(super) fn used(percent: u32) -> Reading {
    Reading {
        others_percent: Some(percent),
        ..reading()
    }
}

/// One whose driver does not tell programs apart.
fn busy(percent: u32) -> Reading {
    Reading {
        others_percent: None,
        busy_percent: Some(percent),
        ..reading()
    }
}

fn warm(celsius: u32) -> Reading {
    Reading {
        temperature_celsius: Some(celsius),
        ..reading()
    }
}

fn draws(watts: u32) -> Reading {
    Reading {
        power_milliwatts: Some(watts * 1_000),
        ..reading()
    }
}

/// A device that was read once, at the first second.
pub(super) fn read(limits: Limits, first: &Reading) -> Policy {
    let mut policy = Policy::new(limits, seconds(0));
    policy.observe(seconds(1), first);
    policy
}

/// The same reading each second from one on until before another.
fn stays(policy: &mut Policy, from: u64, until: u64, reading: &Reading) {
    (from..until).for_each(|second| policy.observe(seconds(second), reading));
}

fn in_use(percent: u32) -> Condition {
    Condition::Paused(Pause::InUse(percent))
}

#[test]
fn without_limits_a_device_works_whatever_is_read() {
    let mut policy = read(Limits::default(), &used(100));
    stays(&mut policy, 2, 9, &used(100));
    policy.miss("gone");
    assert!(policy.may_begin(seconds(9_999)));
    assert_eq!(policy.condition(seconds(9_999)), Condition::Works);
}

#[test]
fn a_device_that_is_idle_at_first_works_at_once() {
    assert!(read(IDLE, &used(10)).may_begin(seconds(1)));
    let first = read(IDLE, &used(11)).condition(seconds(1));
    assert_eq!(first, in_use(11));
    let unread = Policy::new(IDLE, seconds(0)).condition(seconds(1));
    assert_eq!(unread, Condition::Paused(Pause::NotLookedAt));
}

#[test]
fn others_use_a_device_that_they_keep_busy_for_three_seconds() {
    let mut policy = read(IDLE, &used(0));
    stays(&mut policy, 2, 5, &used(45));
    assert_eq!(policy.condition(seconds(4)), Condition::Works);
    stays(&mut policy, 5, 6, &used(46));
    assert_eq!(policy.condition(seconds(5)), in_use(46));
    assert!(!policy.may_begin(seconds(5)));
}

#[test]
fn one_quiet_second_begins_the_three_anew() {
    let mut policy = read(IDLE, &used(0));
    for second in 2..60 {
        let percent = if second % 3 == 0 { 10 } else { 100 };
        policy.observe(seconds(second), &used(percent));
        assert!(policy.may_begin(seconds(second)), "{second}");
    }
}

#[test]
fn a_device_in_use_works_again_after_as_long_a_time_without_use() {
    let mut policy = read(IDLE, &used(90));
    stays(&mut policy, 2, 62, &used(3));
    assert_eq!(policy.condition(seconds(61)), in_use(90));
    policy.observe(seconds(62), &used(3));
    assert!(policy.may_begin(seconds(62)));
}

#[test]
fn one_busy_second_begins_that_time_anew() {
    let mut policy = read(IDLE, &used(90));
    stays(&mut policy, 2, 50, &used(0));
    policy.observe(seconds(50), &used(50));
    stays(&mut policy, 51, 111, &used(0));
    assert_eq!(policy.condition(seconds(110)), in_use(50));
    policy.observe(seconds(111), &used(0));
    assert!(policy.may_begin(seconds(111)));
}

#[test]
fn a_device_opened_by_others_that_do_nothing_is_not_in_use() {
    let mut opened = reading();
    opened.others = Some(vec![crate::devices::reading::Program {
        pid: 1,
        name: "Xorg".into(),
    }]);
    let mut policy = read(IDLE, &opened);
    stays(&mut policy, 2, 99, &opened);
    assert!(policy.may_begin(seconds(98)));
}

#[test]
fn own_work_is_no_use_by_others() {
    // Programs are told apart.
    let mut policy = read(IDLE, &used(0));
    policy.begins();
    let working = Reading {
        busy_percent: Some(100),
        ..used(0)
    };
    stays(&mut policy, 2, 99, &working);
    assert!(policy.may_begin(seconds(98)));
    // They are not.
    let mut policy = read(IDLE, &busy(0));
    stays(&mut policy, 2, 4, &busy(0));
    policy.begins();
    stays(&mut policy, 4, 20, &busy(100));
    policy.ended(seconds(20));
    policy.observe(seconds(21), &busy(100));
    assert!(policy.may_begin(seconds(21)));
}

#[test]
fn where_programs_are_not_told_apart_parts_stop_for_a_look() {
    let mut policy = read(IDLE, &busy(0));
    assert!(
        !policy.may_begin(seconds(1)),
        "the worker's own start may show"
    );
    policy.observe(seconds(2), &busy(0));
    assert!(policy.may_begin(seconds(2)));
    policy.begins();
    stays(&mut policy, 3, 33, &busy(100));
    assert!(policy.may_begin(seconds(31)));
    assert!(!policy.may_begin(seconds(32)));
    policy.ended(seconds(33));
    policy.observe(seconds(34), &busy(40));
    assert!(!policy.may_begin(seconds(34)));
    policy.observe(seconds(35), &busy(0));
    assert!(policy.may_begin(seconds(35)));
}

#[test]
fn a_look_that_shows_use_becomes_a_pause() {
    let mut policy = read(IDLE, &busy(0));
    policy.observe(seconds(2), &busy(0));
    policy.begins();
    stays(&mut policy, 3, 33, &busy(100));
    policy.ended(seconds(33));
    for second in 35..38 {
        policy.observe(seconds(second), &busy(60));
        assert_eq!(policy.condition(seconds(second)), Condition::Works);
        assert!(!policy.may_begin(seconds(second)), "it would hide the use");
    }
    policy.observe(seconds(38), &busy(60));
    assert_eq!(policy.condition(seconds(38)), in_use(60));
}

#[test]
fn a_look_that_shows_use_for_a_moment_only_lets_parts_go_on() {
    let mut policy = read(IDLE, &busy(0));
    stays(&mut policy, 2, 5, &busy(0));
    policy.observe(seconds(5), &busy(60));
    assert!(!policy.may_begin(seconds(5)));
    policy.observe(seconds(6), &busy(2));
    assert!(policy.may_begin(seconds(6)));
    // Where programs are told apart nothing is hidden.
    let mut policy = read(IDLE, &used(0));
    policy.observe(seconds(2), &used(60));
    assert!(policy.may_begin(seconds(2)));
}

#[test]
fn a_hot_device_waits_until_it_has_cooled_down_by_five() {
    let mut policy = read(HEAT, &warm(79));
    assert!(policy.may_begin(seconds(1)));
    for (second, celsius, may) in [(2, 80, false), (3, 76, false), (4, 75, true), (5, 79, true)] {
        policy.observe(seconds(second), &warm(celsius));
        assert_eq!(policy.may_begin(seconds(second)), may, "{celsius}");
    }
    let slowed = Condition::Slowed(Limit::Temperature(80));
    assert_eq!(policy.condition(seconds(5)), slowed);
    stays(&mut policy, 6, 63, &warm(70));
    assert_eq!(policy.condition(seconds(62)), slowed);
    stays(&mut policy, 63, 64, &warm(70));
    assert_eq!(policy.condition(seconds(63)), Condition::Works);
}

#[test]
fn a_device_that_is_hot_without_working_takes_no_new_jobs() {
    let mut policy = read(HEAT, &warm(40));
    policy.begins();
    stays(&mut policy, 2, 30, &warm(85));
    policy.ended(seconds(30));
    stays(&mut policy, 30, 91, &warm(84));
    assert_eq!(policy.condition(seconds(89)), Condition::Works);
    let stays_hot = Condition::Paused(Pause::Exceeds(Limit::Temperature(80), 84));
    assert_eq!(policy.condition(seconds(90)), stays_hot);
    policy.observe(seconds(91), &warm(75));
    assert_eq!(policy.condition(seconds(91)), Condition::Works);
}

#[test]
fn a_device_that_draws_too_much_without_working_takes_no_new_jobs() {
    let mut policy = read(POWER, &draws(130));
    stays(&mut policy, 2, 61, &draws(130));
    let exceeds = Condition::Paused(Pause::Exceeds(Limit::Power(100), 130));
    assert_eq!(policy.condition(seconds(60)), exceeds);
    // What it made up for shows in time.
    policy.observe(seconds(61), &draws(20));
    assert!(!policy.may_begin(seconds(61)));
    stays(&mut policy, 62, 92, &draws(20));
    assert!(policy.may_begin(seconds(91)));
}

#[test]
fn debts_of_power_have_a_limit() {
    let mut policy = read(POWER, &draws(400));
    stays(&mut policy, 2, 3_600, &draws(400));
    stays(&mut policy, 3_600, 3_659, &draws(0));
    assert!(!policy.may_begin(seconds(3_658)));
    stays(&mut policy, 3_659, 3_661, &draws(0));
    assert!(policy.may_begin(seconds(3_660)));
}

#[test]
fn a_device_that_is_not_read_any_more_is_paused_after_a_grace() {
    let mut policy = read(HEAT, &warm(40));
    policy.miss("the process ended");
    assert!(policy.may_begin(seconds(15)));
    let unread = |reason: &str| Condition::Paused(Pause::Unread(reason.into()));
    assert_eq!(policy.condition(seconds(16)), unread("the process ended"));
    assert!(!policy.may_begin(seconds(16)));
    policy.observe(seconds(17), &warm(40));
    assert!(policy.may_begin(seconds(17)));
    assert_eq!(
        policy.condition(seconds(32)),
        unread("no more readings come")
    );
}

#[test]
fn a_reading_without_what_a_limit_needs_is_none() {
    let nothing = Reading::default();
    for (limits, needs) in [
        (IDLE, "how busy it is, which idle_only needs"),
        (POWER, "the power that it draws, which max_power needs"),
        (HEAT, "its temperature, which max_temperature needs"),
    ] {
        assert_eq!(limits.lack(&nothing), Some(needs));
        assert_eq!(limits.lack(&reading()), None);
        let mut policy = read(limits, &reading());
        policy.observe(seconds(2), &nothing);
        let reason = format!("its driver does not say {needs}");
        let paused = Condition::Paused(Pause::Unread(reason));
        assert_eq!(policy.condition(seconds(17)), paused);
    }
    assert_eq!(Limits::default().lack(&nothing), None);
    assert_eq!(IDLE.lack(&busy(0)), None);
}

#[test]
fn conditions_are_said_so_that_an_owner_understands() {
    let table = [
        (in_use(45), "paused, another program uses it (45 %)"),
        (
            Condition::Slowed(Limit::Power(150)),
            "slowed to keep within max_power, 150 W",
        ),
        (
            Condition::Paused(Pause::Exceeds(Limit::Temperature(80), 84)),
            "paused, it has 84 °C although it computes nothing, beyond max_temperature, 80 °C",
        ),
        (
            Condition::Paused(Pause::Unread("gone".into())),
            "paused, it can't be watched: gone",
        ),
    ];
    for (condition, words) in table {
        assert_eq!(condition.to_string(), words);
    }
}
