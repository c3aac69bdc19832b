//! The bytes of a job, and what is proved with them.

use crate::{
    dispute::{blob_length, output_openings, ElementOpenings},
    prover::{write_chunks, write_nodes},
    referee::last_chunk,
    tree::Demanded,
    write_slice, Accusation, BlobRef, BlobSpan, Plan, Request, MAX_DEMANDED_CHUNKS,
};
use alloc::vec::Vec;

/// The bytes of a job, for whoever proves or answers.
///
/// Every proof hashes the blobs that it opens from end to end.
#[derive(Clone, Copy, Debug)]
pub struct Exhibits<'a> {
    /// The program.
    pub plan: &'a Plan,
    /// Items of the job.
    pub batch: u32,
    /// The program's parameters.
    pub parameters: &'a [&'a [u8]],
    /// The job's inputs.
    pub inputs: &'a [&'a [u8]],
    /// The trace that was attested.
    pub trace: &'a [u8],
    /// The outputs that were attested.
    pub outputs: &'a [&'a [u8]],
}

impl Exhibits<'_> {
    /// Evidence for an accusation, whether or not it holds. `None` when it is about something
    /// that the job does not have, or when a blob to be opened is missing or of another length
    /// than its shape says. For [`Accusation::Length`]: the slice of the last chunk of the blob
    /// at hand, `None` when its length is not the one in the accusation.
    pub fn evidence(&self, accusation: &Accusation) -> Option<Vec<u8>> {
        match *accusation {
            Accusation::Element { operation, index } => {
                let openings = ElementOpenings::of(self.plan, self.batch, operation, index).ok()?;
                self.open(openings.iter())
            }
            Accusation::Output { output, index } => {
                let openings = output_openings(self.plan, self.batch, output, index).ok()?;
                self.open(openings.into_iter())
            }
            Accusation::Length {
                blob: BlobRef::Input(_) | BlobRef::Parameter(_),
                ..
            } => None,
            Accusation::Length { blob, length } => {
                let bytes = self.bytes(blob)?;
                if length_of(bytes)? != length {
                    return None;
                }
                let mut out = Vec::new();
                write_chunks(&mut out, bytes, last_chunk(length), 1)?;
                Some(out)
            }
        }
    }

    /// The answer to a demand. `None` when that can't be demanded of the job, or when a blob to
    /// be opened is missing or of another length than its shape says.
    pub fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match *request {
            Request::Chunks { blob, first, count } => {
                if count > MAX_DEMANDED_CHUNKS {
                    return None;
                }
                write_chunks(&mut out, self.whole(blob)?, first, count.into())?;
            }
            Request::Nodes { blob, level, index } => {
                let bytes = self.whole(blob)?;
                let demanded = Demanded::at(length_of(bytes)?, level, index)?;
                write_nodes(&mut out, bytes, demanded)?;
            }
            Request::Element { operation, index } => {
                return self.evidence(&Accusation::Element { operation, index });
            }
        }
        Some(out)
    }

    /// Compares trace and outputs with a right trace of the same job, and gives the accusation
    /// about the first wrong thing in this order: length of the trace, length of an output,
    /// first byte of the trace (an element, all of whose operands are then right), first byte of
    /// an output that differs from the trace. `None` when nothing is wrong.
    ///
    /// `right_trace` is a whole trace; what a shorter one lacks is not compared.
    pub fn first_fault(&self, right_trace: &[u8]) -> Option<Accusation> {
        self.wrong_length()
            .or_else(|| self.wrong_element(right_trace))
            .or_else(|| self.wrong_output())
    }

    fn wrong_length(&self) -> Option<Accusation> {
        let outputs = (0u16..).map(BlobRef::Output).zip(self.outputs);
        let blobs = core::iter::once((BlobRef::Trace, &self.trace)).chain(outputs);
        blobs
            .filter_map(|(blob, bytes)| Some((blob, length_of(bytes)?)))
            .find(|(blob, length)| {
                blob_length(self.plan, self.batch, *blob).is_some_and(|right| right != *length)
            })
            .map(|(blob, length)| Accusation::Length { blob, length })
    }

    fn wrong_element(&self, right_trace: &[u8]) -> Option<Accusation> {
        let place = first_difference(self.trace, right_trace)?;
        let count = u16::try_from(self.plan.program().operations.len()).ok()?;
        let (operation, start) = (0..count)
            .map_while(|operation| {
                let start = self.plan.trace_offset(operation, self.batch)?;
                (start <= place).then_some((operation, start))
            })
            .last()?;
        Some(Accusation::Element {
            operation,
            index: place.checked_sub(start)?,
        })
    }

    fn wrong_output(&self) -> Option<Accusation> {
        let right = self.plan.outputs(self.trace, self.batch)?;
        (0u16..)
            .zip(self.outputs.iter().zip(&right))
            .find_map(|(output, (bytes, right))| {
                let index = first_difference(bytes, right)?;
                Some(Accusation::Output { output, index })
            })
    }

    /// The slices of some openings, one after the other.
    pub(crate) fn open(&self, openings: impl Iterator<Item = BlobSpan>) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for opening in openings {
            let bytes = self.whole(opening.blob)?;
            write_slice(&mut out, bytes, opening.start, opening.length)?;
        }
        Some(out)
    }

    /// The bytes of a blob, at whatever length they are.
    fn bytes(&self, blob: BlobRef) -> Option<&[u8]> {
        match blob {
            BlobRef::Input(index) => self.inputs.get(usize::from(index)).copied(),
            BlobRef::Parameter(index) => self.parameters.get(usize::from(index)).copied(),
            BlobRef::Trace => Some(self.trace),
            BlobRef::Output(index) => self.outputs.get(usize::from(index)).copied(),
        }
    }

    /// The bytes of a blob, if they are as many as the shape says: only then is the tree that
    /// is written the one that the referee reads.
    pub(crate) fn whole(&self, blob: BlobRef) -> Option<&[u8]> {
        let bytes = self.bytes(blob)?;
        (Some(length_of(bytes)?) == blob_length(self.plan, self.batch, blob)).then_some(bytes)
    }
}

fn length_of(bytes: &[u8]) -> Option<u64> {
    u64::try_from(bytes.len()).ok()
}

/// Index of the first byte that differs where both have one.
fn first_difference(a: &[u8], b: &[u8]) -> Option<u64> {
    /// Whole blocks compare many times faster than single bytes.
    const BLOCK: usize = 4_096;
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK));
    let (block, (a, b)) = blocks.enumerate().find(|(_, (a, b))| a != b)?;
    // Blocks of unequal length are the last, and may differ in nothing else.
    let within = a.iter().zip(b).position(|(a, b)| a != b)?;
    u64::try_from(block.checked_mul(BLOCK)?.checked_add(within)?).ok()
}
