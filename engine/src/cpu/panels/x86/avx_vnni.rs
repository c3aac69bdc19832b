//! VNNI on 256 bits.

use super::{filled_up, tiles, Group, Kernel, Sums, Tile, COLUMNS, GROUP};
use std::arch::x86_64::*;

pub(super) struct AvxVnni;

/// Columns of one register.
const LANES: usize = 8;
/// Registers of sums of one row and panel.
const REGISTERS: usize = COLUMNS / LANES;

impl Kernel for AvxVnni {
    /// Of sixteen registers two of sums for each, two of weights, and one of activations.
    const ROWS: usize = 6;
    const TOGETHER: usize = 1;
    type Activation = u8;

    fn prepare<'a>(input: &'a [u8], k: usize, _: &'a mut Vec<i16>) -> (&'a [u8], usize) {
        (input, k)
    }

    unsafe fn sum(row: &[u8]) -> i32 {
        // SAFETY: the caller's.
        unsafe { sum(row) }
    }

    unsafe fn four_columns(row: &[u8], offset: i32, weights: [&[u8]; 4]) -> [i32; 4] {
        // SAFETY: the caller's.
        unsafe { four_columns(row, offset, weights) }
    }

    unsafe fn multiply(tile: &Tile<'_, u8>, sums: &mut [Sums]) {
        // SAFETY: the caller's.
        unsafe {
            match tile.offsets.len() {
                1 => few::<1>(tile, sums),
                2 => few::<2>(tile, sums),
                _ => (0..REGISTERS / 2).for_each(|pair| rows(tile, pair, sums)),
            }
        }
    }
}

/// The sum of signed bytes.
#[target_feature(enable = "avx2,avxvnni")]
fn sum(row: &[u8]) -> i32 {
    let (vectors, rest) = row.as_chunks::<32>();
    let (mut sums, ones) = (_mm256_setzero_si256(), _mm256_set1_epi8(1));
    for vector in vectors {
        // SAFETY: the vector has the 32 bytes that are read.
        let bytes = unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) };
        sums = _mm256_dpbusd_avx_epi32(sums, ones, bytes);
    }
    let rest: i32 = rest.iter().map(|byte| i32::from(*byte as i8)).sum();
    added(sums) + rest
}

/// The products of a row with four others of the same length.
#[target_feature(enable = "avx2,avxvnni")]
fn four_columns(row: &[u8], offset: i32, weights: [&[u8]; 4]) -> [i32; 4] {
    let (vectors, rest) = row.as_chunks::<32>();
    let weights = weights.map(|weights| weights.as_chunks::<32>());
    let mut sums = [_mm256_setzero_si256(); 4];
    for (index, vector) in vectors.iter().enumerate() {
        let activations = whole(vector);
        for (sum, (weights, _)) in sums.iter_mut().zip(weights) {
            *sum = dot(*sum, raised(whole(&weights[index])), activations);
        }
    }
    if !rest.is_empty() {
        let activations = whole(&filled_up(rest));
        for (sum, (_, rest)) in sums.iter_mut().zip(weights) {
            *sum = dot(*sum, raised(whole(&filled_up(rest))), activations);
        }
    }
    sums.map(|sums| added(sums).wrapping_sub(offset))
}

#[target_feature(enable = "avx2")]
#[inline]
fn whole(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: there are the 32 bytes that are read.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Weights as panels have them.
#[target_feature(enable = "avx2")]
#[inline]
fn raised(weights: __m256i) -> __m256i {
    _mm256_xor_si256(weights, _mm256_set1_epi8(i8::MIN))
}

/// The sum of the lanes.
#[target_feature(enable = "avx2")]
#[inline]
fn added(sums: __m256i) -> i32 {
    let mut lanes = [0i32; LANES];
    // SAFETY: there is room for the eight sums that are written.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
    lanes.into_iter().fold(0, i32::wrapping_add)
}

/// One or two rows with all columns of a panel, so that there are enough sums to work on.
///
/// # Safety
/// The processor must have the instructions; there are `R` rows and one panel.
#[allow(
    clippy::needless_range_loop,
    reason = "known indices keep sums in registers"
)]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn few<const R: usize>(tile: &Tile<'_, u8>, sums: &mut [Sums]) {
    let groups = tile.k.div_ceil(GROUP);
    assert!(tile.groups.len() == groups && sums.len() == R);
    let mut accumulators = [[_mm256_setzero_si256(); REGISTERS]; R];
    for row in 0..R {
        accumulators[row] = [start(tile.offsets[row]); REGISTERS];
    }
    for group in 0..groups {
        for row in 0..R {
            let some = spread(tile.group(row, group));
            for pair in 0..REGISTERS / 2 {
                // SAFETY: there are so many groups.
                let [left, right] = unsafe { load(tile.groups, group, pair) };
                let sums = &mut accumulators[row];
                sums[2 * pair] = dot(sums[2 * pair], left, some);
                sums[2 * pair + 1] = dot(sums[2 * pair + 1], right, some);
            }
        }
    }
    for row in 0..R {
        for pair in 0..REGISTERS / 2 {
            let both = [accumulators[row][2 * pair], accumulators[row][2 * pair + 1]];
            store(&mut sums[row], pair, both);
        }
    }
}

tiles!(
    "avx2,avxvnni", u8:
    3 three: a b c;
    4 four: a b c d;
    5 five: a b c d e;
    6 six: a b c d e f;
);

/// Sums from which the row's offset is taken off.
#[target_feature(enable = "avx2")]
#[inline]
fn start(offset: i32) -> __m256i {
    _mm256_set1_epi32(offset.wrapping_neg())
}

/// The weights of a group: eight columns a register.
///
/// # Safety
/// `index` is one of the groups, and `pair` 0 or 1.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load(groups: &[Group], index: usize, pair: usize) -> [__m256i; 2] {
    // SAFETY: a group has 128 bytes, and its place is a multiple of 64.
    unsafe {
        let start = groups.as_ptr().add(index).cast::<__m256i>().add(2 * pair);
        [_mm256_load_si256(start), _mm256_load_si256(start.add(1))]
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn spread(group: [u8; GROUP]) -> __m256i {
    _mm256_set1_epi32(i32::from_le_bytes(group))
}

#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn dot(sums: __m256i, weights: __m256i, activations: __m256i) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, weights, activations)
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(Sums(to): &mut Sums, pair: usize, [left, right]: [__m256i; 2]) {
    let (first, second) = to[2 * LANES * pair..][..2 * LANES].split_at_mut(LANES);
    // SAFETY: each half has the eight sums that are written.
    unsafe {
        _mm256_storeu_si256(first.as_mut_ptr().cast(), left);
        _mm256_storeu_si256(second.as_mut_ptr().cast(), right);
    }
}
