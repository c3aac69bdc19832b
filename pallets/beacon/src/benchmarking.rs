//! The hook at its worst.

use crate::*;
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, Hooks};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{One, Saturating};

#[benchmarks]
mod benchmarks {
    use super::*;

    /// An output falls out of the retention, and the parent block came without a VRF, which
    /// deposits an event.
    #[benchmark]
    fn on_initialize() {
        let expired = BlockNumberFor::<T>::one();
        let parent = expired.saturating_add(T::Retention::get());
        let now = parent.saturating_add(One::one());
        frame_system::Pallet::<T>::set_block_number(now);
        Outputs::<T>::insert(expired, [1; 32]);
        Outputs::<T>::insert(parent.saturating_sub(One::one()), [2; 32]);
        Slots::<T>::insert(expired, 1);

        #[block]
        {
            <Pallet<T> as Hooks<_>>::on_initialize(now);
        }

        assert!(Outputs::<T>::get(expired).is_none());
        assert!(!Slots::<T>::contains_key(expired));
        assert!(Outputs::<T>::get(parent).is_some());
    }
}
