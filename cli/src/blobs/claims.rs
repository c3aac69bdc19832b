//! What the chain says of jobs that workers have, asked not too often.

use super::gate::MOST_JOBS;
use mizan_blobs::{accumulator_bytes, Refusal};
use mizan_client::audits::AuditScope;
use mizan_client::views::{JobState, JobView, ModelView};
use mizan_client::{At, Client, ClientError, Hash};
use mizan_tensor::Plan;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long an answer of the chain is good for: two blocks.
pub(super) const FRESH: Duration = Duration::from_secs(6);
/// The same where an upload is refused by it that a newer one may allow.
pub(super) const LATEST: Duration = Duration::from_secs(1);
/// How long the chain may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a node that was not there is left alone.
const REST: Duration = Duration::from_secs(2);

/// What the chain says of a job that a worker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) requester: [u8; 32],
    pub(super) worker: [u8; 32],
    /// Length of the longest of its results.
    pub(super) max_bytes: u64,
    /// Number of its results.
    pub(super) blobs: usize,
    /// The results, once they are claimed.
    pub(super) attested: Option<Vec<Hash>>,
    /// Lengths of the accumulators of each linear operation, while an auditor checks all of the job.
    pub(super) advice: Vec<u64>,
}

/// How a job stands towards those who upload for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// No worker has it, as far as this node knows: it may be a block behind the worker's.
    Unassigned,
    /// A worker has it.
    Claimed(Claim),
    /// It is settled, ended, convicted or refused.
    Over,
}

impl Standing {
    pub(super) fn of(job: &JobView, model: &ModelView) -> Self {
        let assignment = match &job.state {
            JobState::Assigned { assignment } | JobState::Attested { assignment, .. } => assignment,
            JobState::Open => return Self::Unassigned,
            JobState::Settled { .. }
            | JobState::Ended { .. }
            | JobState::Convicted { .. }
            | JobState::Refused { .. } => return Self::Over,
        };
        let attested = job.state.attestation().map(|attestation| {
            let mut results = attestation.outputs.clone();
            results.push(attestation.trace);
            results
        });
        let trace_bytes = model.cost.item_trace_bytes;
        Self::Claimed(Claim {
            requester: job.requester.0,
            worker: assignment.worker.0,
            max_bytes: trace_bytes.saturating_mul(job.batch.into()),
            // The outputs and the trace.
            blobs: (model.outputs as usize).saturating_add(1),
            attested,
            advice: Vec::new(),
        })
    }
}

/// The chain as the gate needs it: a connection that comes back, and what was asked lately.
pub(super) struct Chain {
    url: String,
    connection: Mutex<Connection>,
    standings: Mutex<HashMap<u64, (Instant, Standing)>>,
}

/// A connection, or when it was last seen broken.
enum Connection {
    Unused,
    Open(Client),
    Broken(Instant, String),
}

impl Chain {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.into(),
            connection: Mutex::new(Connection::Unused),
            standings: Mutex::default(),
        }
    }

    /// What the chain says of a job, or said no longer ago than `age`, at most [`FRESH`].
    pub(super) async fn standing(&self, job: u64, age: Duration) -> Result<Standing, Refusal> {
        // Held while the chain is asked: many uploads of one job ask once.
        let mut standings = self.standings.lock().await;
        standings.retain(|_, (asked, _)| asked.elapsed() < FRESH);
        if let Some((asked, standing)) = standings.get(&job) {
            if asked.elapsed() < age {
                return Ok(standing.clone());
            }
        }
        if standings.len() >= MOST_JOBS {
            return unavailable("too many jobs are asked about, try again soon");
        }
        let standing = self.ask(job).await?;
        standings.insert(job, (Instant::now(), standing.clone()));
        Ok(standing)
    }

    async fn ask(&self, job: u64) -> Result<Standing, Refusal> {
        let mut connection = self.connection.lock().await;
        let why = match &*connection {
            Connection::Broken(since, why) if since.elapsed() < REST => why.clone(),
            _ => match timeout(PATIENCE, self.ask_over(&mut connection, job)).await {
                Ok(Ok(standing)) => return Ok(standing),
                Ok(Err(error)) => {
                    let why = error.to_string();
                    *connection = Connection::Broken(Instant::now(), why.clone());
                    why
                }
                Err(_) => {
                    let why = format!("no answer for {} seconds", PATIENCE.as_secs());
                    *connection = Connection::Broken(Instant::now(), why.clone());
                    why
                }
            },
        };
        unavailable(format!(
            "this server can't ask the chain about the job now, try again soon: {why}"
        ))
    }

    async fn ask_over(
        &self,
        connection: &mut Connection,
        job: u64,
    ) -> Result<Standing, ClientError> {
        let client = match connection {
            Connection::Open(client) => client.clone(),
            Connection::Unused | Connection::Broken(..) => {
                let client = Client::connect(&self.url).await?;
                *connection = Connection::Open(client.clone());
                client
            }
        };
        let at = At::Hash(client.best().await?.1);
        let Some(job) = client.job(job, at).await? else {
            return Ok(Standing::Unassigned);
        };
        let Some(model) = client.model(&job.model, at).await? else {
            return Ok(Standing::Over);
        };
        let mut standing = Standing::of(&job, &model);
        if let Standing::Claimed(claim) = &mut standing {
            if claim.attested.is_some() {
                claim.advice = wanted_advice(&client, &job, at).await?;
            }
        }
        Ok(standing)
    }
}

/// Lengths of the accumulators of each linear operation, if an auditor checks all of the job.
async fn wanted_advice(client: &Client, job: &JobView, at: At) -> Result<Vec<u64>, ClientError> {
    let audit = client.audit(job.id, at).await?;
    let open = audit.as_ref().and_then(|audit| audit.at_work());
    if open.is_none_or(|open| open.scope != AuditScope::Full) {
        return Ok(Vec::new());
    }
    let program = client.program(&job.model, at).await?;
    let plan = program.and_then(|program| Plan::new(program).ok());
    Ok(plan.map_or(Vec::new(), |plan| {
        let operations = (0u16..).take(plan.program().operations.len());
        let bytes = operations.filter_map(|index| accumulator_bytes(&plan, index, job.batch));
        bytes.collect()
    }))
}

/// For what may be otherwise soon.
pub(super) fn unavailable<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unavailable(why.into()))
}
