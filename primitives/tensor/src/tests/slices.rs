use super::{
    blake3_reference::{self, hash_node},
    jobs::noise,
};
use crate::*;
use proptest::prelude::*;

fn blob(bytes: &[u8]) -> Blob {
    Blob {
        hash: hash_bytes(bytes),
        length: bytes.len() as u64,
    }
}

fn written(bytes: &[u8], start: u64, length: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_slice(&mut out, bytes, start, length).unwrap();
    out
}

fn read(proof: &[u8], blob: Blob, start: u64, length: u64) -> Result<Vec<u8>, SliceError> {
    read_slice(&mut &*proof, &blob, start, length)
}

#[test]
fn slices_follow_each_other_without_a_gap() {
    let (a, b) = (noise(3_000, 1), noise(5_000, 2));
    let mut proof = written(&a, 2_000, 100);
    assert!(write_slice(&mut proof, &b, 10, 4_000).is_some());
    proof.push(7);
    let mut rest = proof.as_slice();
    assert_eq!(
        read_slice(&mut rest, &blob(&a), 2_000, 100).unwrap(),
        a[2_000..2_100]
    );
    assert_eq!(
        read_slice(&mut rest, &blob(&b), 10, 4_000).unwrap(),
        b[10..4_010]
    );
    assert_eq!(rest, [7]);
}

#[test]
fn failed_slice_takes_nothing() {
    let bytes = noise(3_000, 1);
    let mut proof = written(&bytes, 0, 3_000);
    proof[2_000] ^= 1;
    let mut rest = proof.as_slice();
    let failure = read_slice(&mut rest, &blob(&bytes), 0, 3_000);
    assert_eq!(failure, Err(SliceError::WrongHash));
    assert_eq!(rest.len(), proof.len());
}

#[test]
fn bytes_outside_the_blob_are_out_of_range() {
    let bytes = noise(3_000, 1);
    for (start, length) in [
        (0, 0),
        (5, 0),
        (0, 3_001),
        (3_000, 1),
        (2_999, 2),
        (u64::MAX, 2),
        (u64::MAX, 1),
    ] {
        let mut out = vec![1];
        assert_eq!(write_slice(&mut out, &bytes, start, length), None);
        assert_eq!(out, [1]);
        assert_eq!(slice_bytes(3_000, start, length), None);
        let proof = written(&bytes, 0, 3_000);
        assert_eq!(
            read(&proof, blob(&bytes), start, length),
            Err(SliceError::OutOfRange)
        );
    }
    assert_eq!(read(&[], blob(&[]), 0, 1), Err(SliceError::OutOfRange));
}

#[test]
fn keyed_slices_have_the_same_range_as_plain_ones() {
    let bytes = noise(3_000, 1);
    let key = [8; 32];
    let keyed = Blob {
        hash: blake3::keyed_hash(&key, &bytes).into(),
        length: 3_000,
    };
    for (start, length) in [(0, 0), (0, 3_001), (3_000, 1), (u64::MAX, 2)] {
        let mut out = vec![1];
        let written = write_keyed_slice(&mut out, &bytes, &key, start, length);
        assert_eq!((written, out), (None, vec![1]));
        let refused = read_keyed_slice(&mut &bytes[..], &keyed, &key, start, length);
        assert_eq!(refused, Err(SliceError::OutOfRange));
    }
}

#[test]
fn size_of_a_slice_is_known_for_the_longest_blobs() {
    let chunk_and_path = 1_024 + 34 * 64;
    assert_eq!(slice_bytes(1 << 44, 0, 1), Some(chunk_and_path));
    assert_eq!(slice_bytes(1 << 44, (1 << 44) - 1, 1), Some(chunk_and_path));
    let whole = (1u64 << 44) + ((1 << 34) - 1) * 64;
    assert_eq!(slice_bytes(1 << 44, 0, 1 << 44), Some(whole));
    assert_eq!(
        slice_bytes(u64::MAX, u64::MAX - 1, 1),
        Some(1_023 + 54 * 64)
    );
}

#[test]
fn right_hash_with_a_wrong_length_is_refused() {
    let bytes = noise(5_000, 4);
    let hash = hash_bytes(&bytes);
    let proof = written(&bytes, 4_990, 10);
    for length in [4_999, 5_001, 5_120, 4_097] {
        let refused = read(&proof, Blob { hash, length }, 4_096, 1);
        let shorter = length < 5_000;
        // Where another length leaves the tree as it is, the last chunk has another size.
        let expected = if shorter {
            SliceError::WrongHash
        } else {
            SliceError::Truncated
        };
        assert_eq!(refused, Err(expected), "{length}");
        let padded = [proof.as_slice(), &[0; 1_024]].concat();
        assert_eq!(
            read(&padded, Blob { hash, length }, 4_096, 1),
            Err(SliceError::WrongHash)
        );
    }
    for length in [4_096, 3_000, 6_000, 9_000] {
        let padded = [proof.as_slice(), &[0; 1_024]].concat();
        let refused = read(&padded, Blob { hash, length }, length - 1, 1);
        assert_eq!(refused, Err(SliceError::WrongHash), "{length}");
    }
}

#[test]
fn right_hash_with_a_wrong_chunk_index_is_refused() {
    let bytes = noise(8 * 1_024, 3);
    let equal = vec![9; 8 * 1_024];
    for (from, to) in [(0u64, 2u64), (2, 0), (3, 4), (7, 5)] {
        for bytes in [&bytes, &equal] {
            let proof = written(bytes, from * 1_024, 1);
            assert_eq!(
                read(&proof, blob(bytes), to * 1_024, 1),
                Err(SliceError::WrongHash)
            );
        }
    }
    // Neighbours have the same path, and differ by their bytes alone.
    let proof = written(&bytes, 6 * 1_024, 1);
    let refused = read(&proof, blob(&bytes), 7 * 1_024, 1);
    assert_eq!(refused, Err(SliceError::WrongHash));
}

#[test]
fn chunk_hashed_at_another_index_is_refused() {
    let chunk = noise(1_024, 3);
    let hashes = [hash_node(&chunk, 0, false); 2];
    let made_up = Blob {
        hash: blake3_reference::merge(&hashes[0], &hashes[1], true),
        length: 2_048,
    };
    let proof = [hashes.concat(), chunk].concat();
    assert!(read(&proof, made_up, 0, 1).is_ok());
    assert_eq!(read(&proof, made_up, 1_024, 1), Err(SliceError::WrongHash));
}

#[test]
fn root_of_another_tree_shape_is_refused() {
    let bytes = noise(3 * 1_024, 5);
    let chunks: Vec<Hash> = (0u64..)
        .zip(bytes.chunks(1_024))
        .map(|(i, c)| hash_node(c, i, false))
        .collect();
    let merge = blake3_reference::merge;
    let right_leaning = merge(&chunks[0], &merge(&chunks[1], &chunks[2], false), true);
    let root = Blob {
        hash: right_leaning,
        length: 3 * 1_024,
    };
    // Parents as that tree has them, and as BLAKE3's has them.
    let theirs = [chunks[0], merge(&chunks[1], &chunks[2], false)].concat();
    let chunk = &bytes[..1_024];
    for proof in [
        [theirs.as_slice(), chunk].concat(),
        [theirs.as_slice(), &[chunks[0], chunks[1]].concat(), chunk].concat(),
        written(&bytes, 0, 1),
    ] {
        assert_eq!(read(&proof, root, 0, 1), Err(SliceError::WrongHash));
    }
}

#[test]
fn inner_node_offered_as_a_root_is_refused() {
    let bytes = noise(4 * 1_024, 6);
    let half = &bytes[..2_048];
    let inner = Blob {
        hash: hash_node(half, 0, false),
        length: 2_048,
    };
    assert_eq!(
        read(&written(half, 0, 1), inner, 0, 1),
        Err(SliceError::WrongHash)
    );
    let chunk = Blob {
        hash: hash_node(&bytes[..1_024], 0, false),
        length: 1_024,
    };
    assert_eq!(
        read(&bytes[..1_024], chunk, 0, 1),
        Err(SliceError::WrongHash)
    );
}

#[test]
fn root_offered_as_an_inner_node_is_refused() {
    let halves = [noise(2_048, 7), noise(2_048, 8)];
    let hashes = [hash_bytes(&halves[0]), hash_bytes(&halves[1])];
    let made_up = Blob {
        hash: blake3_reference::merge(&hashes[0], &hashes[1], true),
        length: 4_096,
    };
    let proof = [hashes.concat(), written(&halves[0], 0, 1)].concat();
    assert_eq!(read(&proof, made_up, 0, 1), Err(SliceError::WrongHash));
}

proptest! {
    #[test]
    fn slice_is_the_specified_one_and_gives_its_bytes(
        length in 1usize..12_000, a: prop::sample::Index, b: prop::sample::Index, seed in 0u64..99,
    ) {
        let bytes = noise(length, seed);
        let (a, b) = (a.index(length), b.index(length));
        let (start, end) = (a.min(b), a.max(b) + 1);
        let span = (start as u64, (end - start) as u64);
        let proof = written(&bytes, span.0, span.1);
        prop_assert_eq!(&proof, &blake3_reference::slice(&bytes, start, end));
        prop_assert_eq!(slice_bytes(length as u64, span.0, span.1), Some(proof.len() as u64));
        let mut rest = proof.as_slice();
        let got = read_slice(&mut rest, &blob(&bytes), span.0, span.1).unwrap();
        prop_assert_eq!(got, &bytes[start..end]);
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn changed_or_cut_slice_is_refused(
        length in 1usize..9_000, at: prop::sample::Index, flip in 1u8..,
        place: prop::sample::Index,
    ) {
        let bytes = noise(length, 1);
        let start = at.index(length) as u64;
        let proof = written(&bytes, start, 1);
        let place = place.index(proof.len());
        let cut = read(&proof[..place], blob(&bytes), start, 1);
        prop_assert_eq!(cut, Err(SliceError::Truncated));
        let mut changed = proof.clone();
        changed[place] ^= flip;
        prop_assert_eq!(read(&changed, blob(&bytes), start, 1), Err(SliceError::WrongHash));
    }

    #[test]
    fn another_length_never_passes_for_the_last_chunk(
        real in 1usize..9_000, other in 1u64..9_000,
    ) {
        prop_assume!(real as u64 != other);
        let bytes = noise(real, 1);
        let said = Blob { hash: hash_bytes(&bytes), length: other };
        // All that an honest blob has to offer: its own slices, and enough behind them.
        for start in (0..real).step_by(1_024).chain([real - 1]) {
            let mut proof = written(&bytes, start as u64, 1);
            proof.extend([0; 2_048]);
            prop_assert_eq!(read(&proof, said, other - 1, 1), Err(SliceError::WrongHash));
        }
    }

    #[test]
    fn keyed_slice_proves_its_bytes_to_the_keyed_hash_alone(
        length in 1usize..12_000, a: prop::sample::Index, b: prop::sample::Index, key: Hash,
        place: prop::sample::Index, flip in 1u8..,
    ) {
        let bytes = noise(length, 5);
        let (a, b) = (a.index(length), b.index(length));
        let (start, end) = (a.min(b), a.max(b) + 1);
        let span = (start as u64, (end - start) as u64);
        let keyed = Blob {
            hash: blake3::keyed_hash(&key, &bytes).into(),
            length: length as u64,
        };
        let mut proof = Vec::new();
        write_keyed_slice(&mut proof, &bytes, &key, span.0, span.1).unwrap();
        prop_assert_eq!(slice_bytes(length as u64, span.0, span.1), Some(proof.len() as u64));
        proof.push(7);
        let mut rest = proof.as_slice();
        let got = read_keyed_slice(&mut rest, &keyed, &key, span.0, span.1).unwrap();
        prop_assert_eq!(got, &bytes[start..end]);
        prop_assert_eq!(rest, [7]);
        proof.pop();

        let refused = Err(SliceError::WrongHash);
        let mut other = key;
        other[31] ^= 1;
        let read_with = |proof: &[u8], blob: &Blob, key: &Hash| {
            read_keyed_slice(&mut &*proof, blob, key, span.0, span.1)
        };
        prop_assert_eq!(&read_with(&proof, &keyed, &other), &refused);
        prop_assert_eq!(&read_with(&proof, &blob(&bytes), &key), &refused);
        let plain = written(&bytes, span.0, span.1);
        if proof != plain {
            prop_assert_eq!(&read_with(&plain, &keyed, &key), &refused);
            prop_assert_eq!(&read(&proof, blob(&bytes), span.0, span.1), &refused);
        }
        prop_assert_eq!(&read(&plain, keyed, span.0, span.1), &refused);
        let place = place.index(proof.len());
        let cut = read_with(&proof[..place], &keyed, &key);
        prop_assert_eq!(cut, Err(SliceError::Truncated));
        proof[place] ^= flip;
        prop_assert_eq!(&read_with(&proof, &keyed, &key), &refused);
    }
}
