//! Worker daemons.

use crate::binaries;
use crate::process::{Launch, Process};
use crate::wait::{until, Deadline};
use anyhow::{ensure, Context, Result};
use mizan_client::{account_of, calls, keys, units, At, Client, ClientError, Keypair};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What every provider of the tests and the demo puts up.
pub const BOND: u128 = 100 * units::UNIT;
/// The least price per compute unit at which they work.
pub const ASK: u128 = units::UNIT / 100;

/// Who owns a worker, and under which key it works.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The secret of the account that puts up the bond and is paid.
    pub provider: String,
    /// The secret of the worker's own key.
    pub worker: String,
}

impl Owner {
    /// A provider that works under its own key.
    pub fn alone(secret: &str) -> Self {
        Self {
            provider: secret.into(),
            worker: secret.into(),
        }
    }

    /// The provider's key.
    pub fn provider_key(&self) -> Result<Keypair> {
        Ok(keys::parse_key(&self.provider)?)
    }

    /// The worker's key.
    pub fn worker_key(&self) -> Result<Keypair> {
        Ok(keys::parse_key(&self.worker)?)
    }

    /// Registers a provider that works under its own key, as people do.
    pub async fn register_by_command(&self, url: &str) -> Result<()> {
        let (bond, ask) = (units::format_amount(BOND), units::format_amount(ASK));
        let words = [
            "register",
            "--url",
            url,
            "--key",
            &self.worker,
            "--bond",
            &bond,
        ];
        let output = tokio::process::Command::new(binaries::find("mizan-worker")?)
            .args(words)
            .args(["--ask", &ask])
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "mizan-worker register: {}: {said}",
            output.status
        );
        Ok(())
    }

    /// Registers provider and worker, which has one slot and, where its key is another than the
    /// provider's, consents.
    pub async fn register(&self, client: &Client) -> Result<(), ClientError> {
        self.register_with(client, 1).await
    }

    /// The same with that many slots.
    pub async fn register_with(&self, client: &Client, slots: u32) -> Result<(), ClientError> {
        let unusable = |error: anyhow::Error| ClientError::Unexpected(error.to_string());
        let provider = self.provider_key().map_err(unusable)?;
        let worker = self.worker_key().map_err(unusable)?;
        client
            .submit(&calls::register_provider(BOND), &provider)
            .await?;
        let consent = calls::consent(&worker, &account_of(&provider), &client.genesis_hash());
        let consent = (self.worker != self.provider).then_some(consent);
        let call = calls::register_worker(account_of(&worker), ASK, slots, consent);
        client.submit(&call, &provider).await.map(drop)
    }
}

/// Where a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The node's address.
    pub url: &'a str,
    /// The folder of blobs.
    pub blobs: &'a Path,
    /// The folder for its log and its data.
    pub folder: &'a Path,
}

/// What a command of `mizan-worker` gave.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub result: String,
    /// Its standard error.
    pub said: String,
}

impl Answer {
    /// The object on its standard output.
    pub fn object(&self) -> Result<Value> {
        serde_json::from_str(&self.result).with_context(|| format!("no object: {self:?}"))
    }
}

/// Longest that a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(180);

/// Runs a command of `mizan-worker` to its end, with nothing of the machine's own settings. One that
/// does not end is killed, which is an error.
pub async fn run_command(words: &[&str]) -> Result<Answer> {
    let output = tokio::process::Command::new(binaries::find("mizan-worker")?)
        .args(words)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_LIMIT, output).await;
    let seconds = COMMAND_LIMIT.as_secs();
    let output =
        output.with_context(|| format!("{words:?} did not end in {seconds} seconds"))??;
    Ok(Answer {
        code: output.status.code(),
        result: String::from_utf8(output.stdout)?,
        said: String::from_utf8(output.stderr)?,
    })
}

/// A worker daemon with a folder of its own.
#[derive(Debug)]
pub struct Worker {
    /// The daemon.
    pub process: Process,
    launch: Launched,
}

/// What a daemon is started with.
#[derive(Clone, Debug)]
struct Launched {
    name: String,
    arguments: Vec<String>,
    folder: PathBuf,
    grouped: bool,
}

impl Launched {
    fn start(&self) -> Result<Process> {
        Process::start(Launch {
            name: &self.name,
            program: binaries::find("mizan-worker")?,
            arguments: self.arguments.clone(),
            folder: &self.folder,
            grouped: self.grouped,
        })
    }
}

impl Worker {
    /// Starts the daemon of a registered worker. Its journal and log are below `folder`, under
    /// `name`. See [`Launch::grouped`].
    pub fn start(
        name: &str,
        owner: &Owner,
        url: &str,
        blobs: &Path,
        folder: &Path,
        grouped: bool,
    ) -> Result<Self> {
        let place = Place { url, blobs, folder };
        Self::start_with(name, owner, place, &[], grouped)
    }

    /// The same with further arguments.
    pub fn start_with(
        name: &str,
        owner: &Owner,
        place: Place<'_>,
        more: &[&str],
        grouped: bool,
    ) -> Result<Self> {
        let Place { url, blobs, folder } = place;
        let data = folder.join(name).display().to_string();
        let blobs = blobs.display().to_string();
        let arguments = [
            "run",
            "--url",
            url,
            "--key",
            &owner.worker,
            "--blobs",
            &blobs,
            "--data",
            &data,
        ];
        let arguments = arguments.iter().chain(more).map(|word| word.to_string());
        let launch = Launched {
            name: name.to_owned(),
            arguments: arguments.collect(),
            folder: folder.to_owned(),
            grouped,
        };
        Ok(Self {
            process: launch.start()?,
            launch,
        })
    }

    /// Starts it again, with the same journal, after it ended.
    pub fn restart(&mut self) -> Result<()> {
        self.process = self.launch.start()?;
        Ok(())
    }
}

/// Waits until the chain has heard of a worker.
pub async fn heard(client: &Client, owner: &Owner, deadline: Deadline) -> Result<u32> {
    let account = account_of(&owner.worker_key()?);
    until("the worker's first heartbeat", deadline, async || {
        let worker = client.worker(&account, At::Best).await?;
        Ok(worker.and_then(|worker| worker.heard_block))
    })
    .await
}
