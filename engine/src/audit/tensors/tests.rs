use super::super::{hash_with_receipt, receipt};
use super::*;
use mizan_tensor::{drawn_items, receipt_key, vectors, Exhibits};
use AuditScope::{Full, Sampled};

const SEED: Hash = [5; 32];

/// Calls `check` with the tensors of every golden vector.
fn with_every_vector(check: impl Fn(&Tensors<'_>)) {
    for vector in vectors::all().unwrap() {
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let job = AuditedJob {
            inputs: &inputs,
            batch: vector.batch,
            trace: &vector.trace,
        };
        check(&Tensors {
            plan: &Plan::new(vector.program).unwrap(),
            parameters: &[],
            job,
        });
    }
}

#[test]
fn receipt_is_the_keyed_hash_of_the_stream_of_either_scope() {
    with_every_vector(|tensors| {
        let exhibits = Exhibits {
            plan: tensors.plan,
            batch: tensors.job.batch,
            parameters: &[],
            inputs: tensors.job.inputs,
            trace: tensors.job.trace,
            outputs: &[],
        };
        for scope in [Sampled, Full] {
            let stream = tensors.receipt_stream(scope, &SEED).unwrap();
            let whole = exhibits.receipt_stream(scope, &SEED).unwrap();
            assert_eq!(stream.concat(), whole);
            let expected = blake3::keyed_hash(&receipt_key(&SEED), &whole);
            assert_eq!(receipt(&stream, &SEED), *expected.as_bytes());
        }
    });
}

#[test]
fn sampled_stream_is_the_slices_of_the_drawn_items() {
    with_every_vector(|tensors| {
        let items = drawn_items(tensors.job.batch, &SEED);
        let stream = tensors.receipt_stream(Sampled, &SEED).unwrap();
        assert_eq!(stream, tensors.slices(&items));
    });
}

#[test]
fn full_stream_is_all_inputs_and_the_trace() {
    with_every_vector(|tensors| {
        let whole = [tensors.job.inputs, &[tensors.job.trace]].concat();
        let stream = tensors.receipt_stream(Full, &SEED).unwrap();
        assert_eq!(stream, whole);
        let hashes = hash_with_receipt(&whole, &SEED);
        assert_eq!(hashes.receipt, receipt(&stream, &SEED));
    });
}

#[test]
fn tensors_that_are_missing_or_too_short_have_no_stream() {
    with_every_vector(|tensors| {
        let mut short = *tensors;
        short.job.trace = &tensors.job.trace[1..];
        let mut missing = *tensors;
        missing.job.inputs = &[];
        let mut unknown = *tensors;
        unknown.job.batch = 0;
        for scope in [Sampled, Full] {
            // The last item of a larger batch may not be among those drawn.
            if scope == Full || tensors.job.batch <= 8 {
                assert_eq!(short.receipt_stream(scope, &SEED), None);
            }
            assert_eq!(missing.receipt_stream(scope, &SEED), None);
            assert_eq!(unknown.receipt_stream(scope, &SEED), None);
        }
    });
}
