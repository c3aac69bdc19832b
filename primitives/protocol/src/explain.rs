//! Why a job or a worker is where it is: what happened by which rule, what holds it up, and what
//! whoever is concerned can do.
//!
//! The chain keeps a [`Note`] of every change of a job for as long as the job's record, and sums
//! of each provider's work for ever. What holds something up now, an *outlook*, is not stored: it
//! is worked out when somebody asks.

use crate::{
    jobs::{AuditOutcome, AuditScope, DeclineReason, EndReason, Grounds},
    Balance, BlockNumber, JobId, Macs,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Everything that can happen to one job: it is posted, given to sixteen workers that decline or
/// time out, and to one whose result is audited and settles; and a few more, should a rule be added.
pub const MAX_NOTES: u32 = 96;

/// All that happened to a job, oldest first.
pub type History<AccountId> = BoundedVec<Note<AccountId>, ConstU32<MAX_NOTES>>;

/// Something that happened to a job.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Note<AccountId> {
    /// When.
    pub block: BlockNumber,
    /// What, and by which rule.
    pub rule: Rule<AccountId>,
}

/// What happened to a job, with the accounts and amounts that it touched.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Rule<AccountId> {
    /// It was posted.
    #[codec(index = 0)]
    Posted {
        /// Held for the payment.
        held: Balance,
        /// Held for the record.
        deposit: Balance,
    },
    /// A worker got it.
    #[codec(index = 1)]
    Assigned {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What the job will pay.
        payment: Balance,
        /// Bond locked behind it.
        lock: Balance,
        /// Last block in which an attestation counts.
        attest_by_block: BlockNumber,
    },
    /// The worker declined it.
    #[codec(index = 2)]
    Declined {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// Why.
        reason: DeclineReason,
        /// First block in which the worker may get a job again.
        paused_until_block: BlockNumber,
    },
    /// The worker did not attest in time.
    #[codec(index = 3)]
    TimedOut {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What was burned of the provider's bond.
        burned: Balance,
        /// First block in which the worker may get a job again.
        paused_until_block: BlockNumber,
    },
    /// The worker claimed a result.
    #[codec(index = 4)]
    Attested {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
        /// What went back to the requester: the offer was higher than the payment.
        returned: Balance,
        /// First block in which the job can settle.
        settles_block: BlockNumber,
    },
    /// It was paid.
    #[codec(index = 5)]
    Settled {
        /// Who was paid.
        provider: AccountId,
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
    /// It ended without a payment.
    #[codec(index = 6)]
    Ended {
        /// Why.
        reason: EndReason,
        /// What the requester got back, deposit included.
        refunded: Balance,
        /// What was burned of the deposit.
        burned: Balance,
    },
    /// It was taken from its worker, whose provider was convicted for another job.
    #[codec(index = 7)]
    Recalled {
        /// The worker.
        worker: AccountId,
        /// Its provider.
        provider: AccountId,
    },
    /// Its worker was convicted.
    #[codec(index = 8)]
    Convicted {
        /// Whose bond the lock was.
        provider: AccountId,
        /// What for.
        grounds: Grounds,
        /// Who proved it.
        challenger: Option<AccountId>,
        /// What the challenger got of the lock.
        rewarded: Balance,
        /// What was burned of the lock.
        burned: Balance,
        /// What the requester got back, deposit included.
        refunded: Balance,
    },
    /// Its requester says that the result was not delivered.
    #[codec(index = 9)]
    Refused {
        /// Who is not paid.
        provider: AccountId,
        /// What was burned of the payment.
        burned: Balance,
    },
    /// An auditor was drawn for it.
    #[codec(index = 10)]
    AuditorDrawn {
        /// The auditor.
        auditor: AccountId,
        /// How much it checks.
        scope: AuditScope,
        /// Bond locked behind its verdict.
        lock: Balance,
        /// Dispute time at which a missing verdict costs it a part of that.
        verdict_by_time: u32,
    },
    /// An auditor found nothing wrong.
    #[codec(index = 11)]
    AuditPassed {
        /// The auditor.
        auditor: AccountId,
    },
    /// An auditor gave no verdict that counts, or none could be drawn.
    #[codec(index = 12)]
    AuditMissed {
        /// The auditor; `None` where no auditor had the free bond.
        auditor: Option<AccountId>,
        /// Whether it said that it was not given what it needs.
        withheld: bool,
        /// What was burned of its bond.
        burned: Balance,
    },
    /// An auditor passed what is wrong, or could not open its receipt.
    #[codec(index = 13)]
    AuditorSlashed {
        /// The auditor.
        auditor: AccountId,
        /// What was burned of its bond.
        burned: Balance,
    },
    /// Its requester ordered an audit.
    #[codec(index = 14)]
    AuditOrdered {
        /// How much is checked.
        scope: AuditScope,
        /// Held for the auditor.
        price: Balance,
    },
}

impl<AccountId> Rule<AccountId> {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Posted { .. } => "posted",
            Self::Assigned { .. } => "assigned",
            Self::Declined { .. } => "declined",
            Self::TimedOut { .. } => "timed_out",
            Self::Attested { .. } => "attested",
            Self::Settled { .. } => "settled",
            Self::Ended { .. } => "ended",
            Self::Recalled { .. } => "recalled",
            Self::Convicted { .. } => "convicted",
            Self::Refused { .. } => "refused",
            Self::AuditorDrawn { .. } => "auditor_drawn",
            Self::AuditPassed { .. } => "audit_passed",
            Self::AuditMissed { .. } => "audit_missed",
            Self::AuditorSlashed { .. } => "auditor_slashed",
            Self::AuditOrdered { .. } => "audit_ordered",
        }
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::Posted { .. } => "the job was posted; payment and deposit are held",
            Self::Assigned { .. } => {
                "the cheapest idle worker whose provider's free bond covers the lock got the job"
            }
            Self::Declined { reason, .. } => match reason {
                DeclineReason::InputsUnavailable => {
                    "the worker could not fetch an input or parameter of the right length and hash"
                }
                DeclineReason::TooLarge => "the job does not fit the worker's memory or disk",
                DeclineReason::Unavailable => "the worker could not do the job",
            },
            Self::TimedOut { .. } => {
                "the worker did not attest in time: a tenth of the payment was burned of its \
                 provider's bond, and nothing is paid"
            }
            Self::Attested { .. } => {
                "the worker claimed a result; the challenge period runs, the lock stays"
            }
            Self::Settled { audit, .. } => match audit {
                AuditOutcome::NotDrawn => {
                    "the challenge period passed: the payment was split and the contribution \
                     recorded; no audit was drawn"
                }
                AuditOutcome::Passed => {
                    "the challenge period passed and auditors found nothing wrong: the payment was \
                     split and the contribution recorded"
                }
                AuditOutcome::Unaudited => {
                    "the challenge period passed: the payment was split and the contribution \
                     recorded; an audit was drawn and a verdict is missing, so nothing was minted"
                }
            },
            Self::Ended { reason, .. } => match reason {
                EndReason::Cancelled => "the requester took the job back before a worker had it",
                EndReason::Expired => "no worker took the job while it waited",
                EndReason::InputsUnavailable => {
                    "three providers could not fetch the inputs: a tenth of the deposit was burned"
                }
                EndReason::TooManyMisses => {
                    "too many workers declined, timed out or were taken off it, or the only one \
                     that may do it was"
                }
            },
            Self::Recalled { .. } => {
                "the worker's provider was convicted for another job: this one is open again"
            }
            Self::Convicted { grounds, .. } => match grounds {
                Grounds::Wrong(_) => {
                    "a number of the result was proved wrong: the lock is lost, the requester has \
                     the payment back"
                }
                Grounds::SecondAttestation => {
                    "the worker signed two results of one assignment: the lock is lost, the \
                     requester has the payment back"
                }
                Grounds::Unanswered(_) => {
                    "data of the result was demanded and not given in time: the lock is lost, the \
                     requester has the payment back"
                }
            },
            Self::Refused { .. } => {
                "the requester says that the result was not delivered: the payment was burned, \
                 nobody gains"
            }
            Self::AuditorDrawn { .. } => {
                "the beacon drew an auditor: the job does not settle before its verdict"
            }
            Self::AuditPassed { .. } => {
                "the auditor checked its drawn part and found nothing wrong"
            }
            Self::AuditMissed { auditor: None, .. } => {
                "no auditor had the free bond for a verdict on this job"
            }
            Self::AuditMissed { withheld: true, .. } => {
                "the auditor was not given what it needs, though demands were answered"
            }
            Self::AuditMissed { .. } => {
                "the auditor gave no verdict in time: a tenth of its lock was burned"
            }
            Self::AuditorSlashed { .. } => {
                "the auditor passed a number that was proved wrong, or could not open its receipt: \
                 its lock was burned"
            }
            Self::AuditOrdered { .. } => "the requester ordered an audit and pays for it",
        }
    }

    /// What whoever is concerned can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Posted { .. } | Self::Settled { .. } => "nothing",
            Self::Assigned { .. } => {
                "worker: attest by the block named, or decline early; requester: wait"
            }
            Self::Declined { reason, .. } => match reason {
                DeclineReason::InputsUnavailable => {
                    "requester: put every input and parameter on a blob server that the job names; \
                     provider: check that the worker reaches those servers"
                }
                DeclineReason::TooLarge => {
                    "provider: raise the worker's memory budget; requester: post smaller batches"
                }
                DeclineReason::Unavailable => {
                    "provider: see the worker's log; requester: wait for another worker"
                }
            },
            Self::TimedOut { .. } => {
                "provider: see the worker's log, run its doctor, lower its slots if it is slow; \
                 requester: wait for another worker, or give more blocks"
            }
            Self::Attested { .. } => "wait for the block named",
            Self::Ended { reason, .. } => match reason {
                EndReason::Cancelled => "nothing: payment and deposit were given back",
                EndReason::Expired => "post again with a higher price or a longer wait",
                EndReason::InputsUnavailable => {
                    "put every input and parameter where workers can fetch them, and post again"
                }
                EndReason::TooManyMisses => {
                    "look at the reasons above, then post again or let another worker do it"
                }
            },
            Self::Recalled { .. } => "requester: wait for another worker",
            Self::Convicted { grounds, .. } => match grounds {
                Grounds::Wrong(_) | Grounds::SecondAttestation => {
                    "requester: post again; provider: find the fault in hardware or software, \
                     then deregister the worker and register it again"
                }
                Grounds::Unanswered(_) => {
                    "requester: post again; provider: keep the worker running and connected until \
                     its jobs settle, deregister it and register it again"
                }
            },
            Self::Refused { .. } => {
                "requester: choose workers that deliver; provider: see that your worker reaches \
                 the blob servers that jobs name"
            }
            Self::AuditorDrawn { .. } => {
                "auditor: give a verdict by the time named; worker: keep trace and inputs where \
                 auditors can fetch them"
            }
            Self::AuditPassed { .. } => {
                "auditor: keep what the receipt was made of until settlement"
            }
            Self::AuditMissed { auditor: None, .. } => {
                "auditors: add to your bonds; others: another draw follows"
            }
            Self::AuditMissed { withheld: true, .. } => {
                "worker: see that auditors reach the blob servers that the job names"
            }
            Self::AuditMissed { .. } => "auditor: keep `mizan-worker audit` running and connected",
            Self::AuditorSlashed { .. } => {
                "auditor: check what you pass, and keep what the receipt was made of until \
                 settlement"
            }
            Self::AuditOrdered { .. } => "requester: wait for the verdict",
        }
    }
}

/// What a job waits for now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum JobOutlook<AccountId> {
    /// A worker fits: the chain gives the job away in one of the next blocks.
    AboutToMatch {
        /// The cheapest that fits.
        worker: AccountId,
    },
    /// No worker is idle and live.
    NoLiveWorker,
    /// Every idle worker asks for more than the job offers.
    AsksAboveOffer {
        /// The lowest ask.
        lowest_ask: Balance,
        /// The offer.
        offer: Balance,
    },
    /// No idle worker that is cheap enough has the bond.
    BondsTooSmall {
        /// The bond that the job locks.
        lock: Balance,
        /// The largest free bond among them.
        largest_free_bond: Balance,
    },
    /// Every idle worker that fits has declined the job or timed out before.
    AllExcluded,
    /// The one worker that may do it is not idle and live.
    DirectedWorkerAway {
        /// That worker.
        worker: AccountId,
    },
    /// Its time to wait is over: it ends in the next block that has room.
    WaitOver,
    /// A worker has it.
    BeingComputed {
        /// The worker.
        worker: AccountId,
        /// Last block in which an attestation counts.
        attest_by_block: BlockNumber,
    },
    /// Its result can be challenged.
    InChallenge {
        /// First block in which it can settle, if nothing comes between.
        settles_block: BlockNumber,
        /// Demands for its data that are not answered yet: it does not settle while there is one.
        open_demands: u32,
        /// The auditor whose verdict it waits for.
        auditor: Option<AccountId>,
    },
    /// It was paid.
    Paid,
    /// It ended without a payment.
    Refunded,
    /// Its worker was convicted.
    Convicted,
    /// Its payment was burned: the requester says that the result was not delivered.
    Burned,
}

impl<AccountId> JobOutlook<AccountId> {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } => "about_to_match",
            Self::NoLiveWorker => "no_live_worker",
            Self::AsksAboveOffer { .. } => "asks_above_offer",
            Self::BondsTooSmall { .. } => "bonds_too_small",
            Self::AllExcluded => "all_excluded",
            Self::DirectedWorkerAway { .. } => "directed_worker_away",
            Self::WaitOver => "wait_over",
            Self::BeingComputed { .. } => "being_computed",
            Self::InChallenge { .. } => "in_challenge",
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Convicted => "convicted",
            Self::Burned => "burned",
        }
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } => "a worker fits and gets the job in one of the next blocks",
            Self::NoLiveWorker => "no worker is idle: all are busy, paused or silent",
            Self::AsksAboveOffer { .. } => "every idle worker asks for more than the job offers",
            Self::BondsTooSmall { .. } => {
                "no provider of an idle worker at this price has the free bond that the job locks"
            }
            Self::AllExcluded => "every idle worker that fits has declined it or timed out before",
            Self::DirectedWorkerAway { .. } => {
                "the one worker that may do it is busy, paused, silent or not registered"
            }
            Self::WaitOver => "its time to wait is over",
            Self::BeingComputed { .. } => "a worker has it",
            Self::InChallenge { .. } => "a result is claimed and its challenge period runs",
            Self::Paid => "it is paid and in the ledger",
            Self::Refunded => "it ended without a result, and its payment was given back",
            Self::Convicted => "its worker was convicted, and the payment was given back",
            Self::Burned => "its requester says that the result was not delivered",
        }
    }

    /// What whoever is concerned can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::AboutToMatch { .. } | Self::Paid => "nothing",
            Self::NoLiveWorker | Self::AllExcluded => {
                "wait, or cancel the job: it is refunded when its wait is over"
            }
            Self::AsksAboveOffer { .. } => {
                "cancel the job and post it with a price of at least the lowest ask"
            }
            Self::BondsTooSmall { .. } => {
                "wait for a provider with more bond, or cancel and post smaller batches"
            }
            Self::DirectedWorkerAway { .. } => {
                "ask its provider, or cancel the job and post it for any worker"
            }
            Self::WaitOver => "nothing: it is refunded in the next block that has room",
            Self::BeingComputed { .. } => "wait for the attestation",
            Self::InChallenge { .. } => {
                "requester: verify the result; worker: stay connected and answer demands"
            }
            Self::Convicted | Self::Burned | Self::Refunded => "see the last note of its history",
        }
    }
}

/// Whether a worker gets jobs now, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum WorkerOutlook {
    /// It is idle: the next job that fits is its.
    Idle {
        /// Bond of its provider that backs no job: a job's lock must not exceed it.
        free_bond: Balance,
    },
    /// It never sent a heartbeat.
    NeverHeard,
    /// Its last heartbeat is too old.
    Silent {
        /// The block of that heartbeat.
        heard_block: BlockNumber,
    },
    /// It pauses after declines or timeouts.
    Paused {
        /// First block in which it may get a job again.
        until_block: BlockNumber,
        /// Declines and timeouts since the last settled job.
        misses: u32,
    },
    /// Its pause is over, and it was not heard since.
    HeartbeatNeeded,
    /// It was convicted: it gets no more jobs as it is registered.
    Convicted,
    /// All its slots have jobs.
    Busy {
        /// Jobs that it can do at once.
        slots: u32,
    },
    /// Its provider's bond backs as many jobs as it may.
    NoLocksLeft,
    /// Its provider's free bond does not cover the lock of the smallest job.
    BondTooSmall {
        /// That free bond.
        free_bond: Balance,
        /// That lock.
        least_lock: Balance,
    },
}

impl WorkerOutlook {
    /// Its name, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle { .. } => "idle",
            Self::NeverHeard => "never_heard",
            Self::Silent { .. } => "silent",
            Self::Paused { .. } => "paused",
            Self::HeartbeatNeeded => "heartbeat_needed",
            Self::Convicted => "convicted",
            Self::Busy { .. } => "busy",
            Self::NoLocksLeft => "no_locks_left",
            Self::BondTooSmall { .. } => "bond_too_small",
        }
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::Idle { .. } => {
                "the worker is idle and gets the next job whose price is not below its ask and \
                 whose lock the free bond covers"
            }
            Self::NeverHeard => "the worker is registered and never sent a heartbeat",
            Self::Silent { .. } => "the worker's last heartbeat is too old",
            Self::Paused { .. } => "the worker pauses after declines or timeouts",
            Self::HeartbeatNeeded => "the worker's pause is over, and it was not heard since",
            Self::Convicted => "a result of the worker was proved wrong, or its data withheld",
            Self::Busy { .. } => "all slots of the worker have jobs",
            Self::NoLocksLeft => "the provider's bond backs as many jobs as it may",
            Self::BondTooSmall { .. } => {
                "the provider's free bond does not cover the lock of the smallest job"
            }
        }
    }

    /// What its provider can do.
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::Idle { .. } => "wait; if jobs pass by, lower the ask or add to the bond",
            Self::NeverHeard | Self::Silent { .. } => {
                "start the worker, and run its doctor if it runs already"
            }
            Self::Paused { .. } => {
                "see the history for the reasons, mend them, and wait for the block named"
            }
            Self::HeartbeatNeeded => "nothing: a running worker sends it by itself",
            Self::Convicted => {
                "find the fault in hardware or software, then deregister the worker and register \
                 it again"
            }
            Self::Busy { .. } => "nothing: it earns",
            Self::NoLocksLeft => "wait until jobs settle",
            Self::BondTooSmall { .. } => "add to the bond, or wait until jobs settle",
        }
    }
}

/// Sums of what a provider's workers did.
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
pub struct Units {
    /// Attested, and not proved wrong since.
    pub claimed: Macs,
    /// Settled and paid.
    pub accepted: Macs,
    /// Given to it and not paid: declined, timed out, recalled, convicted or refused.
    pub rejected: Macs,
}

impl Units {
    /// Attested and not settled yet.
    pub fn pending(&self) -> Macs {
        self.claimed.saturating_sub(self.accepted)
    }
}

/// A job, what it waits for and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct JobExplanation<AccountId> {
    /// The job.
    pub job: crate::jobs::Job<AccountId>,
    /// What it waits for.
    pub outlook: JobOutlook<AccountId>,
    /// What happened.
    pub history: Vec<Note<AccountId>>,
}

impl<AccountId: PartialEq> JobExplanation<AccountId> {
    /// Whether an account takes part in the job: posted it, has or had it, or audits it.
    pub fn names(&self, account: &AccountId) -> bool {
        let had_it = |note: &Note<AccountId>| match &note.rule {
            Rule::Assigned {
                worker, provider, ..
            } => worker == account || provider == account,
            Rule::AuditorDrawn { auditor, .. } => auditor == account,
            _ => false,
        };
        &self.job.requester == account || self.history.iter().any(had_it)
    }
}

/// An account's part in the market.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct AccountExplanation<AccountId> {
    /// What its workers did, if it is or was a provider.
    pub units: Option<Units>,
    /// Its bond, if it is a provider.
    pub provider: Option<ProviderReport>,
    /// Its bond as an auditor, if it is one.
    pub auditor: Option<AuditorReport>,
    /// Its workers, at most [`MAX_PAGE`] of them; or itself, if it is one.
    pub workers: Vec<(AccountId, WorkerOutlook)>,
    /// The newest jobs in which it took part, each with what happened to it.
    pub jobs: Vec<(JobId, Vec<Note<AccountId>>)>,
    /// Where older jobs begin: those below this id.
    pub next: Option<JobId>,
}

/// A provider's bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ProviderReport {
    /// Held on its account.
    pub bond: Balance,
    /// Part of it that backs jobs.
    pub locked: Balance,
    /// Number of jobs that it backs.
    pub locks: u32,
    /// Number of its workers.
    pub workers: u32,
}

/// An auditor's bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct AuditorReport {
    /// Held on its account.
    pub bond: Balance,
    /// Part of it that is locked behind verdicts.
    pub locked: Balance,
    /// Number of those verdicts.
    pub locks: u32,
}

/// A worker, its jobs and whether it gets more.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct WorkerReport<AccountId> {
    /// Who owns it and is paid.
    pub provider: AccountId,
    /// Least price per compute unit.
    pub ask: Balance,
    /// Jobs that it can do at once.
    pub slots: u32,
    /// Block of its last heartbeat.
    pub heard_block: Option<BlockNumber>,
    /// Declines and timeouts since the last settled job.
    pub misses: u32,
    /// First block in which it may get a job again.
    pub paused_until_block: BlockNumber,
    /// The jobs that it has.
    pub jobs: Vec<JobId>,
    /// Whether it gets more.
    pub outlook: WorkerOutlook,
}

/// A provider's part in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ContributionReport {
    /// The current era.
    pub current_era: crate::EraIndex,
    /// The era of [`of_era`](Self::of_era).
    pub era: crate::EraIndex,
    /// Contributed in that era.
    pub of_era: ContributionSums,
    /// Contributed ever.
    pub lifetime: ContributionSums,
}

/// What a provider contributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ContributionSums {
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

/// What a job of some batch costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ModelCost {
    /// Most items of a job.
    pub max_batch: u32,
    /// Multiply-accumulates.
    pub macs: Macs,
    /// Bytes of all inputs.
    pub input_bytes: u64,
    /// Bytes of all outputs.
    pub output_bytes: u64,
    /// Bytes of the trace.
    pub trace_bytes: u64,
    /// Bytes of all parameters.
    pub parameter_bytes: u64,
    /// Bytes of the worst proof about one number.
    pub opening_bytes: u64,
    /// Payment at the least price.
    pub min_payment: Balance,
    /// Bond that is locked behind it.
    pub min_lock: Balance,
    /// Deposit for a job that names no blob server.
    pub deposit: Balance,
    /// Least time that a worker must be given.
    pub min_duration_blocks: BlockNumber,
}

/// Why [`ModelCost`] can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum ModelCostError {
    /// There is no such model.
    ModelUnknown,
    /// The batch is zero or above the model's largest.
    BatchOutOfRange {
        /// The largest.
        max_batch: u32,
    },
    /// The payment exceeds what can be counted.
    PaymentOverflow,
}

/// Most entries of a page.
pub const MAX_PAGE: u32 = 100;
