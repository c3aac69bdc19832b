//! Advice lists: from one server at a time, to several.

use super::{failure, push::authorization, BlobClient, Failure, Pushed, Reason, TransferError};
use crate::{right::Payload, AdviceList, Content, UploadRight, MAX_ADVICE_LIST_BYTES};
use futures::future::join_all;
use mizan_tensor::hash_bytes;
use reqwest::{header, Method};
use tokio::time::{sleep, timeout};
use url::Url;

/// The upload of one list.
struct PutList<'a> {
    client: &'a BlobClient,
    job: u64,
    list: Vec<u8>,
    payload: Payload,
    right: &'a UploadRight,
}

impl BlobClient {
    /// The advice list that a server has for a job. It is asked once, and never read further than a
    /// list can be long. Nobody says that the list is right: see [`AdviceList::check`].
    pub async fn advice_list(&self, server: &Url, job: u64) -> Result<AdviceList, Failure> {
        let ask = async {
            let path = ["advice", &job.to_string()];
            let response = self.send(self.request(Method::GET, server, &path)?).await?;
            let list = self
                .read_at_most(response, MAX_ADVICE_LIST_BYTES, 0)
                .await?;
            AdviceList::decode(&list).map_err(|_| Reason::malformed())
        };
        let within = timeout(self.settings.total, ask).await;
        let asked = within.unwrap_or(Err(Reason::Stalled { offset: 0 }));
        asked.map_err(|reason| failure(server, reason))
    }

    /// Gives a job's advice list to all of these servers at once, in place of the one that they may
    /// have. It is an error if none has it then.
    pub async fn put_advice_list(
        &self,
        servers: &[Url],
        job: u64,
        list: &AdviceList,
        right: &UploadRight,
    ) -> Result<Pushed, TransferError> {
        if servers.is_empty() {
            return Err(TransferError::NoServers);
        }
        let list = list.encode();
        let hash = hash_bytes(&list);
        let put = PutList {
            client: self,
            job,
            payload: Payload {
                content: Content::AdviceList,
                hash,
                length: u64::try_from(list.len()).unwrap_or(u64::MAX),
            },
            list,
            right,
        };
        let puts = servers.iter().map(|server| {
            let put = &put;
            async move {
                let result = timeout(self.settings.total, put.run(server)).await;
                (server, result.unwrap_or(Err(Reason::Stalled { offset: 0 })))
            }
        });
        let mut pushed = Pushed::default();
        for (server, result) in join_all(puts).await {
            pushed.note(server, result);
        }
        pushed.or_failed(hash)
    }
}

impl PutList<'_> {
    async fn run(&self, server: &Url) -> Result<(), Reason> {
        let mut back_off = self.client.back_off();
        loop {
            let Err(reason) = self.once(server).await else {
                return Ok(());
            };
            tracing::debug!(%server, %reason, "a blob server took no advice list");
            match back_off.next() {
                Some(delay) if reason.is_transient() => sleep(delay).await,
                _ => return Err(reason),
            }
        }
    }

    async fn once(&self, server: &Url) -> Result<(), Reason> {
        let path = ["advice", &self.job.to_string()];
        let request = self.client.request(Method::PUT, server, &path)?;
        let right = authorization(self.right, server, &self.payload, Some(self.job))?;
        let request = request
            .query(&[("hash", hex::encode(self.payload.hash))])
            .header(header::AUTHORIZATION, right)
            .body(self.list.clone());
        self.client.send(request).await.map(drop)
    }
}
