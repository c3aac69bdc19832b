//! Reading a Bao slice: bytes of a blob with the hashes that tie them to its name.
//!
//! The encoding is Bao's (<https://github.com/oconnor663/bao/blob/master/docs/spec.md>) without
//! the length header: the nodes that have a wanted chunk under them, in pre-order, inner nodes
//! as the hashes of both children and chunks as their bytes. The length is not read but known
//! from the shape, and a slice is read by the tree of that length only.

use crate::{
    tree::{chunks_of, Mode, Node, CHUNK_BYTES, NODE_BYTES},
    Hash,
};
use alloc::vec::Vec;

/// A blob as the chain knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// BLAKE3 hash of its bytes.
    pub hash: Hash,
    /// Number of its bytes.
    pub length: u64,
}

/// Why a slice proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceError {
    /// The blob has no such bytes, or none were asked for.
    OutOfRange,
    /// The proof ends before the slice does.
    Truncated,
    /// A chunk or an inner node has another hash than the blob or the node above says.
    WrongHash,
}

impl core::fmt::Display for SliceError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "the blob has no such bytes",
            Self::Truncated => "the proof ends before the slice does",
            Self::WrongHash => "a chunk or a node has another hash than the one it must have",
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for SliceError {}

/// Takes one Bao slice off the front of `proof` and gives the bytes `[start, start + length)` of
/// the blob, if it proves them. Of a slice that fails, nothing is taken.
///
/// Chunks are 1 KiB and whole, inner nodes 64 bytes in pre-order, and there is no length header.
/// `length` may not be zero. The work grows with the bytes that are taken, at most all of them.
pub fn read_slice(
    proof: &mut &[u8],
    blob: &Blob,
    start: u64,
    length: u64,
) -> Result<Vec<u8>, SliceError> {
    read_in(Mode::Plain, proof, blob, start, length)
}

/// As [`read_slice`], of bytes whose keyed BLAKE3 hash, with that key, is the blob's hash.
pub fn read_keyed_slice(
    proof: &mut &[u8],
    blob: &Blob,
    key: &Hash,
    start: u64,
    length: u64,
) -> Result<Vec<u8>, SliceError> {
    read_in(Mode::Keyed(key), proof, blob, start, length)
}

fn read_in(
    mode: Mode<'_>,
    proof: &mut &[u8],
    blob: &Blob,
    start: u64,
    length: u64,
) -> Result<Vec<u8>, SliceError> {
    let (first, count) =
        covering_chunks(blob.length, start, length).ok_or(SliceError::OutOfRange)?;
    let mut rest = *proof;
    let mut bytes = read_chunks(mode, &mut rest, blob, first, count)?;
    let ahead = start.saturating_sub(first.saturating_mul(CHUNK_BYTES));
    let (ahead, length) = (
        usize::try_from(ahead).map_err(|_| SliceError::OutOfRange)?,
        usize::try_from(length).map_err(|_| SliceError::OutOfRange)?,
    );
    bytes.drain(..ahead.min(bytes.len()));
    bytes.truncate(length);
    *proof = rest;
    Ok(bytes)
}

/// Exact size of the slice that proves the bytes `[start, start + length)` of a blob of
/// `blob_length` bytes, keyed or not. `None` where [`read_slice`] says [`SliceError::OutOfRange`].
pub fn slice_bytes(blob_length: u64, start: u64, length: u64) -> Option<u64> {
    let (first, count) = covering_chunks(blob_length, start, length)?;
    chunk_slice_bytes(blob_length, first, count)
}

/// First and number of the chunks that hold bytes `[start, start + length)`.
pub(crate) fn covering_chunks(blob_length: u64, start: u64, length: u64) -> Option<(u64, u64)> {
    let end = start.checked_add(length)?;
    if length == 0 || end > blob_length {
        return None;
    }
    let first = start.checked_div(CHUNK_BYTES)?;
    Some((first, end.div_ceil(CHUNK_BYTES).checked_sub(first)?))
}

/// The first chunk behind `count` chunks from `first` on, if a blob of that length has them.
pub(crate) fn end_of_chunks(blob_length: u64, first: u64, count: u64) -> Option<u64> {
    let end = first.checked_add(count)?;
    (count > 0 && end <= chunks_of(blob_length)).then_some(end)
}

/// As [`slice_bytes`], by chunks. The empty blob has one chunk.
pub(crate) fn chunk_slice_bytes(blob_length: u64, first: u64, count: u64) -> Option<u64> {
    fn of(node: Node, length: u64, first: u64, end: u64) -> Option<u64> {
        if !node.meets(first, end) {
            return Some(0);
        }
        if first <= node.first && node.end() <= end {
            let (start, behind) = node.bytes(length);
            let inner = node.chunks.checked_sub(1)?.checked_mul(NODE_BYTES)?;
            return behind.checked_sub(start)?.checked_add(inner);
        }
        let (left, right) = node.children()?;
        of(left, length, first, end)?
            .checked_add(of(right, length, first, end)?)?
            .checked_add(NODE_BYTES)
    }
    let end = end_of_chunks(blob_length, first, count)?;
    of(Node::root(blob_length), blob_length, first, end)
}

/// As [`read_slice`], by chunks. The empty blob has one chunk.
pub(crate) fn read_chunks(
    mode: Mode<'_>,
    proof: &mut &[u8],
    blob: &Blob,
    first: u64,
    count: u64,
) -> Result<Vec<u8>, SliceError> {
    let end = end_of_chunks(blob.length, first, count).ok_or(SliceError::OutOfRange)?;
    let mut reader = Reader {
        mode,
        rest: proof,
        length: blob.length,
        first,
        end,
        bytes: Vec::new(),
    };
    reader.read(Node::root(blob.length), &blob.hash)?;
    let Reader { rest, bytes, .. } = reader;
    *proof = rest;
    Ok(bytes)
}

/// Takes an inner node off the front of `proof`, if it has the hash it must have.
pub(crate) fn read_node(
    mode: Mode<'_>,
    proof: &mut &[u8],
    node: Node,
    hash: &Hash,
) -> Result<(Hash, Hash), SliceError> {
    let left = read_hash(proof)?;
    let right = read_hash(proof)?;
    if node.merge(&left, &right, mode) != *hash {
        return Err(SliceError::WrongHash);
    }
    Ok((left, right))
}

/// Takes a hash off the front of `proof`.
pub(crate) fn read_hash(proof: &mut &[u8]) -> Result<Hash, SliceError> {
    let (hash, rest) = proof.split_first_chunk().ok_or(SliceError::Truncated)?;
    *proof = rest;
    Ok(*hash)
}

struct Reader<'a, 'k> {
    mode: Mode<'k>,
    rest: &'a [u8],
    /// Of the blob.
    length: u64,
    first: u64,
    end: u64,
    bytes: Vec<u8>,
}

impl Reader<'_, '_> {
    /// Reads what is wanted under a node. At most 54 levels deep, the height of the tree of
    /// 2^64 bytes.
    fn read(&mut self, node: Node, hash: &Hash) -> Result<(), SliceError> {
        if !node.meets(self.first, self.end) {
            return Ok(());
        }
        let Some((left, right)) = node.children() else {
            return self.read_chunk(node, hash);
        };
        let (left_hash, right_hash) = read_node(self.mode, &mut self.rest, node, hash)?;
        self.read(left, &left_hash)?;
        self.read(right, &right_hash)
    }

    fn read_chunk(&mut self, node: Node, hash: &Hash) -> Result<(), SliceError> {
        let (start, end) = node.bytes(self.length);
        let length =
            usize::try_from(end.saturating_sub(start)).map_err(|_| SliceError::OutOfRange)?;
        let (chunk, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(SliceError::Truncated)?;
        if node.hash(chunk, self.mode) != *hash {
            return Err(SliceError::WrongHash);
        }
        self.bytes.extend_from_slice(chunk);
        self.rest = rest;
        Ok(())
    }
}
