//! Slices that an auditor keeps: bytes of a job's blobs, each with the hashes that prove it.
//!
//! What is kept is checked once, when it comes. Any part of it is a slice again, so it opens a
//! receipt and proves a fault without anybody's help.

use super::{AuditError, Subject};
use codec::{Decode, Encode};
use mizan_tensor::{read_slice, Blob, BlobRef, BlobSpan, Request, MAX_DEMANDED_CHUNKS};
use std::{collections::BTreeMap, ops::Range};

/// Bytes of a chunk of a blob's tree.
const CHUNK_BYTES: u64 = 1_024;
/// Bytes of an inner node.
const NODE_BYTES: usize = 64;
/// Most chunks of a piece: the most that blob servers give at once.
const PIECE_CHUNKS: u64 = 1_024;

/// Consecutive chunks of a blob of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The blob.
    pub blob: BlobRef,
    /// The chunks.
    pub chunks: Range<u64>,
}

impl Piece {
    /// The chunks that hold a span.
    fn of(span: &BlobSpan) -> Self {
        let end = span.start.saturating_add(span.length);
        Self {
            blob: span.blob,
            chunks: span.start / CHUNK_BYTES..end.div_ceil(CHUNK_BYTES),
        }
    }

    /// Its first byte and number of bytes in a blob of that length.
    pub fn bytes(&self, blob_length: u64) -> (u64, u64) {
        let start = self.chunks.start.saturating_mul(CHUNK_BYTES);
        let end = self.chunks.end.saturating_mul(CHUNK_BYTES).min(blob_length);
        (start, end.saturating_sub(start))
    }

    fn cut(self, chunks: u64) -> impl Iterator<Item = Self> {
        let Range { start, end } = self.chunks;
        let parts = (start..end).step_by(usize::try_from(chunks).unwrap_or(usize::MAX));
        parts.map(move |first| Self {
            blob: self.blob,
            chunks: first..end.min(first.saturating_add(chunks)),
        })
    }
}

/// Cuts pieces into demands for chunks.
pub fn requests(pieces: Vec<Piece>) -> Vec<Request> {
    let parts = pieces
        .into_iter()
        .flat_map(|piece| piece.cut(MAX_DEMANDED_CHUNKS.into()));
    parts
        .map(|part| Request::Chunks {
            blob: part.blob,
            first: part.chunks.start,
            // At most as many as were cut off.
            count: u8::try_from(part.chunks.end - part.chunks.start).unwrap_or(MAX_DEMANDED_CHUNKS),
        })
        .collect()
}

/// Orders blobs.
type Order = (u8, u16);

fn order(blob: BlobRef) -> Order {
    match blob {
        BlobRef::Input(index) => (0, index),
        BlobRef::Parameter(index) => (1, index),
        BlobRef::Trace => (2, 0),
        BlobRef::Output(index) => (3, index),
    }
}

/// The slices, by their first chunk.
#[derive(Clone, Debug, Default)]
pub struct Kept(BTreeMap<(Order, u64), (Piece, Vec<u8>)>);

impl Kept {
    /// Keeps the slice of a piece, if it is one.
    pub fn insert(&mut self, blob: Blob, piece: Piece, slice: Vec<u8>) -> bool {
        let (start, length) = piece.bytes(blob.length);
        let mut rest = slice.as_slice();
        let proved = read_slice(&mut rest, &blob, start, length).is_ok() && rest.is_empty();
        if proved {
            let key = (order(piece.blob), piece.chunks.start);
            let longer = |(kept, _): &(Piece, Vec<u8>)| kept.chunks.end > piece.chunks.end;
            if !self.0.get(&key).is_some_and(longer) {
                self.0.insert(key, (piece, slice));
            }
        }
        proved
    }

    /// The kept slice that has a chunk.
    fn with(&self, blob: BlobRef, chunk: u64) -> Option<&(Piece, Vec<u8>)> {
        let order = order(blob);
        // No slice is longer, so none that starts before has it.
        let first = chunk.saturating_sub(PIECE_CHUNKS);
        let near = self.0.range((order, first)..=(order, chunk)).rev();
        let mut near = near.map(|(_, kept)| kept);
        near.find(|(piece, _)| piece.chunks.contains(&chunk))
    }

    /// What is not kept of some spans, in pieces that a blob server gives at once.
    pub fn lacking(&self, spans: &[BlobSpan]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for span in spans {
            let Piece { blob, chunks } = Piece::of(span);
            let mut chunk = chunks.start;
            while chunk < chunks.end {
                if let Some((kept, _)) = self.with(blob, chunk) {
                    chunk = kept.chunks.end;
                    continue;
                }
                pieces.push(Piece {
                    blob,
                    chunks: chunk..chunk.saturating_add(1),
                });
                chunk = chunk.saturating_add(1);
            }
        }
        pieces.sort_by_key(|piece| (order(piece.blob), piece.chunks.start));
        pieces.dedup();
        let mut merged: Vec<Piece> = Vec::new();
        for piece in pieces {
            match merged.last_mut() {
                Some(last)
                    if last.blob == piece.blob
                        && last.chunks.end == piece.chunks.start
                        && last.chunks.end - last.chunks.start < PIECE_CHUNKS =>
                {
                    last.chunks.end = piece.chunks.end;
                }
                _ => merged.push(piece),
            }
        }
        merged
    }

    /// The bytes of a span, if all are kept.
    pub fn bytes(&self, subject: &Subject, span: &BlobSpan) -> Result<Option<Vec<u8>>, AuditError> {
        let blob = subject.blob(span.blob)?;
        let wanted = Piece::of(span).chunks;
        let mut bytes = Vec::new();
        let mut chunk = wanted.start;
        while chunk < wanted.end {
            let Some((piece, slice)) = self.with(span.blob, chunk) else {
                return Ok(None);
            };
            let end = piece.chunks.end.min(wanted.end);
            let part = part(slice, blob.length, &piece.chunks, &(chunk..end), false);
            bytes.extend(part.ok_or_else(|| AuditError::impossible("a kept slice is short"))?);
            chunk = end;
        }
        let ahead = span
            .start
            .saturating_sub(wanted.start.saturating_mul(CHUNK_BYTES));
        bytes.drain(
            ..bytes
                .len()
                .min(usize::try_from(ahead).unwrap_or(usize::MAX)),
        );
        bytes.truncate(usize::try_from(span.length).unwrap_or(usize::MAX));
        Ok(Some(bytes))
    }

    /// The slice of a span, if one that is kept has it.
    pub fn slice(&self, subject: &Subject, span: &BlobSpan) -> Result<Option<Vec<u8>>, AuditError> {
        let blob = subject.blob(span.blob)?;
        let wanted = Piece::of(span).chunks;
        let found = self.with(span.blob, wanted.start);
        let found = found.filter(|(piece, _)| piece.chunks.end >= wanted.end);
        Ok(found.and_then(|(piece, slice)| part(slice, blob.length, &piece.chunks, &wanted, true)))
    }

    /// All of it as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let slices = self.0.values();
        let fields =
            slices.map(|(piece, slice)| (piece.blob, piece.chunks.start, piece.chunks.end, slice));
        fields.collect::<Vec<_>>().encode()
    }

    /// Reads it again, and checks every slice. What does not belong to the job is left out.
    pub fn decode(bytes: &[u8], subject: &Subject) -> Result<Self, AuditError> {
        let mut kept = Self::default();
        let slices = Vec::<(BlobRef, u64, u64, Vec<u8>)>::decode(&mut &*bytes);
        for (blob, start, end, slice) in slices.unwrap_or_default() {
            let piece = Piece {
                blob,
                chunks: start..end,
            };
            kept.insert(subject.blob(blob)?, piece, slice);
        }
        Ok(kept)
    }
}

/// The part of a slice of the `held` chunks that proves the `wanted` ones, which are among them:
/// with its inner nodes, or the bytes alone.
fn part(
    slice: &[u8],
    blob_length: u64,
    held: &Range<u64>,
    wanted: &Range<u64>,
    with_nodes: bool,
) -> Option<Vec<u8>> {
    let mut walk = Walk {
        rest: slice,
        blob_length,
        held,
        wanted,
        with_nodes,
        out: Vec::new(),
    };
    walk.below(0, blob_length.div_ceil(CHUNK_BYTES).max(1))?;
    Some(walk.out)
}

struct Walk<'a> {
    rest: &'a [u8],
    blob_length: u64,
    held: &'a Range<u64>,
    wanted: &'a Range<u64>,
    with_nodes: bool,
    out: Vec<u8>,
}

impl Walk<'_> {
    /// Takes what the slice has below the node over `count` chunks from `first` on.
    fn below(&mut self, first: u64, count: u64) -> Option<()> {
        let end = first.checked_add(count)?;
        let meets = |chunks: &Range<u64>| first < chunks.end && chunks.start < end;
        if !meets(self.held) {
            return Some(());
        }
        let is_wanted = meets(self.wanted);
        if count == 1 {
            let start = first.checked_mul(CHUNK_BYTES)?;
            let length = self.blob_length.checked_sub(start)?.min(CHUNK_BYTES);
            return self.take(usize::try_from(length).ok()?, is_wanted);
        }
        self.take(NODE_BYTES, is_wanted && self.with_nodes)?;
        // The largest power of two that leaves some for the right.
        let left = count.div_ceil(2).next_power_of_two();
        self.below(first, left)?;
        self.below(first.checked_add(left)?, count.checked_sub(left)?)
    }

    fn take(&mut self, length: usize, is_wanted: bool) -> Option<()> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        if is_wanted {
            self.out.extend_from_slice(taken);
        }
        self.rest = rest;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auditing::fixture::Fixture;
    use mizan_tensor::write_slice;

    fn span(start: u64, length: u64) -> BlobSpan {
        BlobSpan {
            blob: BlobRef::Trace,
            start,
            length,
        }
    }

    fn piece(chunks: Range<u64>) -> Piece {
        Piece {
            blob: BlobRef::Trace,
            chunks,
        }
    }

    /// Keeps these chunks of the fixture's trace.
    fn keep(kept: &mut Kept, fixture: &Fixture, chunks: Range<u64>) -> bool {
        let blob = fixture.subject().blob(BlobRef::Trace).unwrap();
        let piece = piece(chunks);
        let (start, length) = piece.bytes(blob.length);
        let mut slice = Vec::new();
        write_slice(&mut slice, &fixture.trace, start, length).unwrap();
        kept.insert(blob, piece, slice)
    }

    #[test]
    fn any_part_of_what_is_kept_is_a_slice_again() {
        let fixture = Fixture::new();
        let subject = fixture.subject();
        let chunks = (fixture.trace.len() as u64).div_ceil(CHUNK_BYTES);
        assert!(chunks > 20, "{chunks}");
        for held in [0..chunks, 3..9, chunks - 2..chunks] {
            let mut kept = Kept::default();
            assert!(keep(&mut kept, &fixture, held.clone()));
            for first in held.clone() {
                for last in first..held.end {
                    let start = first * CHUNK_BYTES + 1;
                    let end = ((last + 1) * CHUNK_BYTES).min(fixture.trace.len() as u64);
                    let span = span(start, end - start);
                    let mut expected = Vec::new();
                    write_slice(&mut expected, &fixture.trace, start, end - start).unwrap();
                    assert_eq!(kept.slice(subject, &span).unwrap(), Some(expected));
                    let bytes = &fixture.trace[start as usize..end as usize];
                    assert_eq!(kept.bytes(subject, &span).unwrap().unwrap(), bytes);
                }
            }
        }
    }

    #[test]
    fn bytes_are_put_together_from_several_slices_and_what_lacks_is_named_once() {
        let fixture = Fixture::new();
        let subject = fixture.subject();
        let mut kept = Kept::default();
        keep(&mut kept, &fixture, 2..4);
        keep(&mut kept, &fixture, 4..7);
        let inside = span(2_100, 4_000);
        let bytes = kept.bytes(subject, &inside).unwrap().unwrap();
        assert_eq!(bytes, &fixture.trace[2_100..6_100]);
        assert_eq!(kept.slice(subject, &inside).unwrap(), None);
        assert!(kept.lacking(&[inside]).is_empty());
        let beyond = [span(0, 3_000), span(1_000, 200), span(7_000, 3_000)];
        assert_eq!(kept.lacking(&beyond), [piece(0..2), piece(7..10)]);
        assert_eq!(kept.bytes(subject, &beyond[0]).unwrap(), None);
    }

    #[test]
    fn what_proves_nothing_is_not_kept() {
        let fixture = Fixture::new();
        let blob = fixture.subject().blob(BlobRef::Trace).unwrap();
        let mut slice = Vec::new();
        write_slice(&mut slice, &fixture.trace, 0, 1_024).unwrap();
        let mut kept = Kept::default();
        for wrong in [&slice[1..], &[], &[&slice[..], &[0]].concat()] {
            assert!(!kept.insert(blob, piece(0..1), wrong.to_vec()));
        }
        slice[70] ^= 1;
        assert!(!kept.insert(blob, piece(0..1), slice));
        assert_eq!(kept.lacking(&[span(0, 1)]), [piece(0..1)]);
    }

    #[test]
    fn what_was_written_is_read_again_and_what_is_of_another_job_is_not() {
        let fixture = Fixture::new();
        let mut kept = Kept::default();
        keep(&mut kept, &fixture, 0..3);
        keep(&mut kept, &fixture, 5..6);
        let read = |subject| {
            let read = Kept::decode(&kept.encode(), subject).unwrap();
            read.lacking(&[span(0, 6_000)])
        };
        assert_eq!(read(fixture.subject()), [piece(3..5)]);
        let mut other = fixture.subject().clone();
        other.trace = [1; 32];
        assert_eq!(read(&other), [piece(0..6)]);
        assert!(Kept::decode(b"no list", fixture.subject())
            .unwrap()
            .0
            .is_empty());
    }

    #[test]
    fn demands_ask_for_eight_chunks_at_most() {
        let chunks = |first, count| Request::Chunks {
            blob: BlobRef::Trace,
            first,
            count,
        };
        let demands = requests(vec![piece(3..20), piece(30..31)]);
        assert_eq!(
            demands,
            [chunks(3, 8), chunks(11, 8), chunks(19, 1), chunks(30, 1)]
        );
    }
}
