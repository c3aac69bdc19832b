//! Products of tensors with two vectors of 64-bit numbers, modulo 2^64.
//!
//! Everything is one plain loop over lanes, compiled once for each kind of vector instructions.

use crate::ahead::{fetch, LINE_BYTES};

/// Numbers of 64 bits that one vector holds.
const LANES: usize = 8;
/// Rows that share a load of the two vectors.
pub(super) const ROWS: usize = 4;
/// Rows of weights that share a load and a store of what they are folded into.
const FOLDED_ROWS: usize = 8;
/// Columns folded together: their two sums of 64 bits stay in the nearest cache.
const FOLDED_COLUMNS: usize = 1_024;

/// Two independent vectors of the same length: one for each round of a check.
pub(super) type Pair = [Vec<u64>; 2];

/// An element that is extended to 64 bits with its sign.
trait Signed: Copy {
    fn wide(self) -> u64;
}

impl Signed for i8 {
    #[inline(always)]
    fn wide(self) -> u64 {
        i64::from(self) as u64
    }
}

impl Signed for i32 {
    #[inline(always)]
    fn wide(self) -> u64 {
        i64::from(self) as u64
    }
}

/// The two products of each row of a matrix of signed bytes with the two vectors.
pub(super) fn multiply_bytes(rows: &[i8], vectors: &Pair, products: &mut Vec<[u64; 2]>) {
    #[cfg(target_arch = "x86_64")]
    if x86::multiply_bytes(rows, vectors, products) {
        return;
    }
    multiply(rows, vectors, products);
}

/// The same for a matrix of accumulators.
pub(super) fn multiply_accumulators(rows: &[i32], vectors: &Pair, products: &mut Vec<[u64; 2]>) {
    #[cfg(target_arch = "x86_64")]
    if x86::multiply_accumulators(rows, vectors, products) {
        return;
    }
    multiply(rows, vectors, products);
}

/// Adds to `sums`, as long as a row of the weights, the weights' rows times one factor a row, for
/// both vectors of factors. `from` is the factor of the first row.
pub(super) fn fold(weights: &[i8], factors: &Pair, from: usize, sums: &mut Pair) {
    #[cfg(target_arch = "x86_64")]
    if x86::fold(weights, factors, from, sums) {
        return;
    }
    fold_rows(weights, factors, from, sums);
}

#[inline(always)]
fn multiply<T: Signed>(rows: &[T], vectors: &Pair, products: &mut Vec<[u64; 2]>) {
    let width = vectors[0].len();
    products.clear();
    let mut blocks = rows.chunks_exact(width * ROWS);
    for block in &mut blocks {
        let rows: [&[T]; ROWS] = std::array::from_fn(|row| &block[row * width..][..width]);
        products.extend(dots(rows, vectors));
    }
    for row in blocks.remainder().chunks_exact(width) {
        products.extend(dots([row], vectors));
    }
}

/// The products of some rows, which are as long as the vectors. As many rows after them are asked
/// for meanwhile: a matrix is read once, and from memory.
#[inline(always)]
fn dots<T: Signed, const R: usize>(rows: [&[T]; R], vectors: &Pair) -> [[u64; 2]; R] {
    let [first, second] = vectors.each_ref().map(|vector| vector.as_chunks::<LANES>());
    let rows = rows.map(|row| row.as_chunks::<LANES>());
    let count = first.0.len();
    // One length for all: the loop then needs no check of an index.
    let (firsts, seconds) = (&first.0[..count], &second.0[..count]);
    let lanes = rows.map(|row| &row.0[..count]);
    let mut sums = [[[0u64; LANES]; 2]; R];
    let lanes_per_line = LINE_BYTES / size_of::<[T; LANES]>();
    for at in 0..count {
        if at % lanes_per_line == 0 {
            lanes.iter().for_each(|row| fetch(row, at + R * count));
        }
        for (sums, row) in sums.iter_mut().zip(&lanes) {
            for lane in 0..LANES {
                let value = row[at][lane].wide();
                sums[0][lane] = add(sums[0][lane], value.wrapping_mul(firsts[at][lane]));
                sums[1][lane] = add(sums[1][lane], value.wrapping_mul(seconds[at][lane]));
            }
        }
    }
    let mut products = sums.map(|sums| sums.map(|lanes| lanes.into_iter().fold(0, add)));
    for (products, row) in products.iter_mut().zip(&rows) {
        for (product, vector) in products.iter_mut().zip([first.1, second.1]) {
            for (value, factor) in row.1.iter().zip(vector) {
                *product = add(*product, value.wide().wrapping_mul(*factor));
            }
        }
    }
    products
}

fn add(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

#[inline(always)]
fn fold_rows(weights: &[i8], factors: &Pair, from: usize, sums: &mut Pair) {
    let width = sums[0].len();
    for start in (0..width).step_by(FOLDED_COLUMNS) {
        let columns = start..width.min(start + FOLDED_COLUMNS);
        let [first, second] = sums.each_mut().map(|sums| &mut sums[columns.clone()]);
        let mut blocks = weights.chunks_exact(width * FOLDED_ROWS);
        let mut at = from;
        for block in &mut blocks {
            let rows: [&[i8]; FOLDED_ROWS] =
                std::array::from_fn(|row| &block[row * width..][columns.clone()]);
            fold_block(rows, factors, at, first, second);
            at += FOLDED_ROWS;
        }
        for row in blocks.remainder().chunks_exact(width) {
            fold_block([&row[columns.clone()]], factors, at, first, second);
            at += 1;
        }
    }
}

/// Adds some rows, cut to as many columns as there are sums.
#[inline(always)]
fn fold_block<const R: usize>(
    rows: [&[i8]; R],
    factors: &Pair,
    at: usize,
    first: &mut [u64],
    second: &mut [u64],
) {
    let width = first.len();
    let rows = rows.map(|row| &row[..width]);
    let second = &mut second[..width];
    let [first_factors, second_factors]: [[u64; R]; 2] = factors
        .each_ref()
        .map(|factors| std::array::from_fn(|row| factors[at + row]));
    for column in 0..width {
        let mut sums = [first[column], second[column]];
        for row in 0..R {
            let weight = rows[row][column].wide();
            sums[0] = add(sums[0], weight.wrapping_mul(first_factors[row]));
            sums[1] = add(sums[1], weight.wrapping_mul(second_factors[row]));
        }
        [first[column], second[column]] = sums;
    }
}

/// The same loops with wider vectors.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use super::{fold_rows, multiply, Pair};

    macro_rules! widened {
        ($($name:ident: $body:path, ($($argument:ident: $type:ty),*);)*) => {$(
            /// Whether the processor could do it.
            pub(super) fn $name($($argument: $type),*) -> bool {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn widest($($argument: $type),*) {
                    $body($($argument),*);
                }
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $type),*) {
                    $body($($argument),*);
                }
                let has_widest = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                if has_widest {
                    // SAFETY: the processor has the features that the function is compiled for.
                    unsafe { widest($($argument),*) };
                    return true;
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    unsafe { wide($($argument),*) };
                    return true;
                }
                false
            }
        )*};
    }

    widened! {
        multiply_bytes: multiply, (rows: &[i8], vectors: &Pair, products: &mut Vec<[u64; 2]>);
        multiply_accumulators: multiply, (rows: &[i32], vectors: &Pair, products: &mut Vec<[u64; 2]>);
        fold: fold_rows, (weights: &[i8], factors: &Pair, from: usize, sums: &mut Pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(at: usize) -> u64 {
        (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn pair(length: usize) -> Pair {
        [0, 1].map(|round| (0..length).map(|at| word(2 * at + round)).collect())
    }

    /// Widths around those of lanes and columns folded together, rows around those of blocks; by
    /// 128-bit numbers, with the vectors that the processor has and with none.
    #[test]
    fn products_are_those_of_wider_numbers() {
        for width in [1, 7, 8, 9, 31, 1_023, 1_024, 1_025] {
            let vectors = pair(width);
            for rows in [0, 1, 3, 4, 5, 9, 17] {
                let values: Vec<i32> = (0..rows * width).map(|at| word(at) as i32).collect();
                let bytes: Vec<i8> = values.iter().map(|value| *value as i8).collect();
                let expected = |value: &dyn Fn(usize) -> i128, row: usize| {
                    vectors.each_ref().map(|vector| {
                        let term = |at: usize| value(row * width + at) * i128::from(vector[at]);
                        (0..width).map(term).sum::<i128>() as u64
                    })
                };
                let of_values: Vec<_> = (0..rows)
                    .map(|row| expected(&|at| values[at].into(), row))
                    .collect();
                let of_bytes: Vec<_> = (0..rows)
                    .map(|row| expected(&|at| bytes[at].into(), row))
                    .collect();
                let mut products = vec![[1; 2]];
                multiply_accumulators(&values, &vectors, &mut products);
                assert_eq!(products, of_values);
                multiply_bytes(&bytes, &vectors, &mut products);
                assert_eq!(products, of_bytes);
                multiply(&values, &vectors, &mut products);
                assert_eq!(products, of_values);
            }
        }
    }

    #[test]
    fn folded_weights_are_the_sum_of_rows_times_factors() {
        for width in [1, 7, 9, 1_023, 1_024, 1_025] {
            for rows in [1, 7, 8, 9, 17] {
                let weights: Vec<i8> = (0..rows * width).map(|at| word(at) as i8).collect();
                let factors = pair(rows + 3);
                let mut expected = pair(width);
                for (sums, factors) in expected.iter_mut().zip(&factors) {
                    for (at, sum) in sums.iter_mut().enumerate() {
                        let term = |row: usize| {
                            let weight = i128::from(weights[row * width + at]);
                            weight * i128::from(factors[3 + row])
                        };
                        *sum = sum.wrapping_add((0..rows).map(term).sum::<i128>() as u64);
                    }
                }
                for fold in [fold, fold_rows] {
                    let mut sums = pair(width);
                    fold(&weights, &factors, 3, &mut sums);
                    assert_eq!(sums, expected);
                }
            }
        }
    }
}
