//! Why a job or an account is where it is: what the node's `mizan_*` methods say.

use crate::{
    audits::AuditorView,
    views::{Contribution, JobView, ProviderView},
    AccountId, At, Client, ClientError, Hash,
};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::{json, Map, Value};
use subxt::rpcs::{client::RpcClientT, Error as RpcError};

/// Error codes that say that there is no such job, model or account.
const UNKNOWN: [i32; 3] = [1001, 1002, 1003];

/// The rule that holds something up or lets it go on, now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// Name of the rule, such as `asks_above_offer`.
    pub rule: String,
    /// What it means.
    pub meaning: String,
    /// What whoever is concerned can do.
    pub what_to_do: String,
    /// The numbers and accounts of that rule.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The job, where notes of several are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u64>,
    /// When.
    pub block: u32,
    /// Name of the rule that fired, such as `timed_out`.
    pub rule: String,
    /// What it means.
    pub meaning: String,
    /// What whoever is concerned can do.
    pub what_to_do: String,
    /// The accounts and amounts of that rule.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// A job and all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobExplanation {
    /// The job.
    pub job: u64,
    /// The block at which the node was asked.
    pub at_block: u32,
    /// Name of its state.
    pub state: String,
    /// What it waits for.
    pub outlook: Outlook,
    /// What happened, oldest first.
    pub history: Vec<Note>,
}

/// What a provider's workers did, in multiply-accumulates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Attested.
    pub claimed_macs: String,
    /// Settled and paid.
    pub accepted_macs: String,
    /// Given to it and taken back without pay: declined or timed out.
    pub rejected_macs: String,
    /// Attested and not settled yet.
    pub pending_macs: String,
}

/// A worker and why it does or does not get jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerOutlook {
    /// Its hot key.
    pub worker: AccountId,
    /// What decides whether it gets a job now.
    pub outlook: Outlook,
}

/// An account's part in the market, whatever it is: provider, worker, requester, auditor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountExplanation {
    /// The account.
    pub account: AccountId,
    /// The block at which the node was asked.
    pub at_block: u32,
    /// What its workers did, if it is or was a provider.
    pub units: Option<Units>,
    /// Its bond, if it is a provider.
    pub provider: Option<ProviderView>,
    /// Its bond as an auditor, if it is one.
    pub auditor: Option<AuditorView>,
    /// Its workers; or itself, if it is one.
    pub workers: Vec<WorkerOutlook>,
    /// What happened to its jobs: newest jobs first, of each job oldest first.
    pub history: Vec<Note>,
    /// Give this as `before` to get older jobs.
    pub next: Option<u64>,
}

/// A worker as the node describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Its hot key.
    pub account: AccountId,
    /// Who owns it and is paid.
    pub provider: AccountId,
    /// Least price per compute unit, in the smallest unit.
    pub ask: String,
    /// Jobs that it can do at once.
    pub slots: u32,
    /// Jobs that it has now.
    pub open_jobs: u32,
    /// Block of its last heartbeat.
    pub heard_block: Option<u32>,
    /// Declines and timeouts since the last settled job.
    pub misses: u32,
    /// First block in which it may get a job again.
    pub paused_until_block: u32,
    /// The jobs that it has now.
    pub jobs: Vec<u64>,
    /// What decides whether it gets a job now.
    pub outlook: Outlook,
}

/// A provider's part in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionReport {
    /// The provider.
    pub account: AccountId,
    /// The era of the block at which the node was asked.
    pub current_era: u32,
    /// The era that [`of_era`](Self::of_era) is about.
    pub era: u32,
    /// Contributed in that era.
    pub of_era: Contribution,
    /// Contributed ever.
    pub lifetime: Contribution,
}

/// What a job of some batch costs. Amounts and sizes are decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCost {
    /// The model, in hex.
    pub model: String,
    /// Number of items.
    pub batch: u32,
    /// Most items of a job.
    pub max_batch: u32,
    /// Multiply-accumulates.
    pub macs: String,
    /// Bytes of all inputs.
    pub input_bytes: String,
    /// Bytes of all outputs.
    pub output_bytes: String,
    /// Bytes of the trace.
    pub trace_bytes: String,
    /// Bytes of all parameters.
    pub parameter_bytes: String,
    /// Bytes of the worst proof about one number.
    pub opening_bytes: String,
    /// Payment at the least price.
    pub min_payment: String,
    /// Bond that is locked behind it.
    pub min_lock: String,
    /// Deposit, given back at the end; for a job that names no blob server.
    pub deposit: String,
    /// Least time that a worker must be given.
    pub min_duration_blocks: u32,
}

#[derive(Deserialize)]
struct OpenJobs {
    jobs: Vec<JobView>,
}

impl Client {
    /// A job and all that happened to it; `None` if there never was one of that id or it is
    /// forgotten.
    pub async fn explain_job(
        &self,
        job: u64,
        at: At,
    ) -> Result<Option<JobExplanation>, ClientError> {
        let at = self.block_of(at).await?;
        self.ask_for("mizan_explain", json!([job, null, null, at]))
            .await
    }

    /// An account's part in the market, with notes of at most `limit` (100) jobs older than
    /// `before`.
    pub async fn explain_account(
        &self,
        account: &AccountId,
        before: Option<u64>,
        limit: u32,
        at: At,
    ) -> Result<AccountExplanation, ClientError> {
        let at = self.block_of(at).await?;
        self.ask("mizan_explain", json!([account, before, limit, at]))
            .await
    }

    /// At most `limit` (100) jobs without a worker, oldest first, with ids above `after`.
    pub async fn open_jobs(
        &self,
        after: Option<u64>,
        limit: u32,
        at: At,
    ) -> Result<Vec<JobView>, ClientError> {
        let at = self.block_of(at).await?;
        let page: OpenJobs = self
            .ask("mizan_openJobs", json!([after, limit, at]))
            .await?;
        Ok(page.jobs)
    }

    /// A worker and why it does or does not get jobs; `None` if it is not registered.
    pub async fn worker_report(
        &self,
        worker: &AccountId,
        at: At,
    ) -> Result<Option<WorkerReport>, ClientError> {
        let at = self.block_of(at).await?;
        self.ask_for("mizan_worker", json!([worker, at])).await
    }

    /// A provider's part in the ledger, in an era (the current one if `None`) and ever.
    pub async fn contribution(
        &self,
        provider: &AccountId,
        era: Option<u32>,
        at: At,
    ) -> Result<ContributionReport, ClientError> {
        let at = self.block_of(at).await?;
        self.ask("mizan_contribution", json!([provider, era, at]))
            .await
    }

    /// What a job of that batch costs; `None` if there is no such model.
    pub async fn model_cost(
        &self,
        model: &Hash,
        batch: u32,
        at: At,
    ) -> Result<Option<ModelCost>, ClientError> {
        let at = self.block_of(at).await?;
        let model = crate::hex_hash(model);
        self.ask_for("mizan_modelCost", json!([model, batch, at]))
            .await
    }

    async fn block_of(&self, at: At) -> Result<String, ClientError> {
        let hash = match at {
            At::Best => self.best().await?.1,
            At::Finalized => self.finalized().await?.1,
            At::Hash(hash) => hash,
        };
        Ok(crate::hex_hash(&hash))
    }

    /// `None` where the node says that there is no such thing.
    async fn ask_for<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Option<T>, ClientError> {
        match self.ask(method, params).await {
            Ok(answer) => Ok(Some(answer)),
            Err(ClientError::Method { code, .. }) if UNKNOWN.contains(&code) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Calls a method of the node.
    async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ClientError> {
        let params = serde_json::value::to_raw_value(&params)
            .map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let answer = self.socket.request_raw(method, Some(params)).await;
        let answer = answer.map_err(|error| self.refused(method, error))?;
        serde_json::from_str(answer.get())
            .map_err(|error| ClientError::Unexpected(format!("{method}: {error}")))
    }

    fn refused(&self, method: &str, error: RpcError) -> ClientError {
        match error {
            RpcError::User(error) => ClientError::Method {
                method: method.into(),
                code: error.code,
                message: error.message,
            },
            error => self.explain(subxt::Error::from(error)),
        }
    }
}
