//! Where a server's blobs are: any object store, a folder among them.

use super::{
    garbage::InUse,
    locations::{location, stored_as, Kind, Listed, OUTBOARDS, UPLOADS, USED},
};
use crate::{
    channel_reader::ChannelReader,
    local::{at, place},
    store::is_full,
    tree::{write_outboard, Subtree, PAIR_BYTES},
    BlobError, Hash, LocalBlobStore,
};
use bytes::Bytes;
use futures::{stream, stream::BoxStream, StreamExt, TryStreamExt};
use object_store::{
    local::LocalFileSystem, path::Path as Location, ObjectStore, ObjectStoreExt, WriteMultipart,
};
use std::{
    error::Error,
    fs,
    future::ready,
    io,
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{io::AsyncReadExt, sync::mpsc, task};

/// As much is read at once.
const PAGE_BYTES: u64 = 1 << 20;

/// Why the storage fails.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The object store refuses.
    #[error("the object store failed: {0}")]
    Objects(#[from] object_store::Error),
    /// The disk refuses.
    #[error(transparent)]
    Disk(#[from] BlobError),
    /// A blob was changed after it was stored.
    #[error("blob {} does not have the hash that names it: upload it again", crate::hex_hash(.0))]
    Corrupt(Hash),
    /// Work on another thread ended without a result.
    #[error("work was broken off: {0}")]
    BrokenOff(#[from] task::JoinError),
}

impl StorageError {
    /// Whether a disk is full, or its owner's share of it.
    pub fn is_disk_full(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = match self {
            Self::Disk(error) => return error.is_disk_full(),
            Self::Objects(error) => Some(error),
            Self::Corrupt(_) | Self::BrokenOff(_) => None,
        };
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_full) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// Blobs in an object store, with what is needed to send them verified. Clones are the same
/// storage.
#[derive(Clone, Debug)]
pub struct Storage {
    objects: Arc<dyn ObjectStore>,
    /// The same in a folder of this machine.
    folder: Option<LocalBlobStore>,
    staging: PathBuf,
    pub(crate) in_use: Arc<InUse>,
}

impl Storage {
    /// The blobs of a folder. Other processes may put and get blobs in it meanwhile.
    pub fn in_folder(store: LocalBlobStore) -> Result<Self, StorageError> {
        let staging = store.folder().join(UPLOADS);
        let objects = LocalFileSystem::new_with_prefix(store.folder())?;
        Self::new(Arc::new(objects), Some(store), staging)
    }

    /// The blobs of an object store. Uploads are collected in `staging`, a folder of this machine
    /// that no other server uses.
    pub fn in_object_store(
        objects: Arc<dyn ObjectStore>,
        staging: impl Into<PathBuf>,
    ) -> Result<Self, StorageError> {
        Self::new(objects, None, staging.into())
    }

    fn new(
        objects: Arc<dyn ObjectStore>,
        folder: Option<LocalBlobStore>,
        staging: PathBuf,
    ) -> Result<Self, StorageError> {
        fs::create_dir_all(&staging).map_err(at(&staging))?;
        Ok(Self {
            objects,
            folder,
            staging,
            in_use: Arc::default(),
        })
    }

    /// Where uploads are until they are whole.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    /// The length of a blob, if it is here.
    pub(crate) async fn length(&self, hash: Hash) -> Result<Option<u64>, StorageError> {
        self.length_at(&location(None, &hash)).await
    }

    async fn length_at(&self, location: &Location) -> Result<Option<u64>, StorageError> {
        match self.objects.head(location).await {
            Ok(object) => Ok(Some(object.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Some bytes of a blob, in pieces.
    pub(crate) fn read(
        &self,
        hash: Hash,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes, StorageError>> {
        let objects = self.objects.clone();
        let location = location(None, &hash);
        let page_bytes = usize::try_from(PAGE_BYTES).unwrap_or(usize::MAX);
        let pages = range.clone().step_by(page_bytes).map(move |start| {
            let (objects, location) = (objects.clone(), location.clone());
            let page = start..start.saturating_add(PAGE_BYTES).min(range.end);
            async move { Ok(objects.get_range(&location, page).await?) }
        });
        // One page is read while another is sent.
        stream::iter(pages).buffered(2).boxed()
    }

    /// Some pairs of hashes of a blob's outboard.
    pub(crate) async fn read_outboard(
        &self,
        hash: Hash,
        pairs: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        let bytes = pairs.start.saturating_mul(PAIR_BYTES)..pairs.end.saturating_mul(PAIR_BYTES);
        let location = location(Some(OUTBOARDS), &hash);
        Ok(self.objects.get_range(&location, bytes).await?)
    }

    /// The pairs of hashes with these numbers, of a blob's outboard.
    pub(crate) async fn read_pairs(
        &self,
        hash: Hash,
        pairs: &[u64],
    ) -> Result<Vec<Bytes>, StorageError> {
        let range = |pair: &u64| {
            let start = pair.saturating_mul(PAIR_BYTES);
            start..start.saturating_add(PAIR_BYTES)
        };
        let ranges: Vec<_> = pairs.iter().map(range).collect();
        let location = location(Some(OUTBOARDS), &hash);
        Ok(self.objects.get_ranges(&location, &ranges).await?)
    }

    /// Whether a blob and its outboard are here, which means that it was checked once.
    pub(crate) async fn is_checked(&self, hash: Hash, length: u64) -> Result<bool, StorageError> {
        let outboard = self.length_at(&location(Some(OUTBOARDS), &hash)).await?;
        Ok(outboard == Some(Subtree::whole(length).pairs().saturating_mul(PAIR_BYTES)))
    }

    /// Checks a blob that somebody else stored and computes its outboard, if that was not done yet.
    pub(crate) async fn check(&self, hash: Hash, length: u64) -> Result<(), StorageError> {
        let one_at_a_time = self.in_use.of(hash);
        let _checking = one_at_a_time.checking.lock().await;
        if self.is_checked(hash, length).await? {
            return Ok(());
        }
        let (sender, receiver) = mpsc::channel(2);
        let staging = self.staging.clone();
        let hashing = task::spawn_blocking(move || {
            outboard_of(ChannelReader::new(receiver), length, &staging)
        });
        let mut pages = self.read(hash, 0..length);
        while let Some(page) = pages.try_next().await? {
            // The other end only goes away with an error, which it gives below.
            if sender.send(page).await.is_err() {
                break;
            }
        }
        drop(sender);
        let (found, outboard) = hashing.await??;
        if found != hash {
            return Err(StorageError::Corrupt(hash));
        }
        self.put(location(Some(OUTBOARDS), &hash), &outboard).await
    }

    /// Forgets that a blob was checked: whoever wants or uploads it next checks it anew.
    pub(crate) async fn doubt(&self, hash: Hash) -> Result<(), StorageError> {
        self.delete(&location(Some(OUTBOARDS), &hash)).await
    }

    /// Stores a blob from a file, which is checked. Says whether its hash is right; if not, the
    /// file stays.
    pub(crate) async fn place(
        &self,
        hash: Hash,
        length: u64,
        file: PathBuf,
    ) -> Result<bool, StorageError> {
        let (path, staging) = (file.clone(), self.staging.clone());
        let hashing = task::spawn_blocking(move || {
            let file = fs::File::open(&path).map_err(at(&path))?;
            file.sync_all().map_err(at(&path))?;
            outboard_of(file, length, &staging)
        });
        let (found, outboard) = hashing.await??;
        if found != hash {
            return Ok(false);
        }
        self.put(location(None, &hash), &file).await?;
        self.put(location(Some(OUTBOARDS), &hash), &outboard)
            .await?;
        // A folder took the file itself.
        match tokio::fs::remove_file(&file).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&file)(error).into()),
            _ => Ok(true),
        }
    }

    /// A small object as a whole, if it is here and no longer.
    pub(crate) async fn read_whole(
        &self,
        kind: Kind,
        name: Hash,
        max_bytes: u64,
    ) -> Result<Option<Bytes>, StorageError> {
        match self.objects.get(&location(kind.folder(), &name)).await {
            Ok(object) if object.meta.size > max_bytes => Ok(None),
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a small object as a whole, in place of what is there. Says whether there was none.
    pub(crate) async fn write_whole(
        &self,
        kind: Kind,
        name: Hash,
        bytes: Vec<u8>,
    ) -> Result<bool, StorageError> {
        let location = location(kind.folder(), &name);
        let is_new = self.length_at(&location).await?.is_none();
        let staging = self.staging.clone();
        let staged = task::spawn_blocking(move || {
            let mut file = tempfile::NamedTempFile::new_in(&staging).map_err(at(&staging))?;
            file.write_all(&bytes).map_err(at(file.path()))?;
            file.as_file().sync_all().map_err(at(file.path()))?;
            Ok::<_, StorageError>(file.into_temp_path())
        });
        self.put(location, &staged.await??).await?;
        Ok(is_new)
    }

    async fn put(&self, location: Location, file: &Path) -> Result<(), StorageError> {
        if let Some(store) = &self.folder {
            let target = store.folder().join(location.as_ref());
            let file = file.to_path_buf();
            return Ok(task::spawn_blocking(move || place(&file, &target)).await??);
        }
        let mut upload = WriteMultipart::new(self.objects.put_multipart(&location).await?);
        let read = |source| StorageError::from(at(file)(source));
        let mut reader = tokio::fs::File::open(file).await.map_err(read)?;
        let mut page = vec![0; usize::try_from(PAGE_BYTES).unwrap_or_default()];
        loop {
            match reader.read(&mut page).await.map_err(read)? {
                0 => break,
                bytes => upload.write(page.get(..bytes).unwrap_or_default()),
            }
            upload.wait_for_capacity(2).await?;
        }
        upload.finish().await?;
        Ok(())
    }

    /// Remembers that a blob was used just now.
    pub(crate) async fn mark_used(&self, hash: Hash) {
        self.mark(Kind::Blob, hash).await;
    }

    /// Remembers that something was used just now.
    pub(crate) async fn mark(&self, kind: Kind, name: Hash) {
        let marked = match &self.folder {
            Some(store) => {
                let location = location(kind.folder(), &name);
                let path = store.folder().join(location.as_ref());
                let touch = move || {
                    let file = fs::File::open(path)?;
                    file.set_modified(std::time::SystemTime::now())
                };
                matches!(task::spawn_blocking(touch).await, Ok(Ok(())))
            }
            None => {
                let location = location(Some(USED), &name);
                self.objects
                    .put(&location, Bytes::new().into())
                    .await
                    .is_ok()
            }
        };
        if !marked {
            tracing::warn!(blob = crate::hex_hash(&name), "could not note its last use");
        }
    }

    /// All blobs and advice lists together.
    pub async fn total_bytes(&self) -> Result<u64, StorageError> {
        let bytes = self
            .objects
            .list(None)
            .try_fold(0_u64, |sum, object| async move {
                let counts = matches!(stored_as(&object.location), Some((Some(_), _)));
                Ok(sum.saturating_add(if counts { object.size } else { 0 }))
            });
        Ok(bytes.await?)
    }

    /// Everything that is stored under a name, and the notes of its last use.
    pub(crate) fn list(&self) -> BoxStream<'static, Result<Listed, StorageError>> {
        let objects = self.objects.list(None).map_err(StorageError::from);
        objects
            .try_filter_map(|object| ready(Ok(Listed::of(object))))
            .boxed()
    }

    /// Removes something and what belongs to it.
    pub(crate) async fn remove(&self, kind: Kind, name: Hash) -> Result<(), StorageError> {
        let also = match kind {
            Kind::Blob => &[OUTBOARDS, USED][..],
            Kind::AdviceList => &[USED],
        };
        self.delete(&location(kind.folder(), &name)).await?;
        for folder in also {
            self.delete(&location(Some(folder), &name)).await?;
        }
        Ok(())
    }

    async fn delete(&self, location: &Location) -> Result<(), StorageError> {
        match self.objects.delete(location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Computes an outboard into a file, and the hash of what was read.
fn outboard_of(
    data: impl io::Read,
    length: u64,
    staging: &Path,
) -> Result<(Hash, tempfile::TempPath), StorageError> {
    let file = tempfile::NamedTempFile::new_in(staging).map_err(at(staging))?;
    let written = file
        .reopen()
        .and_then(|outboard| {
            write_outboard(
                io::BufReader::with_capacity(1 << 18, data),
                length,
                outboard,
            )
        })
        .map_err(at(file.path()))?;
    file.as_file().sync_all().map_err(at(file.path()))?;
    Ok((written, file.into_temp_path()))
}
