//! Compares what was published of a job with what its program gives: pure functions over bytes.

use crate::failure::{Failure, Kind};
use crate::grounds::blob;
use mizan_client::disputes::{Accusation, BlobRef};
use mizan_engine::audit::{self, AuditedJob, WrongElement};
use mizan_engine::CpuExecutor;
use mizan_tensor::{Claim, Exhibits, Finding, Plan, Referee, TensorRef};

/// What of a job is executed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    Whole,
    /// These items, each once, in ascending order.
    Items(Vec<u32>),
}

/// What is wrong with a published result. Any of these convicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A number in the trace is not what the program makes of the numbers that it reads.
    Element {
        /// Index of the operation.
        operation: u16,
        /// Index of the element, counted over the whole batch.
        index: u64,
        /// The item that it belongs to.
        item: u64,
        /// What was published.
        claimed: i8,
        /// What it is.
        right: i8,
    },
    /// A byte of an output is not the one in the trace.
    Output {
        /// Index in the program's list of outputs.
        output: u16,
        /// Index of the byte.
        index: u64,
        /// What the output says.
        claimed: i8,
        /// What the trace says.
        right: i8,
    },
    /// A blob has another length than its shape says.
    Length {
        /// The trace or an output.
        blob: BlobRef,
        /// Its length in bytes.
        claimed: u64,
        /// The length that its shape says.
        right: u64,
    },
}

impl Fault {
    /// What to accuse the worker of.
    pub(crate) fn accusation(&self) -> Accusation {
        match *self {
            Self::Element {
                operation, index, ..
            } => Accusation::Element { operation, index },
            Self::Output { output, index, .. } => Accusation::Output { output, index },
            Self::Length { blob, claimed, .. } => Accusation::Length {
                blob,
                length: claimed,
            },
        }
    }
}

/// What is wrong with trace and outputs as they are, without executing anything: a length, or an
/// output that is not in the trace. Inputs and parameters are not looked at.
pub(crate) fn published(exhibits: &Exhibits<'_>) -> Result<Option<Fault>, Failure> {
    // Nothing of a right trace is given, so nothing is compared with it.
    let Some(accusation) = exhibits.first_fault(&[]) else {
        return Ok(None);
    };
    let fault = match accusation {
        Accusation::Length { blob, length } => Fault::Length {
            blob,
            claimed: length,
            right: length_of(exhibits.plan, exhibits.batch, blob)?,
        },
        Accusation::Output { output, index } => {
            let place = place_of_output(exhibits, output, index);
            let claimed = exhibits.outputs.get(usize::from(output));
            Fault::Output {
                output,
                index,
                claimed: byte(claimed.copied().unwrap_or_default(), Some(index))?,
                right: byte(exhibits.trace, place)?,
            }
        }
        Accusation::Element { .. } => return Err(impossible("an element differs from nothing")),
    };
    Ok(Some(fault))
}

/// Executes again and compares with the published trace. The element that is found is the first
/// wrong one of its item in the program's order, so that everything it depends on is right.
///
/// Trace and outputs must have passed [`published`].
pub(crate) fn executed(
    exhibits: &Exhibits<'_>,
    scope: &Scope,
    executor: &CpuExecutor,
) -> Result<Option<Fault>, Failure> {
    let job = AuditedJob {
        inputs: exhibits.inputs,
        batch: exhibits.batch,
        trace: exhibits.trace,
    };
    let model = executor.load(exhibits.plan, exhibits.parameters);
    let model = model.map_err(|error| unchecked(&error))?;
    let wrong = match scope {
        Scope::Whole => audit::full(&model, &job),
        Scope::Items(items) => audit::verify_items(&model, &job, items),
    };
    let wrong = wrong.map_err(|error| unchecked(&error))?;
    wrong
        .map(|wrong| of_element(exhibits.plan, wrong))
        .transpose()
}

fn of_element(plan: &Plan, wrong: WrongElement) -> Result<Fault, Failure> {
    let operation = TensorRef::Operation(wrong.operation);
    let of_item = plan
        .tensor_type(operation)
        .and_then(|tensor| tensor.bytes());
    let item = of_item.and_then(|bytes| wrong.index.checked_div(bytes));
    Ok(Fault::Element {
        operation: wrong.operation,
        index: wrong.index,
        item: item.ok_or_else(|| impossible("an element of no operation"))?,
        claimed: wrong.published,
        right: wrong.right,
    })
}

/// The evidence for a fault, judged as the chain will judge it: a proof that fails would cost its
/// sender a deposit.
pub(crate) fn proof(
    exhibits: &Exhibits<'_>,
    claim: Claim<'_>,
    fault: &Fault,
) -> Result<Vec<u8>, Failure> {
    let accusation = fault.accusation();
    let evidence = exhibits.evidence(&accusation);
    let evidence = evidence.ok_or_else(|| impossible("nothing to open"))?;
    let finding = Referee::new(exhibits.plan, claim)
        .and_then(|referee| referee.judge(&accusation, &evidence));
    match finding {
        Ok(Finding::Wrong) => Ok(evidence),
        Ok(Finding::Right) => Err(impossible("the referee finds it right")),
        Err(error) => Err(impossible(&error.to_string())),
    }
}

/// The length in bytes that shape and batch give a blob of a job.
pub(crate) fn length_of(plan: &Plan, batch: u32, named: BlobRef) -> Result<u64, Failure> {
    let length = match named {
        BlobRef::Input(index) => plan.tensor_bytes(TensorRef::Input(index), batch),
        BlobRef::Parameter(index) => plan.tensor_bytes(TensorRef::Parameter(index), batch),
        BlobRef::Trace => plan.trace_bytes(batch),
        BlobRef::Output(index) => {
            let operation = plan.program().outputs.get(usize::from(index));
            operation.and_then(|index| plan.tensor_bytes(TensorRef::Operation(*index), batch))
        }
    };
    length.ok_or_else(|| impossible(&format!("the program has no {}", blob(named))))
}

/// Where a byte of an output is in the trace.
fn place_of_output(exhibits: &Exhibits<'_>, output: u16, index: u64) -> Option<u64> {
    let operation = exhibits.plan.program().outputs.get(usize::from(output))?;
    let start = exhibits.plan.trace_offset(*operation, exhibits.batch)?;
    start.checked_add(index)
}

fn byte(bytes: &[u8], index: Option<u64>) -> Result<i8, Failure> {
    let index = index.and_then(|index| usize::try_from(index).ok());
    let byte = index.and_then(|index| bytes.get(index));
    byte.map(|byte| i8::from_le_bytes([*byte]))
        .ok_or_else(|| impossible("a byte that differs is not there"))
}

fn unchecked(error: &impl ToString) -> Failure {
    let reason = error.to_string();
    Failure::new(
        Kind::Other,
        format!("the result can't be checked: {reason}"),
    )
}

/// What can't be unless this program is wrong. Nothing may be sent then.
fn impossible(what: &str) -> Failure {
    let message = format!("the check contradicts itself, nothing is proved; report this: {what}");
    Failure::new(Kind::Other, message)
}

#[cfg(test)]
pub(super) mod tests;
