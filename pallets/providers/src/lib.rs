//! # Providers pallet: who may work.
//!
//! ## Overview
//! A *provider* is an account that owns hardware and puts up a bond. A *worker* is the daemon on
//! that hardware, with a hot key of its own that the provider registers; the key may be the
//! provider's. A worker says that it is there by a *heartbeat*. Workers that were heard of lately
//! and have a free slot are *idle*: jobs look for them in the order of their *ask*, the least
//! price per compute unit at which they work.
//!
//! | Call | Who may call it |
//! | --- | --- |
//! | `register_provider` | any account with the bond |
//! | `bond`, `unbond` | a provider; only bond that backs no job can leave |
//! | `register_worker`, `set_ask`, `deregister_worker` | the worker's provider |
//! | `heartbeat` | a worker; free of fees when it is due |
//! | `exit` | a provider without workers and locks |
//!
//! ## Goals
//! - Every job is backed by bond that cannot leave before the job is settled.
//! - A hot key can only work: it can't move the bond, change the ask or register others.
//! - Nobody is registered as a worker against their will: a key other than the provider's signs
//!   its consent.
//! - Matching looks at a bounded number of workers, however many there are.
//!
//! ## Non-goals
//! - Measuring hardware. A slot is a promise to work on so many jobs at once, no claim of speed.
//! - Convicting anyone.
//!
//! ## Invariants
//! Checked by `do_try_state`, each by a function of its own:
//! - every bond is held on its provider's account, to the last unit;
//! - no provider has more bond locked than it has, nor more locks than the limit;
//! - every worker has a provider, and providers' counts of workers are right;
//! - a worker is listed as idle only with a free slot, and under its own ask.
//!
//! ## Terminology
//! *Lock*: bond behind one job. *Miss*: a declined or timed-out job. *Consent*: the worker key's
//! signature over [`Consent`](registration::consent_bytes).
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

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bonds;
mod idle;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod outlook;
pub mod registration;
mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::{Balance, BlockNumber};
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// Most jobs that a provider's bond can back at once.
pub const MAX_LOCKS: u32 = 64;
/// Most workers of a provider.
pub const MAX_WORKERS: u32 = 1_024;
/// Most jobs that a worker can do at once.
pub const MAX_SLOTS: u32 = 64;

/// A provider.
#[derive(
    Clone,
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
pub struct Provider {
    /// Held on its account.
    pub bond: Balance,
    /// Part of the bond that backs jobs.
    pub locked: Balance,
    /// Number of jobs that it backs.
    pub locks: u32,
    /// Number of its workers.
    pub workers: u32,
}

impl Provider {
    /// Bond that backs no job.
    pub fn free_bond(&self) -> Balance {
        self.bond.saturating_sub(self.locked)
    }
}

/// A worker.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Worker<AccountId> {
    /// Who owns it and is paid.
    pub provider: AccountId,
    /// Least price per compute unit.
    pub ask: Balance,
    /// Jobs that it can do at once.
    pub slots: u32,
    /// Jobs that it has now.
    pub open_jobs: u32,
    /// Block of its last heartbeat.
    pub heard_block: Option<BlockNumber>,
    /// Declines and timeouts since the last settled job.
    pub misses: u32,
    /// First block in which it may get a job again.
    pub paused_until_block: BlockNumber,
    /// Whether it was convicted: then it gets no more jobs.
    pub convicted: bool,
    /// Whether it said, since its last heartbeat, that it takes no jobs.
    pub offline: bool,
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{Balanced, BalancedHold, Credit, Inspect, MutateHold},
            OnUnbalanced,
        },
    };
    use frame_system::pallet_prelude::*;
    use mizan_protocol::{Economics, Timing};
    use sp_runtime::traits::{IdentifyAccount, Verify};

    /// Money taken out of a bond.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + BalancedHold<Self::AccountId>
            + Balanced<Self::AccountId>;

        /// Why the runtime holds money.
        type RuntimeHoldReason: From<HoldReason>;

        /// Burns what timeouts and convictions cost, and counts it.
        type BurnedBond: OnUnbalanced<CreditOf<Self>>;

        /// The protocol's periods.
        type Timing: Get<Timing>;

        /// The protocol's prices and collateral.
        type Economics: Get<Economics>;

        /// A worker key's consent.
        type Consent: Verify<Signer: IdentifyAccount<AccountId = Self::AccountId>> + Parameter;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// Makes keys for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Consent>;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// A provider's collateral.
        Bond,
    }

    /// Who lends hardware. Hasher: accounts are chosen by users, so a cryptographic one.
    #[pallet::storage]
    pub type Providers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Provider>;

    /// The daemons on that hardware. Hasher: as above.
    #[pallet::storage]
    pub type Workers<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Worker<T::AccountId>>;

    /// The workers of each provider. Hashers: as above.
    #[pallet::storage]
    pub type WorkersOf<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        T::AccountId,
        Blake2_128Concat,
        T::AccountId,
        (),
        OptionQuery,
    >;

    /// Workers with a free slot, by ask and account.
    ///
    /// Hashers: the first key is the ask in big-endian bytes and is not hashed, so that going
    /// through the map goes from the lowest ask to the highest. What an attacker can choose
    /// deepens the tree by at most the 32 nibbles of the ask, and costs a bonded worker for each.
    /// The second key is hashed, so that nobody can choose a place among equal asks by more than
    /// trying keys.
    #[pallet::storage]
    pub type Idle<T: Config> =
        StorageDoubleMap<_, Identity, [u8; 16], Blake2_128Concat, T::AccountId, (), OptionQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account became a provider.
        ProviderRegistered {
            /// The account.
            provider: T::AccountId,
            /// Its bond.
            bond: Balance,
        },
        /// A provider's bond changed by its own call.
        BondChanged {
            /// The account.
            provider: T::AccountId,
            /// The whole bond now.
            bond: Balance,
        },
        /// Part of a bond was burned.
        BondBurned {
            /// The account.
            provider: T::AccountId,
            /// What was burned.
            amount: Balance,
        },
        /// A provider left and has its bond back.
        ProviderExited {
            /// The account.
            provider: T::AccountId,
            /// The bond it got back.
            bond: Balance,
        },
        /// A worker was registered. It gets jobs after its first heartbeat.
        WorkerRegistered {
            /// Its hot key.
            worker: T::AccountId,
            /// Its provider.
            provider: T::AccountId,
            /// Least price per compute unit.
            ask: Balance,
            /// Jobs that it can do at once.
            slots: u32,
        },
        /// A worker's ask changed.
        AskChanged {
            /// Its hot key.
            worker: T::AccountId,
            /// Least price per compute unit from now on.
            ask: Balance,
        },
        /// A worker said that it is there.
        WorkerHeard {
            /// Its hot key.
            worker: T::AccountId,
        },
        /// A worker takes no new jobs until its next heartbeat.
        WorkerWentOffline {
            /// Its hot key.
            worker: T::AccountId,
        },
        /// A worker gets no job for a while, after a decline or a timeout.
        WorkerPaused {
            /// Its hot key.
            worker: T::AccountId,
            /// First block in which it may get a job again.
            until_block: BlockNumber,
        },
        /// A worker was convicted: it gets no more jobs.
        WorkerConvicted {
            /// Its hot key.
            worker: T::AccountId,
            /// Its provider.
            provider: T::AccountId,
            /// Who was paid out of the lock.
            challenger: Option<T::AccountId>,
            /// What the challenger got.
            rewarded: Balance,
            /// What was burned of the lock.
            burned: Balance,
        },
        /// A worker was taken off.
        WorkerDeregistered {
            /// Its hot key.
            worker: T::AccountId,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// The account is a provider already: use `bond` to add to its bond.
        AlreadyRegistered,
        /// The account is not a provider: call `register_provider` first.
        ProviderUnknown,
        /// The bond would be below the least bond: see `Economics.min_bond`.
        BondTooSmall,
        /// More is asked for than the bond that backs no job: wait until jobs settle.
        BondLocked,
        /// The bond that backs no job is smaller than the lock of this job: add to the bond.
        FreeBondTooSmall,
        /// The bond backs as many jobs as it may: wait until jobs settle.
        TooManyLocks,
        /// The key is registered as a worker already: deregister it first or use another key.
        WorkerExists,
        /// There is no such worker: register it first.
        WorkerUnknown,
        /// The worker belongs to another provider.
        NotYourWorker,
        /// A worker needs between 1 and 64 slots.
        BadSlots,
        /// The provider has as many workers as it may: deregister one first.
        TooManyWorkers,
        /// The worker's key is not the provider's: its consent is needed.
        ConsentMissing,
        /// The consent is not a signature of the worker's key over this chain, provider and key.
        ConsentInvalid,
        /// The worker was convicted: deregister it, mend what was wrong, and register it again.
        WorkerConvicted,
        /// The last heartbeat is too recent: wait `Timing.heartbeat_blocks`.
        HeartbeatTooSoon,
        /// The worker gets no jobs as it is: it said so already, or was not heard lately.
        WorkerOffline,
        /// The worker has a job: let it finish or decline it first.
        WorkerBusy,
        /// The worker has no free slot.
        NoFreeSlot,
        /// The provider still has workers: deregister them first.
        WorkersRemain,
        /// Jobs still rest on the provider's bond: wait until they settle.
        LocksRemain,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Become a provider with a bond of at least `Economics.min_bond`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register_provider())]
        pub fn register_provider(
            origin: OriginFor<T>,
            #[pallet::compact] bond: Balance,
        ) -> DispatchResult {
            Self::do_register_provider(ensure_signed(origin)?, bond)
        }

        /// Add to the bond.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            Self::do_bond(ensure_signed(origin)?, amount)
        }

        /// Take back bond that backs no job. At least `Economics.min_bond` must remain.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
            Self::do_unbond(ensure_signed(origin)?, amount)
        }

        /// Register a worker's hot key. A key other than the caller's must consent: it signs
        /// the bytes of [`registration::consent_bytes`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::register_worker())]
        pub fn register_worker(
            origin: OriginFor<T>,
            worker: T::AccountId,
            #[pallet::compact] ask: Balance,
            slots: u32,
            consent: Option<T::Consent>,
        ) -> DispatchResult {
            Self::do_register_worker(ensure_signed(origin)?, worker, ask, slots, consent)
        }

        /// Change the least price per compute unit at which a worker works.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_ask())]
        pub fn set_ask(
            origin: OriginFor<T>,
            worker: T::AccountId,
            #[pallet::compact] ask: Balance,
        ) -> DispatchResult {
            Self::do_set_ask(ensure_signed(origin)?, worker, ask)
        }

        /// Say that the worker is there. Free of fees once every `Timing.heartbeat_blocks`, and
        /// when a pause has ended.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::heartbeat())]
        #[pallet::feeless_if(|origin: &OriginFor<T>| -> bool {
            ensure_signed(origin.clone()).is_ok_and(|who| Pallet::<T>::heartbeat_due(&who).is_ok())
        })]
        pub fn heartbeat(origin: OriginFor<T>) -> DispatchResult {
            Self::do_heartbeat(ensure_signed(origin)?)
        }

        /// Take a worker off. It must have no job.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::deregister_worker())]
        pub fn deregister_worker(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResult {
            Self::do_deregister_worker(ensure_signed(origin)?, worker)
        }

        /// Stop being a provider and take the whole bond back.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::exit())]
        pub fn exit(origin: OriginFor<T>) -> DispatchResult {
            Self::do_exit(ensure_signed(origin)?)
        }

        /// Say that the worker takes no new jobs until its next heartbeat. Those that it has stay
        /// its duty. Free of fees whenever it succeeds: each one needs a heartbeat before it, so it
        /// is free no more often than those.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::go_offline())]
        #[pallet::feeless_if(|origin: &OriginFor<T>| -> bool {
            ensure_signed(origin.clone()).is_ok_and(|who| Pallet::<T>::online(&who).is_ok())
        })]
        pub fn go_offline(origin: OriginFor<T>) -> DispatchResult {
            Self::do_go_offline(ensure_signed(origin)?)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
