//! The protocol's own pallets.

use crate::{
    configs::{consensus::CurrentSlot, system::BlockHashCount},
    weights, Balances, Beacon, Contributions, Disputes, Jobs, Models, Providers, Rewards, Runtime,
    RuntimeHoldReason, Signature,
};
use frame_support::parameter_types;
use pallet_jobs::CurrentTiming;
use pallet_rewards::{CountedBurn, CurrentEconomics};
use polkadot_sdk::*;
use sp_runtime::Perbill;

impl pallet_beacon::Config for Runtime {
    type AuthorVrf = pallet_babe::ParentBlockRandomness<Runtime>;
    type Slot = CurrentSlot;
    // A draw names a block by its hash or its number; both are remembered equally long.
    type Retention = BlockHashCount;
    type WeightInfo = weights::pallet_beacon::WeightInfo<Runtime>;
}

impl pallet_providers::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type BurnedBond = CountedBurn<Runtime>;
    type Timing = CurrentTiming<Runtime>;
    type Economics = CurrentEconomics<Runtime>;
    type Consent = Signature;
    type WeightInfo = weights::pallet_providers::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_models::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Economics = CurrentEconomics<Runtime>;
    type WeightInfo = weights::pallet_models::WeightInfo<Runtime>;
}

parameter_types! {
    /// Matching may take one twentieth of a block.
    pub const MatchingShare: Perbill = Perbill::from_percent(5);
    /// What is due may take one tenth of a block, and more when the block is idle.
    pub const AgendaShare: Perbill = Perbill::from_percent(10);
}

parameter_types! {
    /// Draws may take one twentieth of a block.
    pub const DrawsShare: Perbill = Perbill::from_percent(5);
}

impl pallet_jobs::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Models = Models;
    type Workforce = Providers;
    type Settlement = Rewards;
    type BurnedDeposit = CountedBurn<Runtime>;
    type Contributions = Contributions;
    type Disputes = Disputes;
    type Beacon = Beacon;
    type Economics = CurrentEconomics<Runtime>;
    type MatchingShare = MatchingShare;
    type AgendaShare = AgendaShare;
    type WeightInfo = weights::pallet_jobs::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_disputes::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Beacon = Beacon;
    type DrawsShare = DrawsShare;
    type BurnedDeposit = CountedBurn<Runtime>;
    type Models = Models;
    type Results = Jobs;
    type Signature = Signature;
    type AttestationReader = crate::attestations::Reader;
    type Timing = CurrentTiming<Runtime>;
    type Economics = CurrentEconomics<Runtime>;
    type WeightInfo = weights::pallet_disputes::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_contributions::Config for Runtime {
    type Timing = CurrentTiming<Runtime>;
}

impl pallet_rewards::Config for Runtime {
    type Currency = Balances;
    type WeightInfo = weights::pallet_rewards::WeightInfo<Runtime>;
}
