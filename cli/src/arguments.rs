//! The command line.

use crate::account::AccountCommand;
use crate::auditor::AuditorCommand;
use crate::blobs::BlobsCommand;
use crate::completions::Completions;
use crate::context::Context;
use crate::era::EraCommand;
use crate::failure::{Failure, EXIT_CODES};
use crate::job::JobCommand;
use crate::keys::KeysCommand;
use crate::man::Manual;
use crate::model::ModelCommand;
use crate::output::Output;
use crate::provider::ProviderCommand;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Publish models and inputs, post jobs, watch them, fetch and check their results; run providers
/// and auditors; move tokens; and ask why things are as they are.
#[derive(Debug, Parser)]
#[command(name = "mizan", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// What every command may need.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// Where a node answers
    #[arg(
        long,
        global = true,
        env = "MIZAN_URL",
        hide_env_values = true,
        default_value = "ws://127.0.0.1:9944"
    )]
    pub(crate) url: String,
    /// Who signs: a secret URI, such as //Bob on a development chain. Other users of this machine
    /// can read it in the list of processes; a file is safer
    #[arg(long, global = true, value_name = "URI", conflicts_with = "key_file")]
    pub(crate) key: Option<String>,
    /// Who signs: a file that holds a secret URI
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// The folder of blobs: shared with workers where there are no blob servers, and otherwise
    /// where copies are kept, ~/.cache/mizan/blobs if not given
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "MIZAN_BLOBS",
        hide_env_values = true
    )]
    pub(crate) blobs: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tensor programs that jobs run
    #[command(subcommand)]
    Model(ModelCommand),
    /// Work that you pay for
    #[command(subcommand)]
    Job(JobCommand),
    /// Hardware that earns: bonds, workers and their keys
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Bonds of auditors, who re-check results for pay
    #[command(subcommand)]
    Auditor(AuditorCommand),
    /// Tokens, and an account's part in the market
    #[command(subcommand)]
    Account(AccountCommand),
    /// The ledger, period by period
    #[command(subcommand)]
    Era(EraCommand),
    /// Bytes named by their BLAKE3 hash: published, fetched, served
    #[command(subcommand)]
    Blobs(BlobsCommand),
    /// Keys: made, shown, and a worker key's consent
    #[command(subcommand)]
    Keys(KeysCommand),
    Completions(Completions),
    Man(Manual),
}

impl Arguments {
    /// Does what the command line says.
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let context = Context::new(self.settings);
        match self.command {
            Command::Model(command) => command.run(&context, output).await,
            Command::Job(command) => command.run(&context, output).await,
            Command::Provider(command) => command.run(&context, output).await,
            Command::Auditor(command) => command.run(&context, output).await,
            Command::Account(command) => command.run(&context, output).await,
            Command::Era(command) => command.run(&context, output).await,
            Command::Blobs(command) => command.run(&context, output).await,
            Command::Keys(command) => command.run(&context, output).await,
            Command::Completions(command) => command.run(output),
            Command::Man(command) => command.run(output),
        }
    }
}

#[cfg(test)]
mod tests;
