//! Linear operations: a matrix product, then bias, scaling and table over its accumulators.

use super::{
    channels::Channels,
    weights::{Band, Form, Weights, GEMM, ZERO_POINT},
};
use crate::EngineError;
use mizan_tensor::{ExecutionError, Table};
use rayon::prelude::*;
use rten_gemm::{
    GemmInputA, GemmInputB, GemmOptions, GemmUninitOptions, PackedAMatrix, PackedBMatrix,
    QuantParams,
};
use rten_tensor::NdTensorView;

/// Most rows of one block: the matrix library goes through all weights once for so many.
const ROWS_PER_BLOCK: usize = 64;
/// Rows that the matrix library computes together.
const ROWS_PER_TILE: usize = 8;

/// The shape of weights, `[N, K]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) n: usize,
    pub(super) k: usize,
}

impl Shape {
    /// From what the operation reads. A validated plan has no empty tensor.
    pub(super) fn of(weights: &[i8], channels: &[u8]) -> Result<Self, ExecutionError> {
        let n = channels.len() / 16;
        let k = weights.len().checked_div(n).unwrap_or(0);
        match k {
            0 => Err(ExecutionError::TooLarge),
            _ => Ok(Self { n, k }),
        }
    }
}

/// A linear operation on the bytes that it reads.
pub(super) struct Linear<'a> {
    pub(super) shape: Shape,
    /// `[rows, K]`, signed.
    pub(super) input: &'a [u8],
    pub(super) weights: &'a Weights,
    /// With the offsets of the weights.
    pub(super) channels: &'a Channels,
    pub(super) table: Option<&'a Table>,
}

impl Linear<'_> {
    /// Fills `output`, `[rows, N]`, block by block of rows, so that what lies between input and
    /// output stays in a processor's cache. Threads share the blocks, and the bands of columns of
    /// each block where there are fewer blocks than threads; they meet once, at the end.
    pub(super) fn run(&self, workspace_bytes: usize, output: &mut [u8]) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let block = self.rows_per_block(workspace_bytes);
        let blocks = output
            .par_chunks_mut(block * n)
            .zip(self.input.par_chunks(block * k));
        if blocks.len() < rayon::current_num_threads() && self.weights.bands.len() > 1 {
            return blocks.try_for_each(|(output, input)| self.run_bands(input, output));
        }
        blocks.try_for_each_init(Buffers::default, |buffers, (output, input)| {
            self.run_block(buffers, input, output)
        })
    }

    /// The accumulators alone, `[rows, N]`, as the program defines them.
    pub(super) fn accumulators(&self, workspace_bytes: usize) -> Result<Vec<i32>, EngineError> {
        let Shape { n, k } = self.shape;
        let count = (self.input.len() / k).checked_mul(n);
        let count = count.ok_or(ExecutionError::TooLarge)?;
        let mut all = Vec::new();
        all.try_reserve_exact(count)
            .map_err(|_| ExecutionError::TooLarge)?;
        all.resize(count, 0);
        let rows = self.rows_per_block(workspace_bytes);
        let blocks = all.par_chunks_mut(rows * n);
        blocks
            .zip(self.input.par_chunks(rows * k))
            .try_for_each_init(Buffers::default, |buffers, (all, input)| {
                let Buffers { activations, sums } = buffers;
                let mut activations = Activations::of(input, self.shape.k, activations);
                for band in &self.weights.bands {
                    let sums = activations.accumulate(band, sums)?;
                    self.lower(band, sums, all);
                }
                Ok::<_, EngineError>(())
            })?;
        Ok(all)
    }

    /// Takes off a band's accumulators what raised activations added to them.
    fn lower(&self, band: &Band, sums: &[i32], all: &mut [i32]) {
        let rows = all
            .chunks_exact_mut(self.shape.n)
            .zip(sums.chunks_exact(band.columns.len()));
        let offsets = self.weights.offsets.get(band.columns.clone());
        for (row, sums) in rows {
            let row = &mut row[band.columns.clone()];
            let Some(offsets) = offsets else {
                row.copy_from_slice(sums);
                continue;
            };
            for ((out, sum), offset) in row.iter_mut().zip(sums).zip(offsets) {
                *out = sum.wrapping_sub(*offset);
            }
        }
    }

    fn rows_per_block(&self, workspace_bytes: usize) -> usize {
        let Shape { n, k } = self.shape;
        let rows = (self.input.len() / k).max(1);
        let even = rows.div_ceil(rows.div_ceil(ROWS_PER_BLOCK));
        // Activations of one byte, once more in the library's order, and accumulators of four.
        let row_bytes = rayon::current_num_threads() * (2 * k + 4 * n);
        (workspace_bytes / row_bytes).clamp(1, even.next_multiple_of(ROWS_PER_TILE))
    }

    /// A block on one thread, band after band.
    fn run_block(
        &self,
        buffers: &mut Buffers,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let Buffers { activations, sums } = buffers;
        let mut activations = Activations::of(input, k, activations);
        for band in &self.weights.bands {
            let sums = activations.accumulate(band, sums)?;
            let place = (n, band.columns.start);
            let columns = band.columns.clone();
            self.channels
                .finish(columns, sums, self.table, output, place);
        }
        Ok(())
    }

    /// A block on several threads, which all pack the activations rather than wait for one.
    fn run_bands(&self, input: &[u8], output: &mut [u8]) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let finish = |band: &Band| {
            let Buffers {
                mut activations,
                mut sums,
            } = Buffers::default();
            let mut activations = Activations::of(input, k, &mut activations);
            let sums = activations.accumulate(band, &mut sums)?;
            let columns = band.columns.clone();
            let mut part = vec![0; sums.len()];
            let place = (columns.len(), 0);
            self.channels
                .finish(columns, sums, self.table, &mut part, place);
            Ok(part)
        };
        let bands = self.weights.bands.par_iter();
        let parts = bands.map(finish).collect::<Result<Vec<_>, EngineError>>()?;
        for (band, part) in self.weights.bands.iter().zip(&parts) {
            let rows = output
                .chunks_exact_mut(n)
                .zip(part.chunks_exact(band.columns.len()));
            rows.for_each(|(row, part)| row[band.columns.clone()].copy_from_slice(part));
        }
        Ok(())
    }
}

/// Rows of activations, which are prepared once for all bands that need it: the library would do
/// it again for each.
struct Activations<'a> {
    input: &'a [u8],
    k: usize,
    space: &'a mut Vec<u8>,
    packed: Option<PackedAMatrix<u8>>,
}

impl<'a> Activations<'a> {
    fn of(input: &'a [u8], k: usize, space: &'a mut Vec<u8>) -> Self {
        Self {
            input,
            k,
            space,
            packed: None,
        }
    }

    /// The accumulators of a band, with what raised activations add to them where the library
    /// multiplies.
    fn accumulate<'b>(
        &mut self,
        band: &Band,
        sums: &'b mut Vec<i32>,
    ) -> Result<&'b mut [i32], EngineError> {
        match &band.form {
            Form::Panels(panels) => {
                let count = self.input.len() / self.k * band.columns.len();
                sums.resize(count, 0);
                panels.multiply(self.input, sums);
                Ok(sums)
            }
            Form::Factors(factors) => {
                let packed = match self.packed.take() {
                    Some(packed) => packed,
                    None => self.pack(),
                };
                let packed = self.packed.insert(packed);
                accumulate(packed, band.columns.len(), factors, sums)
            }
        }
    }

    fn pack(&mut self) -> PackedAMatrix<u8> {
        let Self { input, k, .. } = *self;
        self.space.clear();
        self.space
            .extend(input.iter().map(|byte| byte ^ ZERO_POINT));
        GEMM.prepack_a(NdTensorView::from_data(
            [input.len() / k, k],
            &self.space[..],
        ))
    }
}

/// The sum over some factors, each but the last doubled, for raised activations.
///
/// Nothing here leaves `i32`: the program format bounds K by 65,536, and a raised activation is
/// at most 255 and a weight 128, so a sum is at most 2,139,095,040 in magnitude, smaller than
/// 2^31; the first factor's doubled sums come from weights of the same range.
fn accumulate<'a>(
    activations: &PackedAMatrix<u8>,
    columns: usize,
    factors: &[PackedBMatrix<i8>],
    sums: &'a mut Vec<i32>,
) -> Result<&'a mut [i32], EngineError> {
    let operand = || GemmInputA::Packed(activations);
    let count = activations.rows() * columns;
    sums.clear();
    sums.reserve(count);
    let mut factors = factors.iter().map(GemmInputB::Packed);
    let first = factors.next().ok_or(ExecutionError::TooLarge)?;
    let space = &mut sums.spare_capacity_mut()[..count];
    let sums = GEMM.gemm_uninit(space, operand(), first, GemmUninitOptions::default())?;
    for factor in factors {
        sums.iter_mut().for_each(|sum| *sum = sum.wrapping_mul(2));
        let options = GemmOptions {
            beta: 1,
            ..Default::default()
        };
        GEMM.gemm(sums, operand(), factor, options)?;
    }
    Ok(sums)
}

/// Workspace of a thread, used for one block after the other.
#[derive(Default)]
struct Buffers {
    activations: Vec<u8>,
    sums: Vec<i32>,
}

/// One row with weights as they are, which is faster than packing them for it. `channels` have
/// no offsets here.
pub(super) fn run_row(
    shape: Shape,
    input: &[u8],
    weights: &[i8],
    channels: &Channels,
    table: Option<&Table>,
    output: &mut [u8],
) -> Result<(), EngineError> {
    let activations: Vec<u8> = input.iter().map(|byte| byte ^ ZERO_POINT).collect();
    let activations = NdTensorView::from_data([1, shape.k], &activations[..]);
    let columns = NdTensorView::from_data([shape.n, shape.k], weights).transposed();
    let options = GemmOptions {
        a_quant: Some(QuantParams {
            zero_point: &[ZERO_POINT],
        }),
        ..Default::default()
    };
    let mut sums = vec![0; shape.n];
    GEMM.gemm(
        &mut sums,
        GemmInputA::Unpacked(activations),
        GemmInputB::Unpacked(columns),
        options,
    )?;
    let all = 0..shape.n;
    channels.finish(all, &sums, table, output, (shape.n, 0));
    Ok(())
}
