//! Single cases of what the referee makes of accusations, bad input first of all.

use super::jobs::{fixed_job, noise, program, Job};
use crate::*;
use codec::{DecodeAll, Encode, MaxEncodedLen};
use Finding::{Right, Wrong};

const FIRST_SUM: Accusation = Accusation::Element {
    operation: 0,
    index: 1_700,
};
const PRODUCT: Accusation = Accusation::Element {
    operation: 1,
    index: 77,
};
const WRONG_HASH: Result<Finding, RefereeError> = Err(RefereeError::Slice(SliceError::WrongHash));
const TRUNCATED: Result<Finding, RefereeError> = Err(RefereeError::Slice(SliceError::Truncated));

/// The job with one byte of one operation's output changed.
fn lying_about(operation: u16, index: usize) -> Job {
    let mut job = fixed_job();
    let offset = job.plan.trace_offset(operation, job.batch).unwrap() as usize;
    job.trace[offset + index] ^= 0x40;
    job.publish();
    job
}

/// Where each opening of evidence about an element ends.
fn cuts(job: &Job, operation: u16, index: u64) -> Vec<usize> {
    let spans = job.plan.spans(operation, index, job.batch).unwrap();
    let mut end = 0;
    spans
        .iter()
        .map(|span| {
            let (total, start) = match span.tensor {
                TensorRef::Operation(o) => (
                    job.trace.len() as u64,
                    job.plan.trace_offset(o, job.batch).unwrap() + span.start,
                ),
                tensor => (
                    job.plan.tensor_bytes(tensor, job.batch).unwrap(),
                    span.start,
                ),
            };
            end += slice_bytes(total, start, span.length.into()).unwrap() as usize;
            end
        })
        .collect()
}

#[test]
fn right_element_is_found_right() {
    let job = fixed_job();
    for what in [FIRST_SUM, PRODUCT] {
        assert_eq!(job.judge(&what, &job.evidence(&what)), Ok(Right));
    }
}

#[test]
fn wrong_element_is_found_wrong() {
    for (what, job) in [
        (FIRST_SUM, lying_about(0, 1_700)),
        (PRODUCT, lying_about(1, 77)),
    ] {
        assert_eq!(job.judge(&what, &job.evidence(&what)), Ok(Wrong));
    }
}

#[test]
fn operand_that_was_attested_wrong_does_not_convict_what_was_computed_from_it() {
    // Operation 2 adds operation 1 to itself, truly, after a lie in operation 1.
    let mut job = lying_about(1, 77);
    let what = Accusation::Element {
        operation: 2,
        index: 77,
    };
    let offset = |o| job.plan.trace_offset(o, job.batch).unwrap() as usize;
    let (from, to) = (offset(1) + 77, offset(2) + 77);
    let twice = i64::from(job.trace[from] as i8) * (3 - 5);
    job.trace[to] = requantise(twice, 1, 2) as u8;
    assert_eq!(job.judge(&what, &job.evidence(&what)), Ok(Right));
    assert_eq!(job.judge(&PRODUCT, &job.evidence(&PRODUCT)), Ok(Wrong));
}

#[test]
fn evidence_of_another_job_is_refused() {
    let job = fixed_job();
    let other = Job::honest(job.plan.program().clone(), job.batch, 12);
    for what in [FIRST_SUM, PRODUCT] {
        assert_eq!(job.judge(&what, &other.evidence(&what)), WRONG_HASH);
    }
    let smaller = Job::honest(job.plan.program().clone(), 2, 11);
    assert_eq!(job.judge(&PRODUCT, &smaller.evidence(&PRODUCT)), WRONG_HASH);
}

#[test]
fn evidence_about_another_operation_or_element_is_refused() {
    let job = lying_about(1, 77);
    let evidence = job.evidence(&PRODUCT);
    let element = |operation, index| Accusation::Element { operation, index };
    assert_eq!(job.judge(&element(0, 77), &evidence), WRONG_HASH);
    assert_eq!(job.judge(&element(3, 77), &evidence), WRONG_HASH);
    // Another column, and another row.
    assert_eq!(job.judge(&element(1, 80), &evidence), WRONG_HASH);
    assert_eq!(job.judge(&element(1, 77 + 130), &evidence), WRONG_HASH);
}

#[test]
fn evidence_that_serves_a_neighbour_judges_the_neighbour() {
    // Both sums lie in the chunks that the evidence opens: it proves either, and truly.
    let job = lying_about(0, 1_700);
    let evidence = job.evidence(&FIRST_SUM);
    let neighbour = Accusation::Element {
        operation: 0,
        index: 1_701,
    };
    assert_eq!(job.judge(&neighbour, &evidence), Ok(Right));
}

#[test]
fn swapped_operands_are_refused() {
    let job = lying_about(0, 1_700);
    let evidence = job.evidence(&FIRST_SUM);
    let cut = cuts(&job, 0, 1_700);
    let swapped = [
        &evidence[cut[0]..cut[1]],
        &evidence[..cut[0]],
        &evidence[cut[1]..],
    ]
    .concat();
    assert_eq!(swapped.len(), evidence.len());
    assert_eq!(job.judge(&FIRST_SUM, &swapped), WRONG_HASH);

    let job = lying_about(1, 77);
    let evidence = job.evidence(&PRODUCT);
    let cut = cuts(&job, 1, 77);
    let swapped = [
        &evidence[cut[0]..cut[1]],
        &evidence[..cut[0]],
        &evidence[cut[1]..],
    ]
    .concat();
    assert_eq!(job.judge(&PRODUCT, &swapped), WRONG_HASH);
}

#[test]
fn empty_and_truncated_evidence_is_refused() {
    let job = lying_about(0, 1_700);
    for what in [
        FIRST_SUM,
        Accusation::Output {
            output: 0,
            index: 5,
        },
    ] {
        let evidence = job.evidence(&what);
        assert_eq!(job.judge(&what, &[]), TRUNCATED);
        for length in 0..evidence.len() {
            assert_eq!(job.judge(&what, &evidence[..length]), TRUNCATED, "{length}");
        }
    }
}

#[test]
fn trailing_bytes_are_refused() {
    let job = lying_about(1, 77);
    let mut evidence = job.evidence(&PRODUCT);
    let refused = Err(RefereeError::TrailingBytes);
    evidence.push(0);
    assert_eq!(job.judge(&PRODUCT, &evidence), refused);
    evidence.resize(MAX_EVIDENCE_BYTES as usize, 0);
    assert_eq!(job.judge(&PRODUCT, &evidence), refused);
}

#[test]
fn maximal_evidence_of_noise_is_refused() {
    let job = lying_about(1, 77);
    let bytes = noise(MAX_EVIDENCE_BYTES as usize, 1);
    assert_eq!(job.judge(&PRODUCT, &bytes), WRONG_HASH);
    for length in [0, 1, u64::MAX] {
        let blob = BlobRef::Trace;
        let what = Accusation::Length { blob, length };
        assert_eq!(job.judge(&what, &bytes), WRONG_HASH);
    }
}

#[test]
fn evidence_with_any_bit_of_any_byte_changed_is_refused() {
    let cases = [
        (FIRST_SUM, lying_about(0, 1_700)),
        (PRODUCT, lying_about(1, 77)),
        (PRODUCT, fixed_job()),
    ];
    for (what, job) in cases {
        let evidence = job.evidence(&what);
        job.with_referee(|referee| {
            let mut changed = evidence.clone();
            for place in 0..evidence.len() {
                changed[place] ^= 1 << (place % 8);
                assert_eq!(referee.judge(&what, &changed), WRONG_HASH, "{place}");
                changed[place] = evidence[place];
            }
        });
    }
}

#[test]
fn longest_reduction_is_judged_within_the_largest_evidence() {
    let job = Job::honest(program(MAX_REDUCTION, &[(2, 3)]), 2, 5);
    let what = Accusation::Element {
        operation: 0,
        index: 4,
    };
    let evidence = job.evidence(&what);
    assert!(evidence.len() > 2 * MAX_REDUCTION as usize);
    assert!(evidence.len() <= MAX_EVIDENCE_BYTES as usize);
    assert_eq!(job.judge(&what, &evidence), Ok(Right));
    let mut liar = job.clone();
    liar.trace[4] = liar.trace[4].wrapping_add(1);
    assert_eq!(liar.judge(&what, &liar.evidence(&what)), Ok(Wrong));
}

#[test]
fn output_that_differs_from_the_trace_is_found_wrong() {
    let mut job = fixed_job();
    job.outputs[1][4_000] ^= 1;
    let at = |index| Accusation::Output { output: 1, index };
    assert_eq!(job.judge(&at(4_000), &job.evidence(&at(4_000))), Ok(Wrong));
    assert_eq!(job.judge(&at(3_999), &job.evidence(&at(3_999))), Ok(Right));
    let exhibit = job.with_exhibits(|exhibits| exhibits.first_fault(&job.trace));
    assert_eq!(exhibit, Some(at(4_000)));
}

#[test]
fn blob_of_another_length_is_found_wrong() {
    let honest = fixed_job();
    let right = honest.trace.clone();
    for change in [-7_000i64, -1_024, -1, 1, 1_024, 5_000] {
        let mut job = honest.clone();
        job.trace.resize((right.len() as i64 + change) as usize, 0);
        let length = job.trace.len() as u64;
        let blob = BlobRef::Trace;
        let what = Accusation::Length { blob, length };
        let found = job.with_exhibits(|exhibits| exhibits.first_fault(&right));
        assert_eq!(found, Some(what));
        assert_eq!(job.judge(&what, &job.evidence(&what)), Ok(Wrong));
        // The blob at hand is no evidence of a third length.
        let length = length + 1;
        let third = Accusation::Length { blob, length };
        assert_eq!(
            job.with_exhibits(|exhibits| exhibits.evidence(&third)),
            None
        );
        // No element of such a trace can be opened.
        assert_eq!(
            job.with_exhibits(|exhibits| exhibits.evidence(&PRODUCT)),
            None
        );
    }
    let mut job = honest.clone();
    job.outputs[1].clear();
    let what = Accusation::Length {
        blob: BlobRef::Output(1),
        length: 0,
    };
    let found = job.with_exhibits(|exhibits| exhibits.first_fault(&right));
    assert_eq!(found, Some(what));
    assert_eq!(job.judge(&what, &[]), Ok(Wrong));
    assert_eq!(honest.judge(&what, &[]), WRONG_HASH);
}

#[test]
fn right_length_and_lengths_that_nobody_attested_are_no_accusation() {
    let job = fixed_job();
    let length = |blob, length| Accusation::Length { blob, length };
    let refused = [
        (
            length(BlobRef::Trace, job.trace.len() as u64),
            RefereeError::LengthIsRight,
        ),
        (length(BlobRef::Input(0), 1), RefereeError::NotCommitted),
        (length(BlobRef::Input(9), 1), RefereeError::NotCommitted),
        (length(BlobRef::Parameter(0), 1), RefereeError::NotCommitted),
        (length(BlobRef::Output(2), 1), RefereeError::NoSuchBlob),
    ];
    for (what, error) in refused {
        assert_eq!(job.judge(&what, &[]), Err(error));
        job.with_referee(|referee| assert_eq!(referee.evidence_bytes(&what), Err(error)));
    }
}

#[test]
fn what_the_job_does_not_have_is_no_accusation() {
    let job = fixed_job();
    let element = |operation, index| Accusation::Element { operation, index };
    let output = |output, index| Accusation::Output { output, index };
    let refused = [
        (element(4, 0), RefereeError::NoSuchOperation),
        (element(1, 3 * 130), RefereeError::NoSuchElement),
        (element(1, u64::MAX), RefereeError::NoSuchElement),
        (output(2, 0), RefereeError::NoSuchBlob),
        (output(0, 3 * 700), RefereeError::NoSuchElement),
        (output(0, u64::MAX), RefereeError::NoSuchElement),
    ];
    for (what, error) in refused {
        if let Accusation::Element { operation, index } = what {
            let listed = job.with_referee(|referee| referee.element_evidence(operation, index));
            assert_eq!(listed, Err(error));
        }
        assert_eq!(job.judge(&what, &[]), Err(error));
        job.with_referee(|referee| assert_eq!(referee.evidence_bytes(&what), Err(error)));
        assert_eq!(job.with_exhibits(|exhibits| exhibits.evidence(&what)), None);
    }
}

#[test]
fn claim_that_does_not_fit_the_program_is_refused() {
    let job = fixed_job();
    let hashes = [[0; 32]; 3];
    let refused = |batch, inputs: usize, outputs: usize| {
        let claim = Claim {
            batch,
            inputs: &hashes[..inputs],
            outputs: &hashes[..outputs],
            trace: &hashes[0],
        };
        Referee::new(&job.plan, claim).err()
    };
    assert_eq!(refused(8, 2, 2), None);
    for (batch, inputs, outputs) in [(0, 2, 2), (9, 2, 2), (1, 1, 2), (1, 3, 2), (1, 2, 1)] {
        assert_eq!(
            refused(batch, inputs, outputs),
            Some(RefereeError::WrongClaim)
        );
    }
}

#[test]
fn blobs_have_the_claimed_hashes_and_the_lengths_of_their_shapes() {
    let job = fixed_job();
    let blobs = [
        (BlobRef::Input(1), &job.inputs[1]),
        (BlobRef::Parameter(2), &job.parameters[2]),
        (BlobRef::Trace, &job.trace),
        (BlobRef::Output(0), &job.outputs[0]),
        (BlobRef::Output(1), &job.outputs[1]),
    ];
    job.with_referee(|referee| {
        for (name, bytes) in blobs {
            let (hash, length) = (hash_bytes(bytes), bytes.len() as u64);
            assert_eq!(referee.blob(name), Ok(Blob { hash, length }));
        }
        for name in [BlobRef::Input(2), BlobRef::Parameter(4), BlobRef::Output(2)] {
            assert_eq!(referee.blob(name), Err(RefereeError::NoSuchBlob));
        }
    });
}

#[test]
fn accusations_and_requests_have_fixed_bytes() {
    let element = FIRST_SUM.encode();
    assert_eq!(element, [0, 0, 0, 0xA4, 6, 0, 0, 0, 0, 0, 0]);
    let length = Accusation::Length {
        blob: BlobRef::Output(3),
        length: 5,
    };
    assert_eq!(length.encode(), [2, 3, 3, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
    let nodes = Request::Nodes {
        blob: BlobRef::Trace,
        level: 9,
        index: 1,
    };
    assert_eq!(nodes.encode(), [1, 2, 9, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Accusation::decode_all(&mut &element[..]), Ok(FIRST_SUM));
    assert_eq!(Request::decode_all(&mut &nodes.encode()[..]), Ok(nodes));
    assert_eq!(Accusation::max_encoded_len(), 12);
    assert_eq!(Request::max_encoded_len(), 13);
}
