use super::*;
use proptest::prelude::*;

const SEED: [u8; 32] = [7; 32];

/// A product with its operands.
#[derive(Clone, Debug)]
struct Product {
    n: usize,
    k: usize,
    input: Vec<u8>,
    weights: Vec<u8>,
    accumulators: Vec<i32>,
}

impl Product {
    fn new(n: usize, k: usize, input: Vec<u8>, weights: Vec<u8>) -> Self {
        let signed: &[i8] = bytemuck::cast_slice(&weights);
        let rows = input.chunks_exact(k);
        let row = |x| signed.chunks_exact(k).map(move |w| exact(x, w));
        let accumulators = rows.flat_map(row).collect();
        Self {
            n,
            k,
            input,
            weights,
            accumulators,
        }
    }

    /// Bytes of the whole range, different in every row.
    fn of(m: usize, n: usize, k: usize) -> Self {
        let byte = |at: usize| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8;
        let input = (0..m * k).map(byte).collect();
        let weights = (0..n * k).map(|at| byte(at + 77_777)).collect();
        Self::new(n, k, input, weights)
    }

    fn rows(&self) -> usize {
        self.input.len() / self.k
    }

    fn verdict(&self, accumulators: &[i32]) -> Result<(), AdviceError> {
        check_accumulators(&self.input, &self.weights, accumulators, self.n, &SEED)
    }

    fn wrong_column(&self, accumulators: &[i32], row: usize) -> Option<usize> {
        let check = LinearCheck::new(&self.weights, self.n, &SEED).unwrap();
        check.wrong_column(&self.input, accumulators, row)
    }

    fn assert_refused_at(&self, accumulators: &[i32], row: usize) {
        assert_eq!(
            self.verdict(accumulators),
            Err(AdviceError::WrongRow { row })
        );
    }
}

/// Shapes around those of lanes and blocks, and bytes of the whole range.
fn products() -> impl Strategy<Value = Product> {
    (1usize..12, 1usize..40, 1usize..70).prop_flat_map(|(m, n, k)| {
        let bytes = |count| proptest::collection::vec(any::<u8>(), count);
        (bytes(m * k), bytes(n * k)).prop_map(move |(x, w)| Product::new(n, k, x, w))
    })
}

proptest! {
    #[test]
    fn right_accumulators_are_accepted(product in products(), seed: [u8; 32]) {
        let Product { n, input, weights, accumulators, .. } = &product;
        prop_assert_eq!(check_accumulators(input, weights, accumulators, *n, &seed), Ok(()));
    }

    #[test]
    fn any_single_wrong_accumulator_is_refused_and_located(
        product in products(),
        place: prop::sample::Index,
        by in prop_oneof![1i32.., i32::MIN..0],
    ) {
        let mut claimed = product.accumulators.clone();
        let place = place.index(claimed.len());
        claimed[place] = claimed[place].wrapping_add(by);
        let (row, column) = (place / product.n, place % product.n);
        prop_assert_eq!(product.verdict(&claimed), Err(AdviceError::WrongRow { row }));
        prop_assert_eq!(product.wrong_column(&claimed, row), Some(column));
        for right in (0..product.rows()).filter(|other| *other != row) {
            prop_assert_eq!(product.wrong_column(&claimed, right), None);
        }
    }
}

#[test]
fn every_power_of_two_as_a_difference_is_refused() {
    let product = Product::of(5, 9, 33);
    for place in 0..product.accumulators.len() {
        for shift in 0..32 {
            let mut claimed = product.accumulators.clone();
            claimed[place] = claimed[place].wrapping_add(1i32.wrapping_shl(shift));
            product.assert_refused_at(&claimed, place / 9);
        }
    }
}

#[test]
fn differences_of_two_to_the_thirty_one_that_cancel_are_refused() {
    // One row of each sign: 1 + 2^31 has no 32 bits, -1 + 2^31 has, as has 0 - 2^31.
    let product = Product::new(2, 1, vec![1], vec![0, 255]);
    assert_eq!(product.accumulators, [0, -1]);
    product.assert_refused_at(&[i32::MIN, i32::MAX], 0);
    product.assert_refused_at(&[i32::MIN, -1], 0);
    product.assert_refused_at(&[0, i32::MAX], 0);
}

#[test]
fn the_longest_reduction_of_the_largest_products_is_exact() {
    let k = MAX_REDUCTION as usize;
    let product = Product::new(2, k, vec![0x80; k], [vec![0x80; k], vec![0x7f; k]].concat());
    assert_eq!(product.accumulators, [1 << 30, -(1 << 30) + (128 << 16)]);
    assert_eq!(product.verdict(&product.accumulators), Ok(()));
    // Three quarters of 2^32, the largest difference that there can be.
    product.assert_refused_at(&[i32::MIN, product.accumulators[1]], 0);
    product.assert_refused_at(&[1 << 30, i32::MAX], 0);
}

#[test]
fn differences_that_a_plain_sum_would_not_see_are_refused() {
    let product = Product::of(9, 17, 40);
    let n = product.n;
    let forged = |forge: &dyn Fn(&mut [i32])| {
        let mut claimed = product.accumulators.clone();
        forge(&mut claimed);
        assert_ne!(claimed, product.accumulators);
        claimed
    };
    // The same in a whole row, in a whole column, and everywhere.
    product.assert_refused_at(
        &forged(&|a| a[3 * n..4 * n].iter_mut().for_each(|a| *a += 5)),
        3,
    );
    product.assert_refused_at(
        &forged(&|a| a.iter_mut().skip(2).step_by(n).for_each(|a| *a -= 9)),
        0,
    );
    product.assert_refused_at(&forged(&|a| a.iter_mut().for_each(|a| *a ^= 1)), 0);
    // Sums of a row, of a column, and of all that stay as they were.
    product.assert_refused_at(
        &forged(&|a| {
            a[6 * n] += 1;
            a[6 * n + 1] -= 1;
        }),
        6,
    );
    product.assert_refused_at(
        &forged(&|a| {
            a[4 * n + 2] += 8;
            a[7 * n + 2] -= 8;
        }),
        4,
    );
    // The right numbers in the wrong places.
    product.assert_refused_at(&forged(&|a| a[n..3 * n].rotate_left(n)), 1);
    product.assert_refused_at(
        &forged(&|a| a.chunks_exact_mut(n).for_each(|row| row.swap(0, 1))),
        0,
    );
    product.assert_refused_at(&forged(&|a| a[8 * n..].reverse()), 8);
}

#[test]
fn the_first_of_several_wrong_rows_is_named_over_many_blocks() {
    let product = Product::of(3_000, 8, 16);
    let check = LinearCheck::new(&product.weights, product.n, &SEED).unwrap();
    assert!(product.rows() > check.rows_per_block());
    let mut claimed = product.accumulators.clone();
    for row in [2_999, 2_998, 1_234] {
        claimed[row * product.n + 5] ^= 1 << 20;
        product.assert_refused_at(&claimed, row);
        assert_eq!(product.wrong_column(&claimed, row), Some(5));
    }
}

#[test]
fn weights_that_several_threads_share_are_folded_whole() {
    let n = 2 * ROWS_PER_THREAD + 3;
    let product = Product::of(2, n, 5);
    assert_eq!(product.verdict(&product.accumulators), Ok(()));
    for column in [0, ROWS_PER_THREAD, n - 1] {
        let mut claimed = product.accumulators.clone();
        claimed[n + column] += 1;
        product.assert_refused_at(&claimed, 1);
        assert_eq!(product.wrong_column(&claimed, 1), Some(column));
    }
}

#[test]
fn each_round_refuses_by_itself() {
    let product = Product::of(3, 4, 5);
    let mut claimed = product.accumulators.clone();
    claimed[6] -= 1;
    let verdict = |rounds: &[usize]| {
        let mut check = LinearCheck::new(&product.weights, product.n, &SEED).unwrap();
        for round in (0..2).filter(|round| !rounds.contains(round)) {
            check.secret[round].fill(0);
            check.folded[round].fill(0);
        }
        check.verify(&product.input, &claimed)
    };
    let refused = Err(AdviceError::WrongRow { row: 1 });
    assert_eq!(verdict(&[0]), refused);
    assert_eq!(verdict(&[1]), refused);
    // What is left without either.
    assert_eq!(verdict(&[]), Ok(()));
}

#[test]
fn rounds_and_seeds_give_different_vectors() {
    let [first, second] = expand(&SEED, 4);
    let [other, _] = expand(&[8; 32], 4);
    assert!(first != second && first != other && second != other);
    assert_eq!(expand(&SEED, 4), [first, second]);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let Product {
        n,
        input,
        weights,
        accumulators,
        ..
    } = Product::of(3, 4, 5);
    let check = |input: &[u8], weights: &[u8], accumulators: &[i32], n| {
        check_accumulators(input, weights, accumulators, n, &SEED)
    };
    let wrong = Err(AdviceError::WrongLength);
    assert_eq!(check(&input[1..], &weights, &accumulators, n), wrong);
    assert_eq!(check(&input, &weights[1..], &accumulators, n), wrong);
    assert_eq!(check(&input, &weights, &accumulators[1..], n), wrong);
    assert_eq!(check(&input, &weights, &accumulators[n..], n), wrong);
    assert_eq!(check(&input, &weights, &accumulators, 0), wrong);
    assert_eq!(check(&input, &[], &accumulators, n), wrong);
    let long = vec![0; MAX_REDUCTION as usize + 1];
    assert_eq!(check(&long, &long, &[0], 1), wrong);
    assert_eq!(check(&input, &weights, &accumulators, n), Ok(()));
}
