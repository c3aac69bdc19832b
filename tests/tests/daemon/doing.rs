//! Several jobs at once within the memory, signals, and servers that take nothing.

use crate::held::HeldBlob;
use crate::setting::{figure, figure_reaches, metrics_of, Setting};
use anyhow::{bail, ensure, Context, Result};
use mizan_client::blobs::{BlobServer, BlobStore, LocalBlobStore, Nobody, Settings, Storage};
use mizan_client::{account_of, calls, At};
use mizan_tests::jobs;
use mizan_tests::wait::{until, Deadline};
use mizan_tests::workers::Owner;

#[tokio::test]
async fn two_slots_do_two_jobs_at_once_and_metrics_say_so() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register_with(setting.client(), 2).await?;
    let more = ["--metrics", "0"];
    let mut worker = setting.worker("worker", &owner, &more).await?;
    let metrics = metrics_of(&mut worker).await?;

    let held = [0, 1].map(|index| HeldBlob::new(&setting.blobs, jobs::one_image(index)?));
    let [first, second] = held;
    let (first, second) = (first?, second?);
    let mut ids = Vec::new();
    for blob in [&first, &second] {
        ids.push(setting.post(&owner, blob.hash()).await?);
    }
    // Each job is in the middle of reading its input while the other one is.
    let deadline = Deadline::seconds(60);
    let (first, second) = (
        first.opened(deadline).await?,
        second.opened(deadline).await?,
    );
    ensure!(figure(&metrics, "mizan_worker_jobs_running").await? == Some(2));
    let used = figure(&metrics, "mizan_worker_memory_used_bytes").await?;
    ensure!(used > Some(0), "two jobs use {used:?} bytes");
    first.give()?;
    second.give()?;
    for id in ids {
        setting.settled(id).await?;
    }

    figure_reaches(&metrics, "mizan_worker_jobs_total{outcome=\"settled\"}", 2).await?;
    figure_reaches(&metrics, "mizan_worker_jobs_total{outcome=\"attested\"}", 2).await?;
    for (name, least) in [
        ("mizan_worker_heartbeats_total", 1),
        ("mizan_worker_macs_total", 1),
        ("mizan_worker_final_block", 1),
        ("mizan_worker_connected", 1),
    ] {
        figure_reaches(&metrics, name, least).await?;
    }
    ensure!(figure(&metrics, "mizan_worker_memory_used_bytes").await? == Some(0));
    let health = reqwest::get(format!("{metrics}/health")).await?;
    ensure!(health.status() == 200, "{}", health.status());
    Ok(())
}

#[tokio::test]
async fn jobs_beyond_the_memory_wait_their_turn_and_one_larger_than_it_is_declined() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register_with(setting.client(), 2).await?;
    // Enough for one job of one image, not for two.
    let more = ["--memory", "16 KiB"];
    let mut worker = setting.worker("worker", &owner, &more).await?;

    let held = [0, 1].map(|index| HeldBlob::new(&setting.blobs, jobs::one_image(index)?));
    let [first, second] = held;
    let (first, second) = (first?, second?);
    let early = setting.post(&owner, first.hash()).await?;
    let first = first.opened(Deadline::seconds(60)).await?;
    let late = setting.post(&owner, second.hash()).await?;
    let said = format!("job={late} step=waiting");
    let deadline = Deadline::seconds(60);
    worker.process.line(&said, 0, deadline).await?;
    first.give()?;
    second.opened(Deadline::seconds(60)).await?.give()?;
    setting.settled(early).await?;
    setting.settled(late).await?;

    worker.process.stop().await?;
    let mut worker = setting.start("small", &owner, &["--memory", "4 KiB"])?;
    let deadline = Deadline::seconds(60);
    worker.process.line("connected to", 0, deadline).await?;
    let input = setting.blobs.put(&jobs::one_image(2)?).await?;
    // Of the five blocks in which a job can be declined here, finality takes three or more: on a
    // busy machine the worker may be too late for one, and says so for the next.
    for _ in 0..2 {
        let job = setting.post(&owner, input).await?;
        if is_declined_as_too_large(&setting, job).await? {
            return Ok(());
        }
    }
    bail!(
        "no job was declined as too large\n{}",
        worker.process.tail()?
    );
}

/// Waits until a worker declined a job or can't decline it any more, and says which.
async fn is_declined_as_too_large(setting: &Setting, job: u64) -> Result<bool> {
    let window = setting.client().timing(At::Best).await?.decline_blocks;
    let what = format!("job {job} to be declined");
    until(&what, Deadline::seconds(120), async || {
        let explained = setting.client().explain_job(job, At::Best).await?;
        let explained = explained.context("no such job")?;
        let note = |rule| explained.history.iter().find(|note| note.rule == rule);
        let late = note("assigned").is_some_and(|note| explained.at_block > note.block + window);
        Ok(match note("declined") {
            Some(note) => Some(note.details["reason"] == "too_large"),
            None => late.then_some(false),
        })
    })
    .await
}

#[tokio::test]
async fn sigterm_during_a_job_ends_with_0_offline_and_a_restart_finishes_the_job() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register(setting.client()).await?;
    let more = ["--stop-seconds", "1"];
    let mut worker = setting.worker("worker", &owner, &more).await?;
    let image = jobs::one_image(0)?;
    let held = HeldBlob::new(&setting.blobs, image.clone())?;
    let job = setting.post(&owner, held.hash()).await?;
    // Kept open and empty: the worker can't get on with the job.
    let held = held.opened(Deadline::seconds(60)).await?;
    let status = worker.process.stop().await?;
    ensure!(
        status.code() == Some(0),
        "{status}\n{}",
        worker.process.tail()?
    );
    setting.outlook(&owner, "offline").await?;
    drop(held);
    setting.blobs.put(&image).await?;
    worker.restart()?;
    setting.settled(job).await?;
    setting.outlook(&owner, "idle").await?;
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_a_worker_with_0_while_its_node_does_not_answer() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register(setting.client()).await?;
    let more = ["--request-seconds", "2"];
    let mut worker = setting.worker("worker", &owner, &more).await?;
    // Connections stay open, and nobody says anything.
    let node = setting.chain.node.id().to_string();
    let halted = std::process::Command::new("sh")
        .args(["-c", &format!("kill -STOP {node}")])
        .status()?;
    ensure!(halted.success(), "the node goes on");
    let status = worker.process.stop().await?;
    let said = worker.process.tail()?;
    ensure!(status.code() == Some(0), "{status}\n{said}");
    ensure!(!said.contains("offline from block"), "{said}");
    Ok(())
}

#[tokio::test]
async fn server_that_takes_nothing_does_not_make_a_worker_time_out() -> Result<()> {
    let setting = Setting::new().await?;
    // It gives what it has and takes nothing.
    let served = LocalBlobStore::open(setting.folder.path().join("served"))?;
    let input = served.put(&jobs::one_image(0)?).await?;
    let storage = Storage::in_folder(served)?;
    let address = "127.0.0.1:0".parse()?;
    let server = BlobServer::bind(address, storage, Settings::default(), Box::new(Nobody));
    let server = server.await?;
    let url = format!("http://{}", server.address());
    tokio::spawn(server.run(std::future::pending()));

    let alice = Owner::alone("//Alice").provider_key()?;
    let offer = |owner: &Owner| -> Result<_> {
        Ok(calls::Offer {
            model: setting.model,
            batch: 1,
            inputs: vec![input],
            price_per_unit: jobs::PRICE,
            duration_blocks: 14,
            wait_blocks: 40,
            worker: Some(account_of(&owner.worker_key()?)),
            blob_servers: vec![url.clone()],
        })
    };
    let post = async |owner: &Owner| -> Result<u64> {
        let call = calls::post_job(offer(owner)?);
        let included = setting.client().submit(&call, &alice).await?;
        included.posted_job().context("no job was posted")
    };
    // Strangers name servers: one at a private address is not asked unless the owner allows it.
    let careful = Owner::alone("//Dave");
    careful.register(setting.client()).await?;
    let mut worker = setting.worker("careful", &careful, &[]).await?;
    let job = post(&careful).await?;
    let deadline = Deadline::seconds(60);
    worker
        .process
        .line("address is forbidden", 0, deadline)
        .await?;
    jobs::missed_by(setting.client(), job, 1, deadline).await?;

    let trusting = Owner::alone("//Charlie");
    trusting.register(setting.client()).await?;
    let more = ["--allow-private-blob-servers", "--metrics", "0"];
    let mut worker = setting.worker("trusting", &trusting, &more).await?;
    let metrics = metrics_of(&mut worker).await?;
    let job = post(&trusting).await?;
    let settled = setting.settled(job).await?;
    let attestation = settled.state.attestation().context("no attestation")?;
    // The requester can't get it over its server; the worker answers for it, and has it.
    for hash in attestation.outputs.iter().chain([&attestation.trace]) {
        ensure!(setting.blobs.contains(*hash).await?);
    }
    let deadline = Deadline::seconds(10);
    worker
        .process
        .line("not delivered yet", 0, deadline)
        .await?;
    worker
        .process
        .line("attesting although", 0, deadline)
        .await?;
    let fetched = figure(&metrics, "mizan_worker_fetched_bytes_total").await?;
    ensure!(fetched == Some(64), "{fetched:?} bytes were fetched");
    Ok(())
}
