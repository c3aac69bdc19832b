//! Writing what the referee reads: slices, and nodes with their descendants.

use crate::{
    slice::{covering_chunks, end_of_chunks},
    tree::{Demanded, Mode, Node, NODE_BYTES},
    Hash,
};
use alloc::vec::Vec;

/// Writes the slice that proves the bytes `[start, start + length)` of the blob `bytes`, as
/// [`crate::read_slice`] reads it. `None`, and nothing written, when out of range.
///
/// Hashes the whole blob once.
pub fn write_slice(out: &mut Vec<u8>, bytes: &[u8], start: u64, length: u64) -> Option<()> {
    let total = u64::try_from(bytes.len()).ok()?;
    let (first, count) = covering_chunks(total, start, length)?;
    write_chunks(out, bytes, first, count)
}

/// As [`write_slice`], of bytes that are known by their keyed BLAKE3 hash with that key, as
/// [`crate::read_keyed_slice`] reads it.
pub fn write_keyed_slice(
    out: &mut Vec<u8>,
    bytes: &[u8],
    key: &Hash,
    start: u64,
    length: u64,
) -> Option<()> {
    let total = u64::try_from(bytes.len()).ok()?;
    let (first, count) = covering_chunks(total, start, length)?;
    write_in(Mode::Keyed(key), out, bytes, first, count)
}

/// As [`write_slice`], by chunks. The empty blob has one chunk.
pub(crate) fn write_chunks(out: &mut Vec<u8>, bytes: &[u8], first: u64, count: u64) -> Option<()> {
    write_in(Mode::Plain, out, bytes, first, count)
}

fn write_in(mode: Mode<'_>, out: &mut Vec<u8>, bytes: &[u8], first: u64, count: u64) -> Option<()> {
    let total = u64::try_from(bytes.len()).ok()?;
    let end = end_of_chunks(total, first, count)?;
    let mut writer = Writer {
        mode,
        out,
        bytes,
        first,
        end,
    };
    writer.write(Node::root(total))?;
    Some(())
}

/// Writes the answer about a node: the inner nodes above it in pre-order, then its descendants.
pub(crate) fn write_nodes(out: &mut Vec<u8>, bytes: &[u8], demanded: Demanded) -> Option<()> {
    let total = u64::try_from(bytes.len()).ok()?;
    write_path(out, bytes, Node::root(total), demanded)?;
    Some(())
}

struct Writer<'a> {
    mode: Mode<'a>,
    out: &'a mut Vec<u8>,
    /// Of the blob.
    bytes: &'a [u8],
    first: u64,
    end: u64,
}

impl Writer<'_> {
    /// Writes the wanted part of what is under a node, and gives the node's hash.
    fn write(&mut self, node: Node) -> Option<Hash> {
        let under = under(self.bytes, node)?;
        if !node.meets(self.first, self.end) {
            return Some(node.hash(under, self.mode));
        }
        let Some((left, right)) = node.children() else {
            self.out.extend_from_slice(under);
            return Some(node.hash(under, self.mode));
        };
        let place = reserve_node(self.out);
        let left = self.write(left)?;
        let right = self.write(right)?;
        fill_node(self.out, place, &left, &right)?;
        Some(node.merge(&left, &right, self.mode))
    }
}

/// Writes the inner nodes from `node` down to the demanded one and then the descendants of that,
/// and gives the hash of `node`.
fn write_path(out: &mut Vec<u8>, bytes: &[u8], node: Node, demanded: Demanded) -> Option<Hash> {
    if node == demanded.node {
        return write_descendants(out, bytes, node, demanded.width);
    }
    let under = under(bytes, node)?;
    if !node.meets(demanded.node.first, demanded.node.end()) {
        return Some(node.hash(under, Mode::Plain));
    }
    let (left, right) = node.children()?;
    let place = reserve_node(out);
    let left = write_path(out, bytes, left, demanded)?;
    let right = write_path(out, bytes, right, demanded)?;
    fill_node(out, place, &left, &right)?;
    Some(node.merge(&left, &right, Mode::Plain))
}

/// Writes the hashes of the highest nodes of at most `width` chunks, and gives the node's own.
fn write_descendants(out: &mut Vec<u8>, bytes: &[u8], node: Node, width: u64) -> Option<Hash> {
    if node.chunks <= width {
        let hash = node.hash(under(bytes, node)?, Mode::Plain);
        out.extend_from_slice(&hash);
        return Some(hash);
    }
    let (left, right) = node.children()?;
    let left = write_descendants(out, bytes, left, width)?;
    let right = write_descendants(out, bytes, right, width)?;
    Some(node.merge(&left, &right, Mode::Plain))
}

/// The bytes under a node.
fn under(bytes: &[u8], node: Node) -> Option<&[u8]> {
    let (start, end) = node.bytes(u64::try_from(bytes.len()).ok()?);
    bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// Leaves room for an inner node: it comes before its children, whose hashes it holds.
fn reserve_node(out: &mut Vec<u8>) -> usize {
    let place = out.len();
    out.extend_from_slice(&[0; NODE_BYTES as usize]);
    place
}

fn fill_node(out: &mut [u8], place: usize, left: &Hash, right: &Hash) -> Option<()> {
    let (first, rest) = out.get_mut(place..)?.split_first_chunk_mut()?;
    *first = *left;
    *rest.first_chunk_mut()? = *right;
    Some(())
}
