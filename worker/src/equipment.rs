//! What a worker is made of, apart from its connection.

use crate::{
    advice::Advisor,
    budget::Budget,
    cache::{wall_clock_seconds, CacheLimits},
    devices::JobExecutor,
    disk::DiskWatch,
    journal::{CachedBlob, Journal, JournalError},
    lending::Lending,
    metrics::Metrics,
    precedence::PaidJobs,
    rivals::Rivals,
    supply::{Brought, Supply},
};
use mizan_client::{account_of, AccountId, Keypair};
use std::sync::Arc;

/// All that lasts longer than a connection.
pub struct Equipment {
    /// Its hot key.
    pub key: Keypair,
    /// Where inputs come from and results go.
    pub supply: Supply,
    /// Its record of what it has done.
    pub journal: Journal,
    /// What computes.
    pub executor: Arc<dyn JobExecutor>,
    /// Most bytes of inputs, parameters and trace of one job.
    pub max_job_bytes: u64,
    /// Memory for all jobs at once.
    pub budget: Budget,
    /// How far its owner lends the machine.
    pub lending: Arc<Lending>,
    /// The jobs that go before anything else.
    pub paid: PaidJobs,
    /// What gives advice to auditors, if that is wanted.
    pub advisor: Option<Advisor>,
    /// Whether its disks have room.
    pub disk: DiskWatch,
    /// Whether somebody else uses its key.
    pub rivals: Rivals,
    /// Its figures.
    pub metrics: Arc<Metrics>,
    /// How much it keeps of what no job needs.
    pub cache: CacheLimits,
    /// Held for reading while a job brings blobs, for writing while superfluous ones go.
    pub sweeping: tokio::sync::RwLock<()>,
}

impl Equipment {
    /// The worker's account.
    pub fn account(&self) -> AccountId {
        account_of(&self.key)
    }

    /// Records blobs that came into the folder, so that they can go again; or, if `only_known`,
    /// that such blobs were used.
    pub(crate) fn remember(
        &self,
        brought: &[Brought],
        only_known: bool,
    ) -> Result<(), JournalError> {
        let used_seconds = wall_clock_seconds();
        let blobs: Vec<_> = brought
            .iter()
            .map(|blob| {
                let cached = CachedBlob {
                    bytes: blob.bytes,
                    used_seconds,
                };
                (blob.hash, cached)
            })
            .collect();
        self.journal.cache(&blobs, only_known)
    }
}

#[cfg(test)]
impl Equipment {
    /// With all that it keeps in one folder, no blob servers, little memory, and no cache at all.
    pub(crate) fn bare(folder: &std::path::Path) -> Self {
        let key = mizan_client::keys::parse_key("//Alice").unwrap();
        let store = mizan_blobs::LocalBlobStore::open(folder.join("blobs")).unwrap();
        let metrics = Arc::new(Metrics::new().unwrap());
        let lending = Lending::within(Default::default(), None, metrics.clone());
        Self {
            lending: Arc::new(lending),
            supply: Supply::new(store, Vec::new(), false, key.clone()).unwrap(),
            key,
            journal: Journal::open(&folder.join("data")).unwrap(),
            executor: Arc::new(mizan_engine::CpuExecutor::new()),
            max_job_bytes: u64::MAX,
            budget: Budget::new(crate::settings::Memory::Bytes(1 << 20)),
            paid: PaidJobs::default(),
            advisor: None,
            disk: DiskWatch::new(Vec::new()),
            rivals: Rivals::default(),
            metrics,
            cache: CacheLimits {
                bytes: 0,
                age: std::time::Duration::ZERO,
            },
            sweeping: tokio::sync::RwLock::new(()),
        }
    }
}
