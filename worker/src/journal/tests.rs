use super::*;
use std::{
    io,
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
};

const KEY: Key = Key {
    job: 3,
    assigned_block: 17,
    block_hash: [17; 32],
};

fn claim(byte: u8) -> Claim {
    Claim {
        outputs: vec![[byte; 32]],
        trace: [byte; 32],
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_step_survives_a_restart() {
    let folder = folder();
    let open = || Journal::open(folder.path()).unwrap();
    assert_eq!(open().entry(KEY).unwrap(), None);
    assert_eq!(open().take(KEY).unwrap(), Entry::Taken);
    assert_eq!(open().entry(KEY).unwrap(), Some(Entry::Taken));
    assert_eq!(open().record_result(KEY, claim(1)).unwrap(), claim(1));
    assert_eq!(open().entry(KEY).unwrap(), Some(Entry::Computed(claim(1))));
    open().record_attested(KEY).unwrap();
    assert_eq!(open().entry(KEY).unwrap(), Some(Entry::Attested(claim(1))));
}

#[test]
fn the_first_recorded_result_counts_for_ever() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    journal.take(KEY).unwrap();
    assert_eq!(journal.record_result(KEY, claim(1)).unwrap(), claim(1));
    assert_eq!(journal.record_result(KEY, claim(2)).unwrap(), claim(1));
    journal.record_attested(KEY).unwrap();
    assert_eq!(journal.record_result(KEY, claim(3)).unwrap(), claim(1));
    assert_eq!(journal.take(KEY).unwrap(), Entry::Attested(claim(1)));
}

#[test]
fn steps_repeated_change_nothing() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    for _ in 0..2 {
        journal.take(KEY).unwrap();
    }
    journal.record_result(KEY, claim(1)).unwrap();
    for _ in 0..2 {
        journal.record_attested(KEY).unwrap();
    }
    assert_eq!(journal.entry(KEY).unwrap(), Some(Entry::Attested(claim(1))));
}

#[test]
fn an_attestation_without_a_result_is_not_recorded() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    journal.take(KEY).unwrap();
    assert!(matches!(
        journal.record_attested(KEY),
        Err(JournalError::Storage { .. })
    ));
    assert_eq!(journal.entry(KEY).unwrap(), Some(Entry::Taken));
}

#[test]
fn another_assignment_of_the_same_job_starts_anew() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    journal.record_result(KEY, claim(1)).unwrap();
    let again = Key {
        assigned_block: 40,
        ..KEY
    };
    assert_eq!(journal.entry(again).unwrap(), None);
    assert_eq!(journal.record_result(again, claim(2)).unwrap(), claim(2));
    let elsewhere = Key {
        block_hash: [18; 32],
        ..KEY
    };
    assert_eq!(journal.entry(elsewhere).unwrap(), None);
}

#[test]
fn a_result_outlives_being_given_up() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    journal.take(KEY).unwrap();
    journal.give_up(KEY).unwrap();
    assert_eq!(journal.entry(KEY).unwrap(), None);
    journal.record_result(KEY, claim(1)).unwrap();
    journal.give_up(KEY).unwrap();
    assert!(journal.unfinished().unwrap().is_empty());
    assert_eq!(journal.record_result(KEY, claim(2)).unwrap(), claim(1));
    journal.record_attested(KEY).unwrap();
    assert_eq!(journal.entry(KEY).unwrap(), Some(Entry::Attested(claim(1))));
}

#[test]
fn attested_assignments_and_those_given_up_are_finished() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let keys: Vec<Key> = (0..4).map(|job| Key { job, ..KEY }).collect();
    for key in &keys {
        journal.take(*key).unwrap();
    }
    journal.record_result(keys[1], claim(1)).unwrap();
    journal.record_result(keys[2], claim(2)).unwrap();
    journal.record_attested(keys[2]).unwrap();
    journal.give_up(keys[3]).unwrap();
    let expected = [
        (keys[0], Entry::Taken),
        (keys[1], Entry::Computed(claim(1))),
    ];
    assert_eq!(journal.unfinished().unwrap(), expected);
}

#[test]
fn a_journal_belongs_to_one_chain() {
    let folder = folder();
    Journal::open(folder.path())
        .unwrap()
        .bind(&[1; 32])
        .unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    journal.bind(&[1; 32]).unwrap();
    let refused = journal.bind(&[2; 32]).unwrap_err();
    assert!(
        matches!(refused, JournalError::OtherChain { journal, node, .. }
        if journal == [1; 32] && node == [2; 32])
    );
}

#[test]
fn a_journal_has_one_user_at_a_time() {
    let folder = folder();
    let first = Journal::open(folder.path()).unwrap();
    let refused = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(refused, JournalError::InUse(path) if path.starts_with(folder.path())));
    drop(first);
    Journal::open(folder.path()).unwrap();
}

#[test]
fn a_file_that_is_no_journal_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("journal.redb"), [7; 9_000]).unwrap();
    assert!(matches!(
        Journal::open(folder.path()),
        Err(JournalError::Storage { .. })
    ));
}

/// A file on a disk that can be full.
#[derive(Clone, Debug)]
struct Disk {
    backend: Arc<redb::backends::InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn write(&self) -> Result<(), io::Error> {
        match self.full.load(Ordering::SeqCst) {
            // What the system says when no space is left.
            true => Err(io::Error::from_raw_os_error(28)),
            false => Ok(()),
        }
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        self.backend.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.backend.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.write()?;
        self.backend.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.write()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.write()?;
        self.backend.write(offset, data)
    }
}

#[test]
fn a_full_disk_loses_nothing_and_recording_goes_on_when_there_is_space() {
    let disk = Disk {
        backend: Arc::new(redb::backends::InMemoryBackend::new()),
        full: Arc::new(AtomicBool::new(false)),
    };
    let opened = disk.clone();
    let journal = Journal::over("journal".into(), move || {
        redb::Database::builder().create_with_backend(opened.clone())
    })
    .unwrap();
    journal.record_result(KEY, claim(1)).unwrap();
    let other = Key { job: 4, ..KEY };

    disk.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = journal.take(other).unwrap_err();
        assert!(matches!(refused, JournalError::Full(_)), "{refused}");
        assert!(matches!(journal.check(), Err(JournalError::Full(_))));
    }

    disk.full.store(false, Ordering::SeqCst);
    assert_eq!(journal.entry(KEY).unwrap(), Some(Entry::Computed(claim(1))));
    assert_eq!(journal.entry(other).unwrap(), None);
    assert_eq!(journal.record_result(KEY, claim(2)).unwrap(), claim(1));
    assert_eq!(journal.take(other).unwrap(), Entry::Taken);
}

#[test]
fn what_is_held_grows_until_it_is_released() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.holding(KEY).unwrap(), Holding::default());
    journal.hold(KEY, &[[1; 32], [2; 32]], &[]).unwrap();
    journal.hold(KEY, &[[2; 32], [3; 32]], &[[3; 32]]).unwrap();
    let held = Holding {
        blobs: vec![[1; 32], [2; 32], [3; 32]],
        owed: vec![[3; 32]],
    };
    assert_eq!(journal.holdings().unwrap(), [(KEY, held)]);
    journal.delivered(KEY).unwrap();
    assert!(journal.holding(KEY).unwrap().owed.is_empty());
    journal.release(KEY).unwrap();
    assert!(journal.holdings().unwrap().is_empty());
}

#[test]
fn blobs_of_others_are_not_taken_for_cached() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let blob = |used_seconds| CachedBlob {
        bytes: 5,
        used_seconds,
    };
    journal.cache(&[([1; 32], blob(1))], false).unwrap();
    let used = [([1; 32], blob(9)), ([2; 32], blob(9))];
    journal.cache(&used, true).unwrap();
    assert_eq!(journal.cached().unwrap(), [([1; 32], blob(9))]);
    journal.uncache(&[[1; 32]]).unwrap();
    assert!(journal.cached().unwrap().is_empty());
}

#[test]
fn the_chain_of_a_journal_is_read_without_making_one() {
    let folder = folder();
    assert_eq!(Journal::genesis_in(folder.path()).unwrap(), None);
    assert!(!Journal::path_in(folder.path()).exists());
    let journal = Journal::open(folder.path()).unwrap();
    journal.bind(&[5; 32]).unwrap();
    assert!(matches!(
        Journal::genesis_in(folder.path()),
        Err(JournalError::InUse(_))
    ));
    drop(journal);
    assert_eq!(Journal::genesis_in(folder.path()).unwrap(), Some([5; 32]));
}
