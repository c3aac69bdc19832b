//! The process that reads devices: the only code that calls NVIDIA's management library, which is
//! part of the driver. It can crash or hang, so it never runs in the process that works.
//!
//! It says once a second on its standard output how all devices are, until its standard input
//! ends: that is its parent, gone.

mod programs;

use super::reading::{quantity, Fault, Message, Program, Reading, Said, NAMED_PROGRAMS};
use nvml_wrapper::{enum_wrappers::device::TemperatureSensor, error::NvmlError, Device, Nvml};
use programs::Programs;
use rustix::process::{getpid, kill_process, Signal};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What the library answers to whoever is of another age, and the bindings do not know.
const WRONG_VERSION: u32 = 25;
const DEPRECATED: u32 = 26;
/// How old the library's samples of programs may be. It takes some each second.
const SAMPLE_AGE: Duration = Duration::from_secs(2);
/// From one look at the devices to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the process ended before its parent did.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("this is for the worker to start, not for people")]
    NotAChild,
    #[error("the standard streams can't be used: {0}")]
    Streams(#[from] io::Error),
    #[error("a message can't be written: {0}")]
    Message(#[from] serde_json::Error),
}

/// Says how devices are until the parent goes: what a hidden subcommand calls and does nothing
/// else.
pub fn serve_nvml_child() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), ServeError> {
    let mut out = take_streams()?;
    // From here on the library may hang at any time.
    thread::spawn(end_with_parent);
    let nvml = match Nvml::init() {
        Ok(nvml) => nvml,
        Err(error) => return say(&mut out, Said::Failed(error.to_string())),
    };
    let mut reader = Reader {
        nvml: &nvml,
        programs: Programs::default(),
    };
    loop {
        match reader.devices() {
            Ok(devices) => say(&mut out, Said::Devices(devices))?,
            Err(error) => return say(&mut out, Said::Failed(error.to_string())),
        }
        thread::sleep(PAUSE);
    }
}

/// Where messages go. What the library prints from now on goes to the standard error, where it
/// does no harm.
fn take_streams() -> Result<File, ServeError> {
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let is_pipe = |file: &File| file.metadata().map(|data| data.file_type().is_fifo());
    if !is_pipe(&out)? || !is_pipe(&input)? {
        return Err(ServeError::NotAChild);
    }
    rustix::stdio::dup2_stdout(io::stderr()).map_err(io::Error::from)?;
    Ok(out)
}

/// Ends the process as soon as the parent is gone, whatever the library does, and without its
/// farewell, which may wait for a device that hangs.
fn end_with_parent() {
    let mut nothing = [0];
    while let Ok(1..) = io::stdin().read(&mut nothing) {}
    // It can only fail for processes of others.
    let _ = kill_process(getpid(), Signal::KILL);
}

fn say(out: &mut File, said: Said) -> Result<(), ServeError> {
    let mut line = serde_json::to_vec(&Message::now(said))?;
    line.push(b'\n');
    Ok(out.write_all(&line)?)
}

/// A value, or nothing where this driver or device never says it. Other errors pass.
fn optional<T>(value: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(
            NvmlError::NotSupported
            | NvmlError::NoPermission
            | NvmlError::FailedToLoadSymbol(_)
            | NvmlError::FunctionNotFound
            | NvmlError::UnexpectedVariant(WRONG_VERSION | DEPRECATED),
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error is about more than the quantity that was asked for.
fn is_about_all(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::GpuLost | NvmlError::Uninitialized | NvmlError::DriverNotLoaded
    )
}

/// What could not be read of a device, although its driver should say it.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    /// One quantity: what is wrong with it says nothing of the others, unless it is about all.
    fn take<T>(
        &mut self,
        what: &str,
        value: Result<Option<T>, NvmlError>,
    ) -> Result<Option<T>, NvmlError> {
        match value {
            Err(error) if !is_about_all(&error) => {
                self.0.push(Fault {
                    what: what.into(),
                    reason: error.to_string(),
                });
                Ok(None)
            }
            value => value,
        }
    }
}

/// The 16 bytes of an identity like `GPU-01020304-0506-0708-090a-0b0c0d0e0f10`.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let hex: Vec<u8> = text
        .strip_prefix("GPU-")?
        .bytes()
        .filter(|byte| *byte != b'-')
        .collect();
    let mut bytes = [0; 16];
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(hex.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

struct Reader<'n> {
    nvml: &'n Nvml,
    programs: Programs,
}

impl Reader<'_> {
    /// All devices that can be read now. An error if the library is of no use any more.
    fn devices(&mut self) -> Result<Vec<Reading>, NvmlError> {
        let mut readings = Vec::new();
        for index in 0..self.nvml.device_count()? {
            // One that is lost must not hide the others.
            match self
                .nvml
                .device_by_index(index)
                .and_then(|it| self.read(&it))
            {
                Ok(reading) => readings.extend(reading),
                Err(NvmlError::Uninitialized | NvmlError::DriverNotLoaded) => {
                    return Err(NvmlError::DriverNotLoaded)
                }
                Err(error) => eprintln!("device {index}: {error}"),
            }
        }
        Ok(readings)
    }

    /// `None` for a device that no worker can use, such as a part of one.
    fn read(&mut self, device: &Device<'_>) -> Result<Option<Reading>, NvmlError> {
        let Some(uuid) = uuid_bytes(&device.uuid()?) else {
            return Ok(None);
        };
        let mut faults = Faults::default();
        let temperature = optional(device.temperature(TemperatureSensor::Gpu));
        let utilization = faults.take(quantity::BUSY, optional(device.utilization_rates()))?;
        let memory = faults.take(quantity::MEMORY_USED, optional(device.memory_info()))?;
        let limit = optional(device.enforced_power_limit());
        Ok(Some(Reading {
            uuid,
            temperature_celsius: faults.take(quantity::TEMPERATURE, temperature)?,
            power_milliwatts: faults.take(quantity::POWER, optional(device.power_usage()))?,
            power_limit_milliwatts: faults.take(quantity::POWER_LIMIT, limit)?,
            busy_percent: utilization.as_ref().map(|rates| rates.gpu),
            memory_busy_percent: utilization.as_ref().map(|rates| rates.memory),
            memory_used_bytes: memory.map(|memory| memory.used),
            others_percent: faults.take(quantity::OTHERS_BUSY, self.others_percent(device))?,
            others: faults.take(quantity::OTHERS, self.opened(device))?,
            faults: faults.0,
        }))
    }

    /// Programs other than this worker that have opened the device.
    fn opened(&mut self, device: &Device<'_>) -> Result<Option<Vec<Program>>, NvmlError> {
        let newest = [
            device.running_compute_processes(),
            device.running_graphics_processes(),
        ];
        let mut pids = Vec::new();
        for (index, listed) in newest.into_iter().enumerate() {
            let listed = match (optional(listed)?, index) {
                (Some(listed), _) => Some(listed),
                // Drivers before version 510.
                (None, 0) => optional(device.running_compute_processes_v2())?,
                (None, _) => optional(device.running_graphics_processes_v2())?,
            };
            let Some(listed) = listed else {
                return Ok(None);
            };
            pids.extend(listed.iter().map(|process| process.pid));
        }
        pids.sort_unstable();
        // A program that computes and draws is in both lists.
        pids.dedup();
        let others = self.programs.others(&pids);
        Ok(others.map(|mut others| {
            others.truncate(NAMED_PROGRAMS);
            others.into_iter().map(Program::of).collect()
        }))
    }

    /// How much of the device others used in the last moment.
    fn others_percent(&mut self, device: &Device<'_>) -> Result<Option<u32>, NvmlError> {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = epoch.unwrap_or_default().saturating_sub(SAMPLE_AGE);
        let since = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let samples = match device.process_utilization_stats(since) {
            // Nobody used it.
            Err(NvmlError::NotFound) => Some(Vec::new()),
            samples => optional(samples)?,
        };
        let Some(samples) = samples else {
            return Ok(None);
        };
        let mut newest = BTreeMap::new();
        for sample in &samples {
            let kept = newest.entry(sample.pid).or_insert(sample);
            if sample.timestamp > kept.timestamp {
                *kept = sample;
            }
        }
        let pids: Vec<_> = newest.keys().copied().collect();
        let others = self.programs.others(&pids);
        Ok(others.map(|others| {
            let of_each = others.iter().filter_map(|pid| newest.get(pid));
            // Some drivers give numbers that are no percentages.
            let sane = of_each.map(|sample| sample.sm_util).filter(|it| *it <= 100);
            sane.sum::<u32>().min(100)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_as_the_library_writes_them() {
        let written = "GPU-01020304-0506-0708-090a-0b0c0d0e0f10";
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(uuid_bytes(written), Some(bytes));
        let wrong = [
            "",
            "GPU-01",
            "MIG-01020304-0506-0708-090a-0b0c0d0e0f10",
            "GPU-0102030405060708090a0b0c0d0e0fxx",
        ];
        assert_eq!(wrong.map(uuid_bytes), [None; 4]);
    }

    #[test]
    fn only_what_a_driver_never_says_is_left_out() {
        assert_eq!(optional(Ok(1)).unwrap(), Some(1));
        assert_eq!(optional::<u32>(Err(NvmlError::NotSupported)).unwrap(), None);
        let older = NvmlError::UnexpectedVariant(WRONG_VERSION);
        assert_eq!(optional::<u32>(Err(older)).unwrap(), None);
        assert!(optional::<u32>(Err(NvmlError::GpuLost)).is_err());
        assert!(optional::<u32>(Err(NvmlError::UnexpectedVariant(99))).is_err());
    }

    #[test]
    fn an_error_of_one_quantity_is_kept_and_one_of_the_device_passes() {
        let mut faults = Faults::default();
        let broken = faults.take::<u32>("its temperature", Err(NvmlError::Unknown));
        assert_eq!(broken.unwrap(), None);
        assert_eq!(faults.take("how busy it is", Ok(Some(7))).unwrap(), Some(7));
        assert!(faults
            .take::<u32>("its power limit", Err(NvmlError::GpuLost))
            .is_err());
        let reason = NvmlError::Unknown.to_string();
        let what = "its temperature".into();
        assert_eq!(faults.0, [Fault { what, reason }]);
    }
}
