//! The command line.

use polkadot_sdk::*;
use sc_cli::RunCmd;

/// Everything the user typed.
#[derive(Debug, clap::Parser)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) subcommand: Option<Subcommand>,

    #[clap(flatten)]
    pub(crate) run: RunCmd,
}

/// What to do instead of running the node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Generate, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Write a chain's specification to a file.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Execute stored blocks again and compare the outcome.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Delete the stored chain.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Show what the database knows of the chain.
    ChainInfo(sc_cli::ChainInfoCmd),
}
