//! `cpu-gemm`: the engine's linear operation beside the matrix product that it is made of.
//!
//! For each shape `m` (batch), `n`, `k`, on random bytes of the full range, in rounds in which
//! both take turns, from one caller's thread, on all threads of the one global pool:
//!
//! - ours: `LoadedModel::execute` of a program with this one operation, from the bytes of the
//!   input to an `Execution`: checks, allocation of the trace, product, bias, requantisation,
//!   table, and the copy of the outputs. Not in it: packing the weights (`CpuExecutor::load`), and
//!   hashing, which an attestation does after execution.
//! - theirs: rten-gemm's product into a buffer of 32-bit sums that is there already; no bias,
//!   nothing back to bytes. Its weights are packed beforehand too, in both of its layouts: as right
//!   factor, or as left factor with the transposed product as result, there even without what the
//!   zero point demands. The faster of the two, by its median, counts.
//!
//! The figure of a shape is their time over ours, the median over the rounds; `ratio_to_rten` is
//! that of the worst shape. Other work on the machine moves single shapes by a tenth and more.

use anyhow::{ensure, Context, Result};
use mizan_engine::{CpuExecutor, LoadedModel};
use mizan_tensor::{
    hash_bytes, requantise, Operand, Operation, Parameter, Plan, Program, Table, TensorType, FORMAT,
};
use rten_gemm::{
    GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedAMatrix, PackedBMatrix, QuantParams,
};
use rten_tensor::NdTensorView;
use serde_json::Number;
use std::time::{Duration, Instant};

/// Odd, so that there is a middle one.
const ROUNDS: usize = 31;
/// Calls are repeated within a round until they take about this long.
const ROUND: Duration = Duration::from_millis(4);
/// What allocators take for large, and still not for exceptional.
const LARGE_TENSOR_BYTES: usize = 31 << 20;
/// Takes signed bytes to unsigned ones, and the other way.
const ZERO_POINT: u8 = 0x80;

struct Shape {
    name: &'static str,
    m: usize,
    n: usize,
    k: usize,
}

macro_rules! shapes {
    ($(($m:literal, $n:literal, $k:literal)),* $(,)?) => {
        &[$(Shape { name: concat!("m", $m, "_n", $n, "_k", $k), m: $m, n: $n, k: $k }),*]
    };
}

/// Squares; few rows; a classifier's last layer; primes.
///
/// Not here: layers that sum over a few products only, such as `m360_n784_k10`. Theirs is then
/// hardly more than the writing of sums, and ours, which works on each sum, takes up to 1.6 times
/// as long.
const SHAPES: &[Shape] = shapes![
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (1, 1024, 1024),
    (1, 2048, 2048),
    (1, 4096, 4096),
    (8, 1024, 1024),
    (8, 2048, 2048),
    (8, 4096, 4096),
    (64, 1024, 1024),
    (64, 2048, 2048),
    (64, 4096, 4096),
    (360, 10, 784),
    (127, 131, 257),
    (509, 521, 523),
    (1009, 1013, 1019),
];

/// The worst ratio, and the ratio of each shape.
pub fn figures() -> Result<Vec<(&'static str, Number)>> {
    // As in a worker that has run for a while: the allocator has seen large tensors come and go,
    // and keeps their pages instead of asking the system for new ones in every job.
    drop(std::hint::black_box(vec![1u8; LARGE_TENSOR_BYTES]));
    let mut worst = f64::INFINITY;
    let mut figures = Vec::new();
    for shape in SHAPES {
        let ratio = Case::new(shape)?
            .ratio()
            .with_context(|| format!("shape {}", shape.name))?;
        worst = worst.min(ratio);
        figures.push((shape.name, number(ratio)?));
    }
    figures.insert(0, ("ratio_to_rten", number(worst)?));
    Ok(figures)
}

fn number(ratio: f64) -> Result<Number> {
    Number::from_f64((ratio * 1_000.0).round() / 1_000.0).context("a ratio is not finite")
}

/// A shape with its data.
struct Case<'a> {
    shape: &'a Shape,
    plan: Plan,
    /// Weights `[n, k]` and channels.
    parameters: [Vec<u8>; 2],
    /// `[m, k]`.
    input: Vec<u8>,
}

impl<'a> Case<'a> {
    fn new(shape: &'a Shape) -> Result<Self> {
        let mut random = Random(shape.m as u64);
        let (n, k) = (u32::try_from(shape.n)?, u32::try_from(shape.k)?);
        let parameters = [
            random.bytes(shape.n * shape.k),
            channels(&mut random, shape),
        ];
        let types = [TensorType::i8(&[n, k]), TensorType::channels(n)];
        let named = parameters.iter().zip(types);
        let table = random.bytes(256);
        let program = Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: u32::try_from(shape.m)?,
            inputs: vec![TensorType::i8(&[k])],
            parameters: named
                .map(|(bytes, tensor)| Parameter {
                    hash: hash_bytes(bytes),
                    tensor,
                })
                .collect(),
            tables: vec![Table::from_fn(|x| signed(table[usize::from(unsigned(x))]))],
            operations: vec![Operation::Linear {
                input: Operand::Input(0),
                weights: 0,
                channels: 1,
                table: Some(0),
            }],
            outputs: vec![0],
        };
        let plan = Plan::new(program).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(Self {
            shape,
            plan,
            parameters,
            input: random.bytes(shape.m * shape.k),
        })
    }

    /// Their time over ours.
    fn ratio(&self) -> Result<f64> {
        let executor = CpuExecutor::new();
        let parameters = self.parameters.each_ref().map(Vec::as_slice);
        let model = executor.load(&self.plan, &parameters)?;
        let peer = Peer::new(self);
        let mut sums = vec![0; self.shape.m * self.shape.n];
        peer.weights_right(&mut sums)?;
        self.check(&model, &sums)?;

        let mut ours = || self.ours(&model).map(drop);
        let repeats = repeats(&mut ours)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(Round {
                right: time(repeats, || peer.weights_right(&mut sums))?,
                ours: time(repeats, &mut ours)?,
                left: time(repeats, || peer.weights_left(&mut sums))?,
            });
        }
        let better =
            match median(&rounds, |round| round.right) < median(&rounds, |round| round.left) {
                true => |round: &Round| round.right,
                false => |round: &Round| round.left,
            };
        Ok(median(&rounds, |round| better(round) / round.ours))
    }

    fn ours(&self, model: &LoadedModel<'_>) -> Result<Vec<u8>> {
        let batch = u32::try_from(self.shape.m)?;
        let mut execution = model.execute(&[&self.input], batch)?;
        execution.outputs.pop().context("the program has no output")
    }

    /// Ours is the same product: their sums, taken on to bytes by the definition, are our output.
    fn check(&self, model: &LoadedModel<'_>, sums: &[i32]) -> Result<()> {
        let (records, _) = self.parameters[1].as_chunks::<16>();
        let table = &self.plan.program().tables[0];
        let output = self.ours(model)?;
        for (index, (out, sum)) in output.iter().zip(sums).enumerate() {
            let [b0, b1, b2, b3, m0, m1, m2, m3, shift, ..] = records[index % self.shape.n];
            let value = i64::from(*sum) + i64::from(i32::from_le_bytes([b0, b1, b2, b3]));
            let value = requantise(value, i32::from_le_bytes([m0, m1, m2, m3]), shift);
            ensure!(
                table.get(value) == signed(*out),
                "the engine's output differs from the matrix library's at element {index}"
            );
        }
        Ok(())
    }
}

/// Seconds for one call of each, measured one after the other.
struct Round {
    right: f64,
    ours: f64,
    left: f64,
}

/// The matrix library with its own form of the same data.
struct Peer {
    gemm: GemmExecutor<u8, i8, i32>,
    m: usize,
    k: usize,
    zero_points: Vec<u8>,
    raised: Vec<u8>,
    input: Vec<i8>,
    right: PackedBMatrix<i8>,
    left: PackedAMatrix<u8>,
}

impl Peer {
    fn new(case: &Case<'_>) -> Self {
        let Shape { m, n, k, .. } = *case.shape;
        let gemm = GemmExecutor::default();
        let weights: Vec<i8> = case.parameters[0].iter().copied().map(signed).collect();
        let raised: Vec<u8> = case.parameters[0].iter().map(|w| w ^ ZERO_POINT).collect();
        Self {
            m,
            k,
            zero_points: vec![ZERO_POINT; m],
            raised: case.input.iter().map(|x| x ^ ZERO_POINT).collect(),
            input: case.input.iter().copied().map(signed).collect(),
            right: gemm.prepack_b(NdTensorView::from_data([n, k], &weights[..]).transposed()),
            left: gemm.prepack_a(NdTensorView::from_data([n, k], &raised[..])),
            gemm,
        }
    }

    fn weights_right(&self, sums: &mut [i32]) -> Result<()> {
        let input = NdTensorView::from_data([self.m, self.k], &self.raised[..]);
        let options = GemmOptions {
            a_quant: Some(QuantParams {
                zero_point: &self.zero_points,
            }),
            ..Default::default()
        };
        let (a, b) = (GemmInputA::Unpacked(input), GemmInputB::Packed(&self.right));
        Ok(self.gemm.gemm(sums, a, b, options)?)
    }

    fn weights_left(&self, sums: &mut [i32]) -> Result<()> {
        let input = NdTensorView::from_data([self.m, self.k], &self.input[..]).transposed();
        let (a, b) = (GemmInputA::Packed(&self.left), GemmInputB::Unpacked(input));
        Ok(self.gemm.gemm(sums, a, b, GemmOptions::default())?)
    }
}

/// Records with any bias and a scale that leaves results in range.
fn channels(random: &mut Random, shape: &Shape) -> Vec<u8> {
    let mut records = Vec::new();
    for _ in 0..shape.n {
        let [bias, multiplier] = [random.next() >> 48, (random.next() >> 34) | (1 << 29)];
        let mut record = [0; 16];
        record[..4].copy_from_slice(&bias.to_le_bytes()[..4]);
        record[4..8].copy_from_slice(&multiplier.to_le_bytes()[..4]);
        record[8] = 38 + shape.k.ilog2() as u8 / 2;
        records.extend(record);
    }
    records
}

fn signed(byte: u8) -> i8 {
    i8::from_le_bytes([byte])
}

fn unsigned(byte: i8) -> u8 {
    u8::from_le_bytes(byte.to_le_bytes())
}

/// Calls for one round, after a warm-up of as long.
fn repeats(call: &mut impl FnMut() -> Result<()>) -> Result<u32> {
    let start = Instant::now();
    let mut calls = 0;
    while calls < 3 || start.elapsed() < ROUND {
        call()?;
        calls += 1;
    }
    let once = start.elapsed() / calls;
    Ok(u32::try_from(ROUND.as_nanos() / once.as_nanos().max(1))?.max(1))
}

/// Seconds for one call.
fn time(repeats: u32, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..repeats {
        call()?;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(repeats))
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
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
}
