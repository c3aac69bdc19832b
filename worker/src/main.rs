//! `mizan-worker`: see `mizan-worker --help`.

mod arguments;
mod commands;
mod exit_code;

use anyhow::{Context, Result};
use arguments::{Arguments, Command, ConfigCommand};
use clap::Parser;
use mizan_worker::settings::{LogFormat, Settings};
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let mut out = std::io::stdout();
    let command = Arguments::parse().command;
    match command {
        // These do nothing else: no log, no other threads.
        Command::CudaChild => return commands::cuda_child(),
        Command::NvmlChild => return commands::nvml_child(),
        _ => {}
    }
    match execute(command, &mut out) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mizan-worker: {error:#}");
            ExitCode::from(exit_code::of(&error))
        }
    }
}

fn execute(command: Command, out: &mut impl Write) -> Result<ExitCode> {
    let environment = commands::environment();
    if let Command::Config(ConfigCommand::Init(init)) = command {
        commands::config::init(&init, &environment, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let layers = command.options().layers(&environment)?;
    let settings = layers.settings()?;
    start_log(&settings);
    let runtime = tokio::runtime::Runtime::new().context("threads can't be started")?;
    let healthy = runtime.block_on(async {
        match command {
            Command::Run(_) => commands::run::run(&settings).await.map(|()| true),
            Command::Audit(_) => commands::audit::audit(&settings).await.map(|()| true),
            Command::Register(register) => {
                let done = commands::register::register(&register, &settings, out);
                done.await.map(|()| true)
            }
            Command::Doctor(shown) => commands::doctor::doctor(&settings, shown.json, out).await,
            Command::Bench(shown) => {
                let done = commands::bench::bench(&settings, shown.json, out);
                done.await.map(|()| true)
            }
            Command::Key(key) => commands::key::key(&key, &settings, out).map(|()| true),
            Command::Config(ConfigCommand::Show(shown)) => {
                commands::config::show(&layers, shown.json, out).map(|()| true)
            }
            Command::Config(ConfigCommand::Init(_)) | Command::CudaChild | Command::NvmlChild => {
                Ok(true)
            }
        }
    });
    // A job that computes would hold the process up; the journal knows how to go on.
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(match healthy? {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(exit_code::PROBLEMS),
    })
}

fn start_log(settings: &Settings) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
