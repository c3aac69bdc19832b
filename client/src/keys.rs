//! Keys and addresses.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt_signer::SecretUri;

pub use subxt::utils::AccountId32 as AccountId;
pub use subxt_signer::sr25519::Keypair;

/// Why a key or an address can't be used. No variant shows any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret has no known form.
    #[error(
        "this is not a secret key: give twelve or more words, a 0x seed of 32 bytes, or a \
         development key like //Alice"
    )]
    NotASecret,
    /// The file can't be read.
    #[error("can't read the key file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others could read the secret.
    #[error(
        "the key file {} can be read by others (mode {mode:03o}): chmod 600 it, and consider \
         the key known", path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not an address of this chain.
    #[error("{0:?} is not an address with prefix 42, like 5Grw...utQY")]
    NotAnAddress(String),
}

/// The sr25519 key of a secret URI: a phrase or `0x` seed with derivations, or `//Alice`.
pub fn parse_key(uri: &str) -> Result<Keypair, KeyError> {
    let uri = uri.trim();
    // An empty phrase stands for the development phrase, which everybody knows.
    if uri.is_empty() {
        return Err(KeyError::NotASecret);
    }
    let uri = SecretUri::from_str(uri).map_err(|_| KeyError::NotASecret)?;
    Keypair::from_uri(&uri).map_err(|_| KeyError::NotASecret)
}

/// The key in a file that holds a secret URI and that only its owner can read.
pub fn load_key_file(path: &Path) -> Result<Keypair, KeyError> {
    let unreadable = |source| KeyError::Unreadable {
        path: path.into(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    refuse_open_file(path, &file.metadata().map_err(unreadable)?)?;
    parse_key(&std::io::read_to_string(file).map_err(unreadable)?)
}

#[cfg(unix)]
fn refuse_open_file(path: &Path, metadata: &std::fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(KeyError::TooOpen {
            path: path.into(),
            mode,
        }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn refuse_open_file(_: &Path, _: &std::fs::Metadata) -> Result<(), KeyError> {
    Ok(())
}

/// The account of a key.
pub fn account_of(key: &Keypair) -> AccountId {
    AccountId(key.public_key().0)
}

/// Reads an address with prefix 42.
pub fn parse_address(text: &str) -> Result<AccountId, KeyError> {
    let refused = || KeyError::NotAnAddress(text.into());
    let account = AccountId::from_str(text.trim()).map_err(|_| refused())?;
    // An address of another chain reads as the same account: only the text tells.
    (format_address(&account) == text.trim())
        .then_some(account)
        .ok_or_else(refused)
}

/// Writes an account as an address with prefix 42.
pub fn format_address(account: &AccountId) -> String {
    account.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn development_keys_phrases_and_seeds_are_keys() {
        assert_eq!(
            format_address(&account_of(&parse_key("//Alice").unwrap())),
            ALICE
        );
        let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
        let with_path = parse_key(&format!("{phrase}//Alice")).unwrap();
        assert_eq!(format_address(&account_of(&with_path)), ALICE);
        assert!(parse_key(&format!("0x{}", "07".repeat(32))).is_ok());
    }

    #[test]
    fn nothing_is_not_the_development_phrase() {
        for text in ["", "  \n", "hello world", "0x12"] {
            assert!(
                matches!(parse_key(text), Err(KeyError::NotASecret)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn addresses_are_read_back_and_those_of_other_chains_refused() {
        let alice = parse_address(ALICE).unwrap();
        assert_eq!(format_address(&alice), ALICE);
        // The same account with another chain's prefix; a typing error; nothing.
        let polkadot = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        for text in [
            polkadot,
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ",
            "",
        ] {
            assert!(
                matches!(parse_address(text), Err(KeyError::NotAnAddress(_))),
                "{text}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "//Alice").unwrap();
        let path = file.path().to_path_buf();
        assert_eq!(
            format_address(&account_of(&load_key_file(&path).unwrap())),
            ALICE
        );
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let refused = load_key_file(&path).unwrap_err();
        assert!(matches!(refused, KeyError::TooOpen { mode: 0o640, .. }));
        assert!(refused.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_missing_key_file_is_named() {
        let refused = load_key_file(Path::new("/nonexistent/key")).unwrap_err();
        assert!(refused.to_string().contains("/nonexistent/key"));
    }
}
