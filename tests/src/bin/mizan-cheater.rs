//! A worker or an auditor that cheats, for the end-to-end tests: `mizan-cheater URL SECRET BLOBS HOW`.

use anyhow::{Context, Result};
use mizan_client::{blobs::LocalBlobStore, keys, Client};
use mizan_tests::cheating::{Cheater, CheatingAuditor};
use mizan_tests::interrupt;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let done = tokio::select! {
        biased;
        interrupted = interrupt::interrupted() => interrupted,
        done = cheat() => done.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:?}");
        ExitCode::FAILURE
    })
}

async fn cheat() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("URL SECRET BLOBS HOW");
    let (url, secret, blobs, how) = (next()?, next()?, next()?, next()?);
    let client = Client::connect(&url).await?;
    let key = keys::parse_key(&secret)?;
    let blobs = LocalBlobStore::open(blobs)?;
    if !how.starts_with("auditor:") {
        return Cheater::new(client, key, blobs, how.parse()?).run().await;
    }
    let auditor = CheatingAuditor {
        client,
        key,
        blobs,
        how: how.parse()?,
    };
    auditor.run().await
}
