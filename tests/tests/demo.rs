//! The demonstration cleans up after itself; what it shows is tested by the other files.

use anyhow::{ensure, Result};
use mizan_tests::process::{Launch, Process};
use mizan_tests::{binaries, wait::Deadline};
use std::path::Path;

#[tokio::test]
async fn interrupted_demo_ends_its_processes_and_removes_its_files() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let temporary = folder.path().join("temporary");
    std::fs::create_dir(&temporary)?;
    let demo = binaries::find("mizan-demo")?.display().to_string();
    let mut demo = Process::start(Launch {
        name: "demo",
        program: "/usr/bin/env".into(),
        arguments: vec![format!("TMPDIR={}", temporary.display()), demo],
        folder: folder.path(),
        grouped: true,
    })?;
    demo.line("posting a job", 0, Deadline::seconds(120))
        .await?;
    ensure!(!started_below(&temporary)?.is_empty(), "no process runs");
    let status = demo.interrupt().await?;
    ensure!(status.code() == Some(130), "{status}\n{}", demo.tail()?);
    let left = started_below(&temporary)?;
    ensure!(left.is_empty(), "still there: {left:?}");
    let left = std::fs::read_dir(&temporary)?.count();
    ensure!(left == 0, "{left} files are left");
    Ok(())
}

/// The command lines of running processes that name a folder.
fn started_below(folder: &Path) -> Result<Vec<String>> {
    let name = folder.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        // A process may end while it is looked at, and not all are ours to read.
        let Ok(line) = std::fs::read(entry?.path().join("cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&name) {
            found.push(line);
        }
    }
    Ok(found)
}
