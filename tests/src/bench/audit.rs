//! `audit`: checking a result beside computing it, on one core, with the same matrix library.
//!
//! Execution is `LoadedModel::execute`, with weights packed ahead, into a trace; its parts take
//! turns with it in rounds, and a figure is the median over the rounds of their time over its.
//!
//! - `check_over_execution_*`: Freivalds' check alone (two rounds in one pass, its vectors drawn
//!   and multiplied with the weights in the timed region) of the accumulators of one linear
//!   operation whose batch, channels and reduction are all 1,024, 4,096, or 8,192.
//! - `full_over_execution_*`: the whole audit with advice of the same job: names of weights, input
//!   and trace, a receipt over input and trace, the check, requantisation and table, comparison.
//! - `sampled_over_execution_batch_*`: a sampled audit of a whole network: the draw, the drawn items
//!   executed and compared, and a receipt over their inputs and outputs. Of the digits model, and
//!   of a network of four layers of 1,024 channels.
//! - `sampled_over_full_audit_batch_*`: the same over a full audit that executes: names of input and
//!   trace, a receipt over them, execution and comparison. All items of a small batch are drawn.
//!
//! Every audit must also find one wrong byte: the full ones in the last row, the sampled one in a
//! drawn item.

use super::network::{Case, Random};
use anyhow::{ensure, Context, Result};
use mizan_engine::{
    audit::{self, AdviceError, AuditedJob, LinearCheck, Tensors},
    on_threads, CpuExecutor, LoadedModel,
};
use mizan_tensor::{drawn_items, hash_bytes, Hash, TensorRef};
use serde_json::Number;
use std::time::{Duration, Instant};

/// Rounds are repeated for about this long, and are never fewer than [`FEWEST_ROUNDS`].
const MEASURED: Duration = Duration::from_secs(4);
const FEWEST_ROUNDS: usize = 5;
/// Batches of jobs that are audited by sample, with the names of the figures: of the digits model,
/// and of the wide network.
const SAMPLED: [(u32, [&str; 4]); 4] = [
    (
        1,
        [
            "sampled_over_execution_batch_1",
            "sampled_over_full_audit_batch_1",
            "sampled_over_execution_batch_1_wide",
            "sampled_over_full_audit_batch_1_wide",
        ],
    ),
    (
        16,
        [
            "sampled_over_execution_batch_16",
            "sampled_over_full_audit_batch_16",
            "sampled_over_execution_batch_16_wide",
            "sampled_over_full_audit_batch_16_wide",
        ],
    ),
    (
        256,
        [
            "sampled_over_execution_batch_256",
            "sampled_over_full_audit_batch_256",
            "sampled_over_execution_batch_256_wide",
            "sampled_over_full_audit_batch_256_wide",
        ],
    ),
    (
        1_024,
        [
            "sampled_over_execution_batch_1024",
            "sampled_over_full_audit_batch_1024",
            "sampled_over_execution_batch_1024_wide",
            "sampled_over_full_audit_batch_1024_wide",
        ],
    ),
];

/// All ratios, on one thread.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    on_threads(1, measure)?
}

fn measure() -> Result<Vec<(&'static str, Number)>> {
    let [check_4096, full_4096] = linear(4_096).context("4,096")?;
    let [check_8192, full_8192] = linear(8_192).context("8,192")?;
    let [check_1024, full_1024] = linear(1_024).context("1,024")?;
    let mut figures = vec![
        ("check_over_execution_1024", number(check_1024)?),
        ("check_over_execution_4096", number(check_4096)?),
        ("check_over_execution_8192", number(check_8192)?),
        ("full_over_execution_1024", number(full_1024)?),
        ("full_over_execution_4096", number(full_4096)?),
        ("full_over_execution_8192", number(full_8192)?),
    ];
    for (batch, names) in SAMPLED {
        let digits = sampled(&Case::digits(batch)?).with_context(|| format!("batch {batch}"))?;
        let wide =
            sampled(&Case::layers(batch, 1_024, 4)?).with_context(|| format!("batch {batch}"))?;
        for (name, ratio) in names.into_iter().zip([digits, wide].concat()) {
            figures.push((name, number(ratio)?));
        }
    }
    Ok(figures)
}

/// A figure with five decimals.
pub(super) fn number(figure: f64) -> Result<Number> {
    Number::from_f64((figure * 100_000.0).round() / 100_000.0).context("a figure is not finite")
}

/// Check alone, and full audit, over execution.
fn linear(size: u32) -> Result<[f64; 2]> {
    let case = Case::layers(size, size, 1)?;
    let parameters = case.parameters();
    let executor = CpuExecutor::new();
    let model = executor.load(&case.plan, &parameters)?;
    let inputs = [case.input.as_slice()];
    let mut trace = model.execute(&inputs, case.batch)?.trace;
    let mut advice = model
        .accumulators(0, &inputs, case.batch, &trace)?
        .context("the operation is not linear")?;
    let mut seeds = Random(1);
    let ratios = ratios([
        &mut || {
            model
                .execute(&inputs, case.batch)
                .map(drop)
                .map_err(Into::into)
        },
        &mut || {
            let check = LinearCheck::new(parameters[0], size as usize, &seeds.seed())?;
            Ok(check.verify(inputs[0], &advice)?)
        },
        &mut || ensure_right(case.full(&model, &trace, &advice)?),
    ])?;

    let last = trace.len() - 7;
    trace[last] ^= 1;
    let wrong = case.full(&model, &trace, &advice)?;
    let wrong = wrong.context("the wrong byte in the last row was not found")?;
    ensure!(wrong.index == last as u64, "another element was named");
    advice[last] ^= 1;
    let refused = audit::check_accumulators(
        inputs[0],
        parameters[0],
        &advice,
        size as usize,
        &Random(2).seed(),
    );
    let row = size as usize - 1;
    ensure!(
        refused == Err(AdviceError::WrongRow { row }),
        "a wrong accumulator in the last row was not found"
    );
    Ok(ratios)
}

/// A sampled audit over execution, and over a full audit that executes.
fn sampled(case: &Case) -> Result<[f64; 2]> {
    let parameters = case.parameters();
    let executor = CpuExecutor::new();
    let model = executor.load(&case.plan, &parameters)?;
    let inputs = [case.input.as_slice()];
    let mut trace = model.execute(&inputs, case.batch)?.trace;
    let mut seeds = Random(3);
    let times = rounds(&mut [
        &mut || {
            model
                .execute(&inputs, case.batch)
                .map(drop)
                .map_err(Into::into)
        },
        &mut || ensure_right(case.executed(&model, &trace)?),
        &mut || ensure_right(case.sampled(&model, &trace, &seeds.seed())?),
    ])?;
    let over_execution = median(&times, |[execution, _, sampled]| sampled / execution);
    let over_full = median(&times, |[_, full, sampled]| sampled / full);

    let seed = seeds.seed();
    let items = drawn_items(case.batch, &seed);
    let item = u64::from(*items.last().context("no item")?);
    let output = *case.plan.program().outputs.last().context("no output")?;
    let width = case.plan.tensor_bytes(TensorRef::Operation(output), 1);
    let index = item * width.context("no such output")?;
    let start = case.plan.trace_offset(output, case.batch);
    let place = start.context("no such output")? + index;
    trace[usize::try_from(place)?] ^= 1;
    let wrong = case.sampled(&model, &trace, &seed)?;
    let wrong = wrong.context("the wrong byte in a drawn item was not found")?;
    ensure!(wrong.index == index, "another element was named");
    Ok([over_execution, over_full])
}

fn ensure_right(wrong: Option<audit::WrongElement>) -> Result<()> {
    ensure!(wrong.is_none(), "a right job was found wrong: {wrong:?}");
    Ok(())
}

impl Case {
    /// What an auditor does who has the whole job and advice for its one operation.
    fn full(
        &self,
        model: &LoadedModel<'_>,
        trace: &[u8],
        advice: &[i32],
    ) -> Result<Option<audit::WrongElement>> {
        let seed = hash_bytes(b"seed");
        let weights = hash_bytes(self.parameters()[0]);
        let hashes = audit::hash_with_receipt(&[&self.input, trace], &seed);
        std::hint::black_box((weights, hashes));
        let job = AuditedJob {
            inputs: &[&self.input],
            batch: self.batch,
            trace,
        };
        Ok(audit::full_with_advice(
            model,
            &job,
            &[Some(advice)],
            &seed,
        )?)
    }

    /// What an auditor does who has the whole job and no advice.
    fn executed(
        &self,
        model: &LoadedModel<'_>,
        trace: &[u8],
    ) -> Result<Option<audit::WrongElement>> {
        let hashes = audit::hash_with_receipt(&[&self.input, trace], &hash_bytes(b"seed"));
        std::hint::black_box(hashes);
        let job = AuditedJob {
            inputs: &[&self.input],
            batch: self.batch,
            trace,
        };
        Ok(audit::full(model, &job)?)
    }

    /// What an auditor does who was drawn for a part of the job.
    fn sampled(
        &self,
        model: &LoadedModel<'_>,
        trace: &[u8],
        seed: &Hash,
    ) -> Result<Option<audit::WrongElement>> {
        let items = drawn_items(self.batch, seed);
        let parameters = self.parameters();
        let job = AuditedJob {
            inputs: &[&self.input],
            batch: self.batch,
            trace,
        };
        let wrong = audit::verify_items(model, &job, &items)?;
        let tensors = Tensors {
            plan: &self.plan,
            parameters: &parameters,
            job,
        };
        let slices = tensors.slices(&items);
        std::hint::black_box(audit::receipt(&slices, seed));
        Ok(wrong)
    }
}

/// A step that is timed.
pub(super) type Step<'a> = &'a mut dyn FnMut() -> Result<()>;

/// The median over rounds of each step's time over the first one's.
fn ratios<const N: usize, const R: usize>(mut steps: [Step<'_>; N]) -> Result<[f64; R]> {
    let rounds = rounds(&mut steps)?;
    Ok(std::array::from_fn(|step| {
        median(&rounds, |times| times[step + 1] / times[0])
    }))
}

/// Seconds of each step in each round, after a first one that does not count.
pub(super) fn rounds<const N: usize>(steps: &mut [Step<'_>; N]) -> Result<Vec<[f64; N]>> {
    let mut rounds = Vec::new();
    let start = Instant::now();
    while rounds.len() <= FEWEST_ROUNDS || start.elapsed() < MEASURED {
        let mut times = [0.0; N];
        for (time, step) in times.iter_mut().zip(steps.iter_mut()) {
            let start = Instant::now();
            step()?;
            *time = start.elapsed().as_secs_f64();
        }
        rounds.push(times);
    }
    rounds.remove(0);
    Ok(rounds)
}

/// The middle one of what is made of each round.
pub(super) fn median<T>(rounds: &[T], of: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
