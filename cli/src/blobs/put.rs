//! `mizan blobs put`.

use crate::blobs::servers::{read_file, Upload};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{table, Column};
use clap::Args;
use mizan_blobs::BlobStore;
use mizan_client::hex_hash;
use serde_json::json;
use std::path::PathBuf;

/// Publish files to a folder or to blob servers.
///
/// Prints their hashes.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    upload: Upload,
}

impl Put {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let store = self.upload.store(context)?;
        let mut blobs = Vec::new();
        for path in &self.files {
            let bytes = read_file(path)?;
            let hash = store.put(&bytes).await?;
            blobs.push((path.display().to_string(), hash, bytes.len()));
        }
        let hashes: Vec<_> = blobs.iter().map(|(_, hash, _)| *hash).collect();
        let pushed = self.upload.push(&hashes, &store, context, output).await?;

        let objects = blobs.iter().zip(&pushed);
        let objects = objects.map(|((file, hash, bytes), pushed)| {
            let on: Vec<_> = pushed.on.iter().map(|url| url.as_str()).collect();
            json!({ "file": file, "hash": hex_hash(hash), "bytes": bytes, "servers": on })
        });
        let object = json!({ "blobs": objects.collect::<Vec<_>>() });
        let rows = blobs
            .iter()
            .map(|(file, hash, bytes)| [hex_hash(hash), format!("{bytes} bytes"), file.to_owned()]);
        let columns = [
            Column::Left("HASH"),
            Column::Right("LENGTH"),
            Column::Left("FILE"),
        ];
        output.result(&table(columns, rows.collect()), &object)
    }
}
