//! A network of three validators.

use anyhow::{ensure, Context, Result};
use mizan_client::{account_of, calls, keys, units, At, Client};
use mizan_tests::binaries;
use mizan_tests::network::{Network, Settings, NAMES};
use mizan_tests::process::{Launch, Process};
use mizan_tests::wait::{until, Deadline};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// What is sent, in the smallest unit.
const AMOUNT: u128 = 2 * units::UNIT;
/// Blocks that show that a chain goes on.
const BLOCKS: u32 = 3;

/// Three validators tolerate none that is down: final takes more than two thirds of the votes.
/// While one is away the others go on making blocks and none of them becomes final; all of them
/// do once it is back.
#[tokio::test]
async fn three_validators_finalise_together_and_wait_for_one_that_is_down() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut network = Network::start(Settings {
        folder: folder.path().to_owned(),
        rpc_port: 0,
        grouped: true,
    })
    .await?;
    network.ready(Deadline::seconds(90)).await?;
    let [alice, bob, charlie] = &mut network.validators[..] else {
        anyhow::bail!("there are not three validators");
    };

    let before = eves_money(&charlie.client).await?;
    send_to_eve(&alice.client).await?;
    eve_has(&charlie.client, before + AMOUNT).await?;

    let status = charlie.process.stop().await?;
    ensure!(
        status.code() == Some(0),
        "{status}\n{}",
        charlie.process.tail()?
    );
    // Charlie saw none of the blocks that are made from here on, so none of them can be final.
    let best = alice.client.best_number().await?;
    let best = best.max(bob.client.best_number().await?);
    send_to_eve(&bob.client).await?;
    reaches(&alice.client, best + 2 * BLOCKS).await?;
    reaches(&bob.client, best + 2 * BLOCKS).await?;
    for validator in [&alice, &bob] {
        let number = validator.client.finalized_number().await?;
        ensure!(number <= best, "block {number} is final, made after {best}");
    }
    ensure!(eves_money(&alice.client).await? == before + AMOUNT);

    network.restart(2).await?;
    network.ready(Deadline::seconds(120)).await?;
    let charlie = network.validators.get(2).context("no Charlie")?;
    let deadline = Deadline::seconds(60);
    until("blocks made meanwhile to be final", deadline, async || {
        let number = charlie.client.finalized_number().await?;
        Ok((number >= best + 2 * BLOCKS).then_some(()))
    })
    .await?;
    eve_has(&charlie.client, before + 2 * AMOUNT).await?;
    network.stop().await
}

async fn eves_money(client: &Client) -> Result<u128> {
    let eve = account_of(&keys::parse_key("//Eve")?);
    Ok(client.balance(&eve, At::Finalized).await?.free)
}

/// Waits until Eve has that much in a final block.
async fn eve_has(client: &Client, amount: u128) -> Result<()> {
    until(
        "the transfer to be final",
        Deadline::seconds(60),
        async || Ok((eves_money(client).await? == amount).then_some(())),
    )
    .await
}

async fn send_to_eve(client: &Client) -> Result<()> {
    let eve = account_of(&keys::parse_key("//Eve")?);
    let dave = keys::parse_key("//Dave")?;
    client.submit(&calls::transfer(eve, AMOUNT), &dave).await?;
    Ok(())
}

/// Waits until the newest block is of that height.
async fn reaches(client: &Client, number: u32) -> Result<()> {
    let what = format!("block {number} at {}", client.url());
    until(&what, Deadline::seconds(90), async || {
        Ok((client.best_number().await? >= number).then_some(()))
    })
    .await
}

/// The program that `scripts/localnet` runs, with its data in a folder of its own.
fn localnet(folder: &Path, rpc_port: u16) -> Result<Process> {
    Process::start(Launch {
        name: "localnet",
        program: binaries::find("mizan-localnet")?,
        arguments: vec![
            "--data".into(),
            folder.join("data").display().to_string(),
            "--rpc-port".into(),
            rpc_port.to_string(),
        ],
        folder,
        grouped: true,
    })
}

/// Waits until the network runs, and gives the process id of each validator.
async fn ids(localnet: &mut Process) -> Result<Vec<u32>> {
    let deadline = Deadline::seconds(200);
    localnet.line("Ctrl-C stops them", 0, deadline).await?;
    let log = std::fs::read_to_string(localnet.log())?;
    let id_of = |name: &&str| {
        let line = log.lines().find(|line| line.starts_with(*name))?;
        line.rsplit_once(' ')?.1.parse().ok()
    };
    let ids: Vec<u32> = NAMES.iter().filter_map(id_of).collect();
    ensure!(ids.len() == NAMES.len(), "{ids:?} in {log}");
    Ok(ids)
}

fn ensure_gone(ids: &[u32]) -> Result<()> {
    for id in ids {
        let path = format!("/proc/{id}");
        ensure!(!Path::new(&path).exists(), "process {id} still runs");
    }
    Ok(())
}

#[tokio::test]
async fn localnet_ends_all_its_processes_when_told_to_or_when_one_of_them_dies() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut first = localnet(folder.path(), 0)?;
    let started = ids(&mut first).await?;
    let status = first.interrupt().await?;
    ensure!(status.code() == Some(0), "{status}\n{}", first.tail()?);
    ensure_gone(&started)?;

    // The same data again; this time one validator is killed.
    std::fs::remove_file(first.log())?;
    let mut second = localnet(folder.path(), 0)?;
    let started = ids(&mut second).await?;
    let bob = started.get(1).context("no Bob")?.to_string();
    let killed = std::process::Command::new("sh")
        .args(["-c", &format!("kill -KILL {bob}")])
        .status()?;
    ensure!(killed.success(), "Bob can't be killed");
    let status = until("localnet to end", Deadline::seconds(60), async || {
        second.ended()
    })
    .await?;
    ensure!(status.code() == Some(1), "{status}\n{}", second.tail()?);
    let log = std::fs::read_to_string(second.log())?;
    ensure!(log.contains("bob ended with signal: 9"), "{log}");
    ensure_gone(&started)
}

#[tokio::test]
async fn localnet_names_a_port_that_is_in_use_and_refuses_wrong_arguments() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = taken.local_addr()?.port();
    let mut refused = localnet(folder.path(), port)?;
    let status = until("localnet to end", Deadline::seconds(30), async || {
        refused.ended()
    })
    .await?;
    ensure!(status.code() == Some(1), "{status}\n{}", refused.tail()?);
    let log = std::fs::read_to_string(refused.log())?;
    ensure!(log.contains(&format!("port {port} can't be had")), "{log}");

    let unknown = std::process::Command::new(binaries::find("mizan-localnet")?)
        .args(["--port", "1"])
        .output()?;
    ensure!(unknown.status.code() == Some(2), "{unknown:?}");
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    ensure!(said.contains("unknown argument \"--port\""), "{said}");
    Ok(())
}
