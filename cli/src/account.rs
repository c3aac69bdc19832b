//! Tokens, and an account's part in the market.

pub(crate) mod balance;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod transfer;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    Balance(balance::Balance),
    Transfer(transfer::Transfer),
    History(history::History),
    Explain(explain::Explain),
}

impl AccountCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Balance(command) => command.run(context, output).await,
            Self::Transfer(command) => command.run(context, output).await,
            Self::History(command) => command.run(context, output).await,
            Self::Explain(command) => command.run(context, output).await,
        }
    }
}
