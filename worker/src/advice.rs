//! Advice: the accumulators of a result, for an auditor that checks all of it.
//!
//! An auditor of a whole job executes it again, unless it is given what the linear operations added
//! up to before bias and scaling: that it can check for far less. Nobody has to give it, and nobody
//! is paid for it; it shortens the time until the job settles. So whatever goes wrong is logged and
//! has no other consequence, paid jobs go first, and only one result is advised on at a time.
//!
//! The accumulators are computed anew from what the worker holds for the job in any case, operation
//! after operation, and go to the blob servers of the job and the worker's own. Last goes the list
//! under which an auditor finds them.

mod book;
mod making;

pub use book::{AdviceBook, AdviceKey};
pub(crate) use making::{give, wanted, Audited};
pub use making::{AdviceError, Given};

use mizan_blobs::{BlobError, LocalBlobStore};
use mizan_engine::CpuExecutor;
use std::{fs, io, path::Path};

/// What computes advice, and where it lies until blob servers have it.
#[derive(Debug)]
pub struct Advisor {
    executor: CpuExecutor,
    passing: LocalBlobStore,
}

impl Advisor {
    /// With an executor, and a folder in the worker's data.
    pub fn new(executor: CpuExecutor, data: &Path) -> Result<Self, BlobError> {
        let passing = passing_folder(data)?;
        Ok(Self { executor, passing })
    }
}

/// A folder for accumulators that only pass through. What an earlier process left there goes.
pub fn passing_folder(data: &Path) -> Result<LocalBlobStore, BlobError> {
    let path = data.join("advice");
    match fs::remove_dir_all(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(BlobError::Io { path, source })
        }
        _ => LocalBlobStore::open(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_blobs::BlobStore;

    #[tokio::test]
    async fn what_a_process_that_ended_left_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let first = passing_folder(data.path()).unwrap();
        let hash = first.put(b"left").await.unwrap();
        let again = passing_folder(data.path()).unwrap();
        assert!(!again.contains(hash).await.unwrap());
    }
}
