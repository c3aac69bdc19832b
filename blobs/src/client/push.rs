//! Uploads: to all servers named, resumed where they broke off.

use super::{failure, BlobClient, Failure, Reason, TransferError};
use crate::{
    local::at, pace::least_bytes, right::Payload, BlobError, Content, Hash, LocalBlobStore,
    UploadRight,
};
use futures::{future::join_all, StreamExt};
use reqwest::{header, Body, Method, Response};
use serde::Deserialize;
use std::{
    io::SeekFrom,
    path::PathBuf,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::Duration,
};
use tokio::{
    fs::File,
    io::AsyncSeekExt,
    time::{sleep, timeout},
};
use tokio_util::io::ReaderStream;
use url::Url;

/// As much is read from the disk at once.
const READ_BYTES: usize = 128 << 10;
/// The server hashes what arrived before it answers; none is slower than this.
const HASH_BYTES_PER_SECOND: u64 = 16 << 20;

/// Which servers have a blob after it was pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// These have it.
    pub on: Vec<Url>,
    /// These have not.
    pub failed: Vec<Failure>,
}

/// One blob's upload to one server.
struct Push<'a> {
    client: &'a BlobClient,
    server: &'a Url,
    hash: Hash,
    length: u64,
    file: PathBuf,
    right: &'a UploadRight,
    job: Option<u64>,
}

#[derive(Deserialize)]
struct Arrived {
    arrived: u64,
    complete: bool,
}

impl BlobClient {
    /// Pushes a blob of a store to all of these servers at once. It is an error if none has it
    /// then; otherwise the result says which have it and why the others have not.
    ///
    /// `job` is the job that the blob belongs to, if the servers ask for one.
    pub async fn push(
        &self,
        servers: &[Url],
        hash: Hash,
        store: &LocalBlobStore,
        right: &UploadRight,
        job: Option<u64>,
    ) -> Result<Pushed, TransferError> {
        if servers.is_empty() {
            return Err(TransferError::NoServers);
        }
        let length = store
            .off_thread(move |store| store.check(hash, u64::MAX))
            .await?;
        let to = |server| Push {
            client: self,
            server,
            hash,
            length,
            file: store.path_of(hash),
            right,
            job,
        };
        let pushes = servers.iter().map(|server| async move {
            let result = timeout(self.settings.total, to(server).run()).await;
            let late = |_| Ok(Err(Reason::Stalled { offset: 0 }));
            (server, result.unwrap_or_else(late))
        });
        let mut pushed = Pushed::default();
        for (server, result) in join_all(pushes).await {
            pushed.note(server, result?);
        }
        pushed.or_failed(hash)
    }
}

impl Pushed {
    pub(super) fn note(&mut self, server: &Url, result: Result<(), Reason>) {
        match result {
            Ok(()) => self.on.push(server.clone()),
            Err(reason) => self.failed.push(failure(server, reason)),
        }
    }

    /// An error if no server has it.
    pub(super) fn or_failed(self, hash: Hash) -> Result<Self, TransferError> {
        if self.on.is_empty() {
            let failures = self.failed;
            return Err(TransferError::Failed { hash, failures });
        }
        Ok(self)
    }
}

/// The header that entitles to an upload.
pub(super) fn authorization(
    right: &UploadRight,
    server: &Url,
    payload: &Payload,
    job: Option<u64>,
) -> Result<header::HeaderValue, Reason> {
    let text = right.header(server, payload, job);
    let mut value = header::HeaderValue::from_str(&text)
        .map_err(|_| Reason::BadUrl("the token has characters that can't be sent".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Push<'_> {
    async fn run(&self) -> Result<Result<(), Reason>, BlobError> {
        let mut back_off = self.client.back_off();
        let mut furthest = 0;
        loop {
            let reason = match self.arrived().await {
                Ok(Arrived { complete: true, .. }) => return Ok(Ok(())),
                Ok(Arrived { arrived, .. }) => {
                    if arrived > furthest {
                        furthest = arrived;
                        back_off = self.client.back_off();
                    }
                    // More than there is can only be something else.
                    let offset = if arrived > self.length { 0 } else { arrived };
                    match self.send_from(offset).await? {
                        Ok(()) => return Ok(Ok(())),
                        Err(reason) => reason,
                    }
                }
                Err(reason) => reason,
            };
            tracing::debug!(server = %self.server, %reason, "a blob server took no upload");
            // Another upload of ours goes on: it is waited for, which is no failure.
            if matches!(&reason, Reason::Refused { kind, .. } if kind == "busy") {
                back_off = self.client.back_off();
            }
            match back_off.next() {
                Some(delay) if reason.is_transient() => sleep(delay).await,
                _ => return Ok(Err(reason)),
            }
        }
    }

    fn authorization(&self) -> Result<header::HeaderValue, Reason> {
        let payload = Payload {
            content: Content::Blob,
            hash: self.hash,
            length: self.length,
        };
        authorization(self.right, self.server, &payload, self.job)
    }

    async fn arrived(&self) -> Result<Arrived, Reason> {
        let path = ["uploads", &hex::encode(self.hash)];
        let request = self.client.request(Method::GET, self.server, &path)?;
        let request = request
            .header("upload-length", self.length)
            .header(header::AUTHORIZATION, self.authorization()?);
        let answer = self.client.send(request).await?;
        let body = timeout(self.client.settings.idle, super::start_of(answer)).await;
        let body = body.map_err(|_| Reason::Stalled { offset: 0 })?;
        serde_json::from_slice(&body).map_err(|_| Reason::malformed())
    }

    async fn send_from(&self, offset: u64) -> Result<Result<(), Reason>, BlobError> {
        let disk = |error| at(&self.file)(error);
        let mut file = File::open(&self.file).await.map_err(disk)?;
        file.seek(SeekFrom::Start(offset)).await.map_err(disk)?;
        let sent = Arc::new(AtomicU64::new(offset));
        let counted = sent.clone();
        let body = ReaderStream::with_capacity(file, READ_BYTES).inspect(move |piece| {
            let bytes = piece.as_ref().map_or(0, |piece| piece.len() as u64);
            counted.fetch_add(bytes, Ordering::Relaxed);
        });
        let request = match self.request(offset) {
            Ok(request) => request.body(Body::wrap_stream(body)),
            Err(reason) => return Ok(Err(reason)),
        };
        let reached = || sent.load(Ordering::Relaxed);
        let answer = tokio::select! {
            answer = request.send() => answer,
            () = self.watch(&sent) => return Ok(Err(Reason::Stalled { offset: reached() })),
        };
        Ok(match answer {
            Err(error) => Err(Reason::of(&error, reached())),
            Ok(response) => self.client.check(response).await.map(|_: Response| ()),
        })
    }

    fn request(&self, offset: u64) -> Result<reqwest::RequestBuilder, Reason> {
        let path = ["blobs", &hex::encode(self.hash)];
        let request = self.client.request(Method::PUT, self.server, &path)?;
        Ok(request
            .header("upload-offset", offset)
            .header(header::CONTENT_LENGTH, self.length.saturating_sub(offset))
            .header(header::AUTHORIZATION, self.authorization()?))
    }

    /// Ends when the server takes too little for too long, or does not answer.
    async fn watch(&self, sent: &AtomicU64) {
        let settings = &self.client.settings;
        let least = least_bytes(settings.min_bytes_per_second, settings.idle);
        let mut before = sent.load(Ordering::Relaxed);
        while before < self.length {
            sleep(settings.idle).await;
            let now = sent.load(Ordering::Relaxed);
            if now < self.length && now.saturating_sub(before) < least {
                return;
            }
            before = now;
        }
        let hashing = Duration::from_secs(self.length / HASH_BYTES_PER_SECOND);
        sleep(settings.answer.saturating_add(hashing)).await;
    }
}
