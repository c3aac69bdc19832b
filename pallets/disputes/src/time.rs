//! Time that can't be stuffed.

use crate::*;
use frame_support::{
    dispatch::DispatchClass,
    traits::{Get, PostTransactions},
    weights::Weight,
};
use mizan_protocol::{block_number, BlockNumber};

/// Bytes of a transaction besides the evidence in it: signature, extensions, the rest of the call.
const OTHER_BYTES: u32 = 1_024;

impl<T: Config> Pallet<T> {
    /// Weight of the largest fraud proof that there can be.
    pub(crate) fn maximal_proof() -> Weight {
        let base = T::BlockWeights::get()
            .get(DispatchClass::Operational)
            .base_extrinsic;
        let call = T::WeightInfo::submit_fraud_proof_of(
            mizan_tensor::MAX_PROGRAM_BYTES,
            MAX_EVIDENCE_BYTES,
        );
        base.saturating_add(call)
    }

    /// Whether this block has room for one more maximal fraud proof.
    ///
    /// The rules are those by which `frame_system::CheckWeight` takes a transaction: within the
    /// class's limit, and within the block's or the class's reserve.
    pub fn has_room() -> bool {
        let limits = T::BlockWeights::get();
        let lane = limits.get(DispatchClass::Operational);
        let proof = Self::maximal_proof();
        let used = frame_system::Pallet::<T>::block_weight();
        let of_lane = used.get(DispatchClass::Operational).saturating_add(proof);
        let of_block = used.total().saturating_add(proof);
        let lane_fits = lane.max_total.is_none_or(|max| of_lane.all_lte(max));
        let block_fits = of_block.all_lte(limits.max_block)
            || lane.reserved.is_none_or(|reserve| of_lane.all_lte(reserve));
        let bytes = frame_system::Pallet::<T>::block_size()
            .saturating_add(MAX_EVIDENCE_BYTES)
            .saturating_add(OTHER_BYTES);
        let longest = *T::BlockLength::get().max.get(DispatchClass::Operational);
        lane_fits && block_fits && bytes <= longest
    }

    /// Dispute time `period` after this block, which itself does not count.
    pub(crate) fn time_after(period: BlockNumber) -> DisputeTime {
        // This block is not over: it may or may not count.
        Time::<T>::get().saturating_add(1).saturating_add(period)
    }

    /// The first block in which dispute time can be that.
    pub(crate) fn block_of(time: DisputeTime) -> BlockNumber {
        let missing = time.saturating_sub(Time::<T>::get());
        block_number::<T>().saturating_add(missing)
    }
}

impl<T: Config> PostTransactions for Pallet<T> {
    fn post_transactions() {
        if Self::has_room() {
            Time::<T>::mutate(|time| *time = time.saturating_add(1));
        }
    }
}
