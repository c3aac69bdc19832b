//! Advice from and to blob servers. What goes and comes lies in folders of its own meanwhile.

use super::{addresses, Clients, Supply, SupplyError};
use futures::{stream::FuturesUnordered, StreamExt};
use mizan_blobs::{AdviceList, LocalBlobStore, TransferError, Url};
use mizan_client::Hash;
use tracing::debug;

impl Supply {
    /// The servers of a job, and the owner's, with who asks them.
    fn all(&self, servers: &[String]) -> Vec<(&Clients, Vec<Url>)> {
        let kinds = [
            (&self.strangers, addresses(servers)),
            (&self.own, addresses(&self.own_servers)),
        ];
        kinds
            .into_iter()
            .filter(|(_, urls)| !urls.is_empty())
            .collect()
    }

    /// Gives a blob of a folder to the servers of a job and to the owner's. Done once one has it.
    pub async fn push_from(
        &self,
        store: &LocalBlobStore,
        servers: &[String],
        hash: Hash,
        job: u64,
    ) -> Result<(), SupplyError> {
        let mut outcome = Outcome::default();
        for (clients, urls) in self.all(servers) {
            let push = &clients.push;
            let pushed = push.push(&urls, hash, store, &self.right, Some(job));
            outcome.note(job, pushed.await.map(drop));
        }
        outcome.given(servers)
    }

    /// Gives a job's advice list to the same servers. Done once one has it.
    pub async fn put_advice_list(
        &self,
        servers: &[String],
        job: u64,
        list: &AdviceList,
    ) -> Result<(), SupplyError> {
        let mut outcome = Outcome::default();
        for (clients, urls) in self.all(servers) {
            let put = clients.push.put_advice_list(&urls, job, list, &self.right);
            outcome.note(job, put.await.map(drop));
        }
        outcome.given(servers)
    }

    /// The first good one of the advice lists that these servers have of a job. All are asked at
    /// once, so that none keeps the others from answering.
    pub async fn advice_list(
        &self,
        servers: &[String],
        job: u64,
        is_good: impl Fn(&AdviceList) -> bool,
    ) -> Option<AdviceList> {
        let mut asked = FuturesUnordered::new();
        for (clients, urls) in self.all(servers) {
            let fetch = &clients.fetch;
            asked.extend(urls.into_iter().map(|url| async move {
                let answer = fetch.advice_list(&url, job).await;
                (url, answer)
            }));
        }
        while let Some((url, answer)) = asked.next().await {
            match answer {
                Ok(list) if is_good(&list) => return Some(list),
                Ok(_) => debug!(job, "{url} has an advice list that is not of the job"),
                Err(failure) => debug!(job, "no advice list: {failure}"),
            }
        }
        None
    }
}

/// What became of giving something to two kinds of servers.
#[derive(Default)]
struct Outcome {
    is_given: bool,
    last: Option<TransferError>,
}

impl Outcome {
    fn note(&mut self, job: u64, result: Result<(), TransferError>) {
        match result {
            Ok(()) => self.is_given = true,
            Err(error) => {
                debug!(job, "blob servers took no advice: {error}");
                self.last = Some(error);
            }
        }
    }

    fn given(self, servers: &[String]) -> Result<(), SupplyError> {
        match self.last {
            _ if self.is_given => Ok(()),
            Some(error) => Err(SupplyError::Servers(error)),
            None => Err(SupplyError::Addresses(servers.join(", "))),
        }
    }
}
