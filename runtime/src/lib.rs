//! # Mizan runtime: the chain's state transition function.
//!
//! ## Overview
//!
//! This crate wires pallets into one chain and decides every constant that a pallet leaves open.
//! It holds no logic of its own beyond that.
//!
//! | Where | What |
//! | --- | --- |
//! | [`configs`] | one file per concern: `system`, `consensus`, `money`, `utility`, `mizan` |
//! | [`apis`] | what a node or a client may ask the runtime |
//! | [`genesis`] | presets from which a chain starts |
//! | [`weights`] | what calls and hooks cost, as measured |
//!
//! ## Goals
//!
//! - A block every three seconds through BABE, final through GRANDPA.
//! - No authority key: no sudo, and nothing in this runtime can change its code.
//!
//! ## Non-goals
//!
//! - Validators joining without permission. Their set is fixed in genesis.
//! - Punishing validators that equivocate. Reports are not collected until there is staking.
//!
//! ## Invariants
//!
//! - Pallet indices are part of the transaction format: they are explicit and never reused.
//! - [`EPOCH_DURATION_IN_SLOTS`] and [`SLOT_DURATION`] never change on a running chain.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]
// What macros and the build script generate comes without documentation; the rest has it.
#![allow(missing_docs)]
#![recursion_limit = "256"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
mod attestations;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis;
mod market;
pub mod weights;

#[cfg(test)]
mod tests;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::*;
use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{RuntimeApi, RUNTIME_API_VERSIONS};
pub use configs::{
    consensus::{EPOCH_DURATION_IN_SLOTS, SLOT_DURATION},
    money::{EXISTENTIAL_DEPOSIT, MZN},
    system::BLOCK_HASH_COUNT,
};

/// Block number.
pub type BlockNumber = u32;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// An amount of money in the smallest unit: 10^-12 MZN.
pub type Balance = u128;
/// A signature of any of the supported kinds.
pub type Signature = MultiSignature;
/// An account: the public key of a signature, or its hash.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// How blocks and tries are hashed.
pub type Hashing = BlakeTwo256;
/// What hashing gives.
pub type Hash = sp_core::H256;
/// Block header.
pub type Header = generic::Header<BlockNumber, Hashing>;
/// Block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// Types for the node, which passes transactions on without looking into them. With these the
/// node also serves them over RPC as text in hex, as wallets expect.
pub mod opaque {
    use super::*;

    /// Block whose transactions are bytes.
    pub type Block = generic::Block<Header, sp_runtime::OpaqueExtrinsic>;
}

/// A transaction as it travels.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a signer signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// What every transaction passes through, in this order.
///
/// `AuthorizeCall` comes first: an authorised call has no signer for the others to look at, and
/// each of them lets such a call pass.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckMortality<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_skip_feeless_payment::SkipCheckIfFeeless<
        Runtime,
        pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    >,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// Executes blocks: hands each part of a block to the pallets.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

impl_opaque_keys! {
    /// The keys with which a validator signs blocks and votes.
    pub struct SessionKeys {
        /// Signs blocks and draws slots.
        pub babe: Babe,
        /// Votes on finality.
        pub grandpa: Grandpa,
    }
}

/// Which runtime this is. `spec_version` grows with every change of behaviour,
/// `transaction_version` with every change of the transaction format.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("mizan"),
    impl_name: Cow::Borrowed("mizan"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// The pallets and their indices. Indices 0 to 19 are the SDK's, 20 and above are Mizan's.
///
/// The order is the order of genesis and of every hook. Balances precede Session, so that
/// validators' accounts exist when Session takes a reference to them; Babe precedes whatever asks
/// for the author; the beacon precedes every pallet that draws.
#[frame_support::runtime]
mod runtime {
    /// The chain.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;
    #[runtime::pallet_index(1)]
    pub type Babe = pallet_babe::Pallet<Runtime>;
    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;
    #[runtime::pallet_index(3)]
    pub type Authorship = pallet_authorship::Pallet<Runtime>;
    #[runtime::pallet_index(4)]
    pub type Balances = pallet_balances::Pallet<Runtime>;
    #[runtime::pallet_index(5)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;
    #[runtime::pallet_index(6)]
    pub type SkipFeelessPayment = pallet_skip_feeless_payment::Pallet<Runtime>;
    #[runtime::pallet_index(7)]
    pub type Session = pallet_session::Pallet<Runtime>;
    #[runtime::pallet_index(8)]
    pub type Grandpa = pallet_grandpa::Pallet<Runtime>;
    #[runtime::pallet_index(9)]
    pub type Utility = pallet_utility::Pallet<Runtime>;

    #[runtime::pallet_index(20)]
    pub type Beacon = pallet_beacon::Pallet<Runtime>;
    #[runtime::pallet_index(21)]
    pub type Providers = pallet_providers::Pallet<Runtime>;
    #[runtime::pallet_index(22)]
    pub type Models = pallet_models::Pallet<Runtime>;
    #[runtime::pallet_index(23)]
    pub type Jobs = pallet_jobs::Pallet<Runtime>;
    #[runtime::pallet_index(24)]
    pub type Contributions = pallet_contributions::Pallet<Runtime>;
    #[runtime::pallet_index(25)]
    pub type Rewards = pallet_rewards::Pallet<Runtime>;
    #[runtime::pallet_index(26)]
    pub type Disputes = pallet_disputes::Pallet<Runtime>;
}
