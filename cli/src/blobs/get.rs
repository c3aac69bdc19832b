//! `mizan blobs get`.

use crate::blobs::servers::{Download, Trust};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use mizan_client::{hex_hash, parse_hash, Hash};
use serde_json::json;
use std::path::PathBuf;

/// Fetch a blob and check it.
///
/// It comes from the folder of blobs, or from blob servers, and is written only if it has the hash.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The blob's hash
    #[arg(value_name = "HASH", value_parser = blob_hash)]
    hash: Hash,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Refuse a longer blob
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    max_bytes: u64,
    #[command(flatten)]
    download: Download,
}

fn blob_hash(text: &str) -> Result<Hash, String> {
    parse_hash(text).ok_or_else(|| "a blob's hash is 0x and 64 hexadecimal digits".into())
}

impl Get {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let source = self.download.source(&[], Trust::Named, context)?;
        let bytes = source.get(self.hash, self.max_bytes).await?;
        std::fs::write(&self.out, &bytes)?;
        let (file, length) = (self.out.display().to_string(), bytes.len());
        let object = json!({ "hash": hex_hash(&self.hash), "file": file, "bytes": length });
        output.result(&format!("wrote {file} ({length} bytes)"), &object)
    }
}
