//! Making the answer to a demand from the worker's own blobs.
//!
//! By attesting, a worker vouches until settlement for every byte that a fraud proof can need. It
//! keeps them; one that is gone all the same is fetched again, and trace and outputs, if nobody
//! has them any more, are computed again.

use crate::{
    budget::{job_bytes, Reserved},
    equipment::Equipment,
    journal::{Claim, JournalError, Key},
    metrics::shown,
    node::Node,
    steps::BLOCK_SECONDS,
    supply::Brought,
    work::{self, WorkError},
};
use mizan_blobs::BlobStore;
use mizan_client::{
    disputes::{self, blob_name, BlobRef, Demand, Request},
    hex_hash,
    views::JobView,
    ClientError, Hash,
};
use mizan_tensor::{Exhibits, Plan, ProgramError, TensorRef};
use std::time::Duration;
use tracing::{error_span, info, warn, Instrument};

/// Blob servers are waited for that long even when silence is about to convict.
const LEAST_PATIENCE: Duration = Duration::from_secs(10);

/// Why a demand is not answered yet.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The chain or the connection to it.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The chain does not have what the job refers to.
    #[error("the chain does not have the model's program")]
    NoProgram,
    /// The chain's program is not valid; it should not have been registered.
    #[error("the program is not valid: {0}")]
    Program(#[from] ProgramError),
    /// A blob that the answer opens can't be had.
    #[error("{} ({}) is lost: {reason}", blob_name(*blob), hex_hash(hash))]
    Lost {
        /// Which.
        blob: BlobRef,
        /// Its name among blobs.
        hash: Hash,
        /// Why.
        reason: String,
    },
    /// The job has nothing like what is demanded; the chain should not have taken the demand.
    #[error("the job has nothing like what is demanded")]
    NothingLikeIt,
    /// The thread that made it is gone.
    #[error("making the answer was cut off")]
    CutOff,
}

/// What became of a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// That block has this worker's answer.
    InBlock(u32),
    /// It was answered by others, or can't be answered any more.
    Over,
}

/// An attested job that can be challenged, as its worker sees it.
pub struct Duty {
    /// The assignment.
    pub key: Key,
    /// The job.
    pub job: JobView,
    /// What this worker attested.
    pub claim: Claim,
    /// Dispute time when the demands were read.
    pub now_time: u32,
}

impl Duty {
    /// Blocks until silence about a demand convicts, if all of them count.
    pub fn blocks_left(&self, demand: &Demand) -> u32 {
        demand.answer_by_time.saturating_sub(self.now_time)
    }

    /// How long to wait for anything that the answer can do without.
    fn patience(&self, demand: &Demand) -> Duration {
        Duration::from_secs(u64::from(self.blocks_left(demand)) * BLOCK_SECONDS) / 4
    }

    fn hash_of(&self, plan: &Plan, blob: BlobRef) -> Option<Hash> {
        match blob {
            BlobRef::Input(index) => self.job.inputs.get(usize::from(index)).copied(),
            BlobRef::Parameter(index) => {
                let parameter = plan.program().parameters.get(usize::from(index));
                parameter.map(|parameter| parameter.hash)
            }
            BlobRef::Trace => Some(self.claim.trace),
            BlobRef::Output(index) => self.claim.outputs.get(usize::from(index)).copied(),
        }
    }
}

/// The blobs that an answer opens, each once, with their lengths. `None` if the job has nothing
/// like what is demanded.
fn opened(plan: &Plan, batch: u32, request: &Request) -> Option<Vec<(BlobRef, u64)>> {
    let mut blobs = Vec::new();
    match *request {
        Request::Chunks { blob, .. } | Request::Nodes { blob, .. } => blobs.push(blob),
        Request::Element { operation, index } => {
            for span in plan.spans(operation, index, batch)? {
                let blob = match span.tensor {
                    TensorRef::Input(index) => BlobRef::Input(index),
                    TensorRef::Parameter(index) => BlobRef::Parameter(index),
                    TensorRef::Operation(_) => BlobRef::Trace,
                };
                if !blobs.contains(&blob) {
                    blobs.push(blob);
                }
            }
            if !blobs.contains(&BlobRef::Trace) {
                blobs.push(BlobRef::Trace);
            }
        }
    }
    let measured = blobs.into_iter().map(|blob| {
        let bytes = match blob {
            BlobRef::Input(index) => plan.tensor_bytes(TensorRef::Input(index), batch),
            BlobRef::Parameter(index) => plan.tensor_bytes(TensorRef::Parameter(index), batch),
            BlobRef::Trace => plan.trace_bytes(batch),
            BlobRef::Output(index) => {
                let operation = *plan.program().outputs.get(usize::from(index))?;
                plan.tensor_bytes(TensorRef::Operation(operation), batch)
            }
        };
        Some((blob, bytes?))
    });
    measured.collect()
}

/// The answer, from the blobs that it opens.
fn compose(
    plan: &Plan,
    batch: u32,
    request: &Request,
    blobs: &[(BlobRef, Vec<u8>)],
) -> Option<Vec<u8>> {
    // What the answer does not open may be missing.
    let bytes = |wanted: BlobRef| {
        let found = blobs.iter().find(|(blob, _)| *blob == wanted);
        found.map_or(&[][..], |(_, bytes)| bytes.as_slice())
    };
    let program = plan.program();
    let all = |count: usize, blob: fn(u16) -> BlobRef| -> Vec<&[u8]> {
        (0u16..).take(count).map(|i| bytes(blob(i))).collect()
    };
    let exhibits = Exhibits {
        plan,
        batch,
        parameters: &all(program.parameters.len(), BlobRef::Parameter),
        inputs: &all(program.inputs.len(), BlobRef::Input),
        trace: bytes(BlobRef::Trace),
        outputs: &all(program.outputs.len(), BlobRef::Output),
    };
    exhibits.answer(request)
}

/// Makes the answer to a demand and gives it to the chain. `places` limits how many are made at
/// once.
pub async fn answer(
    node: &Node,
    equipment: &Equipment,
    duty: &Duty,
    demand: &Demand,
    places: &tokio::sync::Semaphore,
) -> Result<Answered, AnswerError> {
    let (job, id) = (duty.key.job, demand.id);
    let made = {
        // The semaphore is never closed; without a place the answer is made all the same.
        let _place = places.acquire().await.ok();
        let program = node.program(&duty.job.model).await?;
        let plan = Plan::new(program.ok_or(AnswerError::NoProgram)?)?;
        make(equipment, duty, &plan, demand).await?
    };
    let call = disputes::answer(job, id, made);
    match node.submit(&call, &equipment.key).await {
        Ok(included) => {
            let block = included.block_number;
            equipment.metrics.demands_answered.inc();
            info!(job, demand = id, block, "answered demand");
            Ok(Answered::InBlock(block))
        }
        Err(error) if is_over(&error) => {
            info!(job, demand = id, reason = %error, "demand is over");
            Ok(Answered::Over)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the chain says that nobody has to answer any more.
fn is_over(error: &ClientError) -> bool {
    let errors = ["DemandUnknown", "JobUnknown", "Over", "AlreadyConvicted"];
    errors.iter().any(|name| error.is_refusal("Disputes", name))
}

async fn make(
    equipment: &Equipment,
    duty: &Duty,
    plan: &Plan,
    demand: &Demand,
) -> Result<Vec<u8>, AnswerError> {
    let batch = duty.job.batch;
    let needed = opened(plan, batch, &demand.request).ok_or(AnswerError::NothingLikeIt)?;
    let patience = duty.patience(demand);
    let bytes = needed.iter().map(|(_, bytes)| *bytes).sum();
    let mut reserved = reserve(equipment, bytes, patience).await;
    let blobs = match read_all(equipment, duty, plan, &needed, patience).await {
        Err(AnswerError::Lost { blob, hash, reason }) if is_computed(blob) => {
            // One job must not wait for memory while it has some.
            drop(reserved);
            warn!(job = duty.key.job, blob = %blob_name(blob), %reason, "computing a lost blob anew");
            let again = compute_again(equipment, duty, plan, patience).await;
            again.map_err(|error| {
                let reason = format!("{reason}, and it can't be computed anew: {error}");
                AnswerError::Lost { blob, hash, reason }
            })?;
            reserved = reserve(equipment, bytes, patience).await;
            read_all(equipment, duty, plan, &needed, patience).await?
        }
        read => read?,
    };
    let (plan, request) = (plan.clone(), demand.request);
    let composed = tokio::task::spawn_blocking(move || compose(&plan, batch, &request, &blobs));
    let answer = composed.await.map_err(|_| AnswerError::CutOff)?;
    drop(reserved);
    show_memory(equipment);
    answer.ok_or(AnswerError::NothingLikeIt)
}

/// Whether a blob follows from inputs and parameters.
fn is_computed(blob: BlobRef) -> bool {
    matches!(blob, BlobRef::Trace | BlobRef::Output(_))
}

async fn read_all(
    equipment: &Equipment,
    duty: &Duty,
    plan: &Plan,
    needed: &[(BlobRef, u64)],
    patience: Duration,
) -> Result<Vec<(BlobRef, Vec<u8>)>, AnswerError> {
    let mut blobs = Vec::with_capacity(needed.len());
    for (blob, bytes) in needed {
        let hash = duty.hash_of(plan, *blob);
        let hash = hash.ok_or(AnswerError::NothingLikeIt)?;
        let lost = |reason: String| AnswerError::Lost {
            blob: *blob,
            hash,
            reason,
        };
        // Only strangers are given a limited time.
        if let Ok(read) = equipment.supply.store.get(hash, *bytes).await {
            blobs.push((*blob, read));
            continue;
        }
        let got = equipment.supply.get(&duty.job.blob_servers, hash, *bytes);
        let got = tokio::time::timeout(patience.max(LEAST_PATIENCE), got).await;
        let got = got.map_err(|_| lost("it did not come in time".to_owned()))?;
        let (read, new) = got.map_err(|error| lost(error.to_string()))?;
        if new {
            let brought = Brought {
                hash,
                bytes: *bytes,
            };
            equipment.remember(&[brought], false)?;
        }
        blobs.push((*blob, read));
    }
    Ok(blobs)
}

/// Computes the attested result once more and stores it.
async fn compute_again(
    equipment: &Equipment,
    duty: &Duty,
    plan: &Plan,
    patience: Duration,
) -> Result<(), WorkError> {
    let job = &duty.job;
    // Silence convicts: GPUs work now, whatever their owner would rather have, also on jobs that
    // have the memory.
    let _due = equipment
        .lending
        .expect(job.macs, Duration::ZERO, Duration::ZERO);
    let reserved = reserve(equipment, job_bytes(plan.cost(), job.batch), patience).await;
    let loading = work::load(&equipment.supply, job, plan.clone());
    let loaded = tokio::time::timeout(patience.max(LEAST_PATIENCE), loading).await;
    let loaded = loaded.map_err(|_| WorkError::TooSlow)??;
    let executing = work::execute(equipment.executor.clone(), loaded, None);
    let span = error_span!("executing", job = duty.key.job);
    let execution = executing.instrument(span).await?;
    let (claim, _) = work::store(&equipment.supply.store, execution).await?;
    drop(reserved);
    show_memory(equipment);
    if claim == duty.claim {
        Ok(())
    } else {
        Err(WorkError::Faulty)
    }
}

/// Memory for the answer. Past `patience` the answer is made without: memory is short then, but
/// silence convicts.
async fn reserve(equipment: &Equipment, bytes: u64, patience: Duration) -> Option<Reserved> {
    let bytes = bytes.min(equipment.budget.total_bytes());
    let reserved = tokio::time::timeout(patience, equipment.budget.reserve(bytes)).await;
    show_memory(equipment);
    reserved.ok().flatten()
}

fn show_memory(equipment: &Equipment) {
    let used = shown(equipment.budget.used_bytes());
    equipment.metrics.memory_used_bytes.set(used);
}

#[cfg(test)]
mod tests;
