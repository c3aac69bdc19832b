//! Products of 16 bits, for processors without VNNI.
//!
//! `vpmaddwd` adds two products of 16 bits into 32: exact for raised weights, at most 255, and
//! activations, at most 128 in magnitude. (`vpmaddubsw`, which multiplies bytes, saturates.)
//! Weights are extended when they are loaded, activations once for each band of columns.

use super::{filled_up, tiles, Group, Kernel, Sums, Tile, COLUMNS, GROUP};
use std::arch::x86_64::*;

pub(super) struct Avx2;

/// Columns of one register, each with two sums to be added at the end.
const LANES: usize = 4;
/// Registers of sums of one row and panel.
const REGISTERS: usize = COLUMNS / LANES;

impl Kernel for Avx2 {
    /// Of sixteen registers two of sums for each, two of weights, one of activations, and one of
    /// products.
    const ROWS: usize = 6;
    const TOGETHER: usize = 1;
    type Activation = i16;

    fn prepare<'a>(input: &'a [u8], k: usize, space: &'a mut Vec<i16>) -> (&'a [i16], usize) {
        let length = k.next_multiple_of(GROUP);
        space.clear();
        space.resize(input.len() / k * length, 0);
        let rows = space.chunks_exact_mut(length).zip(input.chunks_exact(k));
        for (to, row) in rows {
            let pairs = to.iter_mut().zip(row);
            pairs.for_each(|(to, byte)| *to = (*byte as i8).into());
        }
        (space, length)
    }

    unsafe fn sum(row: &[u8]) -> i32 {
        // SAFETY: the caller's.
        unsafe { sum(row) }
    }

    unsafe fn four_columns(row: &[u8], _: i32, weights: [&[u8]; 4]) -> [i32; 4] {
        // SAFETY: the caller's.
        unsafe { four_columns(row, weights) }
    }

    unsafe fn multiply(tile: &Tile<'_, i16>, sums: &mut [Sums]) {
        // SAFETY: the caller's.
        (0..REGISTERS / 2).for_each(|pair| unsafe { rows(tile, pair, sums) });
    }
}

/// The sum of signed bytes.
#[target_feature(enable = "avx2")]
fn sum(row: &[u8]) -> i32 {
    // Without a check for overflow at every step, the compiler takes whole vectors.
    row.iter()
        .fold(0, |sum: i32, byte| sum.wrapping_add((*byte as i8).into()))
}

/// The products of a row with four others of the same length.
#[target_feature(enable = "avx2")]
fn four_columns(row: &[u8], weights: [&[u8]; 4]) -> [i32; 4] {
    let (vectors, rest) = row.as_chunks::<16>();
    let weights = weights.map(|weights| weights.as_chunks::<16>());
    let mut sums = [_mm256_setzero_si256(); 4];
    for (index, vector) in vectors.iter().enumerate() {
        let activations = extended(vector);
        for (sum, (weights, _)) in sums.iter_mut().zip(weights) {
            *sum = dot(*sum, extended(&weights[index]), activations);
        }
    }
    if !rest.is_empty() {
        let activations = extended(&filled_up(rest));
        for (sum, (_, rest)) in sums.iter_mut().zip(weights) {
            *sum = dot(*sum, extended(&filled_up(rest)), activations);
        }
    }
    sums.map(|sums| {
        let mut lanes = [0i32; 8];
        // SAFETY: there is room for the eight sums that are written.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
        lanes.into_iter().sum()
    })
}

/// Signed bytes as numbers of 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn extended(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: there are the 16 bytes that are read.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

tiles!(
    "avx2", i16:
    1 one: a;
    2 two: a b;
    3 three: a b c;
    4 four: a b c d;
    5 five: a b c d e;
    6 six: a b c d e f;
);

/// Sums from which the row's offset is taken off, once for each column.
#[target_feature(enable = "avx2")]
#[inline]
fn start(offset: i32) -> __m256i {
    let both = u64::from(offset.wrapping_neg() as u32);
    _mm256_set1_epi64x(both as i64)
}

/// The weights of a group: four columns a register.
///
/// # Safety
/// `index` is one of the groups, and `pair` at most 3.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn load(groups: &[Group], index: usize, pair: usize) -> [__m256i; 2] {
    // SAFETY: a group has 128 bytes, and its place is a multiple of 64.
    let [left, right] = unsafe {
        let start = groups.as_ptr().add(index).cast::<__m128i>().add(2 * pair);
        [_mm_load_si128(start), _mm_load_si128(start.add(1))]
    };
    [_mm256_cvtepu8_epi16(left), _mm256_cvtepu8_epi16(right)]
}

#[target_feature(enable = "avx2")]
#[inline]
fn spread(group: [i16; GROUP]) -> __m256i {
    _mm256_set1_epi64x(bytemuck::cast(group))
}

#[target_feature(enable = "avx2")]
#[inline]
fn dot(sums: __m256i, weights: __m256i, activations: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(weights, activations))
}

#[target_feature(enable = "avx2")]
#[inline]
fn store(Sums(to): &mut Sums, pair: usize, [left, right]: [__m256i; 2]) {
    // Columns 0, 1, 4, 5 and then 2, 3, 6, 7.
    let sums = _mm256_hadd_epi32(left, right);
    let sums = _mm256_permute4x64_epi64::<0b11_01_10_00>(sums);
    let to = &mut to[2 * LANES * pair..][..2 * LANES];
    // SAFETY: there is room for the eight sums that are written.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), sums) };
}
