//! Why a transfer failed, so that callers can act on it.

use super::addresses::Forbidden;
use crate::{hex_hash, BlobError, Hash, OutOfRange};
use std::{error::Error, fmt, time::Duration};

/// Why one server did not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It does not have it.
    #[error("it does not have it")]
    NotFound,
    /// It sent bytes that are not the blob's, or do not prove that they are.
    #[error("it lied: what it sent from byte {offset} on is not the blob")]
    Lied {
        /// The first byte that can't be believed.
        offset: u64,
    },
    /// It offers more than was expected.
    #[error("it offers {bytes} bytes, at most {limit} were expected")]
    TooLarge {
        /// The length it offers.
        bytes: u64,
        /// The most that was expected.
        limit: u64,
    },
    /// It sent or took nothing for too long, or too little.
    #[error("it stalled at byte {offset}")]
    Stalled {
        /// As far as it came.
        offset: u64,
    },
    /// The connection was cut.
    #[error("the connection was cut at byte {offset}")]
    Cut {
        /// As far as it came.
        offset: u64,
    },
    /// It answered with an error.
    #[error("it refused with {status} ({kind}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The kind of error, if it is a server like ours.
        kind: String,
        /// What it says.
        message: String,
    },
    /// It sent the client elsewhere. Redirects are not followed: who chose the server did not
    /// choose that one.
    #[error("it redirects to {to}, which is not followed: name that server instead")]
    Redirected {
        /// Where to.
        to: String,
    },
    /// No connection.
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    /// Its address is not on the public Internet.
    #[error("its address is forbidden: {0}")]
    ForbiddenAddress(String),
    /// Its URL can't be used.
    #[error("its URL can't be used: {0}")]
    BadUrl(String),
    /// It was not even asked: no server has such a slice.
    #[error("it was not asked: {0}")]
    OutOfRange(OutOfRange),
}

impl Reason {
    /// Whether the same server may do a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Stalled { .. } | Self::Cut { .. } | Self::Unreachable(_) => true,
            // Uploads that met another of the same blob go on when that has ended.
            Self::Refused { status, kind, .. } => match status {
                408 | 409 | 425 => true,
                // These last for hours.
                _ if kind == "full" || kind == "quota" || kind == "corrupt" => false,
                429 | 500..=599 => true,
                _ => false,
            },
            _ => false,
        }
    }

    /// Success with a body that makes no sense.
    pub(super) fn malformed() -> Self {
        Self::Refused {
            status: 200,
            kind: "malformed".into(),
            message: "the answer is not that of a blob server".into(),
        }
    }

    /// What went wrong before there was an answer, or while it came.
    pub(super) fn of(error: &reqwest::Error, offset: u64) -> Self {
        let mut causes = String::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
                return Self::ForbiddenAddress(forbidden.to_string());
            }
            causes = format!("{causes}: {error}");
            cause = error.source();
        }
        if error.is_connect() {
            return Self::Unreachable(causes.trim_start_matches(": ").to_owned());
        }
        Self::Cut { offset }
    }
}

/// A server and why it did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its URL.
    pub server: String,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.server, self.reason)
    }
}

/// Why a blob could not be fetched or pushed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// No server was named.
    #[error("no blob server is named: name one")]
    NoServers,
    /// Every server says that it does not have it.
    #[error("blob {} is on none of the {servers} servers", hex_hash(hash))]
    NotFound {
        /// The blob.
        hash: Hash,
        /// How many were asked.
        servers: usize,
    },
    /// No server did, each for its own reason.
    #[error("blob {} could not be transferred; {}", hex_hash(hash), list(failures))]
    Failed {
        /// The blob.
        hash: Hash,
        /// The last failure of each server.
        failures: Vec<Failure>,
    },
    /// It took too long. What was fetched of a whole blob is kept for the next time.
    #[error("blob {} was not transferred within {} seconds; {}", hex_hash(hash), after.as_secs(), list(failures))]
    OutOfTime {
        /// The blob.
        hash: Hash,
        /// The bound.
        after: Duration,
        /// What went wrong meanwhile.
        failures: Vec<Failure>,
    },
    /// The store on this machine failed.
    #[error("the store of blobs on this machine failed: {0}")]
    Local(#[from] BlobError),
    /// The HTTP client can't be made.
    #[error("can't make an HTTP client: {0}")]
    Http(String),
}

impl TransferError {
    /// Whether the same may work a little later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::OutOfTime { .. } => true,
            Self::Failed { failures, .. } => {
                failures.iter().any(|failure| failure.reason.is_transient())
            }
            _ => false,
        }
    }

    /// Whether this machine's disk is full.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Local(error) if error.is_disk_full())
    }

    /// What each server did.
    pub fn failures(&self) -> &[Failure] {
        match self {
            Self::Failed { failures, .. } | Self::OutOfTime { failures, .. } => failures,
            _ => &[],
        }
    }
}

/// The last failure of each server, while they are tried.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Failure>);

impl Failures {
    pub(super) fn note(&mut self, failure: Failure) {
        tracing::debug!(%failure, "a blob server did not do");
        self.0.retain(|known| known.server != failure.server);
        self.0.push(failure);
    }

    /// No server did.
    pub(super) fn give_up(&mut self, hash: Hash) -> TransferError {
        let failures = std::mem::take(&mut self.0);
        let servers = failures.len();
        if servers == 0 {
            return TransferError::NoServers;
        }
        if failures
            .iter()
            .all(|failure| failure.reason == Reason::NotFound)
        {
            return TransferError::NotFound { hash, servers };
        }
        TransferError::Failed { hash, failures }
    }

    pub(super) fn out_of_time(self, hash: Hash, after: Duration) -> TransferError {
        TransferError::OutOfTime {
            hash,
            after,
            failures: self.0,
        }
    }
}

fn list(failures: &[Failure]) -> String {
    let failures: Vec<_> = failures.iter().map(Failure::to_string).collect();
    failures.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, kind: &str) -> Reason {
        Reason::Refused {
            status,
            kind: kind.into(),
            message: String::new(),
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let passes = [
            Reason::Cut { offset: 0 },
            Reason::Stalled { offset: 0 },
            Reason::Unreachable(String::new()),
            refused(500, "internal"),
            refused(429, ""),
            refused(409, "busy"),
        ];
        let stays = [
            Reason::NotFound,
            Reason::Lied { offset: 0 },
            refused(403, "not_allowed"),
            refused(429, "quota"),
            refused(507, "full"),
            Reason::Redirected { to: String::new() },
        ];
        assert!(passes.iter().all(Reason::is_transient));
        assert!(!stays.iter().any(Reason::is_transient));
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let full = |kind: std::io::ErrorKind| {
            TransferError::Local(BlobError::Io {
                path: "/x".into(),
                source: kind.into(),
            })
        };
        assert!(full(std::io::ErrorKind::StorageFull).is_disk_full());
        assert!(!full(std::io::ErrorKind::NotFound).is_disk_full());
    }
}
