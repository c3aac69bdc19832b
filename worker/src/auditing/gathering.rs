//! Getting the bytes that an audit looks at, from whoever has them.

use super::{
    parts::Stored,
    slices::{Kept, Piece},
    AuditError, Fraud, Subject,
};
use futures::future::join_all;
use mizan_blobs::BlobError;
use mizan_client::Hash;
use mizan_tensor::{hash_bytes, read_slice, Accusation, Blob, BlobRef, BlobSpan, Finding};
use std::{
    fs::File,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
};
use tracing::debug;

/// Slices that are asked for at once.
pub(super) const AT_ONCE: usize = 16;
/// Bytes of a chunk of a blob's tree.
const CHUNK_BYTES: u64 = 1_024;

/// Why a source gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It does not have it.
    #[error("{reason}")]
    Missing {
        /// Why.
        reason: String,
        /// Whether it may have it in a while.
        may_pass: bool,
    },
    /// This machine's folder of blobs failed.
    #[error(transparent)]
    Folder(BlobError),
}

/// Gives bytes of blobs. Nothing that it gives is believed without proof.
pub trait Source: Send + Sync {
    /// The slice of some bytes of a blob.
    fn slice(
        &self,
        blob: Blob,
        start: u64,
        length: u32,
    ) -> impl Future<Output = Result<Vec<u8>, SourceError>> + Send;

    /// A whole blob of at most so many bytes, checked.
    fn whole(
        &self,
        hash: Hash,
        max_bytes: u64,
    ) -> impl Future<Output = Result<Vec<u8>, SourceError>> + Send;

    /// The same as a file, with its length. Nothing of it need be in memory.
    fn file(
        &self,
        hash: Hash,
        max_bytes: u64,
    ) -> impl Future<Output = Result<(File, u64), SourceError>> + Send;

    /// Whether a blob is on this machine.
    fn has(&self, hash: Hash) -> impl Future<Output = bool> + Send;

    /// Lengths that somebody says a blob has, other than the one that it must have.
    fn other_lengths(&self, blob: Blob) -> impl Future<Output = Vec<u64>> + Send;
}

/// A blob as a whole: its bytes, or where they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole<T = Vec<u8>> {
    /// With the length that its shape says.
    Bytes(T),
    /// With another length.
    OtherLength(u64),
    /// Nobody gives it.
    Missing,
}

/// Gets the bytes of one job.
pub struct Gathering<'a, S> {
    /// The job.
    pub subject: &'a Subject,
    /// What is kept of it.
    pub kept: &'a mut Kept,
    source: &'a S,
    may_pass: AtomicBool,
}

impl<'a, S: Source> Gathering<'a, S> {
    /// From that source, and from what is kept.
    pub fn new(subject: &'a Subject, source: &'a S, kept: &'a mut Kept) -> Self {
        Self {
            subject,
            kept,
            source,
            may_pass: AtomicBool::new(false),
        }
    }

    /// Whether something that was missing may be there in a while.
    pub fn may_pass(&self) -> bool {
        self.may_pass.load(Ordering::Relaxed)
    }

    /// The slice of a span; `None` if nobody gives it.
    pub async fn slice(&self, span: &BlobSpan) -> Result<Option<Vec<u8>>, AuditError> {
        if let Some(slice) = self.kept.slice(self.subject, span)? {
            return Ok(Some(slice));
        }
        let blob = self.subject.blob(span.blob)?;
        self.ask(blob, span.start, span.length).await
    }

    async fn ask(
        &self,
        blob: Blob,
        start: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>, AuditError> {
        let short = u32::try_from(length).map_err(|_| AuditError::impossible("a long slice"))?;
        let given = self.source.slice(blob, start, short).await;
        let proves = |slice: &Vec<u8>| {
            let mut rest = slice.as_slice();
            read_slice(&mut rest, &blob, start, length).is_ok() && rest.is_empty()
        };
        Ok(self.noted(given)?.filter(proves))
    }

    fn noted<T>(&self, given: Result<T, SourceError>) -> Result<Option<T>, AuditError> {
        match given {
            Ok(given) => Ok(Some(given)),
            Err(SourceError::Missing { reason, may_pass }) => {
                debug!(job = self.subject.job, "something is missing: {reason}");
                self.may_pass.fetch_or(may_pass, Ordering::Relaxed);
                Ok(None)
            }
            Err(SourceError::Folder(error)) => Err(error.into()),
        }
    }

    /// The evidence for an accusation about an element; `None` if not all of it can be had.
    pub async fn evidence(
        &self,
        operation: u16,
        index: u64,
    ) -> Result<Option<Vec<u8>>, AuditError> {
        let spans = self.subject.referee()?.element_evidence(operation, index)?;
        self.slices(&spans).await
    }

    /// The slices of some spans, one after the other; `None` if not all of them can be had.
    pub async fn slices(&self, spans: &[BlobSpan]) -> Result<Option<Vec<u8>>, AuditError> {
        let mut evidence = Vec::new();
        for span in spans {
            match self.slice(span).await? {
                Some(slice) => evidence.extend(slice),
                None => return Ok(None),
            }
        }
        Ok(Some(evidence))
    }

    /// Keeps some spans, as far as they can be had.
    pub async fn keep(&mut self, spans: &[BlobSpan]) -> Result<(), AuditError> {
        for pieces in self.kept.lacking(spans).chunks(AT_ONCE) {
            let slices = join_all(pieces.iter().map(|piece| self.piece(piece))).await;
            for (piece, slice) in pieces.iter().zip(slices) {
                if let Some(slice) = slice? {
                    let blob = self.subject.blob(piece.blob)?;
                    self.kept.insert(blob, piece.clone(), slice);
                }
            }
        }
        Ok(())
    }

    async fn piece(&self, piece: &Piece) -> Result<Option<Vec<u8>>, AuditError> {
        let blob = self.subject.blob(piece.blob)?;
        let (start, length) = piece.bytes(blob.length);
        self.ask(blob, start, length).await
    }

    /// All of a blob, if it was demanded chunk by chunk.
    fn kept_whole(&self, blob: BlobRef, length: u64) -> Result<Option<Vec<u8>>, AuditError> {
        let all = BlobSpan {
            blob,
            start: 0,
            length,
        };
        self.kept.bytes(self.subject, &all)
    }

    /// A whole blob of the job.
    pub async fn whole(&self, blob: BlobRef) -> Result<Whole, AuditError> {
        let Blob { hash, length } = self.subject.blob(blob)?;
        if let Some(bytes) = self.kept_whole(blob, length)? {
            return Ok(Whole::Bytes(bytes));
        }
        let given = self.source.whole(hash, length).await;
        Ok(match self.noted(given)? {
            None => Whole::Missing,
            Some(bytes) => match u64::try_from(bytes.len()) {
                Ok(found) if found == length => Whole::Bytes(bytes),
                found => Whole::OtherLength(found.unwrap_or(u64::MAX)),
            },
        })
    }

    /// The same without holding it in memory, unless it was demanded chunk by chunk.
    pub async fn stored(&self, blob: BlobRef) -> Result<Whole<Stored>, AuditError> {
        let Blob { hash, length } = self.subject.blob(blob)?;
        if let Some(bytes) = self.kept_whole(blob, length)? {
            return Ok(Whole::Bytes(Stored::Bytes(bytes)));
        }
        let given = self.source.file(hash, length).await;
        Ok(match self.noted(given)? {
            None => Whole::Missing,
            Some((file, found)) if found == length => Whole::Bytes(Stored::File(file)),
            Some((_, found)) => Whole::OtherLength(found),
        })
    }

    /// The proof that the trace or an output has another length than its shape says, if its last
    /// chunk can be had. Inputs and parameters have the lengths that they have: nobody attested
    /// them.
    pub async fn wrong_length(
        &self,
        blob: BlobRef,
        known: Option<u64>,
    ) -> Result<Option<Fraud>, AuditError> {
        if let BlobRef::Input(_) | BlobRef::Parameter(_) = blob {
            return Ok(None);
        }
        let named = self.subject.blob(blob)?;
        let mut lengths = self.source.other_lengths(named).await;
        lengths.extend(known);
        if named.hash == hash_bytes(&[]) {
            lengths.push(0);
        }
        lengths.retain(|length| *length != named.length);
        for length in lengths {
            let real = Blob { length, ..named };
            let evidence = match length.checked_sub(1) {
                // The empty blob has one chunk, which is empty.
                None => Some(Vec::new()),
                Some(last) => {
                    let start = last - last % CHUNK_BYTES;
                    self.ask(real, start, length - start).await?
                }
            };
            let accusation = Accusation::Length { blob, length };
            let Some(evidence) = evidence else { continue };
            // Whoever said the length may have lied.
            if matches!(
                self.subject.judge(&accusation, &evidence),
                Ok(Finding::Wrong)
            ) {
                return Ok(Some(Fraud {
                    accusation,
                    evidence,
                }));
            }
        }
        Ok(None)
    }
}
