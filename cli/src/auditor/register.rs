//! `mizan auditor register`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, audits, keys, units};
use serde_json::json;

/// Become an auditor, with a bond.
///
/// Auditors are drawn by the bond that no verdict locks: each verdict locks 7.5 times the job's
/// payment until the job ends. Then start `mizan-worker audit` and keep it running: an auditor that
/// is drawn and gives no verdict in time loses a tenth of that. Returns once this is final.
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
        let call = audits::register_auditor(self.bond);
        let included = sending::send(&client, &call, &key, output).await?;
        let address = keys::format_address(&account_of(&key));
        let what = json!({ "auditor": address, "bond": self.bond.to_string() });
        let bond = units::format_amount(self.bond);
        let text = format!("{address} is an auditor with a bond of {bond}");
        output.result(&text, &sending::object(&included, what))
    }
}
