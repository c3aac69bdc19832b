//! # `mizan`: the command for requesters, providers, auditors and token holders.
//!
//! ## Overview
//! It publishes models and inputs, posts jobs, watches them, fetches their results, checks them and
//! proves wrong ones wrong; registers providers, workers and auditors; serves blobs; moves tokens; and
//! says why things are as they are. What it prints on standard output is the result; progress goes to
//! standard error. With `--json` the result is one JSON object, and so is an error.
//!
//! | Module | What |
//! | --- | --- |
//! | `arguments` | the command line |
//! | `context` | chain, key and blobs as the command line names them |
//! | `failure` | kinds of failure and their exit codes |
//! | `output`, `table` | results and progress; tables for people |
//! | `sending` | transactions, followed until they are final |
//! | `explanation`, `grounds`, `audit` | why things are where they are, in words |
//! | `model`, `job`, `provider`, `auditor`, `account`, `era`, `blobs`, `keys` | one command a file |
//! | `completions`, `man` | for shells and manuals |
//!
//! ## Non-goals
//! Working, auditing, validating: `mizan-worker` and `mizan-node` do that.

mod account;
mod arguments;
mod audit;
mod auditor;
mod blobs;
mod completions;
mod context;
mod era;
mod explanation;
mod failure;
mod grounds;
mod job;
mod keys;
mod man;
mod model;
mod output;
mod provider;
mod sending;
mod table;

use clap::Parser;
use failure::Failure;
use std::{ffi::OsString, io, process::ExitCode};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let json = words.iter().any(|word| word == "--json");
    let (mut result, mut progress) = (io::stdout(), io::stderr());
    let mut output = output::Output::new(json, &mut result, &mut progress);
    let done = match arguments::Arguments::try_parse_from(words) {
        Ok(arguments) => arguments.run(&mut output).await,
        // Help and version are no failures, and clap knows where they go.
        Err(error) if !error.use_stderr() || !json => error.exit(),
        Err(error) => {
            let message = error.to_string();
            Err(Failure::usage(
                message.trim_start_matches("error: ").trim_end(),
            ))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}
