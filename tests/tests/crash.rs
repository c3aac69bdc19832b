//! A worker that is killed at any moment neither loses its job nor attests twice.

use anyhow::{ensure, Result};
use futures::future::try_join_all;
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::runtime::jobs::events::JobAttested;
use mizan_client::{account_of, Client, Hash};
use mizan_tests::workers::{heard, Owner, Worker};
use mizan_tests::{books, chain::Chain, jobs, wait::Deadline};
use std::path::Path;

/// Steps of a worker's log after which it is killed, and who has that worker and posts its job.
const STEPS: [(&str, &str); 5] = [
    ("taken", "//Bob"),
    ("computing", "//Charlie"),
    ("computed", "//Dave"),
    ("attesting", "//Eve"),
    ("included", "//Ferdie"),
];

#[tokio::test]
async fn worker_killed_at_each_step_attests_exactly_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
    let owner = Owner::alone("//Alice").provider_key()?;
    let model = jobs::register_digits(&chain.client, &owner, &blobs).await?;
    let input = blobs.put(&jobs::one_image(0)?).await?;
    let killed = STEPS.map(|(step, secret)| {
        let place = Place {
            chain: &chain,
            folder: folder.path(),
            blobs: &blobs,
            model,
            input,
        };
        place.kill_after(step, secret)
    });
    let settled = try_join_all(killed).await?;

    let last = chain.client.finalized_number().await?;
    let attested = books::events::<JobAttested>(&chain.client, 1..=last).await?;
    for ((step, _), job) in STEPS.iter().zip(settled) {
        let count = attested.iter().filter(|event| event.job == job).count();
        ensure!(
            count == 1,
            "killed when {step}, the worker attested {count} times"
        );
    }
    ensure!(
        attested.len() == STEPS.len(),
        "there are {} attestations",
        attested.len()
    );
    Ok(())
}

/// Where a worker works, and on what.
struct Place<'a> {
    chain: &'a Chain,
    folder: &'a Path,
    blobs: &'a LocalBlobStore,
    model: Hash,
    input: Hash,
}

impl Place<'_> {
    /// Posts a job for one worker, kills the worker once its log has `step`, starts it again, and
    /// waits until the job is settled. Gives the job.
    async fn kill_after(self, step: &str, secret: &str) -> Result<u64> {
        let (client, url): (&Client, _) = (&self.chain.client, &self.chain.url);
        let owner = Owner::alone(secret);
        owner.register(client).await?;
        let blobs = self.blobs.folder();
        let mut worker = Worker::start(step, &owner, url, blobs, self.folder, true)?;
        heard(client, &owner, Deadline::seconds(60)).await?;
        let key = owner.provider_key()?;
        let directed = Some(account_of(&key));
        let job = jobs::post_one(client, &key, self.model, self.input, directed).await?;

        let said = format!("step={step}");
        worker.process.line(&said, 0, Deadline::seconds(60)).await?;
        worker.process.kill()?;
        worker.restart()?;
        jobs::reached(client, job, "settled", Deadline::seconds(120)).await?;
        ensure!(
            worker.process.ended()?.is_none(),
            "the worker ended\n{}",
            worker.process.tail()?
        );
        Ok(job)
    }
}
