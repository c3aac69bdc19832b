//! What the commands do.

use crate::arguments::{Register, Run};
use anyhow::{Context, Result};
use mizan_client::{
    account_of,
    blobs::{BlobError, LocalBlobStore},
    calls,
    keys::KeyError,
    At, Client, ClientError, Keypair,
};
use mizan_engine::CpuExecutor;
use mizan_worker::{
    daemon::{self, DaemonError},
    journal::{Journal, JournalError},
    registration::{self, Change, Registration, RegistrationError},
    steps::Equipment,
};
use std::{io::Write, sync::Arc};
use tokio::{
    signal::unix::{signal, SignalKind},
    sync::Semaphore,
};
use tracing::info;

/// Works until a signal or until something is wrong that only a person can put right.
pub(crate) async fn run(arguments: Run) -> Result<()> {
    // Before anything else, so that a signal that comes early is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let key = arguments.chain.key()?;
    let equipment = Arc::new(Equipment {
        key: key.clone(),
        store: LocalBlobStore::open(&arguments.blobs)?,
        journal: Journal::open(&arguments.data)?,
        executor: Arc::new(CpuExecutor::new()),
        max_job_bytes: arguments.max_job_bytes,
        computing: Semaphore::new(1),
    });
    let url = &arguments.chain.url;
    let work = async {
        if let Some(ask) = arguments.ask {
            set_ask(url, &key, ask).await?;
        }
        Ok(daemon::run(url, equipment).await?)
    };
    let signal = tokio::select! {
        result = work => return result,
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    info!("stopped by {signal}");
    Ok(())
}

/// Sets the ask of a registered worker that is its own provider.
async fn set_ask(url: &str, key: &Keypair, ask: u128) -> Result<()> {
    let client = Client::connect(url).await?;
    let account = account_of(key);
    let worker = client.worker(&account, At::Best).await?;
    if worker.is_some_and(|worker| worker.provider == account && worker.ask != ask) {
        client
            .submit(&calls::set_ask(account, ask), key)
            .await
            .context("--ask")?;
    }
    Ok(())
}

/// Registers the key and says what had to be done.
pub(crate) async fn register(arguments: Register, out: &mut impl Write) -> Result<()> {
    let key = arguments.chain.key()?;
    let client = Client::connect(&arguments.chain.url).await?;
    let wanted = Registration {
        bond: arguments.bond,
        ask: arguments.ask,
        slots: arguments.slots,
    };
    let changes = registration::register(&client, &key, wanted).await?;
    let account = account_of(&key);
    if changes.is_empty() {
        writeln!(out, "{account} is registered already")?;
    }
    for change in changes {
        let done = match change {
            Change::ProviderRegistered => "is a provider now",
            Change::BondRaised => "has the larger bond now",
            Change::WorkerRegistered => "is a worker now",
            Change::AskChanged => "has the new ask now",
        };
        writeln!(out, "{account} {done}")?;
    }
    Ok(())
}

/// The exit code of an error, as `--help` lists them.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    let journal = |error: &JournalError| match error {
        JournalError::OtherChain { .. } => 4,
        JournalError::InUse(_) | JournalError::Storage { .. } => 5,
    };
    let chain = |error: &ClientError| match error {
        ClientError::Incompatible { .. } => 4,
        ClientError::Refused { .. } => 6,
        _ => 1,
    };
    if error.is::<KeyError>() {
        return 3;
    }
    if error.is::<BlobError>() {
        return 5;
    }
    if let Some(error) = error.downcast_ref::<JournalError>() {
        return journal(error);
    }
    if let Some(error) = error.downcast_ref::<ClientError>() {
        return chain(error);
    }
    match (
        error.downcast_ref::<DaemonError>(),
        error.downcast_ref::<RegistrationError>(),
    ) {
        (Some(DaemonError::Journal(error)), _) => journal(error),
        (Some(DaemonError::Chain(error)), _) => chain(error),
        (_, Some(RegistrationError::Chain(error))) => chain(error),
        (_, Some(_)) => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_give_the_documented_exit_codes() {
        let incompatible = || ClientError::Incompatible {
            url: "ws://x".into(),
            spec_version: 2,
        };
        let in_use = || JournalError::InUse("data".into());
        let other = || JournalError::OtherChain {
            path: "data".into(),
            journal: [1; 32],
            node: [2; 32],
        };
        let table: [(anyhow::Error, u8); 8] = [
            (KeyError::NotASecret.into(), 3),
            (BlobError::Corrupt("blob".into()).into(), 5),
            (incompatible().into(), 4),
            (DaemonError::Chain(incompatible()).into(), 4),
            (in_use().into(), 5),
            (DaemonError::Journal(other()).into(), 4),
            (RegistrationError::OtherSlots(2).into(), 3),
            (anyhow::anyhow!("anything else"), 1),
        ];
        for (error, code) in table {
            assert_eq!(exit_code(&error), code, "{error}");
        }
    }
}
