//! `gpu`: a GPU's products beside cublasLt's, and whole networks with and without committing.
//!
//! Everything is on random bytes of the full range, on the first device that the driver shows.
//!
//! - `gemm_*_over_cublaslt`: cublasLt's time over that of the kernel that a job gets, for a linear
//!   operation whose batch, channels and reduction are all that number; `skinny_*` the same for
//!   few rows. Ours requantises by a record for each column; cublasLt stores sums or signed bytes,
//!   whichever is faster. `tall_skinny_over_cublaslt` is the worst of the few rows. Times are the
//!   device's own, of operands that are there; see `mizan_engine::cuda::measure`. Where there is no
//!   cublasLt, these are left out.
//! - `check_percent_4096`: what all checks of a result add to the operation of 4,096.
//! - `tmacs_4096`, `ceiling_share_4096`: its speed, and as a share of what the hardware could do.
//! - `hash_gb_per_second`: BLAKE3 on the device.
//! - `network_*`: jobs of a network of layers of 4,096 channels by the executor, host to host, in
//!   10^12 multiply-accumulates a second; `commit_extra_percent` is what committing adds to their
//!   time. Both take turns in rounds, and the median counts.
//! - `first_result_cold_ms`, `_warm_ms`: one item of that network, when the device has to be given
//!   all parameters first, and when it has them.

use super::{
    audit::{median, number, rounds},
    network::Case,
};
use crate::binaries;
use anyhow::{Context, Result};
use mizan_engine::{
    cuda::{
        measure::{
            Bench, Comparison, Contest, Effort, MeasureError, PeerOutput, Product, Timing, Work,
        },
        ChildCommand, CudaExecutor, CudaSettings, DeviceError,
    },
    Executor,
};
use serde_json::Number;
use std::time::Instant;

/// Rows, columns and reduction of square products.
const SQUARES: [(&str, u32); 4] = [
    ("gemm_1024_over_cublaslt", 1_024),
    ("gemm_4096_over_cublaslt", 4_096),
    ("gemm_8192_over_cublaslt", 8_192),
    ("gemm_16384_over_cublaslt", 16_384),
];
/// Rows of products of few of them, with columns and reduction.
const SKINNY: [(&str, u64, u32); 4] = [
    ("skinny_1_over_cublaslt", 1, 4_096),
    ("skinny_16_over_cublaslt", 16, 4_096),
    ("skinny_64_over_cublaslt", 64, 4_096),
    ("skinny_256_over_cublaslt", 256, 4_096),
];
/// The square product that stands for all.
const SQUARE: Product = Product {
    m: 4_096,
    n: 4_096,
    k: 4_096,
};
const HASHED_BYTES: u64 = 1 << 30;
/// Items, channels and layers of the network.
const NETWORK: (u32, u32, u16) = (4_096, 4_096, 6);

/// Whether an error of [`figures`] says that there is nothing to measure.
pub fn is_absence(error: &anyhow::Error) -> bool {
    let of_device = error.downcast_ref::<DeviceError>();
    matches!(
        of_device,
        Some(DeviceError::NoDevice | DeviceError::DriverMissing(_))
    )
}

/// What was measured, and on what.
pub struct Measured {
    /// Device, driver and library.
    pub device: String,
    /// The figures.
    pub figures: Figures,
    /// A line for each product beside cublasLt: which kernel it was, and the times of both.
    pub details: Vec<String>,
}

/// All figures.
pub fn figures() -> Result<Measured> {
    let settings = CudaSettings::new(ChildCommand {
        program: binaries::find("mizan-worker")?,
        arguments: vec!["cuda-child".into()],
        environment: Vec::new(),
    });
    let devices = CudaExecutor::list(&settings)?;
    let first = devices.first().ok_or(DeviceError::NoDevice)?;
    let settings = CudaSettings {
        devices: vec![first.index],
        ..settings
    };
    let bench = Bench::open(&settings, first.index)?;
    let (mut figures, mut details) = (operations(&bench)?, Vec::new());
    let peer = match products(&bench, &mut details) {
        Ok((ratios, version)) => {
            figures.extend(ratios);
            let [major, minor, patch] = [version / 10_000, version / 100 % 100, version % 100];
            format!("cublasLt {major}.{minor}.{patch}")
        }
        Err(error) => match error.downcast_ref() {
            // What needs no peer is measured without one.
            Some(MeasureError::LibraryNotFound { .. }) => error.root_cause().to_string(),
            _ => return Err(error),
        },
    };
    // The device is for the network alone.
    drop(bench);
    figures.extend(network(&settings)?);
    let driver = (first.driver / 1_000, first.driver % 1_000 / 10);
    let device = format!(
        "{}, driver for CUDA {}.{}, {peer}",
        first.name, driver.0, driver.1
    );
    Ok(Measured {
        device,
        figures,
        details,
    })
}

type Figures = Vec<(&'static str, Number)>;

fn products(bench: &Bench, details: &mut Vec<String>) -> Result<(Figures, u64)> {
    let (mut figures, mut version) = (Vec::new(), 0);
    for (name, side) in SQUARES {
        let product = Product {
            m: side.into(),
            n: side,
            k: side,
        };
        let comparison = compare(bench, product).context(name)?;
        version = comparison.version;
        details.push(detail(name, &comparison));
        figures.push((name, number(comparison.ratio())?));
    }
    let mut worst = f64::INFINITY;
    for (name, m, side) in SKINNY {
        let product = Product {
            m,
            n: side,
            k: side,
        };
        let comparison = compare(bench, product).context(name)?;
        let ratio = comparison.ratio();
        details.push(detail(name, &comparison));
        worst = worst.min(ratio);
        figures.push((name, number(ratio)?));
    }
    figures.push(("tall_skinny_over_cublaslt", number(worst)?));
    Ok((figures, version))
}

fn detail(name: &str, Comparison { own, peer, .. }: &Comparison) -> String {
    let micros = |timing: &Timing| 1e6 * timing.seconds();
    let (of, own, peer) = (&own.of, micros(own), micros(peer));
    format!("# {name}: {of} {own:.1} us, cublasLt {peer:.1} us")
}

/// With cublasLt's output that it makes faster. It need not have both.
fn compare(bench: &Bench, product: Product) -> Result<Comparison> {
    let with = |output| {
        let contest = Contest {
            product,
            way: None,
            checked: false,
            output,
        };
        bench.compare(contest, Effort::default())
    };
    let bytes = with(PeerOutput::Int8);
    if let Err(error @ MeasureError::Device(_)) = bytes {
        return Err(error.into());
    }
    Ok(match (bytes, with(PeerOutput::Int32)) {
        (Ok(bytes), Ok(sums)) if bytes.ratio() <= sums.ratio() => bytes,
        (Ok(bytes), Err(_)) => bytes,
        (_, sums) => sums?,
    })
}

fn operations(bench: &Bench) -> Result<Figures> {
    let linear = |checked| Work::Linear {
        product: SQUARE,
        way: None,
        checked,
    };
    let bare = bench.measure(linear(false), Effort::default())?;
    let checked = bench.measure(linear(true), Effort::default())?;
    let more = 100.0 * (checked.seconds() / bare.seconds() - 1.0);
    let speed = bare.per_second(SQUARE.macs().context("too large")?);
    let hash = Work::Hash {
        bytes: HASHED_BYTES,
    };
    let effort = Effort {
        repetitions: 10,
        ..Effort::default()
    };
    let hashed = bench.measure(hash, effort)?.per_second(HASHED_BYTES);
    let mut figures = vec![
        ("check_percent_4096", number(more)?),
        ("tmacs_4096", number(speed / 1e12)?),
    ];
    if let Some(ceiling) = bench.ceiling().best() {
        figures.push(("ceiling_share_4096", number(speed / ceiling as f64)?));
    }
    figures.push(("hash_gb_per_second", number(hashed / 1e9)?));
    Ok(figures)
}

fn network(settings: &CudaSettings) -> Result<Figures> {
    let (batch, width, layers) = NETWORK;
    let executor = CudaExecutor::start(settings.clone())?;
    let one = Case::layers(1, width, layers)?;
    let first = |case: &Case| -> Result<f64> {
        let start = Instant::now();
        execute(&executor, case, true)?;
        Ok(1e3 * start.elapsed().as_secs_f64())
    };
    let cold = first(&one)?;
    let mut warm = Vec::new();
    for _ in 0..9 {
        warm.push(first(&one)?);
    }
    let warm = median(&warm, |time| *time);

    let case = Case::layers(batch, width, layers)?;
    let rounds = rounds(&mut [&mut || execute(&executor, &case, false), &mut || {
        execute(&executor, &case, true)
    }])?;
    let macs = case.plan.cost().macs(batch) as f64 / 1e12;
    let bare = median(&rounds, |[bare, _]| macs / bare);
    let committed = median(&rounds, |[_, committed]| macs / committed);
    let extra = median(&rounds, |[bare, committed]| {
        100.0 * (committed / bare - 1.0)
    });
    Ok(vec![
        ("network_tmacs", number(bare)?),
        ("network_committed_tmacs", number(committed)?),
        ("commit_extra_percent", number(extra)?),
        ("first_result_cold_ms", number(cold)?),
        ("first_result_warm_ms", number(warm)?),
    ])
}

fn execute(executor: &CudaExecutor, case: &Case, commit: bool) -> Result<()> {
    let (parameters, inputs) = (case.parameters(), [&case.input[..]]);
    if commit {
        let done = executor.execute_committed(&case.plan, &parameters, &inputs, case.batch)?;
        std::hint::black_box(done);
    } else {
        let done = executor.execute(&case.plan, &parameters, &inputs, case.batch)?;
        std::hint::black_box(done);
    }
    Ok(())
}
