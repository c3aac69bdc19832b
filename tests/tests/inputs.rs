//! Jobs whose inputs can't be had.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::runtime::jobs::events::{JobDeclined, JobEnded};
use mizan_client::views::{EndReason, JobState};
use mizan_client::{account_of, At, Client};
use mizan_tests::books::{self, Supply};
use mizan_tests::command::Mizan;
use mizan_tests::workers::{heard, Owner, Worker};
use mizan_tests::{chain::Chain, jobs, wait::Deadline};
use std::collections::BTreeSet;

#[tokio::test]
async fn job_without_input_is_declined_until_three_providers_missed_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
    let owners = ["//Charlie", "//Dave", "//Eve"].map(Owner::alone);
    let mut workers = Vec::new();
    for (name, owner) in ["worker-1", "worker-2", "worker-3"]
        .into_iter()
        .zip(&owners)
    {
        owner.register(client).await?;
        let url = &chain.url;
        workers.push(Worker::start(
            name,
            owner,
            url,
            blobs.folder(),
            folder.path(),
            true,
        )?);
        heard(client, owner, Deadline::seconds(60)).await?;
    }
    let bob = Owner::alone("//Bob").provider_key()?;
    let model = jobs::register_digits(client, &bob, &blobs).await?;

    let before = State::of(client, At::Best).await?;
    let job = jobs::post_one(client, &bob, model, [9; 32], None).await?;
    let mizan = Mizan::new(&chain.url, "//Bob", blobs.folder())?;
    let watched = mizan
        .run(&["job", "watch", &job.to_string(), "--timeout", "180"])
        .await?;
    ensure!(watched.code == Some(6), "{watched:?}");
    ensure!(
        watched.object["error"]["kind"] == "unsettled",
        "{watched:?}"
    );
    let after = State::of(client, At::Finalized).await?;
    check_end(client, job, &before, &after).await?;

    // A corrupt file is as good as none; once it is repaired, another provider does the job.
    let input = blobs.put(&jobs::one_image(1)?).await?;
    std::fs::write(blobs.path_of(input), b"not an image")?;
    let job = jobs::post_one(client, &bob, model, input, None).await?;
    jobs::missed_by(client, job, 1, Deadline::seconds(90)).await?;
    blobs.put(&jobs::one_image(1)?).await?;
    let job = jobs::reached(client, job, "attested", Deadline::seconds(120)).await?;
    let assignment = job.state.assignment().context("no assignment")?;
    ensure!(!job.missing_inputs.is_empty(), "nobody missed the input");
    ensure!(
        !job.missing_inputs.contains(&assignment.provider),
        "{job:?}"
    );
    Ok(())
}

/// What the requester has, and the supply, at one block.
struct State {
    number: u32,
    total: u128,
    supply: Supply,
}

impl State {
    async fn of(client: &Client, at: At) -> Result<Self> {
        let block = client.at(at).await?;
        let at = At::Hash(block.block_hash().0);
        let bob = account_of(&Owner::alone("//Bob").provider_key()?);
        Ok(Self {
            number: block.block_number().try_into()?,
            total: client.balance(&bob, at).await?.total,
            supply: Supply::at(client, at).await?,
        })
    }
}

/// Three providers declined, the payment is back, and a tenth of the deposit is burned.
async fn check_end(client: &Client, id: u64, before: &State, after: &State) -> Result<()> {
    let job = client
        .job(id, At::Finalized)
        .await?
        .context("the job is gone")?;
    let JobState::Ended { reason, .. } = job.state else {
        anyhow::bail!("it is {}", job.state)
    };
    ensure!(reason == EndReason::InputsUnavailable, "{reason:?}");
    let blocks = before.number + 1..=after.number;
    let declined = books::events::<JobDeclined>(client, blocks.clone()).await?;
    let workers: BTreeSet<[u8; 32]> = declined.iter().map(|event| event.worker.0).collect();
    ensure!(declined.len() == 3 && workers.len() == 3, "{declined:?}");

    let economics = client.economics(At::Best).await?;
    let deposit = economics.job_deposit + economics.job_input_deposit;
    let burned = deposit / 10;
    let ended = books::events::<JobEnded>(client, blocks.clone()).await?;
    ensure!(ended.len() == 1 && ended[0].burned == burned, "{ended:?}");
    let bob = account_of(&Owner::alone("//Bob").provider_key()?);
    let fees = books::fees_of(client, &bob, blocks).await?;
    ensure!(
        after.total == before.total - burned - fees,
        "{} and {fees} fees",
        after.total
    );
    ensure!(
        after.supply.burned == before.supply.burned + burned,
        "{:?}",
        after.supply
    );
    ensure!(
        after.supply.minted == before.supply.minted,
        "{:?}",
        after.supply
    );
    ensure!(after.supply.balances(), "{:?}", after.supply);
    Ok(())
}
