//! A device, over as many processes as it takes.

use super::{
    error::{DeviceError, Remedy},
    info::{DeviceInfo, KernelFamily},
    process::{lock, Process},
    self_check,
    settings::CudaSettings,
};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

/// Wrong results in a row after which a device must not work any more.
const WRONG_RESULTS: u32 = 2;

/// What is to be said of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// As the driver describes it.
    pub info: DeviceInfo,
    /// The kernels that it uses, once it has worked.
    pub family: Option<KernelFamily>,
    /// Why it does not work now; `None` if it does.
    pub fault: Option<DeviceError>,
    /// Whether it will not be tried again.
    pub retired: bool,
    /// How often its process was started again after a failure.
    pub restarts: u32,
    /// What went wrong last, also if it works again.
    pub last_failure: Option<DeviceError>,
}

/// A device and how it stands.
pub(crate) struct Device {
    info: DeviceInfo,
    settings: Arc<CudaSettings>,
    /// Held while its process starts, which takes long. The state is not, so that others see
    /// meanwhile how it stands.
    starting: Mutex<()>,
    state: Mutex<State>,
}

struct State {
    process: Option<Arc<Process>>,
    family: Option<KernelFamily>,
    standing: Standing,
    /// Failures since the last success.
    failures: u32,
    /// Wrong results since the last right one.
    wrong: u32,
    starts: u32,
    last_failure: Option<DeviceError>,
}

enum Standing {
    Fit,
    /// It failed too often in a row, and is tried again later.
    Resting(Instant, DeviceError),
    Retired(DeviceError),
}

impl Device {
    pub(crate) fn new(info: DeviceInfo, settings: Arc<CudaSettings>) -> Self {
        Self {
            info,
            settings,
            starting: Mutex::new(()),
            state: Mutex::new(State {
                process: None,
                family: None,
                standing: Standing::Fit,
                failures: 0,
                wrong: 0,
                starts: 0,
                last_failure: None,
            }),
        }
    }

    /// As the driver describes it.
    pub(crate) fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// Its process, which is started and has passed the self-check if there was none. Others wait
    /// meanwhile.
    pub(crate) fn process(&self) -> Result<Arc<Process>, DeviceError> {
        let _starting = lock(&self.starting);
        {
            let mut state = lock(&self.state);
            if let Some(fault) = state.fault() {
                return Err(fault);
            }
            match &state.process {
                Some(process) if process.is_alive() => return Ok(process.clone()),
                _ => state.process = None,
            }
            state.starts += 1;
        }
        let started = self.start();
        let mut state = lock(&self.state);
        match started {
            Ok(process) => {
                state.family = Some(process.family);
                state.process = Some(process.clone());
                state.standing = Standing::Fit;
                Ok(process)
            }
            Err(error) => {
                state.count(&error, &self.settings);
                Err(error)
            }
        }
    }

    /// Ends its process, as soon as no part uses it any more; another one is started for the next
    /// part.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        let released = state.process.take();
        if released.is_some() {
            // The next start follows no failure.
            state.starts = state.starts.saturating_sub(1);
        }
        drop(state);
        // It may take its time to end.
        drop(released);
    }

    fn start(&self) -> Result<Arc<Process>, DeviceError> {
        let process = Process::open(&self.settings, self.info.index)?;
        // Numbers change when a device is gone; it would be another one.
        if process.device.uuid != self.info.uuid {
            return Err(DeviceError::NoDevice);
        }
        self_check::run(&process)?;
        Ok(Arc::new(process))
    }

    /// Why it can't be asked for anything now.
    pub(crate) fn fault(&self) -> Option<DeviceError> {
        lock(&self.state).fault()
    }

    /// Takes note of what its process did.
    pub(crate) fn note(&self, process: &Arc<Process>, outcome: Result<(), &DeviceError>) {
        let mut state = lock(&self.state);
        match outcome {
            Ok(()) => (state.failures, state.wrong) = (0, 0),
            // One failure of a process counts once, whoever noticed it.
            Err(error) => match &state.process {
                Some(current) if Arc::ptr_eq(current, process) => {
                    state.count(error, &self.settings);
                }
                _ => (),
            },
        }
    }

    pub(crate) fn status(&self) -> DeviceStatus {
        let state = lock(&self.state);
        DeviceStatus {
            info: self.info.clone(),
            family: state.family,
            fault: state.fault(),
            retired: matches!(state.standing, Standing::Retired(_)),
            restarts: state.starts.saturating_sub(1),
            last_failure: state.last_failure.clone(),
        }
    }
}

impl State {
    fn fault(&self) -> Option<DeviceError> {
        match &self.standing {
            Standing::Fit => None,
            Standing::Resting(until, _) if *until <= Instant::now() => None,
            Standing::Resting(_, fault) | Standing::Retired(fault) => Some(fault.clone()),
        }
    }

    fn count(&mut self, error: &DeviceError, settings: &CudaSettings) {
        self.last_failure = Some(error.clone());
        match error.remedy() {
            Remedy::Restart => {
                self.give_up_process(error);
                self.failures += 1;
                if self.failures >= settings.attempts {
                    let until = Instant::now() + settings.rest;
                    self.standing = Standing::Resting(until, error.clone());
                }
            }
            Remedy::Repeat => {
                self.wrong += 1;
                if self.wrong >= WRONG_RESULTS {
                    self.give_up_process(error);
                    self.standing = Standing::Retired(error.clone());
                }
            }
            Remedy::Retire => {
                self.give_up_process(error);
                self.standing = Standing::Retired(error.clone());
            }
            Remedy::Smaller | Remedy::OtherExecutor => (),
        }
    }

    fn give_up_process(&mut self, error: &DeviceError) {
        if let Some(process) = self.process.take() {
            process.condemn(error.clone());
        }
    }
}
