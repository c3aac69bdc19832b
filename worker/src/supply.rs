//! Getting blobs from, and giving results to, the folder and the blob servers.
//!
//! The worker only ever calls out: it can stand behind any router. Strangers name the servers of a
//! job, so those at private addresses are refused unless the owner allows them; the owner's own
//! servers are trusted to be where they are.

mod advice;

use mizan_blobs::{
    BlobClient, BlobError, BlobStore, ClientSettings, LocalBlobStore, Reason, TransferError,
    UploadRight, Url,
};
use mizan_client::{Hash, Keypair};
use mizan_tensor::Blob;
use std::{fs::File, future::Future, time::Duration};
use tracing::debug;

/// A blob that was not in the folder before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its name.
    pub hash: Hash,
    /// Its length.
    pub bytes: u64,
}

/// Why a blob can't be had or given.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] BlobError),
    /// The servers.
    #[error("no blob server has it or gives it: {0}")]
    Servers(TransferError),
    /// None of the named servers' addresses can be used.
    #[error("the job names no blob server that can be asked: {0}")]
    Addresses(String),
}

impl SupplyError {
    /// Whether the same may work in a while; `None` if that is likely and declining is not called
    /// for.
    pub fn may_pass(&self) -> Option<bool> {
        match self {
            Self::Folder(BlobError::Io { .. }) => None,
            Self::Folder(_) | Self::Addresses(_) => Some(false),
            Self::Servers(error) => Some(error.is_transient()),
        }
    }

    /// Whether a blob that was to be given is not in the folder, or is damaged there.
    pub fn is_damage(&self) -> bool {
        let local = match self {
            Self::Folder(error) | Self::Servers(TransferError::Local(error)) => error,
            Self::Servers(_) | Self::Addresses(_) => return false,
        };
        matches!(local, BlobError::Corrupt(_) | BlobError::Missing(_))
    }

    /// Whether the disk was full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Folder(error) => error.is_disk_full(),
            Self::Servers(error) => error.is_disk_full(),
            Self::Addresses(_) => false,
        }
    }
}

/// Where blobs come from and go.
pub struct Supply {
    /// The folder.
    pub store: LocalBlobStore,
    strangers: Clients,
    own: Clients,
    own_servers: Vec<String>,
    right: UploadRight,
}

/// Clients for one kind of servers.
struct Clients {
    fetch: BlobClient,
    push: BlobClient,
}

impl Clients {
    fn new(allow_private: bool) -> Result<Self, TransferError> {
        let patient = ClientSettings {
            allow_private,
            ..ClientSettings::default()
        };
        // A server that stalls must show it while the job can still be declined. Whole rounds are
        // repeated by whoever plans the steps.
        let strict = ClientSettings {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            retries: 1,
            ..patient.clone()
        };
        Ok(Self {
            fetch: BlobClient::new(strict)?,
            push: BlobClient::new(patient)?,
        })
    }
}

impl Supply {
    /// A folder, servers of the owner, and whether jobs may name servers at private addresses.
    /// Uploads are signed by `key`.
    pub fn new(
        store: LocalBlobStore,
        own_servers: Vec<String>,
        allow_private: bool,
        key: Keypair,
    ) -> Result<Self, TransferError> {
        Ok(Self {
            store,
            strangers: Clients::new(allow_private)?,
            own: Clients::new(true)?,
            own_servers,
            right: UploadRight::Key(key),
        })
    }

    /// The bytes of a blob, and whether they had to be fetched: from the servers of the job, then
    /// from the owner's.
    pub async fn get(
        &self,
        servers: &[String],
        hash: Hash,
        max_bytes: u64,
    ) -> Result<(Vec<u8>, bool), SupplyError> {
        let read = || self.store.get(hash, max_bytes);
        self.read(servers, hash, max_bytes, read).await
    }

    /// The same with the file in the folder instead of its bytes, which are checked as well, and
    /// its length.
    pub async fn open(
        &self,
        servers: &[String],
        hash: Hash,
        max_bytes: u64,
    ) -> Result<((File, u64), bool), SupplyError> {
        let open = || self.store.open_checked(hash, max_bytes);
        self.read(servers, hash, max_bytes, open).await
    }

    /// What is read of the folder, if need be after fetching a blob; and whether that was.
    async fn read<T, R: Future<Output = Result<T, BlobError>>>(
        &self,
        servers: &[String],
        hash: Hash,
        max_bytes: u64,
        read: impl Fn() -> R,
    ) -> Result<(T, bool), SupplyError> {
        let has_servers = self.has_servers(servers);
        match read().await {
            Ok(found) => return Ok((found, false)),
            Err(BlobError::Missing(_)) if has_servers => {}
            Err(BlobError::Corrupt(_)) if has_servers => self.remove(hash).await?,
            Err(error) => return Err(error.into()),
        }
        self.fetch_into(&self.store, servers, hash, max_bytes)
            .await?;
        Ok((read().await?, true))
    }

    /// Brings a blob into a folder: from the servers of the job, then from the owner's.
    pub async fn fetch_into(
        &self,
        store: &LocalBlobStore,
        servers: &[String],
        hash: Hash,
        max_bytes: u64,
    ) -> Result<(), SupplyError> {
        let mut last = None;
        let own = (&self.own, &self.own_servers[..]);
        for (clients, servers) in [(&self.strangers, servers), own] {
            let urls = addresses(servers);
            if urls.is_empty() {
                continue;
            }
            match clients.fetch.fetch(&urls, hash, max_bytes, store).await {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) => SupplyError::Servers(error),
            None => SupplyError::Addresses(servers.join(", ")),
        })
    }

    /// Whether there is any server to ask, of a job or of the owner's.
    pub fn has_servers(&self, servers: &[String]) -> bool {
        !servers.is_empty() || !self.own_servers.is_empty()
    }

    /// The slice of some bytes of a blob, from the servers of the job, then from the owner's.
    pub async fn slice(
        &self,
        servers: &[String],
        blob: Blob,
        start: u64,
        length: u32,
    ) -> Result<Vec<u8>, SupplyError> {
        let mut last = None;
        let own = (&self.own, &self.own_servers[..]);
        for (clients, servers) in [(&self.strangers, servers), own] {
            let urls = addresses(servers);
            if urls.is_empty() {
                continue;
            }
            let Blob { hash, length: all } = blob;
            match clients.fetch.slice(&urls, hash, all, start, length).await {
                Ok(slice) => return Ok(slice),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) => SupplyError::Servers(error),
            None => SupplyError::Addresses(servers.join(", ")),
        })
    }

    /// Lengths that the folder and servers say a blob has, other than the one that it must have.
    /// One that is shorter than that is fetched.
    pub async fn other_lengths(&self, servers: &[String], blob: Blob) -> Vec<u64> {
        let mut lengths = Vec::new();
        let here = std::fs::metadata(self.store.path_of(blob.hash));
        lengths.extend(here.ok().map(|file| file.len()));
        let own = (&self.own, &self.own_servers[..]);
        for (clients, servers) in [(&self.strangers, servers), own] {
            let urls = addresses(servers);
            // Of a blob with at least the right length nothing but its length comes.
            let shorter = blob.length.saturating_sub(1);
            let fetched = clients.fetch.fetch(&urls, blob.hash, shorter, &self.store);
            match fetched.await {
                Ok(length) => lengths.push(length),
                Err(error) => {
                    lengths.extend(error.failures().iter().filter_map(
                        |failure| match failure.reason {
                            Reason::TooLarge { bytes, .. } => Some(bytes),
                            _ => None,
                        },
                    ))
                }
            }
        }
        lengths.retain(|length| *length != blob.length);
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }

    /// Gives blobs to the servers of a job, and to the owner's. Done once one server of the job
    /// has all of them. Gives the number of bytes. A blob that is damaged in the folder
    /// ([`SupplyError::is_damage`]) is sent to nobody: each is hashed before.
    pub async fn push(
        &self,
        servers: &[String],
        blobs: &[Hash],
        job: u64,
    ) -> Result<u64, SupplyError> {
        let mut bytes = 0u64;
        let (urls, own) = (addresses(servers), addresses(&self.own_servers));
        if urls.is_empty() {
            return Err(SupplyError::Addresses(servers.join(", ")));
        }
        for hash in blobs {
            if !own.is_empty() {
                let pushed = self
                    .own
                    .push
                    .push(&own, *hash, &self.store, &self.right, Some(job));
                if let Err(error) = pushed.await {
                    debug!(
                        job,
                        "the worker's own blob servers did not take a result: {error}"
                    );
                }
            }
            let pushed =
                self.strangers
                    .push
                    .push(&urls, *hash, &self.store, &self.right, Some(job));
            pushed.await.map_err(SupplyError::Servers)?;
            let path = self.store.path_of(*hash);
            let length = std::fs::metadata(&path).map(|metadata| metadata.len());
            bytes = bytes.saturating_add(length.unwrap_or_default());
        }
        Ok(bytes)
    }

    /// Takes a blob out of the folder.
    pub async fn remove(&self, hash: Hash) -> Result<(), BlobError> {
        let path = self.store.path_of(hash);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(BlobError::Io { path, source }),
            Ok(()) => Ok(()),
        }
    }
}

/// Whether servers of the owner's answer: of each, its address and what is wrong with it.
pub async fn examine_servers(
    servers: &[String],
) -> Result<Vec<(String, Option<String>)>, TransferError> {
    let clients = Clients::new(true)?;
    let mut found = Vec::new();
    for server in servers {
        // No blob has this name: a server that is well says that it does not have it.
        let asked = match server.parse() {
            Err(_) => Err("it is not an address".to_owned()),
            Ok(url) => match clients.fetch.has(&url, [0; 32]).await {
                Ok(_) => Ok(()),
                Err(failure) => Err(failure.reason.to_string()),
            },
        };
        found.push((server.clone(), asked.err()));
    }
    Ok(found)
}

fn addresses(servers: &[String]) -> Vec<Url> {
    servers
        .iter()
        .filter_map(|server| server.parse().ok())
        .collect()
}
