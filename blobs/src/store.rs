//! What every store of blobs can do, and how it fails.

use crate::hex_hash;
use mizan_tensor::Hash;
use std::{future, io, path::PathBuf};

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

impl BlobError {
    /// Whether the disk is full, or its owner's share of it.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_full(source))
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
