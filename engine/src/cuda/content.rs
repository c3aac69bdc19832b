//! The hash of many bytes, on all threads, and with what others have hashed of them.

use blake3::{
    hazmat::{left_subtree_len, merge_subtrees_non_root, merge_subtrees_root, HasherExt, Mode},
    Hasher, CHUNK_LEN,
};
use mizan_tensor::{hash_bytes, Hash};
use std::ops::Range;

/// Bytes that one thread hashes without sharing them.
const PIECE_BYTES: usize = 1 << 20;

/// The hash of a subtree of a blob, which is not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subtree {
    /// Its chunks of 1 KiB.
    pub(crate) chunks: Range<u64>,
    pub(crate) hash: Hash,
}

/// The BLAKE3 hash of the bytes.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    hash_with(bytes, &[])
}

/// The BLAKE3 hash of bytes of which that much is known: subtrees that do not overlap, in order.
/// Their bytes are not read.
pub(crate) fn hash_with(bytes: &[u8], known: &[Subtree]) -> Hash {
    let is_short = bytes.len() <= PIECE_BYTES && known.is_empty();
    if is_short || bytes.len() <= CHUNK_LEN {
        return hash_bytes(bytes);
    }
    let (left, right) = children(bytes, 0, known);
    *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
}

/// The hash of a subtree that begins at that offset.
pub(crate) fn subtree(bytes: &[u8], offset: u64, known: &[Subtree]) -> Hash {
    match known {
        [] if bytes.len() <= PIECE_BYTES => return on_one_thread(bytes, offset),
        [only] if only.is(bytes, offset) => return only.hash,
        _ if bytes.len() <= CHUNK_LEN => return on_one_thread(bytes, offset),
        _ => (),
    }
    let (left, right) = children(bytes, offset, known);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

fn on_one_thread(bytes: &[u8], offset: u64) -> Hash {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset).update(bytes);
    hasher.finalize_non_root()
}

fn children(bytes: &[u8], offset: u64, known: &[Subtree]) -> (Hash, Hash) {
    // A usize fits u64 on every machine, and a part of the bytes is no longer than all.
    let middle = left_subtree_len(bytes.len() as u64);
    let (left, right) = bytes.split_at(middle as usize);
    let middle = offset + middle;
    let in_left = known.partition_point(|subtree| subtree.start() < middle);
    let (known_left, known_right) = known.split_at(in_left);
    let left = || subtree(left, offset, known_left);
    let right = || subtree(right, middle, known_right);
    match bytes.len() <= PIECE_BYTES {
        true => (left(), right()),
        false => rayon::join(left, right),
    }
}

impl Subtree {
    /// The offset of its first byte.
    fn start(&self) -> u64 {
        self.chunks.start * CHUNK_LEN as u64
    }

    /// Whether it is of these bytes, which begin at that offset.
    fn is(&self, bytes: &[u8], offset: u64) -> bool {
        let length = (self.chunks.end - self.chunks.start) * CHUNK_LEN as u64;
        self.start() == offset && length == bytes.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hash_of_the_bytes_at_every_length() {
        let bytes: Vec<u8> = (0u32..5 << 20)
            .map(|i| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        let mut lengths = vec![0, 1, 1_024, bytes.len()];
        for pieces in [1, 2, 3, 4] {
            let whole = pieces * PIECE_BYTES;
            lengths.extend([whole - 1, whole, whole + 1, whole + 1_025]);
        }
        for length in lengths {
            let bytes = &bytes[..length];
            assert_eq!(hash(bytes), hash_bytes(bytes), "{length} bytes");
        }
    }

    #[test]
    fn known_subtrees_are_believed_and_only_the_others_bytes_are_read() {
        let mut bytes: Vec<u8> = (0u32..4 << 20).map(|i| (i / 3) as u8).collect();
        for (length, ranges) in [
            (2_048, vec![0..1, 1..2]),
            (2_049, vec![0..1, 1..2]),
            (3 << 20, vec![0..1_024, 2_048..3_072]),
            ((3 << 20) + 7, vec![3..4, 5..6, 1_024..2_048, 2_050..2_051]),
        ] {
            let expected = hash_bytes(&bytes[..length]);
            let byte = |chunk: u64| chunk as usize * CHUNK_LEN;
            let of = |chunks: &Range<u64>| byte(chunks.start)..byte(chunks.end);
            let known = |chunks: &Range<u64>| Subtree {
                chunks: chunks.clone(),
                hash: subtree(&bytes[of(chunks)], chunks.start << 10, &[]),
            };
            let known: Vec<_> = ranges.iter().map(known).collect();
            let saved = bytes.clone();
            ranges.iter().for_each(|chunks| bytes[of(chunks)].fill(0));
            assert_eq!(hash_with(&bytes[..length], &known), expected);
            bytes = saved;
        }
    }

    #[test]
    fn what_is_no_subtree_is_not_used() {
        let bytes = vec![7; 5 << 10];
        let wrong = |chunks| Subtree {
            chunks,
            hash: [0; 32],
        };
        let expected = hash_bytes(&bytes);
        for chunks in [1..3, 0..5, 4..6, 3..3, 9..10] {
            assert_eq!(hash_with(&bytes, &[wrong(chunks)]), expected);
        }
        assert_eq!(
            hash_with(&bytes[..9], &[wrong(0..1)]),
            hash_bytes(&bytes[..9])
        );
    }
}
