//! What to do next about a job: a pure function of what the journal and the chain say.

use crate::{
    journal::{Claim, Entry},
    standing::Standing,
};
use mizan_client::calls::DeclineReason;

/// How many of the last blocks in which a decline counts are kept for declining.
const BLOCKS_TO_DECLINE: u32 = 2;

/// Why a job could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What the chain would be told.
    pub reason: DeclineReason,
    /// Whether it may go away: then the worker tries until it is almost too late to decline.
    pub may_pass: bool,
}

impl Obstacle {
    /// Whether to decline now, in that block at the earliest.
    fn declines(self, next_block: u32, decline_by_block: u32) -> bool {
        let last = next_block.saturating_add(BLOCKS_TO_DECLINE) > decline_by_block;
        next_block <= decline_by_block && (last || !self.may_pass)
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Record in the journal that the worker means to do the job.
    Take,
    /// Get the inputs, execute, store the result, record it.
    Compute,
    /// Send the recorded result to the chain.
    Attest(Claim),
    /// Tell the chain that the worker does not do it.
    Decline(DeclineReason),
    /// Record that the chain has the recorded result.
    RecordAttested,
    /// The chain has another result of this key than the journal: somebody else uses the key.
    Alarm,
    /// Give it up: it can't be attested any more.
    Drop,
    /// Nothing is left to do.
    Rest,
}

/// The next step. `next_block` is the first block in which a call sent now can be included, and
/// `obstacle` why the last attempt to compute failed, or why none can be made.
pub fn next_step(
    entry: Option<&Entry>,
    standing: &Standing,
    obstacle: Option<Obstacle>,
    next_block: u32,
) -> Step {
    match standing {
        Standing::Assigned {
            decline_by_block,
            attest_by_block,
        } => {
            if next_block > *attest_by_block {
                return if entry.is_some() {
                    Step::Drop
                } else {
                    Step::Rest
                };
            }
            match entry {
                None | Some(Entry::Taken) => match obstacle {
                    Some(obstacle) if obstacle.declines(next_block, *decline_by_block) => {
                        Step::Decline(obstacle.reason)
                    }
                    // Too late to decline, or too early to give up: the obstacle may go away.
                    _ if entry.is_none() => Step::Take,
                    _ => Step::Compute,
                },
                // Recorded as attested and assigned again: the block was given up. The same claim
                // once more is no contradiction.
                Some(Entry::Computed(claim) | Entry::Attested(claim)) => {
                    Step::Attest(claim.clone())
                }
            }
        }
        Standing::Attested(on_chain) => match entry {
            Some(Entry::Computed(claim)) if claim == on_chain => Step::RecordAttested,
            Some(Entry::Attested(claim)) if claim == on_chain => Step::Rest,
            // A journal that was lost, or a second worker with this key.
            Some(Entry::Taken) | Some(_) => Step::Alarm,
            None => Step::Rest,
        },
        Standing::Gone => match entry {
            Some(Entry::Taken | Entry::Computed(_)) => Step::Drop,
            Some(Entry::Attested(_)) | None => Step::Rest,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: u32 = 51;

    fn claim(byte: u8) -> Claim {
        Claim {
            outputs: vec![[byte; 32]],
            trace: [byte; 32],
        }
    }

    fn assigned() -> Standing {
        Standing::Assigned {
            decline_by_block: 20,
            attest_by_block: 50,
        }
    }

    #[test]
    fn an_assigned_job_goes_from_taken_to_attested() {
        let table = [
            (None, Step::Take),
            (Some(Entry::Taken), Step::Compute),
            (Some(Entry::Computed(claim(1))), Step::Attest(claim(1))),
            (Some(Entry::Attested(claim(1))), Step::Attest(claim(1))),
        ];
        for (entry, step) in table {
            for next_block in [1, 20, 21, 50] {
                assert_eq!(
                    next_step(entry.as_ref(), &assigned(), None, next_block),
                    step
                );
            }
        }
    }

    #[test]
    fn past_its_last_block_an_assigned_job_is_given_up() {
        let table = [
            (None, Step::Rest),
            (Some(Entry::Taken), Step::Drop),
            (Some(Entry::Computed(claim(1))), Step::Drop),
        ];
        for (entry, step) in table {
            assert_eq!(next_step(entry.as_ref(), &assigned(), None, LATE), step);
        }
    }

    #[test]
    fn an_obstacle_is_declined_in_time_and_tried_again_after() {
        let reason = DeclineReason::InputsUnavailable;
        let obstacle = Obstacle {
            reason,
            may_pass: false,
        };
        let table = [
            // Nothing can be recorded on a full disk: declining needs no record.
            (None, 1, Step::Decline(reason)),
            (None, 21, Step::Take),
            (Some(Entry::Taken), 1, Step::Decline(reason)),
            (Some(Entry::Taken), 20, Step::Decline(reason)),
            (Some(Entry::Taken), 21, Step::Compute),
            (Some(Entry::Taken), LATE, Step::Drop),
            (Some(Entry::Computed(claim(1))), 1, Step::Attest(claim(1))),
        ];
        for (entry, next_block, step) in table {
            let planned = next_step(entry.as_ref(), &assigned(), Some(obstacle), next_block);
            assert_eq!(planned, step, "{entry:?} at {next_block}");
        }
    }

    #[test]
    fn an_obstacle_that_may_pass_is_declined_in_the_last_blocks_only() {
        let reason = DeclineReason::TooLarge;
        let obstacle = Obstacle {
            reason,
            may_pass: true,
        };
        let table = [
            (None, 1, Step::Take),
            (Some(Entry::Taken), 1, Step::Compute),
            (Some(Entry::Taken), 18, Step::Compute),
            (Some(Entry::Taken), 19, Step::Decline(reason)),
            (Some(Entry::Taken), 20, Step::Decline(reason)),
            (Some(Entry::Taken), 21, Step::Compute),
        ];
        for (entry, next_block, step) in table {
            let planned = next_step(entry.as_ref(), &assigned(), Some(obstacle), next_block);
            assert_eq!(planned, step, "{entry:?} at {next_block}");
        }
    }

    #[test]
    fn an_attested_job_is_recorded_once_and_a_foreign_claim_alarms() {
        let standing = Standing::Attested(claim(1));
        let table = [
            (None, Step::Rest),
            (Some(Entry::Taken), Step::Alarm),
            (Some(Entry::Computed(claim(1))), Step::RecordAttested),
            (Some(Entry::Computed(claim(2))), Step::Alarm),
            (Some(Entry::Attested(claim(1))), Step::Rest),
            (Some(Entry::Attested(claim(2))), Step::Alarm),
        ];
        for (entry, step) in table {
            for next_block in [1, LATE] {
                assert_eq!(next_step(entry.as_ref(), &standing, None, next_block), step);
            }
        }
    }

    #[test]
    fn a_job_that_is_gone_is_given_up() {
        let table = [
            (None, Step::Rest),
            (Some(Entry::Taken), Step::Drop),
            (Some(Entry::Computed(claim(1))), Step::Drop),
            (Some(Entry::Attested(claim(1))), Step::Rest),
        ];
        for (entry, step) in table {
            assert_eq!(next_step(entry.as_ref(), &Standing::Gone, None, 1), step);
        }
    }
}
