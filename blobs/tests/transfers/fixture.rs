//! Servers, clients and blobs to test with.

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
    routing::get,
    Router,
};
use bao_tree::{
    io::{outboard::PreOrderMemOutboard, sync::encode_ranges},
    BlockSize, ChunkNum, ChunkRanges,
};
use bytes::Bytes;
use futures::{stream, StreamExt};
use mizan_blobs::{
    BlobClient, BlobServer, BlobStore, ClientSettings, Gate, Hash, LocalBlobStore, Nobody,
    Settings, Storage, Tokens, UploadRight, Url,
};
use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A token that every server of these tests knows.
pub(crate) const TOKEN: &str = "a-token-for-all-tests";

/// Bytes that look random and are the same every time.
pub(crate) fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

pub(crate) fn hash(blob: &[u8]) -> Hash {
    *blake3::hash(blob).as_bytes()
}

/// A folder of blobs that goes away with the test.
pub(crate) fn store() -> (tempfile::TempDir, LocalBlobStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
    (folder, store)
}

/// The real server.
pub(crate) struct Served {
    pub(crate) url: Url,
    pub(crate) storage: Storage,
    pub(crate) store: LocalBlobStore,
    pub(crate) done: JoinHandle<()>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default(), Box::new(Nobody)).await
    }

    pub(crate) async fn with(settings: Settings, gate: Box<dyn Gate>) -> Self {
        let (folder, store) = store();
        let storage = Storage::in_folder(store.clone()).unwrap();
        Self::on(folder, store, storage, settings, gate).await
    }

    pub(crate) async fn on(
        folder: tempfile::TempDir,
        store: LocalBlobStore,
        storage: Storage,
        settings: Settings,
        gate: Box<dyn Gate>,
    ) -> Self {
        let tokens = Tokens::new([TOKEN]).unwrap();
        let settings = Settings { tokens, ..settings };
        let address = "127.0.0.1:0".parse().unwrap();
        let server = BlobServer::bind(address, storage.clone(), settings, gate)
            .await
            .unwrap();
        let url = format!("http://{}", server.address()).parse().unwrap();
        let (stop, stopped) = oneshot::channel();
        let done = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            url,
            storage,
            store,
            done,
            stop: Some(stop),
            _folder: folder,
        }
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    pub(crate) fn blob(&self, hash: Hash) -> Url {
        self.at(&format!("v1/blobs/{}", hex::encode(hash)))
    }

    pub(crate) fn upload(&self, hash: Hash) -> Url {
        self.at(&format!("v1/uploads/{}", hex::encode(hash)))
    }

    pub(crate) fn staged(&self) -> usize {
        let folder = self.store.folder().join("uploads");
        std::fs::read_dir(folder).unwrap().count()
    }
}

pub(crate) fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

pub(crate) fn token_right() -> UploadRight {
    UploadRight::Token(TOKEN.into())
}

/// What an error's JSON says.
pub(crate) async fn kind(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert!(
        body["error"]["message"].as_str().unwrap().len() > 10,
        "{body}"
    );
    (status, body["error"]["kind"].as_str().unwrap().to_owned())
}

/// Impatient, and trusts loopback.
pub(crate) fn quick() -> ClientSettings {
    ClientSettings {
        allow_private: true,
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(20),
        idle: Duration::from_secs(2),
        min_bytes_per_second: 1,
        total: Duration::from_secs(60),
        retries: 2,
        back_off: Duration::from_millis(10),
    }
}

pub(crate) fn client() -> BlobClient {
    BlobClient::new(quick()).unwrap()
}

/// A client that soon calls a server stalled.
pub(crate) fn impatient() -> BlobClient {
    BlobClient::new(ClientSettings {
        idle: Duration::from_millis(300),
        ..quick()
    })
    .unwrap()
}

/// A verified stream as `bao-tree` makes it, of `sent` with the hashes of `blob`.
pub(crate) fn encode(blob: &[u8], sent: &[u8], from: u64) -> Vec<u8> {
    let outboard = PreOrderMemOutboard::create(blob, BlockSize::from_chunk_log(4));
    let ranges = match from {
        0 => ChunkRanges::all(),
        from => ChunkRanges::from(ChunkNum(from / 1024)..),
    };
    let mut encoded = (blob.len() as u64).to_le_bytes().to_vec();
    encode_ranges(sent, &outboard, &ranges, &mut encoded).unwrap();
    encoded
}

type Script = dyn Fn(usize, u64) -> Response + Send + Sync;
type Asked = Arc<Mutex<Vec<u64>>>;

/// A server that does as a test says.
pub(crate) struct Scripted {
    pub(crate) url: Url,
    asked: Asked,
}

impl Scripted {
    /// `script` gets how many requests came before and from which byte on the client asks.
    pub(crate) async fn start(
        script: impl Fn(usize, u64) -> Response + Send + Sync + 'static,
    ) -> Self {
        let asked = Asked::default();
        let script: Arc<Script> = Arc::new(script);
        let state = (asked.clone(), script);
        let router = Router::new()
            .route("/v1/blobs/{hash}/verified", get(answer))
            .route("/v1/blobs/{hash}/slice", get(answer))
            .with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: url.parse().unwrap(),
            asked,
        }
    }

    /// A server as it should be.
    pub(crate) async fn honest(blob: &[u8]) -> Self {
        let blob = blob.to_vec();
        Self::start(move |_, from| {
            if from > 0 && from >= blob.len() as u64 {
                let mut beyond = Response::default();
                *beyond.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                return beyond;
            }
            Response::new(encode(&blob, &blob, from).into())
        })
        .await
    }

    /// From which bytes on it was asked.
    pub(crate) fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    State((asked, script)): State<(Asked, Arc<Script>)>,
    Path(_): Path<String>,
    Query(query): Query<HashMap<String, u64>>,
) -> Response {
    let from = *query.get("from").unwrap_or_else(|| &query["start"]);
    let before = {
        let mut asked = asked.lock().unwrap();
        asked.push(from);
        asked.len() - 1
    };
    script(before, from)
}

/// A body that ends without its end.
pub(crate) fn cut(bytes: &[u8], at: usize) -> Body {
    let pieces = [
        Ok(Bytes::copy_from_slice(&bytes[..at])),
        Err(io::Error::other("cut")),
    ];
    // The server writes out what it has whenever the body lets it wait: only then comes the cut.
    Body::from_stream(stream::iter(pieces).then(|piece| async {
        tokio::task::yield_now().await;
        if piece.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        piece
    }))
}

/// A body that does not go on.
pub(crate) fn stall(bytes: &[u8], at: usize) -> Body {
    let start = stream::iter([io::Result::Ok(Bytes::copy_from_slice(&bytes[..at]))]);
    Body::from_stream(start.chain(stream::pending()))
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Fetches a blob and compares it.
pub(crate) async fn assert_fetched(servers: &[Url], blob: &[u8], into: &LocalBlobStore) {
    let (name, length) = (hash(blob), blob.len() as u64);
    let fetched = client().fetch(servers, name, length, into).await;
    assert_eq!(fetched.unwrap(), length);
    assert_eq!(into.get(name, length).await.unwrap(), blob);
}
