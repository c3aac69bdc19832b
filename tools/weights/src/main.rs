//! Measures the weights of the runtime's calls and hooks, and checks those that are committed.
//!
//! # Overview
//! The runtime is built to WASM with its benchmarks. They run here as a node would run them, on
//! the state that the `development` preset gives, and what they took is written as Rust into
//! `runtime/src/weights`. `scripts/weights` builds and runs this.
//!
//! | command | what it does |
//! | --- | --- |
//! | `measure` | runs every benchmark and writes the weights |
//! | `check` | runs every benchmark at its worst case and compares with the committed weights |
//!
//! # Non-goals
//! Measuring the disk. What a read and a write of the database cost is the SDK's figure for
//! ParityDB; benchmarks count them and run in memory.
#![forbid(unsafe_code)]

mod check;
mod declared;
mod header;
mod measure;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Measures the weights of the runtime's calls and hooks, and checks those that are committed.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs every benchmark and writes the weights.
    Measure(measure::Measure),
    /// Runs every benchmark at its worst case; fails if one takes over 1.2 times its declared time.
    Check(check::Check),
}

/// Where the weights are.
fn weights_folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../runtime/src/weights"
    ))
}

fn main() -> ExitCode {
    let done: Result<ExitCode> = match Arguments::parse().command {
        Command::Measure(measure) => measure.run().map(|()| ExitCode::SUCCESS),
        Command::Check(check) => check.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:?}");
        ExitCode::FAILURE
    })
}
