//! Jobs without the command, and waiting for their states.

use crate::digits;
use crate::wait::{until, Deadline};
use anyhow::{bail, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::calls::{self, Offer};
use mizan_client::model_bundle::ModelBundle;
use mizan_client::views::{JobState, JobView};
use mizan_client::{account_of, AccountId, At, Client, Hash, Keypair};

/// The most that jobs of the tests pay for a compute unit: twice what workers ask.
pub const PRICE: u128 = 2 * crate::workers::ASK;
/// Blocks that a worker has, and that a job waits.
const BLOCKS: u32 = 40;

/// Publishes the digits model's parameters and registers it. Gives its id.
pub async fn register_digits(
    client: &Client,
    owner: &Keypair,
    blobs: &LocalBlobStore,
) -> Result<Hash> {
    let bundle = ModelBundle::read(&digits::model_folder())?.owned_by(&account_of(owner));
    for parameter in &bundle.parameters {
        blobs.put(parameter).await?;
    }
    client
        .submit(&calls::register_model(bundle.program_bytes()), owner)
        .await?;
    Ok(bundle.program.id())
}

/// Posts a job of one item, whoever has its input, and gives its id.
pub async fn post_one(
    client: &Client,
    requester: &Keypair,
    model: Hash,
    input: Hash,
    worker: Option<AccountId>,
) -> Result<u64> {
    let offer = Offer {
        model,
        batch: 1,
        inputs: vec![input],
        price_per_unit: PRICE,
        duration_blocks: BLOCKS,
        wait_blocks: BLOCKS,
        worker,
        blob_servers: Vec::new(),
    };
    let included = client.submit(&calls::post_job(offer), requester).await?;
    included.posted_job().context("no job was posted")
}

/// The bytes of one held-out image.
pub fn one_image(index: usize) -> Result<Vec<u8>> {
    let images = std::fs::read(digits::input_file())?;
    let image = images.chunks_exact(mizan_digits::PIXELS).nth(index);
    Ok(image.context("there is no such image")?.to_vec())
}

/// Waits until a job, as a final block has it, is in a state of that name. An error as soon as it
/// ended otherwise.
pub async fn reached(client: &Client, id: u64, state: &str, deadline: Deadline) -> Result<JobView> {
    until(&format!("job {id} to be {state}"), deadline, async || {
        let Some(job) = client.job(id, At::Finalized).await? else {
            return Ok(None);
        };
        if job.state.name() == state {
            return Ok(Some(job));
        }
        if let JobState::Ended { reason, block } = job.state {
            bail!("job {id} ended in block {block}: {reason:?}");
        }
        Ok(None)
    })
    .await
}

/// Waits until that many providers found inputs of a job missing.
pub async fn missed_by(client: &Client, id: u64, count: usize, deadline: Deadline) -> Result<()> {
    until(
        &format!("{count} providers to miss the inputs of job {id}"),
        deadline,
        async || {
            let job = client.job(id, At::Best).await?;
            Ok(job
                .is_some_and(|job| job.missing_inputs.len() >= count)
                .then_some(()))
        },
    )
    .await
}
