use super::*;
use crate::auditing::{
    demanding::learn,
    fixture::{Fixture, SEED},
};
use mizan_tensor::{AuditScope, BlobRef};

const FULL: AuditScope = AuditScope::Full;

fn accused(fixture: &Fixture, ruling: Ruling) -> Accusation {
    let Ruling::Fraud(fraud) = ruling else {
        panic!("{ruling:?}");
    };
    let finding = fixture.subject().judge(&fraud.accusation, &fraud.evidence);
    assert_eq!(finding.unwrap(), Finding::Wrong);
    fraud.accusation
}

#[tokio::test]
async fn a_right_job_passes_with_the_receipt_of_all_its_bytes() {
    let fixture = Fixture::new();
    let stream = fixture.exhibit(|exhibits| exhibits.receipt_stream(FULL, &SEED).unwrap());
    let passed = Ruling::Pass {
        receipt: audit::receipt(&[&stream], &SEED),
        earlier_is_false: false,
    };
    assert_eq!(fixture.check(FULL).await, passed);
}

#[tokio::test]
async fn any_wrong_element_is_proved() {
    for (operation, index) in [(0, 0), (0, 7_777), (1, 11_999)] {
        let fixture = Fixture::with_wrong_element(operation, index);
        let accusation = Accusation::Element { operation, index };
        assert_eq!(accused(&fixture, fixture.check(FULL).await), accusation);
    }
}

#[tokio::test]
async fn any_wrong_output_and_any_other_length_is_proved() {
    let fixture = Fixture::with_wrong_output(4_321);
    let accusation = Accusation::Output {
        output: 0,
        index: 4_321,
    };
    assert_eq!(accused(&fixture, fixture.check(FULL).await), accusation);
    let right = Fixture::new().trace.len();
    for length in [0, right - 1_024, right + 1_024] {
        let fixture = Fixture::with_trace_of(length);
        let accusation = Accusation::Length {
            blob: BlobRef::Trace,
            length: length as u64,
        };
        assert_eq!(accused(&fixture, fixture.check(FULL).await), accusation);
    }
}

#[tokio::test]
async fn a_missing_blob_is_demanded_chunk_by_chunk_and_put_together() {
    let mut fixture = Fixture::new();
    let input = fixture.subject().inputs[0];
    fixture.source.remove(input);
    let (brief, mut known) = (fixture.brief(FULL), Known::default());
    let ruling = fixture.check_again(&brief, &mut known).await;
    let Ruling::Missing { requests, .. } = ruling else {
        panic!("the input is missing");
    };
    // 12,000 bytes are 12 chunks.
    assert_eq!(requests.len(), 2);
    for request in requests {
        let answer = fixture.exhibit(|exhibits| exhibits.answer(&request).unwrap());
        assert!(learn(&mut known, fixture.subject(), &request, answer).unwrap());
    }
    let ruling = fixture.check_again(&brief, &mut known).await;
    assert!(matches!(ruling, Ruling::Pass { .. }), "{ruling:?}");
}

/// Accumulators as a worker may give them.
struct Given(Vec<Option<Vec<i32>>>);

impl AdviceSource for Given {
    async fn advice(&self, _subject: &Subject) -> Option<Advice> {
        Some(Advice {
            accumulators: self.0.clone(),
            memory: None,
        })
    }
}

/// What a full audit comes to with such advice, on a machine for which advice is worth it.
async fn advised(fixture: &Fixture, advice: Vec<Option<Vec<i32>>>) -> Checked {
    let machine = Machine {
        macs_per_second: 100_000,
        bytes_per_second: 1 << 30,
    };
    let (brief, mut known) = (fixture.brief(FULL), Known::default());
    let executor = CpuExecutor::new();
    let (source, advice) = (&fixture.source, Given(advice));
    let ruled = check(&brief, source, &mut known, &machine, &executor, &advice);
    ruled.await.unwrap()
}

#[tokio::test]
async fn bad_or_missing_advice_convicts_nobody_and_hides_nothing() {
    let right = Fixture::new();
    let good = right.accumulators();
    let mut bad = good.clone();
    bad[0].as_mut().unwrap()[100] += 1;
    let wrong = Fixture::with_wrong_element(0, 100);
    let accusation = Accusation::Element {
        operation: 0,
        index: 100,
    };
    let (used, executed) = (Some(FullForm::Advice), Some(FullForm::Execute));
    for (advice, form) in [
        (good, used),
        (bad, used),
        (vec![Some(vec![1]); 2], used),
        (vec![None, None], executed),
        (Vec::new(), executed),
    ] {
        let checked = advised(&right, advice.clone()).await;
        assert!(matches!(checked.ruling, Ruling::Pass { .. }), "{checked:?}");
        assert_eq!(checked.form, form);
        let checked = advised(&wrong, advice).await;
        assert_eq!(checked.form, form);
        assert_eq!(accused(&wrong, checked.ruling), accusation);
    }
}

#[tokio::test]
async fn what_can_not_be_had_is_checked_in_no_form() {
    let mut fixture = Fixture::new();
    fixture.source.clear();
    let checked = advised(&fixture, Vec::new()).await;
    assert!(matches!(checked.ruling, Ruling::Missing { .. }));
    assert_eq!(checked.form, None);
}
