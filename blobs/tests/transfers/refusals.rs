//! Uploads without right, over a limit, or of something else.

use crate::fixture::{bearer, client, hash, kind, random, store, Served, TOKEN};
use mizan_blobs::{
    Accounts, Admission, BlobStore, Gate, Hash, Limits, Nobody, Reason, Refusal, Settings, Upload,
    UploadRight,
};
use reqwest::{Client, Url};
use std::{
    collections::HashSet,
    time::{SystemTime, UNIX_EPOCH},
};
use subxt_signer::sr25519::{dev, Keypair};

/// What is signed, as the manual says.
struct Signed<'a> {
    key: Keypair,
    server: String,
    hash: Hash,
    length: u64,
    expires: u64,
    job: &'a str,
}

impl Signed<'_> {
    fn good(url: &Url, blob: &[u8]) -> Self {
        Self {
            key: dev::alice(),
            server: format!("127.0.0.1:{}", url.port().unwrap()),
            hash: hash(blob),
            length: blob.len() as u64,
            expires: now() + 60,
            job: "none",
        }
    }

    fn header(&self) -> String {
        let message = format!(
            "<Bytes>mizan: upload blob\nserver={}\nhash=0x{}\nlength={}\nexpires={}\njob={}</Bytes>",
            self.server,
            hex::encode(self.hash),
            self.length,
            self.expires,
            self.job
        );
        format!(
            "Mizan account={},expires={},signature={}",
            self.key.public_key().to_account_id(),
            self.expires,
            hex::encode(self.key.sign(message.as_bytes()).0)
        )
    }
}

fn now() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.unwrap().as_secs()
}

async fn put(served: &Served, name: Hash, header: Option<&str>, body: &[u8]) -> reqwest::Response {
    let mut request = Client::new().put(served.blob(name)).body(body.to_vec());
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    request.send().await.unwrap()
}

async fn alice_only(limits: Limits) -> Served {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let gate = Accounts(HashSet::from([dev::alice().public_key().0]));
    Served::with(settings, Box::new(gate)).await
}

#[tokio::test]
async fn a_signature_is_for_one_server_time_hash_length_and_job() {
    let served = alice_only(Limits::default()).await;
    let blob = random(1000, 30);
    let good = || Signed::good(&served.url, &blob);
    let mut other_job = good();
    other_job.job = "7";
    for (what, signed) in [
        (
            "another server",
            Signed {
                server: "blobs.example.org:443".into(),
                ..good()
            },
        ),
        (
            "expired",
            Signed {
                expires: now() - 61,
                ..good()
            },
        ),
        (
            "for too long",
            Signed {
                expires: now() + 3_700,
                ..good()
            },
        ),
        (
            "another length",
            Signed {
                length: 1001,
                ..good()
            },
        ),
        (
            "another hash",
            Signed {
                hash: [1; 32],
                ..good()
            },
        ),
        ("another job", other_job),
    ] {
        let answer = put(&served, hash(&blob), Some(&signed.header()), &blob).await;
        assert_eq!(kind(answer).await, (401, "unauthorized".into()), "{what}");
    }
    let bob = Signed {
        key: dev::bob(),
        ..good()
    }
    .header();
    let answer = put(&served, hash(&blob), Some(&bob), &blob).await;
    assert_eq!(kind(answer).await, (403, "not_allowed".into()));
    assert!(!served.store.contains(hash(&blob)).await.unwrap());
    assert_eq!(served.staged(), 0);
    let answer = put(&served, hash(&blob), Some(&good().header()), &blob).await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn without_right_nothing_is_taken_and_no_secret_is_told() {
    let served = Served::start().await;
    let blob = random(1000, 31);
    let wrong = [
        None,
        Some("Bearer a-token-for-some-test"),
        Some("Bearer "),
        Some("Basic bWU6c2VjcmV0"),
        Some("Mizan account=x"),
    ];
    for header in wrong {
        let answer = put(&served, hash(&blob), header, &blob).await;
        assert!(answer.headers().contains_key("www-authenticate"));
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert_eq!(status, 401, "{body}");
        assert!(
            body.contains("unauthorized") && !body.contains(TOKEN),
            "{body}"
        );
    }
    // The gate of this server is shut to accounts.
    let signed = Signed::good(&served.url, &blob).header();
    let answer = put(&served, hash(&blob), Some(&signed), &blob).await;
    assert_eq!(kind(answer).await, (403, "not_allowed".into()));
    let (_folder, mine) = store();
    let name = mine.put(&blob).await.unwrap();
    let secret = UploadRight::Token("a-token-for-some-test".into());
    let push = client()
        .push(
            std::slice::from_ref(&served.url),
            name,
            &mine,
            &secret,
            None,
        )
        .await;
    let error = push.unwrap_err();
    assert!(
        !error.is_transient() && !error.to_string().contains("some-test"),
        "{error}"
    );
    assert!(matches!(
        error.failures()[0].reason,
        Reason::Refused { status: 401, .. }
    ));
    assert_eq!(served.staged(), 0);
}

/// A gate that can't say.
struct Unsure;

impl Gate for Unsure {
    fn admit<'a>(&'a self, _: &'a Upload) -> Admission<'a> {
        Box::pin(async { Err(Refusal::Unavailable("the chain can't be reached".into())) })
    }
}

#[tokio::test]
async fn a_gate_that_can_not_say_is_asked_again_later() {
    let served = Served::with(Settings::default(), Box::new(Unsure)).await;
    let (_folder, mine) = store();
    let name = mine.put(b"hello").await.unwrap();
    let right = UploadRight::Key(dev::alice());
    let push = client()
        .push(std::slice::from_ref(&served.url), name, &mine, &right, None)
        .await;
    let error = push.unwrap_err();
    assert!(error.is_transient());
    let told = Reason::Refused {
        status: 503,
        kind: "unavailable".into(),
        message: "the chain can't be reached".into(),
    };
    assert_eq!(error.failures()[0].reason, told);
}

#[tokio::test]
async fn limits_are_kept() {
    let limits = Limits {
        max_blob_bytes: 1000,
        max_total_bytes: 2500,
        max_bytes_per_day: 1800,
        ..Limits::default()
    };
    let served = alice_only(limits).await;
    let token = bearer();
    let blobs = [40, 41, 42, 43].map(|seed| random(1000, seed));
    let long = random(1001, 44);
    let answer = put(&served, hash(&long), Some(&token), &long).await;
    assert_eq!(kind(answer).await, (413, "too_large".into()));
    let answer = put(&served, hash(&blobs[0]), Some(&token), &blobs[0]).await;
    assert_eq!(answer.status(), 201);
    let answer = put(&served, hash(&blobs[1]), Some(&token), &blobs[1]).await;
    assert_eq!(kind(answer).await, (429, "quota".into()));
    // Another account has a quota of its own, but not more room.
    for (blob, status) in [(&blobs[1], 201), (&blobs[2], 507)] {
        let signed = Signed::good(&served.url, blob).header();
        let answer = put(&served, hash(blob), Some(&signed), blob).await;
        assert_eq!(answer.status(), status);
    }
    assert_eq!(served.staged(), 0);
}

#[tokio::test]
async fn bytes_with_another_hash_leave_nothing() {
    let served = Served::start().await;
    let (blob, other) = (random(50_000, 50), random(50_000, 51));
    let answer = put(&served, hash(&blob), Some(&bearer()), &other).await;
    assert_eq!(kind(answer).await, (422, "hash_mismatch".into()));
    assert_eq!(served.staged(), 0);
    for name in [hash(&blob), hash(&other)] {
        assert!(!served.store.contains(name).await.unwrap());
        assert!(!client().has(&served.url, name).await.unwrap());
    }
    let answer = put(&served, hash(&blob), Some(&bearer()), &blob).await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn an_upload_must_say_how_long_it_is() {
    let served = Served::with(Settings::default(), Box::new(Nobody)).await;
    let blob = random(1000, 52);
    let request = || {
        let request = Client::new().put(served.blob(hash(&blob)));
        request.header("authorization", bearer())
    };
    let stream = futures::stream::iter([std::io::Result::Ok(blob.clone())]);
    let answer = request().body(reqwest::Body::wrap_stream(stream)).send();
    assert_eq!(
        kind(answer.await.unwrap()).await,
        (411, "length_required".into())
    );
    let answer = request()
        .header("upload-length", 999)
        .body(blob.clone())
        .send();
    assert_eq!(
        kind(answer.await.unwrap()).await,
        (400, "bad_request".into())
    );
    let answer = request()
        .header("upload-offset", "x")
        .body(blob.clone())
        .send();
    assert_eq!(
        kind(answer.await.unwrap()).await,
        (400, "bad_request".into())
    );
    let answer = request()
        .header("upload-offset", u64::MAX)
        .body(blob.clone())
        .send();
    assert_eq!(
        kind(answer.await.unwrap()).await,
        (400, "bad_request".into())
    );
}
