//! What computes, and how fast.

use super::Sample;
use crate::{
    devices::{
        report::{mend, name},
        settings_of, usable, Unusable,
    },
    settings::{DeviceUse, Settings},
};
use mizan_engine::{
    cuda::{
        measure::{Bench, Effort, MeasureError, Product, Work},
        CudaExecutor, CudaSettings, DeviceError, DeviceInfo,
    },
    CpuExecutor, EngineError, Executor,
};
use mizan_tensor::ProgramError;
use std::time::Duration;

/// Each measurement takes so long, or one run of its job if that takes longer.
const MEASURED: Duration = Duration::from_millis(500);
/// Longest that one run should take.
const LONGEST: Duration = Duration::from_secs(2);
/// Channels of layers, and elements of an item of an addition: the most that does not take too
/// long. Each has 16 times the products of the one before.
const WIDTHS: [u32; 4] = [64, 256, 1_024, 4_096];
const PRODUCTS_OF_NEXT: u32 = 16;
/// Items of the jobs of one linear operation.
const BATCHES: [u32; 3] = [1, 64, MOST_ITEMS];
const MOST_ITEMS: u32 = 2_048;
/// Layers and items of the job that stands for all.
const NETWORK: (u16, u32) = (4, 512);
/// Rounds of operations on devices, and repetitions in each.
const EFFORT: Effort = Effort {
    rounds: 3,
    repetitions: 30,
    seed: 1,
};
/// The chain counts an element of an addition as so many multiply-accumulates.
const ELEMENT_MACS: u64 = 2;

/// Why a speed could not be measured.
#[derive(Debug, thiserror::Error)]
enum SpeedError {
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// Something that computes jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computer {
    /// The processor or a GPU.
    pub name: String,
    /// The most multiply-accumulates a second of its hardware, where that is known.
    pub ceiling: Option<u128>,
    /// What was measured; the last is a job of several operations. Or why it computes nothing.
    pub speeds: Result<Vec<Speed>, String>,
}

/// How fast something was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speed {
    /// What.
    pub what: String,
    /// Multiply-accumulates a second, as the chain counts them.
    pub macs_per_second: u128,
    /// Bytes of trace and outputs that come of it in a second, where they are a job's.
    pub result_bytes_per_second: Option<u128>,
}

impl Computer {
    /// The speed at the job that stands for all.
    pub fn of_a_job(&self) -> Option<&Speed> {
        self.speeds.as_ref().ok()?.last()
    }

    /// The part of its ceiling that a speed is.
    pub fn share(&self, macs_per_second: u128) -> Option<f64> {
        let ceiling = self.ceiling.filter(|ceiling| *ceiling > 0)?;
        Some(macs_per_second as f64 / ceiling as f64)
    }
}

/// Measures the processor, then the GPUs that a worker with these settings would use.
pub(super) async fn measure(settings: &Settings) -> Result<Vec<Computer>, Unusable> {
    let gpus = gpus(settings).await?;
    let measured = tokio::task::spawn_blocking(move || {
        let gpus = gpus.into_iter().map(|gpu| match gpu {
            Gpu::Works(info, cuda) => device(&info, &cuda),
            Gpu::Fails(name, error) => failed(name, &error),
        });
        let mut computers = vec![processor()];
        computers.extend(gpus);
        computers
    });
    measured.await.map_err(|_| Unusable::CutOff)
}

/// What there is to say of a GPU, or of all of them.
enum Gpu {
    Works(DeviceInfo, CudaSettings),
    Fails(String, SpeedError),
}

/// Each GPU by itself, so that one does not slow another down on its way to the memory.
async fn gpus(settings: &Settings) -> Result<Vec<Gpu>, Unusable> {
    if settings.device == DeviceUse::Cpu {
        return Ok(Vec::new());
    }
    let cuda = settings_of(settings).map_err(Unusable::Device);
    let found = match cuda {
        Ok(cuda) => usable(settings).await.map(|statuses| (statuses, cuda)),
        Err(error) => Err(error),
    };
    let (statuses, cuda) = match found {
        Ok(found) => found,
        Err(reason) if reason.is_forbidden() || settings.device == DeviceUse::Cuda => {
            return Err(reason);
        }
        // With which nothing is wrong.
        Err(reason) if reason.is_absence() => return Ok(Vec::new()),
        Err(reason) => return Ok(vec![Gpu::Fails("GPUs".into(), reason.into())]),
    };
    let judged = statuses.into_iter().map(|status| match status.fault {
        Some(fault) => Gpu::Fails(name(&status.info), fault.into()),
        None => Gpu::Works(status.info, cuda.clone()),
    });
    Ok(judged.collect())
}

fn processor() -> Computer {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let executor = CpuExecutor::new();
    let speeds = || {
        let width = width(&executor)?;
        let mut speeds = Vec::new();
        for batch in BATCHES {
            let sample = Sample::layers(batch, width, 1)?;
            speeds.push(speed(linear(batch, width), &sample, &executor)?);
        }
        let sample = Sample::addition(MOST_ITEMS, width)?;
        speeds.push(speed(addition(width), &sample, &executor)?);
        speeds.push(job(width, &executor)?);
        Ok(speeds)
    };
    Computer {
        name: format!("processor ({threads} threads)"),
        ceiling: None,
        speeds: speeds().map_err(|error: SpeedError| error.to_string()),
    }
}

fn device(info: &DeviceInfo, cuda: &CudaSettings) -> Computer {
    let measured = || {
        // Two processes one after the other, for each takes what memory it finds.
        let (width, job) = job_on(info, cuda)?;
        let (ceiling, mut speeds) = operations_on(info, cuda, width)?;
        speeds.push(job);
        Ok((ceiling, speeds))
    };
    match measured() {
        Ok((ceiling, speeds)) => Computer {
            name: name(info),
            ceiling,
            speeds: Ok(speeds),
        },
        Err(error) => failed(name(info), &error),
    }
}

/// As the worker would compute a job on that device, and how wide it can be.
fn job_on(info: &DeviceInfo, cuda: &CudaSettings) -> Result<(u32, Speed), SpeedError> {
    let executor = CudaExecutor::start(CudaSettings {
        devices: vec![info.index],
        ..cuda.clone()
    })?;
    let width = width(&executor)?;
    Ok((width, job(width, &executor)?))
}

/// Operations by themselves, with all checks, on tensors that are on the device; and the device's
/// ceiling.
fn operations_on(
    info: &DeviceInfo,
    cuda: &CudaSettings,
    width: u32,
) -> Result<(Option<u128>, Vec<Speed>), SpeedError> {
    let bench = Bench::open(cuda, info.index)?;
    let measure = |what, work, macs: u64| {
        let timing = bench.measure(work, EFFORT)?;
        let macs_per_second = timing.per_second(macs) as u128;
        Ok::<_, MeasureError>(Speed {
            what,
            macs_per_second,
            result_bytes_per_second: None,
        })
    };
    let mut speeds = Vec::new();
    for batch in BATCHES {
        let product = Product {
            m: batch.into(),
            n: width,
            k: width,
        };
        let work = Work::Linear {
            product,
            way: None,
            checked: true,
        };
        let macs = product.macs().unwrap_or(u64::MAX);
        speeds.push(measure(linear(batch, width), work, macs)?);
    }
    let count = u64::from(MOST_ITEMS) * u64::from(width);
    let work = Work::Add {
        count,
        checked: true,
    };
    speeds.push(measure(addition(width), work, ELEMENT_MACS * count)?);
    Ok((bench.ceiling().best().map(u128::from), speeds))
}

fn failed(name: String, error: &SpeedError) -> Computer {
    let mend = match error {
        SpeedError::Device(error)
        | SpeedError::Unusable(Unusable::Device(error))
        | SpeedError::Engine(EngineError::Device(error))
        | SpeedError::Measure(MeasureError::Device(error)) => format!("; {}", mend(error)),
        _ => String::new(),
    };
    Computer {
        name,
        ceiling: None,
        speeds: Err(format!("{error}{mend}")),
    }
}

/// The most channels with which a layer does not take too long.
fn width(executor: &dyn Executor) -> Result<u32, SpeedError> {
    let [mut width, wider @ ..] = WIDTHS;
    for next in wider {
        let taken = Sample::layers(MOST_ITEMS, width, 1)?.time(executor)?;
        if taken.saturating_mul(PRODUCTS_OF_NEXT) > LONGEST {
            break;
        }
        width = next;
    }
    Ok(width)
}

fn job(width: u32, executor: &dyn Executor) -> Result<Speed, SpeedError> {
    let (layers, batch) = NETWORK;
    let what = format!("job of {layers} such layers, {batch} items");
    speed(what, &Sample::layers(batch, width, layers)?, executor)
}

fn speed(what: String, sample: &Sample, executor: &dyn Executor) -> Result<Speed, SpeedError> {
    let macs_per_second = sample.macs_per_second(executor, MEASURED)?;
    let bytes = macs_per_second.saturating_mul(sample.result_bytes().into());
    Ok(Speed {
        what,
        macs_per_second,
        result_bytes_per_second: bytes.checked_div(sample.macs()),
    })
}

fn linear(batch: u32, width: u32) -> String {
    let items = if batch == 1 { "item" } else { "items" };
    format!("linear, {width} x {width}, {batch} {items}")
}

fn addition(width: u32) -> String {
    format!("addition, {MOST_ITEMS} items of {width}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_counts_what_a_device_is_measured_by() {
        let addition = Sample::addition(MOST_ITEMS, 64).unwrap();
        assert_eq!(
            addition.macs(),
            u128::from(ELEMENT_MACS * 64) * u128::from(MOST_ITEMS)
        );
        let product = Product {
            m: 64,
            n: 256,
            k: 256,
        };
        let layer = Sample::layers(64, 256, 1).unwrap();
        assert_eq!(Some(layer.macs()), product.macs().map(u128::from));
    }

    #[test]
    fn a_share_needs_a_ceiling() {
        let mut computer = Computer {
            name: "GPU 0".into(),
            ceiling: Some(200),
            speeds: Ok(Vec::new()),
        };
        assert_eq!(
            (computer.share(50), computer.of_a_job()),
            (Some(0.25), None)
        );
        for ceiling in [None, Some(0)] {
            computer.ceiling = ceiling;
            assert_eq!(computer.share(50), None);
        }
    }
}
