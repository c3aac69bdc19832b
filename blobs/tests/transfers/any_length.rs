//! Any blob, cut anywhere, comes out the same.

use crate::fixture::{client, cut, encode, hash, random, store, Scripted};
use axum::response::Response;
use mizan_blobs::{BlobStore, GROUP_BYTES};

/// A few numbers below `limit` from a seed.
fn numbers(seed: u64, limit: usize) -> Vec<usize> {
    let bytes = random(32, seed);
    let number =
        |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap()) as usize % limit.max(1);
    bytes.chunks_exact(8).map(number).collect()
}

#[tokio::test]
async fn a_blob_of_random_length_cut_at_random_places_comes_out_the_same() {
    for seed in 0..40 {
        let length = numbers(seed, 400_000)[0];
        let blob = random(length, seed);
        let cuts = numbers(seed + 1_000, length + 200);
        let good = blob.clone();
        let server = Scripted::start(move |before, from| {
            let encoded = encode(&good, &good, from);
            match cuts.get(before).filter(|cut| **cut < encoded.len()) {
                Some(at) => Response::new(cut(&encoded, *at)),
                None => Response::new(encoded.into()),
            }
        })
        .await;
        let (_folder, mine) = store();
        let servers = [server.url.clone()];
        // Cuts that bring no group use up retries, as they should: then it is asked again.
        let mut fetched = client()
            .fetch(&servers, hash(&blob), length as u64, &mine)
            .await;
        while fetched.as_ref().is_err_and(|error| error.is_transient()) {
            fetched = client()
                .fetch(&servers, hash(&blob), length as u64, &mine)
                .await;
        }
        assert_eq!(fetched.unwrap(), length as u64, "seed {seed}");
        assert_eq!(mine.get(hash(&blob), length as u64).await.unwrap(), blob);
        let asked = server.asked();
        // A new call asks for the last group again, which brings the hashes to check the others.
        let goes_on = |pair: &[u64]| pair[0] <= pair[1] + GROUP_BYTES;
        assert!(asked.windows(2).all(goes_on), "seed {seed}: {asked:?}");
    }
}
