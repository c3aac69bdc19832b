//! # Contributions pallet: the ledger.
//!
//! ## Overview
//! What an account has verifiably contributed, per era and over its lifetime: compute that
//! settled jobs paid for, the jobs, the tokens that were burned for them, convictions, and its
//! audits of others' results. Entries are only ever added to. There is no money here.
//!
//! The pallet has no calls. The pallet that settles jobs records through the
//! [`Contributions`](mizan_protocol::traits::Contributions) trait.
//!
//! ## Goals
//! - An entry of a past era never changes.
//! - Units always stand beside the tokens burned for them, so that nobody is impressed by work
//!   that somebody paid themselves for.
//!
//! ## Non-goals
//! - Paying. See the rewards pallet.
//! - Roots of eras and certificates: they come with a later release.
//!
//! ## Invariants
//! Checked by `do_try_state`:
//! - lifetime totals are the sums of the eras;
//! - no era after the current one has an entry, and directed units never exceed settled ones.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;

pub use pallet::*;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::{block_number, Balance, BlockNumber, EraIndex, Macs, Timing};
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// What a provider contributed.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Contribution {
    /// Multiply-accumulates of settled jobs.
    pub settled_macs: Macs,
    /// Those of them whose requester named the worker.
    pub directed_macs: Macs,
    /// Number of settled jobs.
    pub jobs: u64,
    /// Tokens that were burned of the payments for them.
    pub burned: Balance,
    /// Number of convictions.
    pub convictions: u32,
    /// Verdicts as an auditor on jobs that settled.
    pub audits: u64,
}

impl Contribution {
    /// Both together; `None` on overflow.
    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            settled_macs: self.settled_macs.checked_add(other.settled_macs)?,
            directed_macs: self.directed_macs.checked_add(other.directed_macs)?,
            jobs: self.jobs.checked_add(other.jobs)?,
            burned: self.burned.checked_add(other.burned)?,
            convictions: self.convictions.checked_add(other.convictions)?,
            audits: self.audits.checked_add(other.audits)?,
        })
    }
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{defensive, pallet_prelude::*};
    use frame_system::pallet_prelude::*;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The protocol's periods.
        type Timing: Get<Timing>;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Contributions of an era. Hashers: eras count up and nobody chooses them; accounts are
    /// chosen by users, so a cryptographic one.
    #[pallet::storage]
    pub type Eras<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        EraIndex,
        Blake2_128Concat,
        T::AccountId,
        Contribution,
        ValueQuery,
    >;

    /// Contributions of all eras. Hasher: as above.
    #[pallet::storage]
    pub type Lifetime<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Contribution, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A settled job was recorded.
        ContributionRecorded {
            /// Whose work it was.
            provider: T::AccountId,
            /// The era.
            era: EraIndex,
            /// Its size.
            macs: Macs,
            /// Tokens burned of its payment.
            burned: Balance,
        },
        /// A conviction was recorded.
        ConvictionRecorded {
            /// Whose worker it was.
            provider: T::AccountId,
            /// The era.
            era: EraIndex,
        },
        /// A verdict was recorded.
        AuditRecorded {
            /// Who gave it.
            auditor: T::AccountId,
            /// The era.
            era: EraIndex,
        },
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    impl<T: Config> Pallet<T> {
        /// Adds to an era and to the lifetime, or to neither. Says whether it did.
        fn add(era: EraIndex, provider: &T::AccountId, added: Contribution) -> bool {
            let totals = (
                Eras::<T>::get(era, provider).checked_add(added),
                Lifetime::<T>::get(provider).checked_add(added),
            );
            let (Some(of_era), Some(of_life)) = totals else {
                // 2^128 MACs are more than all computers together do in an age.
                defensive!("a contribution overflows");
                return false;
            };
            Eras::<T>::insert(era, provider, of_era);
            Lifetime::<T>::insert(provider, of_life);
            true
        }
    }

    impl<T: Config> mizan_protocol::traits::Contributions<T::AccountId> for Pallet<T> {
        fn record_settled(provider: &T::AccountId, macs: Macs, directed: bool, burned: Balance) {
            let era = Self::era();
            let directed_macs = if directed { macs } else { 0 };
            let added = Contribution {
                settled_macs: macs,
                directed_macs,
                jobs: 1,
                burned,
                ..Contribution::default()
            };
            if !Self::add(era, provider, added) {
                return;
            }
            let provider = provider.clone();
            Self::deposit_event(Event::ContributionRecorded {
                provider,
                era,
                macs,
                burned,
            });
        }

        fn record_convicted(provider: &T::AccountId) {
            let era = Self::era();
            let added = Contribution {
                convictions: 1,
                ..Contribution::default()
            };
            if Self::add(era, provider, added) {
                let provider = provider.clone();
                Self::deposit_event(Event::ConvictionRecorded { provider, era });
            }
        }

        fn record_audited(auditor: &T::AccountId) {
            let era = Self::era();
            let added = Contribution {
                audits: 1,
                ..Contribution::default()
            };
            if Self::add(era, auditor, added) {
                let auditor = auditor.clone();
                Self::deposit_event(Event::AuditRecorded { auditor, era });
            }
        }

        fn era() -> EraIndex {
            Self::era_of(block_number::<T>())
        }

        fn era_of(block: BlockNumber) -> EraIndex {
            // Genesis refuses an era of no blocks.
            block
                .checked_div(T::Timing::get().era_blocks)
                .unwrap_or_default()
        }
    }
}
