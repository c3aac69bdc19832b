//! Which job an act is about.
//!
//! Steps name jobs by what the sender has to do with them and resolve the name when they are taken,
//! so that a step still makes sense after shrinking took away others before it.

use super::market::{Act, Market, State, Who};

/// A job as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// The one of that id.
    Id(u64),
    /// One of those that the sender has as a worker, oldest first.
    Given(usize),
    /// One of those that the sender posted and that no worker has.
    Open(usize),
}

/// The block that an attestation names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// That of the assignment.
    Assignment,
    /// That of this number.
    Block(u32),
    /// None: the hash is zero.
    Zeros,
}

impl Market {
    /// The same act with every job named by its id and every block by its number.
    pub(super) fn resolve(&self, by: Who, act: &Act) -> Act {
        match act {
            Act::Cancel(job) => Act::Cancel(self.pick(by, *job)),
            Act::Decline(job, reason) => Act::Decline(self.pick(by, *job), *reason),
            Act::Attest {
                job,
                claim,
                outputs,
            } => {
                let job = self.pick(by, *job);
                Act::Attest {
                    job,
                    claim: self.resolve_claim(job, *claim),
                    outputs: *outputs,
                }
            }
            Act::Batch(kind, acts) => Act::Batch(
                *kind,
                acts.iter().map(|act| self.resolve(by, act)).collect(),
            ),
            Act::IfElse(main, fallback) => {
                let [main, fallback] = [main, fallback].map(|act| Box::new(self.resolve(by, act)));
                Act::IfElse(main, fallback)
            }
            other => other.clone(),
        }
    }

    fn pick(&self, by: Who, pick: Pick) -> Pick {
        let ids = |wanted: &dyn Fn(&super::market::Job) -> bool, place| {
            let mut fitting = self.jobs.iter().filter(|(_, job)| wanted(job));
            // Where there is none, one that there is not.
            fitting.nth(place).map_or(self.next_job, |(id, _)| *id)
        };
        Pick::Id(match pick {
            Pick::Id(id) => id,
            Pick::Given(place) => ids(&|job| job.is_given_to(by), place),
            Pick::Open(place) => ids(
                &|job| job.requester == by && job.state == State::Open,
                place,
            ),
        })
    }

    fn resolve_claim(&self, job: Pick, claim: Claim) -> Claim {
        let Pick::Id(id) = job else {
            return claim;
        };
        match (claim, self.jobs.get(&id).map(|job| &job.state)) {
            (Claim::Assignment, Some(State::Assigned(given))) => Claim::Block(given.assigned),
            (Claim::Assignment, _) => Claim::Zeros,
            (claim, _) => claim,
        }
    }
}

impl Pick {
    /// Its id, of a resolved one.
    pub(super) fn id(self) -> u64 {
        match self {
            Self::Id(id) => id,
            unresolved => panic!("{unresolved:?} is not resolved"),
        }
    }
}
