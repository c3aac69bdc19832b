//! Clients that are too slow for the server. It has one connection, so that the next client is
//! served only when the slow one was left.

use crate::fixture::{bearer, hash, random, Served};
use mizan_blobs::{BlobStore, Limits, Nobody, Settings};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

async fn one_connection() -> Served {
    let limits = Limits {
        max_connections: 1,
        idle: Duration::from_millis(300),
        min_bytes_per_second: 100_000,
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    Served::with(settings, Box::new(Nobody)).await
}

async fn connect(served: &Served) -> TcpStream {
    let port = served.url.port().unwrap();
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

async fn assert_next_is_served(served: &Served) {
    let health = timeout(
        Duration::from_secs(20),
        reqwest::get(served.at("v1/health")),
    );
    assert_eq!(health.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let served = one_connection().await;
    let mut silent = connect(&served).await;
    assert_next_is_served(&served).await;
    assert!(!matches!(silent.read(&mut [0; 10]).await, Ok(1..)));
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_closed() {
    let served = one_connection().await;
    let mut slow = connect(&served).await;
    let drip = tokio::spawn(async move {
        for byte in b"GET /v1/health HTTP/1.1\r\nhost: a\r\nx: "
            .iter()
            .chain([b'x'; 9999].iter())
        {
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_next_is_served(&served).await;
    drip.abort();
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_closed() {
    let served = one_connection().await;
    // More than the buffers of the system take.
    let name = served.store.put(&random(32_000_000, 60)).await.unwrap();
    let mut slow = connect(&served).await;
    let path = served.blob(name).path().to_owned();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    slow.write_all(request.as_bytes()).await.unwrap();
    assert_next_is_served(&served).await;
}

#[tokio::test]
async fn an_upload_that_stalls_is_left_and_what_came_is_kept() {
    let served = one_connection().await;
    let blob = random(100_000, 61);
    let mut slow = connect(&served).await;
    let path = served.blob(hash(&blob)).path().to_owned();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: a\r\nauthorization: {}\r\ncontent-length: 100000\r\n\r\n",
        bearer()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&blob[..50_000]).await.unwrap();
    let mut answer = String::new();
    // The connection may also be reset after the answer, for the rest never comes.
    let _ = slow.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_next_is_served(&served).await;
    let request = reqwest::Client::new().get(served.upload(hash(&blob)));
    let request = request.header("authorization", bearer());
    let answer = request
        .header("upload-length", 100_000)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["upload-offset"], "50000");
}
