//! Blob servers as the command line and jobs name them: what is pushed there and fetched from
//! there.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use clap::Args;
use mizan_blobs::{
    BlobClient, BlobError, BlobStore, ClientSettings, LocalBlobStore, Pushed, UploadRight, Url,
};
use mizan_client::{hex_hash, Hash};
use std::path::{Path, PathBuf};

/// Reads the address of a blob server. Addresses are published with jobs: secrets in them would
/// be, too.
fn server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("a blob server's address starts with http:// or https://".into());
    }
    let has_secrets = !url.username().is_empty() || url.password().is_some();
    if has_secrets || url.query().is_some() || url.fragment().is_some() {
        return Err("a blob server's address has no user, password, ? or #".into());
    }
    Ok(url)
}

/// Where to publish.
#[derive(Clone, Debug, Args)]
pub(crate) struct Upload {
    /// Publish to this blob server instead of the folder; may be given several times
    #[arg(long = "server", value_name = "URL", value_parser = server)]
    servers: Vec<Url>,
    /// File of a secret that entitles to uploads there; your key signs them if not given
    #[arg(long, value_name = "FILE", requires = "servers")]
    upload_token_file: Option<PathBuf>,
}

impl Upload {
    /// The addresses of the servers, as jobs name them.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(Url::to_string).collect()
    }

    /// The folder that keeps what is published, or copies of it.
    pub(crate) fn store(&self, context: &Context) -> Result<LocalBlobStore, Failure> {
        if self.servers.is_empty() {
            context.blobs()
        } else {
            context.copies()
        }
    }

    /// Puts blobs of the store on the servers, and says for each which have it. It is a failure
    /// if none has.
    pub(crate) async fn push(
        &self,
        hashes: &[Hash],
        store: &LocalBlobStore,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<Vec<Pushed>, Failure> {
        if self.servers.is_empty() {
            return Ok(hashes.iter().map(|_| Pushed::default()).collect());
        }
        let right = self.right(context)?;
        // Whoever runs the command named the servers: they may be on the own network.
        let client = client(true)?;
        let mut all = Vec::new();
        for hash in hashes {
            let pushed = client.push(&self.servers, *hash, store, &right, None);
            let pushed = pushed.await?;
            let (on, of) = (pushed.on.len(), self.servers.len());
            output.progress(&format!("{} is on {on} of {of} servers", hex_hash(hash)));
            for failure in &pushed.failed {
                output.progress(&format!("  not on {failure}"));
            }
            all.push(pushed);
        }
        Ok(all)
    }

    fn right(&self, context: &Context) -> Result<UploadRight, Failure> {
        match &self.upload_token_file {
            Some(path) => read_token(path).map(UploadRight::Token),
            None => Ok(UploadRight::Key(context.key()?)),
        }
    }
}

/// The first line of a file that holds a token.
fn read_token(path: &Path) -> Result<String, Failure> {
    let unusable = |reason: String| {
        let path = path.display();
        Failure::new(Kind::Key, format!("the token file {path}: {reason}"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let mut lines = text.lines().map(str::trim);
    let token = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    let token = token.ok_or_else(|| unusable("it holds no token".into()))?;
    Ok(token.to_owned())
}

/// The bytes of a file that the command line names.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    std::fs::read(path).map_err(|error| Failure::usage(format!("{name}: {error}")))
}

/// From where to fetch.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Download {
    /// Fetch from this blob server; may be given several times
    #[arg(long = "server", value_name = "URL", value_parser = server)]
    servers: Vec<Url>,
    /// Also from servers with private addresses, although somebody else named them
    #[arg(long)]
    allow_private_blob_servers: bool,
}

/// Who named the servers of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Whoever runs the command: they may be on the own network.
    Named,
    /// A stranger, who may want to learn what answers on our network.
    Stranger,
}

/// Where blobs come from: a folder, and servers if it lacks them.
pub(crate) struct Source {
    store: LocalBlobStore,
    servers: Vec<Url>,
    client: BlobClient,
}

impl Download {
    /// The servers that the command line names, or else those that a job names.
    pub(crate) fn source(
        &self,
        of_job: &[String],
        trust: Trust,
        context: &Context,
    ) -> Result<Source, Failure> {
        let (servers, trust) = if self.servers.is_empty() {
            // What is no address can't be fetched from; the others may do.
            let servers = of_job.iter().filter_map(|url| server(url).ok()).collect();
            (servers, trust)
        } else {
            (self.servers.clone(), Trust::Named)
        };
        let store = if servers.is_empty() {
            context.blobs()?
        } else {
            context.copies()?
        };
        let allow_private = trust == Trust::Named || self.allow_private_blob_servers;
        Ok(Source {
            store,
            servers,
            client: client(allow_private)?,
        })
    }
}

impl Source {
    /// A blob's bytes, checked.
    pub(crate) async fn get(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        match self.store.get(hash, max_bytes).await {
            Err(BlobError::Missing(_) | BlobError::Corrupt(_)) if !self.servers.is_empty() => {}
            blob => return Ok(blob?),
        }
        self.client
            .fetch(&self.servers, hash, max_bytes, &self.store)
            .await?;
        Ok(self.store.get(hash, max_bytes).await?)
    }
}

fn client(allow_private: bool) -> Result<BlobClient, Failure> {
    Ok(BlobClient::new(ClientSettings {
        allow_private,
        ..ClientSettings::default()
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers_carry_no_secrets() {
        assert!(server("http://127.0.0.1:8787").is_ok());
        assert!(server("https://blobs.example.org/mine/").is_ok());
        for bad in [
            "",
            "blobs",
            "ftp://a",
            "http://u:p@a",
            "http://a/?t=1",
            "http://a/#x",
        ] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_the_first_line_that_is_no_remark() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# mine\n\n 0123456789abcdef \nother\n").unwrap();
        assert_eq!(read_token(file.path()).unwrap(), "0123456789abcdef");
        std::fs::write(file.path(), "# none\n").unwrap();
        let refused = read_token(file.path()).unwrap_err();
        assert_eq!(refused.kind, Kind::Key);
        assert!(refused.message.contains("holds no token"), "{refused}");
    }
}
