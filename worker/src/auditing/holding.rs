//! All blobs of a job, for a check of all of it.

use super::{
    gathering::{Gathering, Source, Whole},
    slices::requests,
    AuditError, Ruling,
};
use mizan_tensor::{BlobRef, BlobSpan, Request};
use std::future::Future;

/// All blobs of a job: their bytes, or where they lie.
#[derive(Debug)]
pub struct Held<T> {
    /// In the program's order, as all others.
    pub parameters: Vec<T>,
    /// The inputs.
    pub inputs: Vec<T>,
    /// The trace.
    pub trace: T,
    /// The outputs.
    pub outputs: Vec<T>,
}

/// What getting them came to.
#[derive(Debug)]
pub enum Holding<T> {
    /// All are there, each with the length that its shape says.
    Whole(Held<T>),
    /// Not all are, which is the ruling.
    Not(Ruling),
}

/// Gets all blobs of a job as `get` gives them: first those whose length may be wrong.
pub async fn hold<S, T, F>(
    gathering: &Gathering<'_, S>,
    get: impl Fn(BlobRef) -> F,
) -> Result<Holding<T>, AuditError>
where
    S: Source,
    F: Future<Output = Result<Whole<T>, AuditError>>,
{
    let subject = gathering.subject;
    let parameters = subject.plan.program().parameters.iter().zip(0u16..);
    let parameters = parameters.map(|(_, index)| BlobRef::Parameter(index));
    let outputs = subject.outputs().map(|(output, _)| BlobRef::Output(output));
    let lists: [Vec<BlobRef>; 4] = [
        vec![BlobRef::Trace],
        outputs.collect(),
        subject.inputs().collect(),
        parameters.collect(),
    ];
    let (mut missing, mut held) = (Vec::new(), Vec::new());
    for list in lists {
        let mut blobs = Vec::new();
        for blob in list {
            let found = match get(blob).await? {
                Whole::Bytes(bytes) => {
                    blobs.push(bytes);
                    continue;
                }
                Whole::OtherLength(length) => Some(length),
                Whole::Missing => None,
            };
            if let Some(fraud) = gathering.wrong_length(blob, found).await? {
                return Ok(Holding::Not(Ruling::Fraud(fraud)));
            }
            missing.extend(all_chunks(gathering, blob)?);
        }
        held.push(blobs);
    }
    let mut next = || held.pop().unwrap_or_default();
    let (parameters, inputs, outputs) = (next(), next(), next());
    match next().pop() {
        Some(trace) if missing.is_empty() => Ok(Holding::Whole(Held {
            parameters,
            inputs,
            trace,
            outputs,
        })),
        _ => Ok(Holding::Not(Ruling::Missing {
            requests: missing,
            may_pass: gathering.may_pass(),
        })),
    }
}

/// Demands for what is not kept of a blob.
fn all_chunks<S: Source>(
    gathering: &Gathering<'_, S>,
    blob: BlobRef,
) -> Result<Vec<Request>, AuditError> {
    let all = BlobSpan {
        blob,
        start: 0,
        length: gathering.subject.blob(blob)?.length,
    };
    Ok(requests(gathering.kept.lacking(&[all])))
}
