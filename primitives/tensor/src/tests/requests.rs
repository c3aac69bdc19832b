//! What may be demanded, and what is an answer.

use super::{
    blake3_reference::hash_node,
    jobs::{fixed_job, program, Job},
};
use crate::*;
use proptest::prelude::*;
use Finding::{Right, Wrong};

const WRONG_HASH: RefereeError = RefereeError::Slice(SliceError::WrongHash);
const TRUNCATED: RefereeError = RefereeError::Slice(SliceError::Truncated);

/// A job whose trace is one sum of `chunks` chunks, the last of them short by `lack` bytes.
fn long_job(chunks: u32, lack: u32) -> Job {
    Job::honest(program(chunks * 1_024 - lack, &[(1, 0)]), 1, 3)
}

fn height(chunks: u64) -> u8 {
    (0..).find(|level| 1u64 << level >= chunks).unwrap()
}

fn nodes(level: u8, index: u64) -> Request {
    Request::Nodes {
        blob: BlobRef::Trace,
        level,
        index,
    }
}

fn chunks(blob: BlobRef, first: u64, count: u8) -> Request {
    Request::Chunks { blob, first, count }
}

/// The hashes that the answer about a node must hold, from the bytes.
fn expected(trace: &[u8], level: u8, index: u64) -> Vec<Hash> {
    let below = level.saturating_sub(8);
    let size = 1_024usize << below;
    let start = (index as usize) * (1_024 << level);
    let end = trace.len().min(start + (1_024 << level));
    trace[start..end]
        .chunks(size)
        .enumerate()
        .map(|(i, bytes)| {
            let whole = bytes.len() == trace.len();
            hash_node(bytes, ((start + i * size) / 1_024) as u64, whole)
        })
        .collect()
}

#[test]
fn nodes_answer_holds_the_descendants_of_any_node() {
    for count in [1u32, 2, 3, 5, 8, 9, 255, 256, 257, 300, 513] {
        let job = long_job(count, count % 7);
        let top = height(count.into());
        for level in (0..=top).filter(|level| count < 20 || *level < 2 || *level > 6) {
            let last = u64::from(count - 1) >> level;
            for index in [0, 1, last / 2, last] {
                if index > last {
                    continue;
                }
                let request = nodes(level, index);
                let answer = job.answer(&request);
                job.with_referee(|referee| {
                    assert_eq!(referee.check_request(&request), Ok(()));
                    assert_eq!(referee.answer_bytes(&request), Ok(answer.len() as u64));
                    assert_eq!(referee.check_answer(&request, &answer), Ok(Right));
                    let got = referee.nodes_of_answer(&request, &answer).unwrap();
                    assert_eq!(got, expected(&job.trace, level, index));
                });
            }
        }
    }
}

#[test]
fn nodes_answer_about_the_root_has_no_path() {
    for (count, hashes) in [(1, 1), (2, 2), (256, 256), (257, 129)] {
        let answer = long_job(count, 0).answer(&nodes(height(count.into()), 0));
        assert_eq!(answer.len(), 32 * hashes);
    }
}

#[test]
fn nodes_that_the_tree_does_not_have_cannot_be_demanded() {
    let job = long_job(5, 0);
    for (level, index) in [
        (4, 0),
        (3, 1),
        (2, 2),
        (1, 3),
        (0, 5),
        (0, u64::MAX),
        (64, 0),
    ] {
        let request = nodes(level, index);
        job.with_referee(|referee| {
            assert_eq!(
                referee.check_request(&request),
                Err(RefereeError::NoSuchNode)
            );
        });
        assert_eq!(job.check(&request, &[]), Err(RefereeError::NoSuchNode));
        assert_eq!(
            job.with_exhibits(|exhibits| exhibits.answer(&request)),
            None
        );
    }
}

#[test]
fn changed_cut_or_longer_nodes_answer_is_refused() {
    let job = long_job(300, 1);
    for request in [nodes(9, 0), nodes(8, 1), nodes(2, 74), nodes(0, 299)] {
        let answer = job.answer(&request);
        let mut changed = answer.clone();
        for place in (0..answer.len()).step_by(7) {
            changed[place] ^= 4;
            assert_eq!(job.check(&request, &changed), Err(WRONG_HASH));
            changed[place] = answer[place];
        }
        for length in (0..answer.len()).step_by(31) {
            assert_eq!(job.check(&request, &answer[..length]), Err(TRUNCATED));
        }
        changed.push(0);
        assert_eq!(
            job.check(&request, &changed),
            Err(RefereeError::TrailingBytes)
        );
    }
}

#[test]
fn nodes_answer_about_another_node_is_refused() {
    let job = long_job(16, 0);
    let answer = job.answer(&nodes(2, 1));
    assert_eq!(job.check(&nodes(2, 2), &answer), Err(WRONG_HASH));
    // The same path, but the other child.
    assert_eq!(job.check(&nodes(2, 0), &answer), Err(WRONG_HASH));
    // The children of a node are no descendants further down.
    let children = job.answer(&nodes(1, 0));
    let refused = job.check(&nodes(2, 0), &children);
    assert_eq!(refused, Err(WRONG_HASH));
}

#[test]
fn nodes_are_read_from_no_other_answer() {
    let job = fixed_job();
    let request = chunks(BlobRef::Trace, 0, 1);
    let answer = job.answer(&request);
    job.with_referee(|referee| {
        let refused = referee.nodes_of_answer(&request, &answer);
        assert_eq!(refused, Err(RefereeError::NoSuchNode));
    });
}

#[test]
fn differing_chunk_is_found_by_walking_down_the_nodes() {
    let honest = long_job(1_100, 5);
    let mut liar = honest.clone();
    let place = 777 * 1_024 + 9;
    liar.trace[place] ^= 1;
    let (mut level, mut index) = (height(1_100), 0u64);
    let mut rounds = 0;
    while level > 0 {
        let request = nodes(level, index);
        let theirs = liar.answer(&request);
        let theirs = liar
            .with_referee(|referee| referee.nodes_of_answer(&request, &theirs))
            .unwrap();
        let ours = expected(&honest.trace, level, index);
        let step = theirs.iter().zip(&ours).position(|(a, b)| a != b).unwrap();
        index = (index << level.min(8)) + step as u64;
        level -= level.min(8);
        rounds += 1;
    }
    assert_eq!((index, rounds), (777, 2));
    let request = chunks(BlobRef::Trace, index, 1);
    assert_eq!(liar.check(&request, &liar.answer(&request)), Ok(Right));
}

#[test]
fn chunks_that_the_blob_does_not_have_cannot_be_demanded() {
    let job = long_job(9, 3);
    let blob = BlobRef::Trace;
    for (first, count) in [(0, 0), (0, 9), (2, 8), (9, 1), (u64::MAX, 1), (u64::MAX, 8)] {
        let request = chunks(blob, first, count);
        let refused = Err(RefereeError::NoSuchChunks);
        job.with_referee(|referee| assert_eq!(referee.check_request(&request), refused));
        assert_eq!(job.check(&request, &[]), Err(RefereeError::NoSuchChunks));
        assert_eq!(
            job.with_exhibits(|exhibits| exhibits.answer(&request)),
            None
        );
    }
    let unknown = chunks(BlobRef::Output(1), 0, 1);
    assert_eq!(job.check(&unknown, &[]), Err(RefereeError::NoSuchBlob));
    job.with_referee(|referee| {
        assert_eq!(
            referee.check_request(&unknown),
            Err(RefereeError::NoSuchBlob)
        );
    });
}

#[test]
fn elements_that_the_job_does_not_have_cannot_be_demanded() {
    let job = fixed_job();
    let element = |operation, index| Request::Element { operation, index };
    job.with_referee(|referee| {
        assert_eq!(referee.check_request(&element(3, 2_099)), Ok(()));
        assert_eq!(
            referee.check_request(&element(3, 2_100)),
            Err(RefereeError::NoSuchElement)
        );
        assert_eq!(
            referee.check_request(&element(4, 0)),
            Err(RefereeError::NoSuchOperation)
        );
    });
}

#[test]
fn opening_of_a_wrong_element_is_an_answer_that_convicts() {
    let mut job = fixed_job();
    let request = Request::Element {
        operation: 0,
        index: 9,
    };
    assert_eq!(job.check(&request, &job.answer(&request)), Ok(Right));
    job.trace[9] ^= 1;
    let answer = job.answer(&request);
    assert_eq!(job.check(&request, &answer), Ok(Wrong));
    assert_eq!(job.check(&request, &answer[1..]), Err(WRONG_HASH));
}

#[test]
fn chunks_of_a_lie_are_still_a_valid_answer() {
    let mut job = fixed_job();
    job.trace[9] ^= 1;
    let request = chunks(BlobRef::Trace, 0, 2);
    assert_eq!(job.check(&request, &job.answer(&request)), Ok(Right));
}

#[test]
fn answers_about_the_largest_blobs_stay_within_their_bound() {
    let mut wide = program(1 << 24, &[(1, 0)]);
    wide.max_batch = MAX_BATCH;
    let plan = Plan::new(wide).unwrap();
    let hash = [0; 32];
    let claim = Claim {
        batch: MAX_BATCH,
        inputs: &[hash; 2],
        outputs: &[hash],
        trace: &hash,
    };
    let referee = Referee::new(&plan, claim).unwrap();
    let size = |request| referee.answer_bytes(&request).unwrap();
    assert_eq!(size(nodes(34, 0)), 256 * 32);
    assert_eq!(size(nodes(8, (1 << 26) - 1)), 256 * 32 + 26 * 64);
    // Eight chunks of which neither end shares a node below the root.
    let middle = size(chunks(BlobRef::Trace, (1 << 33) - 4, 8));
    assert_eq!(middle, 8 * 1_024 + (6 + 2 * 31 + 1) * 64);
    assert!(middle <= u64::from(MAX_ANSWER_BYTES));
}

proptest! {
    #[test]
    fn any_chunks_of_any_blob_can_be_demanded_and_answered(
        which in 0usize..6, first in 0u64..40, count in 1u8..=8, place: prop::sample::Index,
    ) {
        let job = fixed_job();
        let blob = [
            BlobRef::Input(0), BlobRef::Input(1), BlobRef::Parameter(0), BlobRef::Parameter(1),
            BlobRef::Trace, BlobRef::Output(1),
        ][which];
        let request = chunks(blob, first, count);
        let Some(answer) = job.with_exhibits(|exhibits| exhibits.answer(&request)) else {
            prop_assert_eq!(job.check(&request, &[]), Err(RefereeError::NoSuchChunks));
            return Ok(());
        };
        job.with_referee(|referee| {
            prop_assert_eq!(referee.answer_bytes(&request), Ok(answer.len() as u64));
            prop_assert_eq!(referee.check_answer(&request, &answer), Ok(Right));
            let place = place.index(answer.len());
            let cut = referee.check_answer(&request, &answer[..place]);
            prop_assert_eq!(cut, Err(TRUNCATED));
            let mut changed = answer.clone();
            changed[place] ^= 1;
            prop_assert_eq!(referee.check_answer(&request, &changed), Err(WRONG_HASH));
            changed[place] ^= 1;
            changed.push(1);
            let longer = referee.check_answer(&request, &changed);
            prop_assert_eq!(longer, Err(RefereeError::TrailingBytes));
            Ok(())
        })?;
    }
}
