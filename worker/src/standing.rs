//! How an assignment stands on the chain, from its worker's point of view.

use crate::journal::{Claim, Key};
use mizan_client::{
    disputes::Conviction,
    views::{Assignment, JobState},
    AccountId, Hash,
};

/// How an assignment stands on the chain, from its worker's point of view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The worker has it.
    Assigned {
        /// Last block in which a decline counts.
        decline_by_block: u32,
        /// Last block in which an attestation counts.
        attest_by_block: u32,
    },
    /// The worker attested this.
    Attested(Claim),
    /// The worker does not have it any more, or never had.
    Gone,
}

impl Standing {
    /// How that assignment of that worker stands in a job's state.
    pub fn of(state: &JobState, worker: &AccountId, key: Key, decline_blocks: u32) -> Self {
        match (own_assignment(state, worker, key), state.attestation()) {
            (Some(_), Some(attestation)) => Self::Attested(Claim {
                outputs: attestation.outputs.clone(),
                trace: attestation.trace,
            }),
            (Some(assignment), None) => Self::Assigned {
                decline_by_block: assignment.assigned_block.saturating_add(decline_blocks),
                attest_by_block: assignment.attest_by_block,
            },
            (None, _) => Self::Gone,
        }
    }
}

fn own_assignment<'a>(state: &'a JobState, worker: &AccountId, key: Key) -> Option<&'a Assignment> {
    state.assignment().filter(|assignment| {
        assignment.worker == *worker && assignment.assigned_block == key.assigned_block
    })
}

/// Whether the result that a worker recorded for an assignment can be challenged now: then it must
/// answer the demands for its data.
pub fn can_be_challenged(state: &JobState, worker: &AccountId, key: Key, claim: &Claim) -> bool {
    let standing = Standing::of(state, worker, key, 0);
    matches!(state, JobState::Attested { .. })
        && matches!(&standing, Standing::Attested(on_chain) if on_chain == claim)
}

/// How an attested assignment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was paid.
    Settled,
    /// The worker was convicted for it, and the bond behind it is lost.
    Convicted(Conviction),
    /// Its requester says that the result was not delivered.
    Refused,
    /// It is not this worker's any more, or forgotten.
    Unpaid,
}

/// How an attested assignment ended; `None` while somebody may still ask for its data. [`Ending::Unpaid`] of a state
/// that may be older than the attestation says nothing.
pub fn ending(state: Option<&JobState>, worker: &AccountId, key: Key) -> Option<Ending> {
    let own = state.filter(|state| own_assignment(state, worker, key).is_some());
    match own {
        Some(JobState::Assigned { .. } | JobState::Attested { .. }) => None,
        Some(JobState::Settled { .. }) => Some(Ending::Settled),
        Some(JobState::Convicted { conviction, .. }) => Some(Ending::Convicted(conviction.clone())),
        Some(JobState::Refused { .. }) => Some(Ending::Refused),
        Some(JobState::Open | JobState::Ended { .. }) | None => Some(Ending::Unpaid),
    }
}

/// What a node can say about an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Its final state is older than the assignment: nothing.
    Behind,
    /// How it stands.
    Known,
    /// That it is not of this node's chain.
    OtherChain,
}

impl Sight {
    /// What a node can say that has this block at the assignment's height, and whose last final
    /// block is that.
    pub fn of(key: Key, block: Option<Hash>, final_block: u32) -> Self {
        match block {
            Some(hash) if final_block >= key.assigned_block => match hash == key.block_hash {
                true => Self::Known,
                false => Self::OtherChain,
            },
            _ => Self::Behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::{
        disputes::Grounds,
        views::{Attestation, AuditOutcome, EndReason, Settlement},
    };

    fn claim(byte: u8) -> Claim {
        Claim {
            outputs: vec![[byte; 32]],
            trace: [byte; 32],
        }
    }

    const WORKER: AccountId = AccountId([1; 32]);
    const OTHER: AccountId = AccountId([2; 32]);
    const KEY: Key = Key {
        job: 1,
        assigned_block: 10,
        block_hash: [10; 32],
    };
    const OLDER: Key = Key {
        assigned_block: 9,
        ..KEY
    };

    fn assignment() -> Assignment {
        Assignment {
            worker: WORKER,
            provider: OTHER,
            payment: 1,
            lock: 11,
            assigned_block: 10,
            attest_by_block: 50,
        }
    }

    fn attestation() -> Attestation {
        Attestation {
            outputs: vec![[7; 32]],
            trace: [7; 32],
            attested_block: 15,
            settles_block: 20,
        }
    }

    fn conviction() -> Conviction {
        Conviction {
            grounds: Grounds::SecondAttestation,
            challenger: Some(OTHER),
            rewarded: 2,
            burned: 9,
            refunded: 1,
            convicted_block: 18,
        }
    }

    /// One of each, with how an attested job in that state has ended.
    fn states() -> Vec<(JobState, Option<Ending>)> {
        let (assignment, attestation) = (assignment(), attestation());
        let ended = JobState::Ended {
            reason: EndReason::Expired,
            block: 3,
        };
        let assigned = JobState::Assigned {
            assignment: assignment.clone(),
        };
        let attested = JobState::Attested {
            assignment: assignment.clone(),
            attestation: attestation.clone(),
        };
        let settled = JobState::Settled {
            assignment: assignment.clone(),
            attestation: attestation.clone(),
            settlement: Settlement {
                payment: 1,
                worker_paid: 1,
                auditors_paid: 0,
                burned: 0,
                minted: 0,
                audit: AuditOutcome::NotDrawn,
                settled_block: 20,
            },
        };
        let convicted = JobState::Convicted {
            assignment: assignment.clone(),
            attestation: attestation.clone(),
            conviction: conviction(),
        };
        let refused = JobState::Refused {
            assignment,
            attestation,
            block: 18,
        };
        vec![
            (JobState::Open, Some(Ending::Unpaid)),
            (ended, Some(Ending::Unpaid)),
            (assigned, None),
            (attested, None),
            (settled, Some(Ending::Settled)),
            (convicted, Some(Ending::Convicted(conviction()))),
            (refused, Some(Ending::Refused)),
        ]
    }

    #[test]
    fn only_this_assignment_of_this_worker_counts() {
        for (state, _) in states() {
            let expected = match (&state, state.attestation()) {
                (JobState::Assigned { .. }, _) => Standing::Assigned {
                    decline_by_block: 20,
                    attest_by_block: 50,
                },
                (_, Some(_)) => Standing::Attested(claim(7)),
                (_, None) => Standing::Gone,
            };
            assert_eq!(Standing::of(&state, &WORKER, KEY, 10), expected, "{state}");
            for (worker, key) in [(OTHER, KEY), (WORKER, OLDER)] {
                assert_eq!(Standing::of(&state, &worker, key, 10), Standing::Gone);
            }
        }
    }

    #[test]
    fn an_attested_job_ends_settled_convicted_refused_or_elsewhere() {
        for (state, end) in states() {
            assert_eq!(ending(Some(&state), &WORKER, KEY), end, "{state}");
            for (worker, key) in [(OTHER, KEY), (WORKER, OLDER)] {
                assert_eq!(ending(Some(&state), &worker, key), Some(Ending::Unpaid));
            }
        }
        assert_eq!(ending(None, &WORKER, KEY), Some(Ending::Unpaid));
    }

    #[test]
    fn demands_are_answered_from_attestation_to_the_end_and_for_the_own_claim_only() {
        for (state, _) in states() {
            let challenged = |worker, key, claim| can_be_challenged(&state, &worker, key, &claim);
            let attested = matches!(state, JobState::Attested { .. });
            assert_eq!(challenged(WORKER, KEY, claim(7)), attested, "{state}");
            assert!(!challenged(WORKER, KEY, claim(8)));
            assert!(!challenged(OTHER, KEY, claim(7)));
            assert!(!challenged(WORKER, OLDER, claim(7)));
        }
    }

    #[test]
    fn a_node_that_is_behind_says_nothing_about_an_assignment() {
        let table = [
            (None, 9, Sight::Behind),
            (None, 10, Sight::Behind),
            (Some([10; 32]), 9, Sight::Behind),
            (Some([10; 32]), 10, Sight::Known),
            (Some([11; 32]), 9, Sight::Behind),
            (Some([11; 32]), 10, Sight::OtherChain),
        ];
        for (block, final_block, sight) in table {
            let found = Sight::of(KEY, block, final_block);
            assert_eq!(found, sight, "{block:?} {final_block}");
        }
    }
}
