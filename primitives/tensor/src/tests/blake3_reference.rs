//! BLAKE3 and Bao slices from their specifications, as plainly as possible and without the
//! library that the crate uses: what `slice.rs` and `tree.rs` are compared with.

use crate::Hash;

const IV: [u32; 8] = [
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
];
const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;

fn mix(v: &mut [u32; 16], [a, b, c, d]: [usize; 4], x: u32, y: u32) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(12);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(8);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(7);
}

fn compress(cv: [u32; 8], block: &[u8], counter: u64, flags: u32) -> [u32; 8] {
    let mut padded = [0u8; 64];
    padded[..block.len()].copy_from_slice(block);
    let mut m: [u32; 16] =
        std::array::from_fn(|i| u32::from_le_bytes(padded[4 * i..4 * i + 4].try_into().unwrap()));
    let mut v = [0u32; 16];
    v[..8].copy_from_slice(&cv);
    v[8..12].copy_from_slice(&IV[..4]);
    v[12] = counter as u32;
    v[13] = (counter >> 32) as u32;
    v[14] = block.len() as u32;
    v[15] = flags;
    let lanes = [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ];
    for _ in 0..7 {
        for (i, lane) in lanes.into_iter().enumerate() {
            mix(&mut v, lane, m[2 * i], m[2 * i + 1]);
        }
        m = PERMUTATION.map(|i| m[i]);
    }
    std::array::from_fn(|i| v[i] ^ v[i + 8])
}

fn to_hash(words: [u32; 8]) -> Hash {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.try_into().unwrap()
}

fn hash_chunk(chunk: &[u8], index: u64, root: bool) -> Hash {
    let blocks: Vec<&[u8]> = match chunk {
        [] => vec![&[]],
        _ => chunk.chunks(64).collect(),
    };
    let mut cv = IV;
    for (i, block) in blocks.iter().enumerate() {
        let mut flags = if i == 0 { CHUNK_START } else { 0 };
        if i + 1 == blocks.len() {
            flags |= CHUNK_END | if root { ROOT } else { 0 };
        }
        cv = compress(cv, block, index, flags);
    }
    to_hash(cv)
}

/// Bytes of the left subtree.
fn left_length(length: usize) -> usize {
    let mut left = 1024;
    while 2 * left < length {
        left *= 2;
    }
    left
}

/// The hash of the node over `bytes`, the first of which is in chunk `first`.
pub(super) fn hash_node(bytes: &[u8], first: u64, root: bool) -> Hash {
    if bytes.len() <= 1024 {
        return hash_chunk(bytes, first, root);
    }
    let (left, right) = bytes.split_at(left_length(bytes.len()));
    let behind = first + left.len() as u64 / 1024;
    merge(
        &hash_node(left, first, false),
        &hash_node(right, behind, false),
        root,
    )
}

/// The hash of an inner node.
pub(super) fn merge(left: &Hash, right: &Hash, root: bool) -> Hash {
    let flags = PARENT | if root { ROOT } else { 0 };
    to_hash(compress(IV, &[*left, *right].concat(), 0, flags))
}

/// The Bao slice of bytes `[start, end)` of a blob, without header.
pub(super) fn slice(blob: &[u8], start: usize, end: usize) -> Vec<u8> {
    fn under(out: &mut Vec<u8>, bytes: &[u8], offset: usize, start: usize, end: usize) {
        if offset >= end || offset + bytes.len() <= start {
            return;
        }
        if bytes.len() <= 1024 {
            return out.extend_from_slice(bytes);
        }
        let (left, right) = bytes.split_at(left_length(bytes.len()));
        let behind = offset + left.len();
        out.extend(hash_node(left, offset as u64 / 1024, false));
        out.extend(hash_node(right, behind as u64 / 1024, false));
        under(out, left, offset, start, end);
        under(out, right, behind, start, end);
    }
    let mut out = Vec::new();
    under(&mut out, blob, 0, start, end);
    out
}

#[test]
fn reference_hashes_as_the_library_does() {
    for length in [
        0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3073, 5000, 9217,
    ] {
        let bytes = super::jobs::noise(length, 3);
        assert_eq!(
            hash_node(&bytes, 0, true),
            crate::hash_bytes(&bytes),
            "{length}"
        );
    }
}
