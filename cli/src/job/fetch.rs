//! `mizan job fetch`.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::job::state::sentence;
use crate::job::watch::find;
use crate::output::Output;
use clap::Args;
use mizan_client::blobs::BlobStore;
use mizan_client::{hex_hash, At};
use serde_json::json;
use std::path::PathBuf;

/// Writes a job's outputs to files: DIR/0.bin, 1.bin, ... The bytes are those whose hashes the
/// worker attested; until the job is settled the claim can still be challenged.
#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    /// The folder to write to; made if needed
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Fetch {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let blobs = context.blobs()?;
        let client = context.client().await?;
        let job = find(&client, self.job, At::Best).await?;
        let Some(attestation) = job.state.attestation() else {
            return Err(Failure::new(
                Kind::Other,
                format!("no result yet: {}", sentence(&job)),
            ));
        };
        std::fs::create_dir_all(&self.out)?;
        let mut files = Vec::new();
        for (index, hash) in attestation.outputs.iter().enumerate() {
            // The hash alone says what the bytes are; the length needs no second limit here.
            let bytes = blobs.get(*hash, u64::MAX).await?;
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
