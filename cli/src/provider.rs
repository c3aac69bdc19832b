//! Hardware that earns: bonds, workers and their keys.

pub(crate) mod ask;
pub(crate) mod bond;
pub(crate) mod deregister_worker;
pub(crate) mod exit;
pub(crate) mod explain;
pub(crate) mod register;
pub(crate) mod register_worker;
pub(crate) mod show;
pub(crate) mod unbond;
pub(crate) mod workers;

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use clap::Subcommand;
use mizan_client::keys::format_address;
use mizan_client::views::ProviderView;
use mizan_client::{AccountId, At, Client};

/// What can be done with providers.
#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    Register(register::Register),
    Bond(bond::Bond),
    Unbond(unbond::Unbond),
    RegisterWorker(register_worker::RegisterWorker),
    DeregisterWorker(deregister_worker::DeregisterWorker),
    Ask(ask::Ask),
    Workers(workers::Workers),
    Show(show::Show),
    Explain(explain::Explain),
    Exit(exit::Exit),
}

impl ProviderCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Register(command) => command.run(context, output).await,
            Self::Bond(command) => command.run(context, output).await,
            Self::Unbond(command) => command.run(context, output).await,
            Self::RegisterWorker(command) => command.run(context, output).await,
            Self::DeregisterWorker(command) => command.run(context, output).await,
            Self::Ask(command) => command.run(context, output).await,
            Self::Workers(command) => command.run(context, output).await,
            Self::Show(command) => command.run(context, output).await,
            Self::Explain(command) => command.run(context, output).await,
            Self::Exit(command) => command.run(context, output).await,
        }
    }
}

/// What to say of an account that is no provider.
pub(crate) fn unknown(account: &AccountId) -> Failure {
    let address = format_address(account);
    let message =
        format!("{address} is not a provider: `mizan provider register --bond MZN` makes it one");
    Failure::new(Kind::Other, message)
}

/// The provider, if the account is one at that block.
async fn find(client: &Client, account: &AccountId, at: At) -> Result<ProviderView, Failure> {
    let provider = client.provider(account, at).await?;
    provider.ok_or_else(|| unknown(account))
}
