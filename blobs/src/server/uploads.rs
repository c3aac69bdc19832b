//! Uploads: collected in a file, checked, and only then stored under their name.

use super::{
    downloads::blob_name,
    garbage::{staged_name, Kept},
    http_error::{respond_json, HttpError},
    room::{Entry, Uploader},
    storage::StorageError,
    Shared,
};
use crate::{hex_hash, local::at, pace::Pace, right::Payload, Content, Hash};
use axum::{
    body::{Body, BodyDataStream},
    extract::{Path, State},
    http::{header::CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt,
};

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// `GET /v1/uploads/{hash}`: how much of an upload arrived.
pub(crate) async fn arrived(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let hash = blob_name(&name)?;
    let length = number(&headers, &LENGTH)?
        .ok_or_else(|| HttpError::bad_request("say in Upload-Length how long the blob is"))?;
    shared.room.check_length(length)?;
    let uploader = shared
        .authorise(&headers, &blob(hash, length), None)
        .await?;
    let _kept = shared.storage.in_use.keep(hash).await;
    let complete = shared.is_here(hash, length).await?;
    let arrived = match complete {
        true => length,
        false => shared.staged_bytes(&uploader, hash).await?,
    };
    let body = json!({ "arrived": arrived, "complete": complete });
    let answer = respond_json(StatusCode::OK, &body);
    Ok(([(OFFSET, HeaderValue::from(arrived))], answer).into_response())
}

/// `PUT /v1/blobs/{hash}`.
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let hash = blob_name(&name)?;
    let offset = number(&headers, &OFFSET)?.unwrap_or(0);
    let coming = content_length(&headers)?;
    let length = offset
        .checked_add(coming)
        .ok_or_else(|| HttpError::bad_request("nothing is that long"))?;
    if number(&headers, &LENGTH)?.is_some_and(|said| said != length) {
        let message = "Upload-Length is not Upload-Offset and Content-Length together";
        return Err(HttpError::bad_request(message));
    }
    shared.room.check_length(length)?;
    let uploader = shared
        .authorise(&headers, &blob(hash, length), None)
        .await?;
    let kept = shared.storage.in_use.keep(hash).await;
    if shared.is_here(hash, length).await? {
        return Ok(stored(StatusCode::OK, hash));
    }
    let mut upload = UploadInto {
        entry: shared.room.enter(uploader, hash, length, coming)?,
        path: shared.staged_path(&uploader, hash),
        hash,
        length,
        kept,
    };
    shared.receive(&mut upload, &uploader, offset, body).await?;
    // The work is worth finishing even if the client does not wait for it.
    let finishing = tokio::spawn(async move { shared.finish(upload).await });
    finishing.await.map_err(StorageError::from)?
}

fn blob(hash: Hash, length: u64) -> Payload {
    Payload {
        content: Content::Blob,
        hash,
        length,
    }
}

/// An upload that goes on.
struct UploadInto {
    entry: Entry,
    path: PathBuf,
    hash: Hash,
    length: u64,
    kept: Kept,
}

impl Shared {
    /// Whether the blob needs no upload. One that is corrupt does.
    async fn is_here(&self, hash: Hash, length: u64) -> Result<bool, HttpError> {
        if self.storage.length(hash).await? != Some(length) {
            return Ok(false);
        }
        match self.storage.check(hash, length).await {
            Ok(()) => Ok(true),
            Err(StorageError::Corrupt(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Uploads of one blob by several accounts do not disturb each other.
    fn staged_path(&self, uploader: &Uploader, hash: Hash) -> PathBuf {
        let staging = self.storage.staging();
        staging.join(staged_name(uploader, &hash))
    }

    async fn staged_bytes(&self, uploader: &Uploader, hash: Hash) -> Result<u64, HttpError> {
        let path = self.staged_path(uploader, hash);
        match tokio::fs::metadata(&path).await {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(StorageError::from(at(&path)(error)).into()),
        }
    }

    async fn receive(
        &self,
        upload: &mut UploadInto,
        uploader: &Uploader,
        offset: u64,
        body: Body,
    ) -> Result<(), HttpError> {
        let arrived = self.staged_bytes(uploader, upload.hash).await?;
        if offset > 0 && offset != arrived {
            let message = format!("{arrived} bytes have arrived: go on there, or from 0");
            let error = HttpError::new(StatusCode::CONFLICT, "wrong_offset", message);
            return Err(error.with(OFFSET, HeaderValue::from(arrived)));
        }
        let disk = |path: &PathBuf, error| HttpError::from(StorageError::from(at(path)(error)));
        let mut options = OpenOptions::new();
        options.create(true).append(offset > 0);
        options.write(true).truncate(offset == 0);
        let opened = options.open(&upload.path).await;
        let mut file = opened.map_err(|error| disk(&upload.path, error))?;
        let received = self.copy(upload, body, &mut file).await;
        // What arrived is kept also if no more came.
        let flushed = file.flush().await;
        received?;
        flushed.map_err(|error| disk(&upload.path, error))
    }

    async fn copy(
        &self,
        upload: &mut UploadInto,
        body: Body,
        file: &mut File,
    ) -> Result<(), HttpError> {
        let mut body = body.into_data_stream();
        let mut pace = self.pace();
        loop {
            let Some(piece) = next_piece(&mut body, &mut pace).await? else {
                return Ok(());
            };
            upload.entry.came(piece.len());
            file.write_all(&piece)
                .await
                .map_err(|error| StorageError::from(at(&upload.path)(error)))?;
        }
    }

    /// As fast as whoever uploads must be.
    pub(crate) fn pace(&self) -> Pace {
        Pace::new(self.limits.idle, self.limits.min_bytes_per_second)
    }

    async fn finish(&self, upload: UploadInto) -> Result<Response, HttpError> {
        let UploadInto {
            entry,
            path,
            hash,
            length,
            kept,
        } = upload;
        let right = self.storage.place(hash, length, path.clone()).await?;
        if right {
            entry.placed();
            drop(kept);
            return Ok(stored(StatusCode::CREATED, hash));
        }
        tokio::fs::remove_file(&path)
            .await
            .map_err(|error| StorageError::from(at(&path)(error)))?;
        Err(hash_mismatch())
    }
}

/// What comes next of an upload; `None` at its end.
pub(crate) async fn next_piece(
    body: &mut BodyDataStream,
    pace: &mut Pace,
) -> Result<Option<Bytes>, HttpError> {
    let slow = |_| {
        let message = "the upload is too slow, go on where it ended".into();
        HttpError::new(StatusCode::REQUEST_TIMEOUT, "slow", message)
    };
    let Some(piece) = pace.wait(body.next()).await.map_err(slow)? else {
        return Ok(None);
    };
    let piece = piece.map_err(|_| HttpError::bad_request("the upload broke off"))?;
    pace.count(piece.len()).map_err(slow)?;
    Ok(Some(piece))
}

pub(crate) fn hash_mismatch() -> HttpError {
    HttpError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "hash_mismatch",
        "the bytes do not have this hash; what arrived was thrown away".into(),
    )
}

pub(crate) fn content_length(headers: &HeaderMap) -> Result<u64, HttpError> {
    number(headers, &CONTENT_LENGTH)?.ok_or_else(|| {
        let message = "say in Content-Length how much comes".into();
        HttpError::new(StatusCode::LENGTH_REQUIRED, "length_required", message)
    })
}

pub(crate) fn stored(status: StatusCode, hash: Hash) -> Response {
    respond_json(status, &json!({ "hash": hex_hash(&hash) }))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, HttpError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    match value.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(HttpError::bad_request(format!("{name} is no number"))),
    }
}
