use super::*;
use crate::auditing::{
    demanding::learn,
    fixture::{Fixture, SEED},
    DrawnSet,
};
use mizan_tensor::{is_drawn, AuditScope};
use std::sync::atomic::Ordering;

const SAMPLED: AuditScope = AuditScope::Sampled;

/// An element of that operation that is drawn, or that is only in a drawn item.
fn element(fixture: &Fixture, operation: u16, drawn: bool) -> u64 {
    let subject = fixture.subject();
    let brief = fixture.brief(SAMPLED);
    let of_item = subject
        .plan
        .tensor_bytes(TensorRef::Operation(operation), 1)
        .unwrap();
    let item = u64::from(brief.items().unwrap()[1]);
    let is_drawn = |index: &u64| {
        is_drawn(
            &subject.plan,
            subject.batch,
            SAMPLED,
            &SEED,
            operation,
            *index,
        )
    };
    let mut elements = item * of_item..(item + 1) * of_item;
    elements.find(|index| is_drawn(index) == drawn).unwrap()
}

fn accused(fixture: &Fixture, ruling: Ruling) -> Accusation {
    let Ruling::Fraud(fraud) = ruling else {
        panic!("{ruling:?}");
    };
    let finding = fixture.subject().judge(&fraud.accusation, &fraud.evidence);
    assert_eq!(finding.unwrap(), Finding::Wrong);
    fraud.accusation
}

#[tokio::test]
async fn a_right_job_passes_with_the_receipt_of_its_bytes() {
    let fixture = Fixture::new();
    let stream = fixture.exhibit(|exhibits| exhibits.receipt_stream(SAMPLED, &SEED).unwrap());
    let expected = mizan_engine::audit::receipt(&[&stream], &SEED);
    let passed = Ruling::Pass {
        receipt: expected,
        earlier_is_false: false,
    };
    assert_eq!(fixture.check(SAMPLED).await, passed);
}

#[tokio::test]
async fn a_wrong_drawn_element_is_proved_without_executing_anything() {
    for operation in [0, 1] {
        let index = element(&Fixture::new(), operation, true);
        let fixture = Fixture::with_wrong_element(operation, index);
        let brief = fixture.brief(SAMPLED);
        let mut known = Known::default();
        let ruling = fixture.try_to_check(&brief, &mut known, false);
        let accusation = Accusation::Element { operation, index };
        assert_eq!(accused(&fixture, ruling.await.unwrap()), accusation);
    }
}

#[tokio::test]
async fn a_wrong_element_of_a_drawn_item_is_found_by_executing_it() {
    for operation in [0, 1] {
        let index = element(&Fixture::new(), operation, false);
        let fixture = Fixture::with_wrong_element(operation, index);
        let brief = fixture.brief(SAMPLED);
        let mut known = Known::default();
        let blind = fixture.try_to_check(&brief, &mut known, false);
        let accusation = Accusation::Element { operation, index };
        assert!(matches!(blind.await.unwrap(), Ruling::Pass { .. }));
        assert_eq!(accused(&fixture, fixture.check(SAMPLED).await), accusation);
    }
}

#[tokio::test]
async fn executed_items_need_no_proof_of_each_element() {
    let asked = async |executes| {
        let fixture = Fixture::new();
        let brief = fixture.brief(SAMPLED);
        let mut known = Known::default();
        let ruling = fixture.try_to_check(&brief, &mut known, executes).await;
        assert!(matches!(ruling, Ok(Ruling::Pass { .. })), "{ruling:?}");
        (
            known.right.len(),
            fixture.source.asked.load(Ordering::Relaxed),
        )
    };
    let ((none, executing), (all, blind)) = (asked(true).await, asked(false).await);
    assert_eq!((none, all), (0, 16));
    assert!(executing < blind, "{executing} and {blind}");
}

#[tokio::test]
async fn without_parameters_items_are_not_executed_and_elements_can_not_be_told() {
    let mut fixture = Fixture::new();
    let weights = fixture.subject().plan.program().parameters[0].hash;
    fixture.source.remove(weights);
    let Ruling::Missing { requests, may_pass } = fixture.check(SAMPLED).await else {
        panic!("the weights are missing");
    };
    assert!(!may_pass);
    // The elements of the linear operation, and nothing else.
    assert_eq!(requests.len(), 8);
    let linear = |request: &Request| matches!(request, Request::Element { operation: 0, .. });
    assert!(requests.iter().all(linear));
}

#[tokio::test]
async fn an_output_that_is_not_in_the_trace_is_proved() {
    let index = element(&Fixture::new(), 1, false);
    let fixture = Fixture::with_wrong_output(index);
    let accusation = Accusation::Output { output: 0, index };
    assert_eq!(accused(&fixture, fixture.check(SAMPLED).await), accusation);
}

#[tokio::test]
async fn another_length_is_proved_by_the_last_chunk() {
    let right = Fixture::new().trace.len();
    for length in [0, 1, 1_024, right - 1, right + 1, 2 * right] {
        let fixture = Fixture::with_trace_of(length);
        let accusation = Accusation::Length {
            blob: BlobRef::Trace,
            length: length as u64,
        };
        assert_eq!(accused(&fixture, fixture.check(SAMPLED).await), accusation);
    }
}

#[tokio::test]
async fn what_nobody_has_is_demanded_and_the_answers_are_enough() {
    let mut fixture = Fixture::new();
    fixture.source.may_pass = true;
    let trace = fixture.subject().trace;
    fixture.source.remove(trace);
    let mut known = Known::default();
    let brief = fixture.brief(SAMPLED);
    let ruling = fixture.check_again(&brief, &mut known).await;
    let Ruling::Missing { requests, may_pass } = ruling else {
        panic!("the trace is missing");
    };
    assert!(may_pass);
    let elements = |request: &&Request| matches!(request, Request::Element { .. });
    assert_eq!(requests.iter().filter(elements).count(), 16);
    for request in requests {
        let answer = fixture.exhibit(|exhibits| exhibits.answer(&request).unwrap());
        assert!(learn(&mut known, fixture.subject(), &request, answer).unwrap());
    }
    let ruling = fixture.check_again(&brief, &mut known).await;
    let right = Fixture::new().check(SAMPLED).await;
    assert_eq!(ruling, right);
}

#[tokio::test]
async fn a_source_that_lies_has_nothing() {
    let mut fixture = Fixture::new();
    fixture.source.lies = true;
    let ruling = fixture.check(SAMPLED).await;
    assert!(matches!(ruling, Ruling::Missing { .. }), "{ruling:?}");
}

#[tokio::test]
async fn nothing_is_asked_for_twice() {
    let fixture = Fixture::new();
    let brief = fixture.brief(SAMPLED);
    let mut known = Known::default();
    fixture
        .try_to_check(&brief, &mut known, false)
        .await
        .unwrap();
    let asked = fixture.source.asked.load(Ordering::Relaxed);
    assert!(asked > 0);
    fixture
        .try_to_check(&brief, &mut known, false)
        .await
        .unwrap();
    assert_eq!(fixture.source.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn a_further_auditor_finds_a_false_receipt_and_believes_a_right_one() {
    let fixture = Fixture::new();
    for scope in [SAMPLED, AuditScope::Full] {
        let set = DrawnSet {
            scope,
            seed: [8; 32],
        };
        let stream = fixture.exhibit(|exhibits| exhibits.receipt_stream(scope, &set.seed));
        let right = mizan_engine::audit::receipt(&[&stream.unwrap()], &set.seed);
        for (receipt, is_false) in [(right, false), ([1; 32], true)] {
            let brief = fixture.further(scope, receipt);
            let ruling = fixture.check_again(&brief, &mut Known::default()).await;
            let Ruling::Pass {
                receipt,
                earlier_is_false,
            } = ruling
            else {
                panic!("the job is right");
            };
            assert_eq!(earlier_is_false, is_false);
            // Its own receipt is of its own draw alone.
            let alone = fixture.check(SAMPLED).await;
            assert!(matches!(alone, Ruling::Pass { receipt: own, .. } if own == receipt));
        }
    }
}

#[tokio::test]
async fn of_many_wrong_elements_one_is_proved_for_which_the_pass_before_answers() {
    let fixture = Fixture::with_wrong_operation();
    for own in [SAMPLED, AuditScope::Full] {
        let mut brief = fixture.further(SAMPLED, [1; 32]);
        brief.own.scope = own;
        let answers = brief.earlier_elements().unwrap();
        let ruling = fixture.check_again(&brief, &mut Known::default()).await;
        let Accusation::Element { operation, index } = accused(&fixture, ruling) else {
            panic!("an element is wrong");
        };
        assert!(answers.contains(&(operation, index)));
        // Whoever lost its lock has nothing to answer with.
        if let Some(earlier) = &mut brief.earlier {
            earlier.slashed = true;
        }
        assert!(brief.earlier_elements().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_further_auditor_finds_what_only_the_pass_before_had_to_see() {
    let right = Fixture::new();
    let further = right.further(SAMPLED, [1; 32]);
    let own = right.brief(SAMPLED).items().unwrap();
    let others = further.elements().unwrap().into_iter();
    let of_item = right
        .subject()
        .plan
        .tensor_bytes(TensorRef::Operation(0), 1)
        .unwrap();
    let mut others = others.filter(|(_, index)| !own.contains(&((index / of_item) as u32)));
    let (operation, index) = others.next().unwrap();
    let fixture = Fixture::with_wrong_element(operation, index);
    let passed = fixture.check(SAMPLED).await;
    assert!(matches!(passed, Ruling::Pass { .. }), "{passed:?}");
    let brief = fixture.further(SAMPLED, [1; 32]);
    let ruling = fixture.check_again(&brief, &mut Known::default()).await;
    let accusation = Accusation::Element { operation, index };
    assert_eq!(accused(&fixture, ruling), accusation);
}
