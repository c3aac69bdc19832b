//! `mizan provider register`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, calls, keys, units};
use serde_json::json;

/// Become a provider, with a bond.
///
/// The bond is held until you exit; it backs the jobs of your
/// workers, about 11 times a job's payment each. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The bond
    #[arg(long, value_name = "MZN", value_parser = units::parse_amount)]
    bond: u128,
}

impl Register {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let call = calls::register_provider(self.bond);
        let included = sending::send(&client, &call, &key, output).await?;
        let address = keys::format_address(&account_of(&key));
        let what = json!({ "provider": address, "bond": self.bond.to_string() });
        let bond = units::format_amount(self.bond);
        let text = format!("{address} is a provider with a bond of {bond}");
        output.result(&text, &sending::object(&included, what))
    }
}
