//! Where a job stands, in words.

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
            "job {id} is attested in block {}, and settles in block {}",
            attestation.attested_block, attestation.settles_block
        ),
        JobState::Settled {
            assignment,
            settlement,
            ..
        } => format!(
            "job {id} is settled in block {}: of {} the provider {} got {} and {} was burned; {} \
             was minted to the provider",
            settlement.settled_block,
            format_amount(settlement.payment),
            format_address(&assignment.provider),
            format_amount(settlement.worker_paid),
            format_amount(settlement.burned),
            format_amount(settlement.minted)
        ),
        JobState::Ended { reason, block } => {
            format!(
                "job {id} ended in block {block} without settlement: {}",
                why(*reason)
            )
        }
    }
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

/// The block in which the present state began; `None` for one that began with the post.
pub(crate) fn since_block(state: &JobState) -> Option<u32> {
    match state {
        JobState::Open => None,
        JobState::Assigned { assignment } => Some(assignment.assigned_block),
        JobState::Attested { attestation, .. } => Some(attestation.attested_block),
        JobState::Settled { settlement, .. } => Some(settlement.settled_block),
        JobState::Ended { block, .. } => Some(*block),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mizan_client::views::{Assignment, Attestation, Settlement};
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

    #[test]
    fn every_state_has_a_sentence_with_its_blocks() {
        let (assignment, attestation) = (assignment(), attestation());
        let settlement = Settlement {
            payment: 100_003_225_600,
            worker_paid: 85_002_741_760,
            burned: 15_000_483_840,
            minted: 4_000_129_024,
            settled_block: 19,
        };
        let open = JobState::Open;
        assert_eq!(
            sentence(&job(open)),
            "job 7 is open, and waits for a worker until block 90"
        );
        let assigned = sentence(&job(JobState::Assigned {
            assignment: assignment.clone(),
        }));
        assert!(
            assigned.contains("since block 10, for 0.1000032256 MZN"),
            "{assigned}"
        );
        let state = JobState::Settled {
            assignment,
            attestation,
            settlement,
        };
        assert_eq!(since_block(&state), Some(19));
        let settled = sentence(&job(state));
        assert!(
            settled.contains("got 0.08500274176 MZN and 0.01500048384 MZN"),
            "{settled}"
        );
        assert!(
            settled.ends_with("0.004000129024 MZN was minted to the provider"),
            "{settled}"
        );
        let ended = JobState::Ended {
            reason: EndReason::Expired,
            block: 91,
        };
        assert!(sentence(&job(ended)).contains("ended in block 91 without settlement: no worker"));
    }
}
