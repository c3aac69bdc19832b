//! The database file, opened again after the disk was full.

use super::JournalError;
use redb::{Database, DatabaseError, Error, ReadTransaction, ReadableDatabase, WriteTransaction};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

type Opener = dyn Fn() -> Result<Database, DatabaseError> + Send + Sync;

/// A database that is opened anew after a failed write: the library refuses to go on with one whose
/// file it could not write, and what was committed before is in the file.
pub(super) struct Reopening {
    path: PathBuf,
    opener: Box<Opener>,
    database: Mutex<Option<Database>>,
}

impl fmt::Debug for Reopening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reopening").field(&self.path).finish()
    }
}

impl Reopening {
    pub(super) fn open(
        path: &Path,
        opener: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, JournalError> {
        let database = opener().map_err(|error| not_opened(path, error))?;
        Ok(Self {
            path: path.into(),
            opener: Box::new(opener),
            database: Mutex::new(Some(database)),
        })
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Error>,
    ) -> Result<T, JournalError> {
        self.with(|database| work(&database.begin_read()?))
    }

    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Error>,
    ) -> Result<T, JournalError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, JournalError> {
        let mut place = self.lock();
        let database = match place.take() {
            Some(database) => database,
            None => (self.opener)().map_err(|error| not_opened(&self.path, error))?,
        };
        let result = work(&database);
        // After an error of the disk the database stays closed until it is needed again.
        let usable = !matches!(result, Err(Error::Io(_) | Error::PreviousIo));
        *place = usable.then_some(database);
        result.map_err(|error| failed(&self.path, error))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Database>> {
        // Each use leaves either a usable database or none.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_opened(path: &Path, error: DatabaseError) -> JournalError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => JournalError::InUse(path.into()),
        error => failed(path, error.into()),
    }
}

fn failed(path: &Path, error: Error) -> JournalError {
    match error {
        Error::Io(error) if is_full(&error) => JournalError::Full(path.into()),
        error => JournalError::Storage {
            path: path.into(),
            reason: error.to_string(),
        },
    }
}

/// Whether the system says that there is no space: on the disk, or within a user's share of it.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
