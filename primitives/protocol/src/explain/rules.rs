//! The words for what happened to a job.

use super::Rule;
use crate::jobs::{AuditOutcome, DeclineReason, EndReason, Grounds};

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
