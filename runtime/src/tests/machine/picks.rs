//! Which job an act is about, and what it says of it.
//!
//! Steps name jobs by what the sender has to do with them and resolve the name when they are taken,
//! so that a step still makes sense after shrinking took away others before it.

use super::audits::DrawnSet;
use super::market::{Job, Market, State, Who};
use super::results::{Fault, Work};
use super::sending::Act;
use mizan_protocol::jobs::Request;

/// A job as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// The one of that id.
    Id(u64),
    /// One of those that the sender has as a worker, oldest first.
    Given(usize),
    /// One of those that the sender posted and that no worker has.
    Open(usize),
    /// One of those whose result is claimed.
    Claimed(usize),
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

/// Whose bytes, or hashes, an act shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The claimed result's.
    Claimed,
    /// Those of a result of the same job with that fault.
    Faulty(Fault),
    /// That result's.
    Work(Work),
}

/// What is done to evidence and answers before they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    None,
    /// There are none.
    Missing,
    /// A byte too many.
    Trailing,
    /// The first byte is another.
    Flipped,
}

/// Evidence, or an answer, as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) source: Source,
    pub(super) damage: Damage,
}

/// The same, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) work: Work,
    pub(super) damage: Damage,
}

/// What opens a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    /// Whose bytes the receipt is made of.
    pub(super) stream: Source,
    /// Whose bytes the job has.
    pub(super) blob: Source,
    pub(super) damage: Damage,
    /// What is demanded, if that was known when the opening was written.
    pub(super) of: Option<(DrawnSet, u64)>,
}

/// A demand as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// One of those that are open on the job, oldest first.
    Open(usize),
    /// The one of that id; and what it asks for, if that was known when the answer was written.
    Id(u32, Option<Request>),
}

/// How a second attestation is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Short,
    /// By its hash, since it is long.
    Long,
    /// As it is, although it is long.
    LongUnhashed,
    /// Well, but it is no attestation.
    OtherCall,
}

/// A second attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Second {
    /// Who signed it. At first nobody: the job's worker.
    pub(super) signer: Option<Who>,
    /// Whether it names the job after.
    pub(super) of_next: bool,
    pub(super) claim: Claim,
    pub(super) result: Source,
    pub(super) form: Form,
}

impl Market {
    /// The same act with every job named by its id and every block by its number.
    pub(super) fn resolve(&self, by: Who, act: &Act) -> Act {
        let pick = |job: &Pick| self.pick(by, *job);
        let mut act = act.clone();
        match &mut act {
            Act::Cancel(job) | Act::Decline(job, _) | Act::RefuseDelivery(job) => *job = pick(job),
            Act::Demand(job, _) => *job = pick(job),
            Act::Audit(audit) => *audit = self.resolve_audit(by, audit),
            Act::Attest {
                job, claim, result, ..
            } => {
                *job = pick(job);
                *claim = self.resolve_claim(*job, *claim);
                *result = self.resolve_source(*job, *result);
            }
            Act::Prove { job, shown, .. } => {
                *job = pick(job);
                shown.source = self.resolve_source(*job, shown.source);
            }
            Act::Answer { job, demand, shown } => {
                *job = pick(job);
                *demand = self.resolve_demand(*job, *demand);
                shown.source = self.resolve_source(*job, shown.source);
            }
            Act::ShowSecond(job, second) => {
                *job = pick(job);
                self.resolve_second(*job, second);
            }
            Act::Batch(_, acts) => {
                for act in acts {
                    *act = self.resolve(by, act);
                }
            }
            Act::IfElse(main, fallback) => {
                for act in [main, fallback] {
                    **act = self.resolve(by, act);
                }
            }
            _ => (),
        }
        act
    }

    pub(super) fn pick(&self, by: Who, pick: Pick) -> Pick {
        let ids = |wanted: &dyn Fn(&Job) -> bool, place| {
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
            Pick::Claimed(place) => ids(&|job| job.claim().is_some(), place),
        })
    }

    fn resolve_claim(&self, job: Pick, claim: Claim) -> Claim {
        let given = match self.jobs.get(&job.id()).map(|job| &job.state) {
            Some(State::Assigned(given) | State::Attested { by: given, .. }) => given,
            _ if claim == Claim::Assignment => return Claim::Zeros,
            _ => return claim,
        };
        match claim {
            Claim::Assignment => Claim::Block(given.assigned),
            claim => claim,
        }
    }

    pub(super) fn resolve_source(&self, job: Pick, source: Source) -> Source {
        let job = self.jobs.get(&job.id());
        let fault = match source {
            Source::Claimed => job.and_then(Job::claim).map(|claim| claim.fault),
            Source::Faulty(fault) => Some(fault),
            Source::Work(_) => return source,
        };
        let fault = fault.unwrap_or(Fault::None);
        // Of a job that there is not, anything.
        let nothing = Work {
            model: 0,
            batch: 1,
            fault,
        };
        Source::Work(job.map_or(nothing, |job| job.work(fault)))
    }

    fn resolve_demand(&self, job: Pick, demand: Which) -> Which {
        let case = self.cases.get(&job.id());
        let demands = case.map(|case| &case.demands);
        match demand {
            Which::Open(place) => {
                let found = demands.and_then(|demands| demands.iter().nth(place));
                found.map_or(Which::Id(0, None), |(id, demand)| {
                    Which::Id(*id, Some(demand.request))
                })
            }
            Which::Id(id, _) => {
                let known = demands.and_then(|demands| demands.get(&id));
                Which::Id(id, known.map(|demand| demand.request))
            }
        }
    }

    fn resolve_second(&self, job: Pick, second: &mut Second) {
        second.claim = self.resolve_claim(job, second.claim);
        second.result = self.resolve_source(job, second.result);
        let worker = match self.jobs.get(&job.id()).map(|job| &job.state) {
            Some(State::Attested { by, .. }) => by.worker,
            _ => 0,
        };
        second.signer.get_or_insert(worker);
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

impl Source {
    /// The result, of a resolved one.
    pub(super) fn work(self) -> Work {
        match self {
            Self::Work(work) => work,
            unresolved => panic!("{unresolved:?} is not resolved"),
        }
    }
}

impl Shown {
    /// The evidence, of a resolved one.
    pub(super) fn evidence(self) -> Evidence {
        Evidence {
            work: self.source.work(),
            damage: self.damage,
        }
    }
}

impl Opening {
    /// The two results, of a resolved one; nothing, if it was written before it was demanded.
    pub(super) fn works(self, set: DrawnSet, index: u64) -> Option<(Work, Work)> {
        let known = self.of?;
        assert_eq!(
            known,
            (set, index),
            "what is demanded was not demanded then"
        );
        Some((self.stream.work(), self.blob.work()))
    }
}

impl Which {
    /// Id and request, of a resolved one.
    pub(super) fn resolved(self) -> (u32, Option<Request>) {
        match self {
            Self::Id(id, request) => (id, request),
            unresolved @ Self::Open(_) => panic!("{unresolved:?} is not resolved"),
        }
    }
}
