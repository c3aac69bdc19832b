//! The same with vectors of AVX-512 or AVX2.

use super::{Fields, Piece};
use mizan_tensor::Table;

/// Whether the processor could do it.
pub(super) fn finish(fields: &Fields, piece: &mut Piece<'_>, table: Option<&Table>) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        x86::finish_avx512(fields, piece, table) || x86::finish_avx2(fields, piece, table)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (fields, piece, table);
        false
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub(super) mod x86 {
    use super::{Fields, Piece};
    use crate::cpu::channels::{look_up, Sums, CHANNELS_AT_ONCE};
    use mizan_tensor::Table;
    use std::arch::x86_64::*;

    /// Whether the processor could do it.
    pub(in super::super) fn finish_avx512(
        fields: &Fields,
        piece: &mut Piece<'_>,
        table: Option<&Table>,
    ) -> bool {
        let has_vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        if !has_vectors {
            return false;
        }
        match table {
            // SAFETY: the processor has the features that the function is compiled for.
            Some(table) if is_x86_feature_detected!("avx512vbmi") => unsafe {
                looked_up_512(fields, piece, table);
            },
            _ => {
                // SAFETY: as above.
                unsafe { requantised_512(fields, piece) };
                look_up_rows(piece, table);
            }
        }
        true
    }

    /// Whether the processor could do it.
    pub(in super::super) fn finish_avx2(
        fields: &Fields,
        piece: &mut Piece<'_>,
        table: Option<&Table>,
    ) -> bool {
        if !is_x86_feature_detected!("avx2") {
            return false;
        }
        // SAFETY: the processor has the feature that the function is compiled for.
        unsafe { requantised_256(fields, piece) };
        look_up_rows(piece, table);
        true
    }

    fn look_up_rows(piece: &mut Piece<'_>, table: Option<&Table>) {
        if let Some(table) = table {
            piece.rows().for_each(|(_, row)| look_up(table, row));
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn requantised_512(fields: &Fields, piece: &mut Piece<'_>) {
        each_row_512(fields, piece, |bytes| bytes);
    }

    /// The table in four registers; the top bit of a byte chooses between two pairs of them.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    fn looked_up_512(fields: &Fields, piece: &mut Piece<'_>, table: &Table) {
        let (quarters, _) = table.0.as_chunks::<64>();
        // SAFETY: each quarter has the 64 bytes that are read.
        let load = |quarter: &[i8; 64]| unsafe { _mm512_loadu_epi8(quarter.as_ptr()) };
        let [a, b, c, d] = [0, 1, 2, 3].map(|quarter| load(&quarters[quarter]));
        each_row_512(fields, piece, |bytes| {
            let index = _mm512_castsi256_si512(bytes);
            let lower = _mm512_permutex2var_epi8(a, index, b);
            let upper = _mm512_permutex2var_epi8(c, index, d);
            let value = _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), lower, upper);
            _mm512_castsi512_si256(value)
        });
    }

    /// Eight channels at a time, in 64 bits.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn each_row_512(fields: &Fields, piece: &mut Piece<'_>, last: impl Fn(__m256i) -> __m256i) {
        let mask = mask(piece.width);
        // SAFETY: eight fields of each kind lie at `8 * part`, for there are 32.
        let known = [0, 1, 2, 3].map(|part| unsafe {
            let multiplier = fields.multiplier.as_ptr().add(8 * part).cast();
            (
                _mm512_cvtepi32_epi64(_mm256_loadu_si256(multiplier)),
                _mm512_loadu_epi64(fields.addend.as_ptr().add(8 * part)),
                _mm512_loadu_si512(fields.shift.as_ptr().add(8 * part).cast()),
            )
        });
        for (Sums(sums), output) in piece.rows() {
            let [a, b, c, d] = [0, 1, 2, 3].map(|part| {
                let (multiplier, addend, shift) = known[part];
                // SAFETY: eight sums lie at `8 * part`, for there are 32.
                let sums = unsafe { _mm256_loadu_si256(sums.as_ptr().add(8 * part).cast()) };
                let product = _mm512_mul_epi32(_mm512_cvtepi32_epi64(sums), multiplier);
                let scaled = _mm512_srav_epi64(_mm512_add_epi64(product, addend), shift);
                _mm512_cvtsepi64_epi8(scaled)
            });
            let (left, right) = (_mm_unpacklo_epi64(a, b), _mm_unpacklo_epi64(c, d));
            let bytes = last(_mm256_set_m128i(right, left));
            // SAFETY: only the bytes that the row has are written.
            unsafe { _mm256_mask_storeu_epi8(output.as_mut_ptr().cast(), mask, bytes) };
        }
    }

    /// One bit for each of the first channels.
    fn mask(width: usize) -> u32 {
        u32::MAX >> (CHANNELS_AT_ONCE - width.clamp(1, CHANNELS_AT_ONCE))
    }

    /// Four channels at a time, in 64 bits, and eight in 32 for what is left of them.
    #[target_feature(enable = "avx2")]
    fn requantised_256(fields: &Fields, piece: &mut Piece<'_>) {
        let known = Known::of(fields);
        for (Sums(sums), output) in piece.rows() {
            // Each has columns 0, 1, 4, 5 of its eight in its first half, and the others in its
            // second. Packing keeps the halves, so that both have every other pair at the end.
            let [a, b, c, d] = [0, 8, 16, 24].map(|at| eight(fields, &known, sums, at));
            let words = [_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)];
            let bytes = _mm256_packs_epi16(words[0], words[1]);
            let first = _mm256_castsi256_si128(bytes);
            let second = _mm256_extracti128_si256::<1>(bytes);
            let (left, right) = (
                _mm_unpacklo_epi16(first, second),
                _mm_unpackhi_epi16(first, second),
            );
            let mut bytes = [0u8; CHANNELS_AT_ONCE];
            let whole = output.len() == bytes.len();
            let to = if whole { &mut *output } else { &mut bytes };
            // SAFETY: there is room for the 32 bytes that are written.
            unsafe {
                _mm_storeu_si128(to.as_mut_ptr().cast(), left);
                _mm_storeu_si128(to.as_mut_ptr().add(16).cast(), right);
            }
            if !whole {
                output.copy_from_slice(&bytes[..output.len()]);
            }
        }
    }

    /// What is the same for all rows.
    ///
    /// There is no arithmetic shift of 64 bits: 2^63 is added, which makes all numbers positive,
    /// and what has become of it is taken off again.
    #[repr(align(32))]
    struct Known {
        /// The addend with 2^63 added.
        raised: [i64; CHANNELS_AT_ONCE],
        /// 2^63, shifted.
        raise: [i64; CHANNELS_AT_ONCE],
    }

    impl Known {
        #[target_feature(enable = "avx2")]
        fn of(fields: &Fields) -> Self {
            let mut known = Self {
                raised: fields.addend,
                raise: [0; CHANNELS_AT_ONCE],
            };
            for (index, shift) in fields.shift.iter().enumerate() {
                known.raised[index] ^= i64::MIN;
                known.raise[index] = ((1u64 << 63) >> shift) as i64;
            }
            known
        }
    }

    /// Eight channels from `at` on, clamped to 32 bits.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn eight(fields: &Fields, known: &Known, sums: &[i32; CHANNELS_AT_ONCE], at: usize) -> __m256i {
        let [left, right] = [at, at + 4].map(|at| {
            let four = four(fields, known, sums, at);
            _mm256_castsi256_ps(four)
        });
        let lower = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(left, right));
        let upper = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(left, right));
        // Numbers of 32 bits have copies of their sign in the upper half.
        let fits = _mm256_cmpeq_epi32(upper, _mm256_srai_epi32::<31>(lower));
        let sign = _mm256_srai_epi32::<31>(upper);
        let bound = _mm256_xor_si256(sign, _mm256_set1_epi32(i32::MAX));
        _mm256_blendv_epi8(bound, lower, fits)
    }

    /// Four channels from `at` on, each in 64 bits.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn four(fields: &Fields, known: &Known, sums: &[i32; CHANNELS_AT_ONCE], at: usize) -> __m256i {
        assert!(at + 4 <= CHANNELS_AT_ONCE);
        // SAFETY: four numbers of each kind lie at `at`.
        let [sums, multipliers] = [sums, &fields.multiplier]
            .map(|four| unsafe { _mm_loadu_si128(four.as_ptr().add(at).cast()) });
        // SAFETY: as above.
        let [raised, raise] = [&known.raised, &known.raise]
            .map(|four| unsafe { _mm256_loadu_si256(four.as_ptr().add(at).cast()) });
        // SAFETY: as above.
        let shift = unsafe { _mm256_loadu_si256(fields.shift.as_ptr().add(at).cast()) };
        let [sums, multipliers] = [sums, multipliers].map(|four| _mm256_cvtepi32_epi64(four));
        let value = _mm256_add_epi64(_mm256_mul_epi32(sums, multipliers), raised);
        _mm256_sub_epi64(_mm256_srlv_epi64(value, shift), raise)
    }
}
