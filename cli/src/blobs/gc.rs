//! `mizan blobs gc`.

use crate::blobs::serve::days;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use mizan_blobs::{GarbageRules, Storage};
use serde_json::json;

/// Remove old blobs from a folder.
///
/// From the folder --blobs: those that nobody used for long, and the least recently
/// used while all together are too much. Not while a server or worker uses the folder: a server
/// removes by itself, see `mizan blobs serve --keep-days`.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Gc {
    /// Remove blobs that nobody used for so long
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Keep no more than this
    #[arg(long, value_name = "BYTES")]
    max_total_bytes: Option<u64>,
}

impl Gc {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let store = context.copies()?;
        let folder = store.folder().display().to_string();
        let rules = GarbageRules {
            max_age: self.keep_days.map(days),
            max_total_bytes: self.max_total_bytes,
            ..GarbageRules::default()
        };
        let collected = Storage::in_folder(store)?.collect_garbage(&rules).await?;
        let (blobs, bytes, left) = (collected.blobs, collected.bytes, collected.bytes_left);
        let text =
            format!("removed {blobs} blobs of {bytes} bytes from {folder}; {left} bytes are left");
        let object = json!({
            "folder": folder,
            "blobs": blobs,
            "advice_lists": collected.advice_lists,
            "bytes": bytes,
            "uploads": collected.uploads,
            "bytes_left": left,
        });
        output.result(&text, &object)
    }
}
