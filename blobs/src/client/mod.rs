//! Blobs from and to servers that strangers may have named.

mod addresses;
mod advice;
mod failure;
mod fetch;
mod partial;
mod push;
mod slice;

pub use failure::{Failure, Reason, TransferError};
pub use push::Pushed;

use crate::Hash;
use addresses::{check_url, BadUrl, Resolver};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{header, redirect, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use url::Url;

/// How patient a client is, and whom it trusts.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Whether servers may be on loopback and private networks. Only where no stranger names them.
    pub allow_private: bool,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest wait for an answer, for which a server may have to hash the blob.
    pub answer: Duration,
    /// The longest wait for the next bytes.
    pub idle: Duration,
    /// A slower server is left.
    pub min_bytes_per_second: u64,
    /// The bound on one blob's transfer as a whole.
    pub total: Duration,
    /// How often all servers are tried again after a round that brought nothing.
    pub retries: usize,
    /// The wait before the first of these; each further one is twice as long, up to 30 seconds.
    pub back_off: Duration,
}

impl Default for ClientSettings {
    /// Public servers only; 10 seconds to connect, 2 minutes for an answer, 20 seconds idle, 16 KiB
    /// a second, 6 hours in all, 5 retries from half a second.
    fn default() -> Self {
        Self {
            allow_private: false,
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(120),
            idle: Duration::from_secs(20),
            min_bytes_per_second: 16 << 10,
            total: Duration::from_secs(6 * 60 * 60),
            retries: 5,
            back_off: Duration::from_millis(500),
        }
    }
}

/// Fetches and pushes blobs. Clones share connections.
#[derive(Clone, Debug)]
pub struct BlobClient {
    http: reqwest::Client,
    settings: ClientSettings,
}

impl BlobClient {
    /// A client. Proxies that the environment names are not used: they would resolve names in its
    /// place.
    pub fn new(settings: ClientSettings) -> Result<Self, TransferError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("mizan-blobs/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(settings.connect)
            .dns_resolver(Arc::new(Resolver {
                allow_private: settings.allow_private,
            }))
            .build()
            .map_err(|error| TransferError::Http(error.to_string()))?;
        Ok(Self { http, settings })
    }

    /// Whether a server has a blob.
    pub async fn has(&self, server: &Url, hash: Hash) -> Result<bool, Failure> {
        let ask = async {
            let path = ["blobs", &hex::encode(hash)];
            self.send(self.request(Method::HEAD, server, &path)?).await
        };
        match ask.await {
            Ok(_) => Ok(true),
            Err(Reason::NotFound) => Ok(false),
            Err(reason) => Err(failure(server, reason)),
        }
    }

    fn request(
        &self,
        method: Method,
        server: &Url,
        path: &[&str],
    ) -> Result<RequestBuilder, Reason> {
        check_url(server, self.settings.allow_private).map_err(|bad| match bad {
            BadUrl::Malformed(what) => Reason::BadUrl(what.to_owned()),
            BadUrl::Forbidden(forbidden) => Reason::ForbiddenAddress(forbidden.to_string()),
        })?;
        let mut url = server.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| Reason::BadUrl("it can't have a path".to_owned()))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        Ok(self.http.request(method, url))
    }

    /// Waits for an answer and takes only success for one.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Reason> {
        let answer = tokio::time::timeout(self.settings.answer, request.send());
        match answer.await {
            Err(_) => Err(Reason::Stalled { offset: 0 }),
            Ok(Err(error)) => Err(Reason::of(&error, 0)),
            Ok(Ok(response)) => self.check(response).await,
        }
    }

    async fn check(&self, response: Response) -> Result<Response, Reason> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::NOT_FOUND {
            return Err(Reason::NotFound);
        }
        if status.is_redirection() {
            let to = response.headers().get(header::LOCATION);
            let to = to.map(|to| String::from_utf8_lossy(to.as_bytes()));
            let to = printable(to.as_deref().unwrap_or("nowhere"));
            return Err(Reason::Redirected { to });
        }
        let body = tokio::time::timeout(self.settings.idle, start_of(response)).await;
        let (kind, message) = read_error(&body.unwrap_or_default());
        Err(Reason::Refused {
            status: status.as_u16(),
            kind,
            message,
        })
    }

    fn back_off(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.settings.back_off)
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(self.settings.retries)
            .with_jitter()
            .build()
    }
}

fn failure(server: &Url, reason: Reason) -> Failure {
    Failure {
        server: server.to_string(),
        reason,
    }
}

/// No error has a longer body that is worth reading.
const ERROR_BYTES: usize = 4 << 10;

async fn start_of(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let room = ERROR_BYTES.saturating_sub(body.len());
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() >= ERROR_BYTES {
            break;
        }
    }
    body
}

fn read_error(body: &[u8]) -> (String, String) {
    #[derive(Deserialize)]
    struct Body {
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        kind: String,
        message: String,
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(Body { error }) => (printable(&error.kind), printable(&error.message)),
        Err(_) => (String::new(), printable(&String::from_utf8_lossy(body))),
    }
}

/// What a stranger says, made safe for a terminal and short.
fn printable(text: &str) -> String {
    let visible = text.chars().filter(|letter| !letter.is_control());
    visible.take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_strangers_are_cut_and_cleaned() {
        let body = br#"{"error":{"kind":"quota","message":"no\u001b[31m more"}}"#;
        assert_eq!(read_error(body), ("quota".into(), "no[31m more".into()));
        assert_eq!(read_error(b"<html>"), (String::new(), "<html>".into()));
        assert_eq!(printable(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn paths_are_added_to_the_servers_own() {
        let client = BlobClient::new(ClientSettings::default()).unwrap();
        for (server, url) in [
            ("https://a.example", "https://a.example/v1/blobs/x"),
            ("https://a.example/b/?q#f", "https://a.example/b/v1/blobs/x"),
        ] {
            let server = Url::parse(server).unwrap();
            let request = client.request(Method::GET, &server, &["blobs", "x"]);
            let request = request.unwrap().build().unwrap();
            assert_eq!(request.url().as_str(), url);
        }
    }
}
