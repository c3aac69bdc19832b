//! Disks that fill up.

use crate::journal::{Journal, JournalError};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
use sysinfo::Disks;
use tracing::{error, info};

/// With less than this, the worker takes no jobs: the journal must always have room.
pub const SPARE_BYTES: u64 = 16 << 20;

/// With room for this, a disk that was full has space again.
const PROBE_BYTES: usize = 1 << 20;

/// Whether the folders that the worker writes to have room.
#[derive(Debug)]
pub struct DiskWatch {
    folders: Vec<PathBuf>,
    full: AtomicBool,
}

impl DiskWatch {
    /// Watches the disks of those folders.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            full: AtomicBool::new(false),
        }
    }

    /// Whether no jobs are to be taken.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Something could not be written.
    pub fn report_full(&self, what: &dyn std::fmt::Display) {
        if !self.full.swap(true, Ordering::Relaxed) {
            error!("the disk is full: {what}. No jobs are taken until there is space");
        }
    }

    /// Looks whether there is room, and says so when that changed.
    pub fn look(&self, journal: &Journal) -> Result<(), JournalError> {
        let short = self
            .folders
            .iter()
            .find(|folder| free_space(folder).is_some_and(|bytes| bytes < SPARE_BYTES));
        if let Some(folder) = short {
            let what = format!(
                "less than {} MiB for {}",
                SPARE_BYTES >> 20,
                folder.display()
            );
            self.report_full(&what);
            return Ok(());
        }
        if !self.is_full() {
            return Ok(());
        }
        if self.folders.iter().any(|folder| !has_room(folder)) {
            return Ok(());
        }
        match journal.check() {
            Ok(()) => {
                self.full.store(false, Ordering::Relaxed);
                info!("the disk has space again: jobs are taken");
                Ok(())
            }
            Err(JournalError::Full(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a file of some length can be written to a folder. Asked only while its disk was found
/// full: not every system says how much is free, and one may keep a share for others.
fn has_room(folder: &Path) -> bool {
    let probe = folder.join(format!(".mizan-space-{}", std::process::id()));
    let written = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.sync_all()
    });
    // Half a file is in the way as well.
    let _ = std::fs::remove_file(&probe);
    written.is_ok()
}

/// Bytes that can still be written to the disk of a folder; `None` where the system does not say.
pub fn free_space(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok();
    let mount = mounts.map(|mounts| mount_of(&folder, &mounts));
    let disks = Disks::new_with_refreshed_list();
    let mut holding = disks.list().iter().filter(|disk| match &mount {
        // File systems that the list leaves out must not be taken for the one above them.
        Some(mount) => mount.as_deref() == Some(disk.mount_point()),
        None => folder.starts_with(disk.mount_point()),
    });
    let disk = holding
        .by_ref()
        .max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    (disk.total_space() > 0).then(|| disk.available_space())
}

/// The mount point below which a path is, by the system's list.
fn mount_of(path: &Path, mounts: &str) -> Option<PathBuf> {
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let points = points.map(|point| PathBuf::from(point.replace("\\040", " ")));
    points
        .filter(|point| path.starts_with(point))
        .max_by_key(|point| point.as_os_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_point_counts() {
        let mounts =
            "/dev/a / ext4 rw 0 0\n/dev/b /home ext4 rw 0 0\nx /home/my\\040disk nfs rw 0 0\n";
        let of = |path: &str| mount_of(Path::new(path), mounts).unwrap();
        assert_eq!(of("/var/lib"), Path::new("/"));
        assert_eq!(of("/home/x"), Path::new("/home"));
        assert_eq!(of("/homely"), Path::new("/"));
        assert_eq!(of("/home/my disk/x"), Path::new("/home/my disk"));
    }

    #[test]
    fn a_full_disk_is_full_until_the_journal_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        let watch = DiskWatch::new(Vec::new());
        assert!(!watch.is_full());
        watch.report_full(&"a blob");
        assert!(watch.is_full());
        watch.look(&journal).unwrap();
        assert!(!watch.is_full());

        let gone = folder.path().join("gone");
        let watch = DiskWatch::new(vec![folder.path().into(), gone.clone()]);
        watch.report_full(&"a blob");
        watch.look(&journal).unwrap();
        assert!(watch.is_full());
        std::fs::create_dir(&gone).unwrap();
        watch.look(&journal).unwrap();
        assert!(!watch.is_full());
        assert_eq!(std::fs::read_dir(gone).unwrap().count(), 0);
    }
}
