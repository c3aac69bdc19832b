//! Linear operations: a matrix product, then bias, scaling and table over its accumulators.

use super::{
    channels::{Channels, Piece, Sums},
    weights::{Band, Form, Weights, GEMM, ZERO_POINT},
};
use crate::EngineError;
use mizan_tensor::{ExecutionError, Table};
use rayon::prelude::*;
use rten_gemm::{
    GemmInputA, GemmInputB, GemmOptions, GemmUninitOptions, PackedAMatrix, PackedBMatrix,
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
                buffers.packed = None;
                let mut bands = self.weights.bands.iter();
                bands.try_for_each(|band| self.accumulate_band(band, buffers, input, all))
            })?;
        Ok(all)
    }

    /// Puts a band's accumulators where they belong among `all` of some rows.
    fn accumulate_band(
        &self,
        band: &Band,
        buffers: &mut Buffers,
        input: &[u8],
        all: &mut [i32],
    ) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let factors = match &band.form {
            Form::Panels(panels) => {
                panels.multiply(input, &mut buffers.extended, &mut |part| {
                    let start = part.row * n + band.columns.start + part.column;
                    for (row, Sums(sums)) in all[start..].chunks_mut(n).zip(part.sums) {
                        row[..part.width].copy_from_slice(&sums[..part.width]);
                    }
                });
                return Ok(());
            }
            Form::Factors(factors) => factors,
        };
        let sums = buffers.accumulate(input, k, band, factors)?;
        let offsets = &self.weights.offsets[band.columns.clone()];
        let rows = all
            .chunks_exact_mut(n)
            .zip(sums.chunks_exact(offsets.len()));
        for (row, sums) in rows {
            let row = row[band.columns.clone()].iter_mut();
            for ((out, sum), offset) in row.zip(sums).zip(offsets) {
                *out = sum.wrapping_sub(*offset);
            }
        }
        Ok(())
    }

    /// The same number for each block, and the same number of blocks for each thread where there
    /// are more blocks than threads.
    fn rows_per_block(&self, workspace_bytes: usize) -> usize {
        let Shape { n, k } = self.shape;
        let (rows, threads) = ((self.input.len() / k).max(1), rayon::current_num_threads());
        let blocks = rows.div_ceil(ROWS_PER_BLOCK);
        let even = match blocks > threads {
            true => rows.div_ceil(blocks.next_multiple_of(threads)),
            false => rows.div_ceil(blocks),
        };
        let even = match self.weights.offsets.is_empty() {
            true => even,
            false => even.next_multiple_of(ROWS_PER_TILE),
        };
        // Activations of one byte, once more in the order or the width in which they are
        // multiplied, and the matrix library's accumulators of four.
        let row_bytes = threads * (3 * k + 4 * n);
        (workspace_bytes / row_bytes).clamp(1, even)
    }

    /// A block on one thread, band after band.
    fn run_block(
        &self,
        buffers: &mut Buffers,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        buffers.packed = None;
        self.weights.bands.iter().try_for_each(|band| {
            let output = &mut output[band.columns.start..];
            self.run_band(band, buffers, input, output, self.shape.n)
        })
    }

    /// A block on several threads, which all pack the activations rather than wait for one.
    fn run_bands(&self, input: &[u8], output: &mut [u8]) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let finish = |band: &Band| {
            let columns = band.columns.len();
            let mut part = vec![0; input.len() / k * columns];
            self.run_band(band, &mut Buffers::default(), input, &mut part, columns)?;
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

    /// A band's columns of some rows. `output` has `stride` bytes a row and begins with the first
    /// of these columns.
    fn run_band(
        &self,
        band: &Band,
        buffers: &mut Buffers,
        input: &[u8],
        output: &mut [u8],
        stride: usize,
    ) -> Result<(), EngineError> {
        let first = band.columns.start;
        match &band.form {
            // What is a tile now is in the nearest cache, so it becomes bytes at once.
            Form::Panels(panels) => panels.multiply(input, &mut buffers.extended, &mut |part| {
                let piece = Piece {
                    sums: part.sums,
                    channel: first + part.column,
                    width: part.width,
                    output: &mut output[part.row * stride + part.column..],
                    stride,
                };
                self.channels.finish(piece, self.table);
            }),
            Form::Factors(factors) => {
                let sums = buffers.accumulate(input, self.shape.k, band, factors)?;
                let columns = (first, band.columns.len());
                let channels = self.channels;
                channels.finish_all(columns, sums, self.table, output, stride);
            }
        }
        Ok(())
    }
}

/// Workspace of a thread, used for one block after the other.
#[derive(Default)]
struct Buffers {
    /// What activations are extended to where panels need it.
    extended: Vec<i16>,
    /// What the matrix library takes.
    raised: Vec<u8>,
    sums: Vec<i32>,
    /// The block's activations, which are packed once for all bands: the library would do it again
    /// for each.
    packed: Option<PackedAMatrix<u8>>,
}

impl Buffers {
    /// The accumulators of a band, with what raised activations add to them.
    fn accumulate(
        &mut self,
        input: &[u8],
        k: usize,
        band: &Band,
        factors: &[PackedBMatrix<i8>],
    ) -> Result<&mut [i32], EngineError> {
        let packed = match self.packed.take() {
            Some(packed) => packed,
            None => {
                self.raised.clear();
                let raised = input.iter().map(|byte| byte ^ ZERO_POINT);
                self.raised.extend(raised);
                let rows = [input.len() / k, k];
                GEMM.prepack_a(NdTensorView::from_data(rows, &self.raised[..]))
            }
        };
        let packed = self.packed.insert(packed);
        accumulate(packed, band.columns.len(), factors, &mut self.sums)
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
