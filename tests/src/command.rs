//! The `mizan` command, as a person runs it.

use crate::binaries;
use crate::process::{Launch, Process};
use crate::wait::Deadline;
use anyhow::{ensure, Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Everything that one user's commands have in common.
#[derive(Clone, Debug)]
pub struct Mizan {
    program: PathBuf,
    settings: Vec<String>,
    loud: bool,
}

/// What a command gave.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its exit code.
    pub code: Option<i32>,
    /// The object on its standard output.
    pub object: Value,
    /// Its standard error, unless that went to ours.
    pub progress: String,
}

impl Mizan {
    /// Commands of the user with that key, over the chain at `url` and a folder of blobs.
    pub fn new(url: &str, key: &str, blobs: &Path) -> Result<Self> {
        Self::with(url, ["--key", key], blobs)
    }

    /// The same for a user whose key is in a file.
    pub fn with_key_file(url: &str, key: &Path, blobs: &Path) -> Result<Self> {
        Self::with(url, ["--key-file", &key.display().to_string()], blobs)
    }

    fn with(url: &str, key: [&str; 2], blobs: &Path) -> Result<Self> {
        let blobs = blobs.display().to_string();
        let [how, key] = key;
        let settings = ["--json", "--url", url, how, key, "--blobs", &blobs];
        let settings = settings.map(str::to_owned).to_vec();
        Ok(Self {
            program: binaries::find("mizan")?,
            settings,
            loud: false,
        })
    }

    /// The same, with progress going to our standard error.
    pub fn loud(mut self) -> Self {
        self.loud = true;
        self
    }

    /// Runs a command to its end, whatever that is.
    pub async fn run(&self, words: &[&str]) -> Result<Answer> {
        let output = tokio::process::Command::new(&self.program)
            .args(words)
            .args(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if self.loud {
                Stdio::inherit()
            } else {
                Stdio::piped()
            })
            .kill_on_drop(true)
            .spawn()?
            .wait_with_output()
            .await?;
        let text = String::from_utf8(output.stdout)?;
        let progress = String::from_utf8(output.stderr)?;
        let object = serde_json::from_str(&text)
            .with_context(|| format!("mizan {words:?} gave no object: {text:?}\n{progress}"))?;
        Ok(Answer {
            code: output.status.code(),
            object,
            progress,
        })
    }

    /// Runs a command that must succeed, and gives its object.
    pub async fn done(&self, words: &[&str]) -> Result<Value> {
        let answer = self.run(words).await?;
        ensure!(
            answer.code == Some(0),
            "mizan {words:?} ended with {:?}: {}\n{}",
            answer.code,
            answer.object,
            answer.progress
        );
        Ok(answer.object)
    }

    /// Runs a command that must fail with that exit code and kind, and gives its message.
    pub async fn refused(&self, words: &[&str], code: i32, kind: &str) -> Result<String> {
        let answer = self.run(words).await?;
        let error = &answer.object["error"];
        ensure!(
            answer.code == Some(code) && error["kind"] == kind,
            "mizan {words:?} did not end with {code}, {kind}: {answer:?}"
        );
        let message = error["message"].as_str();
        Ok(message.context("an error without a message")?.to_owned())
    }

    /// Starts `mizan blobs serve` over `dir` with further words, on a port that is free, and waits
    /// until it listens. Its log is below `folder`, under `name`.
    pub async fn serve_blobs(
        &self,
        name: &str,
        dir: &Path,
        words: &[&str],
        folder: &Path,
    ) -> Result<BlobServer> {
        let dir = dir.display().to_string();
        let serve = ["blobs", "serve", "--listen", "127.0.0.1:0", "--dir", &dir];
        let arguments = serve.iter().chain(words).map(|word| (*word).to_owned());
        let mut process = Process::start(Launch {
            name,
            program: self.program.clone(),
            arguments: arguments.chain(self.settings.iter().cloned()).collect(),
            folder,
            grouped: true,
        })?;
        let line = process.line("\"url\":", 0, Deadline::seconds(30)).await?;
        let object: Value = serde_json::from_str(&line)?;
        let url = object["url"].as_str().context("no address")?.to_owned();
        Ok(BlobServer { process, url })
    }
}

/// A running server of blobs.
#[derive(Debug)]
pub struct BlobServer {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub url: String,
}
