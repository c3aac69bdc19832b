//! The command line.

use clap::{Args, Parser, Subcommand};
use mizan_client::{keys, units, Keypair};
use std::path::PathBuf;

/// The exit codes, as `--help` shows them.
const EXIT_CODES: &str = "Exit codes:
  0  stopped by SIGTERM or SIGINT, or done
  1  anything else
  2  wrong usage
  3  the key or the configuration can't be used
  4  the node's runtime is another than this program was built for, or its chain another than the
     journal's
  5  the journal or the blob folder can't be used, or another worker uses the journal
  6  the chain refused a call";

/// The daemon of a Mizan worker: takes jobs, computes them, attests the results.
#[derive(Parser)]
#[command(name = "mizan-worker", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Work until told to stop.
    Run(Run),
    /// Register the key as provider and worker, as far as it is not yet.
    Register(Register),
}

/// Where the chain is, and as whom to speak to it.
#[derive(Args)]
pub(crate) struct Chain {
    /// The node's address.
    #[arg(long, default_value = "ws://127.0.0.1:9944")]
    pub(crate) url: String,
    #[command(flatten)]
    key: KeySource,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct KeySource {
    /// Secret URI of the worker's key. Other users of this machine can see it: for development
    /// keys like //Alice only.
    #[arg(long)]
    key: Option<String>,
    /// File with the secret URI, readable by nobody else.
    #[arg(long)]
    key_file: Option<PathBuf>,
}

impl Chain {
    /// The worker's key.
    pub(crate) fn key(&self) -> Result<Keypair, keys::KeyError> {
        match (&self.key.key, &self.key.key_file) {
            (_, Some(path)) => keys::load_key_file(path),
            (key, None) => keys::parse_key(key.as_deref().unwrap_or_default()),
        }
    }
}

#[derive(Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) chain: Chain,
    /// Folder of blobs: inputs and parameters come from it, results go to it.
    #[arg(long)]
    pub(crate) blobs: PathBuf,
    /// Folder of the journal. One for each worker and chain.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Least price per compute unit, in MZN: set before working if the chain has another.
    #[arg(long, value_parser = units::parse_amount)]
    pub(crate) ask: Option<u128>,
    /// Most bytes of inputs, parameters and trace of one job; larger ones are declined.
    #[arg(long, default_value_t = 4 << 30)]
    pub(crate) max_job_bytes: u64,
}

#[derive(Args)]
pub(crate) struct Register {
    #[command(flatten)]
    pub(crate) chain: Chain,
    /// Least bond of the provider, in MZN. A larger one stays.
    #[arg(long, value_parser = units::parse_amount)]
    pub(crate) bond: u128,
    /// Least price per compute unit, in MZN.
    #[arg(long, value_parser = units::parse_amount)]
    pub(crate) ask: u128,
    /// Jobs that the worker can do at once.
    #[arg(long, default_value_t = 1)]
    pub(crate) slots: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_key_is_given_one_way() {
        let parse = |keys: &[&str]| {
            let rest = ["--blobs", "b", "--data", "d"];
            Arguments::try_parse_from(["mizan-worker", "run"].iter().chain(keys).chain(&rest))
        };
        assert!(parse(&["--key", "//Alice"]).is_ok());
        assert!(parse(&["--key-file", "key"]).is_ok());
        assert!(parse(&[]).is_err());
        assert!(parse(&["--key", "//Alice", "--key-file", "key"]).is_err());
    }
}
