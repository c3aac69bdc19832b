//! # Jobs pallet: post, match, attest, settle.
//!
//! ## Overview
//! A requester *posts* a job: a model, a batch of inputs named by their hashes, and the most it
//! pays. The payment is held. The chain *matches* it with the cheapest idle worker whose
//! provider's free bond covers the *lock*. The worker computes and *attests*: it signs the hashes
//! of the result. From then on the result can be challenged; when the challenge period has
//! passed, the job *settles*: the payment is split and the contribution recorded.
//!
//! | Call | Who may call it |
//! | --- | --- |
//! | `post_job` | any account that can pay |
//! | `cancel_job` | the job's requester, while no worker has it |
//! | `decline_job` | the worker that has it, early; free of fees |
//! | `attest_job` | the worker that has it, in time; free of fees |
//! | `refuse_delivery` | the requester of an attested job with a large output |
//!
//! Everything else is done by the chain itself: matching at once inside `post_job` and then in a
//! bounded share of every block; expiring, timing out, settling and forgetting by the *agenda*.
//!
//! ## States
//! ```text
//! Open --match--> Assigned --attest--> Attested --challenge period--> Settled
//!   ^                |
//!   +--- decline, timeout, recall
//! Attested --> Convicted (refunds the payment), Refused (burns it)
//! Open --> Ended: Cancelled, Expired, InputsUnavailable, TooManyMisses (all refund the payment)
//! ```
//!
//! ## Why
//! Every change of a job is noted with the rule behind it, and kept as long as the job's record;
//! what a provider's workers claimed, were paid for and lost is summed for ever. What a job waits
//! for now is worked out on demand: [`Pallet::explain_job`].
//!
//! ## Goals
//! - The requester's money is held from the post to the end, and every end moves all of it.
//! - A worker that is silent loses its turn and a little money, never the job's.
//! - No block does more than its share of matching and settling, however many jobs are due.
//!
//! ## Non-goals
//! - Judging results: the disputes pallet does, and says when a job may settle.
//! - Using claims of speed. Until capacity is measured it plays no part in matching.
//!
//! ## Assumptions
//! Workers act on finalised blocks; an attestation names the block of its assignment, so one
//! made on a fork that was given up does not count.
//!
//! ## Invariants
//! Checked by `do_try_state`, each by a function of its own:
//! - what is held on requesters' accounts is exactly what unfinished jobs hold;
//! - every job is on the agenda once, in the block that it names, and nothing else is;
//! - the list of open jobs is the list of jobs that are open;
//! - no job is overdue by more than the agenda's cursor;
//! - every job has a history that ends in its state, and is listed under everybody in it;
//! - a provider's pending units are those of its attested jobs;
//! - the jobs that a provider's bond backs are its assigned and attested ones.
//!
//! ## Terminology
//! *Offer*: the most a requester pays. *Lock*: bond behind a job. *Directed*: posted for one named
//! worker. *Miss*: a decline or a timeout. *Recall*: taking a job from a worker whose provider was
//! convicted for another. *Agenda*: which job the chain looks at in which block.
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

mod agenda;
mod assignment;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod conviction;
mod delivery;
mod history;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod matching;
mod outlook;
mod posting;
mod settlement;
mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use weights::WeightInfo;

use mizan_protocol::{
    explain::{History, Units},
    jobs::{AuditOutcome, BlobServers, DeclineReason, EndReason, Grounds, Hashes, Job},
    traits::Place,
    Balance, BlockNumber, JobId, ModelId, Timing,
};
use polkadot_sdk::*;

/// A job of this runtime.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId>;

/// The pallet.
#[frame_support::pallet]
// A post has as many arguments as it has terms, also in what the macros make of it.
#[allow(clippy::too_many_arguments)]
pub mod pallet {
    use super::*;
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{BalancedHold, Credit, Inspect, MutateHold},
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use mizan_protocol::{
        block_number,
        traits::{Beacon, Contributions, Disputes, Models, Settlement, Workforce},
        weights::share,
        Economics,
    };
    use sp_core::H256;
    use sp_runtime::Perbill;

    /// Money taken out of a hold.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

    /// What the runtime decides.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<Hash = H256> {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + BalancedHold<Self::AccountId>;

        /// Why the runtime holds money.
        type RuntimeHoldReason: From<HoldReason>;

        /// Registered models.
        type Models: Models;

        /// Workers and their bonds.
        type Workforce: Workforce<Self::AccountId>;

        /// Splits payments.
        type Settlement: Settlement<Self::AccountId, CreditOf<Self>>;

        /// Challenges of results.
        type Disputes: Disputes<Self::AccountId>;

        /// Burns deposits and payments that nobody gets, and counts it.
        type BurnedDeposit: frame_support::traits::OnUnbalanced<CreditOf<Self>>;

        /// The ledger.
        type Contributions: Contributions<Self::AccountId>;

        /// Breaks ties.
        type Beacon: Beacon;

        /// The protocol's prices and collateral.
        type Economics: Get<Economics>;

        /// Share of a block for matching.
        #[pallet::constant]
        type MatchingShare: Get<Perbill>;

        /// Share of a block for the agenda.
        #[pallet::constant]
        type AgendaShare: Get<Perbill>;

        /// Weights of the calls and of the steps of the hooks.
        type WeightInfo: WeightInfo;

        /// What benchmarks need of other pallets.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// The pallet.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The payment of an unfinished job.
        Payment,
        /// The deposit of an unfinished job.
        Deposit,
    }

    /// The protocol's periods. Written by genesis only.
    #[pallet::storage]
    pub type TimingRecord<T: Config> = StorageValue<_, Timing, ValueQuery>;

    /// The id of the next job.
    #[pallet::storage]
    pub type NextJobId<T: Config> = StorageValue<_, JobId, ValueQuery>;

    /// Jobs, ended ones too until they are forgotten. Hasher: ids count up, nobody chooses them.
    #[pallet::storage]
    pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

    /// Jobs without a worker, in the order of their posting, each with the place in the list of
    /// idle workers where its search goes on. Hasher: ids count up and nobody chooses them; the
    /// key is kept in big-endian bytes, unhashed, so that the map is in their order.
    #[pallet::storage]
    pub type OpenJobs<T: Config> = StorageMap<_, Identity, [u8; 8], Option<Place<T::AccountId>>>;

    /// The last job that a block tried to match.
    #[pallet::storage]
    pub type MatchingCursor<T: Config> = StorageValue<_, JobId>;

    /// The jobs that the chain looks at in a block. Hashers: block numbers and ids; requesters
    /// can choose the block within limits, never the id.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, JobId, (), OptionQuery>;

    /// The first block whose agenda may hold something.
    #[pallet::storage]
    pub type AgendaCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// Jobs by the worker that has them, for workers that come back after an absence. Hashers:
    /// accounts are chosen by users, so a cryptographic one; ids are not.
    #[pallet::storage]
    pub type JobsOf<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, JobId, (), OptionQuery>;

    /// The jobs that rest on each provider's bond: at most as many as it can back. Hashers: as of
    /// [`JobsOf`].
    #[pallet::storage]
    pub type BackedJobs<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, JobId, (), OptionQuery>;

    /// How often an account took part in a job whose delivery was refused, as requester or as
    /// provider. Hasher: accounts are chosen by users, so a cryptographic one.
    #[pallet::storage]
    pub type Refusals<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

    /// What happened to each job, kept as long as its record. Hasher: as of [`Jobs`].
    #[pallet::storage]
    pub type Histories<T: Config> =
        StorageMap<_, Twox64Concat, JobId, History<T::AccountId>, ValueQuery>;

    /// The jobs in which an account takes part as requester, worker, provider or auditor. Hashers: accounts
    /// are chosen by users, so a cryptographic one; the second key is the inverted id in
    /// big-endian bytes, unhashed, so that the newest job comes first.
    #[pallet::storage]
    pub type AccountJobs<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 8], (), OptionQuery>;

    /// What each provider's workers did, for ever. Hasher: accounts are chosen by users, so a
    /// cryptographic one.
    #[pallet::storage]
    pub type UnitsOf<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Units>;

    /// What genesis sets.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The protocol's periods.
        pub timing: Timing,
        #[serde(skip)]
        #[allow(missing_docs)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Err(problem) = self.timing.check() {
                // A chain with such constants must not start.
                panic!("{problem}");
            }
            TimingRecord::<T>::put(&self.timing);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A job was posted.
        JobPosted {
            /// Its id.
            job: JobId,
            /// Who pays.
            requester: T::AccountId,
            /// The program it runs.
            model: ModelId,
            /// What is held for it.
            held: Balance,
        },
        /// A worker got a job.
        JobAssigned {
            /// The job.
            job: JobId,
            /// Its worker.
            worker: T::AccountId,
            /// What it will pay.
            payment: Balance,
            /// Bond locked behind it.
            lock: Balance,
            /// Last block in which an attestation counts.
            attest_by_block: BlockNumber,
        },
        /// A worker declined a job, which is open again or ends.
        JobDeclined {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// Why.
            reason: DeclineReason,
        },
        /// A worker did not attest in time; the job is open again or ends.
        JobTimedOut {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// What it cost the provider; burned.
            burned: Balance,
        },
        /// A worker claimed a result.
        JobAttested {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// Hash of each output.
            outputs: Hashes,
            /// Hash of the trace.
            trace: H256,
            /// First block in which the job can settle.
            settles_block: BlockNumber,
        },
        /// A job was paid and recorded.
        JobSettled {
            /// The job.
            job: JobId,
            /// Who was paid.
            provider: T::AccountId,
            /// What the requester paid.
            payment: Balance,
            /// What the provider got of it.
            worker_paid: Balance,
            /// What auditors got of it.
            auditors_paid: Balance,
            /// What was burned of it.
            burned: Balance,
            /// What was minted to the provider on top.
            minted: Balance,
            /// Whether it was audited.
            audit: AuditOutcome,
        },
        /// A job ended without a result and its payment was given back.
        JobEnded {
            /// The job.
            job: JobId,
            /// Why.
            reason: EndReason,
            /// What the requester got back, deposit included.
            refunded: Balance,
            /// What was burned of the deposit.
            burned: Balance,
        },
        /// A worker was convicted for a job; its payment was given back.
        JobConvicted {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// What for.
            grounds: Grounds,
            /// Who proved it.
            challenger: Option<T::AccountId>,
            /// What the requester got back, deposit included.
            refunded: Balance,
        },
        /// A job was taken from its worker, whose provider was convicted for another; it is open
        /// again or ends.
        JobRecalled {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
        },
        /// A requester says that a result was not delivered: the payment was burned.
        DeliveryRefused {
            /// The job.
            job: JobId,
            /// Who posted it.
            requester: T::AccountId,
            /// Who is not paid.
            provider: T::AccountId,
            /// What was burned.
            burned: Balance,
        },
        /// The record of an ended job was dropped.
        JobForgotten {
            /// The job.
            job: JobId,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    #[derive(PartialEq, Eq)]
    pub enum Error<T> {
        /// There is no such model: register it first.
        ModelUnknown,
        /// The batch is zero or above the model's largest.
        BatchOutOfRange,
        /// The number of inputs is not the model's.
        WrongInputCount,
        /// The price is below the least price per compute unit: see `Economics`.
        PriceTooLow,
        /// The worker would have too little time: see `Timing.min_duration_blocks`.
        DurationTooShort,
        /// The worker would have too much time: see `Timing.max_duration_blocks`.
        DurationTooLong,
        /// The job must wait at least one block for a worker.
        WaitTooShort,
        /// The job would wait too long: see `Timing.max_wait_blocks`.
        WaitTooLong,
        /// The price times the job's size overflows.
        PaymentOverflow,
        /// The free balance does not cover payment and deposit: nothing was held.
        BalanceTooLow,
        /// There is no such job, or it ended long ago.
        JobUnknown,
        /// The job belongs to another requester.
        NotYourJob,
        /// A worker has the job or it has ended: it can't be cancelled any more.
        NotOpen,
        /// No worker has this job now.
        NotAssigned,
        /// Another worker has this job.
        NotYourAssignment,
        /// This job was attested before.
        AlreadyAttested,
        /// The time to decline has passed: attest, or let it time out.
        DeclineTooLate,
        /// The time to attest has passed.
        AttestTooLate,
        /// The block is not that of this assignment on this chain.
        WrongAssignmentBlock,
        /// The number of outputs is not the model's.
        WrongOutputCount,
        /// No result is claimed for this job, or it is settled.
        NotAttested,
        /// The outputs have at most 1 MiB: demand them instead.
        DeliveryCanBeDemanded,
        /// A demand for the job's data is open: wait for its answer or the conviction.
        DemandsOpen,
        /// A blob server's address must begin with http:// or https:// and be printable ASCII.
        BadBlobServer,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Post a job. `price_per_unit` is the most you pay for a compute unit; payment and
        /// deposit are held, and what a cheaper worker leaves is given back. A worker has
        /// `duration_blocks` from its assignment; a job that no worker took in `wait_blocks` is
        /// refunded. With `worker` only that one may do it. `blob_servers` are where inputs and
        /// parameters can be fetched and results are to be brought.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::post_job())]
        pub fn post_job(
            origin: OriginFor<T>,
            model: ModelId,
            batch: u32,
            inputs: Hashes,
            #[pallet::compact] price_per_unit: Balance,
            duration_blocks: BlockNumber,
            wait_blocks: BlockNumber,
            worker: Option<T::AccountId>,
            blob_servers: BlobServers,
        ) -> DispatchResult {
            let requester = ensure_signed(origin)?;
            let offer = posting::Offer {
                model,
                batch,
                inputs,
                price_per_unit,
                duration_blocks,
                wait_blocks,
                worker,
                blob_servers,
            };
            Self::do_post(requester, offer).map(drop)
        }

        /// Take back a job that no worker has. Payment and deposit are given back.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel_job())]
        pub fn cancel_job(origin: OriginFor<T>, #[pallet::compact] job: JobId) -> DispatchResult {
            Self::do_cancel(ensure_signed(origin)?, job)
        }

        /// Decline a job within `Timing.decline_blocks` of its assignment. The worker is not
        /// tried again for this job, and pauses.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::decline_job())]
        #[pallet::feeless_if(|origin: &OriginFor<T>, job: &JobId, _: &DeclineReason| -> bool {
            ensure_signed(origin.clone())
                .is_ok_and(|who| Pallet::<T>::may_decline(&who, *job).is_ok())
        })]
        pub fn decline_job(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            reason: DeclineReason,
        ) -> DispatchResult {
            Self::do_decline(ensure_signed(origin)?, job, reason)
        }

        /// Claim a job's result by its hashes. `assigned_block_hash` is the hash of the block of
        /// the assignment, so that a claim made on another fork does not count.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::attest_job())]
        #[pallet::feeless_if(
            |origin: &OriginFor<T>, job: &JobId, block: &H256, outputs: &Hashes, _: &H256| -> bool {
                ensure_signed(origin.clone()).is_ok_and(|who| {
                    Pallet::<T>::may_attest(&who, *job, *block, outputs).is_ok()
                })
            }
        )]
        pub fn attest_job(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
            assigned_block_hash: H256,
            outputs: Hashes,
            trace: H256,
        ) -> DispatchResult {
            Self::do_attest(
                ensure_signed(origin)?,
                job,
                assigned_block_hash,
                outputs,
                trace,
            )
        }

        /// Say that the result of your job was not delivered. Only for outputs of more than 1 MiB,
        /// which can't be demanded whole. The payment is burned: nobody gains by lying.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::refuse_delivery())]
        pub fn refuse_delivery(
            origin: OriginFor<T>,
            #[pallet::compact] job: JobId,
        ) -> DispatchResult {
            Self::do_refuse_delivery(ensure_signed(origin)?, job)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            let block = T::BlockWeights::get().max_block;
            let mut agenda = WeightMeter::with_limit(share(T::AgendaShare::get(), block));
            Self::work_off_agenda(block_number::<T>(), &mut agenda);
            let mut matching = WeightMeter::with_limit(share(T::MatchingShare::get(), block));
            Self::match_open_jobs(&mut matching);
            agenda.consumed().saturating_add(matching.consumed())
        }

        fn on_idle(_now: BlockNumberFor<T>, left: Weight) -> Weight {
            let mut meter = WeightMeter::with_limit(left);
            Self::work_off_agenda(block_number::<T>(), &mut meter);
            meter.consumed()
        }

        fn integrity_test() {
            let block = T::BlockWeights::get().max_block;
            let step = Self::agenda_step().saturating_add(T::WeightInfo::agenda_block());
            assert!(
                step.all_lte(share(T::AgendaShare::get(), block)),
                "the agenda's share of a block must fit one step"
            );
            assert!(
                T::WeightInfo::matching_step().all_lte(share(T::MatchingShare::get(), block)),
                "matching's share of a block must fit one step"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}

/// The protocol's periods, for other pallets.
pub struct CurrentTiming<T>(core::marker::PhantomData<T>);

impl<T: Config> frame_support::traits::Get<Timing> for CurrentTiming<T> {
    fn get() -> Timing {
        TimingRecord::<T>::get()
    }
}
