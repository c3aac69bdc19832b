//! Weights in the form in which they are multiplied fastest.

use super::{
    linear::Shape,
    panels::{self, Instructions, Panels},
};
use rten_gemm::{GemmExecutor, PackedBMatrix};
use rten_tensor::NdTensorView;
use std::{fmt, ops::Range, sync::LazyLock};

pub(super) type Gemm = GemmExecutor<u8, i8, i32>;

/// The matrix library. Making it asks the processor what it can do, which a virtual machine
/// answers slowly, so it is made once.
pub(super) static GEMM: LazyLock<&'static Gemm> = LazyLock::new(|| Box::leak(Box::default()));

/// The matrix library multiplies unsigned activations with signed weights. A signed byte with its
/// top bit flipped is the unsigned byte that lies this much higher.
pub(super) const ZERO_POINT: u8 = 0x80;

/// The matrix library fills up its panels to so many columns, or fewer.
const COLUMNS_PER_PANEL: usize = 32;

/// How accumulators are computed exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    /// One product, by instructions that this crate uses itself.
    Panels(Instructions),
    /// One product, by the matrix library. For machines that add four 8-bit products into 32 bits.
    Whole,
    /// Two products, of `w >> 1` and of `w & 1`, for `w = 2 * (w >> 1) + (w & 1)`.
    ///
    /// Without such an instruction x86 adds pairs of products `u8 * i8` into 16 bits, with
    /// saturation (`vpmaddubsw`). `w >> 1` lies between -64 and 63 and an activation between 0
    /// and 255, so a pair is at most `2 * 255 * 64 = 32,640 <= 32,767` in magnitude; for `w & 1`
    /// it is at most 510. Neither half can saturate.
    Split,
}

impl Arithmetic {
    /// The fastest that is exact here.
    pub(super) fn of_this_machine() -> Self {
        Self::all_of_this_machine().next().unwrap_or(Self::Split)
    }

    /// All that are exact here, the fastest first.
    pub(super) fn all_of_this_machine() -> impl Iterator<Item = Self> {
        let own = Instructions::of_this_machine().map(Self::Panels);
        let whole = (!GEMM.may_saturate()).then_some(Self::Whole);
        own.chain(whole).chain([Self::Split])
    }

    /// The fastest of the matrix library that is exact here.
    pub(super) fn of_the_library() -> Self {
        if GEMM.may_saturate() {
            Self::Split
        } else {
            Self::Whole
        }
    }

    fn factors(self) -> usize {
        match self {
            Self::Panels(_) | Self::Whole => 1,
            Self::Split => 2,
        }
    }

    /// What `Weights` of this shape take: rows padded to the widest panel of the library, columns
    /// to its four-byte steps, 8 bytes for each row and block of 1,024 columns; and our offsets.
    pub(super) fn packed_bytes(self, shape: Shape) -> usize {
        if matches!(self, Self::Panels(_)) {
            return panels::packed_bytes(shape);
        }
        let row = shape.k.next_multiple_of(4) + 8 * shape.k.div_ceil(1_024);
        let factor = shape
            .n
            .next_multiple_of(COLUMNS_PER_PANEL)
            .saturating_mul(row);
        factor.saturating_mul(self.factors()) + 8 * shape.n
    }
}

/// Packed weights of one linear operation.
pub(super) struct Weights {
    /// Together they have all rows of the weights, which are the columns of the product.
    pub(super) bands: Vec<Band>,
    /// What the raised activations add to each accumulator: `ZERO_POINT` times the row's sum.
    /// Panels need none.
    pub(super) offsets: Vec<i32>,
}

/// Neighbouring columns of the product, which one thread can compute without the others.
pub(super) struct Band {
    pub(super) columns: Range<usize>,
    pub(super) form: Form,
}

/// What a band is multiplied with.
pub(super) enum Form {
    /// The matrix library. The product is the sum of the products with these, each but the last
    /// doubled.
    Factors(Vec<PackedBMatrix<i8>>),
    /// This crate's own instructions.
    Panels(Panels),
}

impl Band {
    /// Columns of all bands but the last: one band for each thread, unless they would be too
    /// narrow to be worth the activations' way to a thread, or too wide for its cache.
    fn width(n: usize) -> usize {
        let even = n.div_ceil(rayon::current_num_threads());
        even.next_multiple_of(COLUMNS_PER_PANEL).clamp(128, 1_024)
    }

    fn pack(arithmetic: Arithmetic, columns: Range<usize>, k: usize, weights: &[i8]) -> Self {
        let pack = |weights: &[i8]| {
            let rows = NdTensorView::from_data([columns.len(), k], weights);
            GEMM.prepack_b(rows.transposed())
        };
        let half = |half: fn(i8) -> i8| {
            let weights: Vec<i8> = weights.iter().map(|weight| half(*weight)).collect();
            pack(&weights)
        };
        let form = match arithmetic {
            Arithmetic::Panels(instructions) => {
                Form::Panels(Panels::pack(instructions, k, weights))
            }
            Arithmetic::Whole => Form::Factors(vec![pack(weights)]),
            Arithmetic::Split => {
                let halves = [half(|weight| weight >> 1), half(|weight| weight & 1)];
                Form::Factors(halves.into())
            }
        };
        Self { columns, form }
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Weights").finish_non_exhaustive()
    }
}

impl Weights {
    pub(super) fn pack(arithmetic: Arithmetic, shape: Shape, weights: &[i8]) -> Self {
        let Shape { n, k } = shape;
        let width = Band::width(n);
        let starts = (0..n).step_by(width);
        let bands = starts
            .zip(weights.chunks(width * k))
            .map(|(start, weights)| {
                Band::pack(arithmetic, start..n.min(start + width), k, weights)
            });
        // At most 65,536 columns of at most 2^7, times 2^7: 2^30.
        let offset = |row: &[i8]| {
            let sum = row
                .iter()
                .fold(0i32, |sum, w| sum.wrapping_add((*w).into()));
            sum.wrapping_mul(ZERO_POINT.into())
        };
        let offsets = match arithmetic {
            Arithmetic::Panels(_) => Vec::new(),
            Arithmetic::Whole | Arithmetic::Split => weights.chunks_exact(k).map(offset).collect(),
        };
        Self {
            bands: bands.collect(),
            offsets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `vpmaddubsw` adds into 16 bits: two products of an activation with a weight's half.
    #[test]
    fn no_pair_of_half_products_leaves_sixteen_bits() {
        for weight in i8::MIN..=i8::MAX {
            let (high, low) = (i32::from(weight >> 1), i32::from(weight & 1));
            assert_eq!(2 * high + low, i32::from(weight));
            for half in [high, low] {
                assert!(i16::try_from(2 * 255 * half).is_ok());
            }
        }
        // Whole weights do leave them, which is why there is a split.
        assert!(i16::try_from(2 * 255 * 127).is_err());
    }

    #[test]
    fn packed_weights_take_no_more_than_was_reckoned() {
        for (n, k) in [
            (1, 1),
            (3, 5_000),
            (31, 1_023),
            (32, 1_024),
            (33, 1_025),
            (10, 784),
            (3_001, 70),
        ] {
            let shape = Shape { n, k };
            let own = Instructions::of_this_machine().map(Arithmetic::Panels);
            for arithmetic in own.chain([Arithmetic::Whole, Arithmetic::Split]) {
                let packed = Weights::pack(arithmetic, shape, &vec![1; n * k]);
                let offsets = 8 * packed.offsets.len();
                let bytes = |form| match form {
                    Form::Panels(panels) => panels.bytes(),
                    Form::Factors(factors) => {
                        let words = factors.into_iter().map(PackedBMatrix::into_vec);
                        words.map(|words| 4 * words.len()).sum()
                    }
                };
                let bands = packed.bands.into_iter().map(|band| bytes(band.form));
                let bytes = bands.sum::<usize>() + offsets;
                assert!(bytes <= arithmetic.packed_bytes(shape), "{n} x {k}");
            }
        }
    }
}
