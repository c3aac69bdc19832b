//! The worker's key on disk.

use crate::settings::Settings;
use mizan_client::{
    keys::{self, KeyError},
    Keypair,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why there is no key to work with. No variant shows any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// There is no file.
    #[error(
        "there is no key file {}: make one with `mizan-worker key new`, or name another with \
         --key-file", .0.display()
    )]
    Missing(PathBuf),
    /// Others could read the secret.
    #[error(
        "the key file {path} can be read by others (mode {mode:03o}): run `chmod 600 {path}`, and \
         consider the key known", path = path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The folder for the file can't be made.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else about the key.
    #[error(transparent)]
    Key(KeyError),
}

impl From<KeyError> for KeystoreError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unreadable { path, source } if source.kind() == io::ErrorKind::NotFound => {
                Self::Missing(path)
            }
            KeyError::TooOpen { path, mode } => Self::TooOpen { path, mode },
            error => Self::Key(error),
        }
    }
}

/// The key that the settings name.
pub fn load(settings: &Settings) -> Result<Keypair, KeystoreError> {
    Ok(match &settings.key {
        Some(secret) => keys::parse_key(&secret.0)?,
        None => keys::load_key_file(&settings.key_file)?,
    })
}

/// Makes a new key in a file that only its owner can read. A file that is there is left alone.
pub fn create(path: &Path) -> Result<Keypair, KeystoreError> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        private_folder(folder).map_err(|source| KeystoreError::Folder {
            path: folder.into(),
            source,
        })?;
    }
    Ok(keys::create_key_file(path)?)
}

/// Makes a folder that only its owner can use, with those above it. One that is there stays as it
/// is.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// The permission bits of a file or folder; `None` where there are none.
pub fn mode_of(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some(metadata.permissions().mode() & 0o777)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, Flags, Layers};

    fn settings(key_file: &Path) -> Settings {
        let flags = Flags::from([
            ("data", "/nonexistent".to_owned()),
            ("key_file", key_file.display().to_string()),
        ]);
        let layers = Layers::gather(None, &Environment::new(), &flags).unwrap();
        layers.settings().unwrap()
    }

    #[test]
    fn a_missing_key_is_named_with_how_to_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let refused = load(&settings(&path)).err().unwrap();
        assert!(matches!(&refused, KeystoreError::Missing(named) if *named == path));
        assert!(refused.to_string().contains("mizan-worker key new"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create(&path).unwrap();
        load(&settings(&path)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let refused = load(&settings(&path)).err().unwrap();
        assert!(matches!(
            refused,
            KeystoreError::TooOpen { mode: 0o644, .. }
        ));
        let command = format!("chmod 600 {}", path.display());
        assert!(refused.to_string().contains(&command), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_key_and_the_folders_made_for_it_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/key");
        create(&path).unwrap();
        assert_eq!(mode_of(&path), Some(0o600));
        assert_eq!(mode_of(&folder.path().join("a/b")), Some(0o700));
        assert_eq!(mode_of(&folder.path().join("a")), Some(0o700));
        let again = create(&path).err().unwrap();
        assert!(matches!(again, KeystoreError::Key(KeyError::Exists(_))));
    }
}
