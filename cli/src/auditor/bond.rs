//! `mizan auditor bond`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, audits, keys, units};
use serde_json::json;

/// Add to the bond.
///
/// It comes from your free tokens. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Bond {
    /// How much more
    #[arg(value_name = "MZN", value_parser = units::parse_amount)]
    amount: u128,
}

impl Bond {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let call = audits::bond_auditor(self.amount);
        let included = sending::send(&client, &call, &key, output).await?;
        let address = keys::format_address(&account_of(&key));
        let what = json!({ "auditor": address, "added": self.amount.to_string() });
        let amount = units::format_amount(self.amount);
        let text = format!("{address} has {amount} more bond as an auditor");
        output.result(&text, &sending::object(&included, what))
    }
}
