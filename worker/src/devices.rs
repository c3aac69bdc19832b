//! What computes jobs: the GPUs of this machine, and its processor for what they can't do.
//!
//! # Overview
//! [`start`] tries the GPUs that the settings name. Each is driven by a process of its own, this
//! program as `mizan-worker cuda-child`; see the manual of `mizan_engine::cuda`. Without any, the
//! processor computes, or the worker does not start: as the settings say.
//!
//! A job that no GPU executed (`mizan_engine::cuda::DeviceError`) is executed by the processor,
//! unless that would take longer than the job has ([`JobExecutor`]) and it can still be declined:
//! then the GPUs are tried again until the last blocks for that. The reason is in the log, once for each execution.
//! What happens to a GPU is in the log too, and in the metrics.
//!
//! # Readings
//! One more process reads how all GPUs are, once a second ([`serve_nvml_child`]): for the metrics,
//! and for what the owner allows ([`Lending`]).
//!
//! # Memory
//! What the processes of GPUs share with this one is taken off the budget of jobs. Where that
//! would be more than half of it, the GPUs are not used.

mod cuda;
mod executor;
pub(crate) mod meter;
mod nvml;
pub(crate) mod reading;
pub(crate) mod report;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use cuda::{settings_of, usable};
pub use executor::{Accelerator, DeviceExecutor, JobExecutor};
pub use meter::MeterError;
pub use nvml::serve_nvml_child;

use crate::{
    budget::Budget,
    lending::Lending,
    metrics::Metrics,
    settings::{DeviceUse, Memory, Settings},
};
use mizan_engine::CpuExecutor;
use std::sync::Arc;
use tracing::{error, info, warn};

/// Why no GPU can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// None is fit for work.
    #[error("no GPU can be used: {0}")]
    Device(mizan_engine::cuda::DeviceError),
    /// They would take too much of the memory for jobs.
    #[error(
        "no GPU can be used: their processes share {} MiB, more than half of the {} MiB for jobs; \
         raise memory, or name fewer of them as devices", .shared_bytes >> 20, .job_bytes >> 20
    )]
    Memory {
        /// What they share with the worker.
        shared_bytes: u64,
        /// What the settings give to jobs.
        job_bytes: u64,
    },
    /// The start of their processes broke off.
    #[error("no GPU can be used: their start broke off")]
    CutOff,
    /// Their owner sets limits, and nobody can see how they are.
    #[error(
        "idle_only, max_power and max_temperature can't be kept: {0}; mend that, set device to \
         cpu, or leave the limits away"
    )]
    Unwatched(MeterError),
    /// Their owner sets limits, and the driver does not say what that takes.
    #[error(
        "the limits for GPU {index} can't be kept: its driver does not say {what}; name the other \
         GPUs as devices, or leave that limit away"
    )]
    Unsaid {
        /// The driver's number of it.
        index: u32,
        /// What is not said, and what it is needed for.
        what: &'static str,
    },
}

impl Unusable {
    /// Whether there is none, with which nothing is wrong.
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Device(error) => report::is_absence(error),
            _ => false,
        }
    }

    /// Whether the hardware computes wrongly.
    fn is_faulty_hardware(&self) -> bool {
        match self {
            Self::Device(error) => report::is_faulty_hardware(error),
            _ => false,
        }
    }

    /// Whether working all the same would be against the owner's word.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Unwatched(_) | Self::Unsaid { .. })
    }
}

/// What computes jobs.
pub struct Computing {
    /// The GPUs and the processor, or the processor alone.
    pub executor: Arc<dyn JobExecutor>,
    /// Memory that the processes of GPUs share with this one.
    pub shared_bytes: u64,
}

/// Starts what the settings say. An error only if they demand a GPU, or limits that can't be kept.
pub async fn start(
    settings: &Settings,
    processor: &CpuExecutor,
    metrics: &Arc<Metrics>,
    lending: &Arc<Lending>,
) -> Result<Computing, Unusable> {
    let alone = || {
        if lending.limits().any() {
            warn!("idle_only, max_power and max_temperature are about GPUs, and none is used");
        }
        Computing {
            executor: Arc::new(processor.clone()),
            shared_bytes: 0,
        }
    };
    if settings.device == DeviceUse::Cpu {
        return Ok(alone());
    }
    match cuda::start(settings, processor, metrics, lending).await {
        Ok(computing) => Ok(computing),
        Err(reason) if reason.is_forbidden() => Err(reason),
        Err(reason) if settings.device == DeviceUse::Cuda => Err(reason),
        Err(reason) => {
            if reason.is_absence() {
                info!("the processor computes jobs: {reason}");
            } else if reason.is_faulty_hardware() {
                error!("the processor computes jobs: {reason}; see `mizan-worker doctor`");
            } else {
                warn!("the processor computes jobs: {reason}; see `mizan-worker doctor`");
            }
            Ok(alone())
        }
    }
}

/// Whether the memory for jobs can spare so much.
pub(crate) fn afford(memory: Memory, shared_bytes: u64) -> Result<(), Unusable> {
    let job_bytes = Budget::new(memory).total_bytes();
    if shared_bytes > job_bytes / 2 {
        return Err(Unusable::Memory {
            shared_bytes,
            job_bytes,
        });
    }
    Ok(())
}
