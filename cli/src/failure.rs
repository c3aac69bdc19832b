//! Kinds of failure and their exit codes.

use mizan_blobs::{BlobError, Reason, ServerError, StorageError, TokensError, TransferError};
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
  4  the chain or a blob server refused, and says why (refused)
  5  the node or a blob server can't be reached, or time ran out (unreachable)
  6  the job ended without settlement (unsettled)
  7  a blob is missing or corrupt (blob)
  8  the result of a job is wrong (wrong)

With --json an error is {\"error\": {\"kind\": ..., \"message\": ...}}; the kinds are the words in
brackets. A wrong result is no error: what is wrong is printed as the command's result.

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
    /// The chain refused a transaction, or a blob server an upload.
    Refused,
    /// No connection, or time ran out.
    Unreachable,
    /// A job ended without settlement.
    Unsettled,
    /// A blob is missing or corrupt.
    Blob,
    /// The result of a job is wrong.
    Wrong,
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
            Self::Wrong => 8,
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
            Self::Wrong => "wrong",
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
            ClientError::Method { code, .. } => of_method(*code),
            ClientError::Incompatible { .. }
            | ClientError::BlockUnknown(_)
            | ClientError::Unexpected(_) => Kind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

/// The kind of an error that the node's own methods give: see its documentation for the codes.
fn of_method(code: i32) -> Kind {
    match code {
        // A page that is too large, a batch out of range, a malformed argument.
        1004 | 1005 | 1007 | -32602 => Kind::Usage,
        // Unknown ids and pruned blocks, methods that the node does not have, and all else.
        _ => Kind::Other,
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

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let kind = match error {
            TransferError::Local(error) => return error.into(),
            TransferError::Http(_) => Kind::Other,
            TransferError::NoServers => Kind::Usage,
            TransferError::NotFound { .. } => Kind::Blob,
            TransferError::OutOfTime { .. } => Kind::Unreachable,
            TransferError::Failed { ref failures, .. } => {
                let reasons = failures.iter().map(|failure| of_reason(&failure.reason));
                // With several servers the one that can be put right by asking it counts.
                let kinds: Vec<Kind> = reasons.collect();
                let order = [Kind::Refused, Kind::Unreachable, Kind::Key];
                let found = order.into_iter().find(|kind| kinds.contains(kind));
                found.unwrap_or(Kind::Blob)
            }
        };
        Self::new(kind, error.to_string())
    }
}

/// The kind of a blob server's failure.
fn of_reason(reason: &Reason) -> Kind {
    match reason {
        reason if reason.is_transient() => Kind::Unreachable,
        Reason::Refused { .. } => Kind::Refused,
        Reason::ForbiddenAddress(_) | Reason::BadUrl(_) | Reason::Redirected { .. } => Kind::Key,
        _ => Kind::Blob,
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::Corrupt(_) => Kind::Blob,
            _ => Kind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Storage(error) => error.into(),
            error => Self::new(Kind::Other, error.to_string()),
        }
    }
}

impl From<TokensError> for Failure {
    fn from(error: TokensError) -> Self {
        Self::new(Kind::Key, error.to_string())
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
            Kind::Wrong,
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
    fn failures_of_blob_servers_have_their_kinds() {
        let failed = |reasons: Vec<Reason>| {
            let failures = reasons.into_iter().map(|reason| mizan_blobs::Failure {
                server: "http://a".into(),
                reason,
            });
            let failures = failures.collect();
            let hash = [1; 32];
            Failure::from(TransferError::Failed { hash, failures }).kind
        };
        let refused = Reason::Refused {
            status: 403,
            kind: "not_allowed".into(),
            message: "why".into(),
        };
        let lied = Reason::Lied { offset: 0 };
        let away = Reason::Unreachable("refused".into());
        assert_eq!(failed(vec![lied.clone()]), Kind::Blob);
        assert_eq!(failed(vec![away.clone(), lied]), Kind::Unreachable);
        assert_eq!(failed(vec![away, refused]), Kind::Refused);
        let private = Reason::ForbiddenAddress("10.0.0.1".into());
        assert_eq!(failed(vec![private, Reason::NotFound]), Kind::Key);
        let late = TransferError::OutOfTime {
            hash: [1; 32],
            after: std::time::Duration::ZERO,
            failures: vec![],
        };
        assert_eq!(Failure::from(late).kind, Kind::Unreachable);
        let local = TransferError::Local(BlobError::Missing([0; 32]));
        assert_eq!(Failure::from(local).kind, Kind::Blob);
    }

    #[test]
    fn errors_of_the_client_have_their_kinds() {
        let (pallet, error, docs) = ("Jobs".into(), "PriceTooLow".into(), "too low".into());
        let refused = Failure::from(ClientError::Refused {
            pallet,
            error,
            docs,
            extrinsic_hash: None,
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
        let method = |code| ClientError::Method {
            method: "mizan_modelCost".into(),
            code,
            message: "why".into(),
        };
        for (code, kind) in [
            (1005, Kind::Usage),
            (-32602, Kind::Usage),
            (1001, Kind::Other),
        ] {
            assert_eq!(Failure::from(method(code)).kind, kind);
        }
        assert_eq!(Failure::from(BlobError::Missing([0; 32])).kind, Kind::Blob);
        assert_eq!(Failure::from(KeyError::NotASecret).kind, Kind::Key);
    }
}
