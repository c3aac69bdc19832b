//! `mizan job post`.

use crate::blobs::servers::{read_file, Upload};
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::model::show::{model_id, unknown};
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_blobs::{BlobStore, LocalBlobStore};
use mizan_client::calls::{self, Offer};
use mizan_client::model_bundle::ModelBundle;
use mizan_client::views::Timing;
use mizan_client::{hex_hash, keys, units, AccountId, At, Client, Hash};
use mizan_tensor::Program;
use serde_json::json;
use std::path::PathBuf;

/// How many times the least duration a worker gets, unless told otherwise.
const DURATION_FACTOR: u32 = 4;
/// How many blocks a job waits for a worker, unless told otherwise.
const WAIT_BLOCKS: u32 = 200;
/// Input bytes that the chain grants a block for: see `Timing.min_duration_blocks`.
const INPUT_BYTES_PER_BLOCK: u64 = 3_000_000;

/// Publish inputs and post a job.
///
/// Publishes inputs to the folder of blobs, or to blob servers, and posts a job. The payment is
/// held from then on; what a cheaper worker leaves is given back. Prints the job's id once the post
/// is final.
///
/// The blob servers are named in the job: workers fetch inputs and parameters from them and push
/// the results to them, so the model's parameters must be there, too: see --parameters and `mizan
/// model register --server`.
#[derive(Debug, Args)]
pub(crate) struct Post {
    /// The model's id
    #[arg(long, value_name = "ID", value_parser = model_id)]
    model: Hash,
    /// The bytes of each input, in the program's order
    #[arg(long = "input", value_name = "FILE", required = true, num_args = 1..)]
    inputs: Vec<PathBuf>,
    /// Number of items
    #[arg(long, value_name = "N")]
    batch: u32,
    /// Most that you pay for a compute unit
    #[arg(long, value_name = "MZN_PER_CU", value_parser = units::parse_amount)]
    price: u128,
    /// How many blocks a worker has from its assignment; four times the least if not given
    #[arg(long, value_name = "BLOCKS")]
    duration: Option<u32>,
    /// How many blocks the job waits for a worker
    #[arg(long, value_name = "BLOCKS")]
    wait: Option<u32>,
    /// The only worker that may do it; such work is recorded as directed
    #[arg(long, value_name = "ADDRESS", value_parser = keys::parse_address)]
    worker: Option<AccountId>,
    /// The model's folder: publish its parameters along with the inputs
    #[arg(long, value_name = "DIR")]
    parameters: Option<PathBuf>,
    #[command(flatten)]
    upload: Upload,
}

/// Most blob servers of a job, and most bytes of an address, as the chain takes them.
const MAX_SERVERS: usize = 4;
const MAX_SERVER_BYTES: usize = 128;

impl Post {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        check_servers(&self.upload.addresses())?;
        let client = context.client().await?;
        let program = program(&client, self.model).await?;
        let input_bytes = input_bytes(&program, self.batch)?;
        let inputs = self
            .publish(&program, &input_bytes, context, output)
            .await?;

        let timing = client.timing(At::Best).await?;
        let offer = self.offer(&inputs, &timing, input_bytes.iter().sum());
        let included = sending::send(&client, &calls::post_job(offer), &key, output).await?;
        let Some(job) = included.posted_job() else {
            return Err(Failure::new(
                Kind::Other,
                "the chain took the call but posted no job",
            ));
        };
        let what = json!({
            "job": job,
            "inputs": inputs.iter().map(hex_hash).collect::<Vec<_>>(),
            "servers": self.upload.addresses(),
        });
        let block = included.block_number;
        output.result(
            &format!("job {job} is posted in block {block}"),
            &sending::object(&included, what),
        )
    }

    fn offer(&self, inputs: &[Hash], timing: &Timing, input_bytes: u64) -> Offer {
        let (least, most) = (timing.min_duration_blocks, timing.max_duration_blocks);
        let wait = || WAIT_BLOCKS.min(timing.max_wait_blocks);
        Offer {
            model: self.model,
            batch: self.batch,
            inputs: inputs.to_vec(),
            price_per_unit: self.price,
            duration_blocks: self
                .duration
                .unwrap_or_else(|| default_duration(least, most, input_bytes)),
            wait_blocks: self.wait.unwrap_or_else(wait),
            worker: self.worker,
            blob_servers: self.upload.addresses(),
        }
    }

    /// Publishes the inputs, and the parameters if their folder is given.
    async fn publish(
        &self,
        program: &Program,
        input_bytes: &[u64],
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<Vec<Hash>, Failure> {
        let store = self.upload.store(context)?;
        let inputs = self.store_inputs(input_bytes, &store, output).await?;
        let mut blobs = inputs.clone();
        blobs.extend(self.store_parameters(program, &store).await?);
        self.upload.push(&blobs, &store, context, output).await?;
        Ok(inputs)
    }

    /// Stores the inputs, if they are as many and as long as the model wants.
    async fn store_inputs(
        &self,
        lengths: &[u64],
        store: &LocalBlobStore,
        output: &mut Output<'_>,
    ) -> Result<Vec<Hash>, Failure> {
        if lengths.len() != self.inputs.len() {
            let (wanted, given) = (lengths.len(), self.inputs.len());
            let message = format!("the model has {wanted} inputs, and {given} files are given");
            return Err(Failure::usage(message));
        }
        let mut hashes = Vec::new();
        for (path, wanted) in self.inputs.iter().zip(lengths) {
            let name = path.display();
            let bytes = read_file(path)?;
            if u64::try_from(bytes.len()) != Ok(*wanted) {
                let given = bytes.len();
                let items = self.batch;
                return Err(Failure::usage(format!(
                    "{name} has {given} bytes, and {items} items of this input have {wanted}"
                )));
            }
            let hash = store.put(&bytes).await?;
            output.progress(&format!("published {name} as {}", hex_hash(&hash)));
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// Stores the model's parameters, if their folder is given and is this model's.
    async fn store_parameters(
        &self,
        program: &Program,
        store: &LocalBlobStore,
    ) -> Result<Vec<Hash>, Failure> {
        let Some(folder) = &self.parameters else {
            return Ok(Vec::new());
        };
        let bundle = ModelBundle::read(folder)?;
        // Whoever registered the model owns it, the folder may be anybody's copy.
        if bundle.program.parameters != program.parameters {
            let (folder, model) = (folder.display(), hex_hash(&self.model));
            return Err(Failure::usage(format!(
                "{folder} does not hold the parameters of model {model}"
            )));
        }
        let mut hashes = Vec::new();
        for parameter in &bundle.parameters {
            hashes.push(store.put(parameter).await?);
        }
        Ok(hashes)
    }
}

/// Refuses what the chain would refuse, before anything is published.
fn check_servers(servers: &[String]) -> Result<(), Failure> {
    if servers.len() > MAX_SERVERS {
        let given = servers.len();
        return Err(Failure::usage(format!(
            "a job names at most {MAX_SERVERS} blob servers, and {given} are given"
        )));
    }
    match servers.iter().find(|url| url.len() > MAX_SERVER_BYTES) {
        None => Ok(()),
        Some(url) => Err(Failure::usage(format!(
            "{url} has over {MAX_SERVER_BYTES} characters: a job can't name it"
        ))),
    }
}

async fn program(client: &Client, model: Hash) -> Result<Program, Failure> {
    client
        .program(&model, At::Best)
        .await?
        .ok_or_else(|| unknown(model))
}

/// Bytes of each input of a batch.
fn input_bytes(program: &Program, batch: u32) -> Result<Vec<u64>, Failure> {
    let of_batch = program
        .inputs
        .iter()
        .map(|item| item.bytes()?.checked_mul(batch.into()));
    of_batch
        .collect::<Option<_>>()
        .ok_or_else(|| Failure::usage("the batch is too large"))
}

/// Blocks for a worker that fetches inputs of so many bytes.
fn default_duration(least: u32, most: u32, bytes: u64) -> u32 {
    let fetching = u32::try_from(bytes.div_ceil(INPUT_BYTES_PER_BLOCK)).unwrap_or(u32::MAX);
    least
        .saturating_add(fetching)
        .saturating_mul(DURATION_FACTOR)
        .min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_or_too_long_addresses_are_refused_before_anything_is_published() {
        let url = |length: usize| format!("http://a/{}", "x".repeat(length));
        assert_eq!(check_servers(&[]), Ok(()));
        assert_eq!(check_servers(&vec![url(119); 4]), Ok(()));
        let many = check_servers(&vec![url(1); 5]).unwrap_err();
        assert_eq!(many.kind, Kind::Usage);
        let long = check_servers(&[url(120)]).unwrap_err();
        assert!(long.message.contains("over 128 characters"), "{long}");
    }

    #[test]
    fn the_default_duration_grows_with_the_inputs_up_to_the_longest() {
        assert_eq!(default_duration(5, 3_600, 23_040), 24);
        assert_eq!(default_duration(40, 3_600, 0), 160);
        assert_eq!(default_duration(40, 3_600, u64::MAX), 3_600);
    }
}
