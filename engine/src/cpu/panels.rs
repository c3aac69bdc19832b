//! Products of signed bytes with instructions of x86 for which activations need little or no
//! preparation.
//!
//! Those of VNNI add four products of an unsigned and a signed byte to each sum of 32 bits, without
//! saturation. Weights are stored raised by 128, so that they are the unsigned ones; what that
//! adds to a sum is 128 times the sum of the row's activations, and is taken off again. A raised
//! weight is at most 255 and an activation 128 in magnitude, and the program format bounds the
//! reduction by 65,536, so a sum is at most 2,139,095,040, smaller than 2^31.
//!
//! A *panel* is 32 columns of the product: for each *group* of four reductions 128 bytes, four of
//! each column. A *tile* is the part of the product that is made at once: some rows and one panel
//! or several, of which as many columns as there are registers for at a time.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::{
    channels::{Sums, CHANNELS_AT_ONCE},
    linear::Shape,
};

/// Columns of a panel: those that are made bytes together.
const COLUMNS: usize = CHANNELS_AT_ONCE;
/// Reductions of a group, which one instruction multiplies.
const GROUP: usize = 4;

/// Which instructions multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    /// VNNI on 512 bits.
    Avx512Vnni,
    /// VNNI on 256 bits, on processors without AVX-512.
    AvxVnni,
    /// Products of 16 bits, which are exact as well, at less than half the speed.
    Avx2,
}

impl Instructions {
    /// Those of this machine, the fastest first.
    pub(super) fn of_this_machine() -> impl Iterator<Item = Self> {
        let all = [Self::Avx512Vnni, Self::AvxVnni, Self::Avx2];
        all.into_iter().filter(|some| some.are_supported())
    }

    fn are_supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
            }
            Self::AvxVnni => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni")
            }
            Self::Avx2 => is_x86_feature_detected!("avx2"),
        }
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// The products, `[columns]`, of a row of signed bytes, `[k]`, with weights as they are,
    /// `[columns, k]`.
    ///
    /// Only for machines that have the instructions.
    pub(super) fn multiply_row(self, input: &[u8], weights: &[i8], sums: &mut [i32]) {
        assert!(self.are_supported() && weights.len() == input.len() * sums.len());
        #[cfg(target_arch = "x86_64")]
        x86::multiply_row(self, input, bytemuck::cast_slice(weights), sums);
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("no other machine has these instructions");
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avx512Vnni => "cpu-avx512-vnni",
            Self::AvxVnni => "cpu-avx-vnni",
            Self::Avx2 => "cpu-avx2",
        }
    }
}

/// Weights of some columns of the product, the same whatever multiplies them.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct Panels {
    instructions: Instructions,
    k: usize,
    columns: usize,
    /// Panel after panel, group after group; filled up with zeroes.
    groups: Vec<Group>,
}

/// One group of a panel, where vector loads are fastest.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Group([[u8; GROUP]; COLUMNS]);

/// Rows of accumulators of one panel.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) struct Part<'a> {
    /// The first row.
    pub(super) row: usize,
    /// The first column.
    pub(super) column: usize,
    /// How many columns the product has of this panel.
    pub(super) width: usize,
    pub(super) sums: &'a [Sums],
}

/// Bytes of weights of that shape as panels.
pub(super) fn packed_bytes(Shape { n, k }: Shape) -> usize {
    let row = k.next_multiple_of(GROUP);
    n.next_multiple_of(COLUMNS).saturating_mul(row)
}

impl Panels {
    /// Of weights `[columns, k]`.
    pub(super) fn pack(instructions: Instructions, k: usize, weights: &[i8]) -> Self {
        let columns = weights.len() / k;
        let groups_of_panel = k.div_ceil(GROUP);
        let panels = columns.div_ceil(COLUMNS);
        let mut groups = vec![Group([[0; GROUP]; COLUMNS]); panels * groups_of_panel];
        let of_panels = groups.chunks_exact_mut(groups_of_panel);
        for (panel, rows) in of_panels.zip(weights.chunks(COLUMNS * k)) {
            for (column, row) in rows.chunks_exact(k).enumerate() {
                for (group, some) in panel.iter_mut().zip(row.chunks(GROUP)) {
                    let place = group.0[column].iter_mut();
                    place.zip(some).for_each(|(to, w)| *to = *w as u8 ^ 0x80);
                }
            }
        }
        Self {
            instructions,
            k,
            columns,
            groups,
        }
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.groups.as_slice())
    }

    /// Hands the accumulators of `input`, `[rows, k]`, to `take`, part after part.
    ///
    /// Only for machines that have the instructions. `space` is workspace.
    pub(super) fn multiply(
        &self,
        input: &[u8],
        space: &mut Vec<i16>,
        take: &mut dyn FnMut(Part<'_>),
    ) {
        assert!(self.instructions.are_supported() && input.len().is_multiple_of(self.k));
        #[cfg(target_arch = "x86_64")]
        x86::multiply(self, input, space, take);
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = (space, take);
            unreachable!("panels are made on machines with these instructions only");
        }
    }
}

#[cfg(test)]
mod tests;
