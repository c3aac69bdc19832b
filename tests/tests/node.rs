//! The node by itself.

use anyhow::{ensure, Result};
use mizan_client::subxt::config::{RpcConfigFor, SubstrateConfig};
use mizan_client::subxt::rpcs::{methods::LegacyRpcMethods, RpcClient};
use mizan_tests::binaries::repository_file;
use mizan_tests::chain::{start_node, Chain};
use mizan_tests::wait::{until, Deadline};

#[tokio::test]
async fn node_finalises_blocks_and_stops_when_asked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let deadline = Deadline::seconds(90);
    until("block 2 to be final", deadline, async || {
        Ok((client.finalized_number().await? >= 2).then_some(()))
    })
    .await?;
    let hash = client.block_hash(2).await?;
    ensure!(
        client.best_number().await? > 2,
        "a final block is not the newest"
    );
    ensure!(
        client.block_hash(2).await? == hash,
        "a final block was given up"
    );

    let status = chain.node.stop().await?;
    ensure!(
        status.code() == Some(0),
        "the node ended with {status}\n{}",
        chain.node.tail()?
    );
    Ok(())
}

#[tokio::test]
async fn metadata_is_pinned() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_node, url) = start_node(folder.path(), true).await?;
    let rpc =
        LegacyRpcMethods::<RpcConfigFor<SubstrateConfig>>::new(RpcClient::from_url(&url).await?);
    // Version 16, as a little-endian number of four bytes.
    let call = rpc.state_call("Metadata_metadata_at_version", Some(&[16, 0, 0, 0]), None);
    let served = call.await?;
    let pinned = std::fs::read(repository_file("client/metadata.scale"))?;
    // Before the metadata come an option's byte and four that say how long it is.
    ensure!(
        served.get(5..) == Some(&pinned[..]),
        "client/metadata.scale is not what the node serves: run scripts/update-metadata"
    );
    Ok(())
}
