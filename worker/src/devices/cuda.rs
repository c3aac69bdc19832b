//! Starting NVIDIA devices and watching over them.

use super::{
    afford,
    meter::{self, Meter},
    reading::{Fault, Reading},
    report, Computing, DeviceExecutor, MeterError, Unusable,
};
use crate::{
    lending::{Lending, Limits},
    metrics::Metrics,
    settings::Settings,
};
use mizan_engine::{
    cuda::{ChildCommand, CudaExecutor, CudaSettings, DeviceError, DeviceInfo, DeviceStatus},
    CpuExecutor,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

/// The hidden subcommand that drives a device.
const SUBCOMMAND: &str = "cuda-child";
/// How often devices are looked at while no job is.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// How the settings say that devices are used.
pub(crate) fn settings_of(settings: &Settings) -> Result<CudaSettings, DeviceError> {
    let command = ChildCommand::this_program(SUBCOMMAND);
    let command = command.map_err(|error| DeviceError::CannotStart(error.to_string()))?;
    Ok(CudaSettings {
        devices: settings.devices.clone(),
        resident_bytes: settings.device_memory,
        ..CudaSettings::new(command)
    })
}

/// Devices that run and have proved themselves.
struct Opened {
    devices: CudaExecutor,
    statuses: Vec<DeviceStatus>,
    /// Memory that their processes share with this one.
    shared_bytes: u64,
}

/// Starts the devices that the settings name, if the memory for jobs can spare what they take.
async fn open(settings: &Settings) -> Result<Opened, Unusable> {
    let cuda = settings_of(settings).map_err(Unusable::Device)?;
    let of_each = cuda.shared_bytes();
    let started = tokio::task::spawn_blocking(move || {
        let devices = CudaExecutor::start(cuda)?;
        let statuses = devices.devices();
        Ok::<_, DeviceError>((devices, statuses))
    });
    let started = started.await.map_err(|_| Unusable::CutOff)?;
    let (devices, statuses) = started.map_err(Unusable::Device)?;
    let count = u64::try_from(statuses.len()).unwrap_or(u64::MAX);
    let shared_bytes = of_each.saturating_mul(count);
    afford(settings.memory, shared_bytes)?;
    Ok(Opened {
        devices,
        statuses,
        shared_bytes,
    })
}

/// The devices with which `run` would compute now, and those that it would not use any more; or why
/// there are none. None of them runs afterwards.
pub(crate) async fn usable(settings: &Settings) -> Result<Vec<DeviceStatus>, Unusable> {
    let Opened {
        devices, statuses, ..
    } = open(settings).await?;
    let limits = Limits::of(settings);
    if limits.any() {
        let command = meter::command().map_err(Unusable::Unwatched)?;
        first_readings(&command, &statuses, &limits).await?;
    }
    // It waits for the ends of processes.
    let ended = tokio::task::spawn_blocking(move || drop(devices));
    ended.await.map_err(|_| Unusable::CutOff)?;
    Ok(statuses)
}

/// Starts the devices, with the processor for what they can't do.
pub(super) async fn start(
    settings: &Settings,
    processor: &CpuExecutor,
    metrics: &Arc<Metrics>,
    lending: &Arc<Lending>,
) -> Result<Computing, Unusable> {
    let Opened {
        devices,
        statuses,
        shared_bytes,
    } = open(settings).await?;
    read(&devices, &statuses, lending).await?;
    devices.keep_pace(lending.clone());
    for status in statuses.iter().filter(|status| status.fault.is_none()) {
        info!("computes jobs: {}", report::describe(status));
    }
    let executor = DeviceExecutor::new(Box::new(devices), processor.clone(), metrics.clone());
    let executor = Arc::new(executor);
    tokio::spawn(watch(Arc::downgrade(&executor), lending.clone()));
    Ok(Computing {
        executor,
        shared_bytes,
    })
}

/// Reads how the devices are from now on. An error if their owner sets limits that can't be kept.
async fn read(
    devices: &CudaExecutor,
    statuses: &[DeviceStatus],
    lending: &Arc<Lending>,
) -> Result<(), Unusable> {
    lending.watch(statuses.iter().map(|status| status.info.clone()));
    lending.note(statuses);
    let command = meter::command().map_err(Unusable::Unwatched)?;
    let meter = match lending.limits().any() {
        true => {
            let (meter, readings) = first_readings(&command, statuses, &lending.limits()).await?;
            lending.hear(Ok(readings));
            Some(meter)
        }
        // Whatever they are, nothing waits for them.
        false => None,
    };
    let (devices, lending) = (devices.clone(), lending.clone());
    let infos: Vec<_> = statuses.iter().map(|status| status.info.clone()).collect();
    let mut told = BTreeSet::new();
    let heard = move |said: Result<Vec<Reading>, MeterError>| {
        for fault in said
            .iter()
            .flatten()
            .flat_map(|it| new_faults(it, &infos, &mut told))
        {
            warn!("{fault}");
        }
        lending.hear(said);
        for uuid in lending.to_release() {
            let devices = devices.clone();
            // It waits for the end of a process.
            tokio::task::spawn_blocking(move || devices.release(&uuid));
        }
    };
    tokio::spawn(meter::follow(command, meter, heard));
    Ok(())
}

/// What could not be read of a device, as far as that was not told before.
fn new_faults(
    reading: &Reading,
    devices: &[DeviceInfo],
    told: &mut BTreeSet<(u32, Fault)>,
) -> Vec<String> {
    let Some(device) = devices.iter().find(|device| device.uuid == reading.uuid) else {
        return Vec::new();
    };
    let index = device.index;
    let new = |fault: &&Fault| told.insert((index, (*fault).clone()));
    let new = reading.faults.iter().filter(new);
    new.map(|Fault { what, reason }| format!("GPU {index}: {what} can't be read: {reason}"))
        .collect()
}

/// Waits for the first readings, and looks whether they say what the owner's limits need.
async fn first_readings(
    command: &ChildCommand,
    statuses: &[DeviceStatus],
    limits: &Limits,
) -> Result<(Meter, Vec<Reading>), Unusable> {
    let mut meter = Meter::start(command).map_err(Unusable::Unwatched)?;
    let readings = meter.next().await.map_err(Unusable::Unwatched)?;
    for status in statuses.iter().filter(|status| !status.retired) {
        let own = readings.iter().find(|it| it.uuid == status.info.uuid);
        let lack = match own {
            Some(reading) => limits.lack(reading),
            None => Some("how it is"),
        };
        if let Some(what) = lack {
            let index = status.info.index;
            return Err(Unusable::Unsaid { index, what });
        }
    }
    Ok((meter, readings))
}

/// Looks at the devices until they are not used any more.
async fn watch(executor: Weak<DeviceExecutor>, lending: Arc<Lending>) {
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(executor) = executor.upgrade() else {
            return;
        };
        lending.note(&executor.statuses());
        // It waits while a device's process starts.
        if tokio::task::spawn_blocking(move || executor.look())
            .await
            .is_err()
        {
            return;
        }
    }
}
