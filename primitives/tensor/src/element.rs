//! The normative function: what every number of every operation is.

use crate::{Operation, Plan, Span, TensorRef};
use alloc::vec::Vec;

/// Gives the bytes of a job's tensors.
pub trait Source {
    /// Why bytes can't be given.
    type Error;

    /// Exactly the bytes of `span`.
    fn bytes(&self, span: Span) -> Result<&[u8], Self::Error>;
}

/// Why the value of an element can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementError<E> {
    /// The program has no operation of that index.
    NoSuchOperation,
    /// The operation's output has no element of that index in such a batch.
    OutOfRange,
    /// The source gave another number of bytes than was asked for.
    WrongLength,
    /// The source could not give the bytes.
    Source(E),
}

/// `clamp((v * multiplier + round) >> shift)` to a signed byte, with `shift` at most 62 and
/// `round` half of what the shift divides by, so that halves are rounded up.
///
/// The formula is the integer form of affine requantisation (Jacob et al. 2018, section 2.2,
/// <https://arxiv.org/abs/1712.05877>) with a 64-bit product and one rounding.
///
/// `v` is an accumulator of at most 65,536 products of signed bytes plus a 32-bit bias, or a sum
/// of two products of a signed byte with a 32-bit multiplier when `multiplier` is 1; the product
/// and the rounding term then fit 64 bits.
pub fn requantise(v: i64, multiplier: i32, shift: u8) -> i8 {
    let shift = u32::from(shift.min(62));
    let round = if shift == 0 {
        0
    } else {
        1i64.wrapping_shl(shift.wrapping_sub(1))
    };
    let scaled = v
        .wrapping_mul(i64::from(multiplier))
        .wrapping_add(round)
        .wrapping_shr(shift);
    // The clamp is what makes the conversion exact.
    scaled.clamp(i64::from(i8::MIN), i64::from(i8::MAX)) as i8
}

/// Sum of products of signed bytes. At most 65,536 terms of at most 2^14: it fits `i32`.
fn dot(a: &[u8], b: &[u8]) -> i32 {
    a.iter().zip(b).fold(0i32, |sum, (a, b)| {
        let product = i32::from(i8::from_le_bytes([*a])).wrapping_mul(signed(*b));
        sum.wrapping_add(product)
    })
}

fn signed(byte: u8) -> i32 {
    i32::from(i8::from_le_bytes([byte]))
}

/// The fields of a channel record.
fn channel(record: &[u8]) -> Option<(i32, i32, u8)> {
    let (bias, rest) = record.split_first_chunk::<4>()?;
    let (multiplier, rest) = rest.split_first_chunk::<4>()?;
    let shift = rest.first()?;
    Some((
        i32::from_le_bytes(*bias),
        i32::from_le_bytes(*multiplier),
        *shift,
    ))
}

impl Plan {
    /// The bytes on which an element of an operation's output depends, in the order in which
    /// the operation reads them. `None` when there is no such operation or element.
    ///
    /// The index counts the elements of the whole batch.
    pub fn spans(&self, operation: u16, index: u64, batch: u32) -> Option<Vec<Span>> {
        let output = TensorRef::Operation(operation);
        // All outputs are signed bytes today: elements and bytes count the same.
        if index >= self.tensor_bytes(output, batch)? {
            return None;
        }
        let spans = match *self.program().operations.get(usize::from(operation))? {
            Operation::Linear {
                input,
                weights,
                channels,
                ..
            } => {
                let weights = TensorRef::Parameter(weights);
                let [n, k] = *self.tensor_type(weights)?.dimensions.as_slice() else {
                    return None;
                };
                let (row, column) = (
                    index.checked_div(u64::from(n))?,
                    index.checked_rem(u64::from(n))?,
                );
                let wide = u64::from(k);
                alloc::vec![
                    Span {
                        tensor: input.into(),
                        start: row.checked_mul(wide)?,
                        length: k
                    },
                    Span {
                        tensor: weights,
                        start: column.checked_mul(wide)?,
                        length: k
                    },
                    Span {
                        tensor: TensorRef::Parameter(channels),
                        start: column.checked_mul(16)?,
                        length: 16,
                    },
                ]
            }
            Operation::Add { left, right, .. } => alloc::vec![
                Span {
                    tensor: left.into(),
                    start: index,
                    length: 1
                },
                Span {
                    tensor: right.into(),
                    start: index,
                    length: 1
                },
            ],
        };
        Some(spans)
    }

    /// The value of element `index` of an operation's output in a job of `batch` items.
    ///
    /// This is the definition. It reads exactly [`Plan::spans`].
    pub fn element<S: Source>(
        &self,
        operation: u16,
        index: u64,
        batch: u32,
        source: &S,
    ) -> Result<i8, ElementError<S::Error>> {
        let body = self
            .program()
            .operations
            .get(usize::from(operation))
            .ok_or(ElementError::NoSuchOperation)?;
        let spans = self
            .spans(operation, index, batch)
            .ok_or(ElementError::OutOfRange)?;
        let mut read = Vec::with_capacity(spans.len());
        for span in spans {
            let bytes = source.bytes(span).map_err(ElementError::Source)?;
            if u32::try_from(bytes.len()) != Ok(span.length) {
                return Err(ElementError::WrongLength);
            }
            read.push(bytes);
        }
        self.evaluate(body, &read).ok_or(ElementError::WrongLength)
    }

    /// An operation's arithmetic on the bytes it reads.
    fn evaluate(&self, operation: &Operation, read: &[&[u8]]) -> Option<i8> {
        let (value, table) = match (operation, read) {
            (Operation::Linear { table, .. }, [input, weights, record]) => {
                let (bias, multiplier, shift) = channel(record)?;
                let v = i64::from(dot(input, weights)).wrapping_add(i64::from(bias));
                (requantise(v, multiplier, shift), table)
            }
            (
                Operation::Add {
                    left_multiplier,
                    right_multiplier,
                    shift,
                    table,
                    ..
                },
                [left, right],
            ) => {
                let a = i64::from(signed(*left.first()?)).wrapping_mul((*left_multiplier).into());
                let b = i64::from(signed(*right.first()?)).wrapping_mul((*right_multiplier).into());
                (requantise(a.wrapping_add(b), 1, *shift), table)
            }
            _ => return None,
        };
        match table {
            Some(index) => Some(self.table(*index)?.get(value)),
            None => Some(value),
        }
    }
}
