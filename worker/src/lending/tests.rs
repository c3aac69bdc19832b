use super::*;
use crate::devices::tests::status;

const IDLE: Limits = Limits {
    idle: Some(seconds(60)),
    max_power_watts: None,
    max_temperature_celsius: None,
};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Two devices, of which others use so many percent.
fn used(percents: [u32; 2]) -> Result<Vec<Reading>, MeterError> {
    let of_each = (0u32..).zip(percents);
    let reading = |(index, percent)| Reading {
        uuid: status(index).info.uuid,
        others_percent: Some(percent),
        temperature_celsius: Some(50),
        ..Reading::default()
    };
    Ok(of_each.map(reading).collect())
}

fn lending(limits: Limits, hours: Option<&str>) -> (Arc<Lending>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new().unwrap());
    let hours = hours.map(|text| text.parse().unwrap());
    let lending = Arc::new(Lending::within(limits, hours, metrics.clone()));
    lending.watch([status(0).info, status(1).info]);
    (lending, metrics)
}

/// Why no new jobs are taken at a second, at noon.
fn refusal(lending: &Lending, second: u64) -> Option<Refusal> {
    lending.refusal_at(seconds(second), seconds(12 * 60 * 60))
}

#[test]
fn a_machine_without_limits_takes_jobs_and_all_its_devices_work() {
    let (lending, metrics) = lending(Limits::default(), None);
    lending.hear_at(seconds(1), used([100, 100]));
    lending.hear_at(seconds(2), Err(MeterError::Library("none".into())));
    assert!(lending.may_begin_at(seconds(9_999), &status(0).info));
    assert_eq!(refusal(&lending, 9_999), None);
    assert_eq!(metrics.accepting.get(), 1);
}

#[test]
fn a_machine_without_devices_takes_jobs_whatever_the_limits() {
    let metrics = Arc::new(Metrics::new().unwrap());
    let lending = Lending::within(IDLE, None, metrics);
    assert_eq!(refusal(&lending, 9_999), None);
}

#[test]
fn no_new_jobs_are_taken_while_no_device_may_work() {
    let (lending, metrics) = lending(IDLE, None);
    lending.hear_at(seconds(1), used([100, 0]));
    let may = |second| [0, 1].map(|it| lending.may_begin_at(seconds(second), &status(it).info));
    assert_eq!(may(1), [false, true]);
    assert_eq!(refusal(&lending, 1), None);
    // The other one is of no use.
    let mut retired = status(1);
    retired.retired = true;
    lending.note(&[status(0), retired]);
    assert_eq!(refusal(&lending, 1), Some(Refusal::Devices));
    assert_eq!(metrics.accepting.get(), 0);
    assert!(!lending.is_lent());
    lending.note(&[status(0), status(1)]);
    assert_eq!(refusal(&lending, 1), None);
    assert!(lending.is_lent() && metrics.accepting.get() == 1);
}

#[test]
fn nobody_says_that_devices_may_not_work_before_each_was_looked_at() {
    let (lending, metrics) = lending(IDLE, None);
    assert_eq!(refusal(&lending, 1), Some(Refusal::NotLookedAt));
    assert!(!lending.is_lent() && metrics.accepting.get() == 0);
    // The driver shows one of them.
    let mut readings = used([100, 0]).unwrap();
    readings.truncate(1);
    lending.hear_at(seconds(1), Ok(readings));
    assert_eq!(refusal(&lending, 1), Some(Refusal::NotLookedAt));
    lending.hear_at(seconds(2), used([100, 0]));
    assert_eq!(refusal(&lending, 2), None);
    let (lending, _) = self::lending(IDLE, None);
    lending.hear_at(seconds(1), used([100, 100]));
    assert_eq!(refusal(&lending, 1), Some(Refusal::Devices));
}

#[test]
fn jobs_are_taken_where_no_device_is_of_use_for_the_processor_does_them() {
    let (lending, _) = lending(IDLE, None);
    lending.hear_at(seconds(1), used([100, 100]));
    assert_eq!(refusal(&lending, 1), Some(Refusal::Devices));
    let retired = [0, 1].map(|index| {
        let mut retired = status(index);
        retired.retired = true;
        retired
    });
    lending.note(&retired);
    assert_eq!(refusal(&lending, 1), None);
}

#[test]
fn a_job_that_would_be_late_is_computed_on_devices_in_use() {
    let (lending, _) = lending(IDLE, None);
    lending.hear_at(seconds(1), used([100, 100]));
    lending.state().deadlines.learn(100, seconds(1));
    let device = status(0).info;
    let expected = lending.expect(1, seconds(600), seconds(600));
    assert!(!lending.may_begin_at(seconds(290), &device));
    assert!(lending.may_begin_at(seconds(310), &device));
    // That is no reason to take more.
    lending.hear_at(seconds(310), used([100, 100]));
    assert_eq!(refusal(&lending, 310), Some(Refusal::Devices));
    drop(expected);
    assert!(!lending.may_begin_at(seconds(310), &device));
}

#[test]
fn what_is_due_at_once_waits_for_nobody() {
    let (lending, _) = lending(IDLE, None);
    lending.state().deadlines.learn(100, seconds(1));
    lending.hear_at(seconds(1), used([100, 100]));
    let device = status(0).info;
    let due = lending.expect(1, Duration::ZERO, Duration::ZERO);
    assert!(lending.may_begin_at(seconds(1), &device));
    drop(due);
    assert!(!lending.may_begin_at(seconds(1), &device));
}

#[test]
fn the_speed_of_jobs_is_learnt_from_the_time_that_their_parts_took() {
    let (lending, _) = lending(IDLE, None);
    let device = status(0).info;
    lending.begins_at(seconds(1), &device);
    lending.begins_at(seconds(2), &device);
    lending.ended_at(seconds(4), &device);
    assert_eq!(lending.state().busy(seconds(5)), seconds(4));
    lending.ended_at(seconds(6), &device);
    // On another device at the same time, and a pause.
    lending.begins_at(seconds(4), &status(1).info);
    lending.ended_at(seconds(5), &status(1).info);
    assert_eq!(lending.state().busy(seconds(99)), seconds(6));
}

#[test]
fn what_the_meter_says_is_shown_and_forgotten_with_it() {
    let (lending, metrics) = lending(IDLE, None);
    lending.hear_at(seconds(1), used([45, 0]));
    let text = metrics.text().unwrap();
    for line in [
        "mizan_worker_device_others_percent{device=\"0\"} 45",
        "mizan_worker_device_temperature_celsius{device=\"1\"} 50",
        "mizan_worker_device_paused{device=\"0\"} 1",
        "mizan_worker_device_paused{device=\"1\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    assert!(!text.contains("device_power_watts{"), "{text}");
    lending.hear_at(seconds(2), Err(MeterError::Nonsense));
    let text = metrics.text().unwrap();
    assert!(!text.contains("temperature_celsius{"), "{text}");
    assert!(text.contains("device_paused{device=\"0\"} 1"), "{text}");
}

#[test]
fn a_device_that_the_driver_does_not_show_any_more_is_paused() {
    let (lending, _) = lending(IDLE, None);
    lending.hear_at(seconds(1), used([0, 0]));
    let mut readings = used([0, 0]).unwrap();
    readings.remove(0);
    for second in 2..20 {
        lending.hear_at(seconds(second), Ok(readings.clone()));
    }
    let may = [0, 1].map(|it| lending.may_begin_at(seconds(19), &status(it).info));
    assert_eq!(may, [false, true]);
}

#[test]
fn memory_of_a_device_in_use_is_given_back_once_after_its_last_part() {
    let (lending, _) = lending(IDLE, None);
    let devices = [status(0).info, status(1).info];
    lending.hear_at(seconds(1), used([0, 0]));
    lending.begins_at(seconds(2), &devices[0]);
    (2..6).for_each(|second| lending.hear_at(seconds(second), used([100, 0])));
    let released = |second| lending.to_release_at(seconds(second));
    assert!(released(5).is_empty(), "a part runs");
    lending.ended_at(seconds(6), &devices[0]);
    assert_eq!(released(6), [devices[0].uuid]);
    assert!(released(7).is_empty());
    // A job that would be late otherwise.
    lending.begins_at(seconds(8), &devices[0]);
    lending.ended_at(seconds(9), &devices[0]);
    assert_eq!(released(9), [devices[0].uuid]);
}

#[test]
fn jobs_come_in_the_hours_only_and_until_their_end() {
    let (lending, _) = lending(Limits::default(), Some("08:00-17:00"));
    let hours = Some(Refusal::Hours("08:00-17:00".parse().unwrap()));
    let at = |hour: u64, minute: u64, second: u64| {
        let time = seconds((hour * 60 + minute) * 60 + second);
        lending.refusal_at(seconds(1), time)
    };
    assert_eq!(at(7, 59, 59), hours);
    assert_eq!(at(8, 0, 0), None);
    assert_eq!(at(16, 59, 59), None);
    assert_eq!(at(17, 0, 0), hours);
    // Devices work all the same, for what was accepted.
    assert!(lending.may_begin_at(seconds(1), &status(0).info));
}

#[test]
fn a_refusal_says_what_it_is_for() {
    let hours = Refusal::Hours("22:00-08:00".parse().unwrap());
    assert_eq!(
        hours.to_string(),
        "no new jobs but in the hours 22:00-08:00"
    );
    let devices = Refusal::Devices.to_string();
    assert_eq!(devices, "no new jobs while no GPU may work");
    assert_eq!(
        Refusal::NotLookedAt.to_string(),
        "no new jobs until it is known whether another program uses the GPUs"
    );
}
