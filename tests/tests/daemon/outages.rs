//! Nodes that go and come back, another chain, another process with the key.

use crate::setting::{figure_reaches, metrics_of, Setting};
use anyhow::{ensure, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::{account_of, hex_hash, Client};
use mizan_tests::process::{Launch, Process};
use mizan_tests::wait::{until, Deadline};
use mizan_tests::workers::{heard, Owner, Place, Worker};
use mizan_tests::{binaries, jobs};
use std::net::TcpListener;
use std::path::Path;

/// A node that answers at the same port whenever it is started.
struct LastingNode {
    port: u16,
    process: Process,
}

impl LastingNode {
    fn start(port: u16, name: &str, chain: &[&str], folder: &Path) -> Result<Self> {
        let base_path = folder.join(name).display().to_string();
        let port_text = port.to_string();
        let words = [
            "--base-path",
            &base_path,
            "--rpc-port",
            &port_text,
            "--listen-addr",
            "/ip4/127.0.0.1/tcp/0",
            "--no-mdns",
            "--no-prometheus",
            "--no-telemetry",
        ];
        let process = Process::start(Launch {
            name,
            program: binaries::find("mizan-node")?,
            arguments: chain
                .iter()
                .chain(&words)
                .map(|word| word.to_string())
                .collect(),
            folder,
            grouped: true,
        })?;
        Ok(Self { port, process })
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// A connection, once it answers.
    async fn client(&mut self) -> Result<Client> {
        let url = self.url();
        until("the node to answer", Deadline::seconds(120), async || {
            if let Some(status) = self.process.ended()? {
                anyhow::bail!("the node ended with {status}\n{}", self.process.tail()?);
            }
            Ok(Client::connect(&url).await.ok())
        })
        .await
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[tokio::test]
async fn worker_goes_on_when_its_node_comes_back_and_refuses_another_chain() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let mut node = LastingNode::start(free_port()?, "node", &["--dev"], folder)?;
    let client = node.client().await?;
    let blobs = LocalBlobStore::open(folder.join("blobs"))?;
    let (alice, owner) = (Owner::alone("//Alice"), Owner::alone("//Charlie"));
    let model = jobs::register_digits(&client, &alice.provider_key()?, &blobs).await?;
    owner.register(&client).await?;
    let url = node.url();
    let place = Place {
        url: &url,
        blobs: blobs.folder(),
        folder,
    };
    let more = ["--metrics", "0"];
    let mut worker = Worker::start_with("worker", &owner, place, &more, true)?;
    let metrics = metrics_of(&mut worker).await?;
    heard(&client, &owner, Deadline::seconds(60)).await?;
    let genesis = client.genesis_hash();
    // What is not final is lost with the node.
    let registered = client.best_number().await?;
    until(
        "the registration to be final",
        Deadline::seconds(60),
        async || Ok((client.finalized_number().await? >= registered).then_some(())),
    )
    .await?;

    node.process.kill()?;
    drop(client);
    let health = format!("{metrics}/health");
    until(
        "the worker to miss its node",
        Deadline::seconds(60),
        async || Ok((reqwest::get(&health).await?.status() == 503).then_some(())),
    )
    .await?;
    let mut node = LastingNode::start(node.port, "node", &["--dev"], folder)?;
    let client = node.client().await?;
    let input = blobs.put(&jobs::one_image(0)?).await?;
    let worker_account = account_of(&owner.worker_key()?);
    let key = alice.provider_key()?;
    let job = jobs::post_one(&client, &key, model, input, Some(worker_account));
    let job = job.await?;
    jobs::reached(&client, job, "settled", Deadline::seconds(120)).await?;
    ensure!(worker.process.ended()?.is_none());

    node.process.kill()?;
    // It makes no blocks: its genesis is enough.
    let other = ["--chain", "local"];
    let mut other = LastingNode::start(node.port, "other", &other, folder)?;
    let other_genesis = other.client().await?.genesis_hash();
    ensure!(genesis != other_genesis);
    let status = worker.process.end(Deadline::seconds(150)).await?;
    let said = worker.process.tail()?;
    ensure!(status.code() == Some(4), "{status}\n{said}");
    for hash in [genesis, other_genesis] {
        ensure!(said.contains(&hex_hash(&hash)), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn of_two_workers_with_one_key_one_stops() -> Result<()> {
    let setting = Setting::new().await?;
    let owner = Owner::alone("//Charlie");
    owner.register(setting.client()).await?;
    let mut old = setting.worker("old", &owner, &["--metrics", "0"]).await?;
    let metrics = metrics_of(&mut old).await?;
    figure_reaches(&metrics, "mizan_worker_heartbeats_total", 2).await?;
    let mut new = setting.start("new", &owner, &[])?;
    let deadline = Deadline::seconds(150);
    let (status, said, mut other) = until("one of them to stop", deadline, async || {
        let ended = (old.process.ended()?, new.process.ended()?);
        Ok(match ended {
            (Some(status), None) => Some((status, old.process.tail()?, false)),
            (None, Some(status)) => Some((status, new.process.tail()?, true)),
            (Some(_), Some(_)) => anyhow::bail!("both stopped"),
            (None, None) => None,
        })
    })
    .await
    .map(|(status, said, new_stopped)| {
        let other = if new_stopped { old } else { new };
        (status, said, other)
    })?;
    ensure!(status.code() == Some(7), "{status}\n{said}");
    ensure!(said.contains("another process uses the key"), "{said}");

    let input = setting.blobs.put(&jobs::one_image(0)?).await?;
    let job = setting.post(&owner, input).await?;
    setting.settled(job).await?;
    ensure!(other.process.ended()?.is_none());
    Ok(())
}
