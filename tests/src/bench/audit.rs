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
//! - `sampled_over_execution_batch_*`: a sampled audit of a whole network: the draw, its elements
//!   by the definition, the drawn items executed, and a receipt over their inputs and outputs. Of
//!   the digits model, and of a network of four layers of 1,024 channels.
//!
//! Every audit must also find one wrong byte: the full ones in the last row, the sampled one in a
//! drawn item.

use anyhow::{ensure, Context, Result};
use mizan_engine::{
    audit::{self, AdviceError, AuditedJob, LinearCheck, Tensors},
    on_threads, CpuExecutor, LoadedModel,
};
use mizan_tensor::{
    hash_bytes, Draw, Hash, Operand, Operation, Parameter, Plan, Program, Table, TensorRef,
    TensorType, FORMAT,
};
use serde_json::Number;
use std::time::{Duration, Instant};

/// Rounds are repeated for about this long, and are never fewer than [`FEWEST_ROUNDS`].
const MEASURED: Duration = Duration::from_secs(4);
const FEWEST_ROUNDS: usize = 5;
/// Batches of jobs that are audited by sample, with the names of the figures: of the digits model,
/// and of the wide network.
const SAMPLED: [(u32, &str, &str); 4] = [
    (
        1,
        "sampled_over_execution_batch_1",
        "sampled_over_execution_batch_1_wide",
    ),
    (
        16,
        "sampled_over_execution_batch_16",
        "sampled_over_execution_batch_16_wide",
    ),
    (
        256,
        "sampled_over_execution_batch_256",
        "sampled_over_execution_batch_256_wide",
    ),
    (
        1_024,
        "sampled_over_execution_batch_1024",
        "sampled_over_execution_batch_1024_wide",
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
    for (batch, digits, wide) in SAMPLED {
        let ratio = sampled(&Case::digits(batch)?).context(digits)?;
        figures.push((digits, number(ratio)?));
        let ratio = sampled(&Case::layers(batch, 1_024, 4)?).context(wide)?;
        figures.push((wide, number(ratio)?));
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

/// A sampled audit over execution.
fn sampled(case: &Case) -> Result<f64> {
    let parameters = case.parameters();
    let executor = CpuExecutor::new();
    let model = executor.load(&case.plan, &parameters)?;
    let inputs = [case.input.as_slice()];
    let mut trace = model.execute(&inputs, case.batch)?.trace;
    let mut seeds = Random(3);
    let [ratio] = ratios([
        &mut || {
            model
                .execute(&inputs, case.batch)
                .map(drop)
                .map_err(Into::into)
        },
        &mut || ensure_right(case.sampled(&model, &trace, &seeds.seed())?),
    ])?;

    let seed = seeds.seed();
    let draw = Draw::new(&case.plan, case.batch, &seed).context("no draw")?;
    let item = u64::from(*draw.items.last().context("no item")?);
    let output = *case.plan.program().outputs.last().context("no output")?;
    let width = case.plan.tensor_bytes(TensorRef::Operation(output), 1);
    let index = item * width.context("no such output")?;
    let start = case.plan.trace_offset(output, case.batch);
    let place = start.context("no such output")? + index;
    trace[usize::try_from(place)?] ^= 1;
    let wrong = case.sampled(&model, &trace, &seed)?;
    let wrong = wrong.context("the wrong byte in a drawn item was not found")?;
    ensure!(wrong.index == index, "another element was named");
    Ok(ratio)
}

fn ensure_right(wrong: Option<audit::WrongElement>) -> Result<()> {
    ensure!(wrong.is_none(), "a right job was found wrong: {wrong:?}");
    Ok(())
}

/// A job of a program with one input.
pub(super) struct Case {
    pub(super) plan: Plan,
    parameters: Vec<Vec<u8>>,
    pub(super) input: Vec<u8>,
    pub(super) batch: u32,
}

impl Case {
    /// The digits model on random images.
    pub(super) fn digits(batch: u32) -> Result<Self> {
        let model = mizan_digits::load_model(&crate::digits::model_folder())?;
        Self::new(model.program, model.parameters, batch)
    }

    /// So many linear operations of `width` channels, each with a table, on random bytes.
    pub(super) fn layers(batch: u32, width: u32, layers: u16) -> Result<Self> {
        let mut random = Random(width.into());
        let mut parameters = Vec::new();
        let mut types = Vec::new();
        let mut operations = Vec::new();
        for layer in 0..layers {
            parameters.push(random.bytes(width as usize * width as usize));
            parameters.push(channels(&mut random, width));
            types.extend([TensorType::i8(&[width, width]), TensorType::channels(width)]);
            operations.push(Operation::Linear {
                input: match layer.checked_sub(1) {
                    None => Operand::Input(0),
                    Some(before) => Operand::Operation(before),
                },
                weights: 2 * layer,
                channels: 2 * layer + 1,
                table: Some(0),
            });
        }
        let parameter = |(bytes, tensor): (&Vec<u8>, TensorType)| Parameter {
            hash: hash_bytes(bytes),
            tensor,
        };
        let program = Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: batch,
            inputs: vec![TensorType::i8(&[width])],
            parameters: parameters.iter().zip(types).map(parameter).collect(),
            tables: vec![Table::from_fn(|x| x.wrapping_mul(3) ^ 0x55)],
            operations,
            outputs: vec![layers - 1],
        };
        Self::new(program, parameters, batch)
    }

    fn new(program: Program, parameters: Vec<Vec<u8>>, batch: u32) -> Result<Self> {
        let plan = Plan::new(program).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let bytes = plan.cost().item_input_bytes * u64::from(batch);
        let input = Random(7).bytes(usize::try_from(bytes)?);
        Ok(Self {
            plan,
            parameters,
            input,
            batch,
        })
    }

    pub(super) fn parameters(&self) -> Vec<&[u8]> {
        self.parameters.iter().map(Vec::as_slice).collect()
    }

    /// What an auditor does who has the whole job and advice for its one operation.
    fn full(
        &self,
        model: &LoadedModel<'_>,
        trace: &[u8],
        advice: &[i32],
    ) -> Result<Option<audit::WrongElement>> {
        let seed = hash_bytes(b"seed");
        let weights = hash_bytes(&self.parameters[0]);
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

    /// What an auditor does who was drawn for a part of the job.
    fn sampled(
        &self,
        model: &LoadedModel<'_>,
        trace: &[u8],
        seed: &Hash,
    ) -> Result<Option<audit::WrongElement>> {
        let draw = Draw::new(&self.plan, self.batch, seed).context("no draw")?;
        let parameters = self.parameters();
        let job = AuditedJob {
            inputs: &[&self.input],
            batch: self.batch,
            trace,
        };
        let tensors = Tensors {
            plan: &self.plan,
            parameters: &parameters,
            job,
        };
        let wrong = audit::check_elements(&self.plan, self.batch, &tensors, &draw)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let wrong = match wrong {
            Some(wrong) => Some(wrong),
            None => audit::verify_items(model, &job, &draw.items)?,
        };
        let slices = tensors.slices(&draw.items);
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

/// Records with any bias and a scale that leaves results in range.
fn channels(random: &mut Random, width: u32) -> Vec<u8> {
    let mut records = Vec::new();
    for _ in 0..width {
        let [bias, multiplier] = [random.next() >> 48, (random.next() >> 34) | (1 << 29)];
        let mut record = [0; 16];
        record[..4].copy_from_slice(&bias.to_le_bytes()[..4]);
        record[4..8].copy_from_slice(&multiplier.to_le_bytes()[..4]);
        record[8] = 38 + width.ilog2() as u8 / 2;
        records.extend(record);
    }
    records
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn seed(&mut self) -> Hash {
        hash_bytes(&self.next().to_le_bytes())
    }
}
