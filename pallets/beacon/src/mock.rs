//! A runtime of two pallets, and a VRF whose outputs the test names.

use crate as pallet_beacon;
use frame_support::{
    derive_impl, parameter_types,
    traits::{Hooks, Randomness},
};
use mizan_protocol::Slot;
use polkadot_sdk::*;
use sp_core::H256;
use sp_runtime::BuildStorage;

/// Small enough that a test sees outputs expire.
pub(crate) const RETENTION: u32 = 8;

/// The slot of block 1: not its number.
pub(crate) const FIRST_SLOT: Slot = 500;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeHoldReason,
        RuntimeFreezeReason
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Beacon = pallet_beacon::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type BlockHashCount = frame_support::traits::ConstU32<RETENTION>;
}

parameter_types! {
    /// The parent block's VRF output, as the next `on_initialize` will see it.
    pub static ParentVrf: Option<H256> = None;
    /// The slot of the current block.
    pub static CurrentSlot: Slot = 0;
}

/// Stands for BABE: hands out what the test put into [`ParentVrf`].
pub struct NamedVrf;

impl Randomness<Option<H256>, u32> for NamedVrf {
    fn random(_subject: &[u8]) -> (Option<H256>, u32) {
        (ParentVrf::get(), System::block_number().saturating_sub(1))
    }
}

impl pallet_beacon::Config for Test {
    type AuthorVrf = NamedVrf;
    type Slot = CurrentSlot;
    type Retention = frame_support::traits::ConstU32<RETENTION>;
    type WeightInfo = ();
}

/// The VRF output with which the mock's author of `block` signs, unless a test says otherwise.
pub(crate) fn vrf_of(block: u32) -> H256 {
    H256::from_low_u64_be(1_000 + u64::from(block))
}

/// Enters the next block, whose parent was authored with `parent_vrf`, in the next slot.
pub(crate) fn enter_next_block(parent_vrf: Option<H256>) {
    let next = System::block_number() + 1;
    System::set_block_number(next);
    ParentVrf::set(parent_vrf);
    CurrentSlot::set(CurrentSlot::get() + 1);
    Beacon::on_initialize(next);
}

/// Leaves so many slots empty, then enters the next block.
pub(crate) fn skip_slots(empty: Slot) {
    CurrentSlot::set(CurrentSlot::get() + empty);
    run_to_block(System::block_number() + 1);
}

/// Enters blocks up to `target`, each parent but the genesis block with its own VRF output.
pub(crate) fn run_to_block(target: u32) {
    while System::block_number() < target {
        let parent = System::block_number();
        enter_next_block((parent > 0).then(|| vrf_of(parent)));
    }
}

/// Runs `test` on a fresh chain in the genesis block, then checks every invariant.
pub(crate) fn on_new_chain(test: impl FnOnce()) {
    let storage = frame_system::GenesisConfig::<Test>::default()
        .build_storage()
        .expect("an empty genesis builds");
    sp_io::TestExternalities::new(storage).execute_with(|| {
        CurrentSlot::set(FIRST_SLOT - 1);
        test();
        Beacon::do_try_state().expect("the pallet's invariants hold after the test");
    });
}
