//! How one output follows from the one before it, and which outputs are kept.

use crate::{Config, Event, Outputs, Pallet};
use codec::Encode;
use frame_support::traits::{Get, Randomness};
use frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::*;
use sp_io::hashing::blake2_256;
use sp_runtime::traits::{CheckedSub, One, Zero};

/// The beacon's 32 bytes of one block.
pub type Output = [u8; 32];

/// Mixes a block's VRF output into the chain of outputs.
///
/// Without a VRF output only the previous output and the number are hashed. The two encodings
/// differ in length, so one can never be passed off as the other.
pub fn mix<Number: Encode, Vrf: Encode>(
    previous: &Output,
    block: Number,
    vrf: Option<Vrf>,
) -> Output {
    match vrf {
        Some(vrf) => (previous, block, vrf).using_encoded(blake2_256),
        None => (previous, block).using_encoded(blake2_256),
    }
}

impl<T: Config> Pallet<T> {
    /// The beacon's output of `block`, if that block is finished and no older than the retention.
    pub fn output(block: BlockNumberFor<T>) -> Option<Output> {
        Outputs::<T>::get(block)
    }

    /// The newest output: that of the parent block. All zero in the genesis block only.
    pub fn latest() -> Output {
        Self::output_before(frame_system::Pallet::<T>::block_number())
    }

    /// Writes the output of the block before `now` and forgets the one that fell out of the
    /// retention.
    pub(crate) fn mix_parent(now: BlockNumberFor<T>) {
        let Some(parent) = now.checked_sub(&One::one()) else {
            return;
        };
        let (vrf, _) = T::AuthorVrf::random(&[]);
        // Nobody authors the genesis block, so it alone lacks a VRF output rightly.
        if vrf.is_none() && !parent.is_zero() {
            Self::deposit_event(Event::OutputWithoutVrf { block: parent });
        }
        Outputs::<T>::insert(parent, mix(&Self::output_before(parent), parent, vrf));
        if let Some(expired) = parent.checked_sub(&T::Retention::get()) {
            Outputs::<T>::remove(expired);
        }
    }

    /// The output of the block before `block`; all zero where the chain of outputs begins.
    fn output_before(block: BlockNumberFor<T>) -> Output {
        block
            .checked_sub(&One::one())
            .and_then(Self::output)
            .unwrap_or_default()
    }
}
