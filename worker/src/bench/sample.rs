//! Jobs to measure with, on random bytes of the whole range.

use mizan_engine::{EngineError, Executor};
use mizan_tensor::{
    hash_bytes, Operand, Operation, Parameter, Plan, Program, ProgramError, TensorType, FORMAT,
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Bytes of a channel record.
const RECORD_BYTES: usize = 16;

/// A job of a program with one input.
pub(crate) struct Sample {
    plan: Plan,
    parameters: Vec<Vec<u8>>,
    input: Vec<u8>,
    batch: u32,
}

impl Sample {
    /// So many linear operations, one after the other, of `width` channels on `width` channels.
    pub(crate) fn layers(batch: u32, width: u32, layers: u16) -> Result<Self, ProgramError> {
        let mut noise = Noise(u64::from(width) << 32 | u64::from(layers));
        let (mut tensors, mut operations) = (Vec::new(), Vec::new());
        for layer in 0..layers {
            let weights = noise.bytes(u64::from(width) * u64::from(width));
            tensors.push((weights, TensorType::i8(&[width, width])));
            tensors.push((records(width), TensorType::channels(width)));
            operations.push(Operation::Linear {
                input: match layer.checked_sub(1) {
                    None => Operand::Input(0),
                    Some(before) => Operand::Operation(before),
                },
                weights: 2 * layer,
                channels: 2 * layer + 1,
                table: None,
            });
        }
        Self::new(batch, width, tensors, operations, noise)
    }

    /// One addition of two tensors of `width` elements an item.
    pub(crate) fn addition(batch: u32, width: u32) -> Result<Self, ProgramError> {
        let addition = Operation::Add {
            left: Operand::Input(0),
            right: Operand::Input(0),
            left_multiplier: 3,
            right_multiplier: 5,
            shift: 3,
            table: None,
        };
        Self::new(batch, width, Vec::new(), vec![addition], Noise(1))
    }

    fn new(
        batch: u32,
        width: u32,
        tensors: Vec<(Vec<u8>, TensorType)>,
        operations: Vec<Operation>,
        mut noise: Noise,
    ) -> Result<Self, ProgramError> {
        let last = operations.len().saturating_sub(1);
        let (parameters, types): (Vec<_>, Vec<_>) = tensors.into_iter().unzip();
        let named = parameters.iter().zip(types);
        let plan = Plan::new(Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: batch,
            inputs: vec![TensorType::i8(&[width])],
            parameters: named
                .map(|(bytes, tensor)| Parameter {
                    hash: hash_bytes(bytes),
                    tensor,
                })
                .collect(),
            tables: Vec::new(),
            operations,
            outputs: vec![u16::try_from(last).unwrap_or(u16::MAX)],
        })?;
        Ok(Self {
            plan,
            parameters,
            input: noise.bytes(u64::from(batch) * u64::from(width)),
            batch,
        })
    }

    /// Multiply-accumulates, as the chain counts them.
    pub(crate) fn macs(&self) -> u128 {
        self.plan.cost().macs(self.batch)
    }

    /// Bytes of trace and outputs.
    pub(crate) fn result_bytes(&self) -> u64 {
        let cost = self.plan.cost();
        let of_item = cost.item_trace_bytes.saturating_add(cost.item_output_bytes);
        of_item.saturating_mul(self.batch.into())
    }

    /// How many multiply-accumulates a second an executor does, computing and committing as for
    /// the chain, over and over for `time` and at least once.
    pub(crate) fn macs_per_second(
        &self,
        executor: &dyn Executor,
        time: Duration,
    ) -> Result<u128, EngineError> {
        // The first one brings memory, caches and clocks into shape.
        self.time(executor)?;
        let (mut taken, mut macs) = (Duration::ZERO, 0u128);
        loop {
            taken = taken.saturating_add(self.time(executor)?);
            macs = macs.saturating_add(self.macs());
            if taken >= time {
                return Ok(macs.saturating_mul(1_000_000_000) / taken.as_nanos().max(1));
            }
        }
    }

    /// How long it takes once.
    pub(crate) fn time(&self, executor: &dyn Executor) -> Result<Duration, EngineError> {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let start = Instant::now();
        let inputs = [&self.input[..]];
        black_box(executor.execute_committed(&self.plan, &parameters, &inputs, self.batch)?);
        Ok(start.elapsed())
    }
}

/// Records of channels whose results are spread over the range, for random bytes.
fn records(width: u32) -> Vec<u8> {
    // A product of random bytes deviates by 74 squared, the sum of so many by the root of it more.
    let shift = 30 + 6 + u8::try_from(width.max(1).ilog2() / 2).unwrap_or_default();
    let mut record = [0; RECORD_BYTES];
    record[4..8].copy_from_slice(&(1i32 << 30).to_le_bytes());
    record[8] = shift;
    record.repeat(width as usize)
}

/// Bytes that look random: SplitMix64.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: u64) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.word().to_le_bytes());
        words.flatten().take(count as usize).collect()
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_engine::{CpuExecutor, Reference};

    fn output(sample: &Sample, executor: &dyn Executor) -> Vec<u8> {
        let parameters: Vec<&[u8]> = sample.parameters.iter().map(Vec::as_slice).collect();
        let inputs = [&sample.input[..]];
        let executed = executor.execute(&sample.plan, &parameters, &inputs, sample.batch);
        executed.unwrap().outputs.remove(0)
    }

    #[test]
    fn every_layer_gives_bytes_of_the_whole_range() {
        for sample in [
            Sample::layers(16, 256, 3).unwrap(),
            Sample::addition(16, 256).unwrap(),
        ] {
            let output = output(&sample, &Reference);
            assert_eq!(output.len(), 16 * 256);
            let values = (0..=255u8).filter(|byte| output.contains(byte)).count();
            // All but a few, and not the two ends alone.
            assert!(values > 200, "{values} values");
            let ends = output.iter().filter(|byte| [0x7f, 0x80].contains(*byte));
            assert!(ends.count() < output.len() / 2);
        }
    }

    #[test]
    fn a_machine_has_a_speed_however_short_the_time() {
        let sample = Sample::layers(1, 64, 1).unwrap();
        let speed = sample.macs_per_second(&CpuExecutor::new(), Duration::ZERO);
        assert!(speed.unwrap() > 0);
    }
}
