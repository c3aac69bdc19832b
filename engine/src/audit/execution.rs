//! Audits that execute.

use super::{AuditError, AuditedJob, LinearAudit, LinearFault, WrongElement};
use crate::LoadedModel;
use mizan_tensor::{Execution, ExecutionError, TensorRef};

/// Executes every operation on the published trace before it, and compares: the first wrong
/// element of the first wrong operation, or `None`.
///
/// All operations before the one that is found are right, so this is also where an execution from
/// the inputs alone first differs.
pub fn full(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
) -> Result<Option<WrongElement>, AuditError> {
    job.check(model.plan(), model.parameters())?;
    let mut scratch = Vec::new();
    first_wrong(model, |operation| {
        executed(model, job, operation, &mut scratch)
    })
}

/// The same with a place for advice for each operation: its accumulators, as from
/// [`LoadedModel::accumulators`]. An operation without, or with bad advice, is executed.
///
/// `seed` is secret and fresh for this job, drawn after the advice was given. An operation with
/// good advice is accepted wrongly with probability at most 2^-66, see [`super::LinearCheck`].
pub fn full_with_advice(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
    advice: &[Option<&[i32]>],
    seed: &[u8; 32],
) -> Result<Option<WrongElement>, AuditError> {
    job.check(model.plan(), model.parameters())?;
    if advice.len() != model.plan().program().operations.len() {
        return Err(AuditError::WrongAdviceCount);
    }
    let mut scratch = Vec::new();
    first_wrong(model, |operation| {
        let given = advice.get(usize::from(operation)).copied().flatten();
        if let Some(accumulators) = given {
            let seed = operation_seed(seed, operation);
            if let Some(verdict) = advised(model, job, operation, accumulators, &seed)? {
                return Ok(verdict);
            }
        }
        executed(model, job, operation, &mut scratch)
    })
}

fn first_wrong(
    model: &LoadedModel<'_>,
    mut audit: impl FnMut(u16) -> Result<Option<WrongElement>, AuditError>,
) -> Result<Option<WrongElement>, AuditError> {
    let operations = model.plan().program().operations.iter();
    for (_, operation) in operations.zip(0u16..) {
        let wrong = audit(operation)?;
        if wrong.is_some() {
            return Ok(wrong);
        }
    }
    Ok(None)
}

/// Another seed for each operation, so that what one shows says nothing about the next.
fn operation_seed(seed: &[u8; 32], operation: u16) -> [u8; 32] {
    blake3::keyed_hash(seed, &operation.to_le_bytes()).into()
}

fn executed(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
    operation: u16,
    scratch: &mut Vec<u8>,
) -> Result<Option<WrongElement>, AuditError> {
    model.run_on(operation, job.inputs, job.batch, job.trace, scratch)?;
    let published = job.output(model.plan(), operation);
    let published = published.ok_or(AuditError::WrongLength)?;
    Ok(difference(operation, 0, published, scratch))
}

/// What advice says of an operation; `None` where it is no good.
fn advised(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
    operation: u16,
    accumulators: &[i32],
    seed: &[u8; 32],
) -> Result<Option<Option<WrongElement>>, AuditError> {
    let operands = model.linear(operation, job.inputs, job.batch, job.trace)?;
    let (Some(read), Some(output)) = (operands, job.output(model.plan(), operation)) else {
        return Ok(None);
    };
    let Ok(audit) = LinearAudit::new(read.weights, read.channels, read.table, seed) else {
        return Ok(None);
    };
    Ok(match audit.verify(read.input, accumulators, output) {
        Ok(()) => Some(None),
        Err(LinearFault::Advice(_)) => None,
        Err(LinearFault::Output { index, right }) => {
            let published = output.get(index).copied().unwrap_or_default();
            Some(Some(WrongElement {
                operation,
                index: index as u64,
                published: published as i8,
                right,
            }))
        }
    })
}

/// Executes the chosen items alone, and compares with their part of the trace: the first wrong
/// element in the order of operations, then of `items`. Costs what a job of so many items costs.
///
/// Items do not mix: item `i` is the `i`-th equal slice of every input and every operation.
pub fn verify_items(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
    items: &[u32],
) -> Result<Option<WrongElement>, AuditError> {
    if items.iter().copied().eq(0..job.batch) {
        return full(model, job);
    }
    job.check(model.plan(), model.parameters())?;
    let Some(execution) = execute_items(model, job.inputs, job.batch, items)? else {
        return Ok(None);
    };
    let right = AuditedJob {
        inputs: &[],
        batch: items.len() as u32,
        trace: &execution.trace,
    };
    first_wrong(model, |operation| {
        let published = job.output(model.plan(), operation);
        let published = published.ok_or(AuditError::WrongLength)?;
        let right = right.output(model.plan(), operation);
        let right = right.ok_or(ExecutionError::TooLarge)?;
        compare_items(operation, items, published, right)
    })
}

/// The same where only the program's outputs were fetched: compares the chosen items' part of
/// them, in the program's order. The element that is named is one of an output; the operation that
/// went wrong first may be an earlier one.
pub fn verify_outputs(
    model: &LoadedModel<'_>,
    inputs: &[&[u8]],
    batch: u32,
    outputs: &[&[u8]],
    items: &[u32],
) -> Result<Option<WrongElement>, AuditError> {
    let plan = model.plan();
    plan.check_tensors(model.parameters(), inputs, batch)?;
    let named = plan.program().outputs.iter().zip(outputs);
    let fits = |(operation, bytes): (&u16, &&[u8])| {
        let length = plan.tensor_bytes(TensorRef::Operation(*operation), batch);
        length.is_some() && u64::try_from(bytes.len()).ok() == length
    };
    if plan.program().outputs.len() != outputs.len() || !named.clone().all(fits) {
        return Err(AuditError::WrongLength);
    }
    let Some(execution) = execute_items(model, inputs, batch, items)? else {
        return Ok(None);
    };
    for ((operation, published), right) in named.zip(&execution.outputs) {
        let wrong = compare_items(*operation, items, published, right)?;
        if wrong.is_some() {
            return Ok(wrong);
        }
    }
    Ok(None)
}

/// A job of the chosen items, or `None` where none was chosen.
fn execute_items(
    model: &LoadedModel<'_>,
    inputs: &[&[u8]],
    batch: u32,
    items: &[u32],
) -> Result<Option<Execution>, AuditError> {
    if let Some(item) = items.iter().find(|item| **item >= batch) {
        return Err(AuditError::ItemOutOfRange(*item));
    }
    let count = u32::try_from(items.len()).map_err(|_| ExecutionError::BatchOutOfRange)?;
    if count == 0 {
        return Ok(None);
    }
    let gather = |input: &&[u8]| -> Vec<u8> {
        let slice = |item: &u32| slice_of(input, *item, input.len() / batch as usize);
        items.iter().flat_map(slice).copied().collect()
    };
    let chosen: Vec<Vec<u8>> = inputs.iter().map(gather).collect();
    let chosen: Vec<&[u8]> = chosen.iter().map(Vec::as_slice).collect();
    Ok(Some(model.execute(&chosen, count)?))
}

/// The part of a batched tensor that belongs to an item, which is in the batch.
fn slice_of(tensor: &[u8], item: u32, item_bytes: usize) -> &[u8] {
    let rest = tensor.get(item as usize * item_bytes..);
    rest.and_then(|rest| rest.get(..item_bytes))
        .unwrap_or_default()
}

fn compare_items(
    operation: u16,
    items: &[u32],
    published: &[u8],
    right: &[u8],
) -> Result<Option<WrongElement>, AuditError> {
    let item_bytes = right.len() / items.len();
    for (item, right) in items.iter().zip(right.chunks_exact(item_bytes)) {
        let published = slice_of(published, *item, item_bytes);
        let start = u64::from(*item) * item_bytes as u64;
        let wrong = difference(operation, start, published, right);
        if wrong.is_some() {
            return Ok(wrong);
        }
    }
    Ok(None)
}

/// The first difference of two tensors, whose first element has the index `start`.
fn difference(operation: u16, start: u64, published: &[u8], right: &[u8]) -> Option<WrongElement> {
    if published == right {
        return None;
    }
    let mut pairs = (start..).zip(published.iter().zip(right));
    let (index, (published, right)) = pairs.find(|(_, (a, b))| a != b)?;
    Some(WrongElement {
        operation,
        index,
        published: *published as i8,
        right: *right as i8,
    })
}

#[cfg(test)]
mod tests;
