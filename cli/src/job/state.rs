//! Where a job stands, in words.

use crate::audit;
use crate::grounds::clause;
use mizan_client::disputes::Conviction;
use mizan_client::keys::format_address;
use mizan_client::units::format_amount;
use mizan_client::views::{EndReason, JobState, JobView};

/// One sentence about a job.
pub(crate) fn sentence(job: &JobView) -> String {
    let id = job.id;
    match &job.state {
        JobState::Open => {
            let until = job.wait_until_block;
            match job.excluded.len() {
                0 => format!("job {id} is open, and waits for a worker until block {until}"),
                n => format!(
                    "job {id} is open again, missed by {n} of its workers, and waits for another \
                     until block {until}"
                ),
            }
        }
        JobState::Assigned { assignment } => format!(
            "job {id} is assigned to {} since block {}, for {}, to be attested by block {}",
            format_address(&assignment.worker),
            assignment.assigned_block,
            format_amount(assignment.payment),
            assignment.attest_by_block
        ),
        JobState::Attested { attestation, .. } => format!(
            "job {id} is attested in block {}, and settles in block {} at the earliest",
            attestation.attested_block, attestation.settles_block
        ),
        JobState::Settled {
            assignment,
            settlement,
            ..
        } => format!(
            "job {id} is settled in block {}: of {} the provider {} got {} and {} was burned; {} \
             was minted to the provider; {}",
            settlement.settled_block,
            format_amount(settlement.payment),
            format_address(&assignment.provider),
            format_amount(settlement.worker_paid),
            format_amount(settlement.burned),
            format_amount(settlement.minted),
            audit::outcome(settlement)
        ),
        JobState::Ended { reason, block } => {
            format!(
                "job {id} ended in block {block} without settlement: {}",
                why(*reason)
            )
        }
        JobState::Convicted {
            assignment,
            conviction,
            ..
        } => {
            let provider = format_address(&assignment.provider);
            format!("job {id}: {}", convicted(&provider, conviction))
        }
        JobState::Refused {
            assignment, block, ..
        } => format!(
            "job {id} ended in block {block} without settlement: its requester says that the \
             result was not delivered; {} was burned, and the provider {} got nothing",
            format_amount(assignment.payment),
            format_address(&assignment.provider)
        ),
    }
}

/// What a conviction was for and what it did.
pub(crate) fn convicted(provider: &str, conviction: &Conviction) -> String {
    let block = conviction.convicted_block;
    let lost = conviction.rewarded.saturating_add(conviction.burned);
    let challenger = match &conviction.challenger {
        Some(challenger) => format!(
            "; of that {} went to the challenger {}, and the rest was burned",
            format_amount(conviction.rewarded),
            format_address(challenger)
        ),
        None => ", which was burned".to_owned(),
    };
    format!(
        "its worker was convicted in block {block}: {}; the provider {provider} lost {}{challenger}; \
         {} was given back to the requester",
        clause(&conviction.grounds),
        format_amount(lost),
        format_amount(conviction.refunded)
    )
}

/// Why a job ended.
fn why(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Cancelled => "its requester cancelled it",
        EndReason::Expired => "no worker took it in time; offer more or wait longer",
        EndReason::InputsUnavailable => {
            "three providers could not fetch its inputs or the model's parameters; publish them"
        }
        EndReason::TooManyMisses => "too many workers declined it or did not attest in time",
    }
}

/// Whether the claimed result can still be proved wrong, and its data demanded.
pub(crate) fn is_in_challenge(job: &JobView) -> bool {
    matches!(job.state, JobState::Attested { .. })
}

/// Why the claimed result can't be proved wrong any more.
pub(crate) fn too_late(job: &JobView) -> String {
    let id = job.id;
    match &job.state {
        JobState::Settled { settlement, .. } => {
            let block = settlement.settled_block;
            format!("over: job {id} is settled in block {block}, it is too late to prove anything")
        }
        JobState::Convicted { conviction, .. } => {
            let block = conviction.convicted_block;
            format!(
                "over: the worker of job {id} was convicted in block {block}, there is nothing \
                 more to prove"
            )
        }
        JobState::Refused { block, .. } => format!(
            "over: the delivery of job {id} was refused in block {block}, it is too late to prove \
             anything"
        ),
        JobState::Open | JobState::Assigned { .. } | JobState::Attested { .. } => {
            format!("not over: {}", sentence(job))
        }
        JobState::Ended { .. } => format!("over: {}", sentence(job)),
    }
}

/// The block in which the present state began; `None` for one that began with the post.
pub(crate) fn since_block(state: &JobState) -> Option<u32> {
    match state {
        JobState::Open => None,
        JobState::Assigned { assignment } => Some(assignment.assigned_block),
        JobState::Attested { attestation, .. } => Some(attestation.attested_block),
        JobState::Settled { settlement, .. } => Some(settlement.settled_block),
        JobState::Ended { block, .. } | JobState::Refused { block, .. } => Some(*block),
        JobState::Convicted { conviction, .. } => Some(conviction.convicted_block),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mizan_client::disputes::{Demanded, Grounds};
    use mizan_client::views::{Assignment, Attestation, AuditOutcome, Settlement};
    use mizan_client::AccountId;

    /// A job in some state.
    pub(crate) fn job(state: JobState) -> JobView {
        JobView {
            id: 7,
            requester: AccountId([1; 32]),
            model: [2; 32],
            batch: 360,
            inputs: vec![[3; 32]],
            macs: 3_225_600,
            price_per_unit: 1_000_000_000,
            held: 0,
            deposit: 0,
            duration_blocks: 20,
            wait_until_block: 90,
            directed: None,
            excluded: vec![],
            missing_inputs: vec![],
            blob_servers: vec![],
            due_block: 90,
            state,
        }
    }

    /// An assignment in block 10.
    pub(crate) fn assignment() -> Assignment {
        Assignment {
            worker: AccountId([4; 32]),
            provider: AccountId([5; 32]),
            payment: 100_003_225_600,
            lock: 1,
            assigned_block: 10,
            attest_by_block: 30,
        }
    }

    /// An attestation in block 14.
    pub(crate) fn attestation() -> Attestation {
        let (outputs, trace) = (vec![[6; 32]], [7; 32]);
        Attestation {
            outputs,
            trace,
            attested_block: 14,
            settles_block: 19,
        }
    }

    /// A settlement in block 19.
    pub(crate) fn settlement() -> Settlement {
        Settlement {
            payment: 100_003_225_600,
            worker_paid: 85_002_741_760,
            auditors_paid: 0,
            burned: 15_000_483_840,
            minted: 4_000_129_024,
            audit: AuditOutcome::NotDrawn,
            settled_block: 19,
        }
    }

    /// A job that settled so.
    pub(crate) fn settled_job(settlement: Settlement) -> JobView {
        job(JobState::Settled {
            assignment: assignment(),
            attestation: attestation(),
            settlement,
        })
    }

    /// A conviction in block 16 by a fraud proof.
    pub(crate) fn conviction() -> Conviction {
        Conviction {
            grounds: Grounds::WrongElement {
                operation: 2,
                index: 5,
            },
            challenger: Some(AccountId([8; 32])),
            rewarded: 225_000_000_000,
            burned: 900_000_000_000,
            refunded: 210_000_000_000,
            convicted_block: 16,
        }
    }

    /// A job whose worker was convicted.
    pub(crate) fn convicted_job(conviction: Conviction) -> JobView {
        job(JobState::Convicted {
            assignment: assignment(),
            attestation: attestation(),
            conviction,
        })
    }

    #[test]
    fn a_conviction_is_said_with_its_grounds_and_where_the_money_went() {
        let proved = convicted_job(conviction());
        assert_eq!(since_block(&proved.state), Some(16));
        let said = sentence(&proved);
        let challenger = format_address(&AccountId([8; 32]));
        let provider = format_address(&AccountId([5; 32]));
        assert_eq!(
            said,
            format!(
                "job 7: its worker was convicted in block 16: element 5 of operation 2 is wrong; \
                 the provider {provider} lost 1.125 MZN; of that 0.225 MZN went to the challenger \
                 {challenger}, and the rest was burned; 0.21 MZN was given back to the requester"
            )
        );
        let silent = Conviction {
            grounds: Grounds::Unanswered {
                request: Demanded::Element {
                    operation: 1,
                    index: 4,
                },
            },
            challenger: None,
            rewarded: 0,
            ..conviction()
        };
        let said = sentence(&convicted_job(silent));
        assert!(
            said.contains("it did not give the proof about element 4 of operation 1 in time"),
            "{said}"
        );
        assert!(said.contains("lost 0.9 MZN, which was burned;"), "{said}");
    }

    #[test]
    fn a_refused_delivery_is_said_with_what_was_burned() {
        let refused = job(JobState::Refused {
            assignment: assignment(),
            attestation: attestation(),
            block: 17,
        });
        assert_eq!(since_block(&refused.state), Some(17));
        let said = sentence(&refused);
        assert!(said.contains("ended in block 17 without settlement: its requester"));
        assert!(said.contains("0.1000032256 MZN was burned"), "{said}");
    }

    #[test]
    fn every_state_has_a_sentence_with_its_blocks() {
        let open = JobState::Open;
        assert_eq!(
            sentence(&job(open)),
            "job 7 is open, and waits for a worker until block 90"
        );
        let assigned = sentence(&job(JobState::Assigned {
            assignment: assignment(),
        }));
        assert!(
            assigned.contains("since block 10, for 0.1000032256 MZN"),
            "{assigned}"
        );
        let attested = JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        };
        assert_eq!(
            sentence(&job(attested)),
            "job 7 is attested in block 14, and settles in block 19 at the earliest"
        );
        let ended = JobState::Ended {
            reason: EndReason::Expired,
            block: 91,
        };
        assert!(sentence(&job(ended)).contains("ended in block 91 without settlement: no worker"));
    }

    #[test]
    fn a_settlement_is_said_with_where_the_money_went_and_whether_it_was_audited() {
        let settled = settled_job(settlement());
        assert_eq!(since_block(&settled.state), Some(19));
        let said = sentence(&settled);
        assert!(
            said.contains("got 0.08500274176 MZN and 0.01500048384 MZN"),
            "{said}"
        );
        assert!(
            said.ends_with("0.004000129024 MZN was minted to the provider; no audit was drawn"),
            "{said}"
        );
        let passed = Settlement {
            auditors_paid: 5_000_161_280,
            burned: 10_000_322_560,
            audit: AuditOutcome::Passed,
            ..settlement()
        };
        let said = sentence(&settled_job(passed));
        assert!(
            said.ends_with("; auditors found nothing wrong and got 0.00500016128 MZN"),
            "{said}"
        );
        let unaudited = Settlement {
            minted: 0,
            audit: AuditOutcome::Unaudited,
            ..settlement()
        };
        let said = sentence(&settled_job(unaudited));
        assert!(
            said.ends_with("a verdict is missing, so nothing was minted"),
            "{said}"
        );
    }
}
