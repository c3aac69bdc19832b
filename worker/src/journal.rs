//! What this worker has done about its jobs, kept on disk.
//!
//! The journal makes one promise: from the moment a result is recorded, every attestation of that
//! assignment carries these hashes. A worker that is killed at any point and started again goes on
//! from the last recorded step and can't contradict itself.

use codec::{Decode, Encode};
use mizan_client::{hex_hash, Hash};
use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use std::path::{Path, PathBuf};

/// An assignment: a job that comes back after a decline or a timeout is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The job.
    pub job: u64,
    /// Block in which this worker got it.
    pub assigned_block: u32,
}

/// The hashes of a result.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Claim {
    /// Of each output, in the program's order.
    pub outputs: Vec<Hash>,
    /// Of the trace.
    pub trace: Hash,
}

/// The last recorded step of an assignment. Steps only go forward.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// The worker means to do it.
    #[codec(index = 0)]
    Taken,
    /// The result's blobs are stored and these are its hashes.
    #[codec(index = 1)]
    Computed(Claim),
    /// The chain has the attestation in a final block.
    #[codec(index = 2)]
    Attested(Claim),
}

/// Why the journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process works with it.
    #[error("{} is in use: another worker runs with this data folder", .0.display())]
    InUse(PathBuf),
    /// It belongs to another chain.
    #[error(
        "{} belongs to the chain of genesis {}, the node's chain is {}: use another data folder \
         for each chain", path.display(), hex_hash(journal), hex_hash(node)
    )]
    OtherChain {
        /// The journal's file.
        path: PathBuf,
        /// Genesis of the journal's chain.
        journal: Hash,
        /// Genesis of the node's chain.
        node: Hash,
    },
    /// The disk or the file's format.
    #[error("{}: {reason}", path.display())]
    Storage {
        /// The journal's file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
}

type Rows = TableDefinition<'static, (u64, u32), &'static [u8]>;
/// What still needs work, apart from what does not, so that the first stays short.
const UNFINISHED: Rows = TableDefinition::new("unfinished");
const ATTESTED: Rows = TableDefinition::new("attested");
const CHAIN: TableDefinition<'static, (), [u8; 32]> = TableDefinition::new("chain");

/// The journal of one worker on one chain.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Database,
}

impl Journal {
    /// Opens the journal in a folder, which is made if needed. Nobody else can open it meanwhile.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join("journal.redb");
        std::fs::create_dir_all(folder).map_err(|error| JournalError::Storage {
            path: folder.into(),
            reason: error.to_string(),
        })?;
        match Database::create(&path) {
            Ok(database) => {
                let journal = Self { path, database };
                journal.make_tables()?;
                Ok(journal)
            }
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(JournalError::InUse(path)),
            Err(error) => Err(JournalError::Storage { path, reason: error.to_string() }),
        }
    }

    fn make_tables(&self) -> Result<(), JournalError> {
        self.write(|transaction| {
            for rows in [UNFINISHED, ATTESTED] {
                transaction.open_table(rows)?;
            }
            Ok(())
        })
    }

    /// Binds a new journal to a chain, and refuses one that is bound to another.
    pub fn bind(&self, genesis: &Hash) -> Result<(), JournalError> {
        let bound = self.write(|transaction| {
            let mut chain = transaction.open_table(CHAIN)?;
            let bound = chain.get(())?.map(|row| row.value());
            if bound.is_none() {
                chain.insert((), genesis)?;
            }
            Ok(bound)
        })?;
        match bound {
            Some(journal) if journal != *genesis => {
                Err(JournalError::OtherChain { path: self.path.clone(), journal, node: *genesis })
            }
            _ => Ok(()),
        }
    }

    /// The last step recorded for an assignment.
    pub fn entry(&self, key: Key) -> Result<Option<Entry>, JournalError> {
        let row = self.read(|transaction| {
            for rows in [ATTESTED, UNFINISHED] {
                let rows = transaction.open_table(rows)?;
                if let Some(row) = rows.get((key.job, key.assigned_block))? {
                    return Ok(Some(row.value().to_vec()));
                }
            }
            Ok(None)
        })?;
        row.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Records that the worker means to do the job. What is recorded already stays.
    pub fn take(&self, key: Key) -> Result<Entry, JournalError> {
        self.advance(key, |last| last.unwrap_or(Entry::Taken))
    }

    /// Records a result, whose blobs must be stored by now, and gives the result that counts: the
    /// first that was ever recorded.
    pub fn record_result(&self, key: Key, claim: Claim) -> Result<Claim, JournalError> {
        let entry = self.advance(key, |last| match last {
            Some(recorded @ (Entry::Computed(_) | Entry::Attested(_))) => recorded,
            Some(Entry::Taken) | None => Entry::Computed(claim),
        })?;
        match entry {
            Entry::Computed(claim) | Entry::Attested(claim) => Ok(claim),
            Entry::Taken => Err(self.broken("a result was recorded and is not there")),
        }
    }

    /// Records that the recorded result is attested in a final block.
    pub fn record_attested(&self, key: Key) -> Result<(), JournalError> {
        let entry = self.advance(key, |last| match last {
            Some(Entry::Computed(claim)) => Entry::Attested(claim),
            Some(other) => other,
            None => Entry::Taken,
        })?;
        match entry {
            Entry::Attested(_) => Ok(()),
            _ => Err(self.broken("an attestation without a recorded result")),
        }
    }

    /// Assignments that are not attested in a final block, oldest job first.
    pub fn unfinished(&self) -> Result<Vec<(Key, Entry)>, JournalError> {
        let rows = self.read(|transaction| {
            let unfinished = transaction.open_table(UNFINISHED)?;
            let rows = unfinished.iter()?.map(|row| {
                let (key, value) = row?;
                let (job, assigned_block) = key.value();
                Ok((Key { job, assigned_block }, value.value().to_vec()))
            });
            rows.collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let entries = rows.into_iter().map(|(key, bytes)| Ok((key, self.decode(&bytes)?)));
        entries.collect()
    }

    /// Drops an assignment that can't be attested any more.
    pub fn drop_entry(&self, key: Key) -> Result<(), JournalError> {
        self.write(|transaction| {
            transaction.open_table(UNFINISHED)?.remove((key.job, key.assigned_block))?;
            Ok(())
        })
    }

    fn advance(
        &self,
        key: Key,
        step: impl FnOnce(Option<Entry>) -> Entry,
    ) -> Result<Entry, JournalError> {
        let last = self.entry(key)?;
        let next = step(last.clone());
        if last.as_ref() != Some(&next) {
            let (bytes, row) = (next.encode(), (key.job, key.assigned_block));
            self.write(|transaction| {
                let mut unfinished = transaction.open_table(UNFINISHED)?;
                if matches!(next, Entry::Attested(_)) {
                    unfinished.remove(row)?;
                    transaction.open_table(ATTESTED)?.insert(row, bytes.as_slice())?;
                } else {
                    unfinished.insert(row, bytes.as_slice())?;
                }
                Ok(())
            })?;
        }
        Ok(next)
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        let run = || work(&self.database.begin_read()?);
        run().map_err(|error: redb::Error| self.broken(error))
    }

    /// One durable transaction: all of `work` or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        let run = || {
            let transaction = self.database.begin_write()?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run().map_err(|error: redb::Error| self.broken(error))
    }

    fn decode(&self, mut bytes: &[u8]) -> Result<Entry, JournalError> {
        Entry::decode(&mut bytes).map_err(|error| self.broken(error))
    }

    fn broken(&self, reason: impl ToString) -> JournalError {
        JournalError::Storage { path: self.path.clone(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key { job: 3, assigned_block: 17 };

    fn claim(byte: u8) -> Claim {
        Claim { outputs: vec![[byte; 32]], trace: [byte; 32] }
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
        assert!(matches!(journal.record_attested(KEY), Err(JournalError::Storage { .. })));
        assert_eq!(journal.entry(KEY).unwrap(), Some(Entry::Taken));
    }

    #[test]
    fn another_assignment_of_the_same_job_starts_anew() {
        let folder = folder();
        let journal = Journal::open(folder.path()).unwrap();
        journal.record_result(KEY, claim(1)).unwrap();
        let again = Key { assigned_block: 40, ..KEY };
        assert_eq!(journal.entry(again).unwrap(), None);
        assert_eq!(journal.record_result(again, claim(2)).unwrap(), claim(2));
    }

    #[test]
    fn attested_and_dropped_assignments_are_finished() {
        let folder = folder();
        let journal = Journal::open(folder.path()).unwrap();
        let keys: Vec<Key> = (0..4).map(|job| Key { job, assigned_block: 9 }).collect();
        for key in &keys {
            journal.take(*key).unwrap();
        }
        journal.record_result(keys[1], claim(1)).unwrap();
        journal.record_result(keys[2], claim(2)).unwrap();
        journal.record_attested(keys[2]).unwrap();
        journal.drop_entry(keys[3]).unwrap();
        let expected = [(keys[0], Entry::Taken), (keys[1], Entry::Computed(claim(1)))];
        assert_eq!(journal.unfinished().unwrap(), expected);
    }

    #[test]
    fn a_journal_belongs_to_one_chain() {
        let folder = folder();
        Journal::open(folder.path()).unwrap().bind(&[1; 32]).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        journal.bind(&[1; 32]).unwrap();
        let refused = journal.bind(&[2; 32]).unwrap_err();
        assert!(matches!(refused, JournalError::OtherChain { journal, node, .. }
            if journal == [1; 32] && node == [2; 32]));
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
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::Storage { .. })));
    }
}
