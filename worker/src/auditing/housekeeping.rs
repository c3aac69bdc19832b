//! Files that an auditor keeps, and when they go.

use super::AuditError;
use crate::{
    cache::{superfluous, wall_clock_seconds, CacheLimits},
    journal::CachedBlob,
    keystore::private_folder,
};
use mizan_blobs::LocalBlobStore;
use mizan_client::{hex_hash, parse_hash, Hash};
use std::{
    collections::BTreeSet,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use tracing::warn;

fn at(path: &Path) -> impl FnOnce(io::Error) -> AuditError {
    let path = path.to_path_buf();
    move |source| AuditError::File { path, source }
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// A folder of what receipts were made of: a file for each, named after job and receipt.
#[derive(Clone, Debug)]
pub struct ReceiptFolder(PathBuf);

impl ReceiptFolder {
    /// The folder in the auditor's data.
    pub fn open(data: &Path) -> Result<Self, AuditError> {
        let folder = data.join("receipts");
        private_folder(&folder).map_err(at(&folder))?;
        Ok(Self(folder))
    }

    fn path(&self, job: u64, receipt: &Hash) -> PathBuf {
        self.0.join(format!("{job}-{}", hex_hash(receipt)))
    }

    /// Writes what a receipt was made of. It is on the disk when this returns.
    pub fn keep(&self, job: u64, receipt: &Hash, bytes: &[u8]) -> Result<(), AuditError> {
        let path = self.path(job, receipt);
        let unfinished = path.with_extension("new");
        let written = fs::File::create(&unfinished).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(at(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(at(&path))
    }

    /// What a receipt was made of, if it is here.
    pub fn get(&self, job: u64, receipt: &Hash) -> Option<Vec<u8>> {
        fs::read(self.path(job, receipt)).ok()
    }

    /// Removes what belongs to other jobs than those for which the auditor still answers.
    pub fn sweep(&self, jobs: &[u64]) {
        for name in names(&self.0) {
            let job = name.split('-').next().and_then(|job| job.parse().ok());
            if job.is_some_and(|job| !jobs.contains(&job)) {
                let _ = fs::remove_file(self.0.join(name));
            }
        }
    }
}

/// Which blobs the auditor itself brought into the folder of blobs: an empty file for each, whose
/// time is that of the last use.
#[derive(Clone, Debug)]
pub struct Brought {
    folder: PathBuf,
    limits: CacheLimits,
}

impl Brought {
    /// The folder in the auditor's data.
    pub fn open(data: &Path, limits: CacheLimits) -> Result<Self, AuditError> {
        let folder = data.join("brought");
        private_folder(&folder).map_err(at(&folder))?;
        Ok(Self { folder, limits })
    }

    fn path(&self, hash: Hash) -> PathBuf {
        self.folder.join(hex_hash(&hash))
    }

    /// A blob was brought. A blob that can't be noted stays for ever, which is no reason to fail.
    pub fn note(&self, hash: Hash) {
        if let Err(error) = fs::write(self.path(hash), b"") {
            warn!("{} stays in the folder of blobs: {error}", hex_hash(&hash));
        }
    }

    /// A blob was used.
    pub fn used(&self, hash: Hash) {
        let file = fs::OpenOptions::new().write(true).open(self.path(hash));
        if let Ok(file) = file {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Removes blobs that no audit needs and that are too old or too many.
    pub fn sweep(&self, store: &LocalBlobStore, held: &BTreeSet<Hash>) {
        let blobs: Vec<_> = names(&self.folder)
            .filter_map(|name| parse_hash(&name))
            .map(|hash| {
                let modified = fs::metadata(self.path(hash)).and_then(|file| file.modified());
                let used = modified
                    .ok()
                    .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let bytes = fs::metadata(store.path_of(hash)).map(|file| file.len());
                let blob = CachedBlob {
                    bytes: bytes.unwrap_or_default(),
                    used_seconds: used.map_or(0, |used| used.as_secs()),
                };
                (hash, blob)
            })
            .collect();
        for hash in superfluous(&blobs, held, self.limits, wall_clock_seconds()) {
            let _ = fs::remove_file(store.path_of(hash));
            let _ = fs::remove_file(self.path(hash));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_blobs::BlobStore;
    use std::time::Duration;

    #[test]
    fn receipts_are_kept_until_their_job_has_ended() {
        let data = tempfile::tempdir().unwrap();
        let folder = ReceiptFolder::open(data.path()).unwrap();
        folder.keep(7, &[1; 32], b"seven").unwrap();
        folder.keep(8, &[1; 32], b"eight").unwrap();
        let again = ReceiptFolder::open(data.path()).unwrap();
        assert_eq!(again.get(7, &[1; 32]), Some(b"seven".to_vec()));
        assert_eq!(again.get(7, &[2; 32]), None);
        again.sweep(&[8]);
        assert_eq!(again.get(7, &[1; 32]), None);
        assert_eq!(again.get(8, &[1; 32]), Some(b"eight".to_vec()));
    }

    #[tokio::test]
    async fn only_blobs_that_the_auditor_brought_and_no_audit_needs_go() {
        let data = tempfile::tempdir().unwrap();
        let store = LocalBlobStore::open(data.path().join("blobs")).unwrap();
        let limits = CacheLimits {
            bytes: 0,
            age: Duration::from_secs(1_000),
        };
        let brought = Brought::open(data.path(), limits).unwrap();
        let mut hashes = Vec::new();
        for blob in [b"needed", b"nobody", b"others"] {
            hashes.push(store.put(blob).await.unwrap());
        }
        brought.note(hashes[0]);
        brought.note(hashes[1]);
        brought.sweep(&store, &BTreeSet::from([hashes[0]]));
        let mut there = Vec::new();
        for hash in &hashes {
            there.push(store.contains(*hash).await.unwrap());
        }
        assert_eq!(there, [true, false, true]);
    }
}
