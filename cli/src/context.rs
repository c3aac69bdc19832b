//! Chain, key and blobs as the command line names them.

use crate::arguments::Settings;
use crate::failure::{Failure, Kind};
use mizan_blobs::LocalBlobStore;
use mizan_client::{account_of, keys, AccountId, Client, Keypair};
use std::path::{Path, PathBuf};

/// What commands work with; each part is opened when a command asks for it.
pub(crate) struct Context {
    settings: Settings,
}

impl Context {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Where the node is.
    pub(crate) fn url(&self) -> &str {
        &self.settings.url
    }

    /// A connection to the chain.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.settings.url).await?)
    }

    /// Who signs.
    pub(crate) fn key(&self) -> Result<Keypair, Failure> {
        match self.key_if_named()? {
            Some(key) => Ok(key),
            None => {
                let message = "this command signs: name a key with --key-file FILE or --key URI";
                Err(Failure::new(Kind::Key, message))
            }
        }
    }

    /// Who signs, if the command line says so.
    pub(crate) fn key_if_named(&self) -> Result<Option<Keypair>, Failure> {
        match (&self.settings.key, &self.settings.key_file) {
            (Some(uri), _) => Ok(Some(keys::parse_key(uri)?)),
            (None, Some(path)) => Ok(Some(keys::load_key_file(path)?)),
            (None, None) => Ok(None),
        }
    }

    /// The account that a command is about: the one it names, or that of the key.
    pub(crate) fn account_or_own(&self, named: Option<AccountId>) -> Result<AccountId, Failure> {
        match (named, self.key_if_named()?) {
            (Some(account), _) => Ok(account),
            (None, Some(key)) => Ok(account_of(&key)),
            (None, None) => {
                let message = "name an account, or your key with --key-file FILE or --key URI";
                Err(Failure::new(Kind::Key, message))
            }
        }
    }

    /// Where blobs are published and fetched.
    pub(crate) fn blobs(&self) -> Result<LocalBlobStore, Failure> {
        let Some(folder) = &self.settings.blobs else {
            return Err(Failure::new(
                Kind::Key,
                "name blob servers with --server URL, or the folder of blobs with --blobs DIR",
            ));
        };
        Ok(LocalBlobStore::open(folder)?)
    }

    /// Where copies are kept of what goes to blob servers and comes from them.
    pub(crate) fn copies(&self) -> Result<LocalBlobStore, Failure> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let cache = cache(variable("XDG_CACHE_HOME"), variable("HOME"));
        let Some(folder) = self.settings.blobs.clone().or(cache) else {
            let message = "there is no home folder for copies: name a folder with --blobs DIR";
            return Err(Failure::new(Kind::Key, message));
        };
        Ok(LocalBlobStore::open(folder)?)
    }
}

/// The usual folder for copies.
fn cache(caches: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The convention is that a relative path counts as none.
    let absolute = |path: &PathBuf| path.is_absolute();
    let below_home = home.filter(absolute).map(|home| home.join(".cache"));
    let caches = caches.filter(absolute).or(below_home)?;
    Some(caches.join(Path::new("mizan/blobs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(key: Option<&str>) -> Context {
        let url = "ws://127.0.0.1:1".into();
        let key = key.map(str::to_owned);
        Context::new(Settings {
            url,
            key,
            key_file: None,
            blobs: None,
            json: false,
        })
    }

    #[test]
    fn a_missing_or_wrong_key_is_a_failure_of_the_key() {
        let kind = |key| context(key).key().map(drop).unwrap_err().kind;
        assert_eq!(kind(None), Kind::Key);
        assert_eq!(kind(Some("not a key")), Kind::Key);
        assert!(context(Some("//Bob")).key().is_ok());
    }

    #[test]
    fn a_command_is_about_the_account_named_or_that_of_the_key() {
        let bob = account_of(&keys::parse_key("//Bob").unwrap());
        let other = AccountId([9; 32]);
        let with_key = context(Some("//Bob"));
        assert_eq!(with_key.account_or_own(None), Ok(bob));
        assert_eq!(with_key.account_or_own(Some(other)), Ok(other));
        let nobody = context(None).account_or_own(None).unwrap_err();
        assert_eq!(nobody.kind, Kind::Key);
        assert!(nobody.message.contains("name an account"), "{nobody}");
    }

    #[test]
    fn a_command_that_needs_blobs_says_how_to_name_them() {
        let failure = context(None).blobs().map(drop).unwrap_err();
        assert_eq!(failure.kind, Kind::Key);
        assert!(failure.message.contains("--blobs DIR"), "{failure}");
    }

    #[test]
    fn copies_are_kept_where_caches_are() {
        let path = |text: &str| Some(PathBuf::from(text));
        let expected = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            cache(path("/c"), path("/home/me")),
            expected("/c/mizan/blobs")
        );
        let below_home = expected("/home/me/.cache/mizan/blobs");
        assert_eq!(cache(None, path("/home/me")), below_home);
        assert_eq!(cache(path("relative"), path("/home/me")), below_home);
        assert_eq!(cache(None, None), None);
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_unreachable() {
        let failure = context(None).client().await.map(drop).unwrap_err();
        assert_eq!(failure.kind, Kind::Unreachable);
    }
}
