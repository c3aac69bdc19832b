//! Who may upload.

use super::{http_error::HttpError, room::Uploader, Shared};
use crate::{
    right::{now, Payload, Signed, CLOCK_SKEW, LONGEST_RIGHT},
    Account, BlobError, Content, Hash,
};
use axum::http::{header::AUTHORIZATION, HeaderMap, StatusCode};
use std::{collections::HashSet, fmt, fs, future::Future, io::Read, path::Path, pin::Pin};

/// An upload that an account asks for. The account signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Who asks.
    pub account: Account,
    /// The job it belongs to, as the account says.
    pub job: Option<u64>,
    /// What it is.
    pub content: Content,
    /// Its hash.
    pub hash: Hash,
    /// Its length in bytes.
    pub length: u64,
}

/// Why a [`Gate`] lets somebody not in. The sentence goes to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account may not upload this.
    #[error("{0}")]
    NotAllowed(String),
    /// It can't be said now, for example because the chain can't be reached.
    #[error("{0}")]
    Unavailable(String),
}

/// A decision, later.
pub type Admission<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// Decides which accounts may upload what.
pub trait Gate: Send + Sync {
    /// Whether this upload may begin or go on.
    fn admit<'a>(&'a self, upload: &'a Upload) -> Admission<'a>;
}

/// A gate that is shut: only tokens entitle to uploads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Gate for Nobody {
    fn admit<'a>(&'a self, _: &'a Upload) -> Admission<'a> {
        Box::pin(async {
            let why = "this server takes no uploads by accounts";
            Err(Refusal::NotAllowed(why.into()))
        })
    }
}

/// A gate for a fixed list of accounts.
#[derive(Clone, Debug, Default)]
pub struct Accounts(pub HashSet<Account>);

impl Gate for Accounts {
    fn admit<'a>(&'a self, upload: &'a Upload) -> Admission<'a> {
        Box::pin(async {
            if self.0.contains(&upload.account) {
                return Ok(());
            }
            let why = "this account is not on the server's list";
            Err(Refusal::NotAllowed(why.into()))
        })
    }
}

/// Shorter ones could be guessed.
const MIN_TOKEN: usize = 16;

/// Secrets that entitle whoever knows one to uploads. Only hashes are kept.
#[derive(Clone, Default)]
pub struct Tokens(Vec<blake3::Hash>);

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tokens({})", self.0.len())
    }
}

/// Why a file of tokens can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file can't be read.
    #[error(transparent)]
    File(#[from] BlobError),
    /// Others can read it.
    #[error("{0} can be read by every user of this machine: run chmod 600 {0}")]
    WorldReadable(String),
    /// A token is no good.
    #[error("token {number} is too short or has spaces: take at least 16 visible characters")]
    Bad {
        /// Which one, from 1.
        number: usize,
    },
}

impl Tokens {
    /// These tokens.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, TokensError> {
        let check = |(index, token): (usize, &str)| {
            let good =
                token.len() >= MIN_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
            let number = index.saturating_add(1);
            good.then(|| hash_token(token))
                .ok_or(TokensError::Bad { number })
        };
        let hashes = tokens.into_iter().enumerate().map(check);
        Ok(Self(hashes.collect::<Result<_, _>>()?))
    }

    /// The tokens in a file, one a line; empty lines and those with `#` in front do not count.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let mut file = fs::File::open(path).map_err(crate::local::at(path))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let metadata = file.metadata().map_err(crate::local::at(path))?;
            if metadata.permissions().mode() & 0o007 != 0 {
                return Err(TokensError::WorldReadable(path.display().to_string()));
            }
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(crate::local::at(path))?;
        let lines = text.lines().map(str::trim);
        Self::new(lines.filter(|line| !line.is_empty() && !line.starts_with('#')))
    }

    /// Who has this token. Takes the same time whichever it is and however much of it is right:
    /// hashes are compared, all of them, each in constant time.
    fn find(&self, token: &str) -> Option<Uploader> {
        let hash = hash_token(token);
        let found = self
            .0
            .iter()
            .fold(false, |found, known| found | (*known == hash));
        found.then(|| hash.into())
    }
}

fn hash_token(token: &str) -> blake3::Hash {
    blake3::derive_key("mizan: token of a blob server", token.as_bytes()).into()
}

impl Shared {
    /// Who uploads, if the `Authorization` header entitles to this upload, and is for `job` if one is
    /// given.
    pub(crate) async fn authorise(
        &self,
        headers: &HeaderMap,
        payload: &Payload,
        job: Option<u64>,
    ) -> Result<Uploader, HttpError> {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok())
            .ok_or_else(|| {
                HttpError::unauthorized(
                    "uploads need an Authorization header: a token or a signature",
                )
            })?;
        if let Some(token) = header.strip_prefix("Bearer ") {
            let unknown = || HttpError::unauthorized("this token is not known here");
            return self.tokens.find(token.trim()).ok_or_else(unknown);
        }
        let signed: Signed = header
            .parse()
            .map_err(|what| HttpError::unauthorized(format!("malformed Authorization: {what}")))?;
        self.check_signature(&signed, payload)?;
        if job.is_some() && signed.job != job {
            return Err(HttpError::unauthorized("the signature is for another job"));
        }
        let upload = Upload {
            account: signed.account,
            job: signed.job,
            content: payload.content,
            hash: payload.hash,
            length: payload.length,
        };
        let (status, kind, why) = match self.gate.admit(&upload).await {
            Ok(()) => return Ok(signed.account),
            Err(Refusal::NotAllowed(why)) => (StatusCode::FORBIDDEN, "not_allowed", why),
            Err(Refusal::Unavailable(why)) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", why),
        };
        Err(HttpError::new(status, kind, why))
    }

    fn check_signature(&self, signed: &Signed, payload: &Payload) -> Result<(), HttpError> {
        let now = now();
        let skew = CLOCK_SKEW.as_secs();
        if signed.expires.saturating_add(skew) < now {
            let message = "the signature has expired: sign again, and check the clock";
            return Err(HttpError::unauthorized(message));
        }
        let latest = now.saturating_add(LONGEST_RIGHT.as_secs().saturating_add(skew));
        if signed.expires > latest {
            let message =
                "the signature lasts over an hour: let it expire sooner, and check the clock";
            return Err(HttpError::unauthorized(message));
        }
        if signed.is_for(&self.names, payload) {
            return Ok(());
        }
        Err(HttpError::unauthorized(
            "the signature is not the account's for this server, hash, length, time and job",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_tokens_must_be_ours_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# laptop\n\n  0123456789abcdef \n").unwrap();
        let tokens = Tokens::read(file.path()).unwrap();
        assert!(tokens.find("0123456789abcdef").is_some());
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", "# laptop"] {
            assert_eq!(tokens.find(wrong), None);
        }
        assert_eq!(format!("{tokens:?}"), "Tokens(1)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
            let refused = Tokens::read(file.path()).unwrap_err();
            assert!(matches!(refused, TokensError::WorldReadable(_)));
        }
    }

    #[test]
    fn short_tokens_and_missing_files_are_refused() {
        let refused = Tokens::new(["0123456789abcdef", "short"]).unwrap_err();
        assert!(matches!(refused, TokensError::Bad { number: 2 }));
        let refused = Tokens::read(Path::new("/nowhere/tokens")).unwrap_err();
        assert!(matches!(refused, TokensError::File(_)));
    }
}
