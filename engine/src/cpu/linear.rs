//! Linear operations: a matrix product, then bias, scaling and table over its accumulators.

use super::{finish, ELEMENTS_PER_THREAD};
use crate::EngineError;
use mizan_tensor::{requantise, ExecutionError, Table};
use rayon::prelude::*;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix, QuantParams};
use rten_tensor::prelude::*;
use rten_tensor::NdTensorView;

type Gemm = GemmExecutor<u8, i8, i32>;

/// The matrix library multiplies unsigned activations with signed weights. A signed byte with its
/// top bit flipped is the unsigned byte that lies this much higher; the library takes it off again.
const ZERO_POINT: u8 = 0x80;

/// How accumulators are computed exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    /// One product. For machines that add four 8-bit products into 32 bits.
    Whole,
    /// Two products, of `w >> 1` and of `w & 1`, for `w = 2 * (w >> 1) + (w & 1)`.
    ///
    /// Without such an instruction x86 adds pairs of products `u8 * i8` into 16 bits, with
    /// saturation (`vpmaddubsw`). `w >> 1` lies between -64 and 63 and an activation between 0
    /// and 255, so a pair is at most `2 * 255 * 64 = 32,640 <= 32,767` in magnitude; for `w & 1`
    /// it is at most 510. Neither half can saturate.
    Split,
}

impl Arithmetic {
    /// The fastest that is exact here.
    pub(super) fn of_this_machine() -> Self {
        if Gemm::new().may_saturate() {
            Self::Split
        } else {
            Self::Whole
        }
    }
}

/// A linear operation on the bytes that it reads.
pub(super) struct Linear<'a> {
    /// `[rows, K]`, signed.
    pub(super) input: &'a [u8],
    /// `[N, K]`.
    pub(super) weights: &'a [i8],
    /// N records of 16 bytes.
    pub(super) channels: &'a [u8],
    pub(super) table: Option<&'a Table>,
}

/// A channel record, decoded once for all rows.
struct Channel {
    bias: i64,
    multiplier: i32,
    shift: u8,
}

impl Channel {
    fn decode(record: &[u8; 16]) -> Self {
        let [b0, b1, b2, b3, m0, m1, m2, m3, shift, ..] = *record;
        Self {
            bias: i32::from_le_bytes([b0, b1, b2, b3]).into(),
            multiplier: i32::from_le_bytes([m0, m1, m2, m3]),
            shift,
        }
    }
}

impl Linear<'_> {
    /// Fills `output`, `[rows, N]`, in blocks of as many rows as the workspace allows.
    pub(super) fn run(
        &self,
        arithmetic: Arithmetic,
        workspace_bytes: usize,
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let (records, _) = self.channels.as_chunks::<16>();
        let channels: Vec<Channel> = records.iter().map(Channel::decode).collect();
        let n = channels.len();
        let k = quotient(self.weights.len(), n)?;
        let rows = quotient(self.input.len(), k)?;
        // Activations of one byte and accumulators of four.
        let block = (workspace_bytes / (k + 4 * n)).clamp(1, rows.max(1));
        let reused = block < rows;
        let gemm = Gemm::new();
        let halves = self.halves(arithmetic);
        let factors: Vec<Factor<'_>> = match &halves {
            Some(halves) => halves
                .iter()
                .map(|half| Factor::new(&gemm, half, k, reused))
                .collect(),
            None => vec![Factor::new(&gemm, self.weights, k, reused)],
        };
        let mut activations = Vec::with_capacity(block * k);
        let mut accumulators = vec![0i32; block * n];
        for (input, output) in self
            .input
            .chunks(block * k)
            .zip(output.chunks_mut(block * n))
        {
            activations.clear();
            activations.extend(input.iter().map(|byte| byte ^ ZERO_POINT));
            let activations = NdTensorView::from_data([input.len() / k, k], &activations[..]);
            let accumulators = &mut accumulators[..output.len()];
            accumulate(&gemm, activations, &factors, accumulators)?;
            requantise_rows(accumulators, &channels, self.table, output);
        }
        Ok(())
    }

    /// `w >> 1` and `w & 1` of all weights, if the arithmetic asks for them.
    fn halves(&self, arithmetic: Arithmetic) -> Option<[Vec<i8>; 2]> {
        (arithmetic == Arithmetic::Split).then(|| {
            let high = self.weights.iter().map(|w| w >> 1).collect();
            let low = self.weights.iter().map(|w| w & 1).collect();
            [high, low]
        })
    }
}

/// A dimension from the lengths of a tensor and of one slice. A validated plan has no empty slice.
fn quotient(length: usize, slice: usize) -> Result<usize, ExecutionError> {
    length.checked_div(slice).ok_or(ExecutionError::TooLarge)
}

/// Weights as the matrix library takes them.
enum Factor<'a> {
    /// For a single product: the library packs block by block as it goes.
    Once(NdTensorView<'a, i8, 2>),
    /// Packed ahead, for a product with every block of rows.
    Packed(PackedBMatrix<i8>),
}

impl<'a> Factor<'a> {
    fn new(gemm: &Gemm, weights: &'a [i8], k: usize, reused: bool) -> Self {
        let columns = NdTensorView::from_data([weights.len() / k, k], weights).transposed();
        if reused {
            Self::Packed(gemm.prepack_b(columns))
        } else {
            Self::Once(columns)
        }
    }

    fn operand(&self) -> GemmInputB<'_, i8> {
        match self {
            Self::Once(columns) => GemmInputB::Unpacked(*columns),
            Self::Packed(packed) => GemmInputB::Packed(packed),
        }
    }
}

/// Accumulators `[rows, N]`: the sum over the factors, each but the last doubled.
///
/// Nothing here leaves `i32`: the program format bounds K by 65,536, and a product of two signed
/// bytes by 2^14, so no sum of either factor, nor the sum of both, exceeds 2^30 + 2^23.
fn accumulate(
    gemm: &Gemm,
    activations: NdTensorView<'_, u8, 2>,
    factors: &[Factor<'_>],
    accumulators: &mut [i32],
) -> Result<(), EngineError> {
    let zero_point = vec![ZERO_POINT; activations.size(0)];
    for (position, factor) in factors.iter().enumerate() {
        let first = position == 0;
        if !first {
            accumulators
                .iter_mut()
                .for_each(|sum| *sum = sum.wrapping_mul(2));
        }
        let options = GemmOptions {
            beta: if first { 0 } else { 1 },
            a_quant: Some(QuantParams {
                zero_point: &zero_point,
            }),
            ..Default::default()
        };
        gemm.gemm(
            accumulators,
            GemmInputA::Unpacked(activations),
            factor.operand(),
            options,
        )?;
    }
    Ok(())
}

/// Bias, scaling and table over all accumulators, row by row.
fn requantise_rows(
    accumulators: &[i32],
    channels: &[Channel],
    table: Option<&Table>,
    output: &mut [u8],
) {
    let n = channels.len();
    let rows = output
        .par_chunks_exact_mut(n)
        .zip(accumulators.par_chunks_exact(n));
    rows.with_min_len(ELEMENTS_PER_THREAD.div_ceil(n))
        .for_each(|(output, accumulators)| {
            for ((out, sum), channel) in output.iter_mut().zip(accumulators).zip(channels) {
                let value = i64::from(*sum) + channel.bias;
                *out = finish(requantise(value, channel.multiplier, channel.shift), table);
            }
        });
}

#[cfg(test)]
mod tests {
    /// What `vpmaddubsw` adds into 16 bits: two products of an activation with a weight's half.
    #[test]
    fn no_pair_of_half_products_leaves_sixteen_bits() {
        for weight in i8::MIN..=i8::MAX {
            let (high, low) = (i32::from(weight >> 1), i32::from(weight & 1));
            assert_eq!(2 * high + low, i32::from(weight));
            for half in [high, low] {
                assert!(i16::try_from(2 * 255 * half).is_ok());
            }
        }
        // Whole weights do leave them, which is why there is a split.
        assert!(i16::try_from(2 * 255 * 127).is_err());
    }
}
