//! `mizan job fetch`.

use crate::blobs::servers::{Download, Source, Trust};
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::job::find;
use crate::job::state::sentence;
use crate::model::show::unknown;
use crate::output::Output;
use clap::Args;
use mizan_client::views::JobView;
use mizan_client::{account_of, hex_hash, At, Client};
use serde_json::json;
use std::path::PathBuf;

/// Write a job's outputs to files.
///
/// The files are DIR/0.bin, 1.bin, ... They come from the job's blob servers,
/// or from the folder of blobs if it names none. The bytes are those whose hashes the worker
/// attested; until the job is settled the claim can still be challenged: `mizan job verify` checks
/// it.
#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    /// The folder to write to; made if needed
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    download: Download,
}

impl Fetch {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let job = find(&client, self.job, At::Best).await?;
        let Some(attestation) = job.state.attestation() else {
            return Err(Failure::new(
                Kind::Other,
                format!("no result yet: {}", sentence(&job)),
            ));
        };
        let source = source(&self.download, &job, context)?;
        let max_bytes = longest_output(&client, &job).await?;
        std::fs::create_dir_all(&self.out)?;
        let mut files = Vec::new();
        for (index, hash) in attestation.outputs.iter().enumerate() {
            let bytes = source.get(*hash, max_bytes).await?;
            let path = self.out.join(format!("{index}.bin"));
            std::fs::write(&path, &bytes)?;
            output.progress(&format!("wrote {} ({} bytes)", path.display(), bytes.len()));
            let file = path.display().to_string();
            files.push(json!({ "file": file, "hash": hex_hash(hash), "bytes": bytes.len() }));
        }
        let (count, state, out) = (files.len(), job.state.name(), self.out.display());
        let object = json!({ "job": self.job, "state": state, "outputs": files });
        output.result(
            &format!("{count} outputs of job {} are in {out}", self.job),
            &object,
        )
    }
}

/// Where the blobs of a job come from. Servers that the own account named may be on the own
/// network; others' may not.
pub(crate) fn source(
    download: &Download,
    job: &JobView,
    context: &Context,
) -> Result<Source, Failure> {
    let own = context.key_if_named()?.map(|key| account_of(&key));
    let trust = if own == Some(job.requester) {
        Trust::Named
    } else {
        Trust::Stranger
    };
    download.source(&job.blob_servers, trust, context)
}

/// No output is longer than all of them together.
async fn longest_output(client: &Client, job: &JobView) -> Result<u64, Failure> {
    let model = client.model(&job.model, At::Best).await?;
    let model = model.ok_or_else(|| unknown(job.model))?;
    let item_bytes = model.cost.item_output_bytes;
    Ok(item_bytes.saturating_mul(job.batch.into()))
}
