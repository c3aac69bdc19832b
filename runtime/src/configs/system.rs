//! Block limits, hashing and accounts.

use crate::{
    AccountId, Balance, Block, Hash, Hashing, Nonce, PalletInfo, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeOrigin, RuntimeTask, VERSION,
};
use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::Contains,
    weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND},
        Weight,
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use polkadot_sdk::*;
use sp_runtime::{traits::AccountIdLookup, Perbill};
use sp_version::RuntimeVersion;

/// How many block hashes the chain remembers; also how far back a mortal transaction may be born.
pub const BLOCK_HASH_COUNT: u32 = 4_096;

/// What one block may take to execute, out of the three seconds of a slot.
const MAX_BLOCK_WEIGHT: Weight =
    Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2), u64::MAX);

/// The longest block, in bytes.
const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

/// The part of a block open to everyone. The rest is kept for operational transactions: fraud
/// proofs, demands and answers must find room when the chain is full.
const NORMAL_RATIO: Perbill = Perbill::from_percent(75);

parameter_types! {
    /// [`BLOCK_HASH_COUNT`] as a type.
    pub const BlockHashCount: u32 = BLOCK_HASH_COUNT;
    /// [`VERSION`] as a type.
    pub const Version: RuntimeVersion = VERSION;
    /// The prefix of addresses as text: that of chains without one of their own.
    pub const Ss58Prefix: u16 = 42;
    /// How long a block may take, in all and for each class of transactions.
    pub RuntimeBlockWeights: BlockWeights =
        BlockWeights::with_sensible_defaults(MAX_BLOCK_WEIGHT, NORMAL_RATIO);
    /// How long a block may be, in all and for each class of transactions.
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(MAX_BLOCK_BYTES)
        .modify_max_length_for_class(DispatchClass::Normal, |max| *max = NORMAL_RATIO.mul_floor(*max))
        .build();
}

/// Calls that nobody may send, alone or wrapped in another.
///
/// `balances.burn` lowers the supply without telling the books; `rewards.burn` does the same and
/// tells them.
pub struct CountedBurnsOnly;

impl Contains<RuntimeCall> for CountedBurnsOnly {
    fn contains(call: &RuntimeCall) -> bool {
        !matches!(
            call,
            RuntimeCall::Balances(pallet_balances::Call::burn { .. })
        )
    }
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type BaseCallFilter = CountedBurnsOnly;
    type Block = Block;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type AccountData = pallet_balances::AccountData<Balance>;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type Nonce = Nonce;
    type Hash = Hash;
    type Hashing = Hashing;
    type BlockHashCount = BlockHashCount;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type SS58Prefix = Ss58Prefix;
    type PostTransactions = crate::Disputes;
    type MaxConsumers = frame_support::traits::ConstU32<16>;
    type SystemWeightInfo = crate::weights::frame_system::WeightInfo<Runtime>;
    type ExtensionsWeightInfo = crate::weights::frame_system_extensions::WeightInfo<Runtime>;
}
