//! Advice for auditors: beside all other work, one result at a time, and without consequence if it
//! fails.

use crate::{
    advice::{self, AdviceBook, AdviceError, AdviceKey, Audited, Given},
    equipment::Equipment,
    node::Node,
    steps::StepError,
};
use std::sync::Arc;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};
use tracing::{debug, info, warn};

/// What a task was about.
enum Done {
    Looked(Result<Vec<Audited>, StepError>),
    Tried(AdviceKey, Result<Given, AdviceError>),
}

/// Gives advice over one connection.
pub(super) struct Advising {
    node: Node,
    equipment: Arc<Equipment>,
    book: AdviceBook,
    /// One at most.
    tasks: JoinSet<Done>,
}

impl Advising {
    pub(super) fn new(node: Node, equipment: Arc<Equipment>) -> Self {
        Self {
            node,
            equipment,
            book: AdviceBook::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Looks for audits of whole results, unless something is under way or advice is not wanted.
    pub(super) fn look(&mut self) {
        if self.tasks.is_empty() && self.equipment.advisor.is_some() {
            let (node, equipment) = (self.node.clone(), self.equipment.clone());
            self.tasks
                .spawn(async move { Done::Looked(advice::wanted(&node, &equipment).await) });
        }
    }

    /// Waits for what is done, and goes on from there. Never returns while there is nothing to wait
    /// for. Nothing is lost if it is not waited for to the end.
    pub(super) async fn advance(&mut self) {
        match self.tasks.join_next().await {
            Some(done) => self.go_on(done),
            None => std::future::pending().await,
        }
    }

    /// Ends what runs: nobody depends on it.
    pub(super) fn stop(&mut self) {
        self.tasks.abort_all();
    }

    fn go_on(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Looked(Ok(open))) => self.start(open),
            Ok(Done::Looked(Err(error))) => debug!("audits were not looked for: {error}"),
            Ok(Done::Tried(audit, result)) => self.tried(audit, result),
            // The next look finds it again.
            Err(error) => debug!("giving advice was cut off: {error}"),
        }
    }

    fn start(&mut self, open: Vec<Audited>) {
        let keys: Vec<_> = open.iter().map(|audited| audited.audit).collect();
        let due = self.book.due(&keys, Instant::now());
        let audited = open.into_iter().find(|audited| Some(audited.audit) == due);
        let Some(audited) = audited else { return };
        let (node, equipment) = (self.node.clone(), self.equipment.clone());
        self.tasks.spawn(async move {
            let given = match &equipment.advisor {
                Some(advisor) => advice::give(&node, &equipment, advisor, &audited).await,
                None => Ok(Given::Nothing),
            };
            Done::Tried(audited.audit, given)
        });
    }

    fn tried(&mut self, audit: AdviceKey, result: Result<Given, AdviceError>) {
        let (job, now) = (audit.key.job, Instant::now());
        match result {
            Ok(Given::Operations(operations)) => {
                self.book.done(audit);
                info!(job, operations, "gave advice to the auditor");
            }
            Ok(Given::Nothing) => self.book.done(audit),
            Err(AdviceError::Postponed) => self.book.postponed(audit, now),
            Err(error) => match self.book.failed(audit, now) {
                Some(pause) => {
                    let pause = pause.as_secs();
                    warn!(
                        job,
                        "no advice for the auditor: {error}; again in {pause} seconds"
                    );
                }
                None => warn!(
                    job,
                    "no advice for the auditor, who can do without: {error}"
                ),
            },
        }
    }
}
