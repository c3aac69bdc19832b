//! From accumulators to bytes: bias, scaling and table.

mod vectors;

use crate::ahead::{fetch, LINE_BYTES};
use mizan_tensor::Table;

/// Channels that are worked on together: what is known of them then stays in registers for all
/// rows.
pub(super) const CHANNELS_AT_ONCE: usize = 32;

/// A row's accumulators of as many neighbouring channels, where vector stores are fastest.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Sums(pub(super) [i32; CHANNELS_AT_ONCE]);

impl Sums {
    pub(super) const ZERO: Self = Self([0; CHANNELS_AT_ONCE]);
}

/// The channel records of a linear operation, decoded once for all rows, field by field as
/// vector instructions want them.
#[derive(Debug)]
pub(super) struct Channels {
    count: usize,
    /// Filled up with channels of zeroes.
    groups: Vec<Fields>,
}

/// What is known of neighbouring channels.
///
/// `((sum + bias) * multiplier + round) >> shift` is computed as
/// `(sum * multiplier + addend) >> shift`: the same number modulo 2^64.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Fields {
    /// `bias * multiplier + round`.
    addend: [i64; CHANNELS_AT_ONCE],
    /// At most 62.
    shift: [u64; CHANNELS_AT_ONCE],
    multiplier: [i32; CHANNELS_AT_ONCE],
}

/// Rows of accumulators of neighbouring channels, and where their bytes go.
pub(super) struct Piece<'a> {
    pub(super) sums: &'a [Sums],
    /// The first channel, a multiple of [`CHANNELS_AT_ONCE`].
    pub(super) channel: usize,
    /// Channels that there are, at most as many as a row has sums.
    pub(super) width: usize,
    /// From the first byte of the first row on.
    pub(super) output: &'a mut [u8],
    /// Bytes from row to row.
    pub(super) stride: usize,
}

impl Channels {
    /// Of records of 16 bytes. `offsets`, where there are any, are taken off the accumulators.
    pub(super) fn decode(records: &[u8], offsets: &[i32]) -> Self {
        let (records, _) = records.as_chunks::<16>();
        let none = Fields {
            addend: [0; CHANNELS_AT_ONCE],
            shift: [0; CHANNELS_AT_ONCE],
            multiplier: [0; CHANNELS_AT_ONCE],
        };
        let mut groups = vec![none; records.len().div_ceil(CHANNELS_AT_ONCE)];
        let offsets = offsets.iter().copied().chain(std::iter::repeat(0));
        for (index, (record, offset)) in records.iter().zip(offsets).enumerate() {
            let [b0, b1, b2, b3, m0, m1, m2, m3, shift, ..] = *record;
            let bias = i64::from(i32::from_le_bytes([b0, b1, b2, b3])) - i64::from(offset);
            let multiplier = i32::from_le_bytes([m0, m1, m2, m3]);
            let shift = shift.min(62);
            // Half of what the shift divides by, and 0 for 1.
            let round = (1i64 << shift) >> 1;
            let fields = &mut groups[index / CHANNELS_AT_ONCE];
            let place = index % CHANNELS_AT_ONCE;
            fields.addend[place] = bias.wrapping_mul(multiplier.into()).wrapping_add(round);
            fields.shift[place] = shift.into();
            fields.multiplier[place] = multiplier;
        }
        let count = records.len();
        Self { count, groups }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Fills a piece's rows with what becomes of their accumulators.
    pub(super) fn finish(&self, mut piece: Piece<'_>, table: Option<&Table>) {
        let fields = &self.groups[piece.channel / CHANNELS_AT_ONCE];
        if !vectors::finish(fields, &mut piece, table) {
            fields.finish(&mut piece, table);
        }
    }

    /// The same for all accumulators of neighbouring channels from `channel` on, `[rows, width]`.
    /// `output` has `stride` bytes a row and begins with the first of these channels.
    ///
    /// All of an audit's accumulators come from memory: the sums of the next rows are asked for
    /// meanwhile, also those that follow `sums`.
    pub(super) fn finish_all(
        &self,
        (channel, width): (usize, usize),
        sums: &[i32],
        table: Option<&Table>,
        output: &mut [u8],
        stride: usize,
    ) {
        const ROWS: usize = 16;
        let mut some = [Sums::ZERO; ROWS];
        let blocks = sums.chunks(ROWS * width);
        for (sums, output) in blocks.zip(output.chunks_mut(ROWS * stride)) {
            for at in (0..width).step_by(CHANNELS_AT_ONCE) {
                let columns = at..width.min(at + CHANNELS_AT_ONCE);
                for (row, Sums(to)) in sums.chunks_exact(width).zip(&mut some) {
                    let row = &row[columns.clone()];
                    for line in row.chunks(LINE_BYTES / size_of::<i32>()) {
                        fetch(line, sums.len());
                    }
                    match row.try_into() {
                        Ok(whole) => *to = whole,
                        Err(_) => to[..row.len()].copy_from_slice(row),
                    }
                }
                let piece = Piece {
                    sums: &some[..sums.len() / width],
                    channel: channel + at,
                    width: columns.len(),
                    output: &mut output[at..],
                    stride,
                };
                self.finish(piece, table);
            }
        }
    }
}

impl Piece<'_> {
    /// Each row's sums and its bytes.
    fn rows(&mut self) -> impl Iterator<Item = (&Sums, &mut [u8])> {
        let width = self.width;
        let rows = self.output.chunks_mut(self.stride);
        self.sums.iter().zip(rows.map(move |row| &mut row[..width]))
    }
}

impl Fields {
    /// `mizan_tensor::requantise` in a plain loop, for processors without such vectors.
    fn finish(&self, piece: &mut Piece<'_>, table: Option<&Table>) {
        for (sums, output) in piece.rows() {
            let scales = self.multiplier.iter().zip(&self.shift).zip(&self.addend);
            for ((out, sum), ((multiplier, shift), addend)) in
                output.iter_mut().zip(&sums.0).zip(scales)
            {
                let product = i64::from(*sum).wrapping_mul((*multiplier).into());
                let scaled = product.wrapping_add(*addend).wrapping_shr(*shift as u32);
                *out = scaled.clamp(i8::MIN.into(), i8::MAX.into()) as u8;
            }
            if let Some(table) = table {
                look_up(table, output);
            }
        }
    }
}

/// Each byte through the table.
fn look_up(Table(entries): &Table, bytes: &mut [u8]) {
    for byte in bytes {
        *byte = entries[usize::from(*byte)].to_le_bytes()[0];
    }
}

#[cfg(test)]
mod tests;
