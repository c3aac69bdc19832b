//! `mizan blobs serve`.

use crate::blobs::gate::{MarketGate, Rules};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use mizan_blobs::{BlobServer, GarbageRules, Limits, LocalBlobStore, Settings, Storage, Tokens};
use mizan_client::keys::parse_address;
use mizan_client::AccountId;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{signal, Signal, SignalKind};

/// How often to look for garbage.
const COLLECT_EVERY: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serve a folder of blobs over HTTP.
///
/// Everybody can fetch; uploads need a right. Put a proxy with TLS in
/// front on the open Internet, and name it with --name.
///
/// Prints where it listens, then runs until SIGTERM or SIGINT and ends with exit code 0. A worker
/// may upload the results of a job that it has, if the job's requester is named with --for: the
/// node at --url is asked. Without any of --allow, --for and --token-file nobody may upload.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder; made if needed
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// How clients address the server, if not as it listens: uploads are signed for this name
    #[arg(long = "name", value_name = "HOST:PORT", value_parser = host_and_port)]
    names: Vec<String>,
    /// An account that may upload anything
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    allow: Vec<AccountId>,
    /// A requester that may upload, and so may the workers that have its jobs
    #[arg(long = "for", value_name = "ADDRESS", value_parser = parse_address)]
    requesters: Vec<AccountId>,
    /// File of secrets that entitle to uploads, one a line, each at least 16 characters
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Longest blob that can be uploaded
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_blob_bytes)]
    max_blob_bytes: u64,
    /// All blobs together; uploads that do not fit are refused
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_total_bytes)]
    max_total_bytes: u64,
    /// What an account or a token may upload from midnight to midnight (UTC)
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_bytes_per_day)]
    max_bytes_per_day: u64,
    /// Remove blobs that nobody used for so long; kept for ever if not given
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
}

/// Reads a name under which clients address a server.
fn host_and_port(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').map(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains('/');
        is_host && port.parse::<u16>().is_ok()
    });
    if port == Some(true) {
        return Ok(text.to_owned());
    }
    Err("a name is a host and a port, like blobs.example.org:443".into())
}

/// So many days.
pub(crate) fn days(days: u32) -> Duration {
    DAY.saturating_mul(days)
}

impl Serve {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        // Before anything else, so that a signal that comes early is not lost.
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let settings = self.settings()?;
        let filter = tracing_subscriber::EnvFilter::builder()
            .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
            .from_env_lossy();
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
        let gate = MarketGate::new(self.rules(), context.url());
        let storage = Storage::in_folder(LocalBlobStore::open(&self.dir)?)?;
        let server = BlobServer::bind(self.listen, storage, settings, Box::new(gate)).await?;

        let (url, folder) = (
            format!("http://{}", server.address()),
            self.dir.display().to_string(),
        );
        let object = json!({ "url": url, "folder": folder });
        output.result(&format!("serving {folder} at {url}"), &object)?;
        self.say_rules(output);
        server.run(either(terminate, interrupt)).await;
        output.progress("stopped");
        Ok(())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let tokens = match &self.token_file {
            Some(path) => Tokens::read(path)?,
            None => Tokens::default(),
        };
        let limits = Limits {
            max_blob_bytes: self.max_blob_bytes,
            max_total_bytes: self.max_total_bytes,
            max_bytes_per_day: self.max_bytes_per_day,
            ..Limits::default()
        };
        let garbage = GarbageRules {
            max_age: self.keep_days.map(days),
            ..GarbageRules::default()
        };
        Ok(Settings {
            limits,
            tokens,
            names: self.names.clone(),
            garbage: Some((garbage, COLLECT_EVERY)),
        })
    }

    fn rules(&self) -> Rules {
        let bytes = |accounts: &[AccountId]| accounts.iter().map(|account| account.0).collect();
        Rules {
            allowed: bytes(&self.allow),
            requesters: bytes(&self.requesters),
        }
    }

    fn say_rules(&self, output: &mut Output<'_>) {
        let (accounts, requesters) = (self.allow.len(), self.requesters.len());
        if accounts == 0 && requesters == 0 && self.token_file.is_none() {
            output.progress("nobody may upload: see --allow, --for and --token-file");
            return;
        }
        output.progress(&format!(
            "uploads: {accounts} accounts, {requesters} requesters and the workers of their jobs"
        ));
    }
}

/// Waits for the first of two signals.
async fn either(mut one: Signal, mut other: Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_host_and_a_port() {
        assert!(host_and_port("blobs.example.org:443").is_ok());
        assert!(host_and_port("[::1]:80").is_ok());
        for bad in ["", "host", ":80", "host:", "host:x", "https://host:443"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_days() {
        assert_eq!(days(2), Duration::from_secs(172_800));
    }
}
