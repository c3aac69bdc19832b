//! Bytes that are read when they are needed.

use crate::auditing::AuditError;
use mizan_tensor::{Source, Span};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

/// A whole blob of a job, which was checked.
#[derive(Debug)]
pub enum Stored {
    /// On the disk.
    File(File),
    /// In memory.
    Bytes(Vec<u8>),
}

impl Stored {
    /// Its number of bytes.
    pub fn length(&self) -> Result<u64, AuditError> {
        match self {
            Self::File(file) => Ok(file.metadata().map_err(unreadable)?.len()),
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Some of them. An error if it does not have so many.
    pub fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, AuditError> {
        let too_long = || unreadable(io::ErrorKind::UnexpectedEof.into());
        let count = usize::try_from(length).map_err(|_| too_long())?;
        match self {
            Self::File(file) => {
                let mut bytes = vec![0; count];
                file.read_exact_at(&mut bytes, start).map_err(unreadable)?;
                Ok(bytes)
            }
            Self::Bytes(all) => {
                let start = usize::try_from(start).map_err(|_| too_long())?;
                let bytes = all.get(start..).and_then(|rest| rest.get(..count));
                Ok(bytes.ok_or_else(too_long)?.to_vec())
            }
        }
    }
}

/// Blobs one after the other.
pub fn stream(blobs: &[Stored]) -> Box<dyn Read + '_> {
    let readers = blobs.iter().map(|blob| Reader { blob, read: 0 });
    readers.fold(Box::new(io::empty()), |before, next| {
        Box::new(before.chain(next))
    })
}

/// Reads a blob from its beginning.
struct Reader<'a> {
    blob: &'a Stored,
    read: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.blob {
            Stored::File(file) => file.read_at(buffer, self.read)?,
            Stored::Bytes(bytes) => {
                let start = usize::try_from(self.read).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
        };
        self.read = self.read.saturating_add(count as u64);
        Ok(count)
    }
}

pub(crate) fn unreadable(source: io::Error) -> AuditError {
    AuditError::File {
        path: Path::new("a blob of the job").into(),
        source,
    }
}

/// The bytes of an element's operands and its own.
#[derive(Default)]
pub(super) struct Opened(Vec<(Span, Vec<u8>)>);

impl Opened {
    pub(super) fn add(&mut self, span: Span, bytes: Vec<u8>) {
        self.0.push((span, bytes));
    }
}

impl Source for Opened {
    type Error = Span;

    fn bytes(&self, span: Span) -> Result<&[u8], Span> {
        let found = self.0.iter().find(|(opened, _)| *opened == span);
        found.map(|(_, bytes)| bytes.as_slice()).ok_or(span)
    }
}
