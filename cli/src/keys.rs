//! Keys: made, shown, and a worker key's consent.

pub(crate) mod consent;
pub(crate) mod new;
pub(crate) mod show;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    New(new::New),
    Show(show::Show),
    Consent(consent::Consent),
}

impl KeysCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::New(command) => command.run(output),
            Self::Show(command) => command.run(context, output),
            Self::Consent(command) => command.run(context, output).await,
        }
    }
}
