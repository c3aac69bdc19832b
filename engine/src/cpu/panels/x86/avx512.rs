//! VNNI on 512 bits.

use super::{filled_up, tiles, Group, Kernel, Sums, Tile, GROUP};
use std::arch::x86_64::*;

pub(super) struct Avx512;

/// Registers of sums of one row and panel.
const REGISTERS: usize = 2;
const TOGETHER: usize = 4;

impl Kernel for Avx512 {
    /// With two registers of sums each, two of weights, and one of activations there is room for
    /// no more than these and a few.
    const ROWS: usize = 12;
    const TOGETHER: usize = TOGETHER;
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
            match (tile.offsets.len(), tile.panels) {
                (1, TOGETHER) => few::<1>(tile, sums),
                (2, TOGETHER) => few::<2>(tile, sums),
                _ => rows(tile, 0, sums),
            }
        }
    }
}

/// The sum of signed bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sum(row: &[u8]) -> i32 {
    let (vectors, rest) = row.as_chunks::<64>();
    let (mut sums, ones) = (_mm512_setzero_si512(), _mm512_set1_epi8(1));
    for vector in vectors {
        // SAFETY: the vector has the 64 bytes that are read.
        let bytes = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) };
        sums = _mm512_dpbusd_epi32(sums, ones, bytes);
    }
    let rest: i32 = rest.iter().map(|byte| i32::from(*byte as i8)).sum();
    _mm512_reduce_add_epi32(sums) + rest
}

/// The products of a row with four others of the same length.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn four_columns(row: &[u8], offset: i32, weights: [&[u8]; 4]) -> [i32; 4] {
    let (vectors, rest) = row.as_chunks::<64>();
    let weights = weights.map(|weights| weights.as_chunks::<64>());
    let mut sums = [_mm512_setzero_si512(); 4];
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
    sums.map(|sums| _mm512_reduce_add_epi32(sums).wrapping_sub(offset))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn whole(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: there are the 64 bytes that are read.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Weights as panels have them.
#[target_feature(enable = "avx512f")]
#[inline]
fn raised(weights: __m512i) -> __m512i {
    _mm512_xor_si512(weights, _mm512_set1_epi8(i8::MIN))
}

/// One or two rows with several panels.
///
/// # Safety
/// The processor must have the instructions; there are `R` rows.
#[allow(
    clippy::needless_range_loop,
    reason = "known indices keep sums in registers"
)]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn few<const R: usize>(tile: &Tile<'_, u8>, sums: &mut [Sums]) {
    let groups = tile.k.div_ceil(GROUP);
    assert!(tile.groups.len() == TOGETHER * groups && sums.len() == TOGETHER * R);
    let mut accumulators = [[[_mm512_setzero_si512(); REGISTERS]; TOGETHER]; R];
    for row in 0..R {
        accumulators[row] = [[start(tile.offsets[row]); REGISTERS]; TOGETHER];
    }
    for group in 0..groups {
        for row in 0..R {
            let some = spread(tile.group(row, group));
            for panel in 0..TOGETHER {
                // SAFETY: there are so many panels, each of so many groups.
                let [left, right] = unsafe { load(tile.groups, panel * groups + group, 0) };
                let sums = &mut accumulators[row][panel];
                sums[0] = dot(sums[0], left, some);
                sums[1] = dot(sums[1], right, some);
            }
        }
    }
    for panel in 0..TOGETHER {
        for row in 0..R {
            store(&mut sums[panel * R + row], 0, accumulators[row][panel]);
        }
    }
}

tiles!(
    "avx512f,avx512bw,avx512vnni", u8:
    1 one: a;
    2 two: a b;
    3 three: a b c;
    4 four: a b c d;
    5 five: a b c d e;
    6 six: a b c d e f;
    7 seven: a b c d e f g;
    8 eight: a b c d e f g h;
    9 nine: a b c d e f g h i;
    10 ten: a b c d e f g h i j;
    11 eleven: a b c d e f g h i j k;
    12 twelve: a b c d e f g h i j k l;
);

/// Sums from which the row's offset is taken off.
#[target_feature(enable = "avx512f")]
#[inline]
fn start(offset: i32) -> __m512i {
    _mm512_set1_epi32(offset.wrapping_neg())
}

/// The weights of a group: sixteen columns a register.
///
/// # Safety
/// `index` is one of the groups.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load(groups: &[Group], index: usize, _pair: usize) -> [__m512i; REGISTERS] {
    // SAFETY: a group has 128 bytes, and its place is a multiple of 64.
    unsafe {
        let start = groups.as_ptr().add(index).cast::<__m512i>();
        [_mm512_load_si512(start), _mm512_load_si512(start.add(1))]
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn spread(group: [u8; GROUP]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(group))
}

#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn dot(sums: __m512i, weights: __m512i, activations: __m512i) -> __m512i {
    _mm512_dpbusd_epi32(sums, weights, activations)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(Sums(to): &mut Sums, _pair: usize, [left, right]: [__m512i; REGISTERS]) {
    let (first, second) = to.split_at_mut(16);
    // SAFETY: each half has the sixteen sums that are written.
    unsafe {
        _mm512_storeu_si512(first.as_mut_ptr().cast(), left);
        _mm512_storeu_si512(second.as_mut_ptr().cast(), right);
    }
}
