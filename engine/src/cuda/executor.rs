//! The executor for devices.

use super::{
    device::{Device, DeviceStatus},
    error::{DeviceError, Remedy},
    info::DeviceInfo,
    job::{Job, PartError},
    launch::is_supported,
    parts::{items_per_part, items_that_overlap, Part},
    pool::{Pool, Share},
    process::{list, lock},
    settings::CudaSettings,
};
use crate::{cpu::zeroes, EngineError, Executor};
use mizan_tensor::{Commitment, Execution, ExecutionError, Plan};
use std::{
    fmt,
    sync::{Arc, Mutex},
    thread,
};

/// Executes programs on NVIDIA devices, each in a process of its own.
///
/// Jobs may come from several threads at once; each is cut into parts that fit a slot, and the
/// parts go to whichever device has a slot free. Clones share the devices. The processes end with
/// the last clone.
#[derive(Clone)]
pub struct CudaExecutor {
    pub(super) pool: Arc<Pool>,
    settings: Arc<CudaSettings>,
}

impl CudaExecutor {
    /// The devices that the driver of this host shows, without using any.
    pub fn list(settings: &CudaSettings) -> Result<Vec<DeviceInfo>, DeviceError> {
        list(settings)
    }

    /// Starts a process for each device and lets it prove itself on programs whose results are
    /// known. An error if no device is fit for work; what became of each of several is in
    /// [`Self::devices`].
    pub fn start(settings: CudaSettings) -> Result<Self, DeviceError> {
        let wanted = |info: &DeviceInfo| {
            settings.devices.is_empty() || settings.devices.contains(&info.index)
        };
        let mut found = list(&settings)?;
        found.retain(wanted);
        let settings = Arc::new(settings);
        let devices: Vec<_> = found
            .into_iter()
            .map(|info| Device::new(info, settings.clone()))
            .collect();
        let started = thread::scope(|scope| {
            let starting: Vec<_> = devices
                .iter()
                .map(|device| scope.spawn(|| device.process().map(drop)))
                .collect();
            let broken_off = || DeviceError::CannotStart("the start broke off".into());
            starting
                .into_iter()
                .map(|start| start.join().unwrap_or_else(|_| Err(broken_off())))
                .collect::<Vec<_>>()
        });
        let mut outcome = Err(DeviceError::NoDevice);
        for start in started {
            outcome = outcome.or(start);
        }
        let pool = Arc::new(Pool::new(devices, settings.slots));
        outcome.map(|()| Self { pool, settings })
    }

    /// How each device stands.
    pub fn devices(&self) -> Vec<DeviceStatus> {
        self.pool.devices().iter().map(Device::status).collect()
    }

    fn execute_job(&self, job: &Job<'_>) -> Result<Execution, EngineError> {
        let Job { plan, batch, .. } = *job;
        let mut operations = (0u16..).zip(&plan.program().operations);
        if let Some((operation, _)) = operations.find(|(_, body)| !is_supported(body)) {
            return Err(DeviceError::Unsupported { operation }.into());
        }
        let most = items_per_part(plan, self.settings.slot_bytes, self.settings.part_macs);
        let most = most.min(items_that_overlap(plan, batch, self.settings.slots));
        let mut trace = zeroes(plan.trace_bytes(batch))?;
        let whole = Part::whole(plan, batch, &mut trace).ok_or(ExecutionError::TooLarge)?;
        self.run(job, whole.cut(most))?;
        let outputs = plan
            .outputs(&trace, batch)
            .ok_or(ExecutionError::TooLarge)?;
        Ok(Execution { trace, outputs })
    }

    fn run(&self, job: &Job<'_>, parts: Vec<Part<'_>>) -> Result<(), EngineError> {
        let threads = parts.len().min(self.pool.slots());
        let work = Work::new(parts);
        if threads <= 1 {
            self.take_part(job, &work);
        } else {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| self.take_part(job, &work));
                }
            });
        }
        work.outcome()
    }

    /// Executes parts until there are no more.
    fn take_part<'a>(&self, job: &Job<'_>, work: &Work<'a>) {
        let mut share = Share::Slot;
        while let Some(mut part) = work.next() {
            match self.try_once(job, &mut part, share) {
                Ok(()) => share = Share::Slot,
                Err(failure) => share = work.put_back(part, failure, self.settings.attempts),
            }
        }
    }

    fn try_once(&self, job: &Job<'_>, part: &mut Part<'_>, share: Share) -> Result<(), PartError> {
        // An item that takes longer than parts may would keep other parts on the device waiting
        // longer than they may.
        let is_long = job.plan.cost().macs(part.batch()) > self.settings.part_macs.into();
        let share = if is_long { Share::Whole } else { share };
        let turn = self.pool.turn(&job.model, share)?;
        let process = turn.device().process()?;
        let outcome = job.run(&process, turn.slot(), part);
        match &outcome {
            Ok(()) => turn.device().note(&process, Ok(())),
            Err(PartError::Device { error, .. }) => turn.device().note(&process, Err(error)),
            // No device is to blame.
            Err(PartError::WrongParameter(_)) => (),
        }
        outcome
    }
}

impl Executor for CudaExecutor {
    fn name(&self) -> &str {
        "cuda"
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        self.execute_job(&Job::new(plan, parameters, inputs, batch)?)
    }

    fn execute_committed(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<(Execution, Commitment), EngineError> {
        let job = Job::new(plan, parameters, inputs, batch)?;
        let job = job.committing(self.settings.least_hashed_bytes);
        let execution = self.execute_job(&job)?;
        let commitment = job.commitment(&execution);
        Ok((execution, commitment))
    }
}

impl fmt::Debug for CudaExecutor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CudaExecutor")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The parts of a job that are left, and what went wrong for good.
struct Work<'a>(Mutex<Rest<'a>>);

struct Rest<'a> {
    parts: Vec<Part<'a>>,
    failed: Option<EngineError>,
}

impl<'a> Work<'a> {
    fn new(mut parts: Vec<Part<'a>>) -> Self {
        // They are taken from the end.
        parts.reverse();
        Self(Mutex::new(Rest {
            parts,
            failed: None,
        }))
    }

    fn next(&self) -> Option<Part<'a>> {
        lock(&self.0).parts.pop()
    }

    /// Decides what becomes of a part that was not executed, and which share of a device whoever
    /// takes it should ask for.
    fn put_back(&self, mut part: Part<'a>, failure: PartError, attempts: u32) -> Share {
        let mut rest = lock(&self.0);
        if rest.failed.is_some() {
            return Share::Slot;
        }
        let (error, depends_on_items) = match failure {
            PartError::Device {
                error,
                depends_on_items,
            } => (error, depends_on_items),
            PartError::WrongParameter(parameter) => {
                return rest.fail(EngineError::WrongParameter { parameter });
            }
        };
        let remedy = error.remedy();
        if remedy == Remedy::Smaller && depends_on_items && part.batch() > 1 {
            let half = part.batch() / 2;
            let (first, second) = part.split(half);
            rest.parts.extend([second, first]);
            return Share::Slot;
        }
        part.attempts += 1;
        let again = match remedy {
            Remedy::Restart | Remedy::Repeat | Remedy::Smaller => part.attempts < attempts,
            // Another device may be fit; without one, the next attempt says so at once.
            Remedy::Retire => part.attempts < attempts,
            Remedy::OtherExecutor => false,
        };
        if !again {
            return rest.fail(error.into());
        }
        rest.parts.push(part);
        match remedy {
            Remedy::Smaller => Share::Whole,
            _ => Share::Slot,
        }
    }

    fn outcome(self) -> Result<(), EngineError> {
        let rest = self.0.into_inner();
        let rest = rest.unwrap_or_else(std::sync::PoisonError::into_inner);
        rest.failed.map_or(Ok(()), Err)
    }
}

impl Rest<'_> {
    /// Nothing more is done.
    fn fail(&mut self, error: EngineError) -> Share {
        self.failed = Some(error);
        self.parts.clear();
        Share::Slot
    }
}
