//! Which blobs the worker answers for, and which it brought into the folder of blobs itself.
//!
//! Whoever attests answers for the data until settlement. So the blobs of an attested job are held
//! until the chain says that nobody can ask for them any more; and what somebody else put into the
//! folder is never removed.

use super::{Journal, JournalError, Key};
use codec::{Decode, Encode};
use mizan_client::Hash;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

type Held = TableDefinition<'static, super::Row, &'static [u8]>;
const HOLDINGS: Held = TableDefinition::new("holdings");
const CACHED: TableDefinition<'static, [u8; 32], &'static [u8]> = TableDefinition::new("cached");

/// The blobs that an assignment needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Holding {
    /// All of them: inputs, parameters and, once computed, outputs and trace.
    pub blobs: Vec<Hash>,
    /// Those that a blob server of the job is still to get.
    pub owed: Vec<Hash>,
}

/// A blob that the worker brought into the folder of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CachedBlob {
    /// Its length.
    pub bytes: u64,
    /// When a job last used it, in seconds since 1970 by this machine's clock.
    pub used_seconds: u64,
}

pub(super) fn make_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(HOLDINGS)?;
    transaction.open_table(CACHED)?;
    Ok(())
}

impl Journal {
    /// What an assignment holds.
    pub fn holding(&self, key: Key) -> Result<Holding, JournalError> {
        let row = self.read(|transaction| {
            let holdings = transaction.open_table(HOLDINGS)?;
            let row = holdings.get(key.row())?;
            Ok(row.map(|row| row.value().to_vec()))
        })?;
        row.map_or(Ok(Holding::default()), |bytes| self.decode(&bytes))
    }

    /// Everything that is held.
    pub fn holdings(&self) -> Result<Vec<(Key, Holding)>, JournalError> {
        let rows = self.read(|transaction| {
            let holdings = transaction.open_table(HOLDINGS)?;
            let rows = holdings.iter()?.map(|row| {
                let (key, value) = row?;
                Ok((Key::of(key.value()), value.value().to_vec()))
            });
            rows.collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let holdings = rows
            .into_iter()
            .map(|(key, bytes)| Ok((key, self.decode(&bytes)?)));
        holdings.collect()
    }

    /// Adds blobs to what an assignment holds, and to what it owes.
    pub fn hold(&self, key: Key, blobs: &[Hash], owed: &[Hash]) -> Result<(), JournalError> {
        let before = self.holding(key)?;
        let mut holding = before.clone();
        extend(&mut holding.blobs, blobs);
        extend(&mut holding.owed, owed);
        if holding == before {
            return Ok(());
        }
        self.keep_holding(key, &holding)
    }

    /// Records that the job's blob servers have everything that was owed.
    pub fn delivered(&self, key: Key) -> Result<(), JournalError> {
        let mut holding = self.holding(key)?;
        if holding.owed.is_empty() {
            return Ok(());
        }
        holding.owed.clear();
        self.keep_holding(key, &holding)
    }

    /// Nobody can ask for an assignment's blobs any more.
    pub fn release(&self, key: Key) -> Result<(), JournalError> {
        self.write(|transaction| {
            transaction.open_table(HOLDINGS)?.remove(key.row())?;
            Ok(())
        })
    }

    /// Blobs that the worker brought into the folder.
    pub fn cached(&self) -> Result<Vec<(Hash, CachedBlob)>, JournalError> {
        let rows = self.read(|transaction| {
            let cached = transaction.open_table(CACHED)?;
            let rows = cached.iter()?.map(|row| {
                let (hash, value) = row?;
                Ok((hash.value(), value.value().to_vec()))
            });
            rows.collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let blobs = rows
            .into_iter()
            .map(|(hash, bytes)| Ok((hash, self.decode(&bytes)?)));
        blobs.collect()
    }

    /// Records blobs that the worker brought into the folder, or used again if `only_known`.
    pub fn cache(
        &self,
        blobs: &[(Hash, CachedBlob)],
        only_known: bool,
    ) -> Result<(), JournalError> {
        if blobs.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut cached = transaction.open_table(CACHED)?;
            for (hash, blob) in blobs {
                if !only_known || cached.get(hash)?.is_some() {
                    cached.insert(hash, blob.encode().as_slice())?;
                }
            }
            Ok(())
        })
    }

    /// Forgets blobs that were removed from the folder.
    pub fn uncache(&self, blobs: &[Hash]) -> Result<(), JournalError> {
        self.write(|transaction| {
            let mut cached = transaction.open_table(CACHED)?;
            for hash in blobs {
                cached.remove(hash)?;
            }
            Ok(())
        })
    }

    fn keep_holding(&self, key: Key, holding: &Holding) -> Result<(), JournalError> {
        self.write(|transaction| {
            let mut holdings = transaction.open_table(HOLDINGS)?;
            holdings.insert(key.row(), holding.encode().as_slice())?;
            Ok(())
        })
    }
}

fn extend(list: &mut Vec<Hash>, more: &[Hash]) {
    for hash in more {
        if !list.contains(hash) {
            list.push(*hash);
        }
    }
}
