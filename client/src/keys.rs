//! Keys and addresses.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt_signer::{bip39::Mnemonic, SecretUri};

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
        source: io::Error,
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
    /// There is something where a new key was to be written.
    #[error(
        "{} is there already, and a key is never written over: name another file, or use the key \
         in this one", .0.display()
    )]
    Exists(PathBuf),
    /// A new key can't be written.
    #[error("can't write the key file {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no randomness, so that no key can be made.
    #[error("can't read /dev/urandom, from which new keys are made: {0}")]
    NoRandomness(io::Error),
    /// Not an address of this chain.
    #[error("{0:?} is not an address with prefix 42, like 5Grw...utQY")]
    NotAnAddress(String),
}

/// Where the system's own generator is read.
const SYSTEM_RANDOMNESS: &str = "/dev/urandom";
/// Bytes of randomness in a new key: twelve words.
const ENTROPY_BYTES: usize = 16;

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
    let file = File::open(path).map_err(unreadable)?;
    refuse_open_file(path, &file.metadata().map_err(unreadable)?)?;
    parse_key(&io::read_to_string(file).map_err(unreadable)?)
}

/// Makes a new random key and writes its twelve words to a new file that only its owner can read.
/// A file that is there already is never touched. Folders above it must exist.
pub fn create_key_file(path: &Path) -> Result<Keypair, KeyError> {
    let phrase = new_phrase()?;
    let key = parse_key(&phrase)?;
    let mut file = match exclusive().open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists(path.into()))
        }
        Err(source) => return Err(unwritable(path, source)),
    };
    let written = writeln!(file, "{phrase}").and_then(|()| file.sync_all());
    if let Err(source) = written {
        // Half a key helps nobody, and would stand in the way of the next attempt.
        let _ = std::fs::remove_file(path);
        return Err(unwritable(path, source));
    }
    Ok(key)
}

fn unwritable(path: &Path, source: io::Error) -> KeyError {
    KeyError::Unwritable {
        path: path.into(),
        source,
    }
}

/// Twelve words nobody else has.
fn new_phrase() -> Result<String, KeyError> {
    let mut entropy = [0; ENTROPY_BYTES];
    File::open(SYSTEM_RANDOMNESS)
        .and_then(|mut system| system.read_exact(&mut entropy))
        .map_err(KeyError::NoRandomness)?;
    let phrase = Mnemonic::from_entropy(&entropy).map_err(|_| KeyError::NotASecret)?;
    Ok(phrase.to_string())
}

/// How a key file is opened: made by this call, and from its first moment its owner's only.
fn exclusive() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
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

    #[cfg(unix)]
    #[test]
    fn a_new_key_file_is_its_owners_only_and_is_read_back() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = create_key_file(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(account_of(&load_key_file(&path).unwrap()), account_of(&key));
        let words = std::fs::read_to_string(&path).unwrap();
        assert_eq!(words.split_whitespace().count(), 12);
    }

    #[test]
    fn two_new_keys_differ() {
        let folder = tempfile::tempdir().unwrap();
        let new = |name| account_of(&create_key_file(&folder.path().join(name)).unwrap());
        assert_ne!(new("one"), new("two"));
    }

    #[test]
    fn a_key_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "something else").unwrap();
        let refused = create_key_file(&path).unwrap_err();
        assert!(matches!(&refused, KeyError::Exists(at) if *at == path));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "something else");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_to_where_a_key_would_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("key"), folder.path().join("target"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let refused = create_key_file(&link).unwrap_err();
        assert!(matches!(refused, KeyError::Exists(_)), "{refused}");
        assert!(!target.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere/key");
        let refused = create_key_file(&path).unwrap_err();
        assert!(matches!(refused, KeyError::Unwritable { .. }));
        assert!(refused.to_string().contains("nowhere/key"), "{refused}");
    }

    #[test]
    fn a_missing_key_file_is_named() {
        let refused = load_key_file(Path::new("/nonexistent/key")).unwrap_err();
        assert!(refused.to_string().contains("/nonexistent/key"));
    }
}
