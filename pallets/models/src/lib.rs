//! # Models pallet: registered tensor programs.
//!
//! ## Overview
//! A *model* is an exact integer program whose parameters are named by their hashes. Anyone may
//! register one by its bytes; the chain validates every shape, computes its cost and the worst
//! proof about one of its numbers, and keeps the bytes for as long as the chain lives. Its id is
//! the BLAKE3 hash of the bytes, which name their owner.
//!
//! | Call | Who may call it |
//! | --- | --- |
//! | `register_model` | the account that the program names as its owner, with a deposit |
//!
//! ## Goals
//! - A registered model is valid for ever: whoever reads it needs no second check.
//! - Nobody can register another's bytes as their own: the owner is part of the id.
//!
//! ## Non-goals
//! - Storing parameters. They are fetched by hash; a job whose parameters nobody has is declined.
//! - Removing a model. Jobs, convictions and certificates refer to it.
//!
//! ## Invariants
//! Checked by `do_try_state`:
//! - every model's id is the hash of its bytes, and its summary is what the bytes give;
//! - deposits of models are held on their owners' accounts.
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
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::{traits::ModelSummary, Balance, ModelId};
use mizan_tensor::{Plan, Program, ProgramError};
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// A registered model.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Model<AccountId> {
    /// Who registered it.
    pub owner: AccountId,
    /// What it cost to register, held on the owner's account.
    pub deposit: Balance,
    /// What other pallets need of it.
    pub summary: ModelSummary,
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{Inspect, MutateHold},
    };
    use frame_system::pallet_prelude::*;
    use mizan_protocol::Economics;
    use sp_core::H256;

    /// The SCALE bytes of a program.
    pub type ProgramBytes = BoundedVec<u8, ConstU32<{ mizan_tensor::MAX_PROGRAM_BYTES }>>;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<AccountId: Into<[u8; 32]>> {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// Why the runtime holds money.
        type RuntimeHoldReason: From<HoldReason>;

        /// The protocol's prices and collateral.
        type Economics: Get<Economics>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposit of a registered model.
        Model,
    }

    /// Registered models. Hasher: none is needed, the key is a BLAKE3 hash.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Identity, ModelId, Model<T::AccountId>>;

    /// Their programs. Apart from [`Models`], so that posting a job does not read them. Hasher:
    /// as above.
    #[pallet::storage]
    pub type Programs<T: Config> = StorageMap<_, Identity, ModelId, ProgramBytes>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model was registered.
        ModelRegistered {
            /// Its id.
            model: ModelId,
            /// Its owner.
            owner: T::AccountId,
            /// Multiply-accumulates of one item.
            item_macs: u64,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    #[derive(PartialEq, Eq)]
    pub enum Error<T> {
        /// The bytes are not the SCALE encoding of a program: see the format's version.
        Undecodable,
        /// The program names another owner: put your account into it.
        NotYourProgram,
        /// The model is registered already: use its id.
        ModelExists,
        /// The program's format version is not known to this runtime.
        UnknownFormat,
        /// A program needs at least one input, operation and output.
        EmptyProgram,
        /// A list of the program is longer than its limit.
        ProgramTooLong,
        /// The largest batch must be between 1 and 1,048,576.
        BatchOutOfRange,
        /// A tensor needs one to four dimensions, none of them zero.
        BadDimensions,
        /// An input must be made of signed bytes.
        BadInputType,
        /// A tensor or the trace is too large at the largest batch: lower the batch or split.
        TensorTooLarge,
        /// An operation reads something that does not exist or does not come before it.
        DanglingReference,
        /// An operation reads shapes or element types that do not fit each other.
        ShapeMismatch,
        /// A reduction is longer than 65,536: split it.
        ReductionTooLong,
        /// The proof about one element could exceed 256 KiB: split the operation.
        OpeningTooLarge,
        /// An output is not the index of an operation, or is listed twice.
        BadOutput,
    }

    impl<T> From<ProgramError> for Error<T> {
        fn from(error: ProgramError) -> Self {
            match error {
                ProgramError::UnknownFormat => Self::UnknownFormat,
                ProgramError::Empty => Self::EmptyProgram,
                ProgramError::TooMany => Self::ProgramTooLong,
                ProgramError::BatchOutOfRange => Self::BatchOutOfRange,
                ProgramError::BadDimensions => Self::BadDimensions,
                ProgramError::BadInputType => Self::BadInputType,
                ProgramError::TooLarge => Self::TensorTooLarge,
                ProgramError::DanglingReference => Self::DanglingReference,
                ProgramError::ShapeMismatch => Self::ShapeMismatch,
                ProgramError::ReductionTooLong => Self::ReductionTooLong,
                ProgramError::OpeningTooLarge => Self::OpeningTooLarge,
                ProgramError::BadOutput => Self::BadOutput,
            }
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register a model by the SCALE bytes of its program, which name the caller as owner.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register_model_of(program.len() as u32))]
        pub fn register_model(origin: OriginFor<T>, program: ProgramBytes) -> DispatchResult {
            Self::do_register_model(ensure_signed(origin)?, program)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    impl<T: Config> Pallet<T> {
        fn do_register_model(owner: T::AccountId, bytes: ProgramBytes) -> DispatchResult {
            let model = H256(mizan_tensor::hash_bytes(&bytes));
            ensure!(!Models::<T>::contains_key(model), Error::<T>::ModelExists);
            let program = Program::from_bytes(&bytes).map_err(|_| Error::<T>::Undecodable)?;
            ensure!(
                program.owner == owner.clone().into(),
                Error::<T>::NotYourProgram
            );
            let summary = summary(program).map_err(Error::<T>::from)?;
            let length = u32::try_from(bytes.len()).map_err(|_| Error::<T>::ProgramTooLong)?;
            let deposit = T::Economics::get()
                .deposit_for_model(length)
                .ok_or(sp_runtime::ArithmeticError::Overflow)?;
            T::Currency::hold(&HoldReason::Model.into(), &owner, deposit)?;
            Programs::<T>::insert(model, bytes);
            Models::<T>::insert(
                model,
                Model {
                    owner: owner.clone(),
                    deposit,
                    summary,
                },
            );
            let item_macs = summary.cost.item_macs;
            Self::deposit_event(Event::ModelRegistered {
                model,
                owner,
                item_macs,
            });
            Ok(())
        }
    }
}

/// What other pallets need of a valid program.
fn summary(program: Program) -> Result<ModelSummary, ProgramError> {
    let plan = Plan::new(program)?;
    // Lists of a valid program have at most 4,096 entries.
    let count = |length: usize| u32::try_from(length).map_err(|_| ProgramError::TooMany);
    Ok(ModelSummary {
        max_batch: plan.program().max_batch,
        inputs: count(plan.program().inputs.len())?,
        outputs: count(plan.program().outputs.len())?,
        cost: *plan.cost(),
    })
}

impl<T: Config> mizan_protocol::traits::Models for Pallet<T> {
    fn summary(model: &ModelId) -> Option<ModelSummary> {
        Models::<T>::get(model).map(|model| model.summary)
    }

    fn program(model: &ModelId) -> Option<alloc::vec::Vec<u8>> {
        Programs::<T>::get(model).map(ProgramBytes::into_inner)
    }
}
