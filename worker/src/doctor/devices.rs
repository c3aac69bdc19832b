//! The GPUs of this machine: each is started, and proves itself on programs whose results are
//! known.

use super::{readings, Finding};
use crate::{
    devices::{
        afford,
        report::{describe, is_absence, mend, name},
        settings_of,
    },
    settings::{DeviceUse, Settings},
};
use mizan_engine::cuda::{CudaExecutor, CudaSettings, DeviceError, DeviceInfo, DeviceStatus};
use std::thread;

const CHECK: &str = "gpu";
/// Memory of a slot while a device is examined, for which the worker need not give up its own.
const SLOT_BYTES: u64 = 16 << 20;

/// What became of each device, or why there is none.
type Tried = Result<Vec<(DeviceInfo, Result<DeviceStatus, DeviceError>)>, DeviceError>;

/// What there is to say of devices, and the memory that those share with a worker that work.
pub(super) async fn examine(settings: &Settings) -> (Vec<Finding>, u64) {
    if settings.device == DeviceUse::Cpu {
        let found = "none is used, as the settings say: the processor computes jobs";
        return (vec![Finding::ok(CHECK, found)], 0);
    }
    let cuda = match settings_of(settings) {
        Ok(cuda) => cuda,
        Err(error) => return (judge(settings.device, &Err(error)), 0),
    };
    let of_each = cuda.shared_bytes();
    let tried = tokio::task::spawn_blocking(move || try_each(&cuda)).await;
    let tried = tried.unwrap_or_else(|error| Err(DeviceError::CannotStart(error.to_string())));
    let mut findings = judge(settings.device, &tried);
    let found = tried.iter().flatten().map(|(info, _)| info.clone());
    let found: Vec<_> = found.collect();
    findings.extend(readings::examine(settings, &found).await);
    let fit = |tried: &[(_, Result<_, _>)]| tried.iter().filter(|(_, tried)| tried.is_ok()).count();
    let fit = tried.as_deref().map_or(0, fit);
    let shared_bytes = of_each.saturating_mul(u64::try_from(fit).unwrap_or(u64::MAX));
    if let Err(error) = afford(settings.memory, shared_bytes) {
        findings.push(without(settings.device, error, "see above"));
        return (findings, 0);
    }
    (findings, shared_bytes)
}

fn try_each(cuda: &CudaSettings) -> Tried {
    let mut found = CudaExecutor::list(cuda)?;
    found.retain(|info| cuda.devices.is_empty() || cuda.devices.contains(&info.index));
    let tried = |info: &DeviceInfo| {
        let started = CudaExecutor::start(CudaSettings {
            devices: vec![info.index],
            slot_bytes: SLOT_BYTES,
            ..cuda.clone()
        })?;
        started.devices().pop().ok_or(DeviceError::NoDevice)
    };
    let broken_off = || DeviceError::CannotStart("the start broke off".into());
    Ok(thread::scope(|scope| {
        let starting: Vec<_> = found
            .into_iter()
            .map(|info| (info.clone(), scope.spawn(move || tried(&info))))
            .collect();
        starting
            .into_iter()
            .map(|(info, start)| (info, start.join().unwrap_or_else(|_| Err(broken_off()))))
            .collect()
    }))
}

fn judge(device: DeviceUse, tried: &Tried) -> Vec<Finding> {
    let tried = match tried {
        Ok(tried) if !tried.is_empty() => tried,
        Ok(_) => return vec![none(device, &DeviceError::NoDevice)],
        Err(error) => return vec![none(device, error)],
    };
    let mut findings: Vec<_> = tried
        .iter()
        .map(|(info, tried)| match tried {
            Ok(status) => {
                let found = format!("{}: passed its self-check", describe(status));
                Finding::ok(CHECK, found)
            }
            Err(error) => {
                let found = format!("{} can't be used: {error}", name(info));
                Finding::warning(CHECK, found, mend(error))
            }
        })
        .collect();
    if tried.iter().all(|(_, tried)| tried.is_err()) {
        findings.push(without(device, "none can be used", "mend one of them"));
    }
    findings
}

/// There is no device to say anything of.
fn none(device: DeviceUse, error: &DeviceError) -> Finding {
    if device == DeviceUse::Auto && is_absence(error) {
        let found = format!("there is none, the processor computes jobs: {error}");
        return Finding::ok(CHECK, found);
    }
    without(device, error, mend(error))
}

/// No device works, whether there is one or not.
fn without(device: DeviceUse, found: impl ToString, mend: &str) -> Finding {
    let found = found.to_string();
    match device {
        DeviceUse::Cuda => {
            let mend = format!("{mend}, or set device to auto");
            Finding::problem(CHECK, found, mend)
        }
        DeviceUse::Auto | DeviceUse::Cpu => {
            let found = format!("{found}; the processor computes jobs");
            Finding::warning(CHECK, found, mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{devices::tests::status, doctor::Health};

    /// Health, words and advice of each finding.
    fn told(device: DeviceUse, tried: &Tried) -> Vec<(Health, String, String)> {
        let told = |finding: Finding| {
            let mend = finding.mend.unwrap_or_default();
            (finding.health, finding.found, mend)
        };
        judge(device, tried).into_iter().map(told).collect()
    }

    #[test]
    fn a_machine_without_devices_is_well_unless_they_are_demanded() {
        let missing = DeviceError::DriverMissing("libcuda.so.1".into());
        let nothing = [Err(missing), Ok(Vec::new())];
        for tried in &nothing {
            let auto = told(DeviceUse::Auto, tried);
            assert_eq!((auto.len(), auto[0].0), (1, Health::Ok));
            let says = "there is none, the processor computes jobs: ";
            assert!(auto[0].1.starts_with(says), "{auto:?}");
            let cuda = told(DeviceUse::Cuda, tried);
            assert_eq!((cuda.len(), cuda[0].0), (1, Health::Problem));
            assert!(cuda[0].2.ends_with("or set device to auto"), "{cuda:?}");
        }
    }

    #[test]
    fn a_device_that_works_is_shown_with_what_it_is() {
        let status = status(0);
        let tried = Ok(vec![(status.info.clone(), Ok(status))]);
        let [(health, found, _)] = &told(DeviceUse::Cuda, &tried)[..] else {
            panic!("one finding a device");
        };
        assert_eq!(*health, Health::Ok);
        assert_eq!(
            found,
            "GPU 0 (Card, GPU-00000000-0000-0000-0000-000000000000), driver for CUDA 12.4, \
             compute capability 8.6, 8192 MiB, mma m16n8k32 kernels: passed its self-check"
        );
    }

    #[test]
    fn a_device_that_does_not_work_is_named_with_what_to_do() {
        let failed = DeviceError::SelfCheckFailed {
            program: "linear".into(),
        };
        let (good, bad) = (status(0), status(1));
        let bad = (bad.info, Err(failed));
        let beside_another = Ok(vec![(good.info.clone(), Ok(good)), bad.clone()]);
        let told_of_both = told(DeviceUse::Cuda, &beside_another);
        assert_eq!(told_of_both.len(), 2);
        let (health, found, mend) = &told_of_both[1];
        assert_eq!(*health, Health::Warning);
        assert!(found.starts_with("GPU 1 ") && found.contains("self-check"));
        assert!(mend.contains("replace this one"), "{mend}");

        let alone = Ok(vec![bad]);
        let healths = |device| -> Vec<_> {
            let told = told(device, &alone);
            told.into_iter().map(|(health, ..)| health).collect()
        };
        assert_eq!(healths(DeviceUse::Auto), [Health::Warning; 2]);
        let demanded = [Health::Warning, Health::Problem];
        assert_eq!(healths(DeviceUse::Cuda), demanded);
    }
}
