//! The hash of many bytes, on all threads.

use blake3::{
    hazmat::{left_subtree_len, merge_subtrees_non_root, merge_subtrees_root, HasherExt, Mode},
    Hasher,
};
use mizan_tensor::{hash_bytes, Hash};

/// Bytes that one thread hashes without sharing them.
const PIECE_BYTES: usize = 1 << 20;

/// The BLAKE3 hash of the bytes.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    if bytes.len() <= PIECE_BYTES {
        return hash_bytes(bytes);
    }
    let (left, right) = children(bytes, 0);
    *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
}

/// The hash of a subtree that begins at that offset.
fn subtree(bytes: &[u8], offset: u64) -> Hash {
    if bytes.len() <= PIECE_BYTES {
        let mut hasher = Hasher::new();
        return hasher
            .set_input_offset(offset)
            .update(bytes)
            .finalize_non_root();
    }
    let (left, right) = children(bytes, offset);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

fn children(bytes: &[u8], offset: u64) -> (Hash, Hash) {
    // A usize fits u64 on every machine, and a part of the bytes is no longer than all.
    let middle = left_subtree_len(bytes.len() as u64);
    let (left, right) = bytes.split_at(middle as usize);
    rayon::join(|| subtree(left, offset), || subtree(right, offset + middle))
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
}
