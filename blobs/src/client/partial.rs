//! A download that is not whole yet: a file that outlives the process.

use crate::{
    local::{at, place},
    tree::GROUP_BYTES,
    BlobError, Hash, LocalBlobStore,
};
use std::{
    fs,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How often a download by somebody else is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// The start of a blob, in a file that nobody else writes to.
pub(super) struct Partial {
    pub(super) file: Arc<File>,
    path: PathBuf,
    /// The first byte to ask for. What is before comes from the file and is believed only after
    /// it was checked.
    pub(super) from: u64,
    /// As much is checked.
    pub(super) verified: u64,
}

impl Partial {
    /// Opens or makes the file. While somebody else downloads the same blob into the same store it
    /// waits for the end of that, and gives nothing if the blob is there then.
    pub(super) async fn open(
        store: &LocalBlobStore,
        hash: Hash,
        max_bytes: u64,
    ) -> Result<Result<Self, u64>, BlobError> {
        loop {
            let opened = store.off_thread(move |store| {
                match store.check(hash, max_bytes) {
                    // What is not right is fetched again.
                    Err(BlobError::Missing(_) | BlobError::Corrupt(_)) => {}
                    length => return Ok(Some(Err(length?))),
                }
                Ok(Self::try_open(&store.partial_path_of(hash))?.map(Ok))
            });
            if let Some(opened) = opened.await? {
                return Ok(opened);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn try_open(path: &Path) -> Result<Option<Self>, BlobError> {
        let mut options = fs::OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(at(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
            Ok(()) => {}
        }
        // Whoever had it may have given the file its name as a blob since it was opened.
        if !is_same(&file, path) {
            return Ok(None);
        }
        let length = file.metadata().map_err(at(path))?.len();
        // At least one group is fetched: that brings the hashes to check the others.
        let last = length.saturating_sub(1);
        Ok(Some(Self {
            file: Arc::new(file),
            path: path.to_path_buf(),
            from: last.saturating_sub(last % GROUP_BYTES),
            verified: 0,
        }))
    }

    /// Gives the whole blob its name.
    pub(super) async fn finish(
        self,
        store: &LocalBlobStore,
        hash: Hash,
        length: u64,
    ) -> Result<(), BlobError> {
        store
            .off_thread(move |store| {
                let Self { file, path, .. } = self;
                // An earlier run may have left more.
                file.set_len(length).map_err(at(&path))?;
                file.sync_all().map_err(at(&path))?;
                place(&path, &store.path_of(hash))
            })
            .await
    }

    pub(super) fn failed(&self, error: std::io::Error) -> BlobError {
        at(&self.path)(error)
    }
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}
