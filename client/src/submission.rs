//! Calls: signed, sent, and followed until their fate is known.

use crate::{account_of, runtime, At, Client, ClientError, Keypair, MizanConfig};
use mizan_tensor::Hash;
use std::time::Duration;
use subxt::{
    client::OnlineClientAtBlockImpl,
    config::DefaultExtrinsicParamsBuilder,
    extrinsics::ExtrinsicEvents,
    transactions::{Payload, TransactionInBlock, TransactionProgress, TransactionStatus},
};

/// Blocks within which a transaction must be included, counted from the last final block.
const MORTAL_BLOCKS: u64 = 64;
/// How long to wait for a block with the transaction: a little longer than it lives.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(220);
/// How long to wait for that block to be final.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(600);

type InBlock = TransactionInBlock<MizanConfig, OnlineClientAtBlockImpl<MizanConfig>>;
type Progress = TransactionProgress<MizanConfig, OnlineClientAtBlockImpl<MizanConfig>>;

/// A call that was included and did not fail.
#[derive(Debug)]
pub struct Included {
    /// Height of the block.
    pub block_number: u32,
    /// Hash of the block.
    pub block_hash: Hash,
    /// Hash of the transaction.
    pub extrinsic_hash: Hash,
    /// What happened by it.
    pub events: ExtrinsicEvents<MizanConfig>,
}

impl Included {
    /// The job that the transaction posted.
    pub fn posted_job(&self) -> Option<u64> {
        let event = self
            .events
            .find_first::<runtime::jobs::events::JobPosted>()?;
        event.ok().map(|event| event.job)
    }

    /// The model that the transaction registered.
    pub fn registered_model(&self) -> Option<Hash> {
        let event = self
            .events
            .find_first::<runtime::models::events::ModelRegistered>()?;
        event.ok().map(|event| event.model.0)
    }
}

/// Until when a call is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Best,
    Final,
}

impl Client {
    /// Signs and sends a call and waits until it is in a best block without having failed.
    pub async fn submit<C: Payload>(
        &self,
        call: &C,
        key: &Keypair,
    ) -> Result<Included, ClientError> {
        self.submit_until(call, key, Until::Best).await
    }

    /// Signs and sends a call and waits until it is in a final block without having failed.
    pub async fn submit_finalized<C: Payload>(
        &self,
        call: &C,
        key: &Keypair,
    ) -> Result<Included, ClientError> {
        self.submit_until(call, key, Until::Final).await
    }

    async fn submit_until<C: Payload>(
        &self,
        call: &C,
        key: &Keypair,
        until: Until,
    ) -> Result<Included, ClientError> {
        let mut progress = self.send(call, key).await?;
        let (stage, timeout) = match until {
            Until::Best => ("best", INCLUSION_TIMEOUT),
            Until::Final => ("finalised", FINALITY_TIMEOUT),
        };
        let followed = tokio::time::timeout(timeout, self.follow(&mut progress, until)).await;
        let seconds = timeout.as_secs();
        let block = followed.map_err(|_| ClientError::TimedOut { stage, seconds })??;
        let events = block.wait_for_success().await;
        let events = events.map_err(|error| {
            let error = self.explain(error);
            error.of_transaction(block.extrinsic_hash().0)
        })?;
        let at = block.at().await.map_err(|error| self.explain(error))?;
        Ok(Included {
            block_number: at.block_number() as u32,
            block_hash: block.block_hash().0,
            extrinsic_hash: block.extrinsic_hash().0,
            events,
        })
    }

    async fn send<C: Payload>(&self, call: &C, key: &Keypair) -> Result<Progress, ClientError> {
        let _sending = self.sending.lock().await;
        // Counts what waits in the pool, so that one account can send several calls at once.
        let nonce = self.rpc.system_account_next_index(&account_of(key)).await;
        let nonce = nonce.map_err(|error| self.explain(error))?;
        let params = DefaultExtrinsicParamsBuilder::new()
            .nonce(nonce)
            .mortal(MORTAL_BLOCKS)
            .build();
        // Mortality counts from a final block: one that is given up would void the transaction.
        let block = self.at(At::Finalized).await?;
        let sent = block
            .transactions()
            .sign_and_submit_then_watch(call, key, params)
            .await;
        sent.map_err(|error| self.explain(error))
    }

    async fn follow(&self, progress: &mut Progress, until: Until) -> Result<InBlock, ClientError> {
        while let Some(status) = progress.next().await {
            match status.map_err(|error| self.explain(error))? {
                TransactionStatus::InBestBlock(block) if until == Until::Best => return Ok(block),
                TransactionStatus::InFinalizedBlock(block) => return Ok(block),
                TransactionStatus::Error { message }
                | TransactionStatus::Invalid { message }
                | TransactionStatus::Dropped { message } => {
                    return Err(ClientError::Rejected { reason: message })
                }
                _ => {}
            }
        }
        let url = self.url().to_owned();
        let reason = "the node stopped reporting on the transaction".to_owned();
        Err(ClientError::Connection { url, reason })
    }
}
