//! What a server gives, to our client and to others.

use crate::fixture::{bearer, client, hash, kind, random, store, token_right, Served};
use mizan_blobs::{
    object_store::memory::InMemory, BlobStore, GarbageRules, Nobody, Reason, Settings, Storage,
    TransferError, Url,
};
use std::{collections::HashSet, sync::Arc, time::Duration};

#[tokio::test]
async fn blobs_of_any_size_that_somebody_put_into_the_folder_are_fetched() {
    let served = Served::start().await;
    let (_folder, mine) = store();
    for length in [0, 1, 1024, 1025, 16_383, 16_384, 16_385, 5_000_000] {
        let blob = random(length, 1);
        let name = served.store.put(&blob).await.unwrap();
        assert!(client().has(&served.url, name).await.unwrap());
        let servers = [served.url.clone()];
        let fetched = client().fetch(&servers, name, length as u64, &mine).await;
        assert_eq!(fetched.unwrap(), length as u64);
        assert_eq!(mine.get(name, length as u64).await.unwrap(), blob);
    }
    // What is here is not fetched again.
    let name = hash(&random(1024, 1));
    assert_eq!(client().fetch(&[], name, 1024, &mine).await.unwrap(), 1024);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let (one, two) = (Served::start().await, Served::start().await);
    let (_folder, mine) = store();
    let servers = [one.url.clone(), two.url.clone()];
    let refused = client()
        .fetch(&servers, [7; 32], 9, &mine)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, TransferError::NotFound { servers: 2, .. }),
        "{refused}"
    );
    assert!(!refused.is_transient());
    assert!(!client().has(&one.url, [7; 32]).await.unwrap());
    let refused = client().fetch(&[], [7; 32], 9, &mine).await.unwrap_err();
    assert!(matches!(refused, TransferError::NoServers));
}

#[tokio::test]
async fn a_damaged_blob_here_is_fetched_again() {
    let served = Served::start().await;
    let (_folder, mine) = store();
    let blob = random(40_000, 2);
    let name = served.store.put(&blob).await.unwrap();
    mine.put(&blob).await.unwrap();
    std::fs::write(mine.path_of(name), b"damaged").unwrap();
    client()
        .fetch(&[served.url], name, 40_000, &mine)
        .await
        .unwrap();
    assert_eq!(mine.get(name, 40_000).await.unwrap(), blob);
}

#[tokio::test]
async fn plain_downloads_work_as_http_says() {
    let served = Served::start().await;
    let blob = random(100_000, 3);
    let url = served.blob(served.store.put(&blob).await.unwrap());
    let http = reqwest::Client::new();
    let all = http.get(url.clone()).send().await.unwrap();
    assert_eq!(all.status(), 200);
    assert_eq!(all.headers()["x-content-type-options"], "nosniff");
    assert_eq!(all.headers()["content-length"], "100000");
    assert_eq!(all.bytes().await.unwrap(), blob);
    let head = http.head(url.clone()).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "100000");
    assert_eq!(head.headers()["accept-ranges"], "bytes");
    for (range, from, to) in [
        ("50000-", 50_000, 100_000),
        ("10-19", 10, 20),
        ("-5", 99_995, 100_000),
    ] {
        let part = http
            .get(url.clone())
            .header("range", format!("bytes={range}"));
        let part = part.send().await.unwrap();
        assert_eq!(part.status(), 206);
        let content_range = format!("bytes {from}-{}/100000", to - 1);
        assert_eq!(part.headers()["content-range"], content_range.as_str());
        assert_eq!(part.bytes().await.unwrap(), blob[from..to]);
    }
    let beyond = http
        .get(url)
        .header("range", "bytes=100000-")
        .send()
        .await
        .unwrap();
    assert_eq!(beyond.headers()["content-range"], "bytes */100000");
    assert_eq!(kind(beyond).await, (416, "range_not_satisfiable".into()));
}

#[tokio::test]
async fn errors_are_json_with_a_kind() {
    let served = Served::start().await;
    let http = reqwest::Client::new();
    let missing = "00".repeat(32);
    for (path, status, name) in [
        ("nowhere".to_owned(), 404, "not_found"),
        ("v1/blobs/xyz".into(), 400, "bad_request"),
        ("v1/blobs/..%2f..%2fetc%2fpasswd".into(), 400, "bad_request"),
        (format!("v1/blobs/{missing}"), 404, "not_found"),
        (format!("v1/blobs/{missing}/verified"), 404, "not_found"),
        (format!("v1/uploads/{missing}"), 400, "bad_request"),
    ] {
        let answer = http.get(served.at(&path)).send().await.unwrap();
        assert_eq!(kind(answer).await, (status, name.into()), "{path}");
    }
    let answer = http
        .delete(served.at(&format!("v1/blobs/{missing}")))
        .send();
    let answer = kind(answer.await.unwrap()).await;
    assert_eq!(answer, (405, "method_not_allowed".into()));
    let name = served.store.put(b"hello").await.unwrap();
    let beyond = format!("v1/blobs/{}/verified?from=5", hex::encode(name));
    let answer = http.get(served.at(&beyond)).send().await.unwrap();
    assert_eq!(kind(answer).await, (416, "range_not_satisfiable".into()));
    let health = http.get(served.at("v1/health")).send().await.unwrap();
    let health: serde_json::Value = serde_json::from_slice(&health.bytes().await.unwrap()).unwrap();
    assert_eq!(health["ready"], true);
}

#[tokio::test]
async fn a_blob_that_was_damaged_on_the_server_is_not_sent_and_can_be_uploaded_again() {
    let served = Served::start().await;
    let (_folder, mine) = store();
    let blob = random(50_000, 4);
    let name = mine.put(&blob).await.unwrap();
    served.store.put(&blob).await.unwrap();
    let mut damaged = blob.clone();
    damaged[30_000] ^= 1;
    std::fs::write(served.store.path_of(name), damaged).unwrap();
    let (_other, other) = store();
    let servers = [served.url.clone()];
    let refused = client()
        .fetch(&servers, name, 50_000, &other)
        .await
        .unwrap_err();
    let reason = &refused.failures()[0].reason;
    assert!(
        matches!(reason, Reason::Refused { kind, .. } if kind == "corrupt"),
        "{reason}"
    );
    let right = token_right();
    client()
        .push(&servers, name, &mine, &right, None)
        .await
        .unwrap();
    client()
        .fetch(&servers, name, 50_000, &other)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_object_store_serves_as_well_as_a_folder() {
    let (folder, mine) = store();
    let objects = Arc::new(InMemory::new());
    let staging = folder.path().join("staging");
    let storage = Storage::in_object_store(objects.clone(), &staging).unwrap();
    let served = Served::on(
        folder,
        mine.clone(),
        storage,
        Settings::default(),
        Box::new(Nobody),
    )
    .await;
    let right = token_right();
    let servers = [served.url.clone()];
    let (_other, other) = store();
    for length in [0, 1, 16_384, 3_000_000] {
        let blob = random(length, 5);
        let name = mine.put(&blob).await.unwrap();
        let pushed = client().push(&servers, name, &mine, &right, None).await;
        assert_eq!(pushed.unwrap().on, servers);
        client()
            .fetch(&servers, name, length as u64, &other)
            .await
            .unwrap();
        assert_eq!(other.get(name, length as u64).await.unwrap(), blob);
    }
    assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0);
    assert_eq!(served.storage.total_bytes().await.unwrap(), 3_016_385);
    let rules = GarbageRules {
        max_age: Some(Duration::ZERO),
        keep: HashSet::from([hash(&random(1, 5))]),
        ..GarbageRules::default()
    };
    let collected = served.storage.collect_garbage(&rules).await.unwrap();
    assert_eq!((collected.blobs, collected.bytes_left), (3, 1));
    assert!(!client().has(&served.url, hash(&[])).await.unwrap());
}

#[tokio::test]
async fn a_download_is_finished_before_the_server_stops() {
    let mut served = Served::start().await;
    let blob = random(8_000_000, 6);
    let name = served.store.put(&blob).await.unwrap();
    let mut answer = reqwest::get(served.blob(name)).await.unwrap();
    let mut got = answer.chunk().await.unwrap().unwrap().to_vec();
    served.stop.take().unwrap().send(()).unwrap();
    while let Some(piece) = answer.chunk().await.unwrap() {
        got.extend_from_slice(&piece);
    }
    assert_eq!(got, blob);
    served.done.await.unwrap();
    let (_folder, mine) = store();
    let refused = client()
        .fetch(&[served.url], name, 8_000_000, &mine)
        .await
        .unwrap_err();
    assert!(
        matches!(refused.failures()[0].reason, Reason::Unreachable(_)),
        "{refused}"
    );
    assert!(refused.is_transient());
}

#[tokio::test]
async fn a_server_behind_a_path_is_found() {
    let served = Served::start().await;
    let blob = served.store.put(b"hello").await.unwrap();
    let wrong: Url = served.at("mizan/");
    assert!(!client().has(&wrong, blob).await.unwrap());
    assert!(client().has(&served.at("?x=1"), blob).await.unwrap());
    let answer = reqwest::Client::new()
        .put(served.blob(blob))
        .header("authorization", bearer());
    assert_eq!(answer.body("hello").send().await.unwrap().status(), 200);
}
