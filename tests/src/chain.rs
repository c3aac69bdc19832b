//! A development chain of one node.

use crate::binaries;
use crate::process::{Launch, Process};
use crate::wait::Deadline;
use anyhow::{ensure, Context, Result};
use mizan_client::Client;
use serde_json::Value;
use std::path::Path;

/// How long a node may take until it answers. On a loaded machine the compilation of its runtime
/// takes most of it.
const START_SECONDS: u64 = 120;

/// A running node with one validator, and a connection to it.
#[derive(Debug)]
pub struct Chain {
    /// The node.
    pub node: Process,
    /// Where it answers.
    pub url: String,
    /// The connection.
    pub client: Client,
}

impl Chain {
    /// Starts a chain on ports that are free, with its data and log below `folder`, and waits
    /// until it answers. See [`Launch::grouped`].
    pub async fn start(folder: &Path, grouped: bool) -> Result<Self> {
        Self::connect(start_node(folder, grouped).await?).await
    }

    /// The same with another genesis: what `changes` names, as the chain's specification names it,
    /// is not what it is on a development chain.
    pub async fn start_changed(folder: &Path, grouped: bool, changes: &Value) -> Result<Self> {
        let chain = specify(folder, changes).await?;
        Self::connect(start_chain(&chain, folder, grouped).await?).await
    }

    async fn connect((node, url): (Process, String)) -> Result<Self> {
        let client = Client::connect(&url).await?;
        Ok(Self { node, url, client })
    }
}

/// Starts a node with a development chain, and gives its address once it answers there.
pub async fn start_node(folder: &Path, grouped: bool) -> Result<(Process, String)> {
    start_chain("dev", folder, grouped).await
}

/// Writes the specification of a development chain with another genesis, and gives its file.
async fn specify(folder: &Path, changes: &Value) -> Result<String> {
    let path = folder.join("chain.json");
    let file = path.display().to_string();
    let exported = tokio::process::Command::new(binaries::find("mizan-node")?)
        .args(["export-chain-spec", "--chain", "dev", "--output", &file])
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&exported.stderr);
    ensure!(exported.status.success(), "no specification: {said}");
    let mut specification: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let genesis = specification.pointer_mut("/genesis/runtimeGenesis/patch");
    merge(
        genesis.context("a specification without a genesis")?,
        changes,
    );
    std::fs::write(&path, serde_json::to_vec(&specification)?)?;
    Ok(file)
}

/// Sets every value that `changes` has.
fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, changed) in changes {
                merge(into.entry(name).or_insert(Value::Null), changed);
            }
        }
        (into, changed) => *into = changed.clone(),
    }
}

/// Starts the node of a chain with one validator, whose key is known.
async fn start_chain(chain: &str, folder: &Path, grouped: bool) -> Result<(Process, String)> {
    let base_path = folder.join("chain").display().to_string();
    let arguments = [
        "--dev",
        "--chain",
        chain,
        "--base-path",
        &base_path,
        "--rpc-port",
        "0",
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--no-mdns",
        "--no-prometheus",
        "--no-telemetry",
    ];
    let mut node = Process::start(Launch {
        name: "node",
        program: binaries::find("mizan-node")?,
        arguments: arguments.map(str::to_owned).to_vec(),
        folder,
        grouped,
    })?;
    let url = url_of(&mut node, 0).await?;
    Ok((node, url))
}

/// Waits until a node says in its log, after the first `skip` bytes, where it answers.
pub(crate) async fn url_of(node: &mut Process, skip: usize) -> Result<String> {
    let said = "Running JSON-RPC server: addr=";
    let deadline = Deadline::seconds(START_SECONDS);
    let line = node.line(said, skip, deadline).await?;
    let address = address_in(&line).context("the node did not say where it answers")?;
    Ok(format!("ws://{address}"))
}

/// The first address in the node's line about its server.
fn address_in(line: &str) -> Option<&str> {
    let (_, addresses) = line.split_once("addr=")?;
    addresses.split(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_address_of_the_server_is_taken() {
        let line = "2026 Running JSON-RPC server: addr=127.0.0.1:46031,[::1]:37767    ";
        assert_eq!(address_in(line), Some("127.0.0.1:46031"));
        assert_eq!(address_in("addr=127.0.0.1:1 "), Some("127.0.0.1:1"));
        assert_eq!(address_in("no server"), None);
    }

    #[test]
    fn only_what_is_named_is_changed() {
        let mut genesis = json!({ "a": { "x": 1, "y": 2 }, "b": 3 });
        merge(&mut genesis, &json!({ "a": { "y": 5 } }));
        assert_eq!(genesis, json!({ "a": { "x": 1, "y": 5 }, "b": 3 }));
    }
}
