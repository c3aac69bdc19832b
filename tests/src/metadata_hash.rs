//! The hash of the metadata: what careful signers sign besides the transaction.
//!
//! A signer that reads a transaction by metadata from elsewhere, such as a hardware wallet, signs
//! over this hash ([RFC 78]). The runtime refuses the signature unless the hash is the one that it
//! was built with.
//!
//! [RFC 78]: https://polkadot-fellows.github.io/RFCs/approved/0078-merkleized-metadata.html

use crate::binaries::repository_file;
use anyhow::{bail, ensure, Context, Result};
use codec::Decode;
use frame_metadata::{v15::RuntimeMetadataV15, RuntimeMetadata, RuntimeMetadataPrefixed};
use merkleized_metadata::{generate_metadata_digest, ExtraInfo};
use mizan_client::subxt::config::{RpcConfigFor, SubstrateConfig};
use mizan_client::subxt::rpcs::{methods::LegacyRpcMethods, RpcClient};
use mizan_client::{parse_hash, units, Hash};

/// The file with the hash that the runtime is built with.
const PINNED: &str = "runtime/metadata-hash";
/// The version of the metadata that the hash is made of.
const VERSION: u32 = 15;

type Rpc = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// The hash that the runtime is built with.
pub fn pinned() -> Result<Hash> {
    let text = std::fs::read_to_string(repository_file(PINNED)).with_context(|| {
        format!("{PINNED} can't be read: run scripts/update-metadata, then build again")
    })?;
    parse_hash(&text).with_context(|| format!("{PINNED} has {text:?}, which is no hash"))
}

/// The hash of what a node's runtime says of itself.
pub async fn of_node(url: &str) -> Result<Hash> {
    let rpc = Rpc::new(RpcClient::from_url(url).await?);
    let metadata = metadata(&rpc).await?;
    let about = about(&rpc, &metadata).await?;
    let digest = generate_metadata_digest(&RuntimeMetadata::V15(metadata), about);
    match digest {
        Ok(digest) => Ok(digest.hash()),
        Err(reason) => bail!("the metadata can't be hashed: {reason}"),
    }
}

async fn metadata(rpc: &Rpc) -> Result<RuntimeMetadataV15> {
    let call = "Metadata_metadata_at_version";
    let answer = rpc
        .state_call(call, Some(&VERSION.to_le_bytes()), None)
        .await?;
    let bytes = <Option<Vec<u8>>>::decode(&mut &answer[..])?
        .with_context(|| format!("the runtime has no metadata of version {VERSION}"))?;
    match RuntimeMetadataPrefixed::decode(&mut &bytes[..])?.1 {
        RuntimeMetadata::V15(metadata) => Ok(metadata),
        other => bail!(
            "the runtime gave metadata of version {}, not {VERSION}",
            other.version()
        ),
    }
}

/// What a wallet shows of the chain. It is part of the hash, so that nobody can make a wallet show
/// an amount with the point elsewhere.
async fn about(rpc: &Rpc, metadata: &RuntimeMetadataV15) -> Result<ExtraInfo> {
    let version = rpc.state_get_runtime_version(None).await?;
    let spec_name = version.other.get("specName");
    let spec_name = spec_name.and_then(|name| name.as_str());
    let properties = rpc.system_properties().await?;
    let property = |name: &str| {
        properties
            .get(name)
            .with_context(|| format!("the chain's specification has no {name}"))
    };
    let decimals = property("tokenDecimals")?.as_u64();
    let decimals = decimals
        .and_then(|decimals| u8::try_from(decimals).ok())
        .context("the chain's tokenDecimals is no number up to 255")?;
    ensure!(
        10_u128.checked_pow(decimals.into()) == Some(units::UNIT),
        "the chain's specification says {decimals} decimals, and mizan-client has others"
    );
    let token_symbol = property("tokenSymbol")?.as_str();
    let base58_prefix = address_prefix(metadata)?;
    let said = property("ss58Format")?;
    ensure!(
        *said == base58_prefix,
        "the chain's specification says that addresses have the prefix {said}, and the runtime \
         says {base58_prefix}"
    );
    Ok(ExtraInfo {
        spec_version: version.spec_version,
        spec_name: spec_name.context("the runtime has no name")?.to_owned(),
        base58_prefix,
        decimals,
        token_symbol: token_symbol
            .context("the chain's tokenSymbol is no text")?
            .to_owned(),
    })
}

/// The prefix of addresses, a constant of the runtime.
fn address_prefix(metadata: &RuntimeMetadataV15) -> Result<u16> {
    let constants = metadata
        .pallets
        .iter()
        .filter(|pallet| pallet.name == "System")
        .flat_map(|pallet| &pallet.constants);
    let prefix = constants
        .into_iter()
        .find(|constant| constant.name == "SS58Prefix")
        .context("the runtime has no constant System.SS58Prefix")?;
    Ok(u16::decode(&mut &prefix.value[..])?)
}
