//! Uploads that go well, at last.

use crate::fixture::{bearer, client, hash, kind, random, store, token_right, until, Served};
use bytes::Bytes;
use futures::{stream, StreamExt};
use mizan_blobs::{
    Accounts, Admission, BlobStore, Content, Gate, Hash, Limits, Reason, Settings, TransferError,
    Upload, UploadRight, Url,
};
use reqwest::{Body, Client};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
};
use subxt_signer::sr25519::dev;

/// A body that breaks off after these bytes.
fn broken(bytes: &[u8]) -> Body {
    let pieces = [
        Ok(Bytes::copy_from_slice(bytes)),
        Err(io::Error::other("broken off")),
    ];
    Body::wrap_stream(stream::iter(pieces))
}

/// A body that does not go on.
fn paused(bytes: &[u8]) -> Body {
    let start = stream::iter([io::Result::Ok(Bytes::copy_from_slice(bytes))]);
    Body::wrap_stream(start.chain(stream::pending()))
}

async fn arrived(served: &Served, blob: &[u8]) -> u64 {
    let request = Client::new()
        .get(served.upload(hash(blob)))
        .header("authorization", bearer())
        .header("upload-length", blob.len());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = answer.headers()["upload-offset"]
        .to_str()
        .unwrap()
        .to_owned();
    let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["arrived"].to_string(), header);
    body["arrived"].as_u64().unwrap()
}

#[tokio::test]
async fn blobs_of_any_size_are_pushed_and_fetched() {
    let served = Served::start().await;
    let ((_mine, mine), (_yours, yours)) = (store(), store());
    let servers = [served.url.clone()];
    for length in [0, 1, 1024, 16_383, 16_384, 16_385, 5_000_000] {
        let blob = random(length, 20);
        let name = mine.put(&blob).await.unwrap();
        for _ in 0..2 {
            let pushed = client()
                .push(&servers, name, &mine, &token_right(), None)
                .await;
            assert_eq!(pushed.unwrap().on, servers);
        }
        client()
            .fetch(&servers, name, length as u64, &yours)
            .await
            .unwrap();
        // A process that shares the server's folder has it too.
        assert_eq!(served.store.get(name, length as u64).await.unwrap(), blob);
    }
    assert_eq!(served.staged(), 0);
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off() {
    let blob = random(2_000_000, 21);
    // Whoever sends a byte twice is over the quota.
    let limits = Limits {
        max_bytes_per_day: 2_000_000,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let served = Served::with(settings, Box::new(mizan_blobs::Nobody)).await;
    let url = served.blob(hash(&blob));
    let request = Client::new().put(url).header("authorization", bearer());
    let request = request.header("content-length", blob.len());
    assert!(request
        .body(broken(&blob[..1_200_000]))
        .send()
        .await
        .is_err());
    until("the end of the broken upload", || async {
        arrived(&served, &blob).await == 1_200_000
    })
    .await;
    let (_folder, mine) = store();
    let name = mine.put(&blob).await.unwrap();
    let servers = [served.url.clone()];
    client()
        .push(&servers, name, &mine, &token_right(), None)
        .await
        .unwrap();
    assert_eq!(served.store.get(name, 2_000_000).await.unwrap(), blob);
    assert_eq!(arrived(&served, &blob).await, 2_000_000);
}

#[tokio::test]
async fn a_wrong_offset_is_told_the_right_one() {
    let served = Served::start().await;
    let blob = random(1000, 22);
    let request = |offset: u64, body: &[u8]| {
        let request = Client::new().put(served.blob(hash(&blob)));
        let request = request.header("authorization", bearer());
        request
            .header("upload-offset", offset)
            .body(body.to_vec())
            .send()
    };
    let answer = request(500, &blob[500..]).await.unwrap();
    assert_eq!(answer.headers()["upload-offset"], "0");
    assert_eq!(kind(answer).await, (409, "wrong_offset".into()));
    assert_eq!(request(0, &blob).await.unwrap().status(), 201);
}

#[tokio::test]
async fn two_uploads_of_one_blob_at_once_both_end_well() {
    let accounts = [dev::alice(), dev::bob()];
    let gate = Accounts(accounts.iter().map(|key| key.public_key().0).collect());
    let served = Served::with(Settings::default(), Box::new(gate)).await;
    let (_folder, mine) = store();
    let blob = random(3_000_000, 23);
    let name = mine.put(&blob).await.unwrap();
    let (servers, client) = ([served.url.clone()], client());
    let [alice, bob] = accounts.map(UploadRight::Key);
    let push = |right| client.push(&servers, name, &mine, right, None);
    // Of one account the second waits for the first, of two they go side by side.
    let (one, two, three) = tokio::join!(push(&alice), push(&alice), push(&bob));
    for pushed in [one, two, three] {
        assert_eq!(pushed.unwrap().on, servers);
    }
    assert_eq!(served.store.get(name, 3_000_000).await.unwrap(), blob);
    assert_eq!(served.staged(), 0);
}

#[tokio::test]
async fn an_uploader_can_not_spoil_the_upload_of_another() {
    let gate = Accounts(HashSet::from([dev::bob().public_key().0]));
    let served = Served::with(Settings::default(), Box::new(gate)).await;
    let (_folder, mine) = store();
    let blob = random(300_000, 24);
    let name = mine.put(&blob).await.unwrap();
    // Somebody with a token claims that other bytes are the start of it, and does not go on.
    let request = Client::new()
        .put(served.blob(name))
        .header("authorization", bearer());
    let request = request.header("content-length", blob.len());
    let spoiling = tokio::spawn(request.body(paused(&random(100_000, 25))).send());
    until("the spoiling bytes", || async { served.staged() == 1 }).await;
    let bob = UploadRight::Key(dev::bob());
    client()
        .push(std::slice::from_ref(&served.url), name, &mine, &bob, None)
        .await
        .unwrap();
    assert_eq!(served.store.get(name, 300_000).await.unwrap(), blob);
    spoiling.abort();
}

#[tokio::test]
async fn while_an_upload_goes_on_the_same_one_has_to_wait() {
    let limits = Limits {
        max_uploads: 1,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let served = Served::with(settings, Box::new(mizan_blobs::Nobody)).await;
    let (one, two) = (random(1000, 26), random(1000, 27));
    let put = |blob: &[u8], body: Body| {
        let request = Client::new().put(served.blob(hash(blob)));
        let request = request.header("authorization", bearer());
        request
            .header("content-length", blob.len())
            .body(body)
            .send()
    };
    let first = tokio::spawn(put(&one, paused(&one[..10])));
    until("the first bytes", || async { served.staged() == 1 }).await;
    let again = put(&one, one.clone().into()).await.unwrap();
    assert_eq!(kind(again).await, (409, "busy".into()));
    let another = put(&two, two.clone().into()).await.unwrap();
    assert_eq!(kind(another).await, (503, "too_many_uploads".into()));
    first.abort();
    until("room for the next", || async {
        put(&one, one.clone().into()).await.unwrap().status() == 201
    })
    .await;
}

#[tokio::test]
async fn a_push_says_which_servers_have_it_and_why_others_have_not() {
    let served = Served::start().await;
    let dead: Url = "http://127.0.0.1:1".parse().unwrap();
    let (_folder, mine) = store();
    let name = mine.put(b"hello").await.unwrap();
    let servers = [dead.clone(), served.url.clone()];
    let pushed = client()
        .push(&servers, name, &mine, &token_right(), None)
        .await
        .unwrap();
    assert_eq!(pushed.on, std::slice::from_ref(&served.url));
    assert_eq!(pushed.failed[0].server, dead.to_string());
    assert!(matches!(pushed.failed[0].reason, Reason::Unreachable(_)));
    let error = client()
        .push(&[dead], name, &mine, &token_right(), None)
        .await
        .unwrap_err();
    assert!(matches!(&error, TransferError::Failed { failures, .. } if failures.len() == 1));
    let error = client()
        .push(&servers, [9; 32], &mine, &token_right(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, TransferError::Local(_)), "{error}");
}

/// A gate that remembers what it was asked.
struct Remembers(Arc<Mutex<Vec<Upload>>>);

impl Gate for Remembers {
    fn admit<'a>(&'a self, upload: &'a Upload) -> Admission<'a> {
        Box::pin(async {
            self.0.lock().unwrap().push(upload.clone());
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_gate_is_told_who_uploads_what_for_which_job() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let served = Served::with(Settings::default(), Box::new(Remembers(asked.clone()))).await;
    let (_folder, mine) = store();
    let name: Hash = mine.put(b"hello").await.unwrap();
    let right = UploadRight::Key(dev::eve());
    client()
        .push(
            std::slice::from_ref(&served.url),
            name,
            &mine,
            &right,
            Some(7),
        )
        .await
        .unwrap();
    let upload = Upload {
        account: dev::eve().public_key().0,
        job: Some(7),
        content: Content::Blob,
        hash: name,
        length: 5,
    };
    let asked = asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| *asked == upload),
        "{asked:?}"
    );
}
