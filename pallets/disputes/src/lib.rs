//! # Disputes pallet: nobody has to be trusted.
//!
//! ## Overview
//! Whoever attests a result vouches for every number of it. Until the job settles, anyone may show
//! by a *fraud proof* that one number is wrong: one transaction, judged by arithmetic alone. Who
//! lacks the bytes for it may *demand* them, and whoever attested must see to an *answer* in time.
//! A wrong number, a second result signed for one assignment, or silence is a *conviction*: the
//! bond behind the job is lost and the requester has the money back.
//!
//! | Call | Who may call it |
//! | --- | --- |
//! | `submit_fraud_proof` | any account that has the deposit; free when it convicts |
//! | `submit_second_attestation` | as above |
//! | `demand` | any account that has the deposit |
//! | `answer` | any account; free of fees when it is right |
//!
//! ## What it costs
//! A fraud proof that proves nothing costs its fee and `Economics.proof_deposit`, which is burned.
//! A demand holds a deposit, twice as much for each that is open on the job; the requester has
//! [`OWN_DEMANDS`] places at the base price. After the challenge period there is no base price: each
//! demand made since doubles the next, so that nobody holds up a settlement for long. Half of the deposit pays for the answer, half is
//! burned; without an answer the demander has it back, and only that.
//!
//! ## Dispute time
//! Periods are counted in blocks that had room for one more maximal fraud proof after their last
//! transaction. Who fills blocks to keep proofs out stops the clock.
//!
//! ## Goals
//! - Any wrong number in a claimed result can be proved wrong in one transaction.
//! - What a proof needs can be forced: silence convicts.
//! - A proof that is right today is right whoever sends it, so copies of it do no harm.
//!
//! ## Non-goals
//! - Votes and opinions. No account can convict, acquit or pause anything.
//! - Audits drawn by the chain: they do not exist yet, and the bond behind a job is priced for
//!   them already.
//!
//! ## Assumptions
//! BLAKE3 has no collisions. Challengers act on the best block.
//!
//! ## Invariants
//! Checked by `do_try_state`, each by a function of its own:
//! - every job whose result is claimed has a case, and no other has one;
//! - a case counts its open demands right;
//! - what is held on demanders' accounts is exactly what open demands hold.
//!
//! ## Terminology
//! *Case*: what is kept of a job while its result can be challenged. *Evidence*: the verified
//! slices of blobs that a fraud proof opens. *Demand*, *answer*: see above.
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
mod demands;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod proofs;
mod time;
mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_protocol::{jobs::Hashes, Balance, JobId};
use mizan_tensor::{Accusation, Request, MAX_ANSWER_BYTES, MAX_EVIDENCE_BYTES};
use polkadot_sdk::*;
use scale_info::TypeInfo;
use sp_core::H256;

/// Demands that a requester can have open on his job at the base price.
pub const OWN_DEMANDS: u32 = 4;
/// Demands that all others can have open on a job at once.
pub const PUBLIC_DEMANDS: u32 = 12;
/// Most bytes of what a worker signs when it attests.
pub const MAX_PAYLOAD_BYTES: u32 = 1_024;

/// Blocks that had room for one more fraud proof, counted from genesis.
pub type DisputeTime = u32;
/// Identifies a demand of a job; counted from zero.
pub type DemandId = u32;

/// What is kept of a job while its result can be challenged.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Case {
    /// Hash of the block of the assignment, which every attestation of it names.
    pub assigned_block_hash: H256,
    /// Dispute time at which the challenge period is over.
    pub challenge_ends_time: DisputeTime,
    /// Dispute time at which the job can settle: later, if there were answers.
    pub settles_time: DisputeTime,
    /// Demands that are open.
    pub open_demands: u32,
    /// Those of them that took a place of the requester.
    pub own_demands: u32,
    /// Demands that were made after the challenge period, open or not.
    pub late_demands: u32,
    /// The id of the next demand.
    pub next_demand: DemandId,
}

/// An open demand.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Demand<AccountId> {
    /// Who wants to know.
    pub demander: AccountId,
    /// What.
    pub request: Request,
    /// Held on the demander's account.
    pub deposit: Balance,
    /// Whether it took a place of the requester.
    pub own: bool,
    /// Dispute time at which silence convicts.
    pub answer_by_time: DisputeTime,
}

/// An attestation as a worker signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAttestation {
    /// The job.
    pub job: JobId,
    /// Hash of the block of the assignment.
    pub assigned_block_hash: H256,
    /// Hash of each output.
    pub outputs: Hashes,
    /// Hash of the trace.
    pub trace: H256,
}

/// Reads what workers sign. The runtime knows the form of its transactions.
pub trait AttestationReader<AccountId, Signature> {
    /// The attestation in the bytes that a transaction's signer signs, if `worker` signed them.
    fn read(payload: &[u8], signature: &Signature, worker: &AccountId)
        -> Option<SignedAttestation>;
}

/// Why a fraud proof proves nothing.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Flaw {
    /// What it opens is as it must be.
    #[codec(index = 0)]
    NothingWrong,
    /// The program has no such operation, element, output or blob.
    #[codec(index = 1)]
    NoSuchPlace,
    /// The evidence ends too early or goes on too long.
    #[codec(index = 2)]
    WrongEvidenceLength,
    /// The evidence does not belong to the hashes of this job.
    #[codec(index = 3)]
    WrongHash,
    /// The payload is not an attestation that this worker signed.
    #[codec(index = 4)]
    NotSigned,
    /// The signed attestation is of another assignment.
    #[codec(index = 5)]
    OtherAssignment,
}

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use frame_support::{
        dispatch::DispatchClass,
        pallet_prelude::*,
        traits::fungible::{Balanced, BalancedHold, Credit, Inspect, MutateHold},
    };
    use frame_system::pallet_prelude::*;
    use mizan_protocol::{
        jobs::Grounds,
        traits::{ClaimedResults, Models},
        Economics, Timing,
    };

    /// Money on its way.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;
    /// Verified slices of blobs.
    pub type Evidence = BoundedVec<u8, ConstU32<MAX_EVIDENCE_BYTES>>;
    /// What was demanded.
    pub type Answer = BoundedVec<u8, ConstU32<MAX_ANSWER_BYTES>>;
    /// The bytes that a transaction's signer signs.
    pub type Payload = BoundedVec<u8, ConstU32<MAX_PAYLOAD_BYTES>>;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<Hash = H256> {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Balanced<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + BalancedHold<Self::AccountId>;

        /// Why the runtime holds money.
        type RuntimeHoldReason: From<HoldReason>;

        /// Burns deposits, and counts it.
        type BurnedDeposit: frame_support::traits::OnUnbalanced<CreditOf<Self>>;

        /// Registered models.
        type Models: Models;

        /// Jobs and the results that their workers claim.
        type Results: ClaimedResults<Self::AccountId>;

        /// The signature of a transaction.
        type Signature: Parameter;

        /// Reads what workers sign.
        type AttestationReader: AttestationReader<Self::AccountId, Self::Signature>;

        /// The protocol's periods.
        type Timing: Get<Timing>;

        /// The protocol's prices and collateral.
        type Economics: Get<Economics>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// What benchmarks need of other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId, Self::Signature>;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposit of an open demand.
        Demand,
    }

    /// Dispute time.
    #[pallet::storage]
    pub type Time<T: Config> = StorageValue<_, DisputeTime, ValueQuery>;

    /// Jobs whose result can be challenged. Hasher: ids count up, nobody chooses them.
    #[pallet::storage]
    pub type Cases<T: Config> = StorageMap<_, Twox64Concat, JobId, Case>;

    /// Open demands, oldest first. Hashers: as above; the second key is kept in big-endian bytes,
    /// unhashed, so that the demands of a job are in their order.
    #[pallet::storage]
    pub type Demands<T: Config> =
        StorageDoubleMap<_, Twox64Concat, JobId, Identity, [u8; 4], Demand<T::AccountId>>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker was proved wrong. What follows is in the events of the jobs pallet.
        FraudProved {
            /// The job.
            job: JobId,
            /// Who proved it.
            challenger: T::AccountId,
            /// What.
            grounds: Grounds,
        },
        /// A fraud proof proved nothing.
        FraudProofFailed {
            /// The job.
            job: JobId,
            /// Who sent it.
            challenger: T::AccountId,
            /// Why it proves nothing.
            flaw: Flaw,
            /// What it cost besides the fee; burned.
            burned: Balance,
        },
        /// Data of a claimed result was demanded.
        DataDemanded {
            /// The job.
            job: JobId,
            /// The demand.
            demand: DemandId,
            /// Who wants to know.
            demander: T::AccountId,
            /// What.
            request: Request,
            /// Held on the demander's account.
            deposit: Balance,
            /// Dispute time at which silence convicts.
            answer_by_time: DisputeTime,
        },
        /// A demand was answered. The answer is in the transaction.
        DemandAnswered {
            /// The job.
            job: JobId,
            /// The demand.
            demand: DemandId,
            /// Who answered.
            answerer: T::AccountId,
            /// What the answerer got of the deposit.
            paid: Balance,
            /// What was burned of it.
            burned: Balance,
        },
        /// The job of an open demand ended: the demander has the deposit back.
        DemandReturned {
            /// The job.
            job: JobId,
            /// The demand.
            demand: DemandId,
            /// Who has it back.
            demander: T::AccountId,
            /// How much.
            deposit: Balance,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    #[derive(PartialEq, Eq)]
    pub enum Error<T> {
        /// There is no such job, or it ended long ago.
        JobUnknown,
        /// No result is claimed for this job yet: nothing can be proved or demanded.
        NotAttested,
        /// The job is settled or its delivery was refused: it is too late.
        Over,
        /// The job's worker was convicted before.
        AlreadyConvicted,
        /// The free balance does not cover the deposit: see `Economics`.
        BalanceTooLow,
        /// The job has no such operation, element, blob, chunks or tree node.
        RequestImpossible,
        /// As many demands are open on this job as may be: wait for answers.
        TooManyDemands,
        /// There is no such demand, or it was answered before.
        DemandUnknown,
        /// The answer ends too early or goes on too long.
        WrongAnswerLength,
        /// The answer does not belong to the hashes of this job.
        WrongHash,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Prove a claimed result wrong. `evidence` is the concatenation of the verified slices
        /// that the accusation opens, see `mizan_tensor::Accusation`. Free when it convicts.
        #[pallet::call_index(0)]
        #[pallet::weight((
            T::WeightInfo::submit_fraud_proof_of(
                mizan_tensor::MAX_PROGRAM_BYTES,
                evidence.len() as u32,
            ),
            DispatchClass::Operational,
        ))]
        pub fn submit_fraud_proof(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            accusation: Accusation,
            evidence: Evidence,
        ) -> DispatchResultWithPostInfo {
            Self::do_submit_fraud_proof(ensure_signed(origin)?, job, accusation, &evidence)
        }

        /// Prove that a worker signed another result for the same assignment. `payload` is what
        /// it signed: the call, and what the transaction extensions add. Free when it convicts.
        #[pallet::call_index(1)]
        #[pallet::weight((
            T::WeightInfo::submit_second_attestation(),
            DispatchClass::Operational,
        ))]
        pub fn submit_second_attestation(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            payload: Payload,
            signature: T::Signature,
        ) -> DispatchResultWithPostInfo {
            let challenger = ensure_signed(origin)?;
            Self::do_submit_second_attestation(challenger, job, &payload, &signature)
        }

        /// Demand data of a claimed result. Who attested it is convicted if there is no answer in
        /// `Timing.answer_blocks` of dispute time.
        #[pallet::call_index(2)]
        #[pallet::weight((
            T::WeightInfo::demand_of(mizan_tensor::MAX_PROGRAM_BYTES),
            DispatchClass::Operational,
        ))]
        pub fn demand(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            request: Request,
        ) -> DispatchResultWithPostInfo {
            Self::do_demand(ensure_signed(origin)?, job, request)
        }

        /// Give what was demanded. Free when it is right; the answerer gets half the deposit.
        #[pallet::call_index(3)]
        #[pallet::weight((
            T::WeightInfo::answer_of(mizan_tensor::MAX_PROGRAM_BYTES, answer.len() as u32),
            DispatchClass::Operational,
        ))]
        #[pallet::feeless_if(
            |_: &OriginFor<T>, job: &JobId, demand: &DemandId, answer: &Answer| -> bool {
                Pallet::<T>::check_answer(*job, *demand, answer).is_ok()
            }
        )]
        pub fn answer(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            #[pallet::compact] demand: DemandId,
            answer: Answer,
        ) -> DispatchResultWithPostInfo {
            Self::do_answer(ensure_signed(origin)?, job, demand, &answer)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            // For what is done after the last transaction.
            T::WeightInfo::tick()
        }

        fn integrity_test() {
            let limits = T::BlockWeights::get()
                .get(DispatchClass::Operational)
                .clone();
            let proof = Self::maximal_proof();
            assert!(
                limits
                    .reserved
                    .is_some_and(|reserved| proof.all_lte(reserved)),
                "the reserve of the operational lane must fit one maximal fraud proof"
            );
            assert!(
                limits.max_extrinsic.is_none_or(|max| proof.all_lte(max)),
                "a maximal fraud proof must be a valid transaction"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
