//! Refusals as clients get them: a status, and JSON that says which and why.

use super::{room::Full, storage::StorageError};
use axum::{
    http::{header::CONTENT_TYPE, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{json, Value};

/// An answer in JSON.
pub(crate) fn respond_json(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct HttpError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl HttpError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self {
            status,
            kind,
            message,
            header: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message.into())
    }

    pub(crate) fn not_found(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message.into()).with(
            HeaderName::from_static("www-authenticate"),
            HeaderValue::from_static("Bearer, Mizan"),
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "this address does not take this method".into();
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        )
    }

    pub(crate) fn beyond(length: u64) -> Self {
        let message = format!("the blob has {length} bytes, ask for some of these");
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        let error = Self::new(status, "range_not_satisfiable", message);
        match HeaderValue::from_str(&format!("bytes */{length}")) {
            Ok(range) => error.with(HeaderName::from_static("content-range"), range),
            Err(_) => error,
        }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl From<StorageError> for HttpError {
    fn from(error: StorageError) -> Self {
        if error.is_disk_full() {
            let message = "the server's disk is full, try another server".into();
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "full", message);
        }
        // Paths and such are for the server's owner, not for strangers.
        tracing::error!(%error, "storage failed");
        let (kind, message) = match error {
            StorageError::Corrupt(_) => (
                "corrupt",
                "what is stored under this hash does not have it; upload it again",
            ),
            _ => ("internal", "the server's storage failed, try again later"),
        };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, kind, message.into())
    }
}

impl From<Full> for HttpError {
    fn from(full: Full) -> Self {
        let (status, kind) = match full {
            Full::Blob { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Full::Total => (StatusCode::INSUFFICIENT_STORAGE, "full"),
            Full::Uploads => (StatusCode::SERVICE_UNAVAILABLE, "too_many_uploads"),
            Full::Day { .. } => (StatusCode::TOO_MANY_REQUESTS, "quota"),
            Full::Busy => (StatusCode::CONFLICT, "busy"),
        };
        Self::new(status, kind, full.to_string())
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "kind": self.kind, "message": self.message } });
        let mut response = respond_json(self.status, &body);
        response.headers_mut().extend(self.header);
        response
    }
}
