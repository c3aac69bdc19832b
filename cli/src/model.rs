//! Tensor programs that jobs run.

pub(crate) mod cost;
pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod show;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    Register(register::Register),
    Show(show::Show),
    Cost(cost::Cost),
    List(list::List),
}

impl ModelCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Register(command) => command.run(context, output).await,
            Self::Show(command) => command.run(context, output).await,
            Self::Cost(command) => command.run(context, output).await,
            Self::List(command) => command.run(context, output).await,
        }
    }
}
