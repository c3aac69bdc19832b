//! The folder of blobs and the blob servers as a source of an audit.

use super::{
    gathering::{Source, SourceError},
    housekeeping::Brought,
};
use crate::supply::{Supply, SupplyError};
use mizan_blobs::BlobStore;
use mizan_client::Hash;
use mizan_tensor::Blob;
use std::{fs::File, future::Future};
use tokio::time::{timeout_at, Instant};

/// Slices of a larger blob come from servers, which keep its hashes, before they come from the
/// folder, where all of it is hashed for each.
const LARGE_BYTES: u64 = 64 << 20;

/// What the folder has, what the servers of the job have, and what the auditor's own have.
pub struct Servers<'a> {
    /// Folder and servers.
    pub supply: &'a Supply,
    /// The servers that the job names.
    pub named: &'a [String],
    /// Where it is written down what was brought into the folder.
    pub brought: &'a Brought,
    /// Servers are not waited for any longer: time must be left to demand what they do not give.
    pub until: Instant,
}

impl From<SupplyError> for SourceError {
    fn from(error: SupplyError) -> Self {
        let may_pass = error.may_pass();
        match (error, may_pass) {
            (SupplyError::Folder(error), None) => Self::Folder(error),
            (error, may_pass) => Self::Missing {
                reason: error.to_string(),
                may_pass: may_pass.unwrap_or(true),
            },
        }
    }
}

impl Servers<'_> {
    async fn in_time<T>(
        &self,
        given: impl Future<Output = Result<T, SupplyError>>,
    ) -> Result<T, SourceError> {
        let late = |_| SourceError::Missing {
            reason: "it did not come in time".into(),
            may_pass: false,
        };
        Ok(timeout_at(self.until, given).await.map_err(late)??)
    }

    /// A blob from the folder, or in time from servers; and notes that it is needed.
    async fn noted<T>(
        &self,
        hash: Hash,
        got: impl Future<Output = Result<(T, bool), SupplyError>>,
    ) -> Result<T, SourceError> {
        let (found, new) = match self.has(hash).await {
            true => got.await?,
            false => self.in_time(got).await?,
        };
        if new {
            self.brought.note(hash);
        } else {
            self.brought.used(hash);
        }
        Ok(found)
    }

    /// From the folder.
    async fn here(&self, blob: Blob, start: u64, length: u32) -> Result<Vec<u8>, SourceError> {
        let store = &self.supply.store;
        let slice = store.slice(blob.hash, blob.length, start, length).await;
        Ok(slice.map_err(SupplyError::Folder)?)
    }
}

impl Source for Servers<'_> {
    async fn slice(&self, blob: Blob, start: u64, length: u32) -> Result<Vec<u8>, SourceError> {
        if !self.supply.has_servers(self.named) {
            return self.here(blob, start, length).await;
        }
        let is_large = blob.length > LARGE_BYTES;
        if !is_large {
            match self.here(blob, start, length).await {
                Err(SourceError::Missing { .. }) => {}
                found => return found,
            }
        }
        let given = self.supply.slice(self.named, blob, start, length);
        match self.in_time(given).await {
            Err(missing) if is_large => {
                let here = self.here(blob, start, length).await;
                here.map_err(|_| missing)
            }
            given => given,
        }
    }

    async fn whole(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let got = self.supply.get(self.named, hash, max_bytes);
        self.noted(hash, got).await
    }

    async fn file(&self, hash: Hash, max_bytes: u64) -> Result<(File, u64), SourceError> {
        let opened = self.supply.open(self.named, hash, max_bytes);
        self.noted(hash, opened).await
    }

    async fn has(&self, hash: Hash) -> bool {
        self.supply.store.contains(hash).await.unwrap_or(false)
    }

    async fn other_lengths(&self, blob: Blob) -> Vec<u64> {
        let here = self.has(blob.hash).await;
        let lengths = self.supply.other_lengths(self.named, blob);
        let lengths = timeout_at(self.until, lengths).await.unwrap_or_default();
        if !here && self.has(blob.hash).await {
            self.brought.note(blob.hash);
        }
        lengths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CacheLimits;
    use mizan_blobs::{BlobServer, LocalBlobStore, Nobody, Settings, Storage};
    use mizan_tensor::{hash_bytes, read_slice};
    use std::time::Duration;

    const BYTES: [u8; 5_000] = [7; 5_000];

    /// A folder with nothing in it, and a server that has one blob.
    struct Place {
        supply: Supply,
        brought: Brought,
        server: String,
        _folder: tempfile::TempDir,
    }

    impl Place {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let served = LocalBlobStore::open(folder.path().join("served")).unwrap();
            served.put(&BYTES).await.unwrap();
            let storage = Storage::in_folder(served).unwrap();
            let address = "127.0.0.1:0".parse().unwrap();
            let bound = BlobServer::bind(address, storage, Settings::default(), Box::new(Nobody));
            let server = bound.await.unwrap();
            let url = format!("http://{}", server.address());
            tokio::spawn(server.run(std::future::pending()));
            let store = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
            let key = mizan_client::keys::parse_key("//Alice").unwrap();
            let limits = CacheLimits {
                bytes: 0,
                age: Duration::ZERO,
            };
            Self {
                supply: Supply::new(store, Vec::new(), true, key).unwrap(),
                brought: Brought::open(folder.path(), limits).unwrap(),
                server: url,
                _folder: folder,
            }
        }

        fn source<'a>(&'a self, named: &'a [String], patience: Duration) -> Servers<'a> {
            Servers {
                supply: &self.supply,
                named,
                brought: &self.brought,
                until: Instant::now() + patience,
            }
        }
    }

    fn blob(length: u64) -> Blob {
        Blob {
            hash: hash_bytes(&BYTES),
            length,
        }
    }

    #[tokio::test]
    async fn slices_come_from_servers_and_whole_blobs_stay_in_the_folder() {
        let place = Place::new().await;
        let named = [place.server.clone()];
        let (online, offline) = (
            place.source(&named, Duration::from_secs(20)),
            place.source(&[], Duration::ZERO),
        );
        let missing = offline.slice(blob(5_000), 2_000, 10).await;
        assert!(matches!(
            missing,
            Err(SourceError::Missing {
                may_pass: false,
                ..
            })
        ));
        let slice = online.slice(blob(5_000), 2_000, 10).await.unwrap();
        let read = read_slice(&mut &slice[..], &blob(5_000), 2_000, 10);
        assert_eq!(read.unwrap(), [7; 10]);
        assert!(!online.has(blob(0).hash).await);
        // It takes connections and never answers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = [format!("http://{}", listener.local_addr().unwrap())];
        let late = place.source(&silent, Duration::from_millis(50));
        let late = late.whole(blob(0).hash, 5_000).await;
        assert!(matches!(
            late,
            Err(SourceError::Missing {
                may_pass: false,
                ..
            })
        ));
        let (file, length) = online.file(blob(0).hash, 5_000).await.unwrap();
        let mut read = [0; 5_000];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut read, 0).unwrap();
        assert!(read == BYTES && length == 5_000);
        assert_eq!(online.whole(blob(0).hash, 5_000).await.unwrap(), BYTES);
        assert_eq!(offline.slice(blob(5_000), 2_000, 10).await.unwrap(), slice);
    }

    #[tokio::test]
    async fn servers_tell_a_length_that_is_not_the_right_one() {
        for expected in [4_000, 6_000] {
            let place = Place::new().await;
            let named = [place.server.clone()];
            let source = place.source(&named, Duration::from_secs(20));
            assert_eq!(source.other_lengths(blob(expected)).await, [5_000]);
            let last = source.slice(blob(5_000), 4_096, 904).await;
            assert!(last.is_ok(), "{last:?}");
        }
        let place = Place::new().await;
        let named = [place.server.clone()];
        let source = place.source(&named, Duration::from_secs(20));
        assert!(source.other_lengths(blob(5_000)).await.is_empty());
        assert!(!source.has(blob(0).hash).await);
    }
}
