//! The methods `mizan_*`: jobs, workers, contributions, and why each is where it is. Each asks the
//! runtime at one block. docs/rpc.md is their manual.

use super::answers;
use crate::service::FullClient;
use futures::{stream, Stream, StreamExt};
use jsonrpsee::{
    core::{async_trait, RpcResult},
    proc_macros::rpc,
    types::{error::ErrorObjectOwned, ErrorObject},
    PendingSubscriptionSink,
};
use mizan_protocol::{
    api::MarketApi,
    explain::{ModelCostError, Note, MAX_PAGE},
    BlockNumber, EraIndex, JobId, ModelId,
};
use mizan_runtime::{AccountId, Hash};
use polkadot_sdk::*;
use sc_client_api::BlockchainEvents;
use sc_rpc::{
    utils::{BoundedVecDeque, PendingSubscription},
    SubscriptionTaskExecutor,
};
use serde::Deserialize;
use serde_json::{json, Value};
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// Entries of a page, unless told otherwise.
const DEFAULT_PAGE: u32 = 20;
/// Notes that wait for a slow subscriber before the subscription is closed.
const WAITING_NOTES: usize = 4_096;

/// Anything that has no code of its own.
const OTHER: i32 = 1000;
const JOB_UNKNOWN: i32 = 1001;
const MODEL_UNKNOWN: i32 = 1002;
const ACCOUNT_UNKNOWN: i32 = 1003;
const PAGE_TOO_LARGE: i32 = 1004;
const BATCH_OUT_OF_RANGE: i32 = 1005;
const BLOCK_UNKNOWN: i32 = 1006;

/// What is to be explained.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a job's id (number) or an account's address (text)"
)]
pub(crate) enum Subject {
    /// A job.
    Job(JobId),
    /// A provider, a worker, a requester.
    Account(AccountId),
}

/// Which changes of jobs a subscriber wants to know; all, if nothing is said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// Those of one job.
    job: Option<JobId>,
    /// Those of jobs in which an account takes part.
    account: Option<AccountId>,
}

#[rpc(server, namespace = "mizan")]
pub(crate) trait MarketRpc {
    /// A job.
    #[method(name = "job")]
    fn job(&self, job: JobId, at: Option<Hash>) -> RpcResult<Value>;

    /// Jobs without a worker, oldest first.
    #[method(name = "openJobs")]
    fn open_jobs(
        &self,
        after: Option<JobId>,
        limit: Option<u32>,
        at: Option<Hash>,
    ) -> RpcResult<Value>;

    /// A worker, its jobs, and whether it gets more.
    #[method(name = "worker")]
    fn worker(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Value>;

    /// A provider's part in the ledger.
    #[method(name = "contribution")]
    fn contribution(
        &self,
        account: AccountId,
        era: Option<EraIndex>,
        at: Option<Hash>,
    ) -> RpcResult<Value>;

    /// What a job of that batch costs.
    #[method(name = "modelCost")]
    fn model_cost(&self, model: ModelId, batch: u32, at: Option<Hash>) -> RpcResult<Value>;

    /// Why a job or an account is where it is.
    #[method(name = "explain")]
    fn explain(
        &self,
        subject: Subject,
        before: Option<JobId>,
        limit: Option<u32>,
        at: Option<Hash>,
    ) -> RpcResult<Value>;

    /// What happens to jobs, as blocks become final.
    #[subscription(
        name = "subscribeJobs" => "jobs",
        unsubscribe = "unsubscribeJobs",
        item = Value
    )]
    fn subscribe_jobs(&self, filter: Option<Filter>);
}

/// Answers by asking the runtime.
pub(super) struct Market {
    client: Arc<FullClient>,
    executor: SubscriptionTaskExecutor,
}

impl Market {
    pub(super) fn new(client: Arc<FullClient>, executor: SubscriptionTaskExecutor) -> Self {
        Self { client, executor }
    }

    /// The block that a question is about.
    fn block(&self, at: Option<Hash>) -> RpcResult<(Hash, BlockNumber)> {
        let hash = at.unwrap_or_else(|| self.client.info().best_hash);
        match self.client.number(hash) {
            Ok(Some(number)) => Ok((hash, number)),
            Ok(None) => Err(error(BLOCK_UNKNOWN, format!("there is no block {hash:?}"))),
            Err(problem) => Err(error(OTHER, problem.to_string())),
        }
    }
}

fn error(code: i32, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObject::owned(code, message, None::<()>)
}

/// Why the runtime gave no answer.
fn no_answer(hash: Hash, problem: ApiError) -> ErrorObjectOwned {
    let pruned = match &problem {
        ApiError::UnknownBlock(_) => true,
        ApiError::Application(problem) => matches!(
            problem.downcast_ref(),
            Some(sp_blockchain::Error::UnknownBlock(_))
        ),
        _ => false,
    };
    match problem {
        _ if pruned => error(
            BLOCK_UNKNOWN,
            format!("this node no longer has the state of block {hash:?}: ask an archive node"),
        ),
        problem => error(OTHER, format!("the runtime at block {hash:?}: {problem}")),
    }
}

fn job_unknown(job: JobId) -> ErrorObjectOwned {
    error(
        JOB_UNKNOWN,
        format!("there is no job {job}, or it ended so long ago that it is forgotten"),
    )
}

fn page(limit: Option<u32>) -> RpcResult<u32> {
    let limit = limit.unwrap_or(DEFAULT_PAGE);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("a page has 1 to {MAX_PAGE} entries, not {limit}");
    Err(error(PAGE_TOO_LARGE, message))
}

#[async_trait]
impl MarketRpcServer for Market {
    fn job(&self, job: JobId, at: Option<Hash>) -> RpcResult<Value> {
        let (hash, _) = self.block(at)?;
        let found = self.client.runtime_api().job(hash, job);
        let found = found.map_err(|problem| no_answer(hash, problem))?;
        let found = found.ok_or_else(|| job_unknown(job))?;
        Ok(answers::job(job, &found))
    }

    fn open_jobs(
        &self,
        after: Option<JobId>,
        limit: Option<u32>,
        at: Option<Hash>,
    ) -> RpcResult<Value> {
        let ((hash, _), limit) = (self.block(at)?, page(limit)?);
        let jobs = self.client.runtime_api().open_jobs(hash, after, limit);
        let jobs = jobs.map_err(|problem| no_answer(hash, problem))?;
        let full = u32::try_from(jobs.len()) == Ok(limit);
        let next = jobs.last().map(|(id, _)| *id).filter(|_| full);
        let jobs: Vec<_> = jobs
            .iter()
            .map(|(id, job)| answers::job(*id, job))
            .collect();
        Ok(json!({ "jobs": jobs, "next": next }))
    }

    fn worker(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Value> {
        let (hash, _) = self.block(at)?;
        let found = self.client.runtime_api().worker(hash, account.clone());
        let found = found.map_err(|problem| no_answer(hash, problem))?;
        let found = found.ok_or_else(|| {
            error(
                ACCOUNT_UNKNOWN,
                format!("{account} is not a registered worker"),
            )
        })?;
        Ok(answers::worker(&account, &found))
    }

    fn contribution(
        &self,
        account: AccountId,
        era: Option<EraIndex>,
        at: Option<Hash>,
    ) -> RpcResult<Value> {
        let (hash, _) = self.block(at)?;
        let api = self.client.runtime_api();
        let found = api.contribution(hash, account.clone(), era);
        let found = found.map_err(|problem| no_answer(hash, problem))?;
        Ok(answers::contribution(&account, &found))
    }

    fn model_cost(&self, model: ModelId, batch: u32, at: Option<Hash>) -> RpcResult<Value> {
        let (hash, _) = self.block(at)?;
        let cost = self.client.runtime_api().model_cost(hash, model, batch);
        let cost = cost.map_err(|problem| no_answer(hash, problem))?;
        let cost = cost.map_err(|problem| match problem {
            ModelCostError::ModelUnknown => {
                error(MODEL_UNKNOWN, format!("there is no model {model:?}"))
            }
            ModelCostError::BatchOutOfRange { max_batch } => error(
                BATCH_OUT_OF_RANGE,
                format!("a job of this model has 1 to {max_batch} items, not {batch}"),
            ),
            ModelCostError::PaymentOverflow => {
                error(OTHER, "the payment exceeds what the chain can count")
            }
        })?;
        Ok(answers::model_cost(&model, batch, &cost))
    }

    fn explain(
        &self,
        subject: Subject,
        before: Option<JobId>,
        limit: Option<u32>,
        at: Option<Hash>,
    ) -> RpcResult<Value> {
        let ((hash, number), limit) = (self.block(at)?, page(limit)?);
        let api = self.client.runtime_api();
        match subject {
            Subject::Job(job) => {
                let found = api.explain_job(hash, job);
                let found = found.map_err(|problem| no_answer(hash, problem))?;
                let found = found.ok_or_else(|| job_unknown(job))?;
                Ok(answers::explained_job(job, number, &found))
            }
            Subject::Account(account) => {
                let found = api.explain_account(hash, account.clone(), before, limit);
                let found = found.map_err(|problem| no_answer(hash, problem))?;
                Ok(answers::explained_account(&account, number, &found))
            }
        }
    }

    fn subscribe_jobs(&self, pending: PendingSubscriptionSink, filter: Option<Filter>) {
        let notes = notes(self.client.clone(), filter.unwrap_or_default());
        let task = PendingSubscription::from(pending)
            .pipe_from_stream(notes.boxed(), BoundedVecDeque::new(WAITING_NOTES));
        sc_rpc::utils::spawn_subscription_task(&self.executor, task);
    }
}

/// What happens to jobs from now on, block by block as they become final.
fn notes(client: Arc<FullClient>, filter: Filter) -> impl Stream<Item = Value> {
    client
        .finality_notification_stream()
        .flat_map(move |notification| {
            let blocks = notification.tree_route.iter().copied();
            let notes: Vec<_> = blocks
                .chain([notification.hash])
                .flat_map(|hash| notes_of(&client, hash, &filter))
                .collect();
            stream::iter(notes)
        })
}

fn notes_of(client: &FullClient, hash: Hash, filter: &Filter) -> Vec<Value> {
    let api = client.runtime_api();
    let notes: Vec<(JobId, Note<AccountId>)> = api.job_notes(hash).unwrap_or_default();
    let concerns = |job: JobId| {
        let of_job = filter.job.is_none_or(|wanted| wanted == job);
        let of_account = filter.account.as_ref().is_none_or(|wanted| {
            let explained = api.explain_job(hash, job).ok().flatten();
            explained.is_some_and(|of| of.names(wanted))
        });
        of_job && of_account
    };
    notes
        .into_iter()
        .filter(|(job, _)| concerns(*job))
        .map(|(job, note)| {
            let mut object = answers::note_of(job, &note);
            object["block_hash"] = json!(hash);
            object
        })
        .collect()
}
