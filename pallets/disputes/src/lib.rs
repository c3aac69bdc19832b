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
//! | `register_auditor`, `bond_auditor`, `unbond_auditor`, `exit_auditor` | an auditor, of its own bond |
//! | `submit_verdict` | the auditor at work on the job; free of fees |
//! | `order_audit` | the job's requester, in the challenge period |
//! | `demand_receipt` | any account that has the deposit |
//! | `open_receipt` | any account; free of fees when it is right |
//!
//! ## Audits
//! With probability `Economics.audit_probability` a claimed result is audited: the beacon of a block
//! that nobody knows yet draws an *auditor* by free bond, and a part of that bond is locked behind its *verdict*. What it has to
//! look at, its *drawn set*, follows from its *seed*. It passes the result with a *receipt*, the
//! keyed hash of what it looked at; or proves it wrong; or demands what it is not given, while its
//! time rests. Without a verdict it loses a part of its lock and another is drawn; after
//! [`MAX_MISSES`] the job settles unaudited and mints nothing. Every pass may be followed by a
//! further auditor, who looks at the same set and at its own. Who passed a number that is proved
//! wrong, or can't open its receipt, loses the whole lock. While nobody is registered as an auditor,
//! nothing is drawn.
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
//! - Votes and opinions. No account can convict, acquit or pause anything: a verdict decides only
//!   who is paid for it and whether a reward is minted.
//! - Finding one wrong number among millions by an audit: it deters saving work. Whoever checks all
//!   finds it.
//!
//! ## Assumptions
//! BLAKE3 has no collisions. Challengers act on the best block.
//!
//! ## Invariants
//! Checked by `do_try_state`, each by a function of its own:
//! - every job whose result is claimed has a case, and no other has one;
//! - a case counts its open demands right;
//! - what is held on demanders' accounts is exactly what open demands hold;
//! - every case has an audit, and no other job has one;
//! - every auditor's bond is held on its account, and its locks are those of its verdicts;
//! - auditors' places have no gap, and free bonds are summed right;
//! - what is held for orders is what orders name;
//! - the draws that are queued are those that audits wait for.
//!
//! ## Terminology
//! *Case*: what is kept of a job while its result can be challenged. *Evidence*: the verified
//! slices of blobs that a fraud proof opens. *Demand*, *answer*: see above. *Pass*: a verdict that
//! nothing is wrong. *Miss*: a draw without a verdict that counts. *Order*: an audit that the
//! requester pays for.
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

mod audit;
mod auditors;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod case;
mod demands;
mod drawing;
mod free_bonds;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod proofs;
mod receipts;
mod time;
mod verdicts;
mod weights;

pub use audit::*;
#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::{fill_audits, forgo_draw, BenchmarkHelper};
pub use case::{Case, Demand};
pub use free_bonds::{MAX_AUDITORS, PAGE};
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
/// Demands that an auditor can make for one verdict at the base price.
pub const MAX_AUDITOR_DEMANDS: u32 = 64;
/// Most bytes of what a worker signs when it attests.
pub const MAX_PAYLOAD_BYTES: u32 = 1_024;

/// Blocks that had room for one more fraud proof, counted from genesis.
pub type DisputeTime = u32;
/// Identifies a demand of a job; counted from zero.
pub type DemandId = u32;

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
        jobs::{AuditScope, Grounds},
        traits::{Beacon, ClaimedResults, Models},
        Economics, Timing,
    };
    use sp_runtime::Perbill;

    /// Money on its way.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;
    /// Verified slices of blobs.
    pub type Evidence = BoundedVec<u8, ConstU32<MAX_EVIDENCE_BYTES>>;
    /// What was demanded.
    pub type Answer = BoundedVec<u8, ConstU32<MAX_ANSWER_BYTES>>;
    /// The audits of a job in this runtime.
    pub type AuditOf<T> = Audit<<T as frame_system::Config>::AccountId>;
    /// What is next in them.
    pub type AuditStage<T> = Stage<<T as frame_system::Config>::AccountId>;
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

        /// Draws auditors.
        type Beacon: Beacon;

        /// The share of a block that draws may take.
        #[pallet::constant]
        type DrawsShare: Get<Perbill>;

        /// Burns deposits and auditors' locks, and counts it.
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
        /// An auditor's collateral.
        AuditorBond,
        /// The price of an ordered audit.
        AuditOrder,
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

    /// Who audits. Hasher: accounts are chosen by users, so a cryptographic one.
    #[pallet::storage]
    pub type Auditors<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Auditor>;

    /// How many there are.
    #[pallet::storage]
    pub type AuditorCount<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The auditor at each place. Hasher: places are counted from zero, nobody chooses them.
    #[pallet::storage]
    pub type AuditorAt<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId>;

    /// The tree of free bonds: see `free_bonds.rs`. Hashers: levels and pages are counted from zero.
    #[pallet::storage]
    pub type FreeBonds<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        u8,
        Twox64Concat,
        u32,
        BoundedVec<Balance, ConstU32<PAGE>>,
        ValueQuery,
    >;

    /// The audits of jobs whose result can be challenged. Hasher: as of [`Cases`].
    #[pallet::storage]
    pub type Audits<T: Config> = StorageMap<_, Twox64Concat, JobId, AuditOf<T>>;

    /// The draws to come, by slot and job: see [`PendingDraw`]. Hashers: the slots are kept in
    /// big-endian bytes, unhashed, so that the first draw is the next one; ids count up, nobody
    /// chooses them.
    #[pallet::storage]
    pub type Draws<T: Config> =
        StorageDoubleMap<_, Identity, [u8; 8], Twox64Concat, JobId, (), OptionQuery>;

    /// The jobs on which an auditor is at work, or for whose pass it answers. Hashers: accounts are
    /// chosen by users, so a cryptographic one; ids are not.
    #[pallet::storage]
    pub type AuditsOf<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, JobId, (), OptionQuery>;

    /// Open demands for receipts, by job and pass. Hashers: ids count up, nobody chooses them.
    #[pallet::storage]
    pub type ReceiptDemands<T: Config> =
        StorageDoubleMap<_, Twox64Concat, JobId, Twox64Concat, u32, ReceiptDemand<T::AccountId>>;

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
        /// An account became an auditor.
        AuditorRegistered {
            /// The account.
            auditor: T::AccountId,
            /// Its bond.
            bond: Balance,
        },
        /// An auditor's bond changed by its own call.
        AuditorBondChanged {
            /// The account.
            auditor: T::AccountId,
            /// The whole bond now.
            bond: Balance,
        },
        /// An auditor left and has its bond back.
        AuditorExited {
            /// The account.
            auditor: T::AccountId,
            /// The bond it got back.
            bond: Balance,
        },
        /// An auditor was drawn for a job.
        AuditorDrawn {
            /// The job.
            job: JobId,
            /// The auditor.
            auditor: T::AccountId,
            /// How much it checks.
            scope: AuditScope,
            /// Bond locked behind its verdict.
            lock: Balance,
            /// Dispute time at which a missing verdict costs it a part of that.
            verdict_by_time: DisputeTime,
        },
        /// No auditor had the free bond for a job.
        NoAuditorDrawn {
            /// The job.
            job: JobId,
        },
        /// An auditor gave its verdict.
        VerdictGiven {
            /// The job.
            job: JobId,
            /// The auditor.
            auditor: T::AccountId,
            /// What it says.
            verdict: Verdict,
        },
        /// An auditor gave no verdict in time.
        VerdictMissed {
            /// The job.
            job: JobId,
            /// The auditor.
            auditor: T::AccountId,
            /// What it cost it; burned.
            burned: Balance,
        },
        /// An auditor passed what is wrong, or could not open its receipt: its lock was burned.
        AuditorSlashed {
            /// The job.
            job: JobId,
            /// The auditor.
            auditor: T::AccountId,
            /// What was burned.
            burned: Balance,
        },
        /// A requester ordered an audit.
        AuditOrdered {
            /// The job.
            job: JobId,
            /// The requester.
            requester: T::AccountId,
            /// How much is checked.
            scope: AuditScope,
            /// Held for the auditor.
            price: Balance,
        },
        /// An ordered audit was paid.
        OrderPaid {
            /// The job.
            job: JobId,
            /// Who passed it.
            auditor: T::AccountId,
            /// What it got.
            paid: Balance,
        },
        /// An auditor must open its receipt.
        ReceiptDemanded {
            /// The job.
            job: JobId,
            /// The pass, by its place among those of the job.
            pass: u32,
            /// Who wants to see it.
            demander: T::AccountId,
            /// Which byte of what the receipt was made of.
            index: u64,
            /// Held on the demander's account.
            deposit: Balance,
            /// Dispute time at which silence costs the auditor its lock.
            answer_by_time: DisputeTime,
        },
        /// A receipt was opened. The opening is in the transaction.
        ReceiptOpened {
            /// The job.
            job: JobId,
            /// The pass.
            pass: u32,
            /// Who opened it.
            answerer: T::AccountId,
            /// What the answerer got of the deposit.
            paid: Balance,
            /// What was burned of it.
            burned: Balance,
        },
        /// Whoever asked for a receipt has the deposit back: the auditor lost its lock, or the
        /// job ended.
        ReceiptDemandReturned {
            /// The job.
            job: JobId,
            /// The pass.
            pass: u32,
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
        /// The account is an auditor already: use `bond_auditor` to add to its bond.
        AlreadyAuditor,
        /// The account is not an auditor: call `register_auditor` first.
        AuditorUnknown,
        /// The bond would be below the least bond: see `Economics.min_auditor_bond`.
        AuditorBondTooSmall,
        /// More is asked for than the bond that is not locked: wait until jobs settle.
        AuditorBondLocked,
        /// The auditor still answers for verdicts: wait until these jobs settle.
        AuditorLocksRemain,
        /// There are as many auditors as there may be: wait until one leaves.
        TooManyAuditors,
        /// The account is not the auditor at work on this job.
        NotYourAudit,
        /// A demand of the auditor is open: wait for its answer or the conviction.
        DemandsOpen,
        /// No demand of the auditor was answered: demand what is missing, silence convicts.
        NothingAnswered,
        /// The job belongs to another requester.
        NotYourJob,
        /// An audit of this job was ordered before.
        AlreadyOrdered,
        /// The challenge period is over, or the job was audited as often as may be.
        OrderTooLate,
        /// The job has no such pass, or its auditor lost its lock.
        PassUnknown,
        /// That receipt is demanded already: wait until it is opened.
        ReceiptDemanded,
        /// The receipt is not demanded, or was opened before.
        ReceiptDemandUnknown,
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

        /// Become an auditor with a bond of at least `Economics.min_auditor_bond`. The more of it
        /// is free, the more often you are drawn; who gives no verdict in time loses a part.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::register_auditor())]
        pub fn register_auditor(
            origin: OriginFor<T>,
            #[pallet::compact] bond: Balance,
        ) -> DispatchResult {
            Self::do_register_auditor(ensure_signed(origin)?, bond)
        }

        /// Add to the bond of an auditor.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::bond_auditor())]
        pub fn bond_auditor(
            origin: OriginFor<T>,
            #[pallet::compact] amount: Balance,
        ) -> DispatchResult {
            Self::do_bond_auditor(ensure_signed(origin)?, amount)
        }

        /// Take back bond that is not locked. At least `Economics.min_auditor_bond` must remain.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::unbond_auditor())]
        pub fn unbond_auditor(
            origin: OriginFor<T>,
            #[pallet::compact] amount: Balance,
        ) -> DispatchResult {
            Self::do_unbond_auditor(ensure_signed(origin)?, amount)
        }

        /// Stop being an auditor and take the whole bond back. No verdict may rest on it.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::exit_auditor())]
        pub fn exit_auditor(origin: OriginFor<T>) -> DispatchResult {
            Self::do_exit_auditor(ensure_signed(origin)?)
        }

        /// Say what you found as the auditor at work on a job. Fraud needs no verdict: prove it.
        #[pallet::call_index(8)]
        #[pallet::weight((T::WeightInfo::submit_verdict(), DispatchClass::Operational))]
        #[pallet::feeless_if(|origin: &OriginFor<T>, job: &JobId, verdict: &Verdict| -> bool {
            ensure_signed(origin.clone())
                .is_ok_and(|who| Pallet::<T>::may_give_verdict(&who, *job, verdict).is_ok())
        })]
        pub fn submit_verdict(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            verdict: Verdict,
        ) -> DispatchResultWithPostInfo {
            Self::do_submit_verdict(ensure_signed(origin)?, job, verdict)
        }

        /// Order an audit of your job's result, drawn for certain. Its price goes to the auditor
        /// that passes it, and comes back if none does.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::order_audit())]
        pub fn order_audit(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            scope: AuditScope,
        ) -> DispatchResult {
            Self::do_order_audit(ensure_signed(origin)?, job, scope)
        }

        /// Demand that an auditor opens its receipt at one byte of what it was made of. It loses
        /// its lock if that is not done in `Timing.answer_blocks` of dispute time.
        #[pallet::call_index(10)]
        #[pallet::weight((
            T::WeightInfo::demand_receipt_of(mizan_tensor::MAX_PROGRAM_BYTES),
            DispatchClass::Operational,
        ))]
        pub fn demand_receipt(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            #[pallet::compact] pass: u32,
            #[pallet::compact] index: u64,
        ) -> DispatchResultWithPostInfo {
            Self::do_demand_receipt(ensure_signed(origin)?, job, pass, index)
        }

        /// Open a receipt: the slice of the demanded byte under the receipt, then the slice of the
        /// same byte in the job's blob. Free when it is right; gets half the deposit.
        #[pallet::call_index(11)]
        #[pallet::weight((
            T::WeightInfo::open_receipt_of(mizan_tensor::MAX_PROGRAM_BYTES),
            DispatchClass::Operational,
        ))]
        #[pallet::feeless_if(
            |_: &OriginFor<T>, job: &JobId, pass: &u32, opening: &Answer| -> bool {
                Pallet::<T>::check_receipt(*job, *pass, opening).is_ok()
            }
        )]
        pub fn open_receipt(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            #[pallet::compact] pass: u32,
            opening: Answer,
        ) -> DispatchResultWithPostInfo {
            Self::do_open_receipt(ensure_signed(origin)?, job, pass, &opening)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            // For what is done after the last transaction.
            let tick = T::WeightInfo::tick();
            tick.saturating_add(Self::make_draws(Self::limit_of_draws()))
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
            let draw = T::WeightInfo::look_for_draws().saturating_add(T::WeightInfo::draw());
            assert!(
                draw.all_lte(Self::limit_of_draws()),
                "the share of draws in a block must fit one"
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
