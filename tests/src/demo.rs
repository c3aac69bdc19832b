//! The whole road once: a model is registered, a job posted, computed, attested, settled, paid.

mod figures;
mod report;

pub use report::Report;

use crate::chain::Chain;
use crate::command::Mizan;
use crate::digits;
use crate::workers::{Owner, Worker};
use anyhow::{bail, Context, Result};
use mizan_client::views::JobState;
use mizan_client::{At, Client};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Who posts the job. Development accounts: everybody knows their keys.
pub const REQUESTER: &str = "//Bob";
/// Who owns the two workers.
pub const PROVIDERS: [&str; 2] = ["//Charlie", "//Dave"];
/// Most that the requester pays for a compute unit, in MZN.
pub(crate) const PRICE: &str = "0.02";
/// When the demonstration has failed.
const TIMEOUT_SECONDS: &str = "240";

/// A chain with two workers, and where their files are.
#[derive(Debug)]
pub struct Parts {
    /// The chain.
    pub chain: Chain,
    /// The workers.
    pub workers: Vec<Worker>,
    /// The folder of blobs.
    pub blobs: PathBuf,
}

impl Parts {
    /// Asks workers and node to stop, and waits until they did.
    pub async fn stop(&mut self) -> Result<()> {
        for worker in &mut self.workers {
            worker.process.stop().await?;
        }
        self.chain.node.stop().await?;
        Ok(())
    }

    /// Lets them run on when this value is dropped.
    pub fn detach(&mut self) {
        self.workers
            .iter_mut()
            .for_each(|worker| worker.process.detach());
        self.chain.node.detach();
    }

    /// The ids of all processes, the node's last.
    pub fn ids(&self) -> Vec<u32> {
        let workers = self.workers.iter().map(|worker| worker.process.id());
        workers.chain([self.chain.node.id()]).collect()
    }
}

/// Runs it with all files below `folder`, and says what it is doing.
pub async fn run(folder: &Path, progress: &dyn Fn(&str)) -> Result<(Parts, Report)> {
    let started = Instant::now();
    progress("starting a development chain");
    let chain = Chain::start(folder, false).await?;
    let blobs = folder.join("blobs");
    let requester = Mizan::new(&chain.url, REQUESTER, &blobs)?.loud();
    progress("registering two workers and a model");
    let (workers, job) = tokio::try_join!(
        start_workers(&chain, &blobs, folder),
        post(&requester, progress),
    )?;
    progress("following the job");
    let id = job.to_string();
    let watched = ["job", "watch", &id, "--timeout", TIMEOUT_SECONDS];
    let watched = requester.done(&watched).await?;
    let warm = started.elapsed();

    let out = folder.join("outputs");
    requester
        .done(&["job", "fetch", &id, "--out", &out.display().to_string()])
        .await?;
    let parts = Parts {
        chain,
        workers,
        blobs,
    };
    let mut report = Report::of(&parts.chain.client, job).await?;
    report.right = digits::right_in(&out.join("0.bin"))?;
    report.right_float = digits::right_in_floating_point()?;
    report.final_block = number(&watched, "final_block")?;
    report.warm = warm;
    report.url = parts.chain.url.clone();
    report.blobs = parts.blobs.display().to_string();
    report.node_peak_bytes = parts.chain.node.peak_memory()?;
    for worker in &parts.workers {
        report.worker_peak_bytes = report.worker_peak_bytes.max(worker.process.peak_memory()?);
    }
    Ok((parts, report))
}

/// Registers both providers with a worker each, and starts the daemons.
async fn start_workers(chain: &Chain, blobs: &Path, folder: &Path) -> Result<Vec<Worker>> {
    let [first, second] = PROVIDERS.map(Owner::alone);
    tokio::try_join!(
        first.register_by_command(&chain.url),
        second.register_by_command(&chain.url),
    )?;
    let start = |name, owner| Worker::start(name, owner, &chain.url, blobs, folder, false);
    Ok(vec![
        start("worker-1", &first)?,
        start("worker-2", &second)?,
    ])
}

/// Registers the model and posts a job over all held-out images.
async fn post(requester: &Mizan, progress: &dyn Fn(&str)) -> Result<u64> {
    let folder = digits::model_folder().display().to_string();
    let model = requester.done(&["model", "register", &folder]).await?;
    let model = model["model"]
        .as_str()
        .context("registering gave no model")?;
    progress("posting a job over the held-out images");
    let input = digits::input_file().display().to_string();
    let batch = digits::IMAGES.to_string();
    let words = [
        "job", "post", "--model", model, "--input", &input, "--batch", &batch,
    ];
    let words = [&words[..], &["--price", PRICE]].concat();
    number(&requester.done(&words).await?, "job")
}

fn number<T: TryFrom<u64>>(object: &Value, name: &str) -> Result<T> {
    let number = object[name]
        .as_u64()
        .and_then(|number| T::try_from(number).ok());
    number.with_context(|| format!("there is no number {name} in {object}"))
}

impl Report {
    /// What the chain says of a settled job, as far as it is final.
    async fn of(client: &Client, id: u64) -> Result<Self> {
        let job = client.job(id, At::Finalized).await?;
        let job = job.with_context(|| format!("there is no job {id}"))?;
        let JobState::Settled {
            assignment,
            attestation,
            settlement,
        } = &job.state
        else {
            bail!("job {id} is {}", job.state);
        };
        Ok(Self {
            job: id,
            job_state: job.state.name().to_owned(),
            model: job.model,
            requester: job.requester,
            worker: assignment.worker,
            provider: assignment.provider,
            macs: job.macs,
            payment: settlement.payment,
            worker_paid: settlement.worker_paid,
            burned: settlement.burned,
            minted: settlement.minted,
            assigned_block: assignment.assigned_block,
            attested_block: attestation.attested_block,
            settled_block: settlement.settled_block,
            images: job.batch,
            timing: client.timing(At::Finalized).await?,
            economics: client.economics(At::Finalized).await?,
            right: 0,
            right_float: 0,
            final_block: 0,
            warm: Default::default(),
            url: String::new(),
            blobs: String::new(),
            node_peak_bytes: 0,
            worker_peak_bytes: 0,
        })
    }
}
