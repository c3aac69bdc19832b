//! Sampled audits: the drawn items executed again, or the drawn elements by the definition.
//!
//! Whatever was drawn lies in the drawn items, so executing these finds all that their elements
//! show, for less: no element needs a proof of its own. The elements are looked at one by one where
//! the items can't be executed, and where something is wrong: the pass before answers for its own.

use super::{
    choosing::{item_spans, SampledForm},
    gathering::{Gathering, Source, Whole, AT_ONCE},
    receipts,
    slices::{requests, Kept},
    AuditError, Brief, Fraud, Ruling, Subject,
};
use futures::future::join_all;
use mizan_engine::{
    audit::{full, AuditedJob},
    CpuExecutor,
};
use mizan_tensor::{
    item_spans as spans_of_item, Accusation, BlobRef, BlobSpan, Finding, Plan, Request, TensorRef,
};
use std::collections::BTreeSet;
use tracing::{error, info};

/// What is known of an audit from earlier attempts.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Bytes, with their proofs.
    pub kept: Kept,
    /// Elements that the referee found right.
    pub right: BTreeSet<(u16, u64)>,
}

/// An item's part of an output: in the output's own blob and in the trace.
pub struct OutputSpans {
    /// The output, by its place in the program's list.
    pub output: u16,
    /// In its own blob.
    pub own: BlobSpan,
    /// In the trace.
    pub traced: BlobSpan,
}

/// An item's part of each output.
pub fn output_spans(subject: &Subject, item: u32) -> Result<Vec<OutputSpans>, AuditError> {
    let spans = subject.outputs().map(|(output, operation)| {
        let length = subject
            .plan
            .tensor_bytes(TensorRef::Operation(operation), 1)?;
        let start = length.checked_mul(item.into())?;
        let offset = subject.plan.trace_offset(operation, subject.batch)?;
        let span = |blob, start| BlobSpan {
            blob,
            start,
            length,
        };
        Some(OutputSpans {
            output,
            own: span(BlobRef::Output(output), start),
            traced: span(BlobRef::Trace, offset.checked_add(start)?),
        })
    });
    let spans: Option<Vec<_>> = spans.collect();
    spans.ok_or_else(|| AuditError::impossible("the program has no such output"))
}

/// What a look at the drawn items as a whole came to.
enum Look {
    /// All of them are right.
    Right,
    /// An output is not what the trace says.
    Output(Fraud),
    /// This element is the first one that is wrong.
    Wrong(u16, u64),
    /// They were not executed: that is not wanted, or not all of it can be had.
    None,
}

/// Checks what the seeds of a sampled audit say.
pub async fn check<S: Source>(
    brief: &Brief,
    source: &S,
    known: &mut Known,
    form: &SampledForm,
    executor: &CpuExecutor,
) -> Result<Ruling, AuditError> {
    let Known { kept, right } = known;
    let mut gathering = Gathering::new(&brief.subject, source, kept);
    let spans = item_spans(brief)?;
    gathering.keep(&spans).await?;
    let lacking = requests(gathering.kept.lacking(&spans));
    let executes = form.executes && lacking.is_empty();
    let look = look(brief, &gathering, executes, executor).await?;
    if matches!(look, Look::Right) {
        return pass(brief, gathering.kept);
    }
    let mut missing = match check_elements(brief, &gathering, right).await? {
        Ok(missing) => missing,
        Err(fraud) => return Ok(Ruling::Fraud(fraud)),
    };
    if let Look::Output(fraud) = look {
        return Ok(Ruling::Fraud(fraud));
    }
    missing.extend(lacking);
    if !missing.is_empty() {
        return without(&gathering, missing).await;
    }
    match look {
        Look::Wrong(operation, index) => match prove(&gathering, right, operation, index).await? {
            Some(Ok(fraud)) => Ok(Ruling::Fraud(fraud)),
            Some(Err(request)) => without(&gathering, vec![request]).await,
            None => pass(brief, gathering.kept),
        },
        _ => pass(brief, gathering.kept),
    }
}

/// Compares the drawn items' outputs, and executes them again if that is wanted.
async fn look<S: Source>(
    brief: &Brief,
    gathering: &Gathering<'_, S>,
    executes: bool,
    executor: &CpuExecutor,
) -> Result<Look, AuditError> {
    for item in brief.items()? {
        if let Some(fraud) = compare_outputs(gathering, item).await? {
            return Ok(Look::Output(fraud));
        }
    }
    if !executes {
        return Ok(Look::None);
    }
    let subject = &brief.subject;
    let Some(small) = small_job(brief, gathering).await? else {
        info!(
            job = subject.job,
            "the drawn items are not executed again, for not all parameters can be had"
        );
        return Ok(Look::None);
    };
    let (plan, executor) = (subject.plan.clone(), executor.clone());
    let executed = tokio::task::spawn_blocking(move || small.first_wrong(&plan, &executor));
    Ok(match executed.await.map_err(|_| AuditError::CutOff)?? {
        None => Look::Right,
        Some((operation, index)) => Look::Wrong(operation, index),
    })
}

/// Lets the referee judge every drawn element. Gives demands for those that can't be had, or the
/// first fraud.
async fn check_elements<S: Source>(
    brief: &Brief,
    gathering: &Gathering<'_, S>,
    right: &mut BTreeSet<(u16, u64)>,
) -> Result<Result<Vec<Request>, Fraud>, AuditError> {
    let mut elements = brief.elements()?;
    elements.retain(|element| !right.contains(element));
    let mut missing = Vec::new();
    for some in elements.chunks(AT_ONCE) {
        let gathered = some
            .iter()
            .map(|(operation, index)| gathering.evidence(*operation, *index));
        for (&(operation, index), evidence) in some.iter().zip(join_all(gathered).await) {
            let Some(evidence) = evidence? else {
                missing.push(Request::Element { operation, index });
                continue;
            };
            let accusation = Accusation::Element { operation, index };
            match brief.subject.judge(&accusation, &evidence)? {
                Finding::Right => right.insert((operation, index)),
                Finding::Wrong => {
                    return Ok(Err(Fraud {
                        accusation,
                        evidence,
                    }))
                }
            };
        }
    }
    Ok(Ok(missing))
}

/// Compares an item's part of the outputs with the trace, as far as both are there.
async fn compare_outputs<S: Source>(
    gathering: &Gathering<'_, S>,
    item: u32,
) -> Result<Option<Fraud>, AuditError> {
    let subject = gathering.subject;
    for OutputSpans {
        output,
        own,
        traced,
    } in output_spans(subject, item)?
    {
        let published = gathering.kept.bytes(subject, &own)?;
        let computed = gathering.kept.bytes(subject, &traced)?;
        let (Some(published), Some(computed)) = (published, computed) else {
            continue;
        };
        let differs = (0u64..).zip(published.iter().zip(&computed));
        let differs = differs
            .filter(|(_, (a, b))| a != b)
            .map(|(at, _)| at)
            .next();
        let Some(at) = differs else { continue };
        let byte = |span: BlobSpan| BlobSpan {
            start: span.start.saturating_add(at),
            length: 1,
            ..span
        };
        let evidence = gathering.slices(&[byte(own), byte(traced)]).await?;
        let evidence = evidence.ok_or_else(|| AuditError::impossible("a kept byte is gone"))?;
        let accusation = Accusation::Output {
            output,
            index: own.start.saturating_add(at),
        };
        return proved(subject, accusation, evidence).map(Some);
    }
    Ok(None)
}

/// What was found here, if the chain's referee finds it as well.
fn proved(
    subject: &Subject,
    accusation: Accusation,
    evidence: Vec<u8>,
) -> Result<Fraud, AuditError> {
    match subject.judge(&accusation, &evidence)? {
        Finding::Wrong => Ok(Fraud {
            accusation,
            evidence,
        }),
        Finding::Right => Err(AuditError::impossible("the referee finds it right")),
    }
}

/// Something is missing: perhaps because a blob has another length than it must have.
async fn without<S: Source>(
    gathering: &Gathering<'_, S>,
    missing: Vec<Request>,
) -> Result<Ruling, AuditError> {
    let outputs = gathering.subject.outputs();
    let blobs: Vec<_> = std::iter::once(BlobRef::Trace)
        .chain(outputs.map(|(output, _)| BlobRef::Output(output)))
        .collect();
    for blob in blobs {
        let of_blob = |request: &Request| match request {
            Request::Chunks { blob: of, .. } | Request::Nodes { blob: of, .. } => *of == blob,
            Request::Element { .. } => blob == BlobRef::Trace,
        };
        if missing.iter().any(of_blob) {
            if let Some(fraud) = gathering.wrong_length(blob, None).await? {
                return Ok(Ruling::Fraud(fraud));
            }
        }
    }
    Ok(Ruling::Missing {
        requests: missing,
        may_pass: gathering.may_pass(),
    })
}

/// The receipts of both sets, whose bytes are all kept.
fn pass(brief: &Brief, kept: &Kept) -> Result<Ruling, AuditError> {
    let subject = &brief.subject;
    let receipt_of = |set| {
        let receipt = receipts::of_kept(subject, set, kept)?;
        receipt.ok_or_else(|| AuditError::impossible("a part of a receipt is not kept"))
    };
    let earlier = brief.earlier.iter().filter(|pass| !pass.slashed);
    let mut earlier_is_false = false;
    for pass in earlier {
        earlier_is_false |= receipt_of(&pass.set)? != pass.receipt;
    }
    Ok(Ruling::Pass {
        receipt: receipt_of(&brief.own)?,
        earlier_is_false,
    })
}

/// The drawn items as a job of their own.
struct SmallJob {
    items: Vec<u32>,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
}

impl SmallJob {
    /// The first wrong element, as the whole job counts it.
    fn first_wrong(
        &self,
        plan: &Plan,
        executor: &CpuExecutor,
    ) -> Result<Option<(u16, u64)>, AuditError> {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = self.inputs.iter().map(Vec::as_slice).collect();
        let job = AuditedJob {
            inputs: &inputs,
            batch: u32::try_from(self.items.len()).unwrap_or(u32::MAX),
            trace: &self.trace,
        };
        let wrong = full(&executor.load_lazily(plan, &parameters), &job)?;
        let Some(wrong) = wrong else { return Ok(None) };
        let place = place_in_batch(plan, &self.items, wrong.operation, wrong.index);
        let index = place.ok_or_else(|| AuditError::impossible("an element of no item"))?;
        Ok(Some((wrong.operation, index)))
    }
}

/// Proves an element wrong that was computed differently. Gives the fraud, or what to demand to
/// prove it; nothing where the referee finds it right.
async fn prove<S: Source>(
    gathering: &Gathering<'_, S>,
    right: &BTreeSet<(u16, u64)>,
    operation: u16,
    index: u64,
) -> Result<Option<Result<Fraud, Request>>, AuditError> {
    let subject = gathering.subject;
    let evidence = gathering.evidence(operation, index).await?;
    let accusation = Accusation::Element { operation, index };
    let finding = match &evidence {
        // It was opened on demand.
        _ if right.contains(&(operation, index)) => Finding::Right,
        None => return Ok(Some(Err(Request::Element { operation, index }))),
        Some(evidence) => subject.judge(&accusation, evidence)?,
    };
    Ok(match (finding, evidence) {
        (Finding::Wrong, Some(evidence)) => Some(Ok(Fraud {
            accusation,
            evidence,
        })),
        _ => {
            error!(
                job = subject.job,
                "element {index} of operation {operation} was computed differently from the \
                 definition: this machine's hardware is faulty. The execution counts for nothing"
            );
            None
        }
    })
}

/// Where an element of the small job is in the whole one.
fn place_in_batch(plan: &Plan, items: &[u32], operation: u16, index: u64) -> Option<u64> {
    let of_item = plan.tensor_bytes(TensorRef::Operation(operation), 1)?;
    let item = usize::try_from(index.checked_div(of_item)?).ok()?;
    let start = u64::from(*items.get(item)?).checked_mul(of_item)?;
    start.checked_add(index.checked_rem(of_item)?)
}

/// `None` where a parameter can't be had.
async fn small_job<S: Source>(
    brief: &Brief,
    gathering: &Gathering<'_, S>,
) -> Result<Option<SmallJob>, AuditError> {
    let subject = &brief.subject;
    let mut parameters = Vec::new();
    for (_, index) in subject.plan.program().parameters.iter().zip(0u16..) {
        match gathering.whole(BlobRef::Parameter(index)).await? {
            Whole::Bytes(bytes) => parameters.push(bytes),
            Whole::OtherLength(_) | Whole::Missing => return Ok(None),
        }
    }
    let items = brief.items()?;
    let inputs = subject.inputs.len();
    let operations = subject.plan.program().operations.len();
    let mut tensors = vec![Vec::new(); inputs + operations];
    for item in &items {
        let spans = spans_of_item(&subject.plan, subject.batch, *item);
        let spans = spans.ok_or_else(AuditError::no_such_batch)?;
        for (tensor, span) in tensors.iter_mut().zip(&spans) {
            let bytes = gathering.kept.bytes(subject, span)?;
            tensor.extend(bytes.ok_or_else(|| AuditError::impossible("an item is not kept"))?);
        }
    }
    let trace = tensors.split_off(inputs).concat();
    Ok(Some(SmallJob {
        items,
        parameters,
        inputs: tensors,
        trace,
    }))
}

#[cfg(test)]
mod tests;
