//! Advice lists: put by whom the gate lets in, got by all, replaced, and removed.

use crate::fixture::{bearer, client, hash, kind, store, token_right, until, Served};
use axum::{body::Body, http::StatusCode, response::Response, routing::get, Router};
use bytes::Bytes;
use futures::{stream, StreamExt};
use mizan_blobs::{
    object_store::memory::InMemory, Accounts, Accumulators, Admission, AdviceList, BlobClient,
    ClientSettings, Collected, Content, GarbageRules, Gate, Limits, Nobody, Reason, Settings,
    Storage, Upload, UploadRight, Url,
};
use reqwest::Client;
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use subxt_signer::sr25519::{dev, Keypair};

const JOB: u64 = 7;

/// A list of that many operations.
fn list(operations: u16) -> AdviceList {
    let named = (0..operations).map(|operation| Accumulators {
        operation,
        hash: [9; 32],
        bytes: 40,
    });
    AdviceList::new(named.collect()).unwrap()
}

/// A server that lets Alice in and nobody else.
async fn alice_only(limits: Limits) -> Served {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let gate = Accounts(HashSet::from([dev::alice().public_key().0]));
    Served::with(settings, Box::new(gate)).await
}

/// The header for a list, as the manual says.
fn signed(key: &Keypair, served: &Served, what: &str, job: u64, body: &[u8]) -> String {
    let port = served.url.port().unwrap();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let expires = time.as_secs() + 60;
    let message = format!(
        "<Bytes>mizan: upload {what}\nserver=127.0.0.1:{port}\nhash=0x{}\nlength={}\n\
         expires={expires}\njob={job}</Bytes>",
        hex::encode(hash(body)),
        body.len(),
    );
    format!(
        "Mizan account={},expires={expires},job={job},signature={}",
        key.public_key().to_account_id(),
        hex::encode(key.sign(message.as_bytes()).0)
    )
}

async fn put(served: &Served, job: &str, right: &str, body: &[u8]) -> reqwest::Response {
    let url = served.at(&format!("v1/advice/{job}"));
    let request = Client::new()
        .put(url)
        .query(&[("hash", hex::encode(hash(body)))]);
    let request = request.header("authorization", right).body(body.to_vec());
    request.send().await.unwrap()
}

async fn got(served: &Served, job: u64) -> Result<AdviceList, Reason> {
    let got = client().advice_list(&served.url, job).await;
    got.map_err(|failure| failure.reason)
}

#[tokio::test]
async fn a_list_is_put_by_an_account_got_by_all_and_replaced_as_a_whole() {
    let served = alice_only(Limits::default()).await;
    assert_eq!(got(&served, JOB).await, Err(Reason::NotFound));
    let right = UploadRight::Key(dev::alice());
    let servers = [served.url.clone()];
    for operations in [3, 5, 0, 4_096] {
        let list = list(operations);
        let pushed = client().put_advice_list(&servers, JOB, &list, &right).await;
        assert_eq!(pushed.unwrap().on, servers);
        assert_eq!(got(&served, JOB).await, Ok(list));
    }
    assert_eq!(got(&served, JOB + 1).await, Err(Reason::NotFound));
    assert_eq!(served.staged(), 0);
}

#[tokio::test]
async fn the_first_list_is_created_and_the_next_replaces_it() {
    let served = Served::start().await;
    for (operations, status) in [(1, 201), (1, 200), (2, 200)] {
        let body = list(operations).encode();
        let answer = put(&served, "7", &bearer(), &body).await;
        assert_eq!(answer.status(), status);
        let answer = reqwest::get(served.at("v1/advice/7")).await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.bytes().await.unwrap(), body);
    }
}

#[tokio::test]
async fn unknown_jobs_and_what_is_no_job_have_no_list() {
    let served = Served::start().await;
    let answer = reqwest::get(served.at("v1/advice/8")).await.unwrap();
    assert_eq!(kind(answer).await, (404, "not_found".into()));
    for job in ["x", "-1", "99999999999999999999"] {
        let url = served.at(&format!("v1/advice/{job}"));
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(kind(answer).await, (400, "bad_request".into()), "{job}");
    }
}

#[tokio::test]
async fn a_signature_for_an_upload_or_another_job_is_none_for_a_list() {
    let served = alice_only(Limits::default()).await;
    let body = list(3).encode();
    let by = |key: Keypair, what: &str, job| signed(&key, &served, what, job, &body);
    for (right, expected) in [
        (by(dev::alice(), "blob", JOB), (401, "unauthorized")),
        (by(dev::alice(), "advice list", 8), (401, "unauthorized")),
        (by(dev::bob(), "advice list", JOB), (403, "not_allowed")),
        (
            "Bearer another-token-of-somebody".into(),
            (401, "unauthorized"),
        ),
    ] {
        let answer = put(&served, "7", &right, &body).await;
        let (status, kind) = kind(answer).await;
        assert_eq!((status, kind.as_str()), expected, "{right}");
    }
    // Nor is one for a list any for an upload.
    let right = by(dev::alice(), "advice list", JOB);
    let request = Client::new().put(served.blob(hash(&body)));
    let request = request.header("authorization", right).body(body.clone());
    let answer = request.send().await.unwrap();
    assert_eq!(kind(answer).await, (401, "unauthorized".into()));
    assert_eq!(got(&served, JOB).await, Err(Reason::NotFound));
    let right = by(dev::alice(), "advice list", JOB);
    assert_eq!(put(&served, "7", &right, &body).await.status(), 201);
}

#[tokio::test]
async fn too_long_lists_other_bytes_and_garbage_leave_what_was_there() {
    let served = Served::start().await;
    let good = list(3);
    let body = good.encode();
    assert_eq!(put(&served, "7", &bearer(), &body).await.status(), 201);
    let long = vec![b' '; (512 << 10) + 1];
    let answer = put(&served, "7", &bearer(), &long).await;
    assert_eq!(kind(answer).await, (413, "too_large".into()));
    for bad in [&b"garbage"[..], b"{\"version\":2,\"accumulators\":[]}"] {
        let answer = put(&served, "7", &bearer(), bad).await;
        assert_eq!(kind(answer).await, (400, "bad_request".into()));
    }
    let request = |query: Option<String>| {
        let request = Client::new().put(served.at("v1/advice/7"));
        let request = request.query(
            &query
                .map(|hash| ("hash", hash))
                .into_iter()
                .collect::<Vec<_>>(),
        );
        let request = request.header("authorization", bearer());
        request.body(body.clone()).send()
    };
    let answer = request(Some("11".repeat(32))).await.unwrap();
    assert_eq!(kind(answer).await, (422, "hash_mismatch".into()));
    let answer = request(None).await.unwrap();
    assert_eq!(kind(answer).await, (400, "bad_request".into()));
    assert_eq!(got(&served, JOB).await, Ok(good));
}

#[tokio::test]
async fn lists_are_within_the_quota_and_the_room() {
    let body = list(3).encode();
    let bytes = body.len() as u64;
    let served = alice_only(Limits {
        max_total_bytes: 2 * bytes,
        max_bytes_per_day: 2 * bytes + bytes / 2,
        ..Limits::default()
    })
    .await;
    for (job, expected) in [(1, 201), (2, 201), (3, 507)] {
        let right = signed(&dev::alice(), &served, "advice list", job, &body);
        let answer = put(&served, &job.to_string(), &right, &body).await;
        assert_eq!(answer.status(), expected);
    }
    assert_eq!(served.storage.total_bytes().await.unwrap(), 2 * bytes);
    let served = alice_only(Limits {
        max_bytes_per_day: bytes,
        ..Limits::default()
    })
    .await;
    for status in [201, 429] {
        let right = signed(&dev::alice(), &served, "advice list", JOB, &body);
        assert_eq!(put(&served, "7", &right, &body).await.status(), status);
    }
}

/// Lists that were not used for longer than no time at all.
fn all() -> GarbageRules {
    GarbageRules {
        max_age: Some(Duration::ZERO),
        ..GarbageRules::default()
    }
}

#[tokio::test]
async fn lists_are_garbage_as_blobs_are() {
    let served = Served::start().await;
    let body = list(2).encode();
    for job in ["1", "2"] {
        assert_eq!(put(&served, job, &bearer(), &body).await.status(), 201);
    }
    let bytes = body.len() as u64;
    let young = GarbageRules {
        max_age: Some(Duration::from_secs(3_600)),
        ..GarbageRules::default()
    };
    let kept = served.storage.collect_garbage(&young).await.unwrap();
    assert_eq!((kept.advice_lists, kept.bytes_left), (0, 2 * bytes));
    let one = GarbageRules {
        max_total_bytes: Some(bytes),
        ..GarbageRules::default()
    };
    let collected = served.storage.collect_garbage(&one).await.unwrap();
    let expected = Collected {
        blobs: 0,
        advice_lists: 1,
        bytes,
        uploads: 0,
        bytes_left: bytes,
    };
    assert_eq!(collected, expected);
    until("the other list to be old", || async {
        served
            .storage
            .collect_garbage(&all())
            .await
            .unwrap()
            .advice_lists
            == 1
    })
    .await;
    for job in [1, 2] {
        assert_eq!(got(&served, job).await, Err(Reason::NotFound));
    }
}

#[tokio::test]
async fn lists_outlive_the_server_and_an_object_store_keeps_them_as_well() {
    let objects = Arc::new(InMemory::new());
    let body = list(2).encode();
    for attempt in 0..2 {
        let (folder, mine) = store();
        let storage = Storage::in_object_store(objects.clone(), folder.path().join("staging"));
        let storage = storage.unwrap();
        let settings = Settings::default();
        let mut served = Served::on(folder, mine, storage, settings, Box::new(Nobody)).await;
        if attempt == 0 {
            assert_eq!(put(&served, "7", &bearer(), &body).await.status(), 201);
        }
        assert_eq!(got(&served, JOB).await, Ok(list(2)));
        served.stop.take().unwrap().send(()).unwrap();
        served.done.await.unwrap();
        assert_eq!(
            served.storage.total_bytes().await.unwrap(),
            body.len() as u64
        );
        if attempt == 1 {
            until("the list to be old", || async {
                served
                    .storage
                    .collect_garbage(&all())
                    .await
                    .unwrap()
                    .advice_lists
                    == 1
            })
            .await;
            // Nor is a note of its last use left.
            assert_eq!(served.storage.total_bytes().await.unwrap(), 0);
        }
    }
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
async fn the_gate_is_told_that_it_is_a_list_and_for_which_job() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let served = Served::with(Settings::default(), Box::new(Remembers(asked.clone()))).await;
    let right = UploadRight::Key(dev::eve());
    let servers = [served.url.clone()];
    let (client, list) = (client(), list(2));
    let pushed = client.put_advice_list(&servers, JOB, &list, &right);
    pushed.await.unwrap();
    let body = list.encode();
    let upload = Upload {
        account: dev::eve().public_key().0,
        job: Some(JOB),
        content: Content::AdviceList,
        hash: hash(&body),
        length: body.len() as u64,
    };
    assert_eq!(*asked.lock().unwrap(), [upload]);
}

#[tokio::test]
async fn a_put_says_which_servers_took_the_list() {
    let served = Served::start().await;
    let dead: Url = "http://127.0.0.1:1".parse().unwrap();
    let servers = [dead.clone(), served.url.clone()];
    let (client, list, right) = (client(), list(2), token_right());
    let pushed = client.put_advice_list(&servers, JOB, &list, &right).await;
    let pushed = pushed.unwrap();
    assert_eq!(pushed.on, std::slice::from_ref(&served.url));
    assert_eq!(pushed.failed[0].server, dead.to_string());
    let refused = client.put_advice_list(&[dead], JOB, &list, &right).await;
    assert!(refused.is_err());
}

/// A server that answers whoever asks for a list so.
async fn answers(body: impl Fn() -> Body + Clone + Send + Sync + 'static) -> Url {
    let answer = move || {
        let response = Response::builder().status(StatusCode::OK);
        let response = response.body(body()).unwrap();
        async move { response }
    };
    let router = Router::new().route("/v1/advice/{job}", get(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().unwrap()
}

#[tokio::test]
async fn servers_that_give_garbage_too_much_or_no_end_are_left() {
    let endless = || {
        let pieces = stream::repeat_with(|| io::Result::Ok(Bytes::from_static(&[b' '; 10_000])));
        Body::from_stream(pieces)
    };
    let silent = || {
        let start = stream::iter([io::Result::Ok(Bytes::from_static(b"{"))]);
        Body::from_stream(start.chain(stream::pending()))
    };
    let impatient = BlobClient::new(ClientSettings {
        allow_private: true,
        idle: Duration::from_millis(200),
        ..ClientSettings::default()
    })
    .unwrap();
    let reason = async |server: &Url| {
        let refused = impatient.advice_list(server, JOB).await;
        refused.unwrap_err().reason
    };
    let garbage = answers(|| "garbage".into()).await;
    let said = reason(&garbage).await;
    assert!(matches!(&said, Reason::Refused { kind, .. } if kind == "malformed"));
    let endless = answers(endless).await;
    let limit = 512 << 10;
    let said = reason(&endless).await;
    assert!(matches!(said, Reason::TooLarge { limit: told, .. } if told == limit));
    let silent = answers(silent).await;
    assert_eq!(reason(&silent).await, Reason::Stalled { offset: 0 });
}
