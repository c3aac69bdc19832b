//! `mizan-worker`: see `mizan-worker --help`.

mod arguments;
mod commands;

use arguments::{Arguments, Command};
use clap::Parser;
use std::{io::IsTerminal, process::ExitCode, time::Duration};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mizan-worker: can't start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Run(arguments) => commands::run(arguments).await,
            Command::Register(arguments) => {
                commands::register(arguments, &mut std::io::stdout()).await
            }
        }
    });
    // A job that computes would hold the process up; the journal knows how to go on.
    runtime.shutdown_timeout(Duration::ZERO);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mizan-worker: {error:#}");
            ExitCode::from(commands::exit_code(&error))
        }
    }
}
