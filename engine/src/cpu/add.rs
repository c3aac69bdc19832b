//! Element-wise addition.

use super::{finish, ELEMENTS_PER_THREAD};
use mizan_tensor::{requantise, Table};
use rayon::prelude::*;

/// Fills `output` with `table(clamp((a * ma + b * mb + round) >> shift))`.
pub(super) fn add(
    left: &[u8],
    right: &[u8],
    [left_multiplier, right_multiplier]: [i32; 2],
    shift: u8,
    table: Option<&Table>,
    output: &mut [u8],
) {
    let element = |a: u8, b: u8| {
        // A signed byte times 32 bits, twice: far from the ends of 64 bits.
        let a = i64::from(a as i8) * i64::from(left_multiplier);
        let b = i64::from(b as i8) * i64::from(right_multiplier);
        finish(requantise(a + b, 1, shift), table)
    };
    let pieces = output.par_chunks_mut(ELEMENTS_PER_THREAD);
    let operands = left
        .par_chunks(ELEMENTS_PER_THREAD)
        .zip(right.par_chunks(ELEMENTS_PER_THREAD));
    pieces.zip(operands).for_each(|(output, (left, right))| {
        for ((out, a), b) in output.iter_mut().zip(left).zip(right) {
            *out = element(*a, *b);
        }
    });
}
