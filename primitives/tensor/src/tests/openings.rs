//! What openings of receipts prove.

use super::{
    jobs::{any_job, fixed_job, program, Job},
    receipts::{hash, job, stream},
};
use crate::*;
use proptest::{prelude::*, sample::Index};
use AuditScope::{Full, Sampled};
use Finding::{Right, Wrong};

const SEED: Hash = [3; 32];
const WRONG_HASH: Result<Finding, RefereeError> = Err(RefereeError::Slice(SliceError::WrongHash));
const TRUNCATED: Result<Finding, RefereeError> = Err(RefereeError::Slice(SliceError::Truncated));
const NO_SUCH_BYTE: RefereeError = RefereeError::NoSuchElement;

fn receipt(job: &Job, scope: AuditScope) -> Hash {
    hash(&stream(job, scope, &SEED), &SEED)
}

fn opening(job: &Job, scope: AuditScope, index: u64) -> Vec<u8> {
    job.with_exhibits(|exhibits| exhibits.receipt_opening(scope, &SEED, index))
        .unwrap()
}

/// The plain slice of the byte of that index of the stream.
fn slice(job: &Job, scope: AuditScope, index: u64) -> Vec<u8> {
    let (blob, start) = receipt_place(&job.plan, job.batch, scope, &SEED, index).unwrap();
    let mut out = Vec::new();
    write_slice(&mut out, job.blob(blob), start, 1).unwrap();
    out
}

fn check(
    job: &Job,
    scope: AuditScope,
    receipt: &Hash,
    index: u64,
    opening: &[u8],
) -> Result<Finding, RefereeError> {
    job.with_referee(|referee| referee.check_receipt(scope, &SEED, receipt, index, opening))
}

/// Where two blobs meet, where chunks do, and both ends.
fn places(job: &Job, scope: AuditScope) -> Vec<u64> {
    let length = receipt_bytes(&job.plan, job.batch, scope).unwrap();
    let item = 2 * 1_500 + 130 + 700;
    let places = [0, 1, 1_023, 1_024, 1_499, 1_500, 2_999, 3_000, 3_129, 3_130];
    let ends = [item - 1, item, item + 1, 2 * item, length - 1, length / 2];
    places.into_iter().chain(ends).collect()
}

#[test]
fn every_byte_of_an_honest_receipt_can_be_opened() {
    let job = job();
    for scope in [Sampled, Full] {
        let receipt = receipt(&job, scope);
        for index in places(&job, scope) {
            let opening = opening(&job, scope, index);
            assert_eq!(check(&job, scope, &receipt, index, &opening), Ok(Right));
            let size = job.with_referee(|r| r.receipt_opening_bytes(scope, &SEED, index));
            assert_eq!(size, Ok(opening.len() as u64));
        }
    }
}

#[test]
fn receipt_over_other_bytes_is_found_wrong_there_and_right_elsewhere() {
    let job = job();
    for scope in [Sampled, Full] {
        for index in places(&job, scope) {
            let mut made_up = stream(&job, scope, &SEED);
            made_up[index as usize] ^= 1;
            let receipt = hash(&made_up, &SEED);
            let open = |index| {
                let slice = slice(&job, scope, index);
                receipt_opening(&made_up, &SEED, index, &slice).unwrap()
            };
            assert_eq!(check(&job, scope, &receipt, index, &open(index)), Ok(Wrong));
            let other = (index + 5_000) % made_up.len() as u64;
            assert_eq!(check(&job, scope, &receipt, other, &open(other)), Ok(Right));
        }
    }
}

#[test]
fn receipt_over_no_bytes_of_the_job_cannot_be_opened() {
    let job = job();
    for scope in [Sampled, Full] {
        let opening = opening(&job, scope, 9);
        for receipt in [[0; 32], hash(&[], &SEED), hash(b"elsewhere", &SEED)] {
            assert_eq!(check(&job, scope, &receipt, 9, &opening), WRONG_HASH);
        }
    }
}

#[test]
fn receipt_without_the_key_or_with_another_is_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let stream = stream(&job, scope, &SEED);
        let slice = slice(&job, scope, 1_700);
        let mut plain = Vec::new();
        write_slice(&mut plain, &stream, 1_700, 1).unwrap();
        plain.extend(&slice);
        let receipt = hash_bytes(&stream);
        assert_eq!(check(&job, scope, &receipt, 1_700, &plain), WRONG_HASH);

        let other = [4; 32];
        let foreign = receipt_opening(&stream, &other, 1_700, &slice).unwrap();
        let receipt = hash(&stream, &other);
        assert_eq!(check(&job, scope, &receipt, 1_700, &foreign), WRONG_HASH);

        // The seed itself is not the key.
        let mut seeded = Vec::new();
        write_keyed_slice(&mut seeded, &stream, &SEED, 1_700, 1).unwrap();
        seeded.extend(&slice);
        let receipt = blake3::keyed_hash(&SEED, &stream).into();
        assert_eq!(check(&job, scope, &receipt, 1_700, &seeded), WRONG_HASH);
    }
}

#[test]
fn right_opening_under_another_seed_is_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let (receipt, opening) = (receipt(&job, scope), opening(&job, scope, 1_700));
        for seed in [[4; 32], [0; 32]] {
            let refused = job.with_referee(|referee| {
                referee.check_receipt(scope, &seed, &receipt, 1_700, &opening)
            });
            assert_eq!(refused, WRONG_HASH);
        }
    }
}

#[test]
fn opening_in_the_other_scope_is_refused() {
    let job = job();
    for (scope, other) in [(Sampled, Full), (Full, Sampled)] {
        let (receipt, opening) = (receipt(&job, scope), opening(&job, scope, 1_700));
        assert_eq!(check(&job, other, &receipt, 1_700, &opening), WRONG_HASH);
    }
}

#[test]
fn opening_of_another_byte_is_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let receipt = receipt(&job, scope);
        let opening = opening(&job, scope, 1_700);
        // Another chunk of the stream, and another blob.
        for index in [0, 2_100, 3_100, 6_000] {
            assert_eq!(check(&job, scope, &receipt, index, &opening), WRONG_HASH);
        }
        // The right byte of the stream, with another one of the job.
        let stream = stream(&job, scope, &SEED);
        let foreign = slice(&job, scope, 6_000);
        let mixed = receipt_opening(&stream, &SEED, 1_700, &foreign).unwrap();
        assert_eq!(check(&job, scope, &receipt, 1_700, &mixed), WRONG_HASH);
    }
}

#[test]
fn opening_of_another_jobs_byte_is_refused() {
    let job = job();
    let mut other = job.clone();
    other.inputs[1][150] ^= 1;
    other.trace[300] ^= 1;
    for scope in [Sampled, Full] {
        for index in places(&job, scope) {
            let (receipt, opening) = (receipt(&other, scope), opening(&other, scope, index));
            let (blob, _) = receipt_place(&job.plan, 10, scope, &SEED, index).unwrap();
            // The first input is the same, and so the opening holds where it is read.
            let expected = if blob == BlobRef::Input(0) {
                Ok(Right)
            } else {
                WRONG_HASH
            };
            assert_eq!(check(&job, scope, &receipt, index, &opening), expected);
        }
    }
}

#[test]
fn swapped_parts_are_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let (receipt, opening) = (receipt(&job, scope), opening(&job, scope, 3_050));
        let slice = slice(&job, scope, 3_050);
        let keyed = &opening[..opening.len() - slice.len()];
        for swapped in [
            [&slice, keyed].concat(),
            [keyed, keyed].concat(),
            [slice.as_slice(), &slice].concat(),
        ] {
            assert_eq!(check(&job, scope, &receipt, 3_050, &swapped), WRONG_HASH);
        }
    }
}

#[test]
fn cut_and_longer_openings_are_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let (receipt, mut opening) = (receipt(&job, scope), opening(&job, scope, 1_700));
        job.with_referee(|referee| {
            for length in 0..opening.len() {
                let cut = &opening[..length];
                let refused = referee.check_receipt(scope, &SEED, &receipt, 1_700, cut);
                assert_eq!(refused, TRUNCATED, "{length}");
            }
        });
        for length in [opening.len() + 1, MAX_ANSWER_BYTES as usize] {
            opening.resize(length, 0);
            let refused = check(&job, scope, &receipt, 1_700, &opening);
            assert_eq!(refused, Err(RefereeError::TrailingBytes));
        }
    }
}

#[test]
fn opening_with_any_bit_of_any_byte_changed_is_refused() {
    let job = job();
    for scope in [Sampled, Full] {
        let (receipt, mut opening) = (receipt(&job, scope), opening(&job, scope, 1_700));
        job.with_referee(|referee| {
            for place in 0..opening.len() {
                opening[place] ^= 1 << (place % 8);
                let refused = referee.check_receipt(scope, &SEED, &receipt, 1_700, &opening);
                assert_eq!(refused, WRONG_HASH, "{place}");
                opening[place] ^= 1 << (place % 8);
            }
        });
    }
}

#[test]
fn bytes_behind_the_stream_cannot_be_opened() {
    let job = job();
    for scope in [Sampled, Full] {
        let (receipt, opening) = (receipt(&job, scope), opening(&job, scope, 0));
        let stream = stream(&job, scope, &SEED);
        let length = stream.len() as u64;
        assert_eq!(receipt_bytes(&job.plan, 10, scope), Some(length));
        for index in [length, length + 1, u64::MAX] {
            let refused = check(&job, scope, &receipt, index, &opening);
            assert_eq!(refused, Err(NO_SUCH_BYTE));
            job.with_referee(|referee| {
                let size = referee.receipt_opening_bytes(scope, &SEED, index);
                assert_eq!(size, Err(NO_SUCH_BYTE));
            });
            job.with_exhibits(|exhibits| {
                assert_eq!(exhibits.receipt_opening(scope, &SEED, index), None);
            });
            assert_eq!(receipt_place(&job.plan, 10, scope, &SEED, index), None);
            assert_eq!(receipt_opening(&stream, &SEED, index, &[]), None);
        }
    }
}

#[test]
fn wrong_trace_that_was_audited_as_it_is_has_a_right_receipt() {
    // Passing a lie is what fraud proofs are for; the receipt shows only what was read.
    let mut job = fixed_job();
    job.trace[9] ^= 1;
    let receipt = receipt(&job, Full);
    let index = job.inputs.concat().len() as u64 + 9;
    let opening = opening(&job, Full, index);
    assert_eq!(check(&job, Full, &receipt, index, &opening), Ok(Right));
}

#[test]
fn openings_of_the_longest_streams_stay_within_their_bound() {
    let mut long = program(1 << 24, &[(1, 0)]);
    long.inputs = vec![TensorType::i8(&[1 << 24]); MAX_INPUTS as usize];
    long.max_batch = MAX_BATCH;
    let plan = Plan::new(long).unwrap();
    let hash = [0; 32];
    let claim = Claim {
        batch: MAX_BATCH,
        inputs: &[hash; MAX_INPUTS as usize],
        outputs: &[hash],
        trace: &hash,
    };
    let referee = Referee::new(&plan, claim).unwrap();
    let length = receipt_bytes(&plan, MAX_BATCH, Full).unwrap();
    assert_eq!(length, 17 << 44);
    let size = referee.receipt_opening_bytes(Full, &SEED, 0);
    assert_eq!(size, Ok(MAX_RECEIPT_OPENING_BYTES.into()));
    for scope in [Sampled, Full] {
        let length = receipt_bytes(&plan, MAX_BATCH, scope).unwrap();
        for index in [0, 1 << 24, length / 2, length - 1] {
            let size = referee.receipt_opening_bytes(scope, &SEED, index).unwrap();
            assert!(size <= MAX_RECEIPT_OPENING_BYTES.into());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_byte_of_any_receipt_is_proved_right_or_wrong(
        job in any_job(), seed: Hash, index: Index, lie: Index, flip: u8, full: bool,
        place: Index,
    ) {
        let scope = if full { Full } else { Sampled };
        let honest = stream(&job, scope, &seed);
        let mut read = honest.clone();
        let lie = lie.index(read.len());
        read[lie] ^= flip;
        let receipt = hash(&read, &seed);
        for at in [index.index(read.len()), lie] {
            let index = at as u64;
            let (blob, start) = receipt_place(&job.plan, job.batch, scope, &seed, index).unwrap();
            let mut slice = Vec::new();
            write_slice(&mut slice, job.blob(blob), start, 1).unwrap();
            let opening = receipt_opening(&read, &seed, index, &slice).unwrap();
            let expected = if read[at] == honest[at] { Right } else { Wrong };
            job.with_referee(|referee| {
                let check =
                    |opening: &[u8]| referee.check_receipt(scope, &seed, &receipt, index, opening);
                prop_assert_eq!(check(&opening), Ok(expected));
                let size = referee.receipt_opening_bytes(scope, &seed, index);
                prop_assert_eq!(size, Ok(opening.len() as u64));
                let place = place.index(opening.len());
                let mut changed = opening.clone();
                changed[place] ^= 16;
                prop_assert_eq!(check(&changed), WRONG_HASH);
                prop_assert_eq!(check(&opening[..place]), TRUNCATED);
                Ok(())
            })?;
        }
    }
}
