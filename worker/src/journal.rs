//! What this worker has done about its jobs, kept on disk.
//!
//! The journal makes one promise: from the moment a result is recorded, every attestation of that
//! assignment carries these hashes. A worker that is killed at any point and started again goes on
//! from the last recorded step and can't contradict itself. A full disk changes nothing of what was
//! recorded; recording goes on when there is space again.

mod database;
mod holdings;

pub use holdings::{CachedBlob, Holding};

use codec::{Decode, Encode};
use database::Reopening;
use mizan_client::{hex_hash, Hash};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use std::path::{Path, PathBuf};

/// An assignment: a job that comes back after a decline or a timeout is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The job.
    pub job: u64,
    /// Block in which this worker got it.
    pub assigned_block: u32,
    /// Hash of that block: a development chain that starts anew counts its jobs anew too.
    pub block_hash: Hash,
}

impl Key {
    fn row(&self) -> Row {
        (self.job, self.assigned_block, self.block_hash)
    }

    fn of((job, assigned_block, block_hash): Row) -> Self {
        Self {
            job,
            assigned_block,
            block_hash,
        }
    }
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
    /// There is no space on its disk. Nothing that was recorded is lost.
    #[error("no space is left for {}: free some; what was recorded is safe", .0.display())]
    Full(PathBuf),
    /// The disk or the file's format.
    #[error("{}: {reason}", path.display())]
    Storage {
        /// The journal's file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
}

type Row = (u64, u32, Hash);
type Rows = TableDefinition<'static, Row, &'static [u8]>;
/// What still needs work, apart from what does not, so that the first stays short.
const UNFINISHED: Rows = TableDefinition::new("unfinished");
const FINISHED: Rows = TableDefinition::new("finished");
const CHAIN: TableDefinition<'static, (), [u8; 32]> = TableDefinition::new("chain");

/// The journal of one worker on one chain.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Reopening,
}

impl Journal {
    /// Opens the journal in a folder, which is made if needed, for its owner only. Nobody else can
    /// open it meanwhile.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = Self::path_in(folder);
        crate::keystore::private_folder(folder).map_err(|error| JournalError::Storage {
            path: folder.into(),
            reason: error.to_string(),
        })?;
        let file = path.clone();
        Self::over(path, move || redb::Database::create(&file))
    }

    /// The journal's file in a data folder.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join("journal.redb")
    }

    /// The genesis that the journal in a folder is bound to, without making or changing one.
    pub fn genesis_in(folder: &Path) -> Result<Option<Hash>, JournalError> {
        let path = Self::path_in(folder);
        if !path.exists() {
            return Ok(None);
        }
        let file = path.clone();
        let journal = Self {
            database: Reopening::open(&path, move || redb::Database::open(&file))?,
            path,
        };
        journal.read(|transaction| {
            let chain = transaction.open_table(CHAIN)?;
            let genesis = chain.get(())?;
            Ok(genesis.map(|row| row.value()))
        })
    }

    fn over(
        path: PathBuf,
        opener: impl Fn() -> Result<redb::Database, redb::DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, JournalError> {
        let database = Reopening::open(&path, opener)?;
        let journal = Self { path, database };
        journal.make_tables()?;
        Ok(journal)
    }

    fn make_tables(&self) -> Result<(), JournalError> {
        self.write(|transaction| {
            for rows in [UNFINISHED, FINISHED] {
                transaction.open_table(rows)?;
            }
            holdings::make_tables(transaction)
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
            Some(journal) if journal != *genesis => Err(JournalError::OtherChain {
                path: self.path.clone(),
                journal,
                node: *genesis,
            }),
            _ => Ok(()),
        }
    }

    /// The last step recorded for an assignment.
    pub fn entry(&self, key: Key) -> Result<Option<Entry>, JournalError> {
        let row = self.read(|transaction| {
            for rows in [FINISHED, UNFINISHED] {
                let rows = transaction.open_table(rows)?;
                if let Some(row) = rows.get(key.row())? {
                    return Ok(Some(row.value().to_vec()));
                }
            }
            Ok(None)
        })?;
        row.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Says early whether anything can be recorded now.
    pub fn check(&self) -> Result<(), JournalError> {
        self.write(|transaction| {
            // The smallest change that reaches the disk.
            transaction.open_table(UNFINISHED)?;
            Ok(())
        })
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
                Ok((Key::of(key.value()), value.value().to_vec()))
            });
            rows.collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let entries = rows
            .into_iter()
            .map(|(key, bytes)| Ok((key, self.decode(&bytes)?)));
        entries.collect()
    }

    /// Gives up an assignment that can't be attested any more. A recorded result stays, in case
    /// that the node was behind and the assignment is still there.
    pub fn give_up(&self, key: Key) -> Result<(), JournalError> {
        self.write(|transaction| {
            let mut unfinished = transaction.open_table(UNFINISHED)?;
            let entry = unfinished
                .remove(key.row())?
                .map(|row| row.value().to_vec());
            if let Some(bytes) = entry.filter(|bytes| *bytes != Entry::Taken.encode()) {
                transaction
                    .open_table(FINISHED)?
                    .insert(key.row(), bytes.as_slice())?;
            }
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
            let (bytes, row) = (next.encode(), key.row());
            self.write(|transaction| {
                let mut unfinished = transaction.open_table(UNFINISHED)?;
                if matches!(next, Entry::Attested(_)) {
                    unfinished.remove(row)?;
                    transaction
                        .open_table(FINISHED)?
                        .insert(row, bytes.as_slice())?;
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
        self.database.read(work)
    }

    /// One durable transaction: all of `work` or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        self.database.write(work)
    }

    fn decode<T: Decode>(&self, mut bytes: &[u8]) -> Result<T, JournalError> {
        T::decode(&mut bytes).map_err(|error| self.broken(error))
    }

    fn broken(&self, reason: impl ToString) -> JournalError {
        JournalError::Storage {
            path: self.path.clone(),
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
