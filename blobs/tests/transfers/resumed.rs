//! Downloads that go on after a break, another process, or a server that wants to spoil them.

use crate::fixture::{assert_fetched, cut, encode, hash, quick, random, stall, store, Scripted};
use axum::{http::StatusCode, response::Response};
use mizan_blobs::{BlobClient, ClientSettings, LocalBlobStore, TransferError, GROUP_BYTES};
use std::time::Duration;

const LENGTH: usize = 1_000_000;

#[tokio::test]
async fn a_download_outlives_the_process() {
    let blob = random(LENGTH, 13);
    let good = blob.clone();
    let stalls =
        Scripted::start(move |_, from| Response::new(stall(&encode(&good, &good, from), 700_000)))
            .await;
    let (folder, mine) = store();
    let short = BlobClient::new(ClientSettings {
        total: Duration::from_secs(1),
        ..quick()
    });
    let servers = [stalls.url.clone()];
    let error = short
        .unwrap()
        .fetch(&servers, hash(&blob), LENGTH as u64, &mine)
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::OutOfTime { .. }), "{error}");
    drop(mine);
    // Another process would start here.
    let mine = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
    let honest = Scripted::honest(&blob).await;
    assert_fetched(std::slice::from_ref(&honest.url), &blob, &mine).await;
    let asked = honest.asked();
    assert!(asked.len() == 1 && asked[0] >= 600_000, "{asked:?}");
}

#[tokio::test]
async fn what_an_earlier_process_left_is_not_believed() {
    let blob = random(LENGTH, 14);
    for (length, wrong) in [
        (700_000, 100_000),
        (700_000, 699_000),
        (3_000_000, 5),
        (LENGTH, 0),
    ] {
        let (_folder, mine) = store();
        let mut left = blob.clone();
        left.resize(length, 1);
        left[wrong] ^= 1;
        let path = mine.folder().join("partial").join(hex::encode(hash(&blob)));
        std::fs::write(&path, left).unwrap();
        let honest = Scripted::honest(&blob).await;
        assert_fetched(std::slice::from_ref(&honest.url), &blob, &mine).await;
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn whoever_says_that_the_blob_is_shorter_does_not_cost_what_is_here() {
    let blob = random(LENGTH, 18);
    let denies = Scripted::start(|_, _| {
        let mut answer = Response::default();
        *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        answer
    })
    .await;
    let honest = Scripted::honest(&blob).await;
    let good = blob.clone();
    let cuts = Scripted::start(move |_, from| {
        let encoded = encode(&good, &good, from);
        Response::new(cut(&encoded, 300_000))
    })
    .await;
    // What another process left, and what came just before.
    let servers = [&cuts, &denies, &honest].map(|server| server.url.clone());
    for (left, servers) in [(290_000, &servers[1..]), (0, &servers[..])] {
        let (_folder, mine) = store();
        let name = hex::encode(hash(&blob));
        std::fs::write(mine.folder().join("partial").join(name), &blob[..left]).unwrap();
        assert_fetched(servers, &blob, &mine).await;
    }
    let asked = honest.asked();
    assert!(
        asked.len() == 2 && asked.iter().all(|from| *from >= 17 * GROUP_BYTES),
        "{asked:?}"
    );
}

#[tokio::test]
async fn two_downloads_of_one_blob_fetch_it_once() {
    let blob = random(LENGTH, 15);
    let honest = Scripted::honest(&blob).await;
    let (_folder, mine) = store();
    let servers = [honest.url.clone()];
    tokio::join!(
        assert_fetched(&servers, &blob, &mine),
        assert_fetched(&servers, &blob, &mine)
    );
    assert_eq!(honest.asked(), [0]);
}
