//! The right to upload: a token, or a signature that names what is uploaded to whom.

use crate::{hex_hash, Hash};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use subxt_signer::sr25519::{verify, Keypair, PublicKey, Signature};
use url::Url;

/// An account on the chain: its sr25519 public key.
pub type Account = [u8; 32];

/// Signatures that last longer are refused.
pub(crate) const LONGEST_RIGHT: Duration = Duration::from_secs(60 * 60);
/// Clocks may be wrong by this.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// Signatures of this client last so long: an upload must begin, not end, before.
const RIGHT_LASTS: Duration = Duration::from_secs(10 * 60);

/// What is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// A blob.
    Blob,
    /// A job's advice list. Its hash is that of its bytes.
    AdviceList,
}

impl Content {
    /// How signatures name it, so that none for the one serves for the other.
    fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::AdviceList => "advice list",
        }
    }
}

/// The bytes of an upload, as signatures name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) content: Content,
    pub(crate) hash: Hash,
    pub(crate) length: u64,
}

/// What entitles a client to upload.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "a program has one or two")]
pub enum UploadRight {
    /// A secret that the server's owner gave. Only the named server should learn it: use it over
    /// HTTPS.
    Token(String),
    /// An account's key, which signs every upload.
    Key(Keypair),
}

impl fmt::Debug for UploadRight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => formatter.write_str("Token(..)"),
            Self::Key(key) => write!(formatter, "Key({})", show_account(&key.public_key().0)),
        }
    }
}

impl UploadRight {
    /// The `Authorization` header for an upload of these bytes.
    pub(crate) fn header(&self, server: &Url, payload: &Payload, job: Option<u64>) -> String {
        match self {
            Self::Token(token) => format!("Bearer {token}"),
            Self::Key(key) => {
                let mut signed = Signed {
                    account: key.public_key().0,
                    expires: now().saturating_add(RIGHT_LASTS.as_secs()),
                    job,
                    signature: [0; 64],
                };
                let message = signed.message(&authority(server), payload);
                signed.signature = key.sign(message.as_bytes()).0;
                signed.to_string()
            }
        }
    }
}

/// `host:port` of a server, as signatures name it.
pub fn authority(server: &Url) -> String {
    let host = server.host_str().unwrap_or_default();
    let port = server.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}").to_lowercase()
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// The `Authorization` header of an upload that an account signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) account: Account,
    pub(crate) expires: u64,
    pub(crate) job: Option<u64>,
    pub(crate) signature: [u8; 64],
}

impl Signed {
    /// What is signed. In the wrapping of wallets' raw signatures, so that it never is a
    /// transaction as well.
    pub(crate) fn message(&self, server: &str, payload: &Payload) -> String {
        let job = self.job.map_or("none".to_owned(), |job| job.to_string());
        format!(
            "<Bytes>mizan: upload {}\nserver={server}\nhash={}\nlength={}\nexpires={}\njob={job}</Bytes>",
            payload.content.name(),
            hex_hash(&payload.hash),
            payload.length,
            self.expires,
        )
    }

    /// Whether the account signed this for a server of any of these names.
    pub(crate) fn is_for(&self, servers: &[String], payload: &Payload) -> bool {
        servers.iter().any(|server| {
            verify(
                &Signature(self.signature),
                self.message(server, payload),
                &PublicKey(self.account),
            )
        })
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, signature) = (show_account(&self.account), hex::encode(self.signature));
        write!(
            formatter,
            "Mizan account={account},expires={}",
            self.expires
        )?;
        if let Some(job) = self.job {
            write!(formatter, ",job={job}")?;
        }
        write!(formatter, ",signature={signature}")
    }
}

impl FromStr for Signed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text
            .strip_prefix("Mizan ")
            .ok_or("it does not start with Mizan")?;
        let (mut account, mut expires, mut job, mut signature) = (None, None, None, None);
        for part in text.split(',') {
            let (key, value) = part.trim().split_once('=').ok_or("a part has no =")?;
            let new = match key {
                "account" => account.replace(parse_account(value)?).is_none(),
                "expires" => expires
                    .replace(value.parse().map_err(|_| "expires is no number")?)
                    .is_none(),
                "job" => job
                    .replace(value.parse().map_err(|_| "job is no number")?)
                    .is_none(),
                "signature" => {
                    let mut bytes = [0; 64];
                    hex::decode_to_slice(value.trim_start_matches("0x"), &mut bytes)
                        .map_err(|_| "signature is not 128 hex digits")?;
                    signature.replace(bytes).is_none()
                }
                _ => return Err("a part is neither account, expires, job nor signature"),
            };
            if !new {
                return Err("a part is there twice");
            }
        }
        Ok(Self {
            account: account.ok_or("account is missing")?,
            expires: expires.ok_or("expires is missing")?,
            job,
            signature: signature.ok_or("signature is missing")?,
        })
    }
}

/// An account as SS58.
pub(crate) fn show_account(account: &Account) -> String {
    PublicKey(*account).to_account_id().to_string()
}

fn parse_account(text: &str) -> Result<Account, &'static str> {
    /// Parses what the other value is: the type of accounts has no name here, for it belongs to a
    /// crate that only the signer depends on.
    fn parse_like<T: FromStr>(_: &T, text: &str) -> Option<T> {
        text.parse().ok()
    }
    let example = PublicKey([0; 32]).to_account_id();
    parse_like(&example, text)
        .map(|account| account.0)
        .ok_or("account is no SS58 address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use subxt_signer::sr25519::dev;

    const BLOB: Payload = Payload {
        content: Content::Blob,
        hash: [1; 32],
        length: 5,
    };

    fn signed(job: Option<u64>) -> Signed {
        let server = Url::parse("https://Blobs.example.org/x").unwrap();
        let header = UploadRight::Key(dev::alice()).header(&server, &BLOB, job);
        header.parse().unwrap()
    }

    #[test]
    fn a_header_is_read_back_as_it_was_written() {
        for job in [None, Some(7)] {
            let signed = signed(job);
            assert_eq!(signed.account, dev::alice().public_key().0);
            assert_eq!(signed.job, job);
            assert_eq!(signed.to_string().parse(), Ok(signed));
        }
    }

    #[test]
    fn a_signature_holds_for_one_server_content_hash_length_time_and_job() {
        let servers = ["blobs.example.org:443".to_owned()];
        let right = signed(Some(7));
        assert!(right.is_for(&servers, &BLOB));
        assert!(!right.is_for(&["blobs.example.org:80".to_owned()], &BLOB));
        assert!(!right.is_for(&[], &BLOB));
        for other in [
            Payload {
                content: Content::AdviceList,
                ..BLOB
            },
            Payload {
                hash: [2; 32],
                ..BLOB
            },
            Payload { length: 6, ..BLOB },
        ] {
            assert!(!right.is_for(&servers, &other), "{other:?}");
        }
        for changed in [
            Signed { job: None, ..right },
            Signed {
                expires: right.expires + 1,
                ..right
            },
            Signed {
                account: dev::bob().public_key().0,
                ..right
            },
        ] {
            assert!(!changed.is_for(&servers, &BLOB));
        }
    }

    #[test]
    fn malformed_headers_are_refused() {
        let good = signed(None).to_string();
        for bad in [
            "",
            "Mizan",
            "Mizan account=5",
            "Bearer x",
            &format!("{good},job=x"),
            &format!("{good},expires=1"),
            &format!("{good},what=1"),
            &good.replace("expires", "job"),
            &good[..good.len() - 2],
        ] {
            assert!(bad.parse::<Signed>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let shown = format!("{:?}", UploadRight::Token("secret".into()));
        assert!(!shown.contains("secret"));
    }
}
