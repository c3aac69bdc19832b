//! A whole linear operation, from its operands to the bytes that were published of it.

use super::freivalds::{AdviceError, LinearCheck, Workspace};
use crate::cpu::Requantiser;
use mizan_tensor::Table;
use rayon::prelude::*;

/// Why a linear operation was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinearFault {
    /// The advice is no good, which says nothing about the output.
    #[error(transparent)]
    Advice(#[from] AdviceError),
    /// The first element of the output that is wrong, and its right value. Computed exactly.
    #[error("element {index} of the output is wrong: it is {right}")]
    Output {
        /// Which element, `row * N + column`.
        index: usize,
        /// What it is.
        right: i8,
    },
}

/// Checks published outputs of one linear operation with the worker's accumulators: Freivalds'
/// check, then bias, scaling and table, then comparison.
#[derive(Debug)]
pub struct LinearAudit<'a> {
    check: LinearCheck<'a>,
    requantiser: Requantiser<'a>,
}

impl<'a> LinearAudit<'a> {
    /// For weights `[N, K]` and N channel records. `seed` is secret and fresh, see
    /// [`LinearCheck`].
    pub fn new(
        weights: &'a [u8],
        channels: &[u8],
        table: Option<&'a Table>,
        seed: &[u8; 32],
    ) -> Result<Self, AdviceError> {
        Ok(Self {
            check: LinearCheck::new(weights, channels.len() / 16, seed)?,
            requantiser: Requantiser::new(channels, table),
        })
    }

    /// Accepts the bytes `output`, `[M, N]`, of an input `[M, K]`, with accumulators `[M, N]` as
    /// advice. Rows are judged in order: what is reported is the first fault.
    pub fn verify(
        &self,
        input: &[u8],
        accumulators: &[i32],
        output: &[u8],
    ) -> Result<(), LinearFault> {
        self.check.check_lengths(input, accumulators)?;
        if output.len() != accumulators.len() {
            return Err(AdviceError::WrongLength.into());
        }
        let (n, k) = (self.check.channels(), self.check.reduction());
        let rows = self.check.rows_per_block();
        let blocks = input
            .par_chunks(rows * k)
            .zip(accumulators.par_chunks(rows * n))
            .zip(output.par_chunks(rows * n));
        let fault = blocks
            .enumerate()
            .map_init(
                || (Workspace::default(), Vec::new()),
                |(workspace, scratch), (block, ((input, sums), output))| {
                    let fault = self.block_fault(workspace, scratch, input, sums, output)?;
                    Some(fault.moved(block * rows, n))
                },
            )
            .find_map_first(|fault| fault);
        fault.map_or(Ok(()), Err)
    }

    fn block_fault(
        &self,
        workspace: &mut Workspace,
        scratch: &mut Vec<u8>,
        input: &[u8],
        sums: &[i32],
        output: &[u8],
    ) -> Option<LinearFault> {
        if let Some(row) = self.check.wrong_row(workspace, input, sums) {
            return Some(AdviceError::WrongRow { row }.into());
        }
        scratch.resize(output.len(), 0);
        self.requantiser.finish(sums, scratch);
        if scratch == output {
            return None;
        }
        // The row's advice passed a check that errs hardly ever; this computation never does.
        let index = scratch.iter().zip(output).position(|(a, b)| a != b)?;
        let n = self.check.channels();
        let (row, column) = (index / n, index % n);
        let sum = self.check.accumulator(input, row, column)?;
        if sums.get(index) != Some(&sum) {
            return Some(AdviceError::WrongRow { row }.into());
        }
        let right = *scratch.get(index)? as i8;
        Some(LinearFault::Output { index, right })
    }
}

impl LinearFault {
    /// From rows of a block to rows of the whole.
    fn moved(self, rows: usize, n: usize) -> Self {
        match self {
            Self::Advice(AdviceError::WrongRow { row }) => {
                AdviceError::WrongRow { row: rows + row }.into()
            }
            Self::Advice(error) => error.into(),
            Self::Output { index, right } => Self::Output {
                index: rows * n + index,
                right,
            },
        }
    }
}

#[cfg(test)]
mod tests;
