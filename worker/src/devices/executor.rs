//! The executor of a worker that has devices.

use super::report::{notices, Notice};
use crate::metrics::{shown, Metrics};
use mizan_engine::{
    cuda::{CudaExecutor, DeviceStatus},
    CpuExecutor, EngineError, Executor,
};
use mizan_tensor::{Commitment, Execution, Plan};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{error, warn};

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

    /// On devices, or where these can't, on the processor.
    fn try_devices<T>(
        &self,
        execute: impl Fn(&dyn Executor) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let executed = execute(&*self.devices);
        self.look();
        let Err(EngineError::Device(reason)) = executed else {
            return executed;
        };
        warn!("no GPU executed it, so the processor does: {reason}");
        self.metrics.devices.fallbacks.inc();
        execute(&self.processor)
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
        self.try_devices(|executor| executor.execute(plan, parameters, inputs, batch))
    }

    fn execute_committed(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        self.try_devices(|executor| executor.execute_committed(plan, parameters, inputs, batch))
    }
}
