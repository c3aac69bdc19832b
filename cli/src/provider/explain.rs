//! `mizan provider explain`.

use crate::account::explain::{is_stranger, write, Pages};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::provider::unknown;
use clap::Args;
use mizan_client::keys::parse_address;
use mizan_client::AccountId;

/// Say why a provider was paid or not, and what to do.
///
/// What its workers claimed, what was accepted and rejected, why each of them gets
/// jobs or gets none, and what happened to their jobs, newest jobs first.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The provider; the account of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
    #[command(flatten)]
    pages: Pages,
}

impl Explain {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let explanation = self.pages.read(&client, &account).await?;
        if is_stranger(&explanation) {
            return Err(unknown(&account));
        }
        write(&explanation, output)
    }
}
