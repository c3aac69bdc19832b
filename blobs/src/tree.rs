//! The hash tree of a blob: what a verified stream has in which order.

use crate::Hash;
use bao_tree::{
    io::{outboard::PreOrderOutboard, sync::CreateOutboard},
    BaoTree, BlockSize,
};
use blake3::hazmat::{left_subtree_len, merge_subtrees_non_root, merge_subtrees_root, Mode};
use std::{fs::File, io, io::Read, ops::Range};

/// As many bytes are checked at once: 16 chunks of BLAKE3.
pub const GROUP_BYTES: u64 = 16 * 1024;
/// Two hashes.
pub(crate) const PAIR_BYTES: u64 = 64;

/// A part of a blob that one node of the tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subtree {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Subtree {
    pub(crate) fn whole(length: u64) -> Self {
        Self { start: 0, length }
    }

    pub(crate) fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }

    pub(crate) fn is_group(self) -> bool {
        self.length <= GROUP_BYTES
    }

    pub(crate) fn is_before(self, from: u64) -> bool {
        self.length > 0 && self.end() <= from
    }

    pub(crate) fn halves(self) -> (Self, Self) {
        let left = left_subtree_len(self.length);
        let right = Self {
            start: self.start.saturating_add(left),
            length: self.length.saturating_sub(left),
        };
        let left = Self {
            length: left,
            ..self
        };
        (left, right)
    }

    /// How many pairs of hashes it has.
    pub(crate) fn pairs(self) -> u64 {
        self.length.div_ceil(GROUP_BYTES).saturating_sub(1)
    }
}

/// One piece of a verified stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The pair of hashes with this number in the outboard.
    Pair(u64),
    /// Bytes of the blob.
    Group(Subtree),
}

/// The tree down to groups in pre-order, without what lies wholly outside of a range of bytes.
pub(crate) struct Pieces {
    range: Range<u64>,
    stack: Vec<Subtree>,
    next_pair: u64,
}

impl Pieces {
    /// The pieces of a verified stream that starts with the group at `from`.
    pub(crate) fn new(length: u64, from: u64) -> Self {
        Self::within(length, from..u64::MAX)
    }

    /// The groups that have bytes of this range, and the hashes above them.
    pub(crate) fn within(length: u64, range: Range<u64>) -> Self {
        Self {
            range,
            stack: vec![Subtree::whole(length)],
            next_pair: 0,
        }
    }

    /// The length of the stream, without its header.
    pub(crate) fn encoded_bytes(self) -> u64 {
        self.map(|piece| match piece {
            Piece::Pair(_) => PAIR_BYTES,
            Piece::Group(group) => group.length,
        })
        .sum()
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let subtree = self.stack.pop()?;
            if subtree.is_before(self.range.start) || subtree.start >= self.range.end {
                self.next_pair = self.next_pair.saturating_add(subtree.pairs());
            } else if subtree.is_group() {
                return Some(Piece::Group(subtree));
            } else {
                let (left, right) = subtree.halves();
                self.stack.extend([right, left]);
                let pair = self.next_pair;
                self.next_pair = pair.saturating_add(1);
                return Some(Piece::Pair(pair));
            }
        }
    }
}

/// The hash of a node, from those of its halves.
pub(crate) fn merge(left: &Hash, right: &Hash, is_root: bool) -> Hash {
    merge_in(Mode::Hash, left, right, is_root)
}

/// The same for hashes with a key.
pub(crate) fn merge_in(mode: Mode<'_>, left: &Hash, right: &Hash, is_root: bool) -> Hash {
    if is_root {
        *merge_subtrees_root(left, right, mode).as_bytes()
    } else {
        merge_subtrees_non_root(left, right, mode)
    }
}

/// Writes the outboard of `data`, all pairs of hashes in pre-order, and gives the blob's hash.
pub(crate) fn write_outboard(data: impl Read, length: u64, outboard: File) -> io::Result<Hash> {
    let mut outboard = PreOrderOutboard {
        root: [0; 32].into(),
        // 2^4 chunks of 1,024 bytes are a group.
        tree: BaoTree::new(length, BlockSize::from_chunk_log(4)),
        data: outboard,
    };
    outboard.init_from(data)?;
    Ok(outboard.root.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use bao_tree::{
        io::{outboard::PreOrderMemOutboard, sync::encode_ranges_validated},
        ChunkNum, ChunkRanges,
    };

    pub(crate) fn blob(length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    /// What bao-tree itself sends.
    pub(crate) fn encode(blob: &[u8], from: u64) -> Vec<u8> {
        let outboard = PreOrderMemOutboard::create(blob, BlockSize::from_chunk_log(4));
        let ranges = match from {
            0 => ChunkRanges::all(),
            from => ChunkRanges::from(ChunkNum(from / 1024)..),
        };
        let mut encoded = (blob.len() as u64).to_le_bytes().to_vec();
        encode_ranges_validated(blob, &outboard, &ranges, &mut encoded).unwrap();
        encoded
    }

    /// What this crate sends.
    fn pieces(blob: &[u8], from: u64) -> Vec<u8> {
        let length = blob.len() as u64;
        let file = tempfile::NamedTempFile::new().unwrap();
        let hash = write_outboard(blob, length, file.reopen().unwrap()).unwrap();
        assert_eq!(hash, mizan_tensor::hash_bytes(blob));
        let outboard = std::fs::read(file.path()).unwrap();
        assert_eq!(
            outboard.len() as u64,
            Subtree::whole(length).pairs() * PAIR_BYTES
        );
        let mut encoded = length.to_le_bytes().to_vec();
        for piece in Pieces::new(length, from) {
            encoded.extend_from_slice(match piece {
                Piece::Pair(pair) => &outboard[(pair * 64) as usize..][..64],
                Piece::Group(group) => &blob[group.start as usize..][..group.length as usize],
            });
        }
        assert_eq!(
            encoded.len() as u64,
            Pieces::new(length, from).encoded_bytes() + 8
        );
        encoded
    }

    pub(crate) const LENGTHS: [u64; 12] = [
        0, 1, 1023, 1024, 1025, 16_383, 16_384, 16_385, 32_768, 49_153, 100_000, 1_048_577,
    ];

    #[test]
    fn streams_are_those_of_bao_tree_from_any_group_on() {
        for length in LENGTHS {
            let blob = blob(length);
            for from in (0..length.max(1)).step_by(GROUP_BYTES as usize) {
                assert_eq!(pieces(&blob, from), encode(&blob, from), "{length} {from}");
            }
        }
    }
}
