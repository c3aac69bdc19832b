//! Bonds of auditors, who re-check results for pay.

pub(crate) mod bond;
pub(crate) mod exit;
pub(crate) mod register;
pub(crate) mod show;
pub(crate) mod unbond;

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use clap::Subcommand;
use mizan_client::audits::AuditorView;
use mizan_client::keys::format_address;
use mizan_client::{AccountId, At, Client};

/// What can be done with auditors.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditorCommand {
    Register(register::Register),
    Bond(bond::Bond),
    Unbond(unbond::Unbond),
    Show(show::Show),
    Exit(exit::Exit),
}

impl AuditorCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Register(command) => command.run(context, output).await,
            Self::Bond(command) => command.run(context, output).await,
            Self::Unbond(command) => command.run(context, output).await,
            Self::Show(command) => command.run(context, output).await,
            Self::Exit(command) => command.run(context, output).await,
        }
    }
}

/// The auditor, if the account is one at that block.
async fn find(client: &Client, account: &AccountId, at: At) -> Result<AuditorView, Failure> {
    let auditor = client.auditor(account, at).await?;
    auditor.ok_or_else(|| {
        let address = format_address(account);
        let message = format!(
            "{address} is not an auditor: `mizan auditor register --bond MZN` makes it one"
        );
        Failure::new(Kind::Other, message)
    })
}
