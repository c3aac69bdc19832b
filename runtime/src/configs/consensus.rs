//! Who authors a block and who makes it final: BABE, GRANDPA and the sessions behind both.

use crate::{AccountId, Authorship, Babe, Balances, Runtime, RuntimeEvent, Session, SessionKeys};
use frame_support::{
    parameter_types,
    traits::{ConstU128, ConstU32, ConstU64, Get},
};
use polkadot_sdk::*;
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::traits::{Convert, OpaqueKeys};

/// Milliseconds of a slot, each of which has exactly one expected block. Never changes.
pub const SLOT_DURATION: u64 = 3_000;

/// Slots of a BABE epoch, which is also a session: ten minutes. Never changes, in no preset: a
/// node that disagrees about it can no longer verify blocks.
pub const EPOCH_DURATION_IN_SLOTS: u64 = 200;

/// The largest validator set that the weights below allow for.
pub(crate) const MAX_AUTHORITIES: u32 = 100;

/// How slots are given out from genesis on. One slot in four is meant to be won by VRF; every
/// other slot falls to one validator in turn, who must attach a VRF too, for the beacon needs one
/// from each block.
pub const GENESIS_EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
    c: (1, 4),
    allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

parameter_types! {
    /// Nothing is removed from the session history, for no equivocation is reported from it.
    pub const MaxSetIdSessionEntries: u64 = 0;
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = ConstU64<EPOCH_DURATION_IN_SLOTS>;
    type ExpectedBlockTime = ConstU64<SLOT_DURATION>;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type MaxNominators = ConstU32<0>;
    // Equivocation is unpunished until there is staking: no reports, no proofs for them.
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_AUTHORITIES>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
    // As for BABE above.
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Babe;
    type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
    type WeightInfo = crate::weights::pallet_timestamp::WeightInfo<Runtime>;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
    type EventHandler = ();
}

/// A validator is its own account, and only an account that validates now counts as one.
///
/// With this nobody else can register session keys, so the state of pallet-session stays as large
/// as the validator set without taking a deposit.
pub struct SittingValidator;

impl Convert<AccountId, Option<AccountId>> for SittingValidator {
    fn convert(account: AccountId) -> Option<AccountId> {
        pallet_session::Validators::<Runtime>::get()
            .contains(&account)
            .then_some(account)
    }
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = SittingValidator;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    // The set of genesis stays; validators may only rotate their keys.
    type SessionManager = ();
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = ();
    type WeightInfo = crate::weights::pallet_session::WeightInfo<Runtime>;
    type Currency = Balances;
    type KeyDeposit = ConstU128<0>;
}

/// The slot of the current block, from when Babe's hook ran on.
pub struct CurrentSlot;

impl Get<mizan_protocol::Slot> for CurrentSlot {
    fn get() -> mizan_protocol::Slot {
        *pallet_babe::CurrentSlot::<Runtime>::get()
    }
}

/// The account that authored the current block, if it can be told.
pub fn block_author() -> Option<AccountId> {
    Authorship::author()
}
