//! What `scripts/bench` runs; its help is there.

use anyhow::{bail, ensure, Context, Result};
use mizan_tests::{bench, demo, interrupt};
use serde_json::{json, Map, Number, Value};
use std::process::ExitCode;

/// The exit code where there is no GPU to measure, as of scripts/test-gpu.
const NO_GPU: u8 = 4;

#[tokio::main]
async fn main() -> ExitCode {
    let done = tokio::select! {
        biased;
        interrupted = interrupt::interrupted() => interrupted,
        measured = measure() => measured.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        if bench::gpu::is_absence(&error) {
            eprintln!("no GPU: {error}");
            return ExitCode::from(NO_GPU);
        }
        eprintln!("error: {error:?}");
        ExitCode::FAILURE
    })
}

async fn measure() -> Result<()> {
    let (mut json, mut name) = (false, None);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            _ => name = Some(argument),
        }
    }
    let (mut machine, mut details) = (machine()?, Vec::new());
    let figures = match name.as_deref() {
        Some("audit") => bench::audit::figures()?,
        Some("blobs") => bench::blobs::figures().await?,
        Some("cpu-gemm") => bench::cpu_gemm::figures()?,
        Some("cpu-network") => bench::cpu_network::figures()?,
        Some("commit-overhead") => bench::commit_overhead::figures()?,
        Some("demo") => demo_figures().await?,
        Some("fraud-proof") => bench::fraud_proof::figures().await?,
        Some("gpu") => {
            let measured = bench::gpu::figures()?;
            machine = format!("{}; {machine}", measured.device);
            details = measured.details;
            measured.figures
        }
        Some("weights") => bench::weights::figures()?,
        _ => bail!("unknown benchmark {name:?}; see scripts/bench"),
    };
    if json {
        let figures = figures
            .into_iter()
            .map(|(name, figure)| (name.to_owned(), figure.into()));
        let figures: Map<String, Value> = figures.collect();
        println!("{}", json!({ "machine": machine, "figures": figures }));
    } else {
        println!("{machine}");
        for (name, figure) in figures {
            println!("{name:<26} {:>10}", figure.to_string());
        }
        for detail in details {
            println!("{detail}");
        }
    }
    Ok(())
}

/// The demonstration's time and memory.
async fn demo_figures() -> Result<Vec<(&'static str, Number)>> {
    let folder = tempfile::Builder::new().prefix("mizan-bench-").tempdir()?;
    let (mut parts, report) = demo::run(folder.path(), &|line| eprintln!("demo: {line}")).await?;
    ensure!(
        report.is_paid(),
        "the job is {}, not settled and paid",
        report.job_state
    );
    parts.stop().await?;
    folder
        .close()
        .context("the temporary folder can't be removed")?;
    Ok(report.figures())
}

/// Processor, cores, memory.
fn machine() -> Result<String> {
    let field = |text: &str, name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'));
        line.map_or("unknown".to_owned(), |value| value.trim().to_owned())
    };
    let processor = field(&std::fs::read_to_string("/proc/cpuinfo")?, "model name");
    let memory = field(&std::fs::read_to_string("/proc/meminfo")?, "MemTotal");
    let kibibytes: u64 = memory
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    Ok(format!(
        "{processor}, {cores} cores, {} GiB",
        kibibytes.div_ceil(1 << 20)
    ))
}
