//! Full audits of jobs that are larger than the memory for audits.
//!
//! Every operation is checked on the published trace, so it needs nothing but its own parameters
//! and operands; and items do not mix, so it is checked some items at a time. In memory are the
//! parameters of one operation, as they are and as they are multiplied, and some items of its
//! operands and its output. All blobs lie on the disk, each checked against its hash when it is
//! opened.
//!
//! The ruling is that of [`super::full`], and so is the receipt. Advice is not taken: it is four
//! times as large as what it is about.

mod operation;
mod stored;

pub(super) use stored::unreadable;
pub use stored::{stream, Stored};

use super::{
    choosing::FullForm,
    full::{of_element, Checked},
    gathering::{Gathering, Source},
    holding::{hold, Held, Holding},
    sampled::Known,
    AuditError, Brief, DrawnSet, Fraud, Ruling, Subject,
};
use mizan_client::Hash;
use mizan_engine::{
    audit::{self, ReceiptHasher, WrongElement},
    CpuExecutor,
};
use mizan_tensor::{
    receipt_spans, Accusation, BlobRef, BlobSpan, Draw, Finding, Plan, Span, TensorRef,
};
use operation::{Alone, Part};
use stored::Opened;
use tracing::info;

/// As much is read at once where bytes are hashed or compared.
pub(super) const PIECE_BYTES: u64 = 1 << 20;

/// Memory that a check in parts takes: half of what there is, so that sampled audits go on beside
/// it, if that is enough for an item of every operation.
pub fn bytes_in_parts(plan: &Plan, memory: u64) -> u64 {
    (memory / 2).max(least_bytes(plan))
}

/// Memory without which no check in parts can be made: that of one item of the largest operation.
fn least_bytes(plan: &Plan) -> u64 {
    let operations = plan.program().operations.iter().zip(0u16..);
    let parts = operations.filter_map(|(_, index)| Part::of(plan, index));
    let needed = parts.map(|part| part.fixed_bytes.saturating_add(part.item_bytes));
    needed.max().unwrap_or_default().max(2 * PIECE_BYTES)
}

/// Checks a whole job in about so many bytes of memory, at least those of one item.
pub async fn check<S: Source>(
    brief: &Brief,
    source: &S,
    known: &mut Known,
    executor: &CpuExecutor,
    bytes: u64,
) -> Result<Checked, AuditError> {
    let subject = &brief.subject;
    let gathering = Gathering::new(subject, source, &mut known.kept);
    let held = match hold(&gathering, |blob| gathering.stored(blob)).await? {
        Holding::Whole(held) => held,
        Holding::Not(ruling) => return Ok(ruling.into()),
    };
    info!(
        job = subject.job,
        bytes, "the job is checked in parts, for memory is short"
    );
    let job = Job {
        held,
        brief: brief.clone(),
        // What is packed is used once only.
        executor: executor.clone().cache_bytes(0),
        bytes,
    };
    let looked = tokio::task::spawn_blocking(move || job.look());
    let ruling = match looked.await.map_err(|_| AuditError::CutOff)?? {
        Look::Pass(ruling) => ruling,
        Look::Wrong(accusation) => prove(&gathering, accusation).await?,
    };
    Ok(Checked {
        ruling,
        form: Some(FullForm::Execute),
    })
}

/// The proof, if the chain's referee convicts by it.
async fn prove<S: Source>(
    gathering: &Gathering<'_, S>,
    accusation: Accusation,
) -> Result<Ruling, AuditError> {
    let subject = gathering.subject;
    let spans = match accusation {
        Accusation::Element { operation, index } => {
            subject.referee()?.element_evidence(operation, index)?
        }
        Accusation::Output { output, index } => output_byte(subject, output, index)?,
        Accusation::Length { .. } => return Err(AuditError::impossible("lengths were right")),
    };
    let evidence = gathering.slices(&spans).await?;
    let evidence = evidence.ok_or(AuditError::NotYet(1))?;
    match subject.judge(&accusation, &evidence)? {
        Finding::Wrong => Ok(Ruling::Fraud(Fraud {
            accusation,
            evidence,
        })),
        Finding::Right => Err(AuditError::right_after_all(&accusation)),
    }
}

/// A byte of an output, in the output's own blob and in the trace.
fn output_byte(subject: &Subject, output: u16, index: u64) -> Result<Vec<BlobSpan>, AuditError> {
    let (_, operation) = subject
        .outputs()
        .find(|(own, _)| *own == output)
        .ok_or_else(AuditError::no_such_batch)?;
    let traced = subject.plan.trace_offset(operation, subject.batch);
    let traced = traced.ok_or_else(AuditError::no_such_batch)?;
    let byte = |blob, start| BlobSpan {
        blob,
        start,
        length: 1,
    };
    Ok(vec![
        byte(BlobRef::Output(output), index),
        byte(BlobRef::Trace, traced.saturating_add(index)),
    ])
}

/// What a look at all of it came to.
enum Look {
    Pass(Ruling),
    Wrong(Accusation),
}

/// A job whose blobs lie on the disk.
struct Job {
    held: Held<Stored>,
    brief: Brief,
    executor: CpuExecutor,
    bytes: u64,
}

impl Job {
    fn look(&self) -> Result<Look, AuditError> {
        if let Some(accusation) = self.fault()? {
            return Ok(Look::Wrong(accusation));
        }
        let earlier = self.brief.earlier.iter().filter(|pass| !pass.slashed);
        let mut earlier_is_false = false;
        for pass in earlier {
            earlier_is_false |= self.receipt(&pass.set)? != pass.receipt;
        }
        Ok(Look::Pass(Ruling::Pass {
            receipt: self.receipt(&self.brief.own)?,
            earlier_is_false,
        }))
    }

    /// What is wrong, if anything, in the order of a check without parts.
    fn fault(&self) -> Result<Option<Accusation>, AuditError> {
        for (operation, index) in self.brief.earlier_elements()? {
            if let Some(wrong) = self.check_element(operation, index)? {
                return Ok(Some(of_element(&wrong)));
            }
        }
        for (output, operation) in self.brief.subject.outputs() {
            if let Some(index) = self.compare_output(output, operation)? {
                return Ok(Some(Accusation::Output { output, index }));
            }
        }
        let operations = self.plan().program().operations.iter().zip(0u16..);
        for (_, operation) in operations {
            if let Some(wrong) = self.first_wrong(operation)? {
                return Ok(Some(of_element(&wrong)));
            }
        }
        Ok(None)
    }

    fn plan(&self) -> &Plan {
        &self.brief.subject.plan
    }

    fn batch(&self) -> u32 {
        self.brief.subject.batch
    }

    /// An element by its definition.
    fn check_element(
        &self,
        operation: u16,
        index: u64,
    ) -> Result<Option<WrongElement>, AuditError> {
        let spans = self.plan().spans(operation, index, self.batch());
        let mut spans = spans.ok_or_else(|| AuditError::impossible("an element of no item"))?;
        spans.push(Span {
            tensor: TensorRef::Operation(operation),
            start: index,
            length: 1,
        });
        let mut opened = Opened::default();
        for span in spans {
            opened.add(
                span,
                self.tensor(span.tensor, span.start, span.length.into())?,
            );
        }
        let draw = Draw {
            items: Vec::new(),
            elements: vec![(operation, index)],
        };
        let wrong = audit::check_elements(self.plan(), self.batch(), &opened, &draw);
        wrong.map_err(|_| AuditError::impossible("an element can't be computed"))
    }

    /// The first byte of an output that is not that of the trace.
    fn compare_output(&self, output: u16, operation: u16) -> Result<Option<u64>, AuditError> {
        let own = self.held.outputs.get(usize::from(output));
        let own = own.ok_or_else(AuditError::no_such_batch)?;
        let tensor = TensorRef::Operation(operation);
        let length = self.plan().tensor_bytes(tensor, self.batch());
        let length = length.ok_or_else(AuditError::no_such_batch)?;
        let mut start = 0;
        while start < length {
            let count = PIECE_BYTES.min(length - start);
            let (published, traced) = (own.read(start, count)?, self.tensor(tensor, start, count)?);
            let differs = published.iter().zip(&traced).position(|(a, b)| a != b);
            if let Some(at) = differs {
                return Ok(Some(start + at as u64));
            }
            start += count;
        }
        Ok(None)
    }

    /// The first wrong element of an operation, as the whole job counts it.
    fn first_wrong(&self, operation: u16) -> Result<Option<WrongElement>, AuditError> {
        let alone = Alone::new(self.plan(), operation)?;
        let items = alone.part.items(self.bytes);
        let parameters = alone.parameters.iter().map(|index| {
            let stored = self.held.parameters.get(usize::from(*index));
            let stored = stored.ok_or_else(AuditError::no_such_batch)?;
            stored.read(0, stored.length()?)
        });
        let parameters: Vec<_> = parameters.collect::<Result<_, _>>()?;
        let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        let mut first = 0;
        while first < self.batch() {
            let count = items.min(self.batch() - first);
            let of_items = |tensor: TensorRef| {
                let item = self.plan().tensor_bytes(tensor, 1).unwrap_or_default();
                self.tensor(tensor, item * u64::from(first), item * u64::from(count))
            };
            let operands = alone.operands.iter().map(|tensor| of_items(*tensor));
            let operands: Vec<_> = operands.collect::<Result<_, _>>()?;
            let published = of_items(TensorRef::Operation(operation))?;
            let wrong =
                alone.first_wrong(&self.executor, &parameters, &operands, count, &published)?;
            if let Some(wrong) = wrong {
                let of_item = published.len() as u64 / u64::from(count);
                return Ok(Some(WrongElement {
                    operation,
                    index: of_item * u64::from(first) + wrong.index,
                    ..wrong
                }));
            }
            first += count;
        }
        Ok(None)
    }

    /// Bytes of a tensor.
    fn tensor(&self, tensor: TensorRef, start: u64, length: u64) -> Result<Vec<u8>, AuditError> {
        let (blob, start) = match tensor {
            TensorRef::Input(index) => (BlobRef::Input(index), start),
            TensorRef::Parameter(index) => (BlobRef::Parameter(index), start),
            TensorRef::Operation(index) => {
                let offset = self.plan().trace_offset(index, self.batch());
                let offset = offset.ok_or_else(AuditError::no_such_batch)?;
                (BlobRef::Trace, offset.saturating_add(start))
            }
        };
        self.blob(blob)?.read(start, length)
    }

    fn blob(&self, blob: BlobRef) -> Result<&Stored, AuditError> {
        let found = match blob {
            BlobRef::Input(index) => self.held.inputs.get(usize::from(index)),
            BlobRef::Parameter(index) => self.held.parameters.get(usize::from(index)),
            BlobRef::Output(index) => self.held.outputs.get(usize::from(index)),
            BlobRef::Trace => Some(&self.held.trace),
        };
        found.ok_or_else(AuditError::no_such_batch)
    }

    /// The receipt of a set of either scope.
    fn receipt(&self, set: &DrawnSet) -> Result<Hash, AuditError> {
        let spans = receipt_spans(self.plan(), self.batch(), set.scope, &set.seed);
        let mut hasher = ReceiptHasher::new(&set.seed);
        for span in spans.ok_or_else(AuditError::no_such_batch)? {
            let stored = self.blob(span.blob)?;
            let mut read = 0;
            while read < span.length {
                let count = PIECE_BYTES.min(span.length - read);
                hasher.update(&stored.read(span.start + read, count)?);
                read += count;
            }
        }
        Ok(hasher.finish())
    }
}

#[cfg(test)]
mod tests;
