//! Demands for the data of attested results: found in the newest block, answered beside all other
//! work.

use super::DaemonError;
use crate::{
    answers::{self, AnswerError, Answered, Duty},
    demands::{DemandBook, DemandKey},
    endings::demanded,
    equipment::Equipment,
    journal::{Entry, JournalError},
    metrics::shown,
    node::Node,
    standing::can_be_challenged,
    steps::StepError,
};
use mizan_client::{disputes::Demand, At};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tracing::{debug, error, info, warn};

/// Answers that are made at once. Sending them is not limited.
const PLACES: usize = 2;

/// The open demands, with the jobs that they are about.
type Open = BTreeMap<DemandKey, (Arc<Duty>, Demand)>;

/// What a task was about.
enum Done {
    Looked(Result<Open, StepError>),
    Tried(DemandKey, Arc<Duty>, Demand, Result<Answered, AnswerError>),
}

/// Answers demands over one connection.
pub(super) struct Answering {
    node: Node,
    equipment: Arc<Equipment>,
    book: DemandBook,
    looking: bool,
    tasks: JoinSet<Done>,
    places: Arc<Semaphore>,
    broken: Option<JournalError>,
}

impl Answering {
    pub(super) fn new(node: Node, equipment: Arc<Equipment>) -> Self {
        Self {
            node,
            equipment,
            book: DemandBook::default(),
            looking: false,
            tasks: JoinSet::new(),
            places: Arc::new(Semaphore::new(PLACES)),
            broken: None,
        }
    }

    /// Looks for demands, unless that is under way.
    pub(super) fn look(&mut self) {
        if !self.looking {
            self.looking = true;
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            self.tasks
                .spawn(async move { Done::Looked(open_demands(&node, &equipment).await) });
        }
    }

    /// How many tasks run.
    pub(super) fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Waits for the next thing that is done, and goes on from there. Never returns while there is
    /// nothing to wait for. Nothing is lost if it is not waited for to the end.
    pub(super) async fn advance(&mut self) {
        match self.tasks.join_next().await {
            Some(done) => self.go_on(done),
            None => std::future::pending().await,
        }
    }

    /// Whether the journal could be read.
    pub(super) fn check(&mut self) -> Result<(), DaemonError> {
        self.broken.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Lets what runs come to an end.
    pub(super) async fn wind_up(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn go_on(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Looked(found)) => {
                self.looking = false;
                match found {
                    Ok(open) => self.start(open),
                    Err(StepError::Journal(error)) => self.broken = Some(error),
                    Err(error) => debug!("demands were not looked for: {error}"),
                }
            }
            Ok(Done::Tried(key, duty, demand, result)) => self.tried(key, &duty, &demand, result),
            // One of them panicked, nobody knows which.
            Err(_) => {
                self.looking = false;
                self.book.forget_running();
            }
        }
        let Equipment { metrics, .. } = &*self.equipment;
        let shown = |count: usize| u64::try_from(count).map_or(i64::MAX, shown);
        metrics
            .demands_unanswered
            .set(shown(self.book.unanswered()));
        metrics
            .demands_unanswerable
            .set(shown(self.book.unanswerable()));
    }

    fn start(&mut self, mut open: Open) {
        let keys: Vec<_> = open.keys().copied().collect();
        let due = self.book.due(&keys, Instant::now());
        let mut due: Vec<_> = due
            .into_iter()
            .filter_map(|key| open.remove(&key).map(|(duty, demand)| (key, duty, demand)))
            .collect();
        due.sort_by_key(|(_, duty, demand)| duty.blocks_left(demand));
        for (key, duty, demand) in due {
            let blocks_left = duty.blocks_left(&demand);
            let (job, id) = (key.key.job, key.demand);
            let what = demanded(&demand.request.into());
            info!(
                job,
                demand = id,
                blocks_left,
                "answering a demand for {what}"
            );
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            let places = self.places.clone();
            self.tasks.spawn(async move {
                let answered = answers::answer(&node, &equipment, &duty, &demand, &places).await;
                Done::Tried(key, duty, demand, answered)
            });
        }
    }

    fn tried(
        &mut self,
        key: DemandKey,
        duty: &Duty,
        demand: &Demand,
        result: Result<Answered, AnswerError>,
    ) {
        let now = Instant::now();
        let (job, id) = (key.key.job, key.demand);
        let failure = match result {
            Ok(Answered::InBlock(_) | Answered::Over) => {
                self.book.answered(key, now);
                return;
            }
            Err(failure) => failure,
        };
        self.equipment.metrics.failed_attempts.inc();
        let is_lost = matches!(failure, AnswerError::Lost { .. });
        let pause = self.book.failed(key, is_lost, now).as_secs();
        match failure {
            AnswerError::Journal(error) if !matches!(error, JournalError::Full(_)) => {
                self.broken = Some(error);
            }
            AnswerError::Lost { .. } => error!(
                job,
                demand = id,
                by_time = demand.answer_by_time,
                blocks_left = duty.blocks_left(demand),
                "a demand can't be answered: {failure}. Silence convicts: put the blob back into \
                 the folder of blobs, or onto a blob server that the job or this worker's settings \
                 name; trying again in {pause} seconds"
            ),
            failure => warn!(
                job,
                demand = id,
                "a demand is not answered yet: {failure}; trying again in {pause} seconds"
            ),
        }
    }
}

/// The demands that are open in the newest block for the data of this worker's results.
async fn open_demands(node: &Node, equipment: &Equipment) -> Result<Open, StepError> {
    let account = equipment.account();
    let mut open = Open::new();
    for (key, _) in equipment.journal.holdings()? {
        let entry = equipment.journal.entry(key)?;
        // An attestation that is not final yet counts as well.
        let Some(Entry::Computed(claim) | Entry::Attested(claim)) = entry else {
            continue;
        };
        let Some(job) = node.job(key.job, At::Best).await? else {
            continue;
        };
        if !can_be_challenged(&job.state, &account, key, &claim) {
            continue;
        }
        let demands = node.demands(key.job).await?;
        if demands.is_empty() {
            continue;
        }
        let now_time = node.dispute_time().await?;
        let duty = Arc::new(Duty {
            key,
            job,
            claim,
            now_time,
        });
        open.extend(demands.into_iter().map(|demand| {
            let id = demand.id;
            (DemandKey { key, demand: id }, (duty.clone(), demand))
        }));
    }
    Ok(open)
}
