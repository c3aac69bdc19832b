//! The chains this node knows by name. Their genesis is the runtime's preset.

use polkadot_sdk::*;
use sc_service::{ChainType, GenericChainSpec, Properties};
use serde_json::json;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use std::path::PathBuf;

/// A chain's specification: its genesis, names and entry points.
pub(crate) type ChainSpec = GenericChainSpec;

/// The specification of a known chain, or that in a file.
pub(crate) fn load(id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
    match id {
        "dev" => Ok(Box::new(development()?)),
        "local" => Ok(Box::new(local_testnet()?)),
        "" => Err(
            "There is no public chain yet. Start a private one with --dev, join the three \
             validators of a network on this machine with --chain local, or name a specification \
             with --chain FILE."
                .into(),
        ),
        path => Ok(Box::new(ChainSpec::from_json_file(PathBuf::from(path))?)),
    }
}

/// A private chain with one validator, whose keys everybody knows.
fn development() -> Result<ChainSpec, String> {
    Ok(ChainSpec::builder(wasm()?, None)
        .with_name("Mizan Development")
        .with_id("mizan_dev")
        .with_protocol_id("mizan-dev")
        .with_chain_type(ChainType::Development)
        .with_properties(properties())
        .with_genesis_config_preset_name(DEV_RUNTIME_PRESET)
        .build())
}

/// A network of three validators on one machine, whose keys everybody knows.
fn local_testnet() -> Result<ChainSpec, String> {
    Ok(ChainSpec::builder(wasm()?, None)
        .with_name("Mizan Local Testnet")
        .with_id("mizan_local")
        .with_protocol_id("mizan-local")
        .with_chain_type(ChainType::Local)
        .with_properties(properties())
        .with_genesis_config_preset_name(LOCAL_TESTNET_RUNTIME_PRESET)
        .build())
}

/// The runtime with which a new chain begins.
fn wasm() -> Result<&'static [u8], String> {
    mizan_runtime::WASM_BINARY.ok_or_else(|| {
        "This node was built without a runtime (SKIP_WASM_BUILD was set). Build it again without."
            .into()
    })
}

/// How wallets show money and addresses.
fn properties() -> Properties {
    Properties::from_iter([
        ("tokenSymbol".into(), json!("MZN")),
        ("tokenDecimals".into(), json!(12)),
        ("ss58Format".into(), json!(42)),
    ])
}
