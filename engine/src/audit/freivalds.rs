//! Freivalds' check of a matrix product.

use super::vectors::{fold, multiply_accumulators, multiply_bytes, Pair, ROWS};
use mizan_tensor::MAX_REDUCTION;
use rayon::prelude::*;

/// Rows of weights that are worth handing to another thread.
const ROWS_PER_THREAD: usize = 512;
/// Accumulators of one block of rows, at about so many bytes, stay in a processor's own cache.
const BLOCK_BYTES: usize = 128 << 10;

/// Why accumulators are not accepted. It convicts nobody: nobody committed to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdviceError {
    /// The lengths do not fit: no weights, a reduction of more than 65,536, or another number of
    /// accumulators than rows of the input times rows of the weights.
    #[error("input, weights and accumulators do not have lengths that fit each other")]
    WrongLength,
    /// The accumulators of a row of the input are wrong. No row before it was found wrong.
    #[error("the accumulators of row {row} are wrong")]
    WrongRow {
        /// The row.
        row: usize,
    },
}

/// Checks `accumulators`, `[M, N]`, against `input`, `[M, K]`, times the transposed `weights`,
/// `[N, K]`, all row-major. `seed` is secret and fresh, see [`LinearCheck`].
pub fn check_accumulators(
    input: &[u8],
    weights: &[u8],
    accumulators: &[i32],
    n: usize,
    seed: &[u8; 32],
) -> Result<(), AdviceError> {
    LinearCheck::new(weights, n, seed)?.verify(input, accumulators)
}

/// Freivalds' check for one matrix of weights and any number of inputs (R. Freivalds,
/// *Probabilistic machines can use less running time*, IFIP Congress 1977).
///
/// For a secret uniform vector `r` of 64-bit numbers, the accumulators `A = X Wᵀ` of an input `X`
/// must satisfy `A r = X (Wᵀ r)`, which takes `M N + M K + N K` products instead of `M N K`. Two
/// vectors are used in one pass.
///
/// All sums are taken modulo 2^64. Right accumulators always pass: they are below 2^31 for a
/// reduction of at most 65,536, so they are the same numbers modulo 2^64. A wrong row differs from
/// the right one by integers `d`, not all zero, each of less than 2^32 in magnitude, since both
/// are 32-bit numbers. Fix all of `r` but the entry that meets some `d != 0`: the row passes only
/// if `d r = c` modulo 2^64 for a fixed `c`. With `2^t` the largest power of two in `d`, that has
/// either no solution or `2^t` of them in 2^64, and `t <= 31`. So a round errs with probability at
/// most 2^-33 and both with at most 2^-66, whatever the worker chose, as long as it chose before
/// it could learn anything of `r`. Where a row was refused, and the worker can see that, the next
/// job needs another seed.
#[derive(Debug)]
pub struct LinearCheck<'a> {
    weights: &'a [i8],
    n: usize,
    k: usize,
    /// `r`, N numbers.
    secret: Pair,
    /// `Wᵀ r`, K numbers.
    folded: Pair,
}

impl<'a> LinearCheck<'a> {
    /// Draws the vectors from a secret seed and multiplies the weights, `[n, K]`, with them.
    pub fn new(weights: &'a [u8], n: usize, seed: &[u8; 32]) -> Result<Self, AdviceError> {
        let k = weights.len().checked_div(n).unwrap_or(0);
        if k == 0 || k > MAX_REDUCTION as usize || k * n != weights.len() {
            return Err(AdviceError::WrongLength);
        }
        let weights: &[i8] = bytemuck::cast_slice(weights);
        let secret = expand(seed, n);
        let zeroes = || [vec![0; k], vec![0; k]];
        let parts = weights.par_chunks(ROWS_PER_THREAD * k).enumerate();
        let folded = parts.fold(zeroes, |mut sums, (part, rows)| {
            fold(rows, &secret, part * ROWS_PER_THREAD, &mut sums);
            sums
        });
        let folded = folded.reduce(zeroes, |mut left, right| {
            for (left, right) in left.iter_mut().flatten().zip(right.iter().flatten()) {
                *left = left.wrapping_add(*right);
            }
            left
        });
        Ok(Self {
            weights,
            n,
            k,
            secret,
            folded,
        })
    }

    /// Output channels: accumulators in a row.
    pub fn channels(&self) -> usize {
        self.n
    }

    /// Accepts the accumulators, `[M, N]`, of an input `[M, K]`, or names the first row that is
    /// wrong. See [`Self::wrong_column`] for which of its accumulators.
    pub fn verify(&self, input: &[u8], accumulators: &[i32]) -> Result<(), AdviceError> {
        self.check_lengths(input, accumulators)?;
        let rows = self.rows_per_block();
        let blocks = input
            .par_chunks(rows * self.k)
            .zip(accumulators.par_chunks(rows * self.n));
        let wrong = blocks
            .enumerate()
            .map_init(Workspace::default, |workspace, (block, (input, sums))| {
                let row = self.wrong_row(workspace, input, sums)?;
                Some(block * rows + row)
            })
            .find_map_first(|row| row);
        match wrong {
            Some(row) => Err(AdviceError::WrongRow { row }),
            None => Ok(()),
        }
    }

    /// The first wrong accumulator of a row, by computing all of them again. `None` where they are
    /// all right, or there is no such row.
    pub fn wrong_column(&self, input: &[u8], accumulators: &[i32], row: usize) -> Option<usize> {
        let input = input.chunks_exact(self.k).nth(row)?;
        let sums = accumulators.chunks_exact(self.n).nth(row)?;
        let weights = self.weights.chunks_exact(self.k);
        let mut columns = weights.zip(sums);
        columns.position(|(weights, sum)| exact(input, weights) != *sum)
    }

    /// The right accumulator of one element of the output.
    pub(super) fn accumulator(&self, input: &[u8], row: usize, column: usize) -> Option<i32> {
        let input = input.chunks_exact(self.k).nth(row)?;
        let weights = self.weights.chunks_exact(self.k).nth(column)?;
        Some(exact(input, weights))
    }

    pub(super) fn check_lengths(
        &self,
        input: &[u8],
        accumulators: &[i32],
    ) -> Result<(), AdviceError> {
        let rows = input.len() / self.k;
        let fits =
            rows * self.k == input.len() && rows.checked_mul(self.n) == Some(accumulators.len());
        fits.then_some(()).ok_or(AdviceError::WrongLength)
    }

    /// A multiple of the rows that are multiplied together.
    pub(super) fn rows_per_block(&self) -> usize {
        (BLOCK_BYTES / (4 * self.n + self.k))
            .max(1)
            .next_multiple_of(ROWS)
    }

    /// Elements of one row of the input.
    pub(super) fn reduction(&self) -> usize {
        self.k
    }

    /// The first wrong row of a block.
    pub(super) fn wrong_row(
        &self,
        workspace: &mut Workspace,
        input: &[u8],
        accumulators: &[i32],
    ) -> Option<usize> {
        let Workspace { claimed, right } = workspace;
        multiply_accumulators(accumulators, &self.secret, claimed);
        multiply_bytes(bytemuck::cast_slice(input), &self.folded, right);
        claimed.iter().zip(right).position(|(a, b)| a != b)
    }
}

/// Two products a row, used for one block after the other.
#[derive(Default)]
pub(super) struct Workspace {
    claimed: Vec<[u64; 2]>,
    right: Vec<[u64; 2]>,
}

/// An accumulator as the program defines it. At most 65,536 terms of at most 2^14.
fn exact(input: &[u8], weights: &[i8]) -> i32 {
    input.iter().zip(weights).fold(0i32, |sum, (x, w)| {
        sum.wrapping_add(i32::from(*x as i8).wrapping_mul((*w).into()))
    })
}

/// Two vectors of uniform numbers: BLAKE3's extendable output, keyed with the seed.
fn expand(seed: &[u8; 32], length: usize) -> Pair {
    let mut reader = blake3::Hasher::new_keyed(seed)
        .update(b"Freivalds")
        .finalize_xof();
    let mut bytes = vec![0; 8 * length];
    [(); 2].map(|()| {
        reader.fill(&mut bytes);
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().map(|word| u64::from_le_bytes(*word)).collect()
    })
}

#[cfg(test)]
mod tests;
