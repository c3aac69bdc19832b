//! Plain downloads, of which the client must check the hash itself.

use super::{
    connections::Working, garbage::Kept, http_error::HttpError, storage::StorageError, Shared,
};
use crate::{hex_hash, name::parse_name, Hash};
use axum::{
    body::Body,
    extract::{Extension, Path, State},
    http::{header, response::Builder, HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::{error::Error, ops::Range, sync::Arc};

pub(crate) fn blob_name(text: &str) -> Result<Hash, HttpError> {
    parse_name(text)
        .ok_or_else(|| HttpError::bad_request("a blob's name is 64 hex digits, its BLAKE3 hash"))
}

impl Shared {
    /// A blob to read: its length, and what keeps it from being removed.
    pub(crate) async fn open(&self, hash: Hash) -> Result<(u64, Kept), HttpError> {
        let kept = self.storage.in_use.keep(hash).await;
        match self.storage.length(hash).await? {
            Some(length) => Ok((length, kept)),
            None => {
                let message = format!("blob {} is not here", hex_hash(&hash));
                Err(HttpError::not_found(message))
            }
        }
    }

    /// As [`Storage::check`](super::Storage::check). The work is worth finishing even if the client
    /// does not wait for it.
    pub(crate) async fn check(&self, hash: Hash, length: u64) -> Result<(), StorageError> {
        let storage = self.storage.clone();
        tokio::spawn(async move { storage.check(hash, length).await }).await?
    }
}

/// `GET /v1/blobs/{hash}`.
pub(crate) async fn plain(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Extension(working): Extension<Working>,
) -> Result<Response, HttpError> {
    let hash = blob_name(&name)?;
    let (length, kept) = shared.open(hash).await?;
    let range = wanted(&headers, length)?;
    shared.storage.mark_used(hash).await;
    let response = match &range {
        None => Response::builder().status(StatusCode::OK),
        Some(Range { start, end }) => {
            let range = format!("bytes {start}-{}/{length}", end.saturating_sub(1));
            let partial = Response::builder().status(StatusCode::PARTIAL_CONTENT);
            partial.header(header::CONTENT_RANGE, range)
        }
    };
    let range = range.unwrap_or(0..length);
    let bytes = range.end.saturating_sub(range.start);
    let response = response
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"{}\"", hex::encode(hash)));
    respond(
        response,
        bytes,
        shared.storage.read(hash, range),
        (working, kept),
    )
}

/// A response with a stream, which keeps `kept` until its end.
pub(crate) fn respond<E: Error + Send + Sync + 'static>(
    response: Builder,
    bytes: u64,
    stream: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    kept: (Working, Kept),
) -> Result<Response, HttpError> {
    let stream = stream.map(move |piece| {
        let _until_the_end = &kept;
        if let Err(error) = &piece {
            // The status is sent already: all that is left is to break off.
            tracing::error!(%error, "a download broke off");
        }
        piece
    });
    response
        .header(header::CONTENT_LENGTH, bytes)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        // Strangers chose the bytes: no browser shall take them for a page of this server.
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        )
        .body(Body::from_stream(stream))
        .map_err(|error| HttpError::bad_request(error.to_string()))
}

/// The part that a `Range` header asks for. What is not one range of bytes is not heeded, as HTTP
/// allows.
fn wanted(headers: &HeaderMap, length: u64) -> Result<Option<Range<u64>>, HttpError> {
    let header = headers.get(header::RANGE);
    let Some((first, last)) = header
        .and_then(|header| {
            header
                .to_str()
                .ok()?
                .strip_prefix("bytes=")?
                .split_once('-')
        })
        .map(|(first, last)| (first.trim(), last.trim()))
    else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.is_empty() => first..length,
        (Err(_), Ok(last)) if first.is_empty() => length.saturating_sub(last)..length,
        _ => return Ok(None),
    };
    if range.start < range.end {
        Ok(Some(range))
    } else {
        Err(HttpError::beyond(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(header: &str) -> Option<Option<Range<u64>>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, header.parse().unwrap());
        wanted(&headers, 10).ok()
    }

    #[test]
    fn ranges_are_those_of_http() {
        assert_eq!(range("bytes=0-4"), Some(Some(0..5)));
        assert_eq!(range("bytes=9-"), Some(Some(9..10)));
        assert_eq!(range("bytes=-3"), Some(Some(7..10)));
        assert_eq!(range("bytes=-30"), Some(Some(0..10)));
        assert_eq!(range("bytes=5-99"), Some(Some(5..10)));
        for not_heeded in [
            "bytes=5-4",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=",
            "bytes=-",
        ] {
            assert_eq!(range(not_heeded), Some(None), "{not_heeded}");
        }
        for refused in ["bytes=10-", "bytes=10-11", "bytes=-0"] {
            assert_eq!(range(refused), None, "{refused}");
        }
    }
}
