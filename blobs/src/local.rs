//! Blobs in a folder that several processes may share.

use crate::{name::path_parts, BlobError, BlobStore};
use mizan_tensor::{hash_bytes, Hash};
use std::{
    fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

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
/// Downloads that stopped half-way and can go on, by the hash in hex.
const PARTIAL: &str = "partial";
/// A file left there for longer belongs to a process that died.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

impl LocalBlobStore {
    /// The store in that folder, which is made if needed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let store = Self {
            folder: folder.into(),
        };
        for folder in [INCOMING, PARTIAL] {
            let folder = store.folder.join(folder);
            fs::create_dir_all(&folder).map_err(at(&folder))?;
            remove_abandoned(&folder).map_err(at(&folder))?;
        }
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a blob is or would be.
    pub fn path_of(&self, hash: Hash) -> PathBuf {
        self.folder
            .join(path_parts(&hash).iter().collect::<PathBuf>())
    }

    /// Where a download is until it is whole.
    pub(crate) fn partial_path_of(&self, hash: Hash) -> PathBuf {
        self.folder.join(PARTIAL).join(hex::encode(hash))
    }

    /// The length of a blob, whose bytes are checked without holding them all in memory.
    pub(crate) fn check(&self, hash: Hash, max_bytes: u64) -> Result<u64, BlobError> {
        Ok(self.checked(hash, max_bytes)?.1)
    }

    /// The file of a blob, whose bytes are checked without holding them all in memory, and its
    /// length. It stays readable when the blob is taken out. Its position is behind the last byte.
    ///
    /// Errors are those of [`BlobStore::get`].
    pub async fn open_checked(
        &self,
        hash: Hash,
        max_bytes: u64,
    ) -> Result<(fs::File, u64), BlobError> {
        self.off_thread(move |store| store.checked(hash, max_bytes))
            .await
    }

    fn checked(&self, hash: Hash, max_bytes: u64) -> Result<(fs::File, u64), BlobError> {
        let (path, file, bytes) = self.open_blob(hash, max_bytes)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&file).map_err(at(&path))?;
        if hasher.count() == bytes && hasher.finalize() == hash {
            Ok((file, bytes))
        } else {
            Err(BlobError::Corrupt(path))
        }
    }

    /// A blob's file, open, and its length.
    pub(crate) fn open_blob(
        &self,
        hash: Hash,
        max_bytes: u64,
    ) -> Result<(PathBuf, fs::File, u64), BlobError> {
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
        // Garbage collection goes by the last use. Who may only read can't say so, which is fine.
        let _ = file.set_modified(SystemTime::now());
        Ok((path, file, bytes))
    }

    fn read(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, BlobError> {
        let (path, file, _) = self.open_blob(hash, max_bytes)?;
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

    /// [`BlobStore::put`] for bytes whose hash the caller has just computed. Under a wrong one they
    /// could not be read, for reading checks it.
    pub async fn put_hashed(&self, hash: Hash, bytes: Vec<u8>) -> Result<(), BlobError> {
        self.off_thread(move |store| store.write(hash, &bytes))
            .await
    }

    /// Takes a blob out, and what came of a download of it that is not whole. No error if there is
    /// neither.
    pub async fn remove(&self, hash: Hash) -> Result<(), BlobError> {
        let remove = move |store: Self| {
            for path in [store.path_of(hash), store.partial_path_of(hash)] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(at(&path)(error))
                    }
                    _ => {}
                }
            }
            Ok(())
        };
        self.off_thread(remove).await
    }

    fn write(&self, hash: Hash, bytes: &[u8]) -> Result<(), BlobError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.read(hash, length).is_ok() {
            return Ok(());
        }
        let mut file = self.incoming().map_err(at(&self.folder))?;
        file.write_all(bytes).map_err(at(file.path()))?;
        file.as_file().sync_all().map_err(at(file.path()))?;
        place(&file.into_temp_path(), &self.path_of(hash))
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

    pub(crate) async fn off_thread<T: Send + 'static>(
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
        let write = move |store: Self| {
            let hash = hash_bytes(&bytes);
            store.write(hash, &bytes).map(|()| hash)
        };
        self.off_thread(write).await
    }

    async fn contains(&self, hash: Hash) -> Result<bool, BlobError> {
        self.off_thread(move |store| {
            let path = store.path_of(hash);
            path.try_exists().map_err(at(&path))
        })
        .await
    }
}

/// Gives a whole file, which is on the disk, the name `path`.
pub(crate) fn place(file: &Path, path: &Path) -> Result<(), BlobError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(at(folder))?;
    fs::rename(file, path).map_err(at(path))?;
    // The name must be on the disk too, and those of folders just made.
    for folder in folder.ancestors().take(3) {
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(at(folder))?;
    }
    Ok(())
}

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
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
    async fn bytes_put_under_another_hash_can_not_be_got() {
        let (_folder, store) = store();
        let hash = hash_bytes(b"hello");
        store.put_hashed(hash, b"jello".into()).await.unwrap();
        let refused = store.get(hash, 5).await.unwrap_err();
        assert!(matches!(refused, BlobError::Corrupt(_)), "{refused}");
        store.put_hashed(hash, b"hello".into()).await.unwrap();
        assert_eq!(store.get(hash, 5).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_blob_that_is_taken_out_is_gone_with_its_download() {
        let (_folder, store) = store();
        let hash = store.put(b"hello").await.unwrap();
        fs::write(store.partial_path_of(hash), b"hel").unwrap();
        for _ in 0..2 {
            store.remove(hash).await.unwrap();
            assert!(!store.contains(hash).await.unwrap());
            assert!(!store.partial_path_of(hash).exists());
        }
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
    async fn a_checked_file_is_read_even_after_its_blob_is_taken_out() {
        let (_folder, store) = store();
        let bytes = vec![7; 100_000];
        let hash = store.put(&bytes).await.unwrap();
        let (file, length) = store.open_checked(hash, 100_000).await.unwrap();
        store.remove(hash).await.unwrap();
        let mut read = vec![0; 100_000];
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut read, 0).unwrap();
        assert!(length == 100_000 && read == bytes);
        let gone = store.open_checked(hash, 100_000).await.unwrap_err();
        assert!(matches!(gone, BlobError::Missing(named) if named == hash));
        store.put(&bytes).await.unwrap();
        let long = store.open_checked(hash, 99_999).await.unwrap_err();
        assert!(matches!(long, BlobError::TooLarge { .. }));
        fs::write(store.path_of(hash), &read[1..]).unwrap();
        let damaged = store.open_checked(hash, 100_000).await.unwrap_err();
        assert!(matches!(damaged, BlobError::Corrupt(_)));
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
