//! What must hold for every job: a lie is convicted, the truth never, and nothing panics.

use super::jobs::{any_job, Job};
use crate::*;
use proptest::{collection::vec, prelude::*, sample::Index};
use Finding::{Right, Wrong};

/// An accusation that the job has something for.
fn accusation(job: &Job, kind: u8, a: Index, b: Index) -> Accusation {
    match kind % 3 {
        0 => {
            let output = a.index(job.outputs.len());
            let index = b.index(job.outputs[output].len()) as u64;
            let output = output as u16;
            Accusation::Output { output, index }
        }
        _ => job.element_at(b.index(job.trace.len())),
    }
}

/// Any accusation at all, near what the job has.
fn wild_accusation() -> impl Strategy<Value = Accusation> {
    let blob = prop_oneof![
        (0u16..3).prop_map(BlobRef::Input),
        (0u16..3).prop_map(BlobRef::Parameter),
        Just(BlobRef::Trace),
        (0u16..3).prop_map(BlobRef::Output),
    ];
    let number = prop_oneof![0u64..5_000, any::<u64>()];
    prop_oneof![
        (0u16..6, number.clone())
            .prop_map(|(operation, index)| Accusation::Element { operation, index }),
        (0u16..3, number.clone()).prop_map(|(output, index)| Accusation::Output { output, index }),
        (blob, number).prop_map(|(blob, length)| Accusation::Length { blob, length }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_wrong_byte_of_a_trace_is_found_and_convicted(
        honest in any_job(), place: Index, flip in 1u8.., published: bool,
    ) {
        let mut job = honest.clone();
        let place = place.index(job.trace.len());
        job.trace[place] ^= flip;
        if published {
            job.publish();
        }
        let fault = job.with_exhibits(|exhibits| exhibits.first_fault(&honest.trace));
        prop_assert_eq!(fault, Some(job.element_at(place)));
        let fault = fault.unwrap();
        let evidence = job.evidence(&fault);
        prop_assert_eq!(job.judge(&fault, &evidence), Ok(Wrong));
        // Neither does it serve against who told the truth, nor the truth help the liar.
        let unproved = Err(RefereeError::Slice(SliceError::WrongHash));
        prop_assert_eq!(honest.judge(&fault, &evidence), unproved);
        prop_assert_eq!(job.judge(&fault, &honest.evidence(&fault)), unproved);
    }

    #[test]
    fn any_wrong_byte_of_an_output_is_found_and_convicted(
        honest in any_job(), output: Index, place: Index, flip in 1u8..,
    ) {
        let mut job = honest.clone();
        let output = output.index(job.outputs.len());
        let place = place.index(job.outputs[output].len());
        job.outputs[output][place] ^= flip;
        let fault = job.with_exhibits(|exhibits| exhibits.first_fault(&honest.trace));
        let expected = Accusation::Output { output: output as u16, index: place as u64 };
        prop_assert_eq!(fault, Some(expected));
        prop_assert_eq!(job.judge(&expected, &job.evidence(&expected)), Ok(Wrong));
    }

    #[test]
    fn any_wrong_length_is_found_and_convicted(
        honest in any_job(), which: Index, length in 0usize..9_000,
    ) {
        let mut job = honest.clone();
        let which = which.index(1 + job.outputs.len());
        let (name, bytes) = match which.checked_sub(1) {
            None => (BlobRef::Trace, &mut job.trace),
            Some(output) => (BlobRef::Output(output as u16), &mut job.outputs[output]),
        };
        prop_assume!(bytes.len() != length);
        bytes.resize(length, 7);
        let fault = job.with_exhibits(|exhibits| exhibits.first_fault(&honest.trace));
        let expected = Accusation::Length { blob: name, length: length as u64 };
        prop_assert_eq!(fault, Some(expected));
        let evidence = job.evidence(&expected);
        job.with_referee(|referee| {
            prop_assert_eq!(referee.evidence_bytes(&expected), Ok(evidence.len() as u64));
            prop_assert_eq!(referee.judge(&expected, &evidence), Ok(Wrong));
            Ok(())
        })?;
    }

    #[test]
    fn honest_job_has_no_fault_and_every_element_of_it_is_right(
        job in any_job(), places in vec((any::<u8>(), any::<Index>(), any::<Index>()), 8),
    ) {
        let fault = job.with_exhibits(|exhibits| exhibits.first_fault(&job.trace));
        prop_assert_eq!(fault, None);
        for (kind, a, b) in places {
            let what = accusation(&job, kind, a, b);
            prop_assert_eq!(job.judge(&what, &job.evidence(&what)), Ok(Right));
        }
    }

    #[test]
    fn honest_job_is_convicted_by_nothing_made_of_its_own_bytes(
        job in any_job(), wild in vec(wild_accusation(), 8), kind: u8, a: Index, b: Index,
        cut: Index, flip: Option<(Index, u8)>, tail in vec(any::<u8>(), 0..64),
    ) {
        let own = accusation(&job, kind, a, b);
        let evidence = job.evidence(&own);
        let cut = cut.index(evidence.len());
        let mut changed = [&evidence[cut..], &evidence[..cut], &tail].concat();
        if let Some((place, flip)) = flip {
            let place = place.index(changed.len());
            changed[place] ^= flip;
        }
        job.with_referee(|referee| {
            for what in wild.iter().chain([&own]) {
                for bytes in [&evidence, &evidence[..cut], &evidence[cut..], &changed, &[]] {
                    prop_assert_ne!(referee.judge(what, bytes), Ok(Wrong));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_bytes_convict_or_make_the_referee_panic(
        job in any_job(), place: Index, wild in wild_accusation(),
        bytes in vec(any::<u8>(), 0..5_000), level: u8, number: u64, count: u8,
    ) {
        // Even a liar is convicted by evidence only.
        let mut liar = job.clone();
        let place = place.index(liar.trace.len());
        liar.trace[place] ^= 1;
        let fault = liar.element_at(place);
        let blob = BlobRef::Trace;
        liar.with_referee(|referee| {
            prop_assert!(referee.judge(&fault, &bytes).is_err());
            prop_assert!(referee.judge(&wild, &bytes).is_err());
            for request in [
                Request::Chunks { blob, first: number % 20, count },
                Request::Chunks { blob, first: number, count },
                Request::Nodes { blob, level: level % 8, index: number % 20 },
                Request::Nodes { blob, level, index: number },
                Request::Element { operation: u16::from(level % 4), index: number % 5_000 },
            ] {
                prop_assert!(referee.check_answer(&request, &bytes).is_err());
                prop_assert_eq!(
                    referee.check_request(&request).err(),
                    referee.answer_bytes(&request).err()
                );
            }
            Ok(())
        })?;
    }

    #[test]
    fn evidence_about_an_element_is_the_slices_that_are_listed_for_it(
        job in any_job(), places in vec(any::<Index>(), 8),
    ) {
        for place in places {
            let what = job.element_at(place.index(job.trace.len()));
            let Accusation::Element { operation, index } = what else {
                unreachable!("every byte of a trace is an element");
            };
            let spans = job.with_referee(|referee| referee.element_evidence(operation, index));
            let mut joined = Vec::new();
            for span in spans.unwrap() {
                let bytes = job.blob(span.blob);
                write_slice(&mut joined, bytes, span.start, span.length).unwrap();
            }
            prop_assert_eq!(joined, job.evidence(&what));
        }
    }

    #[test]
    fn evidence_has_its_stated_size_within_the_bound_of_the_program(
        job in any_job(), places in vec(any::<Index>(), 16), batch in 1u32..=8,
    ) {
        job.with_referee(|referee| {
            for place in &places {
                let what = job.element_at(place.index(job.trace.len()));
                let size = referee.evidence_bytes(&what).unwrap();
                prop_assert_eq!(job.evidence(&what).len() as u64, size);
            }
            Ok(())
        })?;
        let bound = job.plan.cost().opening_bytes;
        prop_assert!(bound <= u64::from(MAX_EVIDENCE_BYTES));
        // Every element of the program, at any batch that it allows.
        let hash = [0; 32];
        let outputs = vec![hash; job.outputs.len()];
        let claim = Claim { batch, inputs: &[hash; 2], outputs: &outputs, trace: &hash };
        let referee = Referee::new(&job.plan, claim).unwrap();
        for operation in 0..job.plan.program().operations.len() as u16 {
            let elements = job.plan.tensor_bytes(TensorRef::Operation(operation), batch).unwrap();
            for index in 0..elements {
                let what = Accusation::Element { operation, index };
                prop_assert!(referee.evidence_bytes(&what).unwrap() <= bound);
            }
        }
    }

    #[test]
    fn elements_of_the_largest_programs_are_opened_within_the_bound(
        k in 1u32..=MAX_REDUCTION, n in 1u32..100_000, batch in 1u32..=MAX_BATCH,
        places in vec(any::<Index>(), 32),
    ) {
        let mut program = super::jobs::program(k, &[(1, 0), (2, n), (1, 0)]);
        program.max_batch = batch;
        let Ok(plan) = Plan::new(program) else { return Ok(()) };
        let bound = plan.cost().opening_bytes;
        prop_assert!(bound <= MAX_OPENING_BYTES);
        let hash = [0; 32];
        let claim = Claim { batch, inputs: &[hash; 2], outputs: &[hash; 2], trace: &hash };
        let referee = Referee::new(&plan, claim).unwrap();
        for operation in 0..3 {
            let elements = plan.tensor_bytes(TensorRef::Operation(operation), batch).unwrap();
            for place in &places {
                let index = place.index(elements as usize) as u64;
                let what = Accusation::Element { operation, index };
                prop_assert!(referee.evidence_bytes(&what).unwrap() <= bound);
            }
        }
    }
}
