//! Servers that give something else than the slice that was asked for, or nothing.

use crate::fixture::{client, cut, hash, impatient, quick, random, stall, Scripted};
use axum::{body::Body, http::StatusCode, response::Response};
use bytes::Bytes;
use futures::stream;
use mizan_blobs::{
    BlobClient, ClientSettings, OutOfRange, Reason, TransferError, Url, MAX_SLICE_BYTES,
};
use std::{io, time::Duration};

const LENGTH: u64 = 1_000_000;
const START: u64 = 300_000;
const BYTES: u32 = 50_000;

fn slice_of(blob: &[u8]) -> Vec<u8> {
    let mut slice = Vec::new();
    mizan_tensor::write_slice(&mut slice, blob, START, BYTES.into()).unwrap();
    slice
}

/// A server that always gives this.
async fn gives(body: Vec<u8>) -> Scripted {
    Scripted::start(move |_, _| Response::new(body.clone().into())).await
}

async fn ask(client: &BlobClient, servers: &[&Scripted], blob: &[u8]) -> Asked {
    let servers: Vec<Url> = servers.iter().map(|server| server.url.clone()).collect();
    client
        .slice(&servers, hash(blob), LENGTH, START, BYTES)
        .await
}

type Asked = Result<Vec<u8>, TransferError>;

/// Why the only server did not do.
fn reason(asked: Asked) -> Reason {
    asked.unwrap_err().failures()[0].reason.clone()
}

/// The server is found out, and costs nothing where another one is honest.
async fn assert_skipped(server: &Scripted, blob: &[u8], because: Reason) {
    let alone = reason(ask(&client(), &[server], blob).await);
    assert_eq!(alone, because);
    let honest = gives(slice_of(blob)).await;
    let asked = ask(&client(), &[server, &honest], blob).await;
    assert_eq!(asked.unwrap(), slice_of(blob));
    assert_eq!(honest.asked(), [START]);
}

const LIED: Reason = Reason::Lied { offset: START };

#[tokio::test]
async fn a_changed_byte_anywhere_is_a_lie() {
    let blob = random(LENGTH as usize, 80);
    let good = slice_of(&blob);
    for place in [0, 63, 700, good.len() / 2, good.len() - 1] {
        let mut changed = good.clone();
        changed[place] ^= 1;
        assert_skipped(&gives(changed).await, &blob, LIED).await;
    }
}

#[tokio::test]
async fn other_bytes_of_the_blob_and_other_blobs_are_lies() {
    let blob = random(LENGTH as usize, 81);
    let other = random(LENGTH as usize, 82);
    assert_skipped(&gives(slice_of(&other)).await, &blob, LIED).await;
    // As many nodes of the tree are above these bytes: the size of the slice is the same.
    let start = START + 128 * 1024;
    let mut elsewhere = Vec::new();
    mizan_tensor::write_slice(&mut elsewhere, &blob, start, BYTES.into()).unwrap();
    assert_skipped(&gives(elsewhere).await, &blob, LIED).await;
}

#[tokio::test]
async fn a_blob_of_another_length_is_a_lie() {
    let blob = random(LENGTH as usize, 83);
    // The shapes of these trees differ in their last chunk, or from the root on. What is of the
    // same size is a lie; what is longer is not even read.
    let longer = [&blob[..], &random(1024, 84)].concat();
    assert_skipped(&gives(slice_of(&longer)).await, &blob, LIED).await;
    let shorter = &blob[..500_000];
    assert_skipped(&gives(slice_of(shorter)).await, &blob, LIED).await;
    let twice = [&blob[..], &blob, &blob].concat();
    let slice = slice_of(&twice);
    let too_large = Reason::TooLarge {
        bytes: slice.len() as u64,
        limit: slice_of(&blob).len() as u64,
    };
    assert_skipped(&gives(slice).await, &blob, too_large).await;
}

#[tokio::test]
async fn too_little_is_a_lie_and_too_much_is_not_read() {
    let blob = random(LENGTH as usize, 85);
    let good = slice_of(&blob);
    for length in [0, 64, good.len() - 1] {
        assert_skipped(&gives(good[..length].to_vec()).await, &blob, LIED).await;
    }
    let limit = good.len() as u64;
    let more = [&good[..], &[0]].concat();
    let too_large = |bytes| Reason::TooLarge { bytes, limit };
    assert_skipped(&gives(more).await, &blob, too_large(limit + 1)).await;
    // Without an announced length it is found when it comes.
    let endless = Scripted::start(|_, _| {
        let pieces = stream::repeat_with(|| io::Result::Ok(Bytes::from_static(&[7; 1000])));
        Response::new(Body::from_stream(pieces))
    })
    .await;
    let Reason::TooLarge { bytes, .. } = reason(ask(&client(), &[&endless], &blob).await) else {
        panic!("it was believed");
    };
    assert!(bytes < limit + 2_000_000, "{bytes}");
}

#[tokio::test]
async fn whoever_breaks_off_is_asked_again() {
    let blob = random(LENGTH as usize, 86);
    let good = slice_of(&blob);
    let server = Scripted::start(move |before, _| match before {
        0 => Response::new(cut(&good, 1_000)),
        1 => {
            let mut answer = Response::new(Body::from("out of order"));
            *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            answer
        }
        _ => Response::new(good.clone().into()),
    })
    .await;
    let asked = ask(&client(), &[&server], &blob).await;
    assert_eq!(asked.unwrap(), slice_of(&blob));
    assert_eq!(server.asked(), [START; 3]);
}

#[tokio::test]
async fn whoever_stalls_is_left() {
    let blob = random(LENGTH as usize, 87);
    let good = slice_of(&blob);
    let server = Scripted::start(move |_, _| Response::new(stall(&good, 1_000))).await;
    let asked = ask(&impatient(), &[&server], &blob).await;
    assert_eq!(reason(asked), Reason::Stalled { offset: START });
    let short = BlobClient::new(ClientSettings {
        total: Duration::from_millis(500),
        ..quick()
    });
    let error = ask(&short.unwrap(), &[&server], &blob).await.unwrap_err();
    assert!(matches!(error, TransferError::OutOfTime { .. }), "{error}");
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let blob = random(LENGTH as usize, 88);
    let lacks = || {
        Scripted::start(|_, _| {
            let mut answer = Response::default();
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        })
    };
    let (one, two) = (lacks().await, lacks().await);
    let error = ask(&client(), &[&one, &two], &blob).await.unwrap_err();
    let found = matches!(error, TransferError::NotFound { servers: 2, .. });
    assert!(found, "{error}");
    let error = ask(&client(), &[], &blob).await.unwrap_err();
    assert!(matches!(error, TransferError::NoServers), "{error}");
}

#[tokio::test]
async fn nobody_is_asked_for_bytes_that_no_slice_proves() {
    let blob = random(LENGTH as usize, 89);
    let server = gives(slice_of(&blob)).await;
    let servers = [server.url.clone()];
    for (start, length) in [
        (0, 0),
        (0, MAX_SLICE_BYTES + 1),
        (LENGTH, 1),
        (LENGTH - 1, 2),
        (u64::MAX, 1),
    ] {
        let asked = client()
            .slice(&servers, hash(&blob), LENGTH, start, length)
            .await;
        let out_of_range = OutOfRange {
            blob_length: LENGTH,
            start,
            length,
        };
        assert_eq!(reason(asked), Reason::OutOfRange(out_of_range));
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn redirects_and_private_addresses_are_not_followed() {
    let blob = random(LENGTH as usize, 90);
    let honest = gives(slice_of(&blob)).await;
    let to = honest.url.to_string();
    let location = to.clone();
    let redirects = Scripted::start(move |_, _| {
        let answer = Response::builder().status(StatusCode::FOUND);
        let answer = answer.header("location", &location);
        answer.body(Body::empty()).unwrap()
    })
    .await;
    let asked = ask(&client(), &[&redirects], &blob).await;
    assert_eq!(reason(asked), Reason::Redirected { to });
    let careful = BlobClient::new(ClientSettings {
        allow_private: false,
        ..quick()
    });
    let asked = ask(&careful.unwrap(), &[&honest], &blob).await;
    assert!(matches!(reason(asked), Reason::ForbiddenAddress(_)));
    assert!(honest.asked().is_empty());
}
