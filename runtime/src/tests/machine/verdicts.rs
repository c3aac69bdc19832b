//! What the chain must make of evidence, from what is known of results alone.

use super::market::{must, PROGRAMS};
use super::picks::{Damage, Evidence};
use super::results::{Fault, Work};
use mizan_protocol::jobs::{Accusation, BlobRef, Request};
use pallet_disputes::Flaw;

const CHUNK: u64 = 1_024;

/// The last operation of the program, and the bytes that it gives.
fn last_operation(of: Work) -> (u16, u64) {
    let bytes = PROGRAMS[of.model].operation_bytes;
    let last = bytes.len() - 1;
    (last as u16, bytes[last] * u64::from(of.batch))
}

/// Bytes of a blob, by shape and batch.
fn length(work: Work, blob: BlobRef) -> Option<u64> {
    let (facts, batch) = (&PROGRAMS[work.model], u64::from(work.batch));
    let of_item = |bytes: &[u64], index| {
        let item = bytes.get(usize::from(index));
        item.map(|item| item * batch)
    };
    match blob {
        BlobRef::Input(index) => of_item(facts.input_bytes, index),
        BlobRef::Parameter(index) => facts.parameter_bytes.get(usize::from(index)).copied(),
        BlobRef::Trace => Some(facts.operation_bytes.iter().sum::<u64>() * batch),
        BlobRef::Output(index) => of_item(facts.operation_bytes, index),
    }
}

/// The one accusation that is true of the result.
pub(super) fn accusation_of(work: Work) -> Option<Accusation> {
    let (last, bytes) = last_operation(work);
    match work.fault {
        Fault::None => None,
        Fault::Element => Some(Accusation::Element {
            operation: last,
            index: bytes - 1,
        }),
        Fault::Output => Some(Accusation::Output {
            output: last,
            index: bytes - 1,
        }),
        Fault::Length => Some(Accusation::Length {
            blob: BlobRef::Output(last),
            length: bytes - 1,
        }),
    }
}

/// Where two results of the same job have the same bytes, this is the same.
fn version(work: Work, blob: BlobRef) -> Fault {
    match (blob, work.fault) {
        (BlobRef::Trace, Fault::Element) => Fault::Element,
        (BlobRef::Output(index), fault) if index == last_operation(work).0 => fault,
        _ => Fault::None,
    }
}

/// Whether the shortened output is among the blobs.
fn lacks_a_byte(work: Work, blobs: &[BlobRef]) -> bool {
    let short = BlobRef::Output(last_operation(work).0);
    work.fault == Fault::Length && blobs.contains(&short)
}

/// Whether evidence is of the claimed result. `nothing`: there is none to show.
fn belongs(claim: Work, shown: Evidence, opened: &[BlobRef], nothing: bool) -> Result<(), Flaw> {
    let differ = |blob: &BlobRef| version(claim, *blob) != version(shown.work, *blob);
    match shown.damage {
        _ if nothing => Err(Flaw::WrongEvidenceLength),
        Damage::Missing => Err(Flaw::WrongEvidenceLength),
        Damage::Flipped => Err(Flaw::WrongHash),
        _ if opened.iter().any(differ) => Err(Flaw::WrongHash),
        Damage::Trailing => Err(Flaw::WrongEvidenceLength),
        Damage::None => Ok(()),
    }
}

/// Whether a fraud proof proves the claimed result wrong.
pub(super) fn judge(claim: Work, accusation: Accusation, shown: Evidence) -> Result<(), Flaw> {
    let place = |blob, index| match length(claim, blob) {
        Some(length) if index < length => Ok(()),
        _ => Err(Flaw::NoSuchPlace),
    };
    match accusation {
        Accusation::Element { operation, index } => {
            // Each operation is an output.
            place(BlobRef::Output(operation), index)?;
            belongs(claim, shown, &[BlobRef::Trace], false)?;
        }
        Accusation::Output { output, index } => {
            let output = BlobRef::Output(output);
            place(output, index)?;
            let opened = [output, BlobRef::Trace];
            belongs(claim, shown, &opened, lacks_a_byte(shown.work, &opened))?;
        }
        Accusation::Length { blob, length: said } => {
            let committed = matches!(blob, BlobRef::Trace | BlobRef::Output(_));
            must_be(committed, Flaw::NothingWrong)?;
            let right = length(claim, blob).ok_or(Flaw::NoSuchPlace)?;
            must_be(said != right, Flaw::NothingWrong)?;
            let real = right - u64::from(lacks_a_byte(shown.work, &[blob]));
            belongs(claim, shown, &[blob], said != real)?;
        }
    }
    must_be(accusation_of(claim) == Some(accusation), Flaw::NothingWrong)
}

fn must_be(condition: bool, flaw: Flaw) -> Result<(), Flaw> {
    condition.then_some(()).ok_or(flaw)
}

/// Whether the job has what is requested.
pub(super) fn is_possible(work: Work, request: Request) -> bool {
    match request {
        Request::Chunks { blob, first, count } => length(work, blob).is_some_and(|bytes| {
            let chunks = bytes.div_ceil(CHUNK);
            (1..=8).contains(&count) && first < chunks && u64::from(count) <= chunks - first
        }),
        Request::Nodes { blob, level, index } => length(work, blob).is_some_and(|bytes| {
            let chunks = bytes.div_ceil(CHUNK);
            let height = chunks.next_power_of_two().ilog2();
            u32::from(level) <= height && index <= (chunks - 1) >> level
        }),
        Request::Element { operation, index } => {
            length(work, BlobRef::Output(operation)).is_some_and(|elements| index < elements)
        }
    }
}

/// Whether an answer is one, and then whether it shows the claimed result wrong.
pub(super) fn judge_answer(
    claim: Work,
    request: Request,
    shown: Evidence,
) -> Result<bool, super::market::Refusal> {
    let blob = match request {
        Request::Chunks { blob, .. } | Request::Nodes { blob, .. } => blob,
        Request::Element { .. } => BlobRef::Trace,
    };
    let belongs = belongs(claim, shown, &[blob], lacks_a_byte(shown.work, &[blob]));
    let too_long_or_short = belongs == Err(Flaw::WrongEvidenceLength);
    must(!too_long_or_short, "Disputes(WrongAnswerLength)")?;
    must(belongs.is_ok(), "Disputes(WrongHash)")?;
    let Request::Element { operation, index } = request else {
        return Ok(false);
    };
    Ok(accusation_of(claim) == Some(Accusation::Element { operation, index }))
}
