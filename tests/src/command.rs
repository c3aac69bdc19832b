//! The `mizan` command, as a person runs it.

use crate::binaries;
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
        let blobs = blobs.display().to_string();
        let settings = ["--json", "--url", url, "--key", key, "--blobs", &blobs];
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
}
