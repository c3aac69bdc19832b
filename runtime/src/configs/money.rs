//! Balances, transaction fees, and where money goes that nobody owns.

use crate::{
    AccountId, Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason,
    System,
};
use frame_support::{
    parameter_types,
    traits::{
        fungible::{Balanced, Credit},
        ConstU128, ConstU32, ConstU8, OnUnbalanced, VariantCountOf,
    },
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use polkadot_sdk::*;
use sp_runtime::{
    traits::{Bounded, One},
    FixedPointNumber, Perquintill,
};

/// One MZN in the smallest unit.
pub const MZN: Balance = 1_000_000_000_000;

/// The least an account may hold: 0.001 MZN.
pub const EXISTENTIAL_DEPOSIT: Balance = 1_000_000_000;

/// What a transaction pays per byte; 1 MZN for a million bytes. Time is paid at one smallest unit
/// per picosecond of weight, so a full block costs about 2 MZN for its time and 5 MZN for its
/// bytes.
const FEE_PER_BYTE: Balance = 1_000_000;

/// The one place where money leaves the supply because nobody owns it: dust of accounts below the
/// existential deposit, and fees of blocks whose author cannot be told. Counted in the books.
type BurnUnowned = pallet_rewards::CountedBurn<Runtime>;

/// Gives fees and tips to the author of the block, and burns what an author cannot take.
pub struct FeesToAuthor;

impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToAuthor {
    fn on_nonzero_unbalanced(fees: Credit<AccountId, Balances>) {
        let unowned = match super::consensus::block_author() {
            Some(author) => Balances::resolve(&author, fees).err(),
            None => Some(fees),
        };
        if let Some(unowned) = unowned {
            BurnUnowned::on_unbalanced(unowned);
        }
    }
}

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = crate::weights::pallet_balances::WeightInfo<Runtime>;
    type Balance = Balance;
    type DustRemoval = BurnUnowned;
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    // Holds and freezes took the place of locks and reserves; none are granted.
    type MaxLocks = ConstU32<0>;
    type MaxReserves = ConstU32<0>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}

parameter_types! {
    /// Above a quarter of a full block, fees rise.
    pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
    /// How fast: while blocks stay full, about fivefold in a day.
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    /// Fees never fall below the list price, so that filling blocks always costs.
    pub MinimumMultiplier: Multiplier = Multiplier::one();
    /// No upper bound.
    pub MaximumMultiplier: Multiplier = Multiplier::max_value();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, FeesToAuthor>;
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, ConstU128<FEE_PER_BYTE>>;
    type FeeMultiplierUpdate = TargetedFeeAdjustment<
        Self,
        TargetBlockFullness,
        AdjustmentVariable,
        MinimumMultiplier,
        MaximumMultiplier,
    >;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightInfo = crate::weights::pallet_transaction_payment::WeightInfo<Runtime>;
}

impl pallet_skip_feeless_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
}
