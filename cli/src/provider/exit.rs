//! `mizan provider exit`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::provider::find;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, calls, keys, units, At};
use serde_json::json;

/// Stop being a provider and take the whole bond back.
///
/// Take your workers off first, and
/// wait until no job is backed by the bond. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Exit {}

impl Exit {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let account = account_of(&key);
        let provider = find(&client, &account, At::Best).await?;
        let included = sending::send(&client, &calls::exit(), &key, output).await?;
        let address = keys::format_address(&account);
        let what = json!({ "provider": address, "returned": provider.bond.to_string() });
        let bond = units::format_amount(provider.bond);
        let text = format!("{address} is no provider any more and got {bond} back");
        output.result(&text, &sending::object(&included, what))
    }
}
