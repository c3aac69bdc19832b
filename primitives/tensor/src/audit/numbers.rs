//! Numbers that follow from a seed.

use crate::Hash;
use alloc::vec::Vec;
use blake3::{Hasher, OutputReader, BLOCK_LEN};

/// Numbers that are tried for one draw, at most. For at most eight out of nine or more, seventeen
/// are enough on average, and these many all but certainly: fewer than that would be drawn once in
/// 2^360 seeds.
const MOST_TRIED: u32 = 1_024;

/// A hasher for one purpose of a seed. No two of them hash the same bytes: the purposes differ in
/// length.
pub(super) fn hasher(seed: &Hash, purpose: &[u8], operation: u16) -> Hasher {
    let mut hasher = Hasher::new_keyed(seed);
    hasher.update(&operation.to_le_bytes()).update(purpose);
    hasher
}

/// Numbers from BLAKE3's extendable output, keyed with the seed.
pub(super) struct Numbers {
    output: OutputReader,
    /// A block of the output, which costs as much as any part of it.
    block: [u8; BLOCK_LEN],
    used: usize,
}

impl Numbers {
    pub(super) fn new(seed: &Hash, purpose: &[u8], operation: u16) -> Self {
        Self {
            output: hasher(seed, purpose, operation).finalize_xof(),
            block: [0; BLOCK_LEN],
            used: BLOCK_LEN,
        }
    }

    fn next(&mut self) -> u64 {
        if self.used >= BLOCK_LEN {
            self.output.fill(&mut self.block);
            self.used = 0;
        }
        // The block is a whole number of words.
        let rest = self.block.get(self.used..).unwrap_or_default();
        let word = rest.first_chunk().copied().unwrap_or_default();
        self.used = self.used.saturating_add(word.len());
        u64::from_le_bytes(word)
    }

    /// Below `bound`. Some numbers come more often than others by one part in `2^64 / bound`.
    fn below(&mut self, bound: u64) -> u64 {
        // Two numbers below 2^64: the product fits, and its upper half too.
        let product = u128::from(self.next()).wrapping_mul(bound.into());
        product.wrapping_shr(64) as u64
    }

    /// So many different numbers below `bound`, or all where there are no more, ascending.
    pub(super) fn distinct(&mut self, count: u32, bound: u64) -> Vec<u64> {
        if bound <= u64::from(count) {
            return (0..bound).collect();
        }
        let mut drawn = Vec::new();
        for _ in 0..MOST_TRIED {
            if u32::try_from(drawn.len()).is_ok_and(|drawn| drawn >= count) {
                break;
            }
            let number = self.below(bound);
            if let Err(place) = drawn.binary_search(&number) {
                drawn.insert(place, number);
            }
        }
        drawn
    }
}
