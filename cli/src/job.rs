//! Work that a requester pays for.

pub(crate) mod audit;
pub(crate) mod cancel;
pub(crate) mod demand;
pub(crate) mod demands;
pub(crate) mod explain;
pub(crate) mod fetch;
pub(crate) mod list;
pub(crate) mod post;
pub(crate) mod refuse;
pub(crate) mod state;
pub(crate) mod verify;
pub(crate) mod watch;

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use clap::Subcommand;
use mizan_client::views::JobView;
use mizan_client::{At, Client};

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    Post(post::Post),
    Watch(watch::Watch),
    Fetch(fetch::Fetch),
    Verify(verify::Verify),
    Demand(demand::Demand),
    Demands(demands::Demands),
    Audit(audit::Audit),
    Refuse(refuse::Refuse),
    Cancel(cancel::Cancel),
    Explain(explain::Explain),
    List(list::List),
}

impl JobCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Post(command) => command.run(context, output).await,
            Self::Watch(command) => command.run(context, output).await,
            Self::Fetch(command) => command.run(context, output).await,
            Self::Verify(command) => command.run(context, output).await,
            Self::Demand(command) => command.run(context, output).await,
            Self::Demands(command) => command.run(context, output).await,
            Self::Audit(command) => command.run(context, output).await,
            Self::Refuse(command) => command.run(context, output).await,
            Self::Cancel(command) => command.run(context, output).await,
            Self::Explain(command) => command.run(context, output).await,
            Self::List(command) => command.run(context, output).await,
        }
    }
}

/// What to say of a job that is not there.
pub(crate) fn unknown(job: u64) -> Failure {
    Failure::new(
        Kind::Other,
        format!("there is no job {job}, or it ended long ago"),
    )
}

/// The job, if the chain has it at that block.
pub(crate) async fn find(client: &Client, job: u64, at: At) -> Result<JobView, Failure> {
    client.job(job, at).await?.ok_or_else(|| unknown(job))
}
