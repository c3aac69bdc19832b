//! `cpu-network`: whole networks beside onnxruntime's int8, on the same machine and threads.
//!
//! Networks of linear operations with ReLU, on random bytes, whose scales are powers of two, so
//! that both compute the same numbers up to the rounding of halves: the outputs are compared.
//!
//! - ours: `LoadedModel::execute`, from the bytes of the input to an `Execution` with the trace of
//!   every layer and a copy of the output. Weights are packed ahead (`CpuExecutor::load`).
//! - theirs: onnxruntime from the registry, in a process of its own: a session of `QLinearMatMul`s
//!   with unsigned activations, signed weights, and buffers that are bound ahead; its optimiser has
//!   packed the weights. Nothing between layers is kept.
//!
//! A figure is their time over ours, the median over rounds in which both take turns;
//! `ratio_to_onnxruntime` is that of the worst case. Who is not measured rests: onnxruntime's
//! threads spin for a while after each run.

use super::{
    audit::number,
    network::{Case, Rectified},
};
use anyhow::{bail, ensure, Context, Result};
use mizan_engine::{on_threads, CpuExecutor};
use serde_json::Number;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// The Python with onnxruntime, which `scripts/bench` sets up.
const PYTHON: &str = "MIZAN_ONNXRUNTIME_PYTHON";
/// Odd, so that there is a middle one.
const ROUNDS: usize = 15;
/// Runs are repeated within a round until they take about this long.
const ROUND: Duration = Duration::from_millis(60);
/// What onnxruntime's threads get to fall asleep.
const REST: Duration = Duration::from_millis(40);

/// What allocators take for large, and still not for exceptional.
const LARGE_TENSOR_BYTES: usize = 31 << 20;

/// Names of the figures on one thread and on all, items, and widths from the input on.
const CASES: &[(&str, &str, u32, &[u32])] = &[
    ("wide_b1_t1", "wide_b1", 1, WIDE),
    ("wide_b16_t1", "wide_b16", 16, WIDE),
    ("wide_b256_t1", "wide_b256", 256, WIDE),
    ("wide_b1024_t1", "wide_b1024", 1_024, WIDE),
    ("large_b64_t1", "large_b64", 64, LARGE),
    ("tapered_b512_t1", "tapered_b512", 512, TAPERED),
];
const WIDE: &[u32] = &[1_024, 1_024, 1_024, 1_024, 1_024];
const LARGE: &[u32] = &[4_096, 4_096, 4_096];
/// A classifier of small images.
const TAPERED: &[u32] = &[784, 512, 256, 10];

/// The worst ratio, then that of each case on one thread and on all.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    // As in a worker that has run for a while: the allocator has seen large tensors come and go,
    // and keeps their pages, as onnxruntime keeps those of a session.
    drop(std::hint::black_box(vec![1u8; LARGE_TENSOR_BYTES]));
    let all = std::thread::available_parallelism()?.get();
    let mut worst = f64::INFINITY;
    let mut figures = Vec::new();
    for &(on_one, on_all, batch, widths) in CASES {
        for (name, threads) in [(on_one, 1), (on_all, all)] {
            let measured = on_threads(threads, || ratio(batch, widths, threads))?;
            let ratio = measured.with_context(|| name)?;
            worst = worst.min(ratio);
            figures.push((name, number(ratio)?));
        }
    }
    figures.insert(0, ("ratio_to_onnxruntime", number(worst)?));
    Ok(figures)
}

fn ratio(batch: u32, widths: &[u32], threads: usize) -> Result<f64> {
    let pairs = widths.windows(2).enumerate();
    let layers: Vec<Rectified> = pairs
        .map(|(index, pair)| Rectified::new(pair[0], pair[1], index == 0))
        .collect();
    let case = Case::rectified(batch, &layers)?;
    let parameters = case.parameters();
    let executor = CpuExecutor::new();
    let model = executor.load(&case.plan, &parameters)?;
    let run = || -> Result<Vec<u8>> {
        let mut execution = model.execute(&[&case.input], batch)?;
        execution.outputs.pop().context("the program has no output")
    };
    let folder = tempfile::tempdir()?;
    let mut peer = Peer::start(folder.path(), &case, &layers, threads)?;
    compare(&run()?, &std::fs::read(folder.path().join("y"))?)?;

    let ours = |runs: u32| -> Result<f64> {
        let start = Instant::now();
        for _ in 0..runs {
            std::hint::black_box(run()?);
        }
        Ok(start.elapsed().as_secs_f64() / f64::from(runs))
    };
    let runs = (ROUND.as_secs_f64() / ours(3)?.max(peer.run(3)?)).ceil() as u32;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let theirs = peer.run(runs)?;
        std::thread::sleep(REST);
        ratios.push(theirs / ours(runs)?);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    Ok(ratios[ROUNDS / 2])
}

/// Theirs rounds halves to even and ours up, so a few numbers differ by one, and more of those
/// that follow from them.
fn compare(ours: &[u8], theirs: &[u8]) -> Result<()> {
    ensure!(ours.len() == theirs.len(), "the outputs differ in length");
    let pairs = ours.iter().zip(theirs);
    let far = pairs
        .filter(|(a, b)| (**a ^ 0x80).abs_diff(**b) > 1)
        .count();
    ensure!(
        far <= ours.len() / 1_000,
        "{far} of {} numbers differ from onnxruntime's by more than one",
        ours.len()
    );
    let distinct = theirs.iter().collect::<std::collections::BTreeSet<_>>();
    ensure!(distinct.len() > 8, "the network's output says nothing");
    Ok(())
}

/// onnxruntime, in a process of its own.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(folder: &Path, case: &Case, layers: &[Rectified], threads: usize) -> Result<Self> {
        let Some(python) = std::env::var_os(PYTHON) else {
            bail!("{PYTHON} does not name a Python with onnxruntime: use scripts/bench");
        };
        for (index, _) in layers.iter().enumerate() {
            let weights = case.parameters()[2 * index];
            std::fs::write(folder.join(format!("w{index}")), weights)?;
        }
        let raised: Vec<u8> = case.input.iter().map(|byte| byte ^ 0x80).collect();
        std::fs::write(folder.join("x"), raised)?;
        let program = folder.join("network.py");
        std::fs::write(&program, include_str!("cpu_network.py"))?;
        let widths = std::iter::once(layers[0].k).chain(layers.iter().map(|layer| layer.n));
        let list = |numbers: Vec<String>| numbers.join(",");
        let mut child = Command::new(python)
            .arg(program)
            .arg(folder)
            .arg(threads.to_string())
            .arg(case.batch.to_string())
            .arg(list(widths.map(|width| width.to_string()).collect()))
            .arg(list(
                layers.iter().map(|layer| layer.shift.to_string()).collect(),
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("Python does not start")?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut peer = Self {
            child,
            input,
            output,
        };
        ensure!(peer.line()? == "ready", "onnxruntime is not ready");
        Ok(peer)
    }

    /// Seconds of one run.
    fn run(&mut self, runs: u32) -> Result<f64> {
        writeln!(self.input, "{runs}")?;
        self.input.flush()?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(!line.is_empty(), "onnxruntime's process has ended");
        Ok(line.trim().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
