//! Kinds of failure and their exit codes.

use mizan_client::blobs::BlobError;
use mizan_client::keys::KeyError;
use mizan_client::model_bundle::BundleError;
use mizan_client::ClientError;
use std::fmt::{self, Display};
use std::process::ExitCode;

/// The part of `--help` about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something else went wrong (other)
  2  the arguments are wrong (usage)
  3  the key or another setting is missing or wrong (key)
  4  the chain refused the transaction, and says why (refused)
  5  the node can't be reached, or time ran out (unreachable)
  6  the job ended without settlement (unsettled)
  7  a blob is missing or corrupt (blob)

With --json an error is {\"error\": {\"kind\": ..., \"message\": ...}}; the kinds are the words in
brackets.

Amounts are in MZN with up to 12 decimals, prices in MZN per compute unit; one compute unit is 10^9
multiply-accumulates (MACs) of 8-bit integers. JSON has amounts as texts in the smallest unit,
10^-12 MZN, and sizes as texts in MACs, so that no reader rounds them.";

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything that has no kind of its own.
    Other,
    /// Arguments that can't be.
    Usage,
    /// A missing or wrong key or setting.
    Key,
    /// The chain refused a transaction.
    Refused,
    /// No connection, or time ran out.
    Unreachable,
    /// A job ended without settlement.
    Unsettled,
    /// A blob is missing or corrupt.
    Blob,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Key => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
            Self::Unsettled => 6,
            Self::Blob => 7,
        }
    }

    /// The word for it in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Key => "key",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Unsettled => "unsettled",
            Self::Blob => "blob",
        }
    }
}

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.code())
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Kind::Other, error.to_string())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Connection { .. } | ClientError::TimedOut { .. } => Kind::Unreachable,
            ClientError::Refused { .. } | ClientError::Rejected { .. } => Kind::Refused,
            ClientError::Incompatible { .. }
            | ClientError::BlockUnknown(_)
            | ClientError::Unexpected(_) => Kind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        let kind = match &error {
            BlobError::Missing(_) | BlobError::TooLarge { .. } | BlobError::Corrupt(_) => {
                Kind::Blob
            }
            BlobError::Io { .. } => Kind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::new(Kind::Key, error.to_string())
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        let kind = match &error {
            BundleError::WrongParameter { .. } => Kind::Blob,
            BundleError::File { .. }
            | BundleError::NotAProgram(_)
            | BundleError::InvalidProgram { .. } => Kind::Usage,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_an_exit_code_and_a_word_in_the_help() {
        let kinds = [
            Kind::Other,
            Kind::Usage,
            Kind::Key,
            Kind::Refused,
            Kind::Unreachable,
            Kind::Unsettled,
            Kind::Blob,
        ];
        for (code, kind) in (1..).zip(kinds) {
            assert_eq!(kind.code(), code);
            let line = EXIT_CODES
                .lines()
                .find(|line| line.starts_with(&format!("  {code}  ")));
            assert!(
                line.unwrap().ends_with(&format!("({})", kind.name())),
                "{line:?}"
            );
        }
    }

    #[test]
    fn errors_of_the_client_have_their_kinds() {
        let (pallet, error, docs) = ("Jobs".into(), "PriceTooLow".into(), "too low".into());
        let refused = Failure::from(ClientError::Refused {
            pallet,
            error,
            docs,
        });
        assert_eq!(
            refused,
            Failure::new(Kind::Refused, "Jobs.PriceTooLow: too low")
        );
        let late = ClientError::TimedOut {
            stage: "best",
            seconds: 1,
        };
        assert_eq!(Failure::from(late).kind, Kind::Unreachable);
        assert_eq!(Failure::from(BlobError::Missing([0; 32])).kind, Kind::Blob);
        assert_eq!(Failure::from(KeyError::NotASecret).kind, Kind::Key);
    }
}
