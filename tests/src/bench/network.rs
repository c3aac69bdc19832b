//! Jobs of networks of linear operations, for several benchmarks.

use anyhow::{Context, Result};
use mizan_tensor::{
    hash_bytes, Hash, Operand, Operation, Parameter, Plan, Program, Table, TensorType, FORMAT,
};

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
        let layers = (0..layers).map(|_| {
            let weights = random.bytes(width as usize * width as usize);
            let channels = channels(&mut random, width);
            (weights, channels)
        });
        let table = Table::from_fn(|x| x.wrapping_mul(3) ^ 0x55);
        Self::of(batch, width, layers.collect(), Some(table))
    }

    /// These linear operations, one after the other, on random weights and inputs.
    pub(super) fn rectified(batch: u32, layers: &[Rectified]) -> Result<Self> {
        let width = layers.first().context("no layer")?.k;
        let mut random = Random(width.into());
        let layers = layers.iter().map(|layer| {
            let weights = random.bytes(layer.k as usize * layer.n as usize);
            let channels = layer.channels(&weights);
            (weights, channels)
        });
        Self::of(batch, width, layers.collect(), None)
    }

    /// Linear operations by their weights and channel records, on an input of `width`.
    fn of(
        batch: u32,
        width: u32,
        layers: Vec<(Vec<u8>, Vec<u8>)>,
        table: Option<Table>,
    ) -> Result<Self> {
        let (mut parameters, mut operations, mut k) = (Vec::new(), Vec::new(), width);
        for ((weights, channels), layer) in layers.iter().zip(0u16..) {
            let n = u32::try_from(channels.len() / 16)?;
            let types = [TensorType::i8(&[n, k]), TensorType::channels(n)];
            for (bytes, tensor) in [weights, channels].into_iter().zip(types) {
                let hash = hash_bytes(bytes);
                parameters.push(Parameter { hash, tensor });
            }
            operations.push(Operation::Linear {
                input: match layer.checked_sub(1) {
                    None => Operand::Input(0),
                    Some(before) => Operand::Operation(before),
                },
                weights: 2 * layer,
                channels: 2 * layer + 1,
                table: table.is_some().then_some(0),
            });
            k = n;
        }
        let last = u16::try_from(layers.len())?.checked_sub(1);
        let program = Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: batch,
            inputs: vec![TensorType::i8(&[width])],
            parameters,
            tables: table.into_iter().collect(),
            operations,
            outputs: vec![last.context("no layer")?],
        };
        let parameters = layers.into_iter().flat_map(<[Vec<u8>; 2]>::from);
        Self::new(program, parameters.collect(), batch)
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
}

/// A linear operation with ReLU, as networks have them whose activations are unsigned.
///
/// What such a network calls `u` is here the signed byte `u - 128`; the bias makes up for it.
pub(super) struct Rectified {
    pub(super) n: u32,
    pub(super) k: u32,
    /// Sums are divided by two to the power of this.
    pub(super) shift: u8,
    /// Whether inputs are centred on 128 instead of starting at 0.
    is_centred: bool,
}

impl Rectified {
    /// With a scale at which results of random weights spread over the range.
    pub(super) fn new(k: u32, n: u32, is_centred: bool) -> Self {
        // Random bytes deviate by 74, and results shall by 100.
        let shift = (54.76 * f64::from(k).sqrt()).log2().round() as u8;
        Self {
            n,
            k,
            shift,
            is_centred,
        }
    }

    fn channels(&self, weights: &[u8]) -> Vec<u8> {
        let record = |row: &[u8]| {
            let sum: i32 = row.iter().map(|weight| i32::from(*weight as i8)).sum();
            let centre = if self.is_centred { 0 } else { 128 * sum };
            let mut record = [0; 16];
            record[..4].copy_from_slice(&(centre - (128 << self.shift)).to_le_bytes());
            record[4..8].copy_from_slice(&1i32.to_le_bytes());
            record[8] = self.shift;
            record
        };
        weights
            .chunks_exact(self.k as usize)
            .flat_map(record)
            .collect()
    }
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
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    pub(super) fn seed(&mut self) -> Hash {
        hash_bytes(&self.next().to_le_bytes())
    }
}
