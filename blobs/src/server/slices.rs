//! Slices: some bytes of a blob with the hashes that prove them, for whoever needs no more.
//!
//! The hashes above groups come from the outboard. Only the groups that have wanted bytes are read
//! and hashed, for the hashes within them.

use super::{
    connections::Working,
    downloads::{blob_name, respond},
    http_error::HttpError,
    storage::{Storage, StorageError},
    Shared,
};
use crate::{
    slice::{Wanted, MAX_SLICE_BYTES},
    tree::{Piece, Pieces, GROUP_BYTES},
};
use axum::{
    extract::{rejection::QueryRejection, Extension, Path, Query, State},
    http::{HeaderName, StatusCode},
    response::Response,
};
use bytes::Bytes;
use futures::{stream, TryStreamExt};
use mizan_tensor::Blob;
use serde::Deserialize;
use std::sync::Arc;
use tokio::{task::spawn_blocking, try_join};

/// Without the blob's length no slice can be read.
const BLOB_LENGTH: HeaderName = HeaderName::from_static("blob-length");

#[derive(Deserialize)]
pub(crate) struct Asked {
    start: u64,
    length: u32,
}

/// `GET /v1/blobs/{hash}/slice?start=<byte>&length=<bytes>`.
pub(crate) async fn slice(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    Extension(working): Extension<Working>,
) -> Result<Response, HttpError> {
    let hash = blob_name(&name)?;
    let (start, length) = match asked {
        Ok(Query(Asked { start, length })) if (1..=MAX_SLICE_BYTES).contains(&length) => {
            (start, length)
        }
        _ => {
            let message = "say in ?start=BYTE&length=BYTES what to prove, at most";
            let message = format!("{message} {MAX_SLICE_BYTES} bytes and at least one");
            return Err(HttpError::bad_request(message));
        }
    };
    let (blob_length, kept) = shared.open(hash).await?;
    let wanted = Wanted::new(hash, blob_length, start, length)
        .map_err(|_| HttpError::beyond(blob_length))?;
    shared.check(hash, blob_length).await?;
    shared.storage.mark_used(hash).await;
    let slice = Bytes::from(shared.storage.slice(wanted).await?);
    let response = Response::builder()
        .status(StatusCode::OK)
        .header(BLOB_LENGTH, blob_length);
    let slice = stream::iter([Ok::<_, StorageError>(slice)]);
    respond(response, wanted.slice_bytes, slice, (working, kept))
}

impl Storage {
    /// A slice of a blob that was checked once. It is checked as whoever gets it does: what was
    /// damaged since then is not sent.
    async fn slice(&self, wanted: Wanted) -> Result<Vec<u8>, StorageError> {
        let Blob { hash, length } = wanted.blob;
        let pieces: Vec<Piece> = Pieces::within(length, wanted.range()).collect();
        let number = |piece: &Piece| match piece {
            Piece::Pair(pair) => Some(*pair),
            Piece::Group(_) => None,
        };
        let pairs: Vec<u64> = pieces.iter().filter_map(number).collect();
        let (pairs, groups) = try_join!(self.read_pairs(hash, &pairs), self.read_groups(&wanted))?;
        let encoding = spawn_blocking(move || {
            let slice = encode(&wanted, &pieces, &pairs, &groups)?;
            wanted.is_proved_by(&slice).then_some(slice)
        });
        match encoding.await? {
            Some(slice) => Ok(slice),
            None => {
                self.doubt(hash).await?;
                Err(StorageError::Corrupt(hash))
            }
        }
    }

    /// The groups that have wanted bytes.
    async fn read_groups(&self, wanted: &Wanted) -> Result<Vec<u8>, StorageError> {
        let Blob { hash, length } = wanted.blob;
        let range = wanted.range();
        let start = range.start.saturating_sub(range.start % GROUP_BYTES);
        let end = range.end.div_ceil(GROUP_BYTES).saturating_mul(GROUP_BYTES);
        let mut pages = self.read(hash, start..end.min(length));
        let mut groups = Vec::new();
        while let Some(page) = pages.try_next().await? {
            groups.extend_from_slice(&page);
        }
        Ok(groups)
    }
}

/// Nothing if there are fewer bytes than there must be.
fn encode(
    wanted: &Wanted,
    pieces: &[Piece],
    pairs: &[Bytes],
    mut groups: &[u8],
) -> Option<Vec<u8>> {
    let mut slice = Vec::with_capacity(usize::try_from(wanted.slice_bytes).ok()?);
    let mut pairs = pairs.iter();
    for piece in pieces {
        match piece {
            Piece::Pair(_) => slice.extend_from_slice(pairs.next()?),
            Piece::Group(group) => {
                wanted.write_under(*group, &mut groups, &mut slice).ok()?;
            }
        }
    }
    Some(slice)
}
