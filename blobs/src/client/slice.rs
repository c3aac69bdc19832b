//! Slices: from whichever server gives one that proves its bytes.

use super::{
    failure,
    failure::{Failures, Reason, TransferError},
    BlobClient,
};
use crate::{
    pace::Pace,
    slice::{OutOfRange, Wanted},
    Hash,
};
use reqwest::{Method, Response};
use tokio::time::{sleep, timeout};
use url::Url;

impl BlobClient {
    /// Fetches the slice that proves the bytes `[start, start + length)` of a blob of `blob_length`
    /// bytes, from whichever of these servers gives it, in this order.
    ///
    /// Nobody is trusted: what it gives is exactly one slice, which [`mizan_tensor::read_slice`]
    /// takes for that blob. Whoever offers more bytes than that slice has is left at once.
    pub async fn slice(
        &self,
        servers: &[Url],
        hash: Hash,
        blob_length: u64,
        start: u64,
        length: u32,
    ) -> Result<Vec<u8>, TransferError> {
        let after = self.settings.total;
        let wanted = Wanted::new(hash, blob_length, start, length);
        let mut failures = Failures::default();
        let asking = self.ask_in_turn(servers, wanted, &mut failures);
        match timeout(after, asking).await {
            Ok(Some(slice)) => Ok(slice),
            Ok(None) => Err(failures.give_up(hash)),
            Err(_) => Err(failures.out_of_time(hash, after)),
        }
    }

    async fn ask_in_turn(
        &self,
        servers: &[Url],
        wanted: Result<Wanted, OutOfRange>,
        failures: &mut Failures,
    ) -> Option<Vec<u8>> {
        let mut servers: Vec<&Url> = servers.iter().collect();
        let mut back_off = self.back_off();
        loop {
            let mut again = Vec::new();
            for server in servers {
                match self.ask(server, wanted).await {
                    Ok(slice) => return Some(slice),
                    Err(reason) => {
                        if reason.is_transient() {
                            again.push(server);
                        }
                        failures.note(failure(server, reason));
                    }
                }
            }
            match back_off.next() {
                Some(delay) if !again.is_empty() => sleep(delay).await,
                _ => return None,
            }
            servers = again;
        }
    }

    async fn ask(
        &self,
        server: &Url,
        wanted: Result<Wanted, OutOfRange>,
    ) -> Result<Vec<u8>, Reason> {
        let wanted = wanted.map_err(Reason::OutOfRange)?;
        let path = ["blobs", &hex::encode(wanted.blob.hash), "slice"];
        let request = self.request(Method::GET, server, &path)?;
        let request = request.query(&[("start", wanted.start), ("length", wanted.length.into())]);
        let response = self.send(request).await?;
        let slice = self.read_body(response, &wanted).await?;
        if wanted.is_proved_by(&slice) {
            Ok(slice)
        } else {
            let offset = wanted.start;
            Err(Reason::Lied { offset })
        }
    }

    /// Reads a body that is no longer than the slice.
    async fn read_body(&self, response: Response, wanted: &Wanted) -> Result<Vec<u8>, Reason> {
        let (limit, offset) = (wanted.slice_bytes, wanted.start);
        let announced = response.content_length();
        let slice = self.read_at_most(response, limit, offset).await?;
        let bytes = u64::try_from(slice.len()).unwrap_or(u64::MAX);
        // Where nobody said how much comes, an early end may be a break.
        if bytes < limit && announced.is_none() {
            return Err(Reason::Cut { offset });
        }
        Ok(slice)
    }

    /// Reads a body of at most `limit` bytes, about the blob from byte `offset` on.
    pub(super) async fn read_at_most(
        &self,
        mut response: Response,
        limit: u64,
        offset: u64,
    ) -> Result<Vec<u8>, Reason> {
        let announced = response.content_length();
        if let Some(bytes) = announced.filter(|bytes| *bytes > limit) {
            return Err(Reason::TooLarge { bytes, limit });
        }
        let mut pace = Pace::new(self.settings.idle, self.settings.min_bytes_per_second);
        let stalled = |_| Reason::Stalled { offset };
        let mut body = Vec::new();
        loop {
            let piece = pace.wait(response.chunk()).await.map_err(stalled)?;
            let Some(piece) = piece.map_err(|error| Reason::of(&error, offset))? else {
                return Ok(body);
            };
            pace.count(piece.len()).map_err(stalled)?;
            body.extend_from_slice(&piece);
            let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
            if bytes > limit {
                return Err(Reason::TooLarge { bytes, limit });
            }
        }
    }
}
