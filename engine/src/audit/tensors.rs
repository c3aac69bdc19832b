//! The tensors of a job that is audited.

use super::AuditError;
use mizan_tensor::{
    item_spans, receipt_spans, AuditScope, BlobRef, BlobSpan, Hash, Plan, Source, Span, TensorRef,
};

/// What a worker was given and what it published.
#[derive(Clone, Copy, Debug)]
pub struct AuditedJob<'a> {
    /// The inputs, in the program's order.
    pub inputs: &'a [&'a [u8]],
    /// Number of items.
    pub batch: u32,
    /// The published trace.
    pub trace: &'a [u8],
}

impl<'a> AuditedJob<'a> {
    /// Checks every length.
    pub(super) fn check(&self, plan: &Plan, parameters: &[&[u8]]) -> Result<(), AuditError> {
        plan.check_tensors(parameters, self.inputs, self.batch)?;
        let length = u64::try_from(self.trace.len()).ok();
        let fits = length.is_some() && length == plan.trace_bytes(self.batch);
        fits.then_some(()).ok_or(AuditError::WrongLength)
    }

    /// What was published of an operation.
    pub(super) fn output(&self, plan: &Plan, operation: u16) -> Option<&'a [u8]> {
        let start = usize::try_from(plan.trace_offset(operation, self.batch)?).ok()?;
        let length = plan.tensor_bytes(TensorRef::Operation(operation), self.batch)?;
        let length = usize::try_from(length).ok()?;
        self.trace.get(start..)?.get(..length)
    }
}

/// All tensors of a job in memory, for [`Plan::element`].
#[derive(Clone, Copy, Debug)]
pub struct Tensors<'a> {
    /// The program.
    pub plan: &'a Plan,
    /// Its parameters.
    pub parameters: &'a [&'a [u8]],
    /// The job.
    pub job: AuditedJob<'a>,
}

impl<'a> Tensors<'a> {
    /// What belongs to the chosen items, item after item: their part of each input, then of each
    /// operation. What is missing is left out.
    pub fn slices(&self, items: &[u32]) -> Vec<&'a [u8]> {
        let spans = items
            .iter()
            .filter_map(|item| item_spans(self.plan, self.job.batch, *item));
        let spans = spans.flatten();
        spans.filter_map(|span| self.part(&span)).collect()
    }

    /// The parts of the stream over which an auditor of that scope and seed makes its receipt.
    /// `None` where a tensor is missing or too short, or the program allows no such batch.
    pub fn receipt_stream(&self, scope: AuditScope, seed: &Hash) -> Option<Vec<&'a [u8]>> {
        let spans = receipt_spans(self.plan, self.job.batch, scope, seed)?;
        spans.iter().map(|span| self.part(span)).collect()
    }

    /// Bytes of an input, a parameter or the trace.
    fn part(&self, span: &BlobSpan) -> Option<&'a [u8]> {
        let blob = match span.blob {
            BlobRef::Input(index) => *self.job.inputs.get(usize::from(index))?,
            BlobRef::Parameter(index) => *self.parameters.get(usize::from(index))?,
            BlobRef::Trace => self.job.trace,
            BlobRef::Output(_) => return None,
        };
        let start = usize::try_from(span.start).ok()?;
        blob.get(start..)?.get(..usize::try_from(span.length).ok()?)
    }
}

/// A tensor does not have the bytes that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is missing or too short")]
pub struct Missing(pub TensorRef);

impl Source for Tensors<'_> {
    type Error = Missing;

    fn bytes(&self, span: Span) -> Result<&[u8], Missing> {
        let tensor = match span.tensor {
            TensorRef::Input(index) => self.job.inputs.get(usize::from(index)).copied(),
            TensorRef::Parameter(index) => self.parameters.get(usize::from(index)).copied(),
            TensorRef::Operation(index) => self.job.output(self.plan, index),
        };
        let end = span.start.checked_add(span.length.into());
        let range = usize::try_from(span.start)
            .ok()
            .zip(end.and_then(|end| usize::try_from(end).ok()));
        range
            .and_then(|(start, end)| tensor?.get(start..end))
            .ok_or(Missing(span.tensor))
    }
}

#[cfg(test)]
mod tests;
