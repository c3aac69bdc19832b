//! # Rewards pallet: split, burn, mint.
//!
//! ## Overview
//! When a job settles, its payment is split: the provider gets the worker's share, the rest goes
//! to auditors and the model's owner where there are such, and a fixed share is burned. A share
//! that nobody earned is burned too. The chain then mints a reward to the provider: a part, at
//! most one half, of the burn share. So whoever pays himself always loses.
//!
//! The pallet also keeps the books of the whole token supply: what genesis gave out, what was
//! minted, and what was burned, counted where it happens.
//!
//! | Call | Who may call it |
//! | --- | --- |
//! | `burn` | any account, of its own tokens |
//!
//! ## Goals
//! - Every wash trade loses at least half of the burn share, whatever accounts take part.
//! - `total issuance = genesis + minted - burned`, at every block.
//!
//! ## Non-goals
//! - Scheduled emission for measured capacity: it comes with the capacity pallet.
//! - Deciding what was earned. The pallets that verify work do.
//!
//! ## Invariants
//! Checked by `do_try_state`:
//! - total issuance is genesis plus minted less burned;
//! - never more was minted than half of what was burned.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod split;
mod weights;

pub use pallet::*;
pub use split::Split;
pub use weights::WeightInfo;

use mizan_protocol::{Balance, Economics};
use polkadot_sdk::*;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Balanced, Credit, Inspect},
    };
    use frame_system::pallet_prelude::*;

    /// Money on its way.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance> + Balanced<Self::AccountId>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// The economic constants. Written by genesis only.
    #[pallet::storage]
    pub type EconomicsRecord<T: Config> = StorageValue<_, Economics, ValueQuery>;

    /// Total issuance at genesis.
    #[pallet::storage]
    pub type GenesisIssuance<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// All that was ever minted.
    #[pallet::storage]
    pub type Minted<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// All that was ever burned.
    #[pallet::storage]
    pub type Burned<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// What genesis sets.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The economic constants.
        pub economics: Economics,
        #[serde(skip)]
        #[allow(missing_docs)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Err(problem) = self.economics.check() {
                // A chain with such constants must not start.
                panic!("{problem}");
            }
            EconomicsRecord::<T>::put(&self.economics);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A payment was split.
        PaymentSplit {
            /// Who did the work.
            provider: T::AccountId,
            /// What the provider got of the payment.
            worker_paid: Balance,
            /// What auditors got of it.
            auditors_paid: Balance,
            /// What was burned of it.
            burned: Balance,
            /// What was minted to the provider on top.
            minted: Balance,
        },
        /// An account burned tokens of its own.
        TokensBurned {
            /// The account.
            who: T::AccountId,
            /// How many.
            amount: Balance,
        },
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Burn tokens of your own. The account must stay alive.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::burn())]
        pub fn burn(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            Self::do_burn(ensure_signed(origin)?, amount)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            // Genesis gives out tokens in an order of pallets that nobody should rely on: the
            // books are opened in the first block.
            if now == 1u32.into() {
                GenesisIssuance::<T>::put(T::Currency::total_issuance());
            }
            T::WeightInfo::on_initialize()
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}

/// The economic constants, for other pallets.
pub struct CurrentEconomics<T>(core::marker::PhantomData<T>);

impl<T: Config> frame_support::traits::Get<Economics> for CurrentEconomics<T> {
    fn get() -> Economics {
        EconomicsRecord::<T>::get()
    }
}

/// Burns what it is given, and counts it.
pub struct CountedBurn<T>(core::marker::PhantomData<T>);

impl<T: Config> frame_support::traits::OnUnbalanced<CreditOf<T>> for CountedBurn<T> {
    fn on_nonzero_unbalanced(credit: CreditOf<T>) {
        Pallet::<T>::burn_credit(credit);
    }
}
