//! # Beacon pallet: one source of randomness for every draw.
//!
//! ## Overview
//!
//! Mizan draws lots all the time: which job is audited, which auditor looks, which elements it
//! opens, which machine answers a capacity challenge. All of them use the same dice, and this
//! pallet throws them once a block. Whoever authors a block must publish a number that it can
//! neither choose nor predict for others: the output of a verifiable random function (VRF) under
//! its session key. The beacon chains these numbers:
//!
//! ```text
//! beacon[n] = blake2_256(SCALE(beacon[n-1], n, author's VRF output of block n))
//! ```
//!
//! The VRF output of a block is known only when that block is finished, so `beacon[n]` is written
//! by `on_initialize` of block `n + 1`, before any transaction of that block runs. A draw about
//! something included in block `n` waits and uses the output of a later block; how long is the
//! drawing pallet's constant.
//!
//! Authors are given *slots*, and may leave theirs empty. So that nobody can choose by that which
//! block decides a draw, draws name a slot, and the first block at or after it decides. For this the
//! pallet also remembers the slot of every block.
//!
//! The pallet has no calls. What others use:
//!
//! | Function | Who may use it | Gives |
//! | --- | --- | --- |
//! | [`Pallet::output`] | any pallet, any client through storage | `beacon[n]` of one recent block |
//! | [`Pallet::latest`] | any pallet | the newest output, that of the parent block |
//! | [`Pallet::first_since`] | any pallet | the output of the first block at or after a slot |
//!
//! ## Goals
//!
//! - Every node computes the same value for a block, for ever.
//! - Nobody can choose a value. An author can only withhold its own block, and loses the block.
//! - Bounded storage: the outputs and slots of the last [`Config::Retention`] blocks.
//!
//! ## Non-goals
//!
//! - Hiding the next value from the next author: it knows the value of its own block one slot
//!   early, and its own random numbers up to two epochs ahead. What that is worth to it is in
//!   `docs/security.md`.
//! - Answering for old blocks. Who needs an output after `Retention` blocks stores it.
//! - Private draws, in which only the drawn one knows that it was drawn.
//!
//! ## Assumptions
//!
//! - Every slot is claimed with a VRF: the chain's genesis allows primary and secondary VRF slots
//!   only. Should a block come without one, the chain of outputs goes on without fresh
//!   randomness for that block, and [`Event::OutputWithoutVrf`] says so: a stall would cost
//!   workers more than one guessable link between two that are not.
//! - The pallet runs in every block from the first on, after whatever tells its slot.
//! - Slots of later blocks are later.
//!
//! ## Invariants
//!
//! Checked by `try_state`, each by a function of its own:
//!
//! - the newest output belongs to the parent block;
//! - no output is older than the retention;
//! - between the oldest and the newest output no block is missing;
//! - every block with an output, and this one, has a slot, and none does besides them;
//! - slots of later blocks are later.
//!
//! ## Terminology
//!
//! - **Output**: the beacon's 32 bytes of one block, written `beacon[n]`.
//! - **Draw**: a choice made by a pallet from an output and its own subject.
//! - **Slot**: BABE's. Three seconds in which at most one block is authored.

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(any(feature = "std", feature = "try-runtime"))]
extern crate alloc;

use polkadot_sdk::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod mixing;
mod slots;
mod weights;

#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use mixing::{mix, Output};
pub use pallet::*;
pub use weights::WeightInfo;

/// The beacon's storage, hook and event.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{pallet_prelude::*, traits::Randomness};
    use frame_system::pallet_prelude::*;
    use mizan_protocol::Slot;
    use sp_runtime::traits::Zero;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// The VRF output of the parent block's author, hashed with an empty subject; `None` when
        /// that block carried no VRF.
        type AuthorVrf: Randomness<Option<Self::Hash>, BlockNumberFor<Self>>;

        /// The slot of the current block, known from the beginning of the block on.
        type Slot: Get<Slot>;

        /// How many blocks back an output can be asked for.
        #[pallet::constant]
        type Retention: Get<BlockNumberFor<Self>>;

        /// Weight of the hook.
        type WeightInfo: WeightInfo;
    }

    /// One source of randomness for every draw.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// The beacon's output of each of the last `Retention` blocks.
    ///
    /// Hasher: the keys are consecutive block numbers, which nobody can choose, so a fast
    /// non-cryptographic hash spreads them well enough; keeping the number behind the hash lets
    /// clients list what is there.
    #[pallet::storage]
    pub type Outputs<T: Config> =
        StorageMap<_, Twox64Concat, BlockNumberFor<T>, Output, OptionQuery>;

    /// The slot of each block that has an output, and of the current one. Block 0 has none and
    /// reads as zero. Hasher: as of [`Outputs`].
    #[pallet::storage]
    pub type Slots<T: Config> = StorageMap<_, Twox64Concat, BlockNumberFor<T>, Slot, ValueQuery>;

    /// What the beacon tells the outside.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A block came without a VRF output; its beacon output follows from the one before it.
        OutputWithoutVrf {
            /// The block without a VRF output.
            block: BlockNumberFor<T>,
        },
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::mix_parent(now);
            Self::remember_slot(now);
            T::WeightInfo::on_initialize()
        }

        fn integrity_test() {
            assert!(
                !T::Retention::get().is_zero(),
                "the beacon must keep at least one output"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
