//! Opening one byte of a receipt: that whoever made it had the byte that the job has there.

use super::{receipt_bytes, receipt_key, receipt_place, receipt_spans, AuditScope};
use crate::{
    dispute::HEIGHT,
    program::MAX_INPUTS,
    read_keyed_slice, slice_bytes,
    tree::{CHUNK_BYTES, NODE_BYTES},
    write_keyed_slice, Blob, BlobSpan, Exhibits, Finding, Hash, Referee, RefereeError, SliceError,
    MAX_ANSWER_BYTES,
};
use alloc::vec::Vec;

/// Most bytes of an opening: two chunks, with a path in the largest blob and one in the longest
/// stream.
pub const MAX_RECEIPT_OPENING_BYTES: u32 =
    (2 * CHUNK_BYTES + (HEIGHT + STREAM_HEIGHT) * NODE_BYTES) as u32;

/// Height of the tree over the longest stream: all inputs and the trace, each the largest.
const STREAM_HEIGHT: u64 = HEIGHT + (MAX_INPUTS + 1).next_power_of_two().trailing_zeros() as u64;
// Where there is room for an answer, there is for an opening.
const _: () = assert!(MAX_RECEIPT_OPENING_BYTES <= MAX_ANSWER_BYTES);

/// The opening of the byte `index` of a receipt, from the whole `stream` and from the plain
/// `slice` that proves the same byte of its blob, see [`receipt_place`]. `None` where the stream
/// has no such byte.
///
/// Hashes the stream once.
pub fn receipt_opening(stream: &[u8], seed: &Hash, index: u64, slice: &[u8]) -> Option<Vec<u8>> {
    let mut opening = Vec::new();
    write_keyed_slice(&mut opening, stream, &receipt_key(seed), index, 1)?;
    opening.extend_from_slice(slice);
    Some(opening)
}

impl Referee<'_> {
    /// Checks the opening of the byte `index` of a receipt that an auditor of that scope and seed
    /// gave: the keyed slice of that byte of the stream, then the plain slice of the same byte of
    /// the blob that it comes from, see [`receipt_place`].
    ///
    /// [`Finding::Wrong`] when both bytes are proved and differ. It speaks against the auditor,
    /// not against the claim.
    pub fn check_receipt(
        &self,
        scope: AuditScope,
        seed: &Hash,
        receipt: &Hash,
        index: u64,
        opening: &[u8],
    ) -> Result<Finding, RefereeError> {
        let (length, place) = self.receipt_byte(scope, seed, index)?;
        let stream = Blob {
            hash: *receipt,
            length,
        };
        let mut rest = opening;
        let read = read_keyed_slice(&mut rest, &stream, &receipt_key(seed), index, 1)?;
        let committed = self.open(&place, &mut rest)?;
        if !rest.is_empty() {
            return Err(RefereeError::TrailingBytes);
        }
        Ok(if read == committed {
            Finding::Right
        } else {
            Finding::Wrong
        })
    }

    /// Exact number of bytes of that opening, at most [`MAX_RECEIPT_OPENING_BYTES`].
    /// [`RefereeError::NoSuchElement`] when the stream has no such byte.
    pub fn receipt_opening_bytes(
        &self,
        scope: AuditScope,
        seed: &Hash,
        index: u64,
    ) -> Result<u64, RefereeError> {
        let (length, place) = self.receipt_byte(scope, seed, index)?;
        let keyed = slice_bytes(length, index, 1).ok_or(SliceError::OutOfRange)?;
        let plain = self.openings_bytes(core::iter::once(place))?;
        keyed
            .checked_add(plain)
            .ok_or(SliceError::OutOfRange.into())
    }

    /// The length of the stream, and where its byte of that index is.
    fn receipt_byte(
        &self,
        scope: AuditScope,
        seed: &Hash,
        index: u64,
    ) -> Result<(u64, BlobSpan), RefereeError> {
        let batch = self.claim.batch;
        let found = || {
            let length = receipt_bytes(self.plan, batch, scope)?;
            let (blob, start) = receipt_place(self.plan, batch, scope, seed, index)?;
            let byte = BlobSpan {
                blob,
                start,
                length: 1,
            };
            Some((length, byte))
        };
        found().ok_or(RefereeError::NoSuchElement)
    }
}

impl Exhibits<'_> {
    /// The receipt stream of an auditor of that scope and seed, in one piece. `None` when a blob
    /// that it reads is missing or of another length than its shape says.
    pub fn receipt_stream(&self, scope: AuditScope, seed: &Hash) -> Option<Vec<u8>> {
        let mut stream = Vec::new();
        for span in receipt_spans(self.plan, self.batch, scope, seed)? {
            let blob = self.whole(span.blob)?;
            let start = usize::try_from(span.start).ok()?;
            let length = usize::try_from(span.length).ok()?;
            stream.extend_from_slice(blob.get(start..)?.get(..length)?);
        }
        Some(stream)
    }

    /// The opening of the byte `index` of the receipt that belongs to these bytes. `None` when the
    /// stream has no such byte, or as for [`Exhibits::receipt_stream`].
    ///
    /// Holds the whole stream in memory.
    pub fn receipt_opening(&self, scope: AuditScope, seed: &Hash, index: u64) -> Option<Vec<u8>> {
        let (blob, start) = receipt_place(self.plan, self.batch, scope, seed, index)?;
        let byte = BlobSpan {
            blob,
            start,
            length: 1,
        };
        let slice = self.open(core::iter::once(byte))?;
        receipt_opening(&self.receipt_stream(scope, seed)?, seed, index, &slice)
    }
}
