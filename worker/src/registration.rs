//! Becoming provider and worker with one key, however far it got before.

use mizan_client::{account_of, calls, At, Client, ClientError, Keypair};

/// What a worker is to be registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Least bond of its provider.
    pub bond: u128,
    /// Least price per compute unit.
    pub ask: u128,
    /// Jobs that it can do at once.
    pub slots: u32,
}

/// Why a key was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The chain or the connection to it.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// Somebody else's worker.
    #[error("{0} is a worker of another provider, {1}")]
    OtherProvider(String, String),
    /// Slots can't be changed.
    #[error("the worker has {0} slots: deregister it first to change their number")]
    OtherSlots(u32),
    /// Nobody said what it asks.
    #[error("what the worker asks is not set: say --ask")]
    NoAsk,
}

/// Something that had to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The account became a provider.
    ProviderRegistered,
    /// The bond grew to what was asked for.
    BondRaised,
    /// The key became a worker.
    WorkerRegistered,
    /// The ask changed to what was asked for.
    AskChanged,
}

/// Registers a key as its own provider's worker, and gives what had to be done for it. Doing it
/// again changes nothing.
pub async fn register(
    client: &Client,
    key: &Keypair,
    wanted: Registration,
) -> Result<Vec<Change>, RegistrationError> {
    let account = account_of(key);
    let mut changes = Vec::new();
    match client.provider(&account, At::Best).await? {
        None => {
            client
                .submit(&calls::register_provider(wanted.bond), key)
                .await?;
            changes.push(Change::ProviderRegistered);
        }
        Some(provider) if provider.bond < wanted.bond => {
            client
                .submit(&calls::bond(wanted.bond - provider.bond), key)
                .await?;
            changes.push(Change::BondRaised);
        }
        Some(_) => {}
    }
    match client.worker(&account, At::Best).await? {
        None => {
            let call = calls::register_worker(account, wanted.ask, wanted.slots, None);
            client.submit(&call, key).await?;
            changes.push(Change::WorkerRegistered);
        }
        Some(worker) if worker.provider != account => {
            let provider = worker.provider.to_string();
            return Err(RegistrationError::OtherProvider(
                account.to_string(),
                provider,
            ));
        }
        Some(worker) if worker.slots != wanted.slots => {
            return Err(RegistrationError::OtherSlots(worker.slots));
        }
        Some(worker) if worker.ask != wanted.ask => {
            client
                .submit(&calls::set_ask(account, wanted.ask), key)
                .await?;
            changes.push(Change::AskChanged);
        }
        Some(_) => {}
    }
    Ok(changes)
}
