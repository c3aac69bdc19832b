//! The ledger, period by period.

pub(crate) mod show;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What can be done with eras.
#[derive(Debug, Subcommand)]
pub(crate) enum EraCommand {
    Show(show::Show),
}

impl EraCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Show(command) => command.run(context, output).await,
        }
    }
}
