//! The call and the hook at their worst.

use crate::*;
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Balanced, Inspect},
    tokens::Precision,
    Hooks,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_runtime::traits::One;

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn burn() -> Result<(), BenchmarkError> {
        let who: T::AccountId = whitelisted_caller();
        let amount = T::Currency::minimum_balance();
        let _ = T::Currency::deposit(&who, amount.saturating_mul(10), Precision::Exact)?;
        let before = Burned::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), amount);

        assert_eq!(Burned::<T>::get(), before.saturating_add(amount));
        Ok(())
    }

    /// The first block, in which the books are opened.
    #[benchmark]
    fn on_initialize() {
        GenesisIssuance::<T>::kill();

        #[block]
        {
            <Pallet<T> as Hooks<_>>::on_initialize(BlockNumberFor::<T>::one());
        }

        assert_eq!(GenesisIssuance::<T>::get(), T::Currency::total_issuance());
    }
}
