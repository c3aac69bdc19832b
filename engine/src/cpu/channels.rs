//! From accumulators to bytes: bias, scaling and table.

use mizan_tensor::Table;
use std::ops::Range;

/// Channels that are worked on together for all rows: what is known of them then stays in the
/// nearest cache.
const CHANNELS_AT_ONCE: usize = 512;

/// The channel records of a linear operation, decoded once for all rows, field by field as
/// vector instructions want them.
#[derive(Debug)]
pub(super) struct Channels {
    bias: Vec<i64>,
    multiplier: Vec<i64>,
    /// At most 62.
    shift: Vec<u64>,
}

impl Channels {
    /// Of records of 16 bytes. `offsets`, where there are any, are taken off the accumulators.
    pub(super) fn decode(records: &[u8], offsets: &[i32]) -> Self {
        let (records, _) = records.as_chunks::<16>();
        let mut channels = Self {
            bias: Vec::with_capacity(records.len()),
            multiplier: Vec::with_capacity(records.len()),
            shift: Vec::with_capacity(records.len()),
        };
        let offsets = offsets.iter().copied().chain(std::iter::repeat(0));
        for (record, offset) in records.iter().zip(offsets) {
            let [b0, b1, b2, b3, m0, m1, m2, m3, shift, ..] = *record;
            let bias = i64::from(i32::from_le_bytes([b0, b1, b2, b3]));
            channels.bias.push(bias - i64::from(offset));
            let multiplier = i32::from_le_bytes([m0, m1, m2, m3]);
            channels.multiplier.push(multiplier.into());
            channels.shift.push(shift.min(62).into());
        }
        channels
    }

    /// Fills some columns of `output`, from column `at` of its rows of `stride` bytes on, with what
    /// becomes of accumulators of these channels.
    pub(super) fn finish(
        &self,
        channels: Range<usize>,
        sums: &[i32],
        table: Option<&Table>,
        output: &mut [u8],
        (stride, at): (usize, usize),
    ) {
        let width = channels.len();
        for start in (0..width).step_by(CHANNELS_AT_ONCE) {
            let range = start..width.min(start + CHANNELS_AT_ONCE);
            let fields = channels.start + range.start..channels.start + range.end;
            let rows = output
                .chunks_exact_mut(stride)
                .zip(sums.chunks_exact(width));
            for (output, sums) in rows {
                let piece = Piece {
                    sums: &sums[range.clone()],
                    bias: &self.bias[fields.clone()],
                    multiplier: &self.multiplier[fields.clone()],
                    shift: &self.shift[fields.clone()],
                };
                piece.finish(table, &mut output[at + range.start..at + range.end]);
            }
        }
    }
}

/// Some neighbouring channels of one row.
#[derive(Clone, Copy)]
struct Piece<'a> {
    sums: &'a [i32],
    bias: &'a [i64],
    multiplier: &'a [i64],
    shift: &'a [u64],
}

impl Piece<'_> {
    fn finish(self, table: Option<&Table>, output: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if x86::finish(self, table, output) {
            return;
        }
        self.requantise(output);
        if let Some(table) = table {
            look_up(table, output);
        }
    }

    /// `mizan_tensor::requantise`, in one plain loop without a branch, which the compiler turns
    /// into what the caller may use of the processor.
    #[inline(always)]
    fn requantise(self, output: &mut [u8]) {
        let scales = self.multiplier.iter().zip(self.shift);
        let values = self.sums.iter().zip(self.bias);
        for ((out, (sum, bias)), (multiplier, shift)) in output.iter_mut().zip(values).zip(scales) {
            let value = i64::from(*sum).wrapping_add(*bias);
            // Half of what the shift divides by, and 0 for 1.
            let round = 1i64.wrapping_shl(*shift as u32) >> 1;
            let scaled = value.wrapping_mul(*multiplier).wrapping_add(round);
            let scaled = scaled.wrapping_shr(*shift as u32);
            *out = scaled.clamp(i8::MIN.into(), i8::MAX.into()) as u8;
        }
    }
}

/// Each byte through the table.
fn look_up(Table(entries): &Table, bytes: &mut [u8]) {
    for byte in bytes {
        *byte = entries[usize::from(*byte)].to_le_bytes()[0];
    }
}

/// The same with 512-bit vectors.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use super::{look_up, Piece, Table};
    use std::arch::x86_64::*;

    /// Whether the processor could do it.
    pub(super) fn finish(piece: Piece<'_>, table: Option<&Table>, output: &mut [u8]) -> bool {
        let has_vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if !has_vectors {
            return false;
        }
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { requantise(piece, output) };
        match table {
            // SAFETY: as above.
            Some(table) if is_x86_feature_detected!("avx512vbmi") => unsafe {
                look_up_vectors(table, output)
            },
            Some(table) => look_up(table, output),
            None => (),
        }
        true
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn requantise(piece: Piece<'_>, output: &mut [u8]) {
        piece.requantise(output);
    }

    /// The table in four registers; the top bit of a byte chooses between two pairs of them.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up_vectors(table: &Table, bytes: &mut [u8]) {
        let (quarters, _) = table.0.as_chunks::<64>();
        // SAFETY: each quarter has the 64 bytes that are read.
        let load = |quarter: &[i8; 64]| unsafe { _mm512_loadu_epi8(quarter.as_ptr()) };
        let [a, b, c, d] = [0, 1, 2, 3].map(|quarter| load(&quarters[quarter]));
        let (vectors, rest) = bytes.as_chunks_mut::<64>();
        for vector in vectors {
            let place = vector.as_mut_ptr().cast::<i8>();
            // SAFETY: the vector has the 64 bytes that are read, and later written.
            let index = unsafe { _mm512_loadu_epi8(place) };
            let lower = _mm512_permutex2var_epi8(a, index, b);
            let upper = _mm512_permutex2var_epi8(c, index, d);
            let value = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper);
            // SAFETY: as above.
            unsafe { _mm512_storeu_epi8(place, value) };
        }
        look_up(table, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::requantise;

    /// Lengths around those of vectors and pieces; every shift; sums and records at all bounds.
    #[test]
    fn pieces_are_the_definition_element_by_element() {
        let bounds = [i32::MIN, -(1 << 30), -257, -1, 0, 1, 255, 1 << 30, i32::MAX];
        let pick = |index: usize| bounds[index % bounds.len()];
        let table = Table::from_fn(|x| x.wrapping_mul(7) ^ 0x55);
        for n in [1, 7, 8, 63, 64, 65, 130, 511, 512, 513, 1_100] {
            let mut records = Vec::new();
            for channel in 0..n {
                records.extend(pick(channel).to_le_bytes());
                records.extend(pick(channel / 9).to_le_bytes());
                records.extend([(channel * 5) as u8, 0, 0, 0, 0, 0, 0, 0]);
            }
            let offsets: Vec<i32> = (0..n).map(|channel| pick(channel / 3)).collect();
            let sums: Vec<i32> = (0..3 * n)
                .map(|index| pick(index / 2 + index / n))
                .collect();
            let channels = Channels::decode(&records, &offsets);
            for table in [None, Some(&table)] {
                let mut output = vec![0; 3 * n];
                // In two parts, as two bands would.
                for part in [0..n / 3, n / 3..n] {
                    let sums: Vec<i32> = sums
                        .chunks(n)
                        .flat_map(|row| &row[part.clone()])
                        .copied()
                        .collect();
                    let place = (n, part.start);
                    channels.finish(part, &sums, table, &mut output, place);
                }
                for (index, out) in output.into_iter().enumerate() {
                    let channel = index % n;
                    let value = i64::from(sums[index]) + i64::from(pick(channel))
                        - i64::from(offsets[channel]);
                    let value = requantise(value, pick(channel / 9), (channel * 5) as u8);
                    let value = table.map_or(value, |table| table.get(value));
                    assert_eq!(out as i8, value, "channel {channel} of {n}");
                }
            }
        }
    }
}
