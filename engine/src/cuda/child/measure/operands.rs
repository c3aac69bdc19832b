//! What a product reads.

use super::{memory::Memory, noise::Noise, Measuring};
use crate::cuda::measure::{MeasureError, Product};

/// Elements of a result that are compared besides its corners.
const SAMPLES: u64 = 60;

/// Both operands, on the device.
pub(super) struct Operands<'a> {
    pub(super) measuring: Measuring<'a>,
    pub(super) product: Product,
    /// `[m, k]`.
    pub(super) x: Memory<'a>,
    /// `[n, k]`.
    pub(super) w: Memory<'a>,
    noises: [Noise; 2],
    seed: u64,
}

/// An element of a result and its accumulator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) row: u64,
    pub(super) column: u32,
    pub(super) accumulator: i32,
}

/// Memory of both operands.
pub(super) fn bytes(product: Product) -> u64 {
    let rows = product.m.saturating_add(product.n.into());
    rows.saturating_mul(product.k.into())
}

impl<'a> Operands<'a> {
    /// Of a product that was checked.
    pub(super) fn new(
        measuring: Measuring<'a>,
        product: Product,
        seed: u64,
    ) -> Result<Self, MeasureError> {
        let noises = [0, 1].map(|tensor| Noise::new(seed, tensor));
        let Product { m, n, k } = product;
        let tensor = |noise, rows| Memory::of_noise(measuring, noise, rows * u64::from(k));
        Ok(Self {
            measuring,
            product,
            x: tensor(noises[0], m)?,
            w: tensor(noises[1], n.into())?,
            noises,
            seed,
        })
    }

    /// Noise for whatever else belongs to the product.
    pub(super) fn noise(&self, tensor: u64) -> Noise {
        Noise::new(self.seed, 2 + tensor)
    }

    /// The corners of the result, and elements spread over it.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let Product { m, n, .. } = self.product;
        let places = Noise::new(self.seed, u64::MAX);
        let spread = (0..SAMPLES).map(|index| {
            let column = places.word(2 * index + 1) % u64::from(n);
            (places.word(2 * index) % m, column as u32)
        });
        let corners = [(0, 0), (0, n - 1), (m - 1, 0), (m - 1, n - 1)];
        corners
            .into_iter()
            .chain(spread)
            .map(|(row, column)| self.sample(row, column))
            .collect()
    }

    /// Every element of the result, by rows.
    pub(super) fn all(&self) -> Vec<Sample> {
        let rows = 0..self.product.m;
        rows.flat_map(|row| (0..self.product.n).map(move |column| self.sample(row, column)))
            .collect()
    }

    fn sample(&self, row: u64, column: u32) -> Sample {
        let k = self.product.k;
        let line = |noise: Noise, row: u64| noise.bytes(row * u64::from(k), k);
        let [x, w] = self.noises;
        let (x, w) = (line(x, row), line(w, column.into()));
        let products = x
            .iter()
            .zip(&w)
            .map(|(x, w)| i32::from(signed(*x)) * i32::from(signed(*w)));
        Sample {
            row,
            column,
            // At most 65,536 products of at most 2^14: it fits.
            accumulator: products.sum(),
        }
    }
}

/// A byte as the signed number that it stands for.
pub(super) fn signed(byte: u8) -> i8 {
    i8::from_le_bytes([byte])
}

impl Sample {
    /// Where it is in a result of rows of so many columns, in elements.
    pub(super) fn place(self, columns: u32) -> u64 {
        self.row * u64::from(columns) + u64::from(self.column)
    }

    /// The error that it is another one.
    pub(super) fn wrong(self, of: String, found: i64, expected: i64) -> MeasureError {
        MeasureError::WrongResult {
            of,
            row: self.row,
            column: self.column.into(),
            found,
            expected,
        }
    }
}
