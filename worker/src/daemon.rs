//! The worker at work: connect, follow the chain, connect again.

mod advising;
mod answering;
mod liveness;
mod session;
mod upkeep;

use crate::{
    equipment::Equipment,
    journal::JournalError,
    metrics::{shown, Metrics},
    node::{pauses, Node},
    rivals::Rival,
};
use backon::ExponentialBackoff;
use mizan_client::ClientError;
use session::Session;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tracing::{info, warn};

/// Why the daemon can't go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The node's runtime is not the one that this program was built for.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The journal is broken, or belongs to another chain.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody else uses the key.
    #[error(transparent)]
    Rival(#[from] Rival),
    /// The worker was convicted, and has nothing left to answer for.
    #[error(transparent)]
    Convicted(#[from] Convicted),
}

/// The chain gives the worker no more jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{worker} was convicted: a result of it was proved wrong, or its data withheld. It gets no more \
     jobs. Find the fault (`convicted` in the log says what it was, `mizan-worker doctor` examines \
     the machine), then let the provider run `mizan provider deregister-worker` and register the \
     worker again"
)]
pub struct Convicted {
    /// The worker's account.
    pub worker: String,
}

/// How the daemon is run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The node's address.
    pub url: String,
    /// Longest time to wait for one answer of the node.
    pub request: Duration,
    /// Longest time that running steps get when the worker is told to stop.
    pub stop: Duration,
}

/// Works until `stop` is set or until something is wrong that only a person can put right. What is
/// likely to pass is waited for without end: a node that is down, a disk that is full.
pub async fn run(
    run: &Run,
    equipment: Arc<Equipment>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DaemonError> {
    let metrics = equipment.metrics.clone();
    metrics
        .memory_bytes
        .set(shown(equipment.budget.total_bytes()));
    let mut waits = pauses();
    loop {
        let connected = tokio::select! {
            connected = connect(run, &equipment) => connected,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let error = match connected {
            Ok(session) => {
                waits = pauses();
                let _connected = Connected::new(&metrics);
                match session.work(&mut stop, run.stop).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        let pause = pause_before_the_next(error, &equipment, &mut waits)?;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}

async fn connect(run: &Run, equipment: &Arc<Equipment>) -> Result<Session, DaemonError> {
    let node = Node::connect(&run.url, run.request).await?;
    let session = Session::open(node, equipment.clone()).await?;
    info!("connected to {}", run.url);
    Ok(session)
}

/// How long to wait after an error that is likely to pass; any other ends the daemon.
fn pause_before_the_next(
    error: DaemonError,
    equipment: &Equipment,
    waits: &mut ExponentialBackoff,
) -> Result<Duration, DaemonError> {
    let pause = waits.next().unwrap_or(crate::node::LONGEST_PAUSE);
    match error {
        DaemonError::Chain(error) if error.is_transient() => {
            warn!(
                "{error}; trying again in {:.1} seconds",
                pause.as_secs_f32()
            );
        }
        DaemonError::Journal(error @ JournalError::Full(_)) => equipment.disk.report_full(&error),
        fatal => return Err(fatal),
    }
    Ok(pause)
}

/// Shows that the node is followed, until it is dropped.
struct Connected<'a>(&'a Metrics);

impl<'a> Connected<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.connected.set(1);
        Self(metrics)
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.connected.set(0);
    }
}
