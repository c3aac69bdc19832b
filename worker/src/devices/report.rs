//! What is said of devices.

use mizan_engine::cuda::{DeviceError, DeviceInfo, DeviceStatus, KernelFamily};

/// What became of a device that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Something failed, and the device is tried again.
    Trouble(String),
    /// The device is not used any more.
    Loss(String),
}

/// What became of devices from one look to the next.
pub(crate) fn notices(before: &[DeviceStatus], now: &[DeviceStatus]) -> Vec<Notice> {
    let mut found = Vec::new();
    for status in now {
        let before = before
            .iter()
            .find(|before| before.info.uuid == status.info.uuid);
        let retired = before.is_some_and(|before| before.retired);
        if retired {
            continue;
        }
        let device = name(&status.info);
        if let Some(fault) = status.fault.as_ref().filter(|_| status.retired) {
            found.push(Notice::Loss(format!(
                "{device} is not used any more, until the worker is started again: {fault}; {}",
                mend(fault)
            )));
            continue;
        }
        let seen = before.map(|before| (before.restarts, &before.last_failure));
        let Some(failure) = &status.last_failure else {
            continue;
        };
        if seen == Some((status.restarts, &status.last_failure)) {
            continue;
        }
        let known = before.map_or(0, |before| before.given_up.len());
        found.push(Notice::Trouble(match status.given_up.get(known..) {
            Some([family, ..]) => format!(
                "{device} failed with its {} and is used with older ones, which are slower, until \
                 the worker is started again: {failure}",
                kernels(Some(*family))
            ),
            _ => format!("{device} failed and is tried again: {failure}"),
        }));
    }
    found
}

/// Whether there is no device, with which nothing is wrong.
pub(crate) fn is_absence(error: &DeviceError) -> bool {
    matches!(error, DeviceError::DriverMissing(_) | DeviceError::NoDevice)
}

/// Whether the hardware, or what drives it, computes wrongly.
pub(crate) fn is_faulty_hardware(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::ResultCheckFailed { .. } | DeviceError::SelfCheckFailed { .. }
    )
}

/// What to do about an error.
pub(crate) fn mend(error: &DeviceError) -> &'static str {
    match error {
        DeviceError::DriverMissing(_) => "install NVIDIA's driver",
        DeviceError::NoDevice => "see whether `nvidia-smi -L` shows it, and which devices are set",
        DeviceError::DriverTooOld { .. } | DeviceError::BadKernel(_) => "update NVIDIA's driver",
        DeviceError::UnsupportedDevice { .. } => "name the other GPUs as devices",
        DeviceError::OutOfMemory { .. } => {
            "end other programs that use the GPU, or lower device_memory"
        }
        DeviceError::ResultCheckFailed { .. } | DeviceError::SelfCheckFailed { .. } => {
            "undo overclocking, look after cooling and power, update the driver; name the other \
             GPUs as devices if it happens again, and replace this one"
        }
        DeviceError::ProtocolMismatch { .. } => "start the worker again",
        DeviceError::TooLarge { .. } | DeviceError::Unsupported { .. } => "nothing is to be done",
        DeviceError::DeviceLost(_)
        | DeviceError::TimedOut { .. }
        | DeviceError::ProcessEnded(_)
        | DeviceError::BadAnswer(_)
        | DeviceError::CannotStart(_) => "see what `nvidia-smi` and the system's log say of it",
    }
}

/// A device as its owner knows it.
pub(crate) fn name(info: &DeviceInfo) -> String {
    let hex: Vec<_> = info.uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| hex[part].concat());
    let uuid = parts.join("-");
    format!("GPU {} ({}, GPU-{uuid})", info.index, info.name)
}

/// A device, what it is and how it computes.
pub(crate) fn describe(status: &DeviceStatus) -> String {
    let info = &status.info;
    let (major, minor) = info.capability;
    format!(
        "{}, driver for CUDA {}.{}, compute capability {major}.{minor}, {} MiB, {}",
        name(info),
        info.driver / 1_000,
        info.driver % 1_000 / 10,
        info.memory_bytes >> 20,
        kernels(status.family)
    )
}

fn kernels(family: Option<KernelFamily>) -> &'static str {
    match family {
        Some(KernelFamily::Dp4a) => "dp4a kernels",
        Some(KernelFamily::Mma8x8x16) => "mma m8n8k16 kernels",
        Some(KernelFamily::Mma16x8x32) => "mma m16n8k32 kernels",
        Some(KernelFamily::Wgmma) => "wgmma kernels",
        None => "no kernels yet",
    }
}
