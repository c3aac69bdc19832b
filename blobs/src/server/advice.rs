//! Advice lists: one for each job, small, and replaced as a whole.

use super::{
    http_error::HttpError,
    locations::Kind,
    room::Entry,
    storage::StorageError,
    uploads::{content_length, hash_mismatch, next_piece, stored},
    Shared,
};
use crate::{name::parse_name, right::Payload, AdviceList, Content, Hash, MAX_ADVICE_LIST_BYTES};
use axum::{
    body::{Body, Bytes},
    extract::{rejection::QueryRejection, Path, Query, State},
    http::{header, HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use mizan_tensor::hash_bytes;
use serde::Deserialize;
use std::sync::Arc;

/// What the names of lists are derived in, so that none is that of a blob.
const NAMES: &str = "mizan: name of an advice list";

/// The name under which a job's list is stored.
fn list_name(job: u64) -> Hash {
    blake3::derive_key(NAMES, &job.to_le_bytes())
}

fn job_number(text: &str) -> Result<u64, HttpError> {
    let number = text.parse();
    number.map_err(|_| HttpError::bad_request("a job is named by its number"))
}

/// `GET /v1/advice/{job}`.
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    Path(job): Path<String>,
) -> Result<Response, HttpError> {
    let job = job_number(&job)?;
    let name = list_name(job);
    let _kept = shared.storage.in_use.keep(name).await;
    let storage = &shared.storage;
    let list = storage.read_whole(Kind::AdviceList, name, MAX_ADVICE_LIST_BYTES);
    let list = list.await?.ok_or_else(|| {
        HttpError::not_found(format!("there is no advice list for job {job} here"))
    })?;
    storage.mark(Kind::AdviceList, name).await;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, list).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Named {
    hash: String,
}

/// `PUT /v1/advice/{job}?hash=<hash of the body>`.
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(job): Path<String>,
    named: Result<Query<Named>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let job = job_number(&job)?;
    let hash = named.ok().and_then(|named| parse_name(&named.0.hash));
    let hash =
        hash.ok_or_else(|| HttpError::bad_request("say in ?hash=HASH the list's BLAKE3 hash"))?;
    let length = content_length(&headers)?;
    if length > MAX_ADVICE_LIST_BYTES {
        let message = format!("an advice list has at most {MAX_ADVICE_LIST_BYTES} bytes");
        return Err(too_large(message));
    }
    let payload = Payload {
        content: Content::AdviceList,
        hash,
        length,
    };
    let uploader = shared.authorise(&headers, &payload, Some(job)).await?;
    let name = list_name(job);
    let kept = shared.storage.in_use.keep(name).await;
    let mut entry = shared.room.enter(uploader, name, length, length)?;
    let list = shared.receive_list(body, length, &mut entry).await?;
    if hash_bytes(&list) != hash {
        return Err(hash_mismatch());
    }
    AdviceList::decode(&list).map_err(|error| HttpError::bad_request(error.to_string()))?;
    // The work is worth finishing even if the client does not wait for it.
    let finishing = tokio::spawn(async move {
        let storage = &shared.storage;
        let is_new = storage.write_whole(Kind::AdviceList, name, list).await?;
        drop(kept);
        // What it replaces counts until garbage is collected.
        entry.placed();
        Ok::<_, StorageError>(is_new)
    });
    let is_new = finishing.await.map_err(StorageError::from)??;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(stored(status, hash))
}

fn too_large(message: String) -> HttpError {
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

impl Shared {
    /// Reads a list of at most `length` bytes.
    async fn receive_list(
        &self,
        body: Body,
        length: u64,
        entry: &mut Entry,
    ) -> Result<Vec<u8>, HttpError> {
        let limit = usize::try_from(length).unwrap_or(usize::MAX);
        let (mut body, mut pace) = (body.into_data_stream(), self.pace());
        let mut list: Vec<u8> = Vec::new();
        loop {
            let piece: Option<Bytes> = next_piece(&mut body, &mut pace).await?;
            let Some(piece) = piece else {
                return Ok(list);
            };
            if list.len().saturating_add(piece.len()) > limit {
                return Err(too_large("more came than was said".into()));
            }
            entry.came(piece.len());
            list.extend_from_slice(&piece);
        }
    }
}
