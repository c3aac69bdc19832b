//! Chain, key and blobs as the command line names them.

use crate::arguments::Settings;
use crate::failure::{Failure, Kind};
use mizan_client::blobs::LocalBlobStore;
use mizan_client::{keys, Client, Keypair};

/// What commands work with; each part is opened when a command asks for it.
pub(crate) struct Context {
    settings: Settings,
}

impl Context {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// A connection to the chain.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.settings.url).await?)
    }

    /// Who signs.
    pub(crate) fn key(&self) -> Result<Keypair, Failure> {
        match (&self.settings.key, &self.settings.key_file) {
            (Some(uri), _) => Ok(keys::parse_key(uri)?),
            (None, Some(path)) => Ok(keys::load_key_file(path)?),
            (None, None) => {
                let message = "this command signs: name a key with --key-file FILE or --key URI";
                Err(Failure::new(Kind::Key, message))
            }
        }
    }

    /// Where blobs are published and fetched.
    pub(crate) fn blobs(&self) -> Result<LocalBlobStore, Failure> {
        let Some(folder) = &self.settings.blobs else {
            return Err(Failure::new(
                Kind::Key,
                "name the folder of blobs with --blobs DIR",
            ));
        };
        Ok(LocalBlobStore::open(folder)?)
    }
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
    fn a_command_that_needs_blobs_says_how_to_name_them() {
        let failure = context(None).blobs().map(drop).unwrap_err();
        assert_eq!(
            failure,
            Failure::new(Kind::Key, "name the folder of blobs with --blobs DIR")
        );
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_unreachable() {
        let failure = context(None).client().await.map(drop).unwrap_err();
        assert_eq!(failure.kind, Kind::Unreachable);
    }
}
