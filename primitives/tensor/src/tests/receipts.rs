//! The bytes of which receipts are made.

use super::jobs::{any_job, program, Job};
use crate::*;
use proptest::{prelude::*, sample::Index};
use AuditScope::{Full, Sampled};

const SEED: Hash = [3; 32];

/// Two linear layers on ten items, of which eight are drawn.
pub(super) fn job() -> Job {
    let mut program = program(1_500, &[(2, 130), (0, 700)]);
    program.max_batch = 10;
    Job::honest(program, 10, 11)
}

pub(super) fn stream(job: &Job, scope: AuditScope, seed: &Hash) -> Vec<u8> {
    job.with_exhibits(|exhibits| exhibits.receipt_stream(scope, seed))
        .unwrap()
}

pub(super) fn hash(stream: &[u8], seed: &Hash) -> Hash {
    blake3::keyed_hash(&receipt_key(seed), stream).into()
}

#[test]
fn stream_of_a_sampled_audit_is_the_drawn_items_one_after_the_other() {
    let job = job();
    let mut expected = Vec::new();
    for item in drawn_items(10, &SEED) {
        let item = item as usize;
        expected.extend(&job.inputs[0][item * 1_500..][..1_500]);
        expected.extend(&job.inputs[1][item * 1_500..][..1_500]);
        expected.extend(&job.trace[item * 130..][..130]);
        expected.extend(&job.trace[10 * 130 + item * 700..][..700]);
    }
    assert_eq!(stream(&job, Sampled, &SEED), expected);
    assert_eq!(expected.len(), 8 * (2 * 1_500 + 130 + 700));
    assert_ne!(stream(&job, Sampled, &[4; 32]), expected);
}

#[test]
fn stream_of_a_full_audit_is_the_inputs_and_the_trace() {
    let job = job();
    let expected = [job.inputs.concat(), job.trace.clone()].concat();
    assert_eq!(stream(&job, Full, &SEED), expected);
    assert_eq!(stream(&job, Full, &[4; 32]), expected);
    assert_ne!(hash(&expected, &SEED), hash(&expected, &[4; 32]));
}

#[test]
fn batch_that_the_program_does_not_allow_has_no_stream() {
    let job = job();
    for batch in [0, 11] {
        for scope in [Sampled, Full] {
            assert_eq!(receipt_bytes(&job.plan, batch, scope), None);
            assert_eq!(receipt_spans(&job.plan, batch, scope, &SEED), None);
            assert_eq!(receipt_place(&job.plan, batch, scope, &SEED, 0), None);
        }
        assert_eq!(item_spans(&job.plan, batch, 0), None);
    }
    assert_eq!(item_spans(&job.plan, 9, 9), None);
    assert!(item_spans(&job.plan, 10, 9).is_some());
}

#[test]
fn job_that_lacks_a_byte_has_no_stream() {
    let mut job = job();
    job.trace.pop();
    for scope in [Sampled, Full] {
        job.with_exhibits(|exhibits| {
            assert_eq!(exhibits.receipt_stream(scope, &SEED), None);
            assert_eq!(exhibits.receipt_opening(scope, &SEED, 0), None);
        });
    }
}

/// Computed apart, by another implementation of BLAKE3.
#[test]
fn key_of_a_seed_is_the_same_on_every_machine() {
    let expected = [
        51, 234, 78, 107, 166, 238, 108, 232, 121, 87, 241, 94, 209, 240, 244, 230, 184, 44, 163,
        162, 166, 240, 150, 175, 85, 61, 129, 162, 61, 45, 63, 127,
    ];
    assert_eq!(receipt_key(&SEED), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn place_of_every_byte_is_where_the_stream_has_it_from(
        job in any_job(), seed: Hash, indices in prop::collection::vec(any::<Index>(), 20),
        full: bool,
    ) {
        let scope = if full { Full } else { Sampled };
        let stream = stream(&job, scope, &seed);
        let length = receipt_bytes(&job.plan, job.batch, scope);
        prop_assert_eq!(length, Some(stream.len() as u64));
        let spans = receipt_spans(&job.plan, job.batch, scope, &seed).unwrap();
        let lengths = spans.iter().map(|span| span.length);
        prop_assert_eq!(lengths.sum::<u64>(), stream.len() as u64);
        for index in indices {
            let index = index.index(stream.len());
            let place = receipt_place(&job.plan, job.batch, scope, &seed, index as u64);
            let (blob, start) = place.unwrap();
            prop_assert_eq!(job.blob(blob)[start as usize], stream[index]);
            let mut before = index as u64;
            let span = spans.iter().find(|span| {
                let within = before < span.length;
                before = if within { before } else { before - span.length };
                within
            });
            let span = span.unwrap();
            prop_assert_eq!((span.blob, span.start + before), (blob, start));
        }
    }
}
