//! What may be demanded of whoever attested, and of what they may be accused.

use crate::{
    program::MAX_TENSOR_BYTES,
    referee::RefereeError,
    tree::{CHUNK_BYTES, HASH_BYTES, LEVELS_DOWN, NODE_BYTES},
    Plan, Span, TensorRef, MAX_OPENING_BYTES,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most bytes of the evidence for an accusation.
pub const MAX_EVIDENCE_BYTES: u32 = MAX_OPENING_BYTES as u32;
/// Most chunks that one demand may ask for.
pub const MAX_DEMANDED_CHUNKS: u8 = 8;
/// Most bytes of the answer to a demand.
pub const MAX_ANSWER_BYTES: u32 = largest(&[
    MAX_OPENING_BYTES,
    MAX_DEMANDED_CHUNKS as u64 * (CHUNK_BYTES + NODE_BYTES) + 2 * HEIGHT * NODE_BYTES,
    (HASH_BYTES << LEVELS_DOWN) + HEIGHT * NODE_BYTES,
]) as u32;

/// Height of the tree over the largest blob of a job.
pub(crate) const HEIGHT: u64 = (MAX_TENSOR_BYTES / CHUNK_BYTES).trailing_zeros() as u64;
// A path in the tree of any length at all, and two chunks, still fit the evidence.
const _: () = assert!(2 * (CHUNK_BYTES + 54 * NODE_BYTES) <= MAX_OPENING_BYTES);

const fn largest(sizes: &[u64; 3]) -> u64 {
    let [a, b, c] = *sizes;
    let ab = if a > b { a } else { b };
    if ab > c {
        ab
    } else {
        c
    }
}

/// A blob of a job.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum BlobRef {
    /// The job's input of that index.
    #[codec(index = 0)]
    Input(u16),
    /// The program's parameter of that index.
    #[codec(index = 1)]
    Parameter(u16),
    /// The outputs of all operations, one after the other.
    #[codec(index = 2)]
    Trace,
    /// The job's output of that index, in the order of the program's list of outputs.
    #[codec(index = 3)]
    Output(u16),
}

/// What someone may demand of whoever attested.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Request {
    /// Consecutive chunks of 1 KiB. The answer is their slice.
    #[codec(index = 0)]
    Chunks {
        /// Of which blob.
        blob: BlobRef,
        /// The first of them.
        first: u64,
        /// How many: 1 to [`MAX_DEMANDED_CHUNKS`].
        count: u8,
    },
    /// The up to 256 descendants, 8 levels down (or the chunks' own chaining values where the
    /// tree is lower), of one node.
    ///
    /// Level 0 are chunks; node `index` of level l covers chunks `[index << l, (index + 1) << l)`
    /// of the blob, those of them that exist; the root is level `ceil(log2(chunks))`, index 0.
    /// The descendants are the nodes of level `max(l, 8) - 8`, from index `index << min(l, 8)`
    /// on.
    ///
    /// The answer is the inner nodes above the node from the root on (64 bytes each), then its
    /// descendants left to right (32 bytes each). A blob of one chunk has a single node, whose
    /// descendant is the blob's hash.
    #[codec(index = 1)]
    Nodes {
        /// Of which blob.
        blob: BlobRef,
        /// Level of the node.
        level: u8,
        /// Index of the node in its level.
        index: u64,
    },
    /// Everything that a fraud proof about that element opens. The answer is the evidence for
    /// [`Accusation::Element`].
    #[codec(index = 2)]
    Element {
        /// Index of the operation.
        operation: u16,
        /// Index of the element, counted over the whole batch.
        index: u64,
    },
}

/// What a fraud proof says is wrong. Its evidence is a separate byte string of slices.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Accusation {
    /// That element of that operation's output is not what [`Plan::element`] gives. Opens, in
    /// this order: each of [`Plan::spans`], then the element itself in the trace (1 byte).
    #[codec(index = 0)]
    Element {
        /// Index of the operation.
        operation: u16,
        /// Index of the element, counted over the whole batch.
        index: u64,
    },
    /// A byte of a program output's own blob differs from the same byte in the trace. Opens that
    /// byte of the output's blob, then of the trace.
    #[codec(index = 1)]
    Output {
        /// Index in the program's list of outputs.
        output: u16,
        /// Index of the byte.
        index: u64,
    },
    /// The blob (trace or output only) has another length than its shape says. The evidence is
    /// the slice of its last chunk in the tree of its real length.
    #[codec(index = 2)]
    Length {
        /// Which blob.
        blob: BlobRef,
        /// Its real length in bytes.
        length: u64,
    },
}

/// A range of bytes of a blob of a job: what one slice opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobSpan {
    /// The blob.
    pub blob: BlobRef,
    /// Offset of the first byte.
    pub start: u64,
    /// Number of bytes; never zero.
    pub length: u64,
}

/// The length in bytes that shape and batch give a blob of a job.
pub(crate) fn blob_length(plan: &Plan, batch: u32, blob: BlobRef) -> Option<u64> {
    match blob {
        BlobRef::Input(index) => plan.tensor_bytes(TensorRef::Input(index), batch),
        BlobRef::Parameter(index) => plan.tensor_bytes(TensorRef::Parameter(index), batch),
        BlobRef::Trace => plan.trace_bytes(batch),
        BlobRef::Output(index) => {
            let operation = *plan.program().outputs.get(usize::from(index))?;
            plan.tensor_bytes(TensorRef::Operation(operation), batch)
        }
    }
}

/// Where the bytes `[start, start + length)` of a tensor are.
pub(crate) fn place(
    plan: &Plan,
    batch: u32,
    tensor: TensorRef,
    start: u64,
    length: u64,
) -> Option<BlobSpan> {
    let (blob, offset) = match tensor {
        TensorRef::Input(index) => (BlobRef::Input(index), 0),
        TensorRef::Parameter(index) => (BlobRef::Parameter(index), 0),
        TensorRef::Operation(index) => (BlobRef::Trace, plan.trace_offset(index, batch)?),
    };
    Some(BlobSpan {
        blob,
        start: offset.checked_add(start)?,
        length,
    })
}

/// What a check of an element opens: the spans that it reads, as they are and where they are,
/// and the place of the element itself.
pub(crate) struct ElementOpenings {
    pub(crate) spans: Vec<(Span, BlobSpan)>,
    pub(crate) element: BlobSpan,
}

impl ElementOpenings {
    pub(crate) fn of(
        plan: &Plan,
        batch: u32,
        operation: u16,
        index: u64,
    ) -> Result<Self, RefereeError> {
        if plan.tensor_type(TensorRef::Operation(operation)).is_none() {
            return Err(RefereeError::NoSuchOperation);
        }
        let placed = |tensor, start, length| {
            place(plan, batch, tensor, start, length).ok_or(RefereeError::NoSuchElement)
        };
        let located = |span: Span| {
            let place = placed(span.tensor, span.start, span.length.into());
            place.map(|place| (span, place))
        };
        let spans = plan
            .spans(operation, index, batch)
            .ok_or(RefereeError::NoSuchElement)?;
        Ok(Self {
            spans: spans.into_iter().map(located).collect::<Result<_, _>>()?,
            element: placed(TensorRef::Operation(operation), index, 1)?,
        })
    }

    /// All of them, in the order of the evidence.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BlobSpan> + '_ {
        let spans = self.spans.iter().map(|(_, place)| *place);
        spans.chain(core::iter::once(self.element))
    }
}

/// What a check of a byte of an output opens: in the output's own blob, and in the trace.
pub(crate) fn output_openings(
    plan: &Plan,
    batch: u32,
    output: u16,
    index: u64,
) -> Result<[BlobSpan; 2], RefereeError> {
    let operation = *plan
        .program()
        .outputs
        .get(usize::from(output))
        .ok_or(RefereeError::NoSuchBlob)?;
    let tensor = TensorRef::Operation(operation);
    if plan
        .tensor_bytes(tensor, batch)
        .is_none_or(|length| index >= length)
    {
        return Err(RefereeError::NoSuchElement);
    }
    let own = BlobSpan {
        blob: BlobRef::Output(output),
        start: index,
        length: 1,
    };
    Ok([
        own,
        place(plan, batch, tensor, index, 1).ok_or(RefereeError::NoSuchElement)?,
    ])
}
