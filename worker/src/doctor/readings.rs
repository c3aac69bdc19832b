//! How the GPUs of this machine are now, and who else uses them.

use super::Finding;
use crate::{
    devices::{
        meter::{self, Meter},
        reading::{Fault, Reading},
        MeterError,
    },
    lending::Limits,
    settings::Settings,
};
use mizan_engine::cuda::DeviceInfo;

const CHECK: &str = "gpu readings";

/// What there is to say of devices as they are now.
pub(super) async fn examine(settings: &Settings, devices: &[DeviceInfo]) -> Vec<Finding> {
    if devices.is_empty() {
        return Vec::new();
    }
    let limits = Limits::of(settings);
    match read().await {
        Ok(readings) => devices
            .iter()
            .map(|device| {
                let own = readings.iter().find(|it| it.uuid == device.uuid);
                judge(device.index, own, &limits)
            })
            .collect(),
        Err(error) if limits.any() => {
            let mend = "install all of NVIDIA's driver, or leave idle_only, max_power and \
                        max_temperature away";
            vec![Finding::problem(CHECK, error, mend)]
        }
        Err(error) => {
            let found = format!("{error}; the worker works without, but for limits to GPUs");
            vec![Finding::ok(CHECK, found)]
        }
    }
}

async fn read() -> Result<Vec<Reading>, MeterError> {
    Meter::start(&meter::command()?)?.next().await
}

fn judge(index: u32, reading: Option<&Reading>, limits: &Limits) -> Finding {
    let Some(reading) = reading else {
        let found = format!("GPU {index}: the driver does not say how it is");
        let mend = "see what `nvidia-smi` says of it";
        return match limits.any() {
            true => Finding::problem(CHECK, found, mend),
            false => Finding::warning(CHECK, found, mend),
        };
    };
    let found = format!("GPU {index}: {}", describe(reading));
    match limits.lack(reading) {
        Some(lack) => {
            let found = format!("{found}; its driver does not say {lack}");
            Finding::problem(CHECK, found, "leave that limit away, or name other devices")
        }
        None => Finding::ok(CHECK, found),
    }
}

/// What a reading says, in one line.
fn describe(reading: &Reading) -> String {
    let watts = |milliwatts: u32| format!("{} W", milliwatts / 1_000);
    let power = match (reading.power_milliwatts, reading.power_limit_milliwatts) {
        (Some(power), Some(limit)) => Some(format!("{} of {}", watts(power), watts(limit))),
        (power, limit) => power
            .map(watts)
            .or(limit.map(|limit| format!("at most {}", watts(limit)))),
    };
    let memory = reading.memory_used_bytes.map(|bytes| bytes >> 20);
    let said = [
        reading.temperature_celsius.map(|it| format!("{it} °C")),
        power,
        reading.busy_percent.map(|it| format!("{it} % busy")),
        reading
            .others_percent
            .map(|it| format!("{it} % by other programs")),
        memory.map(|it| format!("{it} MiB used")),
        reading.others.as_ref().map(|others| match &others[..] {
            [] => "opened by nobody else".into(),
            others => {
                let name =
                    |it: &crate::devices::reading::Program| format!("{} ({})", it.name, it.pid);
                let names: Vec<_> = others.iter().map(name).collect();
                format!("opened by {}", names.join(", "))
            }
        }),
    ];
    let unread = |it: &Fault| format!("{} can't be read: {}", it.what, it.reason);
    let unread = reading.faults.iter().map(unread);
    let said: Vec<_> = said.into_iter().flatten().chain(unread).collect();
    match said.is_empty() {
        true => "its driver says nothing of it".into(),
        false => said.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{devices::reading::Program, doctor::Health};

    fn reading() -> Reading {
        Reading {
            temperature_celsius: Some(54),
            power_milliwatts: Some(112_900),
            power_limit_milliwatts: Some(170_000),
            busy_percent: Some(38),
            memory_used_bytes: Some(812 << 20),
            others_percent: Some(2),
            others: Some(vec![Program {
                pid: 1_012,
                name: "Xorg".into(),
            }]),
            ..Reading::default()
        }
    }

    #[test]
    fn a_device_is_shown_with_all_that_its_driver_says() {
        let finding = judge(1, Some(&reading()), &Limits::default());
        assert_eq!(finding.health, Health::Ok);
        assert_eq!(
            finding.found,
            "GPU 1: 54 °C, 112 W of 170 W, 38 % busy, 2 % by other programs, 812 MiB used, \
             opened by Xorg (1012)"
        );
        let part = Reading {
            temperature_celsius: Some(54),
            faults: vec![Fault {
                what: "the power that it draws".into(),
                reason: "an unknown error".into(),
            }],
            ..Reading::default()
        };
        assert_eq!(
            judge(0, Some(&part), &Limits::default()).found,
            "GPU 0: 54 °C, the power that it draws can't be read: an unknown error"
        );
        let silent = judge(0, Some(&Reading::default()), &Limits::default());
        assert_eq!(silent.found, "GPU 0: its driver says nothing of it");
    }

    #[test]
    fn a_limit_that_can_not_be_kept_is_a_problem() {
        let limits = Limits {
            max_power_watts: Some(100),
            ..Limits::default()
        };
        let silent = Reading {
            power_milliwatts: None,
            ..reading()
        };
        let finding = judge(0, Some(&silent), &limits);
        assert_eq!(finding.health, Health::Problem);
        assert!(
            finding.found.ends_with("which max_power needs"),
            "{finding:?}"
        );
        assert_eq!(judge(0, None, &limits).health, Health::Problem);
        assert_eq!(judge(0, None, &Limits::default()).health, Health::Warning);
    }
}
