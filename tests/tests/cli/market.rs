//! Everybody who takes part in a trade, each with folders of their own.

use anyhow::{Context, Result};
use mizan_client::{account_of, keys, At, Client};
use mizan_tests::command::{BlobServer, Mizan};
use mizan_tests::process::{Launch, Process};
use mizan_tests::wait::{until, Deadline};
use mizan_tests::{binaries, chain::Chain, digits};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What the provider asks for, and what a requester offers who wants to be served.
pub(crate) const ASK: &str = "0.01";
pub(crate) const OFFER: &str = "0.02";
/// A secret of the owner of the blob server.
pub(crate) const TOKEN: &str = "a-secret-of-sixteen-or-more";

/// Everybody who takes part, each with a folder of their own.
pub(crate) struct Market {
    pub(crate) chain: Chain,
    pub(crate) bob: Mizan,
    pub(crate) charlie: Mizan,
    pub(crate) eve: Mizan,
    pub(crate) server: BlobServer,
    /// The model that Bob registered.
    pub(crate) model: String,
    /// Removed last.
    pub(crate) folder: tempfile::TempDir,
}

impl Market {
    /// A chain and a blob server for Bob's jobs.
    pub(crate) async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let chain = Chain::start(folder.path(), true).await?;
        let user = |name: &str| {
            let key = format!("//{name}");
            Mizan::new(&chain.url, &key, &folder.path().join(name))
        };
        let (bob, charlie, eve, owner) =
            (user("Bob")?, user("Charlie")?, user("Eve")?, user("Dave")?);
        let tokens = folder.path().join("tokens");
        write_secret(&tokens, TOKEN.as_bytes())?;
        let (tokens, for_bob) = (tokens.display().to_string(), address("//Bob")?);
        let words = ["--for", &for_bob, "--token-file", &tokens];
        let dir = folder.path().join("served");
        let server = owner.serve_blobs("server", &dir, &words, folder.path());
        let server = server.await?;
        Ok(Self {
            chain,
            folder,
            bob,
            charlie,
            eve,
            server,
            model: String::new(),
        })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.chain.client
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Posts a job of that many held-out images, over the blob server or without any.
    pub(crate) async fn post(&self, images: u32, price: &str, with_server: bool) -> Result<u64> {
        let input = self.path(&format!("{images}.bin"));
        let bytes = std::fs::read(digits::input_file())?;
        let length = mizan_digits::PIXELS * usize::try_from(images)?;
        std::fs::write(&input, bytes.get(..length).context("not so many images")?)?;
        let (input, batch) = (input.display().to_string(), images.to_string());
        let mut words = vec!["job", "post", "--model", &self.model, "--input", &input];
        words.extend(["--batch", &batch, "--price", price]);
        if with_server {
            words.extend(["--server", &self.server.url]);
        }
        let posted = self.bob.done(&words).await?;
        posted["job"].as_u64().context("no job was posted")
    }

    pub(crate) async fn explain(&self, job: u64) -> Result<Value> {
        self.bob.done(&["job", "explain", &job.to_string()]).await
    }
}

pub(crate) fn address(secret: &str) -> Result<String> {
    Ok(keys::format_address(&account_of(&keys::parse_key(secret)?)))
}

pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, bytes)?;
    Ok(std::fs::set_permissions(
        path,
        std::fs::Permissions::from_mode(0o600),
    )?)
}

/// The note of a rule in a history.
pub(crate) fn note<'a>(explanation: &'a Value, rule: &str) -> Option<&'a Value> {
    let history = explanation["history"].as_array()?;
    history.iter().find(|note| note["rule"] == rule)
}

/// A worker whose only folders are its own, and which waits until the chain heard of it.
pub(crate) async fn start_worker(market: &Market, key: &Path) -> Result<Process> {
    let text = |path: &Path| path.display().to_string();
    let arguments = vec![
        "run".to_owned(),
        "--url".to_owned(),
        market.chain.url.clone(),
        "--key-file".to_owned(),
        text(key),
        "--blobs".to_owned(),
        text(&market.path("worker-blobs")),
        "--data".to_owned(),
        text(&market.path("worker-data")),
        "--allow-private-blob-servers".to_owned(),
    ];
    let mut process = Process::start(Launch {
        name: "worker",
        program: binaries::find("mizan-worker")?,
        arguments,
        folder: market.folder.path(),
        grouped: true,
    })?;
    let account = account_of(&keys::load_key_file(key)?);
    until(
        "the worker's heartbeat",
        Deadline::seconds(60),
        async || {
            if let Some(status) = process.ended()? {
                anyhow::bail!("the worker ended with {status}\n{}", process.tail()?);
            }
            let worker = market.client().worker(&account, At::Best).await?;
            Ok(worker.and_then(|worker| worker.heard_block))
        },
    )
    .await?;
    Ok(process)
}
