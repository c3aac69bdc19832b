//! Making the accumulators of a result, and giving them to blob servers.

use super::{AdviceKey, Advisor};
use crate::{
    auditing::choosing::{advice_worth, AdviceWorth, Machine},
    disk::{free_space, SPARE_BYTES},
    equipment::Equipment,
    journal::{Claim, Entry, Key},
    metrics::shown,
    node::Node,
    standing::can_be_challenged,
    steps::{StepError, BLOCK_SECONDS},
    supply::SupplyError,
};
use mizan_blobs::{Accumulators, AdviceList, AdviceListError, BlobError, BlobStore};
use mizan_client::{audits::AuditScope, views::JobView, At, ClientError, Hash};
use mizan_engine::{CpuExecutor, EngineError};
use mizan_tensor::{hash_bytes, Plan, ProgramError, TensorRef};
use std::{sync::Arc, time::Duration};
use tracing::info;

/// An auditor to whom advice is worth something if it is to anybody: with few cores, and as near to
/// the blob server as in the same building.
const NEAR_AUDITOR: Machine = Machine {
    macs_per_second: 10_000_000_000,
    bytes_per_second: 1_250_000_000,
};
/// What saves it less is not worth a request: no auditor would wait for the list.
const LEAST_SAVED: Duration = Duration::from_millis(10);

/// A result of this worker that an auditor checks as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Audited {
    /// The audit.
    pub(crate) audit: AdviceKey,
    /// The job.
    pub(crate) job: JobView,
    /// What this worker attested.
    pub(crate) claim: Claim,
    /// Until a missing verdict costs the auditor.
    pub(crate) left: Duration,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Blob servers have the accumulators of so many operations, and the list.
    Operations(usize),
    /// No auditor is helped by them.
    Nothing,
}

/// Why no advice is given yet.
#[derive(Debug, thiserror::Error)]
pub enum AdviceError {
    /// The chain or the connection to it.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The chain does not have what the job refers to.
    #[error("the chain does not have the model's program")]
    NoProgram,
    /// The chain's program is not valid; it should not have been registered.
    #[error("the program is not valid: {0}")]
    Program(#[from] ProgramError),
    /// Paid jobs, or others that need memory, go first.
    #[error("something else goes first")]
    Postponed,
    /// There is no room on the disk.
    #[error("{0} bytes of disk are needed")]
    NoRoom(u64),
    /// What the worker holds for the job, or the folder in which accumulators lie.
    #[error(transparent)]
    Folder(#[from] BlobError),
    /// The accumulators could not be computed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The list can't be made.
    #[error(transparent)]
    List(#[from] AdviceListError),
    /// No blob server takes them.
    #[error("no blob server takes it: {0}")]
    Servers(#[from] SupplyError),
    /// The auditor's time is up.
    #[error("the audit is over")]
    Late,
    /// The thread that computed is gone.
    #[error("computing was cut off")]
    CutOff,
}

/// The results of this worker that auditors check as a whole, as the newest block has them, and for
/// which there is any blob server.
pub(crate) async fn wanted(node: &Node, equipment: &Equipment) -> Result<Vec<Audited>, StepError> {
    let account = equipment.account();
    let mut wanted = Vec::new();
    for (key, _) in equipment.journal.holdings()? {
        let entry = equipment.journal.entry(key)?;
        let Some(Entry::Computed(claim) | Entry::Attested(claim)) = entry else {
            continue;
        };
        let Some(job) = node.job(key.job, At::Best).await? else {
            continue;
        };
        let has_servers = equipment.supply.has_servers(&job.blob_servers);
        if has_servers && can_be_challenged(&job.state, &account, key, &claim) {
            wanted.extend(full_audit(node, key, job, claim).await?);
        }
    }
    Ok(wanted)
}

async fn full_audit(
    node: &Node,
    key: Key,
    job: JobView,
    claim: Claim,
) -> Result<Option<Audited>, StepError> {
    let audit = node.audit(key.job).await?;
    let open = audit.as_ref().and_then(|audit| audit.at_work());
    let Some(open) = open.filter(|open| open.scope == AuditScope::Full) else {
        return Ok(None);
    };
    let now = node.dispute_time().await?;
    let blocks = open.verdict_by_time.saturating_sub(now);
    Ok(Some(Audited {
        audit: AdviceKey {
            key,
            seed: open.seed,
        },
        job,
        claim,
        left: Duration::from_secs(u64::from(blocks) * BLOCK_SECONDS),
    }))
}

/// Gives advice for an audit, as long as that is open.
pub(crate) async fn give(
    node: &Node,
    equipment: &Equipment,
    advisor: &Advisor,
    audited: &Audited,
) -> Result<Given, AdviceError> {
    let program = node.program(&audited.job.model).await?;
    let plan = Plan::new(program.ok_or(AdviceError::NoProgram)?)?;
    let giving = make(equipment, advisor, audited, plan);
    let given = tokio::time::timeout(audited.left, giving).await;
    let used = shown(equipment.budget.used_bytes());
    equipment.metrics.memory_used_bytes.set(used);
    given.map_err(|_| AdviceError::Late)?
}

async fn make(
    equipment: &Equipment,
    advisor: &Advisor,
    audited: &Audited,
    plan: Plan,
) -> Result<Given, AdviceError> {
    let (id, job) = (audited.job.id, &audited.job);
    let worth = advice_worth(&plan, job.batch, &NEAR_AUDITOR);
    if worth.saves < LEAST_SAVED {
        return Ok(Given::Nothing);
    }
    if equipment.paid.are_under_way() || equipment.disk.is_full() {
        return Err(AdviceError::Postponed);
    }
    let reserved = equipment
        .budget
        .try_reserve(memory(&plan, job.batch, &worth));
    let _reserved = reserved.ok_or(AdviceError::Postponed)?;
    let held = Arc::new(Held::read(equipment, audited, plan).await?);
    let mut named = Vec::with_capacity(worth.operations.len());
    for wanted in &worth.operations {
        // What computes now is not interrupted; the next operation waits.
        if equipment.paid.are_under_way() {
            return Err(AdviceError::Postponed);
        }
        let made = one(equipment, advisor, &held, job, wanted.operation).await?;
        named.extend(made);
    }
    let list = AdviceList::new(named)?;
    let (supply, servers) = (&equipment.supply, &job.blob_servers);
    supply.put_advice_list(servers, id, &list).await?;
    equipment.metrics.advice_lists.inc();
    Ok(Given::Operations(list.accumulators().len()))
}

/// Computes the accumulators of one operation and gives them away.
async fn one(
    equipment: &Equipment,
    advisor: &Advisor,
    held: &Arc<Held>,
    job: &JobView,
    operation: u16,
) -> Result<Option<Accumulators>, AdviceError> {
    let (executor, held) = (advisor.executor.clone(), held.clone());
    let computing = move || held.accumulators(&executor, operation);
    let computed = tokio::task::spawn_blocking(computing).await;
    let Some((hash, sums)) = computed.map_err(|_| AdviceError::CutOff)?? else {
        return Ok(None);
    };
    let bytes = u64::try_from(sums.len()).unwrap_or(u64::MAX);
    let store = &advisor.passing;
    let free = free_space(store.folder());
    if free.is_some_and(|free| free < bytes.saturating_add(SPARE_BYTES)) {
        return Err(AdviceError::NoRoom(bytes));
    }
    store.put_hashed(hash, sums).await?;
    let servers = &job.blob_servers;
    let pushed = equipment.supply.push_from(store, servers, hash, job.id);
    let pushed = pushed.await;
    store.remove(hash).await?;
    pushed?;
    equipment.metrics.pushed_bytes.inc_by(bytes);
    info!(job = job.id, operation, bytes, "advised");
    Ok(Some(Accumulators {
        operation,
        hash,
        bytes,
    }))
}

/// What making advice takes at most: tensors, weights once more as they are multiplied, and the
/// accumulators of one operation twice.
fn memory(plan: &Plan, batch: u32, worth: &AdviceWorth) -> u64 {
    let cost = plan.cost();
    let largest = worth.operations.iter().map(|wanted| wanted.bytes).max();
    cost.full_audit_bytes(batch)
        .saturating_add(cost.parameter_bytes)
        .saturating_add(largest.unwrap_or_default().saturating_mul(2))
}

/// What accumulators are computed from.
struct Held {
    plan: Plan,
    batch: u32,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
}

impl Held {
    async fn read(equipment: &Equipment, audited: &Audited, plan: Plan) -> Result<Self, BlobError> {
        let store = &equipment.supply.store;
        let Audited { job, claim, .. } = audited;
        let bytes = |tensor| plan.tensor_bytes(tensor, job.batch).unwrap_or_default();
        let mut parameters = Vec::new();
        for (parameter, index) in plan.program().parameters.iter().zip(0u16..) {
            let most = bytes(TensorRef::Parameter(index));
            parameters.push(store.get(parameter.hash, most).await?);
        }
        let mut inputs = Vec::new();
        for (hash, index) in job.inputs.iter().zip(0u16..) {
            let most = bytes(TensorRef::Input(index));
            inputs.push(store.get(*hash, most).await?);
        }
        let most = plan.trace_bytes(job.batch).unwrap_or_default();
        let trace = store.get(claim.trace, most).await?;
        Ok(Self {
            batch: job.batch,
            parameters,
            inputs,
            trace,
            plan,
        })
    }

    /// The accumulators of an operation as a blob, with its name.
    fn accumulators(
        &self,
        executor: &CpuExecutor,
        operation: u16,
    ) -> Result<Option<(Hash, Vec<u8>)>, EngineError> {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = self.inputs.iter().map(Vec::as_slice).collect();
        let model = executor.load_lazily(&self.plan, &parameters);
        let sums = model.accumulators(operation, &inputs, self.batch, &self.trace)?;
        Ok(sums.map(|sums| {
            let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            (hash_bytes(&bytes), bytes)
        }))
    }
}

#[cfg(test)]
mod tests;
