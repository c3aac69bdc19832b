//! A network of three validators on this machine.
//!
//! A block is final once more than two thirds of the validators voted for it. Of three that is all
//! three: while one is down, blocks are made and none becomes final.

use crate::binaries;
use crate::chain::url_of;
use crate::process::{Launch, Process};
use crate::wait::{until, Deadline};
use anyhow::{ensure, Context, Result};
use futures::future::try_join_all;
use mizan_client::subxt::config::{RpcConfigFor, SubstrateConfig};
use mizan_client::subxt::rpcs::client::rpc_params;
use mizan_client::subxt::rpcs::{methods::LegacyRpcMethods, RpcClient};
use mizan_client::Client;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// The validators. Each is a development key, and the node's flag that takes it.
pub const NAMES: [&str; 3] = ["alice", "bob", "charlie"];
/// How long a node may take from answering until it says where others reach it.
const LISTEN: Duration = Duration::from_secs(30);

/// Where a network's files are, and how it is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for each validator's data and log.
    pub folder: PathBuf,
    /// The port at which the first validator answers; the others follow. 0 stands for free ones.
    pub rpc_port: u16,
    /// See [`Launch::grouped`].
    pub grouped: bool,
}

/// Three running validators.
#[derive(Debug)]
pub struct Network {
    settings: Settings,
    /// In the order of [`NAMES`].
    pub validators: Vec<Validator>,
}

/// A validator's node, and a connection to it.
#[derive(Debug)]
pub struct Validator {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// The node.
    pub process: Process,
    /// Where it answers.
    pub url: String,
    /// The connection.
    pub client: Client,
    /// Where other nodes reach it.
    peer_address: String,
}

impl Network {
    /// Starts the validators and waits until each answers. They may not have found each other yet:
    /// see [`Network::ready`].
    pub async fn start(settings: Settings) -> Result<Self> {
        settings.check_ports()?;
        let mut network = Self {
            settings,
            validators: Vec::new(),
        };
        // One after the other: each is told where those before it are.
        for index in 0..NAMES.len() {
            let validator = network.launch(index).await?;
            network.validators.push(validator);
        }
        Ok(network)
    }

    /// Starts a validator that ended again, with its old data.
    pub async fn restart(&mut self, index: usize) -> Result<()> {
        let validator = self.launch(index).await?;
        let place = self.validators.get_mut(index);
        *place.context("there are three validators")? = validator;
        Ok(())
    }

    async fn launch(&self, index: usize) -> Result<Validator> {
        let name = NAMES.get(index).context("there are three validators")?;
        let others = self.validators.iter().filter(|other| other.name != *name);
        let others = others.map(|other| other.peer_address.as_str()).collect();
        self.settings.launch(name, index, others).await
    }

    /// Waits until each validator has both others as peers and a new block is final at each. Gives
    /// the least of their final heights.
    pub async fn ready(&self, deadline: Deadline) -> Result<u32> {
        let mut start = 0;
        for validator in &self.validators {
            start = start.max(validator.client.finalized_number().await?);
        }
        let ready = self.validators.iter().map(async |validator| {
            let name = validator.name;
            until(&format!("{name} to have two peers"), deadline, async || {
                Ok((validator.peers().await? >= 2).then_some(()))
            })
            .await?;
            until(
                &format!("a block after {start} to be final at {name}"),
                deadline,
                async || {
                    let number = validator.client.finalized_number().await?;
                    Ok((number > start).then_some(number))
                },
            )
            .await
        });
        let numbers = try_join_all(ready).await?;
        numbers.into_iter().min().context("there is no validator")
    }

    /// Waits until a validator ends that nobody asked to, and gives its name and how it ended.
    pub async fn first_ended(&mut self) -> Result<(&'static str, ExitStatus)> {
        loop {
            if let Some(ended) = self.ended()? {
                return Ok(ended);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The name of a validator that ended, and how.
    pub fn ended(&mut self) -> Result<Option<(&'static str, ExitStatus)>> {
        for validator in &mut self.validators {
            if let Some(status) = validator.process.ended()? {
                return Ok(Some((validator.name, status)));
            }
        }
        Ok(None)
    }

    /// Asks those that still run to stop, by their process ids, and waits until they did.
    pub async fn stop(&mut self) -> Result<()> {
        let stopped = self.validators.iter_mut().map(async |validator| {
            let process = &mut validator.process;
            if process.ended()?.is_none() {
                process.stop().await?;
            }
            anyhow::Ok(())
        });
        try_join_all(stopped).await.map(drop)
    }
}

impl Validator {
    /// Number of nodes that it is connected with.
    pub async fn peers(&self) -> Result<usize> {
        let rpc = RpcClient::from_url(&self.url).await?;
        let rpc = LegacyRpcMethods::<RpcConfigFor<SubstrateConfig>>::new(rpc);
        Ok(rpc.system_health().await?.peers)
    }
}

impl Settings {
    /// The port at which a validator answers.
    fn rpc_port_of(&self, index: usize) -> u16 {
        match self.rpc_port {
            0 => 0,
            first => first.saturating_add(index as u16),
        }
    }

    /// A node whose port is taken answers at another one and only logs it.
    fn check_ports(&self) -> Result<()> {
        ensure!(
            usize::from(self.rpc_port) + NAMES.len() <= 1 + usize::from(u16::MAX),
            "there are no three ports from {} on",
            self.rpc_port
        );
        for index in 0..NAMES.len() {
            let port = self.rpc_port_of(index);
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
                format!(
                    "port {port} can't be had: end what uses it, or choose others with --rpc-port \
                     (0 takes free ones)"
                )
            })?;
        }
        Ok(())
    }

    async fn launch(
        &self,
        name: &'static str,
        index: usize,
        others: Vec<&str>,
    ) -> Result<Validator> {
        let port = self.rpc_port_of(index);
        // What an earlier process of that name said must not be taken for this one's words.
        let skip = log_length(&self.folder, name);
        let mut process = Process::start(Launch {
            name,
            program: binaries::find("mizan-node")?,
            arguments: self.arguments(name, port, &others),
            folder: &self.folder,
            grouped: self.grouped,
        })?;
        let url = url_of(&mut process, skip).await?;
        ensure!(
            port == 0 || url.ends_with(&format!(":{port}")),
            "{name} answers at {url} instead of port {port}, which something else took"
        );
        let client = Client::connect(&url).await?;
        let peer_address = peer_address(&url, name).await?;
        Ok(Validator {
            name,
            process,
            url,
            client,
            peer_address,
        })
    }

    fn arguments(&self, name: &str, port: u16, others: &[&str]) -> Vec<String> {
        let base_path = self.folder.join(name).display().to_string();
        let (flag, port) = (format!("--{name}"), port.to_string());
        let mut arguments = vec![
            "--chain",
            "local",
            &flag,
            "--base-path",
            &base_path,
            "--rpc-port",
            &port,
            "--listen-addr",
            "/ip4/127.0.0.1/tcp/0",
            "--no-mdns",
            "--no-prometheus",
            "--no-telemetry",
            // The node's key in the network is made at its first start and kept with its data.
            // Others learn it at every start, so nothing depends on it.
            "--unsafe-force-node-key-generation",
        ];
        if !others.is_empty() {
            arguments.push("--bootnodes");
            arguments.extend(others);
        }
        arguments.into_iter().map(str::to_owned).collect()
    }
}

/// The length of a process's log, if there is one already.
fn log_length(folder: &Path, name: &str) -> usize {
    let log = std::fs::metadata(folder.join(format!("{name}.log")));
    log.map_or(0, |log| log.len() as usize)
}

/// Where others reach a node, with the key by which they know it.
async fn peer_address(url: &str, name: &str) -> Result<String> {
    let rpc = RpcClient::from_url(url).await?;
    until(
        &format!("{name} to listen for others"),
        Deadline::after(LISTEN),
        async || {
            let addresses: Vec<String> = rpc
                .request("system_localListenAddresses", rpc_params![])
                .await?;
            Ok(addresses.into_iter().find(|address| is_reachable(address)))
        },
    )
    .await
}

/// Whether an address has a port of this machine.
fn is_reachable(address: &str) -> bool {
    address
        .strip_prefix("/ip4/127.0.0.1/tcp/")
        .is_some_and(|rest| !rest.starts_with("0/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rpc_port: u16) -> Settings {
        Settings {
            folder: PathBuf::from("/nowhere"),
            rpc_port,
            grouped: true,
        }
    }

    #[test]
    fn ports_follow_the_first_and_free_ones_stay_free() {
        assert_eq!(settings(9944).rpc_port_of(2), 9946);
        assert_eq!(settings(0).rpc_port_of(2), 0);
    }

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = settings(port).check_ports().unwrap_err().to_string();
        assert!(message.contains(&format!("port {port} ")), "{message}");
        assert!(message.contains("--rpc-port"), "{message}");
        assert!(settings(u16::MAX).check_ports().is_err());
    }

    #[test]
    fn only_an_address_with_a_port_is_reachable() {
        assert!(is_reachable("/ip4/127.0.0.1/tcp/30333/p2p/12D3KooW"));
        assert!(!is_reachable("/ip4/127.0.0.1/tcp/0/p2p/12D3KooW"));
        assert!(!is_reachable("/ip6/::1/tcp/30333/p2p/12D3KooW"));
    }
}
