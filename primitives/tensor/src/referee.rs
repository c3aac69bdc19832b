//! The referee: judges accusations against a claim, from the evidence alone.
//!
//! What must be opened follows from program, batch and accusation, never from the evidence. A
//! conviction needs nothing but BLAKE3's collision resistance and one call of [`Plan::element`].

use crate::{
    dispute::{blob_length, output_openings, ElementOpenings},
    slice::{chunk_slice_bytes, read_chunks},
    tree::{chunks_of, Mode},
    Accusation, Blob, BlobRef, BlobSpan, ElementError, Hash, Plan, SliceError, Source, Span,
};
use alloc::vec::Vec;

/// What a worker attested.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Items of the job.
    pub batch: u32,
    /// Hash of each input, in the program's order.
    pub inputs: &'a [Hash],
    /// Hash of each output, in the program's order.
    pub outputs: &'a [Hash],
    /// Hash of the trace.
    pub trace: &'a Hash,
}

/// What evidence shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The claim holds there.
    Right,
    /// The claim is proved wrong.
    Wrong,
}

/// Why an accusation, a demand or an answer is refused. None of these says anything about the
/// claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefereeError {
    /// The batch is zero or above the program's largest, or the numbers of inputs or outputs are
    /// not the program's.
    WrongClaim,
    /// The program has no operation of that index.
    NoSuchOperation,
    /// The operation or output has no element of that index in such a batch.
    NoSuchElement,
    /// The job has no such blob.
    NoSuchBlob,
    /// The blob has no such chunks, or their number is zero or above the limit.
    NoSuchChunks,
    /// The blob's tree has no such node, or the request is not about nodes.
    NoSuchNode,
    /// The length is the one that the shape says.
    LengthIsRight,
    /// Nobody attested the length of inputs and parameters.
    NotCommitted,
    /// The evidence or answer is longer than what must be opened.
    TrailingBytes,
    /// A slice proves nothing.
    Slice(SliceError),
}

impl From<SliceError> for RefereeError {
    fn from(error: SliceError) -> Self {
        Self::Slice(error)
    }
}

impl core::fmt::Display for RefereeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::WrongClaim => "the claim does not fit the program",
            Self::NoSuchOperation => "the program has no such operation",
            Self::NoSuchElement => "the tensor has no such element",
            Self::NoSuchBlob => "the job has no such blob",
            Self::NoSuchChunks => "the blob has no such chunks, or they are too many",
            Self::NoSuchNode => "the blob's tree has no such node",
            Self::LengthIsRight => "the length is the one that the shape says",
            Self::NotCommitted => "nobody attested the length of that blob",
            Self::TrailingBytes => "there are more bytes than what must be opened",
            Self::Slice(error) => return error.fmt(f),
        })
    }
}

#[cfg(feature = "std")]
impl std::error::Error for RefereeError {}

/// Judges what is said about one claim.
#[derive(Clone, Copy, Debug)]
pub struct Referee<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) claim: Claim<'a>,
}

/// The bytes that evidence opened.
struct Opened(Vec<(Span, Vec<u8>)>);

impl Source for Opened {
    type Error = ();

    fn bytes(&self, span: Span) -> Result<&[u8], ()> {
        let found = self.0.iter().find(|(opened, _)| *opened == span);
        found.map(|(_, bytes)| bytes.as_slice()).ok_or(())
    }
}

impl<'a> Referee<'a> {
    /// A referee for a claim about a program. [`RefereeError::WrongClaim`] when it does not fit.
    pub fn new(plan: &'a Plan, claim: Claim<'a>) -> Result<Self, RefereeError> {
        let program = plan.program();
        if !plan.allows(claim.batch)
            || claim.inputs.len() != program.inputs.len()
            || claim.outputs.len() != program.outputs.len()
        {
            return Err(RefereeError::WrongClaim);
        }
        Ok(Self { plan, claim })
    }

    /// Hash and length of a blob of the job: the hash that was claimed, the length that the
    /// shape says. [`RefereeError::NoSuchBlob`] when the index is out of range.
    pub fn blob(&self, blob: BlobRef) -> Result<Blob, RefereeError> {
        let hash = match blob {
            BlobRef::Input(index) => self.claim.inputs.get(usize::from(index)),
            BlobRef::Parameter(index) => {
                let parameters = &self.plan.program().parameters;
                parameters.get(usize::from(index)).map(|p| &p.hash)
            }
            BlobRef::Trace => Some(self.claim.trace),
            BlobRef::Output(index) => self.claim.outputs.get(usize::from(index)),
        };
        let length = blob_length(self.plan, self.claim.batch, blob);
        match (hash, length) {
            (Some(hash), Some(length)) => Ok(Blob {
                hash: *hash,
                length,
            }),
            _ => Err(RefereeError::NoSuchBlob),
        }
    }

    /// The verdict on an accusation. Recomputes at most one element, by [`Plan::element`].
    pub fn judge(&self, accusation: &Accusation, evidence: &[u8]) -> Result<Finding, RefereeError> {
        let mut rest = evidence;
        let holds = match *accusation {
            Accusation::Element { operation, index } => {
                self.element_holds(operation, index, &mut rest)?
            }
            Accusation::Output { output, index } => {
                let [own, traced] = self.output_openings(output, index)?;
                self.open(&own, &mut rest)? == self.open(&traced, &mut rest)?
            }
            Accusation::Length { blob, length } => {
                let real = self.other_length(blob, length)?;
                read_chunks(Mode::Plain, &mut rest, &real, last_chunk(length), 1)?;
                false
            }
        };
        if !rest.is_empty() {
            return Err(RefereeError::TrailingBytes);
        }
        Ok(if holds {
            Finding::Right
        } else {
            Finding::Wrong
        })
    }

    /// Exact number of bytes that the evidence for an accusation has.
    pub fn evidence_bytes(&self, accusation: &Accusation) -> Result<u64, RefereeError> {
        match *accusation {
            Accusation::Element { operation, index } => {
                self.openings_bytes(self.element_openings(operation, index)?.iter())
            }
            Accusation::Output { output, index } => {
                self.openings_bytes(self.output_openings(output, index)?.into_iter())
            }
            Accusation::Length { blob, length } => {
                let real = self.other_length(blob, length)?;
                chunk_slice_bytes(real.length, last_chunk(length), 1)
                    .ok_or(SliceError::OutOfRange.into())
            }
        }
    }

    /// The slices whose concatenation, in this order, is the evidence for
    /// [`Accusation::Element`]: what to fetch to check that element, and to prove it wrong.
    pub fn element_evidence(
        &self,
        operation: u16,
        index: u64,
    ) -> Result<Vec<BlobSpan>, RefereeError> {
        Ok(self.element_openings(operation, index)?.iter().collect())
    }

    fn element_openings(
        &self,
        operation: u16,
        index: u64,
    ) -> Result<ElementOpenings, RefereeError> {
        ElementOpenings::of(self.plan, self.claim.batch, operation, index)
    }

    fn output_openings(&self, output: u16, index: u64) -> Result<[BlobSpan; 2], RefereeError> {
        output_openings(self.plan, self.claim.batch, output, index)
    }

    /// The blob with the length that it is said to have instead of the right one.
    fn other_length(&self, blob: BlobRef, length: u64) -> Result<Blob, RefereeError> {
        if let BlobRef::Input(_) | BlobRef::Parameter(_) = blob {
            return Err(RefereeError::NotCommitted);
        }
        let said = self.blob(blob)?;
        if said.length == length {
            return Err(RefereeError::LengthIsRight);
        }
        Ok(Blob { length, ..said })
    }

    pub(crate) fn openings_bytes(
        &self,
        mut openings: impl Iterator<Item = BlobSpan>,
    ) -> Result<u64, RefereeError> {
        openings.try_fold(0u64, |sum, opening| {
            let blob = self.blob(opening.blob)?;
            crate::slice_bytes(blob.length, opening.start, opening.length)
                .and_then(|bytes| sum.checked_add(bytes))
                .ok_or(SliceError::OutOfRange.into())
        })
    }

    pub(crate) fn open(
        &self,
        opening: &BlobSpan,
        rest: &mut &[u8],
    ) -> Result<Vec<u8>, RefereeError> {
        let blob = self.blob(opening.blob)?;
        let slice = crate::read_slice(rest, &blob, opening.start, opening.length)?;
        Ok(slice)
    }

    /// Takes what a check of an element opens off the front of `rest`, and makes the check.
    pub(crate) fn element_holds(
        &self,
        operation: u16,
        index: u64,
        rest: &mut &[u8],
    ) -> Result<bool, RefereeError> {
        let openings = self.element_openings(operation, index)?;
        let mut opened = Opened(Vec::with_capacity(openings.spans.len()));
        for (span, opening) in &openings.spans {
            opened.0.push((*span, self.open(opening, rest)?));
        }
        let claimed = self.open(&openings.element, rest)?;
        let value = self
            .plan
            .element(operation, index, self.claim.batch, &opened)
            .map_err(|error| match error {
                ElementError::NoSuchOperation => RefereeError::NoSuchOperation,
                // Every span was opened at its length, so only the index is left to be wrong.
                ElementError::OutOfRange | ElementError::WrongLength | ElementError::Source(()) => {
                    RefereeError::NoSuchElement
                }
            })?;
        Ok(claimed == value.to_le_bytes())
    }
}

/// The last chunk of a blob of that length.
pub(crate) fn last_chunk(length: u64) -> u64 {
    chunks_of(length).saturating_sub(1)
}
