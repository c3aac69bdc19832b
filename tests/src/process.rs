//! Processes that end with whoever started them.

use crate::wait::{until, Deadline};
use anyhow::{bail, Context, Result};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a process may take to stop once it was asked to.
const STOP: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// What the process is called in messages, and its log file.
    pub name: &'a str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder for its log.
    pub folder: &'a Path,
    /// Whether a Ctrl-C on the terminal, and a test runner that gives up, reach it too. If not,
    /// only its starter ends it.
    pub grouped: bool,
}

/// A running program whose output goes to a file. Dropping it kills the program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    detached: bool,
}

impl Process {
    /// Starts a program; its output is added to `FOLDER/NAME.log`.
    pub fn start(launch: Launch<'_>) -> Result<Self> {
        let log = launch.folder.join(format!("{}.log", launch.name));
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        if !launch.grouped {
            command.process_group(0);
        }
        let child = command
            .spawn()
            .with_context(|| format!("{} does not start", launch.program.display()))?;
        Ok(Self {
            name: launch.name.into(),
            child,
            log,
            detached: false,
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its exit status, once it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for a line of the log, after the first `skip` bytes, that contains `text`. Gives the
    /// line. An error if the program ends before, or `deadline` passes.
    pub async fn line(&mut self, text: &str, skip: usize, deadline: Deadline) -> Result<String> {
        loop {
            // Asked before the log is read: an ended program writes no more.
            let ended = self.ended()?;
            if let Some(line) = find_line(&self.log, skip, text)? {
                return Ok(line);
            }
            if let Some(status) = ended {
                bail!("{} ended with {status}\n{}", self.name, self.tail()?);
            }
            if deadline.passed() {
                bail!(
                    "{} did not say '{text}' in time\n{}",
                    self.name,
                    self.tail()?
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The last lines of its log.
    pub fn tail(&self) -> Result<String> {
        let log = String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines
            .get(lines.len().saturating_sub(40)..)
            .unwrap_or_default();
        Ok(format!(
            "--- {} ends:\n{}",
            self.log.display(),
            last.join("\n")
        ))
    }

    /// Most memory that it ever held, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        peak_of(&status).context("the system does not say how much memory a process held")
    }

    /// Waits until it ends by itself.
    pub async fn end(&mut self, deadline: Deadline) -> Result<ExitStatus> {
        let (name, child) = (&self.name, &mut self.child);
        let what = format!("{name} to end");
        let ended = until(&what, deadline, async || Ok(child.try_wait()?)).await;
        ended.with_context(|| self.tail().unwrap_or_default())
    }

    /// Asks it to stop, as `kill` does, and waits until it did.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.stop_by("TERM").await
    }

    /// Asks it to stop, as a Ctrl-C does, and waits until it did.
    pub async fn interrupt(&mut self) -> Result<ExitStatus> {
        self.stop_by("INT").await
    }

    async fn stop_by(&mut self, signal: &str) -> Result<ExitStatus> {
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", self.id())])
            .status()
            .context("sh does not start")?;
        anyhow::ensure!(asked.success(), "{} can't be asked to stop", self.name);
        let (name, child) = (&self.name, &mut self.child);
        until(
            &format!("{name} to stop"),
            Deadline::after(STOP),
            async || Ok(child.try_wait()?),
        )
        .await
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Lets it run on after this value is dropped.
    pub fn detach(&mut self) {
        self.detached = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.detached {
            // It may have ended already; there is nobody left to tell.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn find_line(log: &Path, skip: usize, text: &str) -> Result<Option<String>> {
    let log = std::fs::read(log)?;
    let log = String::from_utf8_lossy(log.get(skip..).unwrap_or_default()).into_owned();
    // A line without its end may still be growing.
    let whole = log
        .rfind('\n')
        .and_then(|end| log.get(..end))
        .unwrap_or_default();
    Ok(whole
        .lines()
        .find(|line| line.contains(text))
        .map(str::to_owned))
}

/// The peak in bytes from a process's `status` file.
fn peak_of(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read_from_the_status_file() {
        assert_eq!(
            peak_of("Name:\tx\nVmHWM:\t   12 kB\nVmRSS:\t 3 kB\n"),
            Some(12 * 1024)
        );
        assert_eq!(peak_of("Name:\tx\n"), None);
    }

    #[test]
    fn a_line_counts_once_it_is_whole_and_past_what_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(&log, "one 1\ntwo 2\none 3").unwrap();
        assert_eq!(find_line(&log, 0, "one").unwrap().as_deref(), Some("one 1"));
        assert_eq!(find_line(&log, 6, "one").unwrap(), None);
        assert_eq!(find_line(&log, 6, "two").unwrap().as_deref(), Some("two 2"));
    }

    fn start(name: &str, arguments: &[&str], folder: &Path) -> Process {
        let arguments = arguments
            .iter()
            .map(|argument| argument.to_string())
            .collect();
        let program = Path::new("/bin").join(name);
        Process::start(Launch {
            name,
            program,
            arguments,
            folder,
            grouped: true,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start("sh", &["-c", "echo tired; exit 3"], folder.path());
        let deadline = Deadline::seconds(20);
        assert_eq!(process.line("tired", 0, deadline).await.unwrap(), "tired");
        let message = process
            .line("awake", 0, deadline)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("sh ended with exit status: 3"),
            "{message}"
        );
        assert!(message.contains("tired"), "{message}");
    }

    #[test]
    fn dropping_a_process_ends_it_unless_it_is_detached() {
        let folder = tempfile::tempdir().unwrap();
        let path = |process: &Process| PathBuf::from(format!("/proc/{}", process.id()));
        let mut kept = start("sleep", &["60"], folder.path());
        let dropped = start("sleep", &["60"], folder.path());
        let (kept_path, dropped_path) = (path(&kept), path(&dropped));
        drop(dropped);
        assert!(!dropped_path.exists());
        kept.detached = true;
        let id = kept.id();
        drop(kept);
        assert!(kept_path.exists());
        Command::new("sh")
            .args(["-c", &format!("kill {id}")])
            .status()
            .unwrap();
    }
}
