//! The node, with a limit to how long the worker waits for any of its answers.

use crate::{journal::Key, standing::Sight};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use mizan_client::{
    audits::{AuditView, AuditorView, ReceiptDemandView},
    disputes::Demand,
    explanations::WorkerReport,
    subxt::transactions::Payload,
    views::{JobView, ProviderView, Timing, WorkerView},
    AccountId, At, BlockStream, Client, ClientError, Hash, Included, Keypair,
};
use mizan_tensor::Program;
use std::{future::Future, time::Duration};

/// Longest pause between two attempts to reach the node, before chance is added.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A connection to a node.
#[derive(Clone, Debug)]
pub struct Node {
    client: Client,
    limit: Duration,
}

/// Pauses between attempts: each about twice the one before, with chance in them, so that workers
/// that lost one node do not come back all at once. They never end.
pub fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(LONGEST_PAUSE)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

impl Node {
    /// Connects. Every answer is waited for no longer than `limit`.
    pub async fn connect(url: &str, limit: Duration) -> Result<Self, ClientError> {
        let client = within(url, limit, Client::connect(url)).await?;
        Ok(Self { client, limit })
    }

    /// The connection without limits.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Hash of the chain's first block.
    pub fn genesis_hash(&self) -> Hash {
        self.client.genesis_hash()
    }

    /// See [`Client::job`].
    pub async fn job(&self, id: u64, at: At) -> Result<Option<JobView>, ClientError> {
        self.ask(self.client.job(id, at)).await
    }

    /// See [`Client::jobs_of`].
    pub async fn jobs_of(&self, worker: &AccountId, at: At) -> Result<Vec<u64>, ClientError> {
        self.ask(self.client.jobs_of(worker, at)).await
    }

    /// See [`Client::block_hash`].
    pub async fn block_hash(&self, number: u32) -> Result<Option<Hash>, ClientError> {
        self.ask(self.client.block_hash(number)).await
    }

    /// See [`Client::best_number`].
    pub async fn best_number(&self) -> Result<u32, ClientError> {
        self.ask(self.client.best_number()).await
    }

    /// What the node can say about an assignment, and its last final block.
    pub async fn sight_of(&self, key: Key) -> Result<(Sight, u32), ClientError> {
        let final_block = self.ask(self.client.finalized_number()).await?;
        let block = self.block_hash(key.assigned_block).await?;
        Ok((Sight::of(key, block, final_block), final_block))
    }

    /// See [`Client::demands`]; of the newest block, for answering early does no harm.
    pub async fn demands(&self, job: u64) -> Result<Vec<Demand>, ClientError> {
        self.ask(self.client.demands(job, At::Best)).await
    }

    /// See [`Client::dispute_time`].
    pub async fn dispute_time(&self) -> Result<u32, ClientError> {
        self.ask(self.client.dispute_time(At::Best)).await
    }

    /// See [`Client::program`].
    pub async fn program(&self, model: &Hash) -> Result<Option<Program>, ClientError> {
        self.program_at(model, At::Finalized).await
    }

    /// See [`Client::program`].
    pub async fn program_at(&self, model: &Hash, at: At) -> Result<Option<Program>, ClientError> {
        self.ask(self.client.program(model, at)).await
    }

    /// See [`Client::auditor`]; of the newest block, as all about audits.
    pub async fn auditor(&self, account: &AccountId) -> Result<Option<AuditorView>, ClientError> {
        self.ask(self.client.auditor(account, At::Best)).await
    }

    /// See [`Client::audits_of`].
    pub async fn audits_of(&self, account: &AccountId, at: At) -> Result<Vec<u64>, ClientError> {
        self.ask(self.client.audits_of(account, at)).await
    }

    /// See [`Client::audit`].
    pub async fn audit(&self, job: u64) -> Result<Option<AuditView>, ClientError> {
        self.ask(self.client.audit(job, At::Best)).await
    }

    /// See [`Client::receipt_demands`].
    pub async fn receipt_demands(&self, job: u64) -> Result<Vec<ReceiptDemandView>, ClientError> {
        self.ask(self.client.receipt_demands(job, At::Best)).await
    }

    /// See [`Client::worker`].
    pub async fn worker(&self, account: &AccountId) -> Result<Option<WorkerView>, ClientError> {
        self.ask(self.client.worker(account, At::Best)).await
    }

    /// Whether a final block has the worker's conviction.
    pub async fn is_convicted(&self, worker: &AccountId) -> Result<bool, ClientError> {
        let found = self.ask(self.client.worker(worker, At::Finalized)).await?;
        Ok(found.is_some_and(|worker| worker.convicted))
    }

    /// See [`Client::provider`].
    pub async fn provider(&self, account: &AccountId) -> Result<Option<ProviderView>, ClientError> {
        self.ask(self.client.provider(account, At::Best)).await
    }

    /// See [`Client::worker_report`].
    pub async fn worker_report(
        &self,
        account: &AccountId,
    ) -> Result<Option<WorkerReport>, ClientError> {
        self.ask(self.client.worker_report(account, At::Best)).await
    }

    /// See [`Client::timing`].
    pub async fn timing(&self) -> Result<Timing, ClientError> {
        self.ask(self.client.timing(At::Finalized)).await
    }

    /// See [`Client::finalized_blocks`].
    pub async fn finalized_blocks(&self) -> Result<BlockStream, ClientError> {
        self.ask(self.client.finalized_blocks()).await
    }

    /// See [`Client::best_blocks`].
    pub async fn best_blocks(&self) -> Result<BlockStream, ClientError> {
        self.ask(self.client.best_blocks()).await
    }

    /// See [`Client::submit`], which has limits of its own.
    pub async fn submit<C: Payload>(
        &self,
        call: &C,
        key: &Keypair,
    ) -> Result<Included, ClientError> {
        self.client.submit(call, key).await
    }

    /// Waits for any answer as long as the limit allows.
    pub async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        within(self.client.url(), self.limit, answer).await
    }
}

async fn within<T>(
    url: &str,
    limit: Duration,
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(ClientError::Connection {
            url: url.into(),
            reason: format!("no answer for {} seconds", limit.as_secs()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_that_accepts_and_never_answers_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let limit = Duration::from_millis(200);
        let refused = Node::connect(&url, limit).await.unwrap_err();
        assert!(matches!(&refused, ClientError::Connection { url: named, .. } if *named == url));
        assert!(refused.is_transient());
    }

    #[test]
    fn pauses_grow_with_chance_in_them_and_never_end() {
        let pauses: Vec<_> = pauses().take(40).collect();
        assert_eq!(pauses.len(), 40);
        for (doublings, pause) in (0..6).zip(&pauses) {
            let least = Duration::from_secs(1 << doublings);
            assert!(*pause >= least && *pause <= 2 * least, "{pause:?}");
        }
        assert!(pauses[39] >= LONGEST_PAUSE && pauses[39] <= 2 * LONGEST_PAUSE);
    }
}
