//! Downloads: from whichever server has the blob, checked while they come, and resumed.

use super::{
    failure,
    failure::{Failures, Reason, TransferError},
    partial::Partial,
    BlobClient,
};
use crate::{
    channel_reader::ChannelReader,
    pace::Pace,
    verifier::{Stop, Verifier},
    BlobError, Hash, LocalBlobStore,
};
use bytes::Bytes;
use reqwest::{Method, Response, StatusCode};
use tokio::{
    sync::mpsc::{channel, Sender},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use url::Url;

/// One blob's download.
struct Fetch<'a> {
    client: &'a BlobClient,
    hash: Hash,
    max_bytes: u64,
    failures: Failures,
}

/// How a try ended that did not end well.
enum Ended {
    /// The server did not do.
    Server(Reason),
    /// The file had something else than the blob, which is thrown away.
    BadPrefix,
    Local(BlobError),
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Self::Server(reason)
    }
}

impl BlobClient {
    /// Fetches a blob of at most `max_bytes` from whichever of these servers has it, in this order,
    /// into a store, and gives its length. Where it is there already it is only checked.
    ///
    /// Every 16 KiB are checked as they come. What was right is kept, over failures, other servers
    /// and restarts of the process: only the rest is fetched.
    pub async fn fetch(
        &self,
        servers: &[Url],
        hash: Hash,
        max_bytes: u64,
        into: &LocalBlobStore,
    ) -> Result<u64, TransferError> {
        let after = self.settings.total;
        let mut fetch = Fetch {
            client: self,
            hash,
            max_bytes,
            failures: Failures::default(),
        };
        match timeout(after, fetch.run(servers, into)).await {
            Ok(result) => result,
            Err(_) => Err(fetch.failures.out_of_time(hash, after)),
        }
    }
}

impl Fetch<'_> {
    async fn run(&mut self, servers: &[Url], into: &LocalBlobStore) -> Result<u64, TransferError> {
        let mut partial = match Partial::open(into, self.hash, self.max_bytes).await? {
            Ok(partial) => partial,
            Err(length) => return Ok(length),
        };
        let mut servers: Vec<&Url> = servers.iter().collect();
        let mut back_off = self.client.back_off();
        loop {
            let before = partial.verified;
            let mut again = Vec::new();
            let mut doubted = false;
            for server in servers {
                match self.try_server(server, &mut partial).await? {
                    Ok(length) => {
                        partial.finish(into, self.hash, length).await?;
                        return Ok(length);
                    }
                    Err(reason) => {
                        let beyond = is_beyond(&reason) && partial.from > partial.verified;
                        doubted |= beyond;
                        if beyond || reason.is_transient() {
                            again.push(server);
                        }
                        self.failures.note(failure(server, reason));
                    }
                }
            }
            // The file may have more than the blob. Only when no server took it further: a liar shall
            // not cost what is right.
            if doubted && partial.from > partial.verified {
                partial.from = partial.verified;
            }
            if partial.verified > before {
                back_off = self.client.back_off();
            }
            match back_off.next() {
                Some(delay) if !again.is_empty() => sleep(delay).await,
                _ => return Err(self.failures.give_up(self.hash)),
            }
            servers = again;
        }
    }

    async fn try_server(
        &self,
        server: &Url,
        partial: &mut Partial,
    ) -> Result<Result<u64, Reason>, BlobError> {
        loop {
            match self.try_once(server, partial).await {
                Ok(length) => return Ok(Ok(length)),
                Err(Ended::Server(reason)) => return Ok(Err(reason)),
                Err(Ended::Local(error)) => return Err(error),
                // Each time less of the file is believed, at last nothing.
                Err(Ended::BadPrefix) => {}
            }
        }
    }

    async fn try_once(&self, server: &Url, partial: &mut Partial) -> Result<u64, Ended> {
        let from = partial.from;
        let path = ["blobs", &hex::encode(self.hash), "verified"];
        let request = self.client.request(Method::GET, server, &path)?;
        let request = request.query(&[("from", from)]);
        let response = self.client.send(request).await?;
        let (sender, receiver) = channel(4);
        let (root, verified, max_bytes) = (self.hash, partial.verified, self.max_bytes);
        let file = partial.file.clone();
        let checking = spawn_blocking(move || {
            let mut verifier = Verifier {
                root,
                encoded: ChannelReader::new(receiver),
                file: &file,
                from,
                verified,
            };
            (verifier.run(max_bytes), verifier.verified)
        });
        let fed = self.feed(response, sender, from).await;
        let (checked, verified) = checking
            .await
            .map_err(|error| Ended::Local(partial.failed(std::io::Error::other(error))))?;
        partial.verified = verified;
        partial.from = from.max(verified);
        match checked {
            Ok(length) => Ok(length),
            Err(Stop::TooLarge(bytes)) => {
                let limit = self.max_bytes;
                Err(Reason::TooLarge { bytes, limit }.into())
            }
            Err(Stop::Lied(offset)) => Err(Reason::Lied { offset }.into()),
            Err(Stop::BadPrefix(start)) => {
                (partial.from, partial.verified) = (start, start);
                Err(Ended::BadPrefix)
            }
            Err(Stop::File(error)) => Err(Ended::Local(partial.failed(error))),
            Err(Stop::Cut) => Err(at_offset(fed, partial.from).into()),
        }
    }

    /// Passes on what comes, at most until the other side of the channel has enough.
    async fn feed(
        &self,
        mut response: Response,
        to: Sender<Bytes>,
        from: u64,
    ) -> Result<(), Reason> {
        let settings = &self.client.settings;
        let mut pace = Pace::new(settings.idle, settings.min_bytes_per_second);
        let slow = |_| Reason::Stalled { offset: from };
        loop {
            let piece = tokio::select! {
                () = to.closed() => return Ok(()),
                piece = pace.wait(response.chunk()) => piece.map_err(slow)?,
            };
            let Some(piece) = piece.map_err(|error| Reason::of(&error, from))? else {
                return Ok(());
            };
            pace.count(piece.len()).map_err(slow)?;
            if to.send(piece).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Whether the server says that the blob ends before what was asked for.
fn is_beyond(reason: &Reason) -> bool {
    let beyond = StatusCode::RANGE_NOT_SATISFIABLE.as_u16();
    matches!(reason, Reason::Refused { status, .. } if *status == beyond)
}

fn at_offset(fed: Result<(), Reason>, offset: u64) -> Reason {
    match fed {
        Err(Reason::Stalled { .. }) => Reason::Stalled { offset },
        Ok(()) | Err(_) => Reason::Cut { offset },
    }
}
