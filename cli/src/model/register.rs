//! `mizan model register`.

use crate::blobs::servers::Upload;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use mizan_blobs::BlobStore;
use mizan_client::model_bundle::ModelBundle;
use mizan_client::{account_of, calls, hex_hash, At};
use serde_json::json;
use std::path::PathBuf;

/// Publish a model's parameters and register its program.
///
/// The parameters go to the folder of blobs, or to blob servers, the program to the chain, with
/// your account as its owner. A model that is registered already is not
/// registered again.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The model: program.scale, and parameters/00.bin, 01.bin, ...
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    upload: Upload,
}

impl Register {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let store = self.upload.store(context)?;
        let bundle = ModelBundle::read(&self.folder)?.owned_by(&account_of(&key));
        let model = bundle.program.id();
        let mut hashes = Vec::new();
        for parameter in &bundle.parameters {
            hashes.push(store.put(parameter).await?);
        }
        self.upload.push(&hashes, &store, context, output).await?;
        let parameters = bundle.parameters.len();
        output.progress(&format!("published {parameters} parameters"));

        let client = context.client().await?;
        let registered_before = client.model(&model, At::Best).await?.is_some();
        if !registered_before {
            client
                .submit(&calls::register_model(bundle.program_bytes()), &key)
                .await?;
        }
        let how = if registered_before {
            "was registered before"
        } else {
            "is registered"
        };
        let object = json!({
            "model": hex_hash(&model),
            "registered_before": registered_before,
            "parameters": parameters,
            "servers": self.upload.addresses(),
        });
        output.result(&format!("model {} {how}", hex_hash(&model)), &object)
    }
}
