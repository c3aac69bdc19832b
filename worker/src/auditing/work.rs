//! One step for one job: checking, demanding, telling the chain.

use super::{
    demanding::{answers_to, choose, learn, Demanding},
    duties::Duty,
    gathering::Gathering,
    receipts,
    sampled::Known,
    servers::Servers,
    slices::Kept,
    verdicts::{self, is_over},
    AuditError, Auditor, Brief, DrawnSet, Ruling, Subject,
};
use crate::{budget::Reserved, node::Node, steps::BLOCK_SECONDS};
use mizan_client::{
    audits::{scope_name, AuditView, OpenAuditView, Verdict},
    disputes, hex_hash,
    views::JobView,
    At, Hash,
};
use mizan_tensor::Request;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};
use tracing::info;

/// How often a blob server that may give something in a while is asked before the worker is.
const PATIENT_ROUNDS: u32 = 2;

/// How long blob servers are waited for when a receipt is opened; there are further attempts.
const OPENING_PATIENCE: Duration = Duration::from_secs(60);
/// Sampled audits that are checked at once.
const SAMPLED_PLACES: usize = 4;

/// Limits how many results are checked at once. A full audit may take hours, and must not keep a
/// sampled one waiting, which has minutes.
#[derive(Debug)]
pub struct Places {
    pub(super) full: Semaphore,
    pub(super) sampled: Semaphore,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            full: Semaphore::new(1),
            sampled: Semaphore::new(SAMPLED_PLACES),
        }
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is nothing more to do.
    Done,
    /// Something is waited for.
    Waits,
}

/// What is known of an audit besides the chain. It outlives connections, not the process: then the
/// chain says how it stands, and what is missing is got again.
#[derive(Debug, Default)]
pub struct Progress {
    pub(super) known: Known,
    demanding: Demanding,
    ruling: Option<Ruling>,
    rounds: u32,
    is_doubted: bool,
    has_begun: bool,
    /// A proof was sent and refused.
    is_refused: bool,
}

/// Carries out one step.
pub struct Task {
    /// The connection.
    pub node: Node,
    /// What the auditor has.
    pub auditor: Arc<Auditor>,
    /// Shared by all tasks.
    pub places: Arc<Places>,
    /// What is to be done.
    pub duty: Duty,
}

/// How a job stands on the chain.
pub(super) struct Standing {
    pub(super) job: JobView,
    audit: AuditView,
    subject: Subject,
}

impl Task {
    /// Does what is next.
    pub async fn advance(&self, progress: &mut Progress) -> Result<Step, AuditError> {
        let Some(standing) = self.standing().await? else {
            return Ok(Step::Done);
        };
        let done = match self.duty {
            Duty::Audit { seed, .. } => {
                let me = self.auditor.account();
                let open = standing.audit.at_work().copied();
                match open.filter(|open| open.auditor == me && open.seed == seed) {
                    None => return Ok(Step::Done),
                    Some(open) => self.audit(&standing, &open, progress).await,
                }
            }
            Duty::Opening { pass, index, .. } => self.open(&standing, pass, index).await,
        };
        match done {
            Err(AuditError::Chain(error)) if is_over(&error) => {
                info!(job = self.duty.job(), step = %"over", reason = %error, "audit");
                Ok(Step::Done)
            }
            done => done,
        }
    }

    /// `None` if nothing can be said about the job any more.
    async fn standing(&self) -> Result<Option<Standing>, AuditError> {
        let id = self.duty.job();
        let job = self.node.job(id, At::Best).await?;
        let audit = self.node.audit(id).await?;
        let (Some(job), Some(audit)) = (job, audit) else {
            return Ok(None);
        };
        let program = self.node.program_at(&job.model, At::Best).await?;
        let subject = Subject::new(&job, program.ok_or(AuditError::NoProgram)?)?;
        Ok(subject.map(|subject| Standing {
            job,
            audit,
            subject,
        }))
    }

    async fn audit(
        &self,
        standing: &Standing,
        open: &OpenAuditView,
        progress: &mut Progress,
    ) -> Result<Step, AuditError> {
        let job = standing.job.id;
        if progress.is_refused {
            return Err(AuditError::impossible("the chain refused a proof"));
        }
        if !std::mem::replace(&mut progress.has_begun, true) {
            let (scope, by_time) = (scope_name(open.scope), open.verdict_by_time);
            info!(job, step = %"drawn", scope, by_time, "audit");
        }
        let brief = Brief::new(standing.subject.clone(), &standing.audit);
        let brief = brief.ok_or_else(|| AuditError::impossible("nobody is at work"))?;
        self.read_answers(&brief.subject, progress).await?;
        // What the chain counts holds over restarts.
        let made = open.open_demands.saturating_add(open.answered);
        let may_make = self.auditor.max_demands.saturating_sub(made);
        self.demand(job, may_make, progress).await?;
        if progress.demanding.waits() {
            return Ok(Step::Waits);
        }
        let ruling = match &progress.ruling {
            Some(ruling) => ruling.clone(),
            None => self.check(standing, open, &brief, progress).await?,
        };
        self.rule(&brief, open, ruling, may_make, progress).await
    }

    /// Takes over the answers to demands that are not open any more.
    async fn read_answers(
        &self,
        subject: &Subject,
        progress: &mut Progress,
    ) -> Result<(), AuditError> {
        let (job, me) = (subject.job, self.auditor.account());
        let mut open = self.node.demands(job).await?;
        open.retain(|demand| demand.demander == me);
        let newest = self.node.best_number().await?;
        for pending in progress.demanding.look(&open, newest) {
            let client = self.node.client();
            let answers = self.node.ask(answers_to(client, job, &pending, newest));
            for answer in answers.await? {
                let bytes = answer.len();
                if learn(&mut progress.known, subject, &pending.request, answer)? {
                    info!(job, step = %"answered", demand = pending.id, bytes, "audit");
                }
            }
        }
        Ok(())
    }

    /// Makes as many of the wanted demands as may be open.
    async fn demand(
        &self,
        job: u64,
        may_make: u32,
        progress: &mut Progress,
    ) -> Result<(), AuditError> {
        for request in progress.demanding.next(may_make) {
            let call = disputes::demand(job, request);
            let included = self.node.submit(&call, &self.auditor.key).await?;
            let block = included.block_number;
            let id = included.made_demand();
            let id = id.ok_or_else(|| AuditError::impossible("a demand without an id"))?;
            info!(job, step = %"demanding", demand = id, ?request, block, "audit");
            progress.demanding.made(request, id, block);
        }
        if may_make == 0 {
            progress.demanding.wanted.clear();
        }
        Ok(())
    }

    /// Does what follows from a ruling.
    async fn rule(
        &self,
        brief: &Brief,
        open: &OpenAuditView,
        ruling: Ruling,
        may_make: u32,
        progress: &mut Progress,
    ) -> Result<Step, AuditError> {
        let job = brief.subject.job;
        match ruling {
            Ruling::Fraud(fraud) => {
                progress.ruling = Some(Ruling::Fraud(fraud.clone()));
                if !verdicts::prove(&self.node, &self.auditor, job, &fraud).await? {
                    progress.is_refused = true;
                    return Err(AuditError::impossible("the chain refused a proof"));
                }
                Ok(Step::Done)
            }
            Ruling::Pass {
                receipt,
                earlier_is_false,
            } => {
                // On the disk before the chain knows: silence about it costs the whole lock.
                self.keep(job, &receipt, &progress.known.kept)?;
                progress.ruling = Some(ruling);
                if let (true, false, Some(earlier)) =
                    (earlier_is_false, progress.is_doubted, &brief.earlier)
                {
                    verdicts::doubt(&self.node, &self.auditor, brief, earlier).await?;
                    progress.is_doubted = true;
                }
                let verdict = Verdict::Pass { receipt };
                verdicts::give(&self.node, &self.auditor, job, verdict).await?;
                Ok(Step::Done)
            }
            Ruling::Missing { requests, may_pass } => {
                progress.rounds = progress.rounds.saturating_add(1);
                if may_pass && progress.rounds <= PATIENT_ROUNDS {
                    return Err(AuditError::NotYet(requests.len()));
                }
                self.do_without(job, requests, may_make, open.answered, progress)
                    .await
            }
        }
    }

    /// Demands what nobody gives, as long as that is paid for.
    async fn do_without(
        &self,
        job: u64,
        missing: Vec<Request>,
        may_make: u32,
        answered: u32,
        progress: &mut Progress,
    ) -> Result<Step, AuditError> {
        if may_make > 0 {
            progress.demanding.wanted = choose(missing, may_make);
            self.demand(job, may_make, progress).await?;
            return Ok(Step::Waits);
        }
        if answered == 0 {
            return Err(AuditError::Unserved(missing.len()));
        }
        verdicts::give(&self.node, &self.auditor, job, Verdict::Withheld).await?;
        Ok(Step::Done)
    }

    fn keep(&self, job: u64, receipt: &Hash, kept: &Kept) -> Result<(), AuditError> {
        let bytes = kept.encode();
        self.auditor.receipts.keep(job, receipt, &bytes)
    }

    /// Opens a receipt of this auditor's own.
    async fn open(&self, standing: &Standing, pass: u32, index: u64) -> Result<Step, AuditError> {
        let subject = &standing.subject;
        let place = usize::try_from(pass).unwrap_or(usize::MAX);
        let Some(named) = standing.audit.passes.get(place) else {
            return Ok(Step::Done);
        };
        let set = DrawnSet {
            scope: named.scope,
            seed: named.seed,
        };
        let written = self.auditor.receipts.get(subject.job, &named.receipt);
        let mut kept = Kept::decode(&written.unwrap_or_default(), subject)?;
        let source = self.source(standing, OPENING_PATIENCE);
        let _memory = self.reserve(receipts::opening_bytes(subject, &set)).await?;
        let mut gathering = Gathering::new(subject, &source, &mut kept);
        let opening = receipts::open(&mut gathering, &set, &named.receipt, index).await?;
        let call = mizan_client::audits::open_receipt(subject.job, pass, opening);
        let included = self.node.submit(&call, &self.auditor.key).await?;
        let (job, block) = (subject.job, included.block_number);
        let receipt = hex_hash(&named.receipt);
        info!(job, step = %"opened", pass, index, block, %receipt, "audit");
        Ok(Step::Done)
    }

    /// About how long it is until a dispute time.
    pub(super) async fn time_until(&self, time: u32) -> Result<Duration, AuditError> {
        let blocks = time.saturating_sub(self.node.dispute_time().await?);
        Ok(Duration::from_secs(u64::from(blocks) * BLOCK_SECONDS))
    }

    /// Folder and servers, which are waited for so long.
    pub(super) fn source<'a>(&'a self, standing: &'a Standing, patience: Duration) -> Servers<'a> {
        Servers {
            supply: &self.auditor.supply,
            named: &standing.job.blob_servers,
            brought: &self.auditor.brought,
            until: Instant::now() + patience,
        }
    }

    pub(super) async fn reserve(&self, bytes: u64) -> Result<Reserved, AuditError> {
        let budget = &self.auditor.budget;
        let reserved = budget.reserve(bytes).await;
        reserved.ok_or_else(|| AuditError::TooLarge {
            bytes,
            limit: budget.total_bytes(),
        })
    }
}
