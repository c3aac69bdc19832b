//! The command line.

use crate::context::Context;
use crate::failure::{Failure, EXIT_CODES};
use crate::output::Output;
use crate::{account, job, model};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Publish models and inputs, post jobs, watch them, fetch their results, move tokens.
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
    /// The folder of blobs, shared with workers
    #[arg(long, global = true, value_name = "DIR", env = "MIZAN_BLOBS")]
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
    /// Tokens
    #[command(subcommand)]
    Account(AccountCommand),
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Publish a model's parameters and register its program
    Register(model::register::Register),
    /// Show a registered model
    Show(model::show::Show),
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// Publish inputs and post a job
    Post(job::post::Post),
    /// Follow a job until it is settled and final
    Watch(job::watch::Watch),
    /// Write a job's outputs to files
    Fetch(job::fetch::Fetch),
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Show what an account has
    Balance(account::balance::Balance),
    /// Give tokens to an account
    Transfer(account::transfer::Transfer),
}

impl Arguments {
    /// Does what the command line says.
    pub(crate) async fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let context = Context::new(self.settings);
        match self.command {
            Command::Model(ModelCommand::Register(command)) => command.run(&context, output).await,
            Command::Model(ModelCommand::Show(command)) => command.run(&context, output).await,
            Command::Job(JobCommand::Post(command)) => command.run(&context, output).await,
            Command::Job(JobCommand::Watch(command)) => command.run(&context, output).await,
            Command::Job(JobCommand::Fetch(command)) => command.run(&context, output).await,
            Command::Account(AccountCommand::Balance(command)) => {
                command.run(&context, output).await
            }
            Command::Account(AccountCommand::Transfer(command)) => {
                command.run(&context, output).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{error::ErrorKind, CommandFactory};

    fn refused(words: &[&str]) -> ErrorKind {
        let words = ["mizan"].iter().chain(words);
        Arguments::try_parse_from(words).unwrap_err().kind()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_names_every_exit_code() {
        let help = Arguments::command().render_help().to_string();
        for code in 0..=7 {
            assert!(help.contains(&format!("\n  {code}  ")), "{code} in {help}");
        }
    }

    #[test]
    fn a_key_comes_from_one_place() {
        let words = ["account", "balance", "--key", "//Bob", "--key-file", "key"];
        assert_eq!(refused(&words), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn numbers_and_amounts_are_checked_before_anything_is_done() {
        let hash = format!("0x{}", "0".repeat(64));
        let post = [
            "job", "post", "--model", &hash, "--input", "i", "--batch", "1", "--price",
        ];
        let with = |price| refused(&[&post[..], &[price]].concat());
        assert_eq!(with("much"), ErrorKind::ValueValidation);
        assert_eq!(with("0.0000000000001"), ErrorKind::ValueValidation);
        assert_eq!(
            refused(&["job", "watch", "one"]),
            ErrorKind::ValueValidation
        );
        assert_eq!(
            refused(&["model", "show", "0x12"]),
            ErrorKind::ValueValidation
        );
        assert_eq!(
            refused(&["account", "transfer", "--to", "me", "--amount", "1"]),
            ErrorKind::ValueValidation
        );
    }
}
