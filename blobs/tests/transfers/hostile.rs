//! Servers that lie, break off, stall, redirect, or offer too much.

use crate::fixture::{
    assert_fetched, client, cut, encode, hash, impatient, quick, random, stall, store, Scripted,
};
use axum::{body::Body, http::StatusCode, response::Response};
use bytes::Bytes;
use futures::{stream, StreamExt};
use mizan_blobs::{
    BlobClient, BlobError, BlobStore, ClientSettings, Hash, Reason, TransferError, Url, GROUP_BYTES,
};
use std::{io, time::Duration};
use tokio::time::sleep;

const LENGTH: usize = 1_000_000;

/// Fetches into a new store and gives the only server's failure.
async fn failure(client: &BlobClient, server: &Scripted, hash: Hash) -> (TransferError, Reason) {
    let (_folder, mine) = store();
    let servers = [server.url.clone()];
    let error = client
        .fetch(&servers, hash, 2_000_000, &mine)
        .await
        .unwrap_err();
    assert!(!mine.contains(hash).await.unwrap());
    let reason = error.failures()[0].reason.clone();
    (error, reason)
}

#[tokio::test]
async fn a_liar_is_found_at_any_offset_and_the_next_server_goes_on_there() {
    let blob = random(LENGTH, 1);
    for wrong in [0, 5, 16_383, 16_384, 500_000, LENGTH - 1] {
        let (good, mut sent) = (blob.clone(), blob.clone());
        sent[wrong] ^= 0x80;
        let liar =
            Scripted::start(move |_, from| Response::new(encode(&good, &sent, from).into())).await;
        let group = wrong as u64 / GROUP_BYTES * GROUP_BYTES;
        let (error, reason) = failure(&client(), &liar, hash(&blob)).await;
        assert_eq!(reason, Reason::Lied { offset: group });
        assert!(!error.is_transient());
        let honest = Scripted::honest(&blob).await;
        let (_folder, mine) = store();
        assert_fetched(&[liar.url.clone(), honest.url.clone()], &blob, &mine).await;
        assert_eq!(honest.asked(), [group]);
    }
}

#[tokio::test]
async fn a_wrong_hash_in_the_tree_is_a_lie() {
    let blob = random(LENGTH, 2);
    let good = blob.clone();
    let liar = Scripted::start(move |_, from| {
        let mut encoded = encode(&good, &good, from);
        encoded[8] ^= 1;
        Response::new(encoded.into())
    })
    .await;
    let (_, reason) = failure(&client(), &liar, hash(&blob)).await;
    assert_eq!(reason, Reason::Lied { offset: 0 });
}

#[tokio::test]
async fn a_wrong_length_is_a_lie() {
    let blob = random(LENGTH, 3);
    for claimed in [0, 1, LENGTH - 1, LENGTH + 1, LENGTH + 500_000] {
        let good = blob.clone();
        let liar = Scripted::start(move |_, from| {
            let mut encoded = encode(&good, &good, from);
            encoded[..8].copy_from_slice(&(claimed as u64).to_le_bytes());
            encoded.resize(encoded.len() + 1_000_000, 0);
            Response::new(encoded.into())
        })
        .await;
        let (_, reason) = failure(&client(), &liar, hash(&blob)).await;
        assert!(matches!(reason, Reason::Lied { .. }), "{claimed}: {reason}");
        let honest = Scripted::honest(&blob).await;
        let (_folder, mine) = store();
        assert_fetched(&[liar.url.clone(), honest.url.clone()], &blob, &mine).await;
    }
}

#[tokio::test]
async fn more_than_expected_is_refused_at_its_header() {
    let blob = random(LENGTH, 4);
    let good = blob.clone();
    // Only the header comes: nothing after it is waited for.
    let server =
        Scripted::start(move |_, _| Response::new(stall(&encode(&good, &good, 0), 8))).await;
    let (_folder, mine) = store();
    let servers = [server.url.clone()];
    let error = client()
        .fetch(&servers, hash(&blob), 999_999, &mine)
        .await
        .unwrap_err();
    let (bytes, limit) = (1_000_000, 999_999);
    assert_eq!(
        error.failures()[0].reason,
        Reason::TooLarge { bytes, limit }
    );
    assert_eq!(server.asked(), [0]);
}

#[tokio::test]
async fn what_follows_the_end_is_not_read() {
    let blob = random(LENGTH, 5);
    let good = blob.clone();
    let server = Scripted::start(move |_, from| {
        let encoded = io::Result::Ok(Bytes::from(encode(&good, &good, from)));
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[7; 1000])));
        Response::new(Body::from_stream(stream::iter([encoded]).chain(endless)))
    })
    .await;
    let (_folder, mine) = store();
    assert_fetched(std::slice::from_ref(&server.url), &blob, &mine).await;
}

#[tokio::test]
async fn a_cut_download_goes_on_and_nothing_is_fetched_twice() {
    let blob = random(LENGTH, 6);
    let good = blob.clone();
    let server = Scripted::start(move |before, from| {
        let encoded = encode(&good, &good, from);
        let at = if before < 3 { 300_000 } else { encoded.len() };
        Response::new(if at < encoded.len() {
            cut(&encoded, at)
        } else {
            encoded.into()
        })
    })
    .await;
    let (_folder, mine) = store();
    assert_fetched(std::slice::from_ref(&server.url), &blob, &mine).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    for pair in asked.windows(2) {
        // 300,000 bytes of a stream are at least 17 whole groups.
        assert!(pair[1] >= pair[0] + 17 * GROUP_BYTES, "{asked:?}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_too_soon_is_cut() {
    let blob = random(LENGTH, 7);
    let good = blob.clone();
    let server = Scripted::start(move |_, from| {
        let encoded = encode(&good, &good, from);
        Response::new(encoded[..encoded.len().min(100)].to_vec().into())
    })
    .await;
    let (error, reason) = failure(&client(), &server, hash(&blob)).await;
    assert_eq!(reason, Reason::Cut { offset: 0 });
    assert!(error.is_transient());
    assert_eq!(server.asked(), [0, 0, 0]);
}

#[tokio::test]
async fn stalled_at_99_percent_it_goes_on_with_the_rest() {
    let blob = random(LENGTH, 8);
    let good = blob.clone();
    let server = Scripted::start(move |before, from| {
        let encoded = encode(&good, &good, from);
        match before {
            0 => Response::new(stall(&encoded, encoded.len() / 100 * 99)),
            _ => Response::new(encoded.into()),
        }
    })
    .await;
    let (_folder, mine) = store();
    let servers = [server.url.clone()];
    impatient()
        .fetch(&servers, hash(&blob), LENGTH as u64, &mine)
        .await
        .unwrap();
    let asked = server.asked();
    assert!(
        asked[0] == 0 && asked[1] >= LENGTH as u64 / 100 * 97,
        "{asked:?}"
    );
}

#[tokio::test]
async fn whoever_stalls_for_ever_is_left_at_last() {
    let blob = random(LENGTH, 9);
    let good = blob.clone();
    let server = Scripted::start(move |_, from| {
        let encoded = encode(&good, &good, from);
        let at = encoded.len().min(990_000);
        Response::new(stall(&encoded, at.min(encoded.len() - 1)))
    })
    .await;
    let (error, reason) = failure(&impatient(), &server, hash(&blob)).await;
    assert!(
        matches!(reason, Reason::Stalled { offset } if offset > 900_000),
        "{reason}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_slow_drip_is_a_stall() {
    let blob = random(LENGTH, 10);
    let good = blob.clone();
    let server = Scripted::start(move |_, from| {
        let encoded = Bytes::from(encode(&good, &good, from));
        let drips = stream::unfold(encoded, |mut left| async move {
            sleep(Duration::from_millis(20)).await;
            let drip = left.split_to(left.len().min(500));
            Some((io::Result::Ok(drip), left))
        });
        Response::new(Body::from_stream(drips))
    })
    .await;
    let client = BlobClient::new(ClientSettings {
        idle: Duration::from_millis(300),
        min_bytes_per_second: 1_000_000,
        retries: 0,
        ..quick()
    });
    let (_, reason) = failure(&client.unwrap(), &server, hash(&blob)).await;
    assert!(matches!(reason, Reason::Stalled { .. }), "{reason}");
}

#[tokio::test]
async fn redirects_are_named_and_not_followed() {
    let blob = random(1000, 11);
    let honest = Scripted::honest(&blob).await;
    let to = honest.url.to_string();
    let location = to.clone();
    let server = Scripted::start(move |_, _| {
        let answer = Response::builder().status(StatusCode::TEMPORARY_REDIRECT);
        let answer = answer.header("location", &location);
        answer.body(Body::empty()).unwrap()
    })
    .await;
    let (error, reason) = failure(&client(), &server, hash(&blob)).await;
    assert_eq!(reason, Reason::Redirected { to });
    assert!(!error.is_transient());
    assert!(honest.asked().is_empty());
}

#[tokio::test]
async fn errors_of_the_server_pass() {
    let blob = random(LENGTH, 12);
    let good = blob.clone();
    let server = Scripted::start(move |before, from| {
        if before < 2 {
            let mut answer = Response::new(Body::from("out of order"));
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return answer;
        }
        Response::new(encode(&good, &good, from).into())
    })
    .await;
    let (_folder, mine) = store();
    assert_fetched(std::slice::from_ref(&server.url), &blob, &mine).await;
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn private_addresses_are_forbidden_unless_allowed() {
    let blob = random(1000, 16);
    let honest = Scripted::honest(&blob).await;
    let port = honest.url.port().unwrap();
    let careful = BlobClient::new(ClientSettings {
        allow_private: false,
        ..quick()
    })
    .unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0x7f000001",
    ] {
        let server: Url = format!("http://{host}:{port}").parse().unwrap();
        let (_folder, mine) = store();
        let servers = [server];
        let fetch = careful.fetch(&servers, hash(&blob), 1000, &mine);
        let error = fetch.await.unwrap_err();
        let reason = &error.failures()[0].reason;
        assert!(
            matches!(reason, Reason::ForbiddenAddress(_)),
            "{host}: {reason}"
        );
        assert!(!error.is_transient());
    }
    let user: Url = format!("http://me:secret@127.0.0.1:{port}")
        .parse()
        .unwrap();
    let failure = client().has(&user, hash(&blob)).await.unwrap_err();
    assert!(matches!(failure.reason, Reason::BadUrl(_)));
    assert!(honest.asked().is_empty());
}

#[tokio::test]
async fn a_store_that_fails_is_told_from_servers_that_do() {
    let blob = random(1000, 17);
    let honest = Scripted::honest(&blob).await;
    let (_folder, mine) = store();
    let in_the_way = mine.folder().join("partial").join(hex::encode(hash(&blob)));
    std::fs::create_dir(in_the_way).unwrap();
    let servers = [honest.url.clone()];
    let error = client()
        .fetch(&servers, hash(&blob), 1000, &mine)
        .await
        .unwrap_err();
    assert!(
        matches!(error, TransferError::Local(BlobError::Io { .. })),
        "{error}"
    );
    assert!(!error.is_disk_full());
}
