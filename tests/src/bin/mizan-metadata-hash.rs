//! Prints the metadata hash of a node's runtime: `mizan-metadata-hash ws://127.0.0.1:9944`.
//! `scripts/update-metadata` runs it and keeps the hash where the runtime is built with it.

use anyhow::{bail, Result};
use mizan_tests::metadata_hash;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url] = &arguments[..] else {
        bail!("name one node, as in: mizan-metadata-hash ws://127.0.0.1:9944");
    };
    let hash = metadata_hash::of_node(url).await?;
    println!("{}", mizan_client::hex_hash(&hash));
    Ok(())
}
