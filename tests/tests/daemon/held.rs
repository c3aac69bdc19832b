//! A blob that a worker begins to read and can't finish before the test lets it.

use anyhow::{ensure, Context, Result};
use mizan_client::blobs::LocalBlobStore;
use mizan_client::Hash;
use mizan_tests::wait::{until, Deadline};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

/// `O_NONBLOCK`: opening a pipe for writing fails while nobody reads it.
const DO_NOT_WAIT: i32 = 0o4000;

/// A named pipe in the place of a blob.
pub(crate) struct HeldBlob {
    bytes: Vec<u8>,
    path: PathBuf,
    hash: Hash,
}

impl HeldBlob {
    pub(crate) fn new(blobs: &LocalBlobStore, bytes: Vec<u8>) -> Result<Self> {
        let hash = mizan_tensor::hash_bytes(&bytes);
        let path = blobs.path_of(hash);
        std::fs::create_dir_all(path.parent().context("a blob has a folder")?)?;
        let made = Command::new("mkfifo").arg(&path).status();
        ensure!(made.context("mkfifo does not start")?.success());
        Ok(Self { bytes, path, hash })
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    /// Waits until somebody reads it.
    pub(crate) async fn opened(self, deadline: Deadline) -> Result<Opened> {
        let open = || {
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(DO_NOT_WAIT);
            options.open(&self.path).ok()
        };
        let pipe = until("a worker to read its input", deadline, async || Ok(open())).await?;
        // Whoever reads has it open; from now on the blob is a file like others.
        std::fs::remove_file(&self.path)?;
        Ok(Opened {
            pipe,
            bytes: self.bytes,
            path: self.path,
        })
    }
}

/// A blob that is being read.
pub(crate) struct Opened {
    pipe: File,
    bytes: Vec<u8>,
    path: PathBuf,
}

impl Opened {
    /// Lets the reader have it.
    pub(crate) fn give(mut self) -> Result<()> {
        std::fs::write(&self.path, &self.bytes)?;
        Ok(self.pipe.write_all(&self.bytes)?)
    }
}
