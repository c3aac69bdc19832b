//! Slices as the server gives them, whatever the blob, and to whom it gives none.

use crate::fixture::{client, hash, kind, random, store, token_right, Served};
use mizan_blobs::{
    object_store::memory::InMemory, BlobStore, Hash, Nobody, Reason, Settings, Storage,
    TransferError, Url, MAX_SLICE_BYTES,
};
use std::sync::Arc;

/// The slice as the referee wants it.
fn expected(blob: &[u8], start: u64, length: u32) -> Vec<u8> {
    let mut slice = Vec::new();
    mizan_tensor::write_slice(&mut slice, blob, start, length.into()).unwrap();
    slice
}

/// Some bytes of a blob: its ends, its middle, around the ends of chunks and groups.
fn ranges(blob_length: usize) -> Vec<(u64, u32)> {
    let blob_length = blob_length as u64;
    let starts = [0, 1023, 1024, 16_383, 16_384, blob_length / 2];
    let starts = starts.into_iter().chain([blob_length - 1]);
    let lengths = [1, 2, 1024, 40_000, MAX_SLICE_BYTES];
    let ranges = starts.flat_map(|start| lengths.map(|length| (start, length)));
    ranges
        .filter(|(start, length)| start + u64::from(*length) <= blob_length)
        .collect()
}

async fn ask(
    served: &Served,
    blob: &[u8],
    start: u64,
    length: u32,
) -> Result<Vec<u8>, TransferError> {
    let servers = [served.url.clone()];
    client()
        .slice(&servers, hash(blob), blob.len() as u64, start, length)
        .await
}

async fn assert_slices(served: &Served, blob: &[u8]) {
    for (start, length) in ranges(blob.len()) {
        let slice = ask(served, blob, start, length).await.unwrap();
        let right = slice == expected(blob, start, length);
        assert!(right, "{} {start} {length}", blob.len());
    }
}

async fn push(served: &Served, blob: &[u8]) {
    let (_folder, mine) = store();
    let name = mine.put(blob).await.unwrap();
    let (servers, right) = ([served.url.clone()], token_right());
    client()
        .push(&servers, name, &mine, &right, None)
        .await
        .unwrap();
}

fn slice_url(served: &Served, name: Hash, query: &str) -> Url {
    let name = hex::encode(name);
    served.at(&format!("v1/blobs/{name}/slice{query}"))
}

#[tokio::test]
async fn slices_of_blobs_of_any_size_are_those_that_the_referee_reads() {
    let served = Served::start().await;
    for length in [
        1, 1023, 1024, 1025, 16_383, 16_384, 16_385, 32_768, 49_153, 5_000_000,
    ] {
        let blob = random(length, 70);
        served.store.put(&blob).await.unwrap();
        assert_slices(&served, &blob).await;
    }
}

#[tokio::test]
async fn an_object_store_gives_slices_too() {
    let (folder, mine) = store();
    let staging = folder.path().join("staging");
    let storage = Storage::in_object_store(Arc::new(InMemory::new()), staging).unwrap();
    let (settings, gate) = (Settings::default(), Box::new(Nobody));
    let served = Served::on(folder, mine, storage, settings, gate).await;
    for length in [1, 16_385, 3_000_000] {
        let blob = random(length, 71);
        push(&served, &blob).await;
        assert_slices(&served, &blob).await;
    }
}

#[tokio::test]
async fn a_slice_comes_with_the_length_of_the_blob() {
    let served = Served::start().await;
    let blob = random(100_000, 72);
    let name = served.store.put(&blob).await.unwrap();
    let url = slice_url(&served, name, "?start=50000&length=2000");
    let http = reqwest::Client::new();
    let slice = expected(&blob, 50_000, 2_000);
    for request in [http.get(url.clone()), http.head(url)] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("blob-length"), "100000");
        assert_eq!(header("content-length"), slice.len().to_string());
        assert_eq!(header("content-type"), "application/octet-stream");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let body = answer.bytes().await.unwrap();
        assert!(body.is_empty() || body == slice);
    }
}

#[tokio::test]
async fn questions_without_an_answer_are_told_why() {
    let served = Served::start().await;
    let name = served.store.put(&random(2_000_000, 73)).await.unwrap();
    let empty = served.store.put(&[]).await.unwrap();
    let bad = (400, "bad_request");
    let beyond = (416, "range_not_satisfiable");
    for (name, query, told) in [
        (name, "", bad),
        (name, "?start=0", bad),
        (name, "?length=1", bad),
        (name, "?start=0&length=0", bad),
        (name, "?start=0&length=1048577", bad),
        (name, "?start=0&length=4294967297", bad),
        (name, "?start=-1&length=1", bad),
        (name, "?start=0&length=x", bad),
        (name, "?start=2000000&length=1", beyond),
        (name, "?start=1999999&length=2", beyond),
        (name, "?start=18446744073709551615&length=1", beyond),
        (empty, "?start=0&length=1", beyond),
        ([7; 32], "?start=0&length=1", (404, "not_found")),
    ] {
        let answer = reqwest::get(slice_url(&served, name, query)).await.unwrap();
        if told == beyond {
            let length = if name == empty { 0 } else { 2_000_000 };
            let range = format!("bytes */{length}");
            assert_eq!(answer.headers()["content-range"], range.as_str());
        }
        assert_eq!(kind(answer).await, (told.0, told.1.into()), "{query}");
    }
    let bad_name = served.at("v1/blobs/xyz/slice?start=0&length=1");
    let answer = reqwest::get(bad_name).await.unwrap();
    assert_eq!(kind(answer).await, (400, "bad_request".into()));
    let url = slice_url(&served, name, "?start=0&length=1");
    let answer = reqwest::Client::new().put(url).send().await.unwrap();
    assert_eq!(kind(answer).await, (405, "method_not_allowed".into()));
}

/// A server whose blob of 100,000 bytes was damaged in its second group after it was checked.
async fn damaged_later(blob: &[u8]) -> Served {
    let served = Served::start().await;
    let name = served.store.put(blob).await.unwrap();
    assert_slices(&served, blob).await;
    let mut damaged = blob.to_vec();
    damaged[20_000] ^= 1;
    std::fs::write(served.store.path_of(name), damaged).unwrap();
    served
}

#[tokio::test]
async fn only_the_groups_with_the_bytes_are_read() {
    let blob = random(100_000, 74);
    let served = damaged_later(&blob).await;
    for start in [0, 16_383, 32_768, 99_999] {
        let slice = ask(&served, &blob, start, 1).await.unwrap();
        assert_eq!(slice, expected(&blob, start, 1));
    }
}

#[tokio::test]
async fn a_damaged_group_is_not_sent_and_the_blob_can_be_uploaded_again() {
    let blob = random(100_000, 75);
    let served = damaged_later(&blob).await;
    // Another chunk of the same group than the damaged one.
    let error = ask(&served, &blob, 16_384, 1).await.unwrap_err();
    let Reason::Refused { status, kind, .. } = &error.failures()[0].reason else {
        panic!("{error}");
    };
    assert_eq!((*status, kind.as_str()), (500, "corrupt"));
    push(&served, &blob).await;
    assert_slices(&served, &blob).await;
}

#[tokio::test]
async fn a_blob_that_was_damaged_before_is_not_sent() {
    let served = Served::start().await;
    let blob = random(100_000, 76);
    let name = served.store.put(&blob).await.unwrap();
    std::fs::write(served.store.path_of(name), random(100_000, 77)).unwrap();
    let url = slice_url(&served, name, "?start=0&length=1");
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(kind(answer).await, (500, "corrupt".into()));
}
