//! Working needs no tokens on the worker's own key.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::runtime::transaction_payment::events::TransactionFeePaid;
use mizan_client::views::AccountBalance;
use mizan_client::{account_of, calls, keys, At, ClientError};
use mizan_tests::workers::{heard, Owner, Worker};
use mizan_tests::{books, chain::Chain, jobs, wait::Deadline};

#[tokio::test]
async fn worker_without_tokens_works_and_a_stranger_without_tokens_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
    let owner = Owner {
        provider: "//Charlie".into(),
        worker: "//Charlie//hot".into(),
    };
    let hot = account_of(&owner.worker_key()?);
    owner.register(client).await?;
    let (url, folder) = (&chain.url, folder.path());
    let worker = Worker::start("worker", &owner, url, blobs.folder(), folder, true)?;
    heard(client, &owner, Deadline::seconds(60)).await?;

    let bob = Owner::alone("//Bob").provider_key()?;
    let model = jobs::register_digits(client, &bob, &blobs).await?;
    let input = blobs.put(&jobs::one_image(2)?).await?;
    let id = jobs::post_one(client, &bob, model, input, Some(hot)).await?;
    let job = jobs::reached(client, id, "settled", Deadline::seconds(120)).await?;
    let assignment = job.state.assignment().context("no assignment")?;
    ensure!(assignment.worker == hot, "{job:?}");
    let provider = account_of(&owner.provider_key()?);
    ensure!(assignment.provider == provider, "{job:?}");
    let entry = client.lifetime(&provider, At::Finalized).await?;
    ensure!(
        entry.directed_macs == job.macs && entry.settled_macs == job.macs,
        "{entry:?}"
    );
    drop(worker);

    let last = client.finalized_number().await?;
    let paid = books::events::<TransactionFeePaid>(client, 1..=last).await?;
    ensure!(
        paid.iter().all(|fee| fee.who != hot),
        "the worker's key paid fees"
    );
    let balance = client.balance(&hot, At::Finalized).await?;
    ensure!(
        balance == AccountBalance::default(),
        "the worker's key has {balance:?}"
    );

    let stranger = keys::parse_key("//Stranger")?;
    let refused = client.submit(&calls::heartbeat(), &stranger).await;
    ensure!(
        matches!(refused, Err(ClientError::Rejected { .. })),
        "{refused:?}"
    );
    Ok(())
}
