//! Receipts: what proves that an auditor had the bytes that it passed.

use super::{
    gathering::{Gathering, Source, Whole},
    parts::{stream, unreadable, PIECE_BYTES},
    slices::Kept,
    AuditError, DrawnSet, Subject,
};
use mizan_blobs::keyed_slice;
use mizan_client::Hash;
use mizan_engine::audit::receipt;
use mizan_tensor::{
    receipt_bytes, receipt_key, receipt_opening, receipt_place, receipt_spans, AuditScope, BlobRef,
    BlobSpan, Finding,
};

/// The receipt of a set, from what is kept; `None` if a part is not.
pub fn of_kept(subject: &Subject, set: &DrawnSet, kept: &Kept) -> Result<Option<Hash>, AuditError> {
    let mut parts = Vec::new();
    for span in spans(subject, set)? {
        match kept.bytes(subject, &span)? {
            Some(bytes) => parts.push(bytes),
            None => return Ok(None),
        }
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(Some(receipt(&parts, &set.seed)))
}

fn spans(subject: &Subject, set: &DrawnSet) -> Result<Vec<BlobSpan>, AuditError> {
    let spans = receipt_spans(&subject.plan, subject.batch, set.scope, &set.seed);
    spans.ok_or_else(AuditError::no_such_batch)
}

/// Opens a receipt at a byte of what it was made of. What is not kept is gathered once more.
pub async fn open<S: Source>(
    gathering: &mut Gathering<'_, S>,
    set: &DrawnSet,
    receipt: &Hash,
    index: u64,
) -> Result<Vec<u8>, AuditError> {
    let subject = gathering.subject;
    let place = receipt_place(&subject.plan, subject.batch, set.scope, &set.seed, index);
    let Some((blob, start)) = place else {
        return Err(AuditError::Lost(format!("it has no byte {index}")));
    };
    let byte = BlobSpan {
        blob,
        start,
        length: 1,
    };
    let mut opening = match set.scope {
        AuditScope::Sampled => of_drawn(gathering, set, index).await?,
        AuditScope::Full => of_all(gathering, set, index).await?,
    };
    let slice = gathering.slice(&byte).await?;
    opening.extend(slice.ok_or_else(|| lost(blob))?);
    let referee = subject.referee()?;
    match referee.check_receipt(set.scope, &set.seed, receipt, index, &opening) {
        Ok(Finding::Right) => Ok(opening),
        Ok(Finding::Wrong) => Err(AuditError::impossible("the receipt has another byte there")),
        Err(error) => Err(AuditError::Lost(format!(
            "it is not the receipt of this job's bytes ({error})"
        ))),
    }
}

/// Memory that opening a receipt takes: the drawn items twice, as slices and as bytes; of a whole
/// job nothing is held.
pub fn opening_bytes(subject: &Subject, set: &DrawnSet) -> u64 {
    match set.scope {
        AuditScope::Full => PIECE_BYTES,
        AuditScope::Sampled => {
            let bytes = receipt_bytes(&subject.plan, subject.batch, set.scope);
            bytes.unwrap_or_default().saturating_mul(2)
        }
    }
}

fn lost(blob: BlobRef) -> AuditError {
    AuditError::Lost(format!("nobody gives {blob:?}"))
}

/// The part of an opening that proves the byte of a receipt of drawn items.
async fn of_drawn<S: Source>(
    gathering: &mut Gathering<'_, S>,
    set: &DrawnSet,
    index: u64,
) -> Result<Vec<u8>, AuditError> {
    let subject = gathering.subject;
    let spans = spans(subject, set)?;
    gathering.keep(&spans).await?;
    let mut stream = Vec::new();
    for span in spans {
        let bytes = gathering.kept.bytes(subject, &span)?;
        stream.extend(bytes.ok_or_else(|| lost(span.blob))?);
    }
    let opening = receipt_opening(&stream, &set.seed, index, &[]);
    opening.ok_or_else(|| AuditError::impossible("a stream without that byte"))
}

/// The same of a receipt of a whole job, which is read from the disk.
async fn of_all<S: Source>(
    gathering: &Gathering<'_, S>,
    set: &DrawnSet,
    index: u64,
) -> Result<Vec<u8>, AuditError> {
    let (mut blobs, mut bytes) = (Vec::new(), 0u64);
    // Each span is a whole blob.
    for span in spans(gathering.subject, set)? {
        match gathering.stored(span.blob).await? {
            Whole::Bytes(stored) => blobs.push(stored),
            Whole::OtherLength(_) | Whole::Missing => return Err(lost(span.blob)),
        }
        bytes = bytes.saturating_add(span.length);
    }
    let key = receipt_key(&set.seed);
    let read = move || keyed_slice(stream(&blobs), bytes, &key, index, 1);
    let opening = tokio::task::spawn_blocking(read).await;
    opening.map_err(|_| AuditError::CutOff)?.map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auditing::{
        fixture::{Fixture, SEED},
        Ruling,
    };

    #[tokio::test]
    async fn any_byte_of_a_receipt_of_either_scope_can_be_opened() {
        for scope in [AuditScope::Sampled, AuditScope::Full] {
            let fixture = Fixture::new();
            let set = DrawnSet { scope, seed: SEED };
            let Ruling::Pass { receipt, .. } = fixture.check(scope).await else {
                panic!("the job is right");
            };
            let mut kept = Kept::default();
            let mut gathering = Gathering::new(fixture.subject(), &fixture.source, &mut kept);
            let Subject { plan, batch, .. } = fixture.subject();
            let length = receipt_bytes(plan, *batch, scope).unwrap();
            for index in [0, 1, 1_500, length / 2, length - 1] {
                open(&mut gathering, &set, &receipt, index).await.unwrap();
            }
            let beyond = open(&mut gathering, &set, &receipt, length).await;
            assert!(matches!(beyond, Err(AuditError::Lost(_))));
            let false_receipt = open(&mut gathering, &set, &[1; 32], 0).await;
            assert!(matches!(false_receipt, Err(AuditError::Lost(_))));
        }
    }

    #[tokio::test]
    async fn what_was_kept_opens_a_receipt_when_nobody_has_the_job_any_more() {
        let mut fixture = Fixture::new();
        let brief = fixture.brief(AuditScope::Sampled);
        let mut known = Default::default();
        let ruling = fixture.check_again(&brief, &mut known).await;
        let Ruling::Pass { receipt, .. } = ruling else {
            panic!("the job is right");
        };
        fixture.source.clear();
        let mut kept = Kept::decode(&known.kept.encode(), fixture.subject()).unwrap();
        let mut gathering = Gathering::new(fixture.subject(), &fixture.source, &mut kept);
        open(&mut gathering, &brief.own, &receipt, 1_234)
            .await
            .unwrap();
        let mut nothing = Kept::default();
        let mut gathering = Gathering::new(fixture.subject(), &fixture.source, &mut nothing);
        let lost = open(&mut gathering, &brief.own, &receipt, 1_234).await;
        assert!(matches!(lost, Err(AuditError::Lost(_))));
    }
}
