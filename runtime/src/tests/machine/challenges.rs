//! What actors send about claimed results: what is right, and what is wrong in every way.

use super::audits::Stage;
use super::cases::PLACES;
use super::market::{periods, Job, Market, State, Who, ACTORS, MAX_BATCH};
use super::picks::{Claim, Damage, Form, Pick, Second, Shown, Source, Which};
use super::results::{Fault, Work, FAULTS};
use super::sending::{Act, Batch};
use super::verdicts::accusation_of;
use mizan_protocol::jobs::{Accusation, BlobRef, Request};
use proptest::{prelude::*, sample::select, sample::Index};

/// A claimed result, as somebody sees it.
#[derive(Clone, Debug)]
struct Seen {
    place: usize,
    work: Work,
    /// Open demands.
    demands: usize,
    /// Whether the spectator posted the job.
    own: bool,
    /// Whether the spectator claims the result.
    claimed: bool,
    /// Whether the job soon settles.
    late: bool,
    /// Whether an auditor waits for an answer.
    awaited: bool,
    /// Whether an auditor has passed what is wrong, and it is time to prove it.
    passed: bool,
    /// How much there is to prove now.
    urge: usize,
}

const GOOD: Shown = Shown {
    source: Source::Claimed,
    damage: Damage::None,
};

/// Evidence that shows something else, or nothing.
fn bad() -> Vec<Shown> {
    let damaged = [Damage::Missing, Damage::Trailing, Damage::Flipped].map(|damage| Shown {
        source: Source::Claimed,
        damage,
    });
    let others = FAULTS.map(|fault| Shown {
        source: Source::Faulty(fault),
        damage: Damage::None,
    });
    [&damaged[..], &others].concat()
}

/// Proofs matter most in the last moment, and where an auditor has passed what is wrong.
fn urge(market: &Market, id: u64, work: Work, late: bool) -> usize {
    let Some(accusation) = accusation_of(work) else {
        return 1;
    };
    let case = &market.cases[&id];
    let looked_at = market.auditor_of(id, work, accusation).is_some();
    if late || is_passed(market, id, work) {
        20
    } else if looked_at && case.audit.passes.is_empty() {
        3
    } else {
        1
    }
}

fn is_passed(market: &Market, id: u64, work: Work) -> bool {
    let audit = &market.cases[&id].audit;
    let ripe = match audit.stage {
        Stage::Waits(_) => false,
        // With half of the jobs it is seen what becomes of a further pass.
        Stage::Open(_) => id.is_multiple_of(2),
        Stage::Done => true,
    };
    let mut passes = 0..audit.passes.len();
    accusation_of(work).is_some_and(|accusation| {
        ripe && passes.any(|pass| audit.answers_for(pass, work, accusation))
    })
}

/// What an actor may send about claimed results, with its weight, if there are any.
pub(super) fn challenges(market: &Market, who: Who) -> Option<(u32, BoxedStrategy<Act>)> {
    let seen = |(place, (id, job)): (usize, (&u64, &Job))| {
        let (case, work) = (&market.cases[id], job.claim().expect("it is claimed"));
        let late = job.due <= market.now + 1 && case.audit.stage == Stage::Done;
        Seen {
            place,
            work,
            passed: is_passed(market, *id, work),
            urge: urge(market, *id, work, late),
            demands: case.demands.len(),
            awaited: case.auditor_waits(),
            own: job.requester == who,
            claimed: matches!(&job.state, State::Attested { by, .. } if by.worker == who),
            late,
        }
    };
    let jobs = market.jobs.iter();
    let claimed = jobs.filter(|(_, job)| job.claim().is_some());
    let seen: Vec<_> = claimed.enumerate().map(seen).collect();
    if seen.is_empty() {
        return None;
    }
    // Only here can a proof and a settlement meet.
    let meeting = |seen: &Seen| seen.late && seen.work.fault != Fault::None;
    let meet = market.crowded && seen.iter().any(meeting);
    // Only then can one lose what the other is paid for.
    let urgent = meet || seen.iter().any(|seen| seen.passed && !seen.late);
    let chosen = (select(seen), any::<Index>(), any::<Index>());
    let act = chosen.prop_map(|(seen, kind, which)| {
        let kinds = seen.choices().into_iter();
        let weighted = kinds.flat_map(|(weight, acts)| vec![acts; weight]);
        let kinds: Vec<_> = weighted.filter(|acts| !acts.is_empty()).collect();
        let acts: &Vec<Act> = kind.get(&kinds);
        which.get(acts).clone()
    });
    Some((if urgent { 80 } else { 14 }, act.boxed()))
}

impl Seen {
    /// Kinds of acts, each with its weight.
    fn choices(&self) -> Vec<(usize, Vec<Act>)> {
        let job = Pick::Claimed(self.place);
        let right = accusation_of(self.work).into_iter();
        let right = right.map(|accusation| prove(job, accusation, GOOD));
        // More than there are places.
        let many = vec![demand(job, self.faulty_element()); PLACES.0 + PLACES.1 + 1];
        let is_large = self.work.model > 0 && self.work.batch == MAX_BATCH;
        let refusal = if self.own {
            vec![Act::RefuseDelivery(job)]
        } else {
            vec![]
        };
        vec![
            (self.urge, right.collect()),
            (2, self.flawed_proofs(job)),
            (1, self.seconds(job)),
            (2, self.demands(job)),
            (1, vec![Act::Batch(Batch::UntilRefused, many)]),
            (
                if self.claimed || self.awaited { 16 } else { 4 },
                self.answers(job),
            ),
            (if is_large { 16 } else { 2 }, refusal),
        ]
    }

    /// What is not as it must be if the result has the fault of an element.
    fn faulty_element(&self) -> Request {
        let fault = Fault::Element;
        match accusation_of(Work { fault, ..self.work }) {
            Some(Accusation::Element { operation, index }) => Request::Element { operation, index },
            other => panic!("an element is wrong, not {other:?}"),
        }
    }

    /// Accusations of what is right, or is not there, or with bad evidence.
    fn flawed_proofs(&self, job: Pick) -> Vec<Act> {
        let element = |operation, index| Accusation::Element { operation, index };
        let output = |output, index| Accusation::Output { output, index };
        let length = |blob, length| Accusation::Length { blob, length };
        let others = FAULTS.into_iter().filter_map(|fault| {
            let claim = Work { fault, ..self.work };
            accusation_of(claim)
        });
        let mut accusations: Vec<_> = others.collect();
        accusations.extend([
            element(0, 0),
            element(0, u64::MAX),
            element(9, 0),
            output(0, 0),
            output(9, 0),
            length(BlobRef::Input(0), 3),
            length(BlobRef::Trace, 3 * u64::from(self.work.batch)),
            length(BlobRef::Trace, 2_000),
            length(BlobRef::Output(9), 3),
        ]);
        let mut proofs: Vec<_> = accusations
            .into_iter()
            .filter(|accusation| Some(*accusation) != accusation_of(self.work))
            .map(|accusation| prove(job, accusation, GOOD))
            .collect();
        if let Some(accusation) = accusation_of(self.work) {
            let bad = bad().into_iter();
            proofs.extend(bad.map(|shown| prove(job, accusation, shown)));
        }
        proofs
    }

    fn seconds(&self, job: Pick) -> Vec<Act> {
        let other = match self.work.fault {
            Fault::None => Fault::Output,
            _ => Fault::None,
        };
        let right = |form| Second {
            signer: None,
            of_next: false,
            claim: Claim::Assignment,
            result: Source::Faulty(other),
            form,
        };
        let stranger = (self.place + 1) % ACTORS.len();
        let seconds = [
            right(Form::Short),
            right(Form::Long),
            right(Form::LongUnhashed),
            right(Form::OtherCall),
            Second {
                signer: Some(stranger),
                ..right(Form::Short)
            },
            Second {
                of_next: true,
                ..right(Form::Short)
            },
            Second {
                claim: Claim::Zeros,
                ..right(Form::Short)
            },
            Second {
                result: Source::Claimed,
                ..right(Form::Long)
            },
        ];
        let seconds = seconds.into_iter();
        seconds.map(|second| Act::ShowSecond(job, second)).collect()
    }

    /// Demands that can be made, and some that can't.
    fn demands(&self, job: Pick) -> Vec<Act> {
        let chunks = |blob, first, count| Request::Chunks { blob, first, count };
        let nodes = |blob, level, index| Request::Nodes { blob, level, index };
        let element = |operation, index| Request::Element { operation, index };
        let last = BlobRef::Output(self.work.model as u16);
        let faulty = [self.faulty_element(); 8];
        let possible = [
            element(0, 0),
            chunks(BlobRef::Trace, 0, 1),
            chunks(last, 0, 1),
            nodes(last, 0, 0),
            nodes(BlobRef::Parameter(0), 0, 0),
            // Only of large blobs.
            chunks(BlobRef::Trace, 1, 8),
            nodes(BlobRef::Input(0), 2, 1),
            nodes(BlobRef::Trace, 10, 0),
        ];
        let impossible = [
            element(2, 0),
            element(0, u64::MAX),
            chunks(BlobRef::Trace, 0, 0),
            chunks(BlobRef::Trace, 0, 9),
            chunks(BlobRef::Trace, u64::MAX, 1),
            chunks(BlobRef::Input(2), 0, 1),
            nodes(BlobRef::Output(2), 0, 0),
            nodes(BlobRef::Trace, 20, 0),
        ];
        let requests = [&faulty[..], &possible, &impossible].concat().into_iter();
        requests.map(|request| demand(job, request)).collect()
    }

    fn answers(&self, job: Pick) -> Vec<Act> {
        let answer = |place, shown| Act::Answer {
            job,
            demand: Which::Open(place),
            shown,
        };
        let mut answers = Vec::new();
        for place in 0..self.demands.min(3) {
            answers.extend(vec![answer(place, GOOD); 8]);
            answers.extend(bad().into_iter().map(|shown| answer(place, shown)));
        }
        answers.push(answer(self.demands, GOOD));
        answers
    }
}

fn prove(job: Pick, accusation: Accusation, shown: Shown) -> Act {
    Act::Prove {
        job,
        accusation,
        shown,
    }
}

fn demand(job: Pick, request: Request) -> Act {
    Act::Demand(job, request)
}

/// Copies of proofs that convicted in this block, if there are any: they come too late.
pub(super) fn copies(market: &Market) -> Option<(u32, BoxedStrategy<Act>)> {
    let copy = |(id, job): (&u64, &Job)| match &job.state {
        State::Convicted {
            fault, convicted, ..
        } if *convicted == market.now => {
            let accusation = accusation_of(job.work(*fault));
            let source = Source::Faulty(*fault);
            let shown = Shown { source, ..GOOD };
            accusation.map(|accusation| prove(Pick::Id(*id), accusation, shown))
        }
        _ => None,
    };
    let copies: Vec<_> = market.jobs.iter().filter_map(copy).collect();
    (!copies.is_empty()).then(|| (8, select(copies).boxed()))
}

/// The same about any job, claimed or not.
pub(super) fn wild_challenges(market: &Market) -> impl Strategy<Value = Act> {
    let job = (0..=market.next_job).prop_map(Pick::Id);
    let id = 0..=periods::CHALLENGE;
    let (operation, index) = (0, 0);
    prop_oneof![
        job.clone().prop_map(Act::RefuseDelivery),
        job.clone()
            .prop_map(move |job| prove(job, Accusation::Element { operation, index }, GOOD)),
        job.clone()
            .prop_map(move |job| demand(job, Request::Element { operation, index })),
        (job, id).prop_map(|(job, id)| Act::Answer {
            job,
            demand: Which::Id(id, None),
            shown: GOOD,
        }),
    ]
}
