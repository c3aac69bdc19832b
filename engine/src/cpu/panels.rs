//! Products of signed bytes with the dot product instruction of AVX-512 (VNNI), for which
//! activations need no preparation at all.
//!
//! `vpdpbusd` adds four products of an unsigned and a signed byte to each of sixteen sums of 32
//! bits, without saturation. Weights are stored raised by 128, so that they are the unsigned ones;
//! what that adds to a sum is 128 times the sum of the row's activations, and is taken off again.
//! A raised weight is at most 255 and an activation 128 in magnitude, and the program format bounds
//! the reduction by 65,536, so a sum is at most 2,139,095,040, smaller than 2^31.
//!
//! A *panel* is 32 columns of the product: for each *group* of four reductions 128 bytes, four of
//! each column. A *tile* is the part of the product that stays in registers: some rows, one panel
//! or several.

use super::linear::Shape;

/// Columns of a panel: two registers of sums.
const COLUMNS: usize = 32;
/// Reductions of a group, which one instruction multiplies.
const GROUP: usize = 4;

/// Weights of some columns of the product.
pub(super) struct Panels {
    k: usize,
    columns: usize,
    /// Panel after panel, group after group; filled up with zeroes.
    groups: Vec<Group>,
}

/// One group of a panel, where vector loads are fastest.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Group([[u8; GROUP]; COLUMNS]);

/// Whether this machine has the instructions.
pub(super) fn are_supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Bytes of weights of that shape as panels.
pub(super) fn packed_bytes(Shape { n, k }: Shape) -> usize {
    let row = k.next_multiple_of(GROUP);
    n.next_multiple_of(COLUMNS).saturating_mul(row)
}

impl Panels {
    /// Of weights `[columns, k]`.
    pub(super) fn pack(k: usize, weights: &[i8]) -> Self {
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
        Self { k, columns, groups }
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.groups.as_slice())
    }

    /// The accumulators of `input`, `[rows, k]`, in `sums`, `[rows, columns]`.
    ///
    /// Only for machines on which [`are_supported`].
    pub(super) fn multiply(&self, input: &[u8], sums: &mut [i32]) {
        let rows = input.len() / self.k;
        assert!(input.len() == rows * self.k && sums.len() == rows * self.columns);
        #[cfg(target_arch = "x86_64")]
        x86::multiply(self, input, sums);
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("panels are made on machines with AVX-512 only");
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    use super::{are_supported, Group, Panels, COLUMNS, GROUP};
    use std::arch::x86_64::*;

    /// Rows of the largest tile: with two registers of sums each, two of weights, and one of
    /// activations there is room for no more.
    const ROWS: usize = 12;

    /// Panels that one or two rows take at once.
    const TOGETHER: usize = 4;

    pub(super) fn multiply(panels: &Panels, input: &[u8], sums: &mut [i32]) {
        assert!(are_supported(), "panels were made on another machine");
        let tiles = input.chunks(ROWS * panels.k);
        let offsets: Vec<[i32; ROWS]> = tiles.map(|rows| offsets(rows, panels.k)).collect();
        // Few rows take several panels at once, so that there are enough sums to work on.
        let rows = input.len() / panels.k;
        let together = if rows <= 2 { TOGETHER } else { 1 };
        let groups = panels.k.div_ceil(GROUP);
        let mut column = 0;
        for some in panels.groups.chunks(together * groups) {
            let tiles = input.chunks(ROWS * panels.k).zip(&offsets).enumerate();
            for (index, (rows, offsets)) in tiles {
                let place = index * ROWS * panels.columns + column;
                let tile = Tile {
                    k: panels.k,
                    columns: panels.columns,
                    width: (some.len() / groups * COLUMNS).min(panels.columns - column),
                    rows,
                    offsets,
                    groups: some,
                };
                tile.multiply(&mut sums[place..]);
            }
            column += some.len() / groups * COLUMNS;
        }
    }

    /// What raised weights add to the sums of each row.
    fn offsets(rows: &[u8], k: usize) -> [i32; ROWS] {
        let mut offsets = [0; ROWS];
        for (offset, row) in offsets.iter_mut().zip(rows.chunks_exact(k)) {
            // SAFETY: `multiply` has made sure that the processor has the features.
            *offset = unsafe { sum(row) } << 7;
        }
        offsets
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

    /// Some rows with some neighbouring panels.
    struct Tile<'a> {
        k: usize,
        /// Of the whole product.
        columns: usize,
        /// Columns of this tile that the product has.
        width: usize,
        rows: &'a [u8],
        offsets: &'a [i32; ROWS],
        groups: &'a [Group],
    }

    impl Tile<'_> {
        /// Writes rows that lie `columns` apart.
        fn multiply(&self, sums: &mut [i32]) {
            let groups = self.k.div_ceil(GROUP);
            let (rows, panels) = (self.rows.len() / self.k, self.groups.len() / groups);
            assert!(self.rows.len() == rows * self.k && self.groups.len() == panels * groups);
            // SAFETY: `multiply` above has made sure that the processor has the features. There
            // are as many rows and panels as each of these functions is for.
            unsafe {
                match (rows, panels) {
                    (1, TOGETHER) => self.few::<1>(sums),
                    (2, TOGETHER) => self.few::<2>(sums),
                    (_, 1) => self.panel(rows, sums),
                    _ => self.each(rows, sums),
                }
            }
        }

        /// Panel after panel, where there are fewer than are taken at once.
        ///
        /// # Safety
        /// The processor must have AVX-512 F, BW and VNNI; there are so many rows.
        unsafe fn each(&self, rows: usize, sums: &mut [i32]) {
            let panels = self.groups.chunks(self.k.div_ceil(GROUP));
            for (index, groups) in panels.enumerate() {
                let column = index * COLUMNS;
                let tile = Tile {
                    width: (self.width - column).min(COLUMNS),
                    groups,
                    ..*self
                };
                // SAFETY: the caller's; these are the groups of one panel.
                unsafe { tile.panel(rows, &mut sums[column..]) };
            }
        }

        /// # Safety
        /// The processor must have AVX-512 F, BW and VNNI; there are so many rows and one panel.
        unsafe fn panel(&self, rows: usize, sums: &mut [i32]) {
            // SAFETY: the caller's, for as many rows as each function has names.
            unsafe {
                match rows {
                    1 => one(self, sums),
                    2 => two(self, sums),
                    3 => three(self, sums),
                    4 => four(self, sums),
                    5 => five(self, sums),
                    6 => six(self, sums),
                    7 => seven(self, sums),
                    8 => eight(self, sums),
                    9 => nine(self, sums),
                    10 => ten(self, sums),
                    11 => eleven(self, sums),
                    _ => twelve(self, sums),
                }
            }
        }

        /// One or two rows with several panels.
        ///
        /// # Safety
        /// The processor must have AVX-512 F, BW and VNNI; there are `R` rows and [`TOGETHER`]
        /// panels.
        #[allow(
            clippy::needless_range_loop,
            reason = "known indices keep sums in registers"
        )]
        #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
        unsafe fn few<const R: usize>(&self, sums: &mut [i32]) {
            let groups = self.k.div_ceil(GROUP);
            let mut accumulators = [[[_mm512_setzero_si512(); 2]; TOGETHER]; R];
            for group in 0..groups {
                for row in 0..R {
                    let activation = _mm512_set1_epi32(self.activation(row, group));
                    for panel in 0..TOGETHER {
                        // SAFETY: there are so many panels, each of so many groups of 128 bytes,
                        // and the place of each is a multiple of 64.
                        let [left, right] = unsafe { load(self.groups, panel * groups + group) };
                        let sums = &mut accumulators[row][panel];
                        sums[0] = _mm512_dpbusd_epi32(sums[0], left, activation);
                        sums[1] = _mm512_dpbusd_epi32(sums[1], right, activation);
                    }
                }
            }
            for row in 0..R {
                for panel in 0..TOGETHER {
                    self.store(row, panel * COLUMNS, accumulators[row][panel], sums);
                }
            }
        }

        /// Four activations, with zeroes for those that the row does not have.
        #[inline]
        fn activation(&self, row: usize, group: usize) -> i32 {
            let row = &self.rows[row * self.k..][..self.k];
            let rest = &row[group * GROUP..];
            let bytes = rest.first_chunk().copied().unwrap_or_else(|| {
                let mut bytes = [0; GROUP];
                bytes[..rest.len()].copy_from_slice(rest);
                bytes
            });
            i32::from_le_bytes(bytes)
        }

        /// A row's sums of a panel, as far as the product has these columns.
        #[target_feature(enable = "avx512f")]
        #[inline]
        fn store(&self, row: usize, column: usize, panel: [__m512i; 2], sums: &mut [i32]) {
            let offset = _mm512_set1_epi32(self.offsets[row]);
            let start = row * self.columns;
            let out = &mut sums[start..start + self.width];
            store(out, column, _mm512_sub_epi32(panel[0], offset));
            store(out, column + 16, _mm512_sub_epi32(panel[1], offset));
        }
    }

    /// A function for as many rows as it has names. Each sum has a variable of its own: those that
    /// are elements of arrays end up in memory.
    macro_rules! tile {
        ($name:ident: $($row:ident)*) => {
            /// One panel.
            ///
            /// # Safety
            /// The processor must have AVX-512 F, BW and VNNI; the tile has as many rows and one
            /// panel.
            #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
            unsafe fn $name(tile: &Tile<'_>, sums: &mut [i32]) {
                let zero = _mm512_setzero_si512();
                let mut start = tile.rows.as_ptr();
                $(
                    let mut $row = (zero, zero, start);
                    start = start.wrapping_add(tile.k);
                )*
                let _ = start;
                let whole = tile.k / GROUP;
                for group in 0..whole {
                    // SAFETY: `group` is one of the panel's.
                    let [left, right] = unsafe { load(tile.groups, group) };
                    $(
                        // SAFETY: `group` is a whole one, so its four bytes lie in the row.
                        let some = unsafe { $row.2.add(group * GROUP).cast::<i32>().read_unaligned() };
                        let activation = _mm512_set1_epi32(some);
                        $row.0 = _mm512_dpbusd_epi32($row.0, left, activation);
                        $row.1 = _mm512_dpbusd_epi32($row.1, right, activation);
                    )*
                }
                if tile.k % GROUP != 0 {
                    // SAFETY: the panel's last group.
                    let [left, right] = unsafe { load(tile.groups, whole) };
                    let mut row = 0;
                    $(
                        let activation = _mm512_set1_epi32(tile.activation(row, whole));
                        $row.0 = _mm512_dpbusd_epi32($row.0, left, activation);
                        $row.1 = _mm512_dpbusd_epi32($row.1, right, activation);
                        row += 1;
                    )*
                    let _ = row;
                }
                let mut row = 0;
                $(
                    tile.store(row, 0, [$row.0, $row.1], sums);
                    row += 1;
                )*
                let _ = row;
            }
        };
    }

    tile!(one: a);
    tile!(two: a b);
    tile!(three: a b c);
    tile!(four: a b c d);
    tile!(five: a b c d e);
    tile!(six: a b c d e f);
    tile!(seven: a b c d e f g);
    tile!(eight: a b c d e f g h);
    tile!(nine: a b c d e f g h i);
    tile!(ten: a b c d e f g h i j);
    tile!(eleven: a b c d e f g h i j k);
    tile!(twelve: a b c d e f g h i j k l);

    /// The weights of a group.
    ///
    /// # Safety
    /// `index` is one of the groups.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn load(groups: &[Group], index: usize) -> [__m512i; 2] {
        // SAFETY: a group has 128 bytes, and its place is a multiple of 64.
        unsafe {
            let start = groups.as_ptr().add(index).cast::<__m512i>();
            [_mm512_load_si512(start), _mm512_load_si512(start.add(1))]
        }
    }

    /// Sixteen sums from that column on, or as many as there is room for.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn store(out: &mut [i32], column: usize, sums: __m512i) {
        let Some(out) = out.get_mut(column..) else {
            return;
        };
        let mask = ((1u32 << out.len().min(16)) - 1) as u16;
        // SAFETY: only the lanes that `out` has room for are written.
        unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask, sums) };
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
