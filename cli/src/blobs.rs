//! Bytes named by their BLAKE3 hash: published, fetched, served.

mod claims;
pub(crate) mod gate;
pub(crate) mod gc;
pub(crate) mod get;
pub(crate) mod put;
pub(crate) mod serve;
pub(crate) mod servers;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

/// What can be done with blobs.
#[derive(Debug, Subcommand)]
pub(crate) enum BlobsCommand {
    Serve(serve::Serve),
    Put(put::Put),
    Get(get::Get),
    Gc(gc::Gc),
}

impl BlobsCommand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Serve(command) => command.run(context, output).await,
            Self::Put(command) => command.run(context, output).await,
            Self::Get(command) => command.run(context, output).await,
            Self::Gc(command) => command.run(context, output).await,
        }
    }
}
