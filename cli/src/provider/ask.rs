//! `mizan provider ask`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, calls, keys, units, AccountId};
use serde_json::json;

/// Change the least price at which a worker works.
///
/// It counts from the next job on. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The least price
    #[arg(value_name = "MZN_PER_CU", value_parser = units::parse_amount)]
    ask: u128,
    /// The worker; your own key if not given
    #[arg(long, value_name = "ADDRESS", value_parser = keys::parse_address)]
    worker: Option<AccountId>,
}

impl Ask {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let worker = self.worker.unwrap_or_else(|| account_of(&key));
        let call = calls::set_ask(worker, self.ask);
        let included = sending::send(&client, &call, &key, output).await?;
        let address = keys::format_address(&worker);
        let what = json!({ "worker": address, "ask": self.ask.to_string() });
        let ask = units::format_amount(self.ask);
        let text = format!("{address} works for {ask} per compute unit");
        output.result(&text, &sending::object(&included, what))
    }
}
