//! Being told to stop.

use anyhow::Result;
use std::process::ExitCode;
use tokio::signal::unix::{signal, SignalKind};

/// Waits for a Ctrl-C, a hang-up, or a polite `kill`, and gives the exit code that says so.
pub async fn interrupted() -> Result<ExitCode> {
    let mut ctrl_c = signal(SignalKind::interrupt())?;
    let mut kill = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let number = tokio::select! {
        _ = ctrl_c.recv() => 2,
        _ = kill.recv() => 15,
        _ = hang_up.recv() => 1,
    };
    eprintln!("interrupted: ending what was started");
    Ok(ExitCode::from(128 + number))
}
