//! From rows and panels to tiles.
#![allow(unsafe_code)]

mod avx2;
mod avx512;
mod avx_vnni;

use super::{Group, Instructions, Panels, Part, Sums, COLUMNS, GROUP};

/// Rows of the largest tile of any kernel.
const MOST_ROWS: usize = 12;

/// Instructions, and how they are used.
trait Kernel {
    /// Rows of its largest tile, at most [`MOST_ROWS`].
    const ROWS: usize;
    /// Panels that one or two rows take at once, so that there are enough sums to work on.
    const TOGETHER: usize;
    /// What activations are multiplied as.
    type Activation: Copy + Default;

    /// The rows as they are multiplied, maybe in `space`, and the length of one.
    fn prepare<'a>(
        input: &'a [u8],
        k: usize,
        space: &'a mut Vec<i16>,
    ) -> (&'a [Self::Activation], usize);

    /// The sum of a row of signed bytes.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn sum(row: &[u8]) -> i32;

    /// The products of a row with four others of the same length. `offset` is what weights would
    /// add to each if they were raised.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn four_columns(row: &[u8], offset: i32, weights: [&[u8]; 4]) -> [i32; 4];

    /// Fills the sums of each panel's rows, one panel after the other.
    ///
    /// # Safety
    /// The processor must have the instructions. The tile has at most [`Self::ROWS`] rows and one
    /// panel, or at most two rows and [`Self::TOGETHER`] panels.
    unsafe fn multiply(tile: &Tile<'_, Self::Activation>, sums: &mut [Sums]);
}

/// Some rows and some neighbouring panels.
struct Tile<'a, A> {
    /// Activations of a row.
    k: usize,
    rows: &'a [A],
    /// What raised weights add to the sums of each row.
    offsets: &'a [i32],
    panels: usize,
    /// Of each panel `k` over [`GROUP`], rounded up.
    groups: &'a [Group],
}

impl<A: Copy + Default> Tile<'_, A> {
    /// Activations of a group, with zeroes for those that the row does not have.
    #[inline]
    fn group(&self, row: usize, group: usize) -> [A; GROUP] {
        let row = &self.rows[row * self.k..][..self.k];
        let rest = &row[group * GROUP..];
        rest.first_chunk().copied().unwrap_or_else(|| {
            let mut some = [A::default(); GROUP];
            some[..rest.len()].copy_from_slice(rest);
            some
        })
    }
}

pub(super) fn multiply(
    panels: &Panels,
    input: &[u8],
    space: &mut Vec<i16>,
    take: &mut dyn FnMut(Part<'_>),
) {
    match panels.instructions {
        Instructions::Avx512Vnni => multiply_with::<avx512::Avx512>(panels, input, space, take),
        Instructions::AvxVnni => multiply_with::<avx_vnni::AvxVnni>(panels, input, space, take),
        Instructions::Avx2 => multiply_with::<avx2::Avx2>(panels, input, space, take),
    }
}

pub(super) fn multiply_row(
    instructions: Instructions,
    input: &[u8],
    weights: &[u8],
    sums: &mut [i32],
) {
    match instructions {
        Instructions::Avx512Vnni => multiply_row_with::<avx512::Avx512>(input, weights, sums),
        Instructions::AvxVnni => multiply_row_with::<avx_vnni::AvxVnni>(input, weights, sums),
        Instructions::Avx2 => multiply_row_with::<avx2::Avx2>(input, weights, sums),
    }
}

fn multiply_row_with<K: Kernel>(input: &[u8], weights: &[u8], sums: &mut [i32]) {
    let k = input.len();
    // SAFETY: `Instructions::multiply_row` has made sure that the processor has them.
    let offset = unsafe { K::sum(input) } << 7;
    for (sums, weights) in sums.chunks_mut(4).zip(weights.chunks(4 * k)) {
        // The last one again where there are fewer.
        let last = sums.len() - 1;
        let rows = [0, 1, 2, 3].map(|row| &weights[last.min(row) * k..][..k]);
        // SAFETY: as above.
        let four = unsafe { K::four_columns(input, offset, rows) };
        sums.copy_from_slice(&four[..sums.len()]);
    }
}

/// The last bytes of a row, filled up with zeroes.
fn filled_up<const N: usize>(rest: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..rest.len()].copy_from_slice(rest);
    bytes
}

fn multiply_with<K: Kernel>(
    panels: &Panels,
    input: &[u8],
    space: &mut Vec<i16>,
    take: &mut dyn FnMut(Part<'_>),
) {
    // SAFETY: `Panels::multiply` has made sure that the processor has the instructions.
    let offset = |row: &[u8]| unsafe { K::sum(row) } << 7;
    let offsets: Vec<i32> = input.chunks_exact(panels.k).map(offset).collect();
    let (activations, k) = K::prepare(input, panels.k, space);
    let rows = offsets.len();
    // Tiles of about the same number of rows.
    let rows_of_tile = rows.div_ceil(rows.div_ceil(K::ROWS).max(1)).max(1);
    let groups = k.div_ceil(GROUP);
    let panels_left = |column: usize| (panels.columns - column).div_ceil(COLUMNS);
    let mut column = 0;
    while column < panels.columns {
        let together = match rows <= 2 && panels_left(column) >= K::TOGETHER {
            true => K::TOGETHER,
            false => 1,
        };
        let first = column / COLUMNS * groups;
        for row in (0..rows).step_by(rows_of_tile) {
            let end = rows.min(row + rows_of_tile);
            let tile = Tile {
                k,
                rows: &activations[row * k..end * k],
                offsets: &offsets[row..end],
                panels: together,
                groups: &panels.groups[first..first + together * groups],
            };
            tile.hand_over::<K>(panels.columns, (row, column), take);
        }
        column += together * COLUMNS;
    }
}

impl<A> Tile<'_, A> {
    fn hand_over<K: Kernel<Activation = A>>(
        &self,
        columns: usize,
        (row, column): (usize, usize),
        take: &mut dyn FnMut(Part<'_>),
    ) {
        let rows = self.offsets.len();
        let mut sums = [Sums::ZERO; MOST_ROWS];
        let sums = &mut sums[..rows * self.panels];
        // SAFETY: as in `multiply_with`, which makes tiles of as many rows and panels.
        unsafe { K::multiply(self, sums) };
        for (index, sums) in sums.chunks_exact(rows).enumerate() {
            let column = column + index * COLUMNS;
            take(Part {
                row,
                column,
                width: COLUMNS.min(columns - column),
                sums,
            });
        }
    }
}

/// A function for each number of rows, as many as it has names, which makes two registers of sums
/// for each row; and `rows`, which calls the right one. Each sum has a variable of its own: those
/// that are elements of arrays end up in memory.
///
/// What it uses of the module around it: `REGISTERS`, `load`, the weights of two registers of a
/// group, `start`, a register of sums, `spread`, one of activations, `dot`, and `store`.
macro_rules! tiles {
    ($features:literal, $activation:ty: $($rows:literal $name:ident: $($row:ident)*;)*) => {
        /// The sums of registers `2 * pair` and `2 * pair + 1` of each row of a tile of one panel.
        ///
        /// # Safety
        /// The processor must have the instructions.
        #[target_feature(enable = $features)]
        unsafe fn rows(tile: &Tile<'_, $activation>, pair: usize, sums: &mut [Sums]) {
            assert!(pair < REGISTERS / 2);
            assert!(tile.panels == 1 && tile.groups.len() == tile.k.div_ceil(GROUP));
            assert!(tile.rows.len() == tile.offsets.len() * tile.k && sums.len() == tile.offsets.len());
            match sums.len() {
                // SAFETY: there are as many rows, with all their activations, and that pair.
                $($rows => unsafe { $name(tile, pair, sums) },)*
                _ => unreachable!("tiles have no more rows"),
            }
        }
        $(
            /// # Safety
            /// The tile has as many rows, with all their activations and groups, and `pair` is less
            /// than half of `REGISTERS`.
            #[target_feature(enable = $features)]
            unsafe fn $name(tile: &Tile<'_, $activation>, pair: usize, sums: &mut [Sums]) {
                let mut first = tile.rows.as_ptr();
                let mut offsets = tile.offsets.iter().copied();
                $(
                    let offset = start(offsets.next().unwrap_or(0));
                    let mut $row = (offset, offset, first);
                    first = first.wrapping_add(tile.k);
                )*
                let _ = first;
                let whole = tile.k / GROUP;
                for group in 0..whole {
                    // SAFETY: `group` is one of the panel's, and the caller vouches for `pair`.
                    let [left, right] = unsafe { load(tile.groups, group, pair) };
                    $(
                        // SAFETY: `group` is a whole one, so its four activations lie in the row.
                        let some = unsafe { $row.2.add(group * GROUP).cast::<[$activation; GROUP]>().read_unaligned() };
                        let some = spread(some);
                        $row.0 = dot($row.0, left, some);
                        $row.1 = dot($row.1, right, some);
                    )*
                }
                if tile.k % GROUP != 0 {
                    // SAFETY: the panel's last group.
                    let [left, right] = unsafe { load(tile.groups, whole, pair) };
                    let mut row = 0;
                    $(
                        let some = spread(tile.group(row, whole));
                        $row.0 = dot($row.0, left, some);
                        $row.1 = dot($row.1, right, some);
                        row += 1;
                    )*
                    let _ = row;
                }
                let mut sums = sums.iter_mut();
                $(
                    if let Some(sums) = sums.next() {
                        store(sums, pair, [$row.0, $row.1]);
                    }
                )*
            }
        )*
    };
}
use tiles;
