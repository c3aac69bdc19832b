//! What `scripts/localnet` runs; its help is there.

use anyhow::{anyhow, bail, Context, Result};
use mizan_tests::interrupt;
use mizan_tests::network::{Network, Settings};
use mizan_tests::wait::Deadline;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitCode, ExitStatus};

/// How long the validators may take to find each other and to agree on a block.
const READY_SECONDS: u64 = 180;
/// The exit code for wrong arguments.
const USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    options.run().await.unwrap_or_else(|error| {
        eprintln!("error: {error:?}");
        ExitCode::FAILURE
    })
}

/// What the user asked for.
struct Options {
    data: Option<PathBuf>,
    rpc_port: u16,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut data, mut rpc_port) = (None, 9944);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value
                    .ok_or_else(|| anyhow!("{argument} wants a value; see scripts/localnet --help"))
            };
            match argument.as_str() {
                "--data" => data = Some(PathBuf::from(value()?)),
                "--rpc-port" => {
                    let text = value()?;
                    rpc_port = text
                        .parse()
                        .map_err(|_| anyhow!("--rpc-port wants a port, not {text:?}"))?;
                }
                other => bail!("unknown argument {other:?}; see scripts/localnet --help"),
            }
        }
        Ok(Self { data, rpc_port })
    }

    /// Keeps the network's data where the user said, or only as long as the network runs.
    async fn run(self) -> Result<ExitCode> {
        if let Some(folder) = self.data {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("{} can't be made", folder.display()))?;
            return run(&folder, self.rpc_port).await;
        }
        let folder = tempfile::Builder::new()
            .prefix("mizan-localnet-")
            .tempdir()?;
        let ended = run(folder.path(), self.rpc_port).await;
        folder
            .close()
            .context("the temporary folder can't be removed")?;
        ended
    }
}

/// Runs the network until somebody says stop, or a validator ends.
async fn run(folder: &Path, rpc_port: u16) -> Result<ExitCode> {
    let mut interrupted = pin!(interrupt::interrupted());
    let settings = Settings {
        folder: folder.to_owned(),
        rpc_port,
        grouped: false,
    };
    let mut network = tokio::select! {
        // A Ctrl-C drops the other future, and with it the processes.
        biased;
        interrupted = &mut interrupted => return interrupted,
        started = start(settings) => started?,
    };
    let ended = tokio::select! {
        biased;
        interrupted = &mut interrupted => {
            interrupted?;
            None
        }
        ended = network.first_ended() => Some(ended?),
    };
    network.stop().await?;
    match ended {
        None => Ok(ExitCode::SUCCESS),
        Some((name, status)) => bail!("{}", obituary(&network, name, status)?),
    }
}

/// What is known of a validator that ended, with the end of its log: the folder may go.
fn obituary(network: &Network, name: &str, status: ExitStatus) -> Result<String> {
    let dead = network.validators.iter().find(|dead| dead.name == name);
    let tail = dead.map(|dead| dead.process.tail()).transpose()?;
    let tail = tail.unwrap_or_default();
    Ok(format!(
        "{name} ended with {status}; the others were stopped\n{tail}"
    ))
}

/// Starts the network, waits until it works, and says where it is.
async fn start(settings: Settings) -> Result<Network> {
    let folder = settings.folder.display().to_string();
    eprintln!("localnet: starting three validators, with data and logs in {folder}");
    let mut network = Network::start(settings).await?;
    let deadline = Deadline::seconds(READY_SECONDS);
    eprintln!("localnet: waiting until they agree on a block");
    let number = match network.ready(deadline).await {
        Ok(number) => number,
        Err(error) => match network.ended()? {
            Some((name, status)) => bail!("{}", obituary(&network, name, status)?),
            None => return Err(error),
        },
    };
    for validator in &network.validators {
        let (name, url, id) = (validator.name, &validator.url, validator.process.id());
        println!("{name:<8} {url}  process {id}");
    }
    eprintln!("localnet: block {number} is final at all three; Ctrl-C stops them");
    Ok(network)
}
