//! `mizan auditor exit`.

use crate::auditor::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, audits, keys, units, At};
use serde_json::json;

/// Stop being an auditor and take the whole bond back.
///
/// Wait until no verdict locks a part of it: verdicts do until their jobs end. Returns once this
/// is final.
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
        let auditor = find(&client, &account, At::Best).await?;
        let included = sending::send(&client, &audits::exit_auditor(), &key, output).await?;
        let address = keys::format_address(&account);
        let what = json!({ "auditor": address, "returned": auditor.bond.to_string() });
        let bond = units::format_amount(auditor.bond);
        let text = format!("{address} is no auditor any more and got {bond} back");
        output.result(&text, &sending::object(&included, what))
    }
}
