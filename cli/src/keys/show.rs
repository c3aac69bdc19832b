//! `mizan keys show`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::{account_of, hex_hash, keys};
use serde_json::json;

/// Show the address of your key.
///
/// And its public key; never the secret.
#[derive(Debug, Args)]
pub(crate) struct Show {}

impl Show {
    pub(crate) fn run(self, context: &Context, output: &mut Output<'_>) -> Result<(), Failure> {
        let account = account_of(&context.key()?);
        let (address, public) = (keys::format_address(&account), hex_hash(&account.0));
        let object = json!({ "address": address, "public_key": public });
        output.result(
            &facts(&[("address", address), ("public key", public)]),
            &object,
        )
    }
}
