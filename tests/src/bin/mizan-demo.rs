//! What `scripts/demo` runs; its help is there.

use anyhow::{bail, ensure, Context, Result};
use mizan_tests::demo::{self, Parts};
use mizan_tests::{binaries, interrupt};
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let done = tokio::select! {
        // A Ctrl-C drops the other future, and with it processes and files.
        biased;
        interrupted = interrupt::interrupted() => interrupted,
        shown = show() => shown.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:?}");
        ExitCode::FAILURE
    })
}

async fn show() -> Result<()> {
    let (mut json, mut keep) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            "--keep" => keep = true,
            other => bail!("unknown argument {other:?}; see scripts/demo --help"),
        }
    }
    let folder = tempfile::Builder::new().prefix("mizan-demo-").tempdir()?;
    let (mut parts, report) = demo::run(folder.path(), &|line| eprintln!("demo: {line}")).await?;
    if json {
        println!("{}", report.json());
    } else {
        println!("{}", report.table());
    }
    ensure!(
        report.is_paid(),
        "the job is {}, not settled and paid",
        report.job_state
    );
    let mizan = binaries::find("mizan")?.display().to_string();
    let commands = report.commands(&mizan).join("\n  ");
    if keep {
        let folder = leave(&mut parts, folder);
        let ids: Vec<String> = parts.ids().iter().map(u32::to_string).collect();
        eprintln!(
            "\nThe chain goes on at {}. To look for yourself:\n  {commands}",
            report.url
        );
        eprintln!(
            "Logs and data are in {}. To stop everything:",
            folder.display()
        );
        eprintln!("  kill {}; rm -r {}", ids.join(" "), folder.display());
        return Ok(());
    }
    eprintln!(
        "\nThe chain at {} stops now; with --keep it goes on, for:",
        report.url
    );
    eprintln!("  {commands}");
    parts.stop().await?;
    folder
        .close()
        .context("the temporary folder can't be removed")
}

/// Leaves everything running and the folder in its place.
fn leave(parts: &mut Parts, folder: tempfile::TempDir) -> PathBuf {
    parts.detach();
    folder.keep()
}
