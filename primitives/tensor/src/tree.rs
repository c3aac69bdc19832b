//! The shape of BLAKE3's hash tree, after section 2.1 of its paper
//! (<https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf>): chunks of 1 KiB, and
//! in every inner node the largest power of two of chunks that leaves some for the right.

use crate::Hash;
use blake3::{
    hazmat::{self, merge_subtrees_non_root, merge_subtrees_root, HasherExt},
    Hasher,
};

/// Bytes of a chunk; only the last may be shorter.
pub(crate) const CHUNK_BYTES: u64 = 1_024;
/// Bytes of an inner node: the hashes of its two children.
pub(crate) const NODE_BYTES: u64 = 64;
/// Bytes of a hash.
pub(crate) const HASH_BYTES: u64 = 32;
/// Levels between a node and the descendants by which a demand asks for it.
pub(crate) const LEVELS_DOWN: u8 = 8;

/// Chunks of a blob of `length` bytes. The empty blob has one, which is empty.
pub(crate) fn chunks_of(length: u64) -> u64 {
    length.div_ceil(CHUNK_BYTES).max(1)
}

/// Which of BLAKE3's hashes a tree has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode<'a> {
    /// The plain one, by which blobs are named.
    Plain,
    /// The one with that key, by which receipts are made.
    Keyed(&'a Hash),
}

impl<'a> Mode<'a> {
    fn hash(self, bytes: &[u8]) -> Hash {
        match self {
            Self::Plain => crate::hash_bytes(bytes),
            Self::Keyed(key) => *blake3::keyed_hash(key, bytes).as_bytes(),
        }
    }

    fn hasher(self) -> Hasher {
        match self {
            Self::Plain => Hasher::new(),
            Self::Keyed(key) => Hasher::new_keyed(key),
        }
    }

    fn merging(self) -> hazmat::Mode<'a> {
        match self {
            Self::Plain => hazmat::Mode::Hash,
            Self::Keyed(key) => hazmat::Mode::KeyedHash(key),
        }
    }
}

/// A node of a blob's tree, by the chunks under it. A chunk is a node too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The first chunk under it.
    pub(crate) first: u64,
    /// Number of chunks under it; never zero.
    pub(crate) chunks: u64,
    /// Whether it is the root, which BLAKE3 finalises in another way.
    pub(crate) root: bool,
}

impl Node {
    /// The root of the tree of a blob of `length` bytes.
    pub(crate) fn root(length: u64) -> Self {
        Self {
            first: 0,
            chunks: chunks_of(length),
            root: true,
        }
    }

    /// The node over chunks `[index << level, (index + 1) << level)`, or over those of them that
    /// exist. At the right edge several levels may name one node. `None` above the root, and
    /// behind the last chunk.
    pub(crate) fn at(length: u64, level: u8, index: u64) -> Option<Self> {
        let root = Self::root(length);
        if level > root.level() {
            return None;
        }
        let width = 1u64.checked_shl(level.into())?;
        let first = index.checked_mul(width)?;
        let chunks = root.chunks.checked_sub(first)?.min(width);
        (chunks > 0).then_some(Self {
            first,
            chunks,
            root: chunks == root.chunks,
        })
    }

    /// The lowest level that has this node: 0 for a chunk.
    pub(crate) fn level(self) -> u8 {
        // The power is at most 2^54, the level therefore at most 54.
        self.chunks.next_power_of_two().trailing_zeros() as u8
    }

    /// Left and right child; `None` for a chunk.
    pub(crate) fn children(self) -> Option<(Self, Self)> {
        if self.chunks < 2 {
            return None;
        }
        let left = self.chunks.next_power_of_two().wrapping_shr(1);
        let child = |first, chunks| Self {
            first,
            chunks,
            root: false,
        };
        Some((
            child(self.first, left),
            child(
                self.first.checked_add(left)?,
                self.chunks.checked_sub(left)?,
            ),
        ))
    }

    /// The first chunk behind it.
    pub(crate) fn end(self) -> u64 {
        self.first.saturating_add(self.chunks)
    }

    /// Whether a chunk of `[first, end)` is under it.
    pub(crate) fn meets(self, first: u64, end: u64) -> bool {
        self.first < end && first < self.end()
    }

    /// Offset of the first byte under it, and of the first behind, in a blob of `length` bytes.
    pub(crate) fn bytes(self, length: u64) -> (u64, u64) {
        (
            self.first.saturating_mul(CHUNK_BYTES).min(length),
            self.end().saturating_mul(CHUNK_BYTES).min(length),
        )
    }

    /// The hash of a node, from the bytes under it.
    ///
    /// Only a root may have none: BLAKE3 has no other empty node, and no blob's tree either.
    pub(crate) fn hash(self, bytes: &[u8], mode: Mode<'_>) -> Hash {
        if self.root {
            return mode.hash(bytes);
        }
        mode.hasher()
            .set_input_offset(self.first.saturating_mul(CHUNK_BYTES))
            .update(bytes)
            .finalize_non_root()
    }

    /// The hash of an inner node, from those of its children.
    pub(crate) fn merge(self, left: &Hash, right: &Hash, mode: Mode<'_>) -> Hash {
        if self.root {
            *merge_subtrees_root(left, right, mode.merging()).as_bytes()
        } else {
            merge_subtrees_non_root(left, right, mode.merging())
        }
    }
}

/// A node that may be demanded, and how its answer is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demanded {
    /// The node.
    pub(crate) node: Node,
    /// Chunks under each descendant that the answer gives; the last may have fewer.
    pub(crate) width: u64,
}

impl Demanded {
    /// The node of that level and index and its descendants [`LEVELS_DOWN`] levels below that
    /// level, or its chunks.
    pub(crate) fn at(length: u64, level: u8, index: u64) -> Option<Self> {
        Some(Self {
            node: Node::at(length, level, index)?,
            width: 1u64.checked_shl(level.saturating_sub(LEVELS_DOWN).into())?,
        })
    }

    /// Number of descendants in the answer: 1 to 256.
    pub(crate) fn count(self) -> u64 {
        self.node.chunks.div_ceil(self.width)
    }
}
