//! `mizan job post`.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::model::show::{model_id, unknown};
use crate::output::Output;
use clap::Args;
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::calls::{self, Offer};
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

/// Publishes inputs to the folder of blobs and posts a job. The payment is held from then on; what
/// a cheaper worker leaves is given back. Prints the job's id once the post is final.
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
}

impl Post {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let blobs = context.blobs()?;
        let client = context.client().await?;
        let program = program(&client, self.model).await?;
        let inputs = self.publish(&program, &blobs, output).await?;
        let input_bytes = input_bytes(&program, self.batch)?;

        let timing = client.timing(At::Best).await?;
        let offer = Offer {
            model: self.model,
            batch: self.batch,
            inputs: inputs.clone(),
            price_per_unit: self.price,
            duration_blocks: self.duration.unwrap_or_else(|| {
                default_duration(
                    timing.min_duration_blocks,
                    timing.max_duration_blocks,
                    input_bytes.iter().sum(),
                )
            }),
            wait_blocks: self.wait.unwrap_or(WAIT_BLOCKS.min(timing.max_wait_blocks)),
            worker: self.worker,
        };
        output.progress("posting, and waiting until the post is final");
        let included = client
            .submit_finalized(&calls::post_job(offer), &key)
            .await?;
        let Some(job) = included.posted_job() else {
            return Err(Failure::new(
                Kind::Other,
                "the chain took the call but posted no job",
            ));
        };
        let object = json!({
            "job": job,
            "block": included.block_number,
            "inputs": inputs.iter().map(hex_hash).collect::<Vec<_>>(),
        });
        let block = included.block_number;
        output.result(&format!("job {job} is posted in block {block}"), &object)
    }

    /// Publishes the inputs, if they are as many and as long as the model wants.
    async fn publish(
        &self,
        program: &Program,
        blobs: &LocalBlobStore,
        output: &mut Output<'_>,
    ) -> Result<Vec<Hash>, Failure> {
        let lengths = input_bytes(program, self.batch)?;
        if lengths.len() != self.inputs.len() {
            let (wanted, given) = (lengths.len(), self.inputs.len());
            let message = format!("the model has {wanted} inputs, and {given} files are given");
            return Err(Failure::usage(message));
        }
        let mut hashes = Vec::new();
        for (path, wanted) in self.inputs.iter().zip(lengths) {
            let name = path.display();
            let bytes =
                std::fs::read(path).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
            if u64::try_from(bytes.len()) != Ok(wanted) {
                let given = bytes.len();
                let items = self.batch;
                return Err(Failure::usage(format!(
                    "{name} has {given} bytes, and {items} items of this input have {wanted}"
                )));
            }
            let hash = blobs.put(&bytes).await?;
            output.progress(&format!("published {name} as {}", hex_hash(&hash)));
            hashes.push(hash);
        }
        Ok(hashes)
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
    fn the_default_duration_grows_with_the_inputs_up_to_the_longest() {
        assert_eq!(default_duration(5, 3_600, 23_040), 24);
        assert_eq!(default_duration(40, 3_600, 0), 160);
        assert_eq!(default_duration(40, 3_600, u64::MAX), 3_600);
    }
}
