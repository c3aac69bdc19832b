//! The auditor at work: connect, follow the newest block, connect again.

use super::{
    duties::{duties_of, Duty},
    work::{Places, Progress, Step, Task},
    AuditError, Auditor,
};
use crate::{
    daemon::Run,
    demands::DemandBook,
    metrics::shown,
    node::{pauses, Node, LONGEST_PAUSE},
};
use mizan_client::{AccountId, At, BlockStream, ClientError, Hash};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{watch, Mutex},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior},
};
use tracing::{debug, error, info, warn};

/// Jobs are looked at this often even while no block comes.
const TICK: Duration = Duration::from_secs(6);
/// Files are looked through once in so many looks.
const LOOKS_PER_SWEEP: u32 = 32;

/// Why the auditor can't go on.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The node's runtime is not the one that this program was built for.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// Nobody will ever draw it.
    #[error(transparent)]
    NotAuditor(#[from] NotAuditor),
}

/// The account has no auditor's bond.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{account} is not an auditor: register it with `mizan auditor register --bond MZN`")]
pub struct NotAuditor {
    /// The account.
    pub account: String,
}

/// What is known of duties, over connections.
#[derive(Default)]
struct Memory {
    book: DemandBook<Duty>,
    progress: BTreeMap<Duty, Arc<Mutex<Progress>>>,
}

/// Audits until `stop` is set or until something is wrong that only a person can put right. A node
/// that is down is waited for without end.
pub async fn run(
    run: &Run,
    auditor: Arc<Auditor>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), FollowError> {
    let total = auditor.budget.total_bytes();
    auditor.metrics.memory_bytes.set(shown(total));
    let mut memory = Memory::default();
    let mut waits = pauses();
    loop {
        let connected = tokio::select! {
            connected = connect(run, &auditor) => connected,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let error = match connected {
            Ok((node, blocks)) => {
                waits = pauses();
                auditor.metrics.connected.set(1);
                let worked = Session::new(node, &auditor, &mut memory);
                let worked = worked.work(blocks, &mut stop, run.stop).await;
                auditor.metrics.connected.set(0);
                match worked {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        // What ran over the lost connection did not say how it ended.
        memory.book.forget_running();
        let pause = waits.next().unwrap_or(LONGEST_PAUSE);
        match error {
            FollowError::Chain(error) if error.is_transient() => {
                let seconds = pause.as_secs_f32();
                warn!("{error}; trying again in {seconds:.1} seconds");
            }
            fatal => return Err(fatal),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

async fn connect(run: &Run, auditor: &Auditor) -> Result<(Node, BlockStream), FollowError> {
    let node = Node::connect(&run.url, run.request).await?;
    let blocks = node.best_blocks().await?;
    let account = auditor.account();
    must_be_auditor(&node, &account).await?;
    let genesis = mizan_client::hex_hash(&node.genesis_hash());
    info!(auditor = %account, %genesis, "following the chain at {}", run.url);
    Ok((node, blocks))
}

async fn must_be_auditor(node: &Node, account: &AccountId) -> Result<(), FollowError> {
    match node.auditor(account).await? {
        Some(_) => Ok(()),
        None => Err(FollowError::NotAuditor(NotAuditor {
            account: account.to_string(),
        })),
    }
}

/// The work over one connection.
struct Session<'a> {
    node: Node,
    auditor: &'a Arc<Auditor>,
    memory: &'a mut Memory,
    tasks: JoinSet<Result<Step, AuditError>>,
    running: HashMap<Id, (Duty, AbortHandle)>,
    places: Arc<Places>,
    looks: u32,
}

impl<'a> Session<'a> {
    fn new(node: Node, auditor: &'a Arc<Auditor>, memory: &'a mut Memory) -> Self {
        Self {
            node,
            auditor,
            memory,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            places: Arc::default(),
            looks: 0,
        }
    }

    async fn work(
        mut self,
        mut blocks: BlockStream,
        stop: &mut watch::Receiver<bool>,
        stop_within: Duration,
    ) -> Result<(), FollowError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                block = blocks.next() => {
                    let (number, _) = block?;
                    debug!("block {number} is the newest");
                    self.look().await?;
                }
                _ = ticks.tick() => self.look().await?,
                Some(done) = self.tasks.join_next_with_id() => self.finish(done),
                _ = stop.wait_for(|stop| *stop) => {
                    self.wind_up(stop_within).await;
                    return Ok(());
                }
            }
        }
    }

    /// Looks what there is to do, and begins with what is not under way.
    async fn look(&mut self) -> Result<(), FollowError> {
        let account = self.auditor.account();
        let jobs = self.node.audits_of(&account, At::Best).await?;
        let mut duties = BTreeSet::new();
        for job in &jobs {
            if let Some(audit) = self.node.audit(*job).await? {
                let demands = self.node.receipt_demands(*job).await?;
                duties.extend(duties_of(*job, &audit, &demands, &account));
            }
        }
        self.drop_others(&duties);
        let duties: Vec<_> = duties.into_iter().collect();
        for duty in self.memory.book.due(&duties, Instant::now()) {
            self.start(duty);
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks % LOOKS_PER_SWEEP == 1 {
            self.sweep(jobs).await?;
        }
        Ok(())
    }

    /// Ends what the chain does not want any more.
    fn drop_others(&mut self, duties: &BTreeSet<Duty>) {
        for (duty, running) in self.running.values() {
            if !duties.contains(duty) {
                info!(job = duty.job(), step = %"over", "audit");
                running.abort();
                self.memory.book.forget(duty);
            }
        }
        self.memory.progress.retain(|duty, _| duties.contains(duty));
    }

    fn start(&mut self, duty: Duty) {
        let progress = self.memory.progress.entry(duty).or_default().clone();
        let task = Task {
            node: self.node.clone(),
            auditor: self.auditor.clone(),
            places: self.places.clone(),
            duty,
        };
        let advancing = async move { task.advance(&mut *progress.lock().await).await };
        let handle = self.tasks.spawn(advancing);
        self.running.insert(handle.id(), (duty, handle));
        self.show();
    }

    fn show(&self) {
        let running = u64::try_from(self.tasks.len()).unwrap_or(u64::MAX);
        self.auditor.metrics.running.set(shown(running));
        let used = self.auditor.budget.used_bytes();
        self.auditor.metrics.memory_used_bytes.set(shown(used));
    }

    fn finish(&mut self, done: Result<(Id, Result<Step, AuditError>), JoinError>) {
        let (id, result) = match done {
            Ok((id, result)) => (id, result),
            Err(error) if error.is_cancelled() => {
                self.running.remove(&error.id());
                return;
            }
            Err(error) => (error.id(), Err(AuditError::CutOff)),
        };
        let Some((duty, _)) = self.running.remove(&id) else {
            return;
        };
        self.show();
        let book = &mut self.memory.book;
        let failure = match result {
            Ok(Step::Done) => return book.answered(duty, Instant::now()),
            Ok(Step::Waits) => return book.forget(&duty),
            Err(failure) => failure,
        };
        self.auditor.metrics.failed_attempts.inc();
        let job = duty.job();
        let pause = book.failed(duty, false, Instant::now()).as_secs();
        match failure {
            AuditError::NotYet(_) => {
                warn!(job, step = %"failed", reason = %failure, "audit; again in {pause} seconds");
            }
            AuditError::Chain(error) if error.is_transient() => {
                warn!(job, step = %"failed", reason = %error, "audit; again in {pause} seconds");
            }
            failure => {
                error!(job, step = %"failed", reason = %failure, "audit; again in {pause} seconds");
            }
        }
    }

    /// Removes files that no job needs.
    async fn sweep(&self, mut jobs: Vec<u64>) -> Result<(), FollowError> {
        let account = self.auditor.account();
        if jobs.is_empty() {
            must_be_auditor(&self.node, &account).await?;
        }
        // The block in which a job ended may be given up.
        jobs.extend(self.node.audits_of(&account, At::Finalized).await?);
        let mut held = BTreeSet::new();
        for id in &jobs {
            let Some(job) = self.node.job(*id, At::Best).await? else {
                continue;
            };
            held.extend(job.inputs.iter().copied());
            if let Some(claim) = job.state.attestation() {
                held.extend(claim.outputs.iter().copied());
                held.insert(claim.trace);
            }
            if let Some(program) = self.node.program_at(&job.model, At::Best).await? {
                let parameters = program.parameters.iter();
                held.extend(parameters.map(|parameter| parameter.hash));
            }
        }
        let auditor = self.auditor.clone();
        let swept = tokio::task::spawn_blocking(move || remove(&auditor, &jobs, &held));
        if swept.await.is_err() {
            warn!("files of ended jobs were not removed");
        }
        Ok(())
    }

    /// Lets running steps come to an end, for so long. The chain says how to go on.
    async fn wind_up(&mut self, within: Duration) {
        if self.tasks.is_empty() {
            return;
        }
        let (running, seconds) = (self.tasks.len(), within.as_secs());
        info!("stopping; {running} running steps get {seconds} seconds");
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            info!("{} steps were dropped", self.tasks.len());
        }
    }
}

fn remove(auditor: &Auditor, jobs: &[u64], held: &BTreeSet<Hash>) {
    auditor.receipts.sweep(jobs);
    auditor.brought.sweep(&auditor.supply.store, held);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_a_bond_is_told_how_to_register() {
        let error = NotAuditor {
            account: AccountId([1; 32]).to_string(),
        };
        let said = error.to_string();
        assert!(said.contains("mizan auditor register --bond"), "{said}");
    }
}
