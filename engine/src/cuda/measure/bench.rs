//! A device that is there to be measured.

use super::{Ceiling, Comparison, Contest, Effort, MeasureError, Timing, Work};
use crate::cuda::{
    info::{DeviceInfo, KernelFamily},
    process::Process,
    protocol::{Request, Response},
    settings::CudaSettings,
    DeviceError,
};
use std::{sync::Mutex, time::Duration};

/// Memory that operands pass through.
const PASSAGE_BYTES: u64 = 64 << 20;

/// A comparison may take so many times as long as other answers: the library is loaded, its
/// algorithms are tried, and both products are measured.
const COMPARISON_LIMITS: u32 = 3;

/// A device in a process of its own, which ends with this.
pub struct Bench {
    process: Process,
    /// The process has one slot, about which only one may ask at a time.
    asking: Mutex<()>,
    answer_limit: Duration,
}

impl Bench {
    /// Starts a process for the device of that number. Of the settings it takes what starts a
    /// process, which kernels, how long an answer may take, and, up to 64 MiB, the bytes of a
    /// slot.
    pub fn open(settings: &CudaSettings, device: u32) -> Result<Self, DeviceError> {
        let settings = CudaSettings {
            slots: 1,
            slot_bytes: settings.slot_bytes.min(PASSAGE_BYTES),
            ..settings.clone()
        };
        let process = match Process::open(&settings, device, &[]) {
            // As for jobs: the driver may be too old for the newest kernels alone.
            Err(DeviceError::BadKernel(_)) if settings.family.is_none() => {
                Process::open(&settings, device, &[KernelFamily::Wgmma])
            }
            process => process,
        };
        Ok(Self {
            process: process?,
            asking: Mutex::new(()),
            answer_limit: settings.answer_limit,
        })
    }

    /// The device, as its driver describes it: name, driver, clock.
    pub fn device(&self) -> &DeviceInfo {
        &self.process.device
    }

    /// The family of kernels that jobs get on it.
    pub fn family(&self) -> KernelFamily {
        self.process.family
    }

    /// What its hardware could do at most.
    pub fn ceiling(&self) -> Ceiling {
        Ceiling::of(self.device())
    }

    /// Measures one operation. Takes some seconds.
    pub fn measure(&self, work: Work, effort: Effort) -> Result<Timing, MeasureError> {
        let request = Request::Measure {
            slot: 0,
            work,
            effort,
        };
        match self.ask(&request, 1)? {
            Response::Measured { outcome, .. } => outcome,
            other => Err(self.process.reject(&other).into()),
        }
    }

    /// Measures a product beside cublasLt's. Takes some seconds, the first time more: the library
    /// is large.
    pub fn compare(&self, contest: Contest, effort: Effort) -> Result<Comparison, MeasureError> {
        let request = Request::Compare {
            slot: 0,
            contest,
            effort,
        };
        match self.ask(&request, COMPARISON_LIMITS)? {
            Response::Compared { outcome, .. } => outcome,
            other => Err(self.process.reject(&other).into()),
        }
    }

    fn ask(&self, request: &Request, limits: u32) -> Result<Response, DeviceError> {
        let _asking = crate::cuda::process::lock(&self.asking);
        let limit = self.answer_limit.saturating_mul(limits);
        self.process.ask_within(0, request, limit)
    }
}
