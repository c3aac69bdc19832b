//! Verified downloads: a blob with the hashes that let the client check every group as it comes.

use super::{
    connections::Working,
    downloads::{blob_name, respond},
    http_error::HttpError,
    storage::{Storage, StorageError},
    Shared,
};
use crate::{
    tree::{Piece, Pieces, Subtree, GROUP_BYTES, PAIR_BYTES},
    Hash,
};
use axum::{
    extract::{Extension, Path, Query, State},
    http::StatusCode,
    response::Response,
};
use bytes::{Buf, Bytes, BytesMut};
use futures::{stream, stream::BoxStream, Stream, TryStreamExt};
use serde::Deserialize;
use std::sync::Arc;

/// As much is sent at once.
const SEND_BYTES: usize = 128 << 10;
/// As many pairs of hashes are read at once: 64 KiB, enough for 16 MiB of the blob.
const PAIRS_AT_ONCE: u64 = 1024;

#[derive(Deserialize)]
pub(crate) struct Start {
    #[serde(default)]
    from: u64,
}

/// `GET /v1/blobs/{hash}/verified?from=<byte>`.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Query(Start { from }): Query<Start>,
    Extension(working): Extension<Working>,
) -> Result<Response, HttpError> {
    let hash = blob_name(&name)?;
    let (length, kept) = shared.open(hash).await?;
    if from > 0 && from >= length {
        return Err(HttpError::beyond(length));
    }
    let from = from.saturating_sub(from % GROUP_BYTES);
    shared.check(hash, length).await?;
    shared.storage.mark_used(hash).await;
    let bytes = Pieces::new(length, from).encoded_bytes().saturating_add(8);
    let stream = Encoder::new(&shared.storage, hash, length, from).into_stream();
    let response = Response::builder().status(StatusCode::OK);
    respond(response, bytes, stream, (working, kept))
}

struct Encoder {
    storage: Storage,
    hash: Hash,
    pieces: Pieces,
    /// The blob from the first group on.
    blob: BoxStream<'static, Result<Bytes, StorageError>>,
    page: Bytes,
    /// Some pairs of hashes, the number of the first, and of all there are.
    pairs: Bytes,
    first_pair: u64,
    all_pairs: u64,
    header: Option<u64>,
}

impl Encoder {
    fn new(storage: &Storage, hash: Hash, length: u64, from: u64) -> Self {
        Self {
            storage: storage.clone(),
            hash,
            pieces: Pieces::new(length, from),
            blob: storage.read(hash, from..length),
            page: Bytes::new(),
            pairs: Bytes::new(),
            first_pair: 0,
            all_pairs: Subtree::whole(length).pairs(),
            header: Some(length),
        }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Bytes, StorageError>> {
        stream::try_unfold(self, |mut encoder| async move {
            let bytes = encoder.next_bytes().await?;
            Ok((!bytes.is_empty()).then_some((bytes, encoder)))
        })
    }

    async fn next_bytes(&mut self) -> Result<Bytes, StorageError> {
        let mut bytes = BytesMut::with_capacity(SEND_BYTES + (GROUP_BYTES as usize));
        if let Some(length) = self.header.take() {
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        while bytes.len() < SEND_BYTES {
            match self.pieces.next() {
                None => break,
                Some(Piece::Pair(pair)) => self.pair(pair, &mut bytes).await?,
                Some(Piece::Group(group)) => self.group(group.length, &mut bytes).await?,
            }
        }
        Ok(bytes.freeze())
    }

    async fn pair(&mut self, pair: u64, bytes: &mut BytesMut) -> Result<(), StorageError> {
        let have = u64::try_from(self.pairs.len()).unwrap_or(0) / PAIR_BYTES;
        if !(self.first_pair..self.first_pair.saturating_add(have)).contains(&pair) {
            let end = pair.saturating_add(PAIRS_AT_ONCE).min(self.all_pairs);
            self.pairs = self.storage.read_outboard(self.hash, pair..end).await?;
            self.first_pair = pair;
        }
        let start = pair
            .saturating_sub(self.first_pair)
            .saturating_mul(PAIR_BYTES);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let end = start.saturating_add(PAIR_BYTES as usize);
        let pair = self.pairs.get(start..end);
        bytes.extend_from_slice(pair.ok_or(StorageError::Corrupt(self.hash))?);
        Ok(())
    }

    async fn group(&mut self, length: u64, bytes: &mut BytesMut) -> Result<(), StorageError> {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        while left > 0 {
            if self.page.is_empty() {
                let page = self.blob.try_next().await?;
                self.page = page
                    .filter(|page| !page.is_empty())
                    .ok_or(StorageError::Corrupt(self.hash))?;
            }
            let now = left.min(self.page.len());
            bytes.extend_from_slice(&self.page[..now]);
            self.page.advance(now);
            left = left.saturating_sub(now);
        }
        Ok(())
    }
}
