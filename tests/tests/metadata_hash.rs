//! Signers that check the metadata's hash, such as hardware wallets, can use the chain.

use anyhow::{bail, ensure, Context, Result};
use codec::{Compact, Encode};
use mizan_client::runtime::transaction_payment::events::TransactionFeePaid;
use mizan_client::subxt::rpcs::{client::rpc_params, Error as RpcError, RpcClient};
use mizan_client::{account_of, calls, hex_hash, keys, units, At, Client, Hash, Keypair};
use mizan_tests::chain::{start_node, Chain};
use mizan_tests::wait::{until, Deadline};
use mizan_tests::{books, metadata_hash};

/// What the signer sends, in the smallest unit.
const AMOUNT: u128 = 3 * units::UNIT;
/// The node's error code for a transaction that can't be valid.
const INVALID: i32 = 1010;

#[tokio::test]
async fn pinned_metadata_hash_is_that_of_the_nodes_metadata() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (_node, url) = start_node(folder.path(), true).await?;
    let (of_node, pinned) = (
        metadata_hash::of_node(&url).await?,
        metadata_hash::pinned()?,
    );
    ensure!(
        of_node == pinned,
        "runtime/metadata-hash has {}, and the node's metadata has {}: run scripts/update-metadata",
        hex_hash(&pinned),
        hex_hash(&of_node)
    );
    Ok(())
}

#[tokio::test]
async fn transfer_signed_over_the_metadata_hash_is_accepted_and_over_another_refused() -> Result<()>
{
    let folder = tempfile::tempdir()?;
    let chain = Chain::start(folder.path(), true).await?;
    let client = &chain.client;
    let rpc = RpcClient::from_url(&chain.url).await?;
    let (dave, eve) = (keys::parse_key("//Dave")?, keys::parse_key("//Eve")?);
    let accounts = [account_of(&dave), account_of(&eve)];
    let balances = async || -> Result<[u128; 2]> {
        let [from, to] = &accounts;
        Ok([
            client.balance(from, At::Finalized).await?.total,
            client.balance(to, At::Finalized).await?.total,
        ])
    };
    let [from_before, to_before] = balances().await?;

    let mut other = metadata_hash::pinned()?;
    other[31] ^= 1;
    let forged = checked_transfer(client, &dave, &eve, other).await?;
    let refused = send(&rpc, &forged).await;
    let Err(RpcError::User(refused)) = refused else {
        bail!("another hash: {refused:?}");
    };
    let reason = refused.data.as_ref().map_or("", |data| data.get());
    ensure!(
        refused.code == INVALID && reason.contains("bad signature"),
        "{refused:?}"
    );

    let pinned = metadata_hash::pinned()?;
    let signed = checked_transfer(client, &dave, &eve, pinned).await?;
    send(&rpc, &signed).await?;
    until(
        "the transfer to be final",
        Deadline::seconds(90),
        async || Ok((balances().await?[1] != to_before).then_some(())),
    )
    .await?;

    // The refused one left no trace: one transfer and one fee make up the whole difference.
    let last = client.finalized_number().await?;
    let fees = books::events::<TransactionFeePaid>(client, 1..=last).await?;
    let [fee] = &fees[..] else {
        bail!("{} fees were paid", fees.len());
    };
    ensure!(fee.who == accounts[0] && fee.actual_fee > 0, "{fee:?}");
    let [from, to] = balances().await?;
    ensure!(to == to_before + AMOUNT, "{to} from {to_before}");
    ensure!(
        from == from_before - AMOUNT - fee.actual_fee,
        "{from} from {from_before}, fee {}",
        fee.actual_fee
    );
    Ok(())
}

/// Gives the transaction's hash.
async fn send(rpc: &RpcClient, transaction: &[u8]) -> Result<String, RpcError> {
    let transaction = format!("0x{}", hex(transaction));
    rpc.request("author_submitExtrinsic", rpc_params![transaction])
        .await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A transfer as a signer makes it that checks the metadata's hash: it says that it did, and signs
/// over the hash. Written out by hand, for `subxt` never checks.
async fn checked_transfer(
    client: &Client,
    from: &Keypair,
    to: &Keypair,
    metadata_hash: Hash,
) -> Result<Vec<u8>> {
    let call = calls::transfer(account_of(to), AMOUNT);
    let call = client.at(At::Best).await?.transactions().call_data(&call)?;
    let (sent, signed_only) = extensions(client, from, metadata_hash).await?;
    let payload = [&call[..], &sent, &signed_only].concat();
    ensure!(
        payload.len() <= 256,
        "longer payloads are hashed before they are signed"
    );
    let signature = from.sign(&payload).0;

    /// Version 4, with a signature.
    const SIGNED: u8 = 0x84;
    /// The variants `MultiAddress::Id` and `MultiSignature::Sr25519`.
    const BY_ID: u8 = 0;
    const SR25519: u8 = 1;
    let account = account_of(from);
    let body = [
        &[SIGNED, BY_ID][..],
        &account.0,
        &[SR25519],
        &signature,
        &sent,
        &call,
    ]
    .concat();
    Ok(body.encode())
}

/// What the runtime's transaction extensions want, in the metadata's order: the bytes that are
/// sent, and those that are only signed.
async fn extensions(
    client: &Client,
    signer: &Keypair,
    metadata_hash: Hash,
) -> Result<(Vec<u8>, Vec<u8>)> {
    const IMMORTAL: u8 = 0;
    const CHECKED: u8 = 1;
    let block = client.at(At::Best).await?;
    let nonce = block
        .transactions()
        .account_nonce(&account_of(signer))
        .await?;
    let (spec_version, genesis) = (block.spec_version(), client.genesis_hash());
    let transaction_version = block.transaction_version();
    let metadata = block.metadata_ref();
    let extensions = metadata
        .extrinsic()
        .transaction_extensions_by_version(0)
        .context("the metadata has no extensions of version 0")?;
    let (mut sent, mut signed_only) = (Vec::new(), Vec::new());
    for extension in extensions {
        match extension.identifier() {
            "CheckSpecVersion" => spec_version.encode_to(&mut signed_only),
            "CheckTxVersion" => transaction_version.encode_to(&mut signed_only),
            "CheckGenesis" => genesis.encode_to(&mut signed_only),
            "CheckMortality" => {
                IMMORTAL.encode_to(&mut sent);
                genesis.encode_to(&mut signed_only);
            }
            "CheckNonce" => Compact(nonce).encode_to(&mut sent),
            "ChargeTransactionPayment" => Compact(0_u128).encode_to(&mut sent),
            "CheckMetadataHash" => {
                CHECKED.encode_to(&mut sent);
                Some(metadata_hash).encode_to(&mut signed_only);
            }
            "AuthorizeCall" | "CheckNonZeroSender" | "CheckWeight" | "WeightReclaim" => {}
            unknown => bail!("the runtime has a new extension, {unknown}"),
        }
    }
    Ok((sent, signed_only))
}
