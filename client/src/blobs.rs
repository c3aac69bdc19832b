//! Blobs: bytes that are named by their BLAKE3 hash, so that it does not matter who gives them.
//!
//! A requester puts a job's inputs, a worker gets them and puts outputs and trace. Whoever gets a
//! blob checks the hash, here on every read.

use crate::hex_hash;
use mizan_tensor::{hash_bytes, Hash};
use std::{
    fs, future, io,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A place where blobs are kept.
pub trait BlobStore: Send + Sync {
    /// The bytes of a blob, checked, if they are no more than `max_bytes`.
    fn get(
        &self,
        hash: Hash,
        max_bytes: u64,
    ) -> impl future::Future<Output = Result<Vec<u8>, BlobError>> + Send;

    /// Keeps a blob and gives its hash. Putting the same bytes again changes nothing.
    fn put(&self, bytes: &[u8]) -> impl future::Future<Output = Result<Hash, BlobError>> + Send;

    /// Whether the store has something of that name. Only [`get`](Self::get) says if it is whole.
    fn contains(&self, hash: Hash) -> impl future::Future<Output = Result<bool, BlobError>> + Send;
}

/// Why a blob can't be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store does not have it.
    #[error("blob {} is not here", hex_hash(.0))]
    Missing(Hash),
    /// It is longer than whoever asks expects.
    #[error("blob {} has {bytes} bytes, more than {limit}", hex_hash(hash))]
    TooLarge {
        /// Its name.
        hash: Hash,
        /// Its length.
        bytes: u64,
        /// The most that was expected.
        limit: u64,
    },
    /// The bytes do not have the hash that names them.
    #[error("{} does not have the hash that names it: remove it and fetch it again", .0.display())]
    Corrupt(PathBuf),
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Blobs in a folder: `DIR/ab/cd/abcd..` by the hash in hex.
///
/// Several processes may share a folder. A file appears under its name only when it is whole and
/// on the disk.
#[derive(Clone, Debug)]
pub struct LocalBlobStore {
    folder: PathBuf,
}

/// Where files are before they are whole.
const INCOMING: &str = "incoming";
/// A file left there for longer belongs to a process that died.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

impl LocalBlobStore {
    /// The store in that folder, which is made if needed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let store = Self {
            folder: folder.into(),
        };
        let incoming = store.folder.join(INCOMING);
        fs::create_dir_all(&incoming).map_err(at(&incoming))?;
        remove_abandoned(&incoming).map_err(at(&incoming))?;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a blob is or would be.
    pub fn path_of(&self, hash: Hash) -> PathBuf {
        let name = hex::encode(hash);
        let (first, rest) = name.split_at(2);
        self.folder.join(first).join(&rest[..2]).join(&name)
    }

    fn read(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, BlobError> {
        let path = self.path_of(hash);
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlobError::Missing(hash))
            }
            file => file.map_err(at(&path))?,
        };
        let bytes = file.metadata().map_err(at(&path))?.len();
        if bytes > max_bytes {
            return Err(BlobError::TooLarge {
                hash,
                bytes,
                limit: max_bytes,
            });
        }
        let mut blob = Vec::new();
        file.take(max_bytes)
            .read_to_end(&mut blob)
            .map_err(at(&path))?;
        if hash_bytes(&blob) == hash {
            Ok(blob)
        } else {
            Err(BlobError::Corrupt(path))
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<Hash, BlobError> {
        let hash = hash_bytes(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.read(hash, length).is_ok() {
            return Ok(hash);
        }
        let path = self.path_of(hash);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut file = self.incoming().map_err(at(&self.folder))?;
        file.write_all(bytes).map_err(at(file.path()))?;
        file.as_file().sync_all().map_err(at(file.path()))?;
        file.persist(&path)
            .map_err(|error| at(&path)(error.error))?;
        // The name must be on the disk too, and those of folders just made.
        for folder in folder.ancestors().take(3) {
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(at(folder))?;
        }
        Ok(hash)
    }

    fn incoming(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Blobs are public; the process's own mask still applies.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o644));
        }
        builder.tempfile_in(self.folder.join(INCOMING))
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || work(store)).await {
            Ok(result) => result,
            Err(error) => Err(at(&self.folder)(io::Error::other(error))),
        }
    }
}

impl BlobStore for LocalBlobStore {
    async fn get(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, BlobError> {
        self.off_thread(move |store| store.read(hash, max_bytes))
            .await
    }

    async fn put(&self, bytes: &[u8]) -> Result<Hash, BlobError> {
        let bytes = bytes.to_vec();
        self.off_thread(move |store| store.write(&bytes)).await
    }

    async fn contains(&self, hash: Hash) -> Result<bool, BlobError> {
        self.off_thread(move |store| {
            let path = store.path_of(hash);
            path.try_exists().map_err(at(&path))
        })
        .await
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.to_path_buf();
    move |source| BlobError::Io { path, source }
}

fn remove_abandoned(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        // Another process may just have renamed it.
        let Ok(changed) = entry.metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        if SystemTime::now()
            .duration_since(changed)
            .is_ok_and(|age| age > ABANDONED)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, LocalBlobStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn what_is_put_can_be_got_by_its_hash() {
        let (_folder, store) = store();
        for bytes in [&b""[..], b"hello", &[7; 100_000]] {
            let hash = store.put(bytes).await.unwrap();
            assert_eq!(hash, hash_bytes(bytes));
            assert!(store.contains(hash).await.unwrap());
            assert_eq!(store.get(hash, bytes.len() as u64).await.unwrap(), bytes);
            assert_eq!(store.put(bytes).await.unwrap(), hash);
        }
        let incoming = fs::read_dir(store.folder().join(INCOMING)).unwrap();
        assert_eq!(incoming.count(), 0);
    }

    #[tokio::test]
    async fn a_file_is_two_folders_deep_under_its_hash_in_hex() {
        let (_folder, store) = store();
        let hash = store.put(b"hello").await.unwrap();
        let name = hex::encode(hash);
        let path = store
            .folder()
            .join(&name[..2])
            .join(&name[2..4])
            .join(&name);
        assert_eq!(store.path_of(hash), path);
        assert_eq!(fs::read(path).unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_blob_that_is_not_here_is_missing() {
        let (_folder, store) = store();
        assert!(!store.contains([1; 32]).await.unwrap());
        let refused = store.get([1; 32], 10).await.unwrap_err();
        assert!(matches!(refused, BlobError::Missing(hash) if hash == [1; 32]));
    }

    #[tokio::test]
    async fn a_blob_longer_than_expected_is_not_read() {
        let (_folder, store) = store();
        let hash = store.put(b"hello").await.unwrap();
        let refused = store.get(hash, 4).await.unwrap_err();
        assert!(matches!(
            refused,
            BlobError::TooLarge {
                bytes: 5,
                limit: 4,
                ..
            }
        ));
    }

    #[tokio::test]
    async fn a_changed_file_is_named_and_putting_it_again_repairs_it() {
        let (_folder, store) = store();
        let hash = store.put(b"hello").await.unwrap();
        let path = store.path_of(hash);
        fs::write(&path, b"jello").unwrap();
        let refused = store.get(hash, 5).await.unwrap_err();
        assert!(matches!(refused, BlobError::Corrupt(named) if named == path));
        store.put(b"hello").await.unwrap();
        assert_eq!(store.get(hash, 5).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_folder_in_the_way_is_an_error_of_the_system() {
        let (_folder, store) = store();
        fs::create_dir_all(store.path_of(hash_bytes(b"hello"))).unwrap();
        let refused = store.put(b"hello").await.unwrap_err();
        assert!(matches!(refused, BlobError::Io { .. }), "{refused}");
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(
            LocalBlobStore::open(file.path()),
            Err(BlobError::Io { .. })
        ));
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_new_files_are_not() {
        let (_folder, store) = store();
        let incoming = store.folder().join(INCOMING);
        let (old, new) = (incoming.join("old"), incoming.join("new"));
        fs::write(&new, b"x").unwrap();
        let file = fs::File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - 2 * ABANDONED)
            .unwrap();
        LocalBlobStore::open(store.folder()).unwrap();
        assert!(!old.exists() && new.exists());
    }
}
