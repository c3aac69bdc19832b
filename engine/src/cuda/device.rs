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

/// Wrong results in a row after which a device must not work any more, or not with these kernels.
const WRONG_RESULTS: u32 = 2;

/// What is to be said of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    /// As the driver describes it.
    pub info: DeviceInfo,
    /// The kernels that it uses, once they have passed the self-check.
    pub family: Option<KernelFamily>,
    /// Faster ones that it failed with, and is not tried with any more.
    pub given_up: Vec<KernelFamily>,
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
    given_up: Vec<KernelFamily>,
    standing: Standing,
    /// Failures since the last success.
    failures: u32,
    /// Wrong results since the last right one.
    wrong: u32,
    /// Those after a release aside.
    starts: u32,
    released: bool,
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
            state: Mutex::new(State::new()),
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
        }
        loop {
            let without = {
                let mut state = lock(&self.state);
                if !std::mem::take(&mut state.released) {
                    state.starts += 1;
                }
                state.given_up.clone()
            };
            let started = self.start(&without);
            let mut state = lock(&self.state);
            match started {
                Ok(process) => {
                    state.family = Some(process.family);
                    state.process = Some(process.clone());
                    state.standing = Standing::Fit;
                    return Ok(process);
                }
                Err(error) => {
                    self.count(&mut state, &error);
                    // With other kernels it may well start.
                    if state.given_up == without {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Ends its process, as soon as no part uses it any more; another one is started for the next
    /// part.
    pub(crate) fn release(&self) {
        let mut state = lock(&self.state);
        let released = state.process.take();
        // The next start follows no failure, unless the process had ended by itself.
        state.released |= released.as_ref().is_some_and(|process| process.is_alive());
        drop(state);
        // It may take its time to end.
        drop(released);
    }

    fn start(&self, without: &[KernelFamily]) -> Result<Arc<Process>, DeviceError> {
        let process = Process::open(&self.settings, self.info.index, without)?;
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
                    self.count(&mut state, error);
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
            given_up: state.given_up.clone(),
            fault: state.fault(),
            retired: matches!(state.standing, Standing::Retired(_)),
            restarts: state.starts.saturating_sub(1),
            last_failure: state.last_failure.clone(),
        }
    }

    fn count(&self, state: &mut State, error: &DeviceError) {
        // Whoever asks for one family has no use for another.
        let tried = match self.settings.family {
            Some(_) => None,
            None => KernelFamily::fastest_for(self.info.capability, &state.given_up),
        };
        let suspect = tried.filter(|family| family.has_substitute());
        state.count(error, &self.settings, suspect);
    }
}

impl State {
    fn new() -> Self {
        Self {
            process: None,
            family: None,
            given_up: Vec::new(),
            standing: Standing::Fit,
            failures: 0,
            wrong: 0,
            starts: 0,
            released: false,
            last_failure: None,
        }
    }

    fn fault(&self) -> Option<DeviceError> {
        match &self.standing {
            Standing::Fit => None,
            Standing::Resting(until, _) if *until <= Instant::now() => None,
            Standing::Resting(_, fault) | Standing::Retired(fault) => Some(fault.clone()),
        }
    }

    /// Counts a failure, for which a family of kernels can be given up instead of the device if
    /// there is a `suspect`.
    fn count(
        &mut self,
        error: &DeviceError,
        settings: &CudaSettings,
        suspect: Option<KernelFamily>,
    ) {
        self.last_failure = Some(error.clone());
        let standing = match error.remedy() {
            Remedy::Restart => {
                self.failures += 1;
                let until = Instant::now() + settings.rest;
                let resting = Standing::Resting(until, error.clone());
                (self.failures >= settings.attempts).then_some(resting)
            }
            Remedy::Repeat => {
                self.wrong += 1;
                if self.wrong < WRONG_RESULTS {
                    return;
                }
                Some(Standing::Retired(error.clone()))
            }
            Remedy::Retire => Some(Standing::Retired(error.clone())),
            Remedy::Smaller | Remedy::OtherExecutor => return,
        };
        self.give_up_process(error);
        // Kernels that have worked are not given up for what may be the device's at once, but a
        // hang costs too much to wait for the next.
        let at_once =
            |family| self.family != Some(family) || matches!(error, DeviceError::TimedOut { .. });
        let suspect = suspect.filter(|_| can_be_the_kernels(error));
        let suspect = suspect.filter(|family| standing.is_some() || at_once(*family));
        if let Some(family) = suspect {
            self.given_up.push(family);
            self.family = None;
            (self.failures, self.wrong) = (0, 0);
        } else if let Some(standing) = standing {
            self.standing = standing;
        }
    }

    fn give_up_process(&mut self, error: &DeviceError) {
        if let Some(process) = self.process.take() {
            process.condemn(error.clone());
        }
    }
}

/// Whether it may be the kernels that failed, and others be fit.
fn can_be_the_kernels(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::BadKernel(_)
            | DeviceError::SelfCheckFailed { .. }
            | DeviceError::ResultCheckFailed { .. }
            | DeviceError::DeviceLost(_)
            | DeviceError::TimedOut { .. }
            | DeviceError::ProcessEnded(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::ChildCommand;

    const SUSPECT: Option<KernelFamily> = Some(KernelFamily::Wgmma);

    fn settings() -> CudaSettings {
        CudaSettings::new(ChildCommand {
            program: "program".into(),
            arguments: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// Of a device that has worked with those kernels, after failures.
    fn after(error: &DeviceError, times: u32, suspect: Option<KernelFamily>) -> State {
        let mut state = State::new();
        state.family = SUSPECT;
        for _ in 0..times {
            state.count(error, &settings(), suspect);
        }
        state
    }

    #[test]
    fn kernels_that_have_worked_are_given_up_when_the_device_would_have_to_rest() {
        let lost = DeviceError::DeviceLost("CUDA_ERROR_ILLEGAL_INSTRUCTION (715)".into());
        let attempts = settings().attempts;
        let before = after(&lost, attempts - 1, SUSPECT);
        assert!(before.given_up.is_empty() && before.fault().is_none());
        let given_up = after(&lost, attempts, SUSPECT);
        assert_eq!(given_up.given_up, [KernelFamily::Wgmma]);
        assert_eq!((given_up.fault(), given_up.family), (None, None));
        assert_eq!(given_up.failures, 0);
        // Without other kernels it rests.
        let resting = after(&lost, attempts, None);
        assert_eq!((resting.fault(), resting.given_up), (Some(lost), vec![]));
    }

    #[test]
    fn what_no_kernel_can_have_caused_is_the_devices_fault() {
        let gone = DeviceError::NoDevice;
        let resting = after(&gone, settings().attempts, SUSPECT);
        assert_eq!((resting.fault(), resting.given_up), (Some(gone), vec![]));
        let old = DeviceError::DriverTooOld {
            found: 10_020,
            needed: 11_040,
        };
        let retired = after(&old, 1, SUSPECT);
        assert!(matches!(retired.standing, Standing::Retired(_)));
        assert!(retired.given_up.is_empty());
    }
}
