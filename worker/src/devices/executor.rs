//! The executor of a worker that has devices.

use super::report::{notices, Notice};
use crate::{
    bench::processor_speed,
    metrics::{shown, Metrics},
};
use mizan_engine::{
    cuda::{CudaExecutor, DeviceStatus},
    CpuExecutor, EngineError, Executor,
};
use mizan_tensor::{Commitment, Execution, Plan};
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tracing::{error, warn};

/// What is kept of a job's time for storing, delivering and attesting its result.
const RESERVE: Duration = Duration::from_secs(60);
/// The processor's speed is measured for so long.
const MEASURED: Duration = Duration::from_millis(100);

/// What executes jobs that are due.
pub trait JobExecutor: Executor {
    /// As [`Executor::execute_committed`], for a job that has so much time left. What would take
    /// longer, as far as that is known, is not begun.
    fn execute_in_time(
        &self,
        time: Duration,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError>;
}

impl JobExecutor for CpuExecutor {
    /// There is nothing else that could do it sooner, so it is always begun.
    fn execute_in_time(
        &self,
        _: Duration,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        self.execute_committed(plan, parameters, inputs, batch)
    }
}

/// What executes jobs on devices.
pub trait Accelerator: Executor {
    /// How each device stands.
    fn statuses(&self) -> Vec<DeviceStatus>;
}

impl Accelerator for CudaExecutor {
    fn statuses(&self) -> Vec<DeviceStatus> {
        self.devices()
    }
}

/// Executes jobs on devices, and on the processor what they can't do.
pub struct DeviceExecutor {
    devices: Box<dyn Accelerator>,
    processor: CpuExecutor,
    metrics: Arc<Metrics>,
    /// Its multiply-accumulates a second.
    processor_speed: OnceLock<u128>,
    /// As they stood when they were looked at last.
    known: Mutex<Vec<DeviceStatus>>,
}

impl DeviceExecutor {
    /// With devices that have started, whose state goes to the log and into the metrics.
    pub fn new(
        devices: Box<dyn Accelerator>,
        processor: CpuExecutor,
        metrics: Arc<Metrics>,
    ) -> Self {
        let executor = Self {
            devices,
            processor,
            metrics,
            processor_speed: OnceLock::new(),
            known: Mutex::default(),
        };
        executor.look();
        executor
    }

    /// How each device stands.
    pub(super) fn statuses(&self) -> Vec<DeviceStatus> {
        self.devices.statuses()
    }

    /// Takes note of what became of the devices.
    pub(super) fn look(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.devices.statuses();
        for notice in notices(&known, &now) {
            match notice {
                Notice::Trouble(text) => warn!("{text}"),
                Notice::Loss(text) => error!("{text}"),
            }
        }
        let restarts = |all: &[DeviceStatus]| -> u64 {
            all.iter().map(|status| u64::from(status.restarts)).sum()
        };
        let count = |which: fn(&DeviceStatus) -> bool| {
            let count = now.iter().filter(|status| which(status)).count();
            shown(u64::try_from(count).unwrap_or(u64::MAX))
        };
        let figures = &self.metrics.devices;
        let more = restarts(&now).saturating_sub(restarts(&known));
        figures.restarts.inc_by(more);
        let usable = count(|status| status.fault.is_none());
        figures.usable.set(usable);
        figures.retired.set(count(|status| status.retired));
        *known = now;
    }

    /// On devices, or where these can't, on the processor, if `may_fall_back`.
    fn try_devices<T>(
        &self,
        execute: impl Fn(&dyn Executor) -> Result<T, EngineError>,
        may_fall_back: impl Fn() -> bool,
    ) -> Result<T, EngineError> {
        let executed = execute(&*self.devices);
        self.look();
        let Err(EngineError::Device(reason)) = executed else {
            return executed;
        };
        if !may_fall_back() {
            warn!("no GPU executed it, and the processor is too slow for the time left: {reason}");
            return Err(reason.into());
        }
        warn!("no GPU executed it, so the processor does: {reason}");
        self.metrics.devices.fallbacks.inc();
        execute(&self.processor)
    }

    /// How long the processor takes for so many multiply-accumulates, by what it did in a layer of
    /// a network. It is measured when it is asked for first.
    fn processor_takes(&self, macs: u128) -> Duration {
        let measure = || processor_speed(&self.processor, MEASURED).unwrap_or(u128::MAX);
        let speed = *self.processor_speed.get_or_init(measure);
        let micros = macs.saturating_mul(1_000_000) / speed.max(1);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl Executor for DeviceExecutor {
    fn name(&self) -> &str {
        self.devices.name()
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        let execute = |executor: &dyn Executor| executor.execute(plan, parameters, inputs, batch);
        self.try_devices(execute, || true)
    }

    fn execute_committed(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        let execute =
            |executor: &dyn Executor| executor.execute_committed(plan, parameters, inputs, batch);
        self.try_devices(execute, || true)
    }
}

impl JobExecutor for DeviceExecutor {
    fn execute_in_time(
        &self,
        time: Duration,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        let start = Instant::now();
        let execute =
            |executor: &dyn Executor| executor.execute_committed(plan, parameters, inputs, batch);
        self.try_devices(execute, || {
            let left = time.saturating_sub(start.elapsed());
            self.processor_takes(plan.cost().macs(batch))
                .saturating_add(RESERVE)
                < left
        })
    }
}
