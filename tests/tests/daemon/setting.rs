//! What most tests of the daemon begin with, and the figures that a worker serves.

use anyhow::{Context, Result};
use mizan_client::blobs::LocalBlobStore;
use mizan_client::views::JobView;
use mizan_client::{account_of, At, Client, Hash};
use mizan_tests::wait::{until, Deadline};
use mizan_tests::workers::{heard, Owner, Place, Worker};
use mizan_tests::{chain::Chain, jobs};

/// A chain, a model, and a folder of blobs.
pub(crate) struct Setting {
    pub(crate) chain: Chain,
    pub(crate) blobs: LocalBlobStore,
    pub(crate) model: Hash,
    pub(crate) folder: tempfile::TempDir,
}

impl Setting {
    pub(crate) async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let chain = Chain::start(folder.path(), true).await?;
        let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
        let alice = Owner::alone("//Alice").provider_key()?;
        let model = jobs::register_digits(&chain.client, &alice, &blobs).await?;
        Ok(Self {
            chain,
            blobs,
            model,
            folder,
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.chain.client
    }

    /// Starts a worker and waits until the chain heard of it.
    pub(crate) async fn worker(&self, name: &str, owner: &Owner, more: &[&str]) -> Result<Worker> {
        let worker = self.start(name, owner, more)?;
        heard(self.client(), owner, Deadline::seconds(60)).await?;
        Ok(worker)
    }

    pub(crate) fn start(&self, name: &str, owner: &Owner, more: &[&str]) -> Result<Worker> {
        let place = Place {
            url: &self.chain.url,
            blobs: self.blobs.folder(),
            folder: self.folder.path(),
        };
        Worker::start_with(name, owner, place, more, true)
    }

    /// Posts a job by Alice for one worker only, over that input.
    pub(crate) async fn post(&self, owner: &Owner, input: Hash) -> Result<u64> {
        let alice = Owner::alone("//Alice").provider_key()?;
        let worker = Some(account_of(&owner.worker_key()?));
        jobs::post_one(self.client(), &alice, self.model, input, worker).await
    }

    /// Waits until that rule decides whether a worker gets jobs.
    pub(crate) async fn outlook(&self, owner: &Owner, rule: &str) -> Result<()> {
        let account = account_of(&owner.worker_key()?);
        let what = format!("the worker to be {rule}");
        until(&what, Deadline::seconds(60), async || {
            let report = self.client().worker_report(&account, At::Best).await?;
            Ok(report
                .is_some_and(|report| report.outlook.rule == rule)
                .then_some(()))
        })
        .await
    }

    pub(crate) async fn settled(&self, job: u64) -> Result<JobView> {
        jobs::reached(self.client(), job, "settled", Deadline::seconds(120)).await
    }
}

/// The address at which a worker says that it serves metrics.
pub(crate) async fn metrics_of(worker: &mut Worker) -> Result<String> {
    let deadline = Deadline::seconds(30);
    let line = worker.process.line("metrics at http://", 0, deadline);
    let line = line.await?;
    let (_, address) = line.split_once("metrics at ").context("no address")?;
    Ok(address.trim_end_matches("/metrics").to_owned())
}

/// A figure of a worker, once it is served.
pub(crate) async fn figure(url: &str, name: &str) -> Result<Option<i64>> {
    let text = reqwest::get(format!("{url}/metrics")).await?;
    let text = text.error_for_status()?.text().await?;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(value.map(str::trim).and_then(|value| value.parse().ok()))
}

pub(crate) async fn figure_reaches(url: &str, name: &str, least: i64) -> Result<()> {
    let what = format!("{name} to be {least}");
    until(&what, Deadline::seconds(90), async || {
        let value = figure(url, name).await?;
        Ok(value.filter(|value| *value >= least).map(drop))
    })
    .await
}
