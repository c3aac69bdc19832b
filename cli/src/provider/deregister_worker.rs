//! `mizan provider deregister-worker`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, calls, keys, AccountId};
use serde_json::json;

/// Take a worker off.
///
/// It gets no more jobs, and must have none. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct DeregisterWorker {
    /// The worker; your own key if not given
    #[arg(value_name = "ADDRESS", value_parser = keys::parse_address)]
    worker: Option<AccountId>,
}

impl DeregisterWorker {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let worker = self.worker.unwrap_or_else(|| account_of(&key));
        let call = calls::deregister_worker(worker);
        let included = sending::send(&client, &call, &key, output).await?;
        let address = keys::format_address(&worker);
        let object = sending::object(&included, json!({ "worker": address }));
        output.result(&format!("{address} is no worker any more"), &object)
    }
}
