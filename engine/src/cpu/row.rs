//! One row with weights as they are, which is faster than packing them for it.

use super::{
    channels::{Channels, CHANNELS_AT_ONCE},
    linear::Shape,
    panels::Instructions,
    weights::{Arithmetic, GEMM, ZERO_POINT},
};
use crate::EngineError;
use mizan_tensor::Table;
use rayon::prelude::*;
use rten_gemm::{GemmInputA, GemmInputB, GemmOptions, QuantParams};
use rten_tensor::NdTensorView;

/// Fewest columns that are worth handing to another thread.
const COLUMNS_PER_THREAD: usize = 128;

/// A linear operation on one row.
pub(super) struct Row<'a> {
    pub(super) shape: Shape,
    /// `[K]`, signed.
    pub(super) input: &'a [u8],
    /// `[N, K]`.
    pub(super) weights: &'a [i8],
    /// Without offsets.
    pub(super) channels: &'a Channels,
    pub(super) table: Option<&'a Table>,
}

impl Row<'_> {
    /// Fills `output`, `[N]`. Whether this arithmetic can: otherwise nothing is done.
    pub(super) fn run(
        &self,
        arithmetic: Arithmetic,
        output: &mut [u8],
    ) -> Result<bool, EngineError> {
        match arithmetic {
            Arithmetic::Panels(instructions) => self.run_with(instructions, output),
            Arithmetic::Whole => self.run_by_library(output)?,
            Arithmetic::Split => return Ok(false),
        }
        Ok(true)
    }

    /// Neighbouring columns on each thread.
    fn run_with(&self, instructions: Instructions, output: &mut [u8]) {
        let Shape { n, k } = self.shape;
        let even = n.div_ceil(rayon::current_num_threads());
        let columns = even
            .next_multiple_of(CHANNELS_AT_ONCE)
            .max(COLUMNS_PER_THREAD);
        let parts = output.par_chunks_mut(columns);
        let parts = parts.zip(self.weights.par_chunks(columns * k)).enumerate();
        parts.for_each(|(index, (output, weights))| {
            let mut sums = vec![0; output.len()];
            instructions.multiply_row(self.input, weights, &mut sums);
            let (part, stride) = ((index * columns, sums.len()), sums.len());
            let table = self.table;
            self.channels.finish_all(part, &sums, table, output, stride);
        });
    }

    fn run_by_library(&self, output: &mut [u8]) -> Result<(), EngineError> {
        let Shape { n, k } = self.shape;
        let activations: Vec<u8> = self.input.iter().map(|byte| byte ^ ZERO_POINT).collect();
        let activations = NdTensorView::from_data([1, k], &activations[..]);
        let columns = NdTensorView::from_data([n, k], self.weights).transposed();
        let options = GemmOptions {
            a_quant: Some(QuantParams {
                zero_point: &[ZERO_POINT],
            }),
            ..Default::default()
        };
        let mut sums = vec![0; n];
        GEMM.gemm(
            &mut sums,
            GemmInputA::Unpacked(activations),
            GemmInputB::Unpacked(columns),
            options,
        )?;
        self.channels
            .finish_all((0, n), &sums, self.table, output, n);
        Ok(())
    }
}
