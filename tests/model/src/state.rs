//! What a state of the model holds.

use crate::money::Ledger;

/// Blocks with room in which a result can be disputed.
pub const CHALLENGE: u8 = 4;
/// Blocks with room in which a demand must be answered.
pub const ANSWER: u8 = 4;
/// Blocks with room in which a drawn auditor must give a verdict.
pub const AUDIT: u8 = 2;
/// Blocks with room after an answer in which the job does not settle: a quarter of [`CHALLENGE`].
pub const QUARTER: u8 = CHALLENGE / 4;
/// Misses of auditors after which a job settles unaudited.
pub const MISSES: u8 = 3;
/// Demands that a full checker needs when the trace is not public: one for nodes of the hash
/// tree, which lead it to the first wrong chunk, and one for that chunk.
pub const ROUNDS: u8 = 2;

/// Blocks without room that may follow one another.
pub const STUFFED_IN_A_ROW: u8 = 3;

/// A clock that is set by something in the open block. That block does not count toward the
/// period, so its end takes one tick more.
pub const fn fresh(period: u8) -> u8 {
    period + 1
}

/// What the worker is like. None of them is forced to publish its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Worker {
    /// Its result is right and it answers every demand in time.
    Honest,
    /// Its result is right; it answers when it likes.
    Vanishing,
    /// Its result is wrong; it answers when it likes, and then with what it committed to.
    Lying,
}

impl Worker {
    /// Whether an element of the result can be proved wrong.
    pub fn is_wrong(self) -> bool {
        self == Self::Lying
    }
}

/// What is given from the start and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scene {
    /// Who attested.
    pub worker: Worker,
    /// Whether an honest full checker re-executes the job.
    pub checker_live: bool,
    /// Whether everyone has the bytes that a proof needs; otherwise they must be demanded.
    pub trace_public: bool,
    /// Whether the job was drawn for an audit.
    pub audited: bool,
    /// Whether auditors may pass without looking, and receipts are demanded.
    pub receipts: bool,
    /// Blocks with room within which the checker acts on an answer. The protocol grants
    /// [`QUARTER`].
    pub reaction: u8,
}

/// Who can dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// The honest full checker.
    Checker,
    /// Anyone with bad intent, the worker's friends and the worker itself included.
    Adversary,
    /// The auditor that is drawn at that time.
    Auditor,
}

/// Why a job was convicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conviction {
    /// A valid fraud proof of this party.
    Proof(Party),
    /// A demand of this party was not answered.
    Silence(Party),
    /// An auditor's word. Only a flawed protocol convicts for it.
    Word,
}

/// The chain's record of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// The result can be disputed.
    Attested,
    /// The provider was paid.
    Settled,
    /// The requester was refunded.
    Convicted(Conviction),
}

/// An open demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Demand {
    /// Who demands.
    pub by: Party,
    /// The chain's clock: convicted when it reaches zero.
    pub left: u8,
    /// Ends of blocks with room by which an honest worker has answered.
    pub patience: u8,
    /// What is held for it.
    pub deposit: i32,
}

/// What the full checker is about. `patience` counts the ends of blocks with room by which its
/// next transaction is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FullChecker {
    /// Absent, or it has nothing to dispute, or it is done.
    Quiet,
    /// It knows that the result is wrong and needs data.
    Looking {
        /// Demands that it still needs, at least one.
        rounds: u8,
        /// See [`FullChecker`].
        patience: u8,
    },
    /// Its demand is open.
    Waiting {
        /// Demands that it still needs, the open one included.
        rounds: u8,
    },
    /// It has a fraud proof.
    Ready {
        /// See [`FullChecker`].
        patience: u8,
    },
}

/// A drawn auditor without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Auditor {
    /// An honest auditor gives a true verdict in time; any other does what it likes.
    pub honest: bool,
    /// Whether an element of its drawn set is wrong.
    pub hits: bool,
    /// The chain's clock: a miss when it reaches zero. It rests while the auditor's demand is
    /// open.
    pub left: u8,
    /// Ends of blocks with room by which an honest auditor has given its verdict.
    pub patience: u8,
    /// Whether its demand is open.
    pub waits: bool,
    /// Whether a demand of its was answered, so that it may give up without penalty.
    pub answered: bool,
}

/// A verdict "pass" that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pass {
    /// Whether an element of the auditor's drawn set is wrong.
    pub hits: bool,
    /// Whether an honest auditor gave it. Told apart only where receipts are demanded.
    pub honest: bool,
    /// Whether it was given without looking, so that nobody can open its receipt.
    pub blind: bool,
    /// The demand that its receipt be opened.
    pub demand: Option<ReceiptDemand>,
}

/// An open demand for a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReceiptDemand {
    /// Who demands.
    pub by: Party,
    /// The chain's clock: the pass stops counting when it reaches zero.
    pub left: u8,
    /// Ends of blocks with room by which an honest auditor has opened its receipt.
    pub patience: u8,
}

/// What became of honest auditors whose drawn set holds a wrong element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HonestHit {
    /// None was drawn.
    #[default]
    None,
    /// One was drawn, and goes on until it has a proof.
    Drawn,
    /// It gave up for want of data, although its demands were answered.
    GaveUp,
}

/// Where the audit of the job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audit {
    /// The beacon has to draw an auditor.
    Due,
    /// The beacon has to say whether a pass is followed by a further auditor.
    Passed,
    /// An auditor is at work.
    Open(Auditor),
    /// Nothing to wait for.
    In,
}

/// What happened and has consequences for money, or is asked for by a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Deposits of answered demands, in the order of [`Party`].
    pub answered: [i32; 3],
    /// Proofs that proved nothing, in the order of [`Party`].
    pub refused: [i32; 3],
    /// Deposits for receipts that were opened, in the order of [`Party`].
    pub opened: [i32; 3],
    /// Auditors that gave no verdict in time.
    pub silent: u8,
    /// Auditors that gave up after an answer.
    pub gave_up: u8,
    /// Passes that stopped counting because their receipt was not opened.
    pub unopened: u8,
    /// See [`HonestHit`].
    pub honest_hit: HonestHit,
    /// Whether an honest auditor ever lost money.
    pub honest_auditor_lost: bool,
    /// How often the job was settled or convicted.
    pub closings: u8,
}

/// What the adversary may still do. These are the bounds of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Blocks without room.
    pub stuffed: u8,
    /// The same, before a block with room must come.
    pub stuffed_in_a_row: u8,
    /// Demands for no reason.
    pub spam: u8,
    /// Verdicts "withheld", by all auditors of the job.
    pub withheld: u8,
    /// Proofs that prove nothing, by the adversary and by auditors.
    pub false_proofs: u8,
    /// The adversary's demands for receipts.
    pub receipts: u8,
}

/// A state: the chain, what the parties know, and how long the honest ones can be held up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// See [`Scene`].
    pub scene: Scene,
    /// Blocks since the attestation's.
    pub height: u8,
    /// Steps inside the open block. With `height` it makes every step lead to a new state, so
    /// that no run can go in circles.
    pub step: u8,
    /// See [`Job`].
    pub job: Job,
    /// The last block ended: a block after the one that closed the job, or that block itself.
    pub over: bool,
    /// What is left of the challenge period.
    pub challenge_left: u8,
    /// What is left of the delay after an answer.
    pub hold_left: u8,
    /// Open demands, sorted.
    pub demands: Vec<Demand>,
    /// See [`Audit`].
    pub audit: Audit,
    /// Verdicts "pass" that count, oldest first.
    pub passes: Vec<Pass>,
    /// See [`FullChecker`].
    pub checker: FullChecker,
    /// What is left of the adversary's bounds.
    pub budget: Bounds,
    /// See [`Record`].
    pub record: Record,
    /// See [`Ledger`].
    pub ledger: Ledger,
}

impl State {
    /// The attestation was just included: all clocks start.
    pub fn attested(scene: Scene, budget: Bounds) -> Self {
        let patience = fresh(CHALLENGE);
        let checker = match (
            scene.worker.is_wrong() && scene.checker_live,
            scene.trace_public,
        ) {
            (false, _) => FullChecker::Quiet,
            (true, true) => FullChecker::Ready { patience },
            (true, false) => FullChecker::Looking {
                rounds: ROUNDS,
                patience,
            },
        };
        Self {
            scene,
            height: 0,
            step: 0,
            job: Job::Attested,
            over: false,
            challenge_left: fresh(CHALLENGE),
            hold_left: 0,
            demands: Vec::new(),
            audit: if scene.audited { Audit::Due } else { Audit::In },
            passes: Vec::new(),
            checker,
            budget,
            record: Record::default(),
            ledger: Ledger::attested(),
        }
    }

    /// Whether the result can be disputed.
    pub fn is_open(&self) -> bool {
        self.job == Job::Attested
    }

    /// Whether the requester's money went to the provider.
    pub fn is_paid(&self) -> bool {
        self.job == Job::Settled
    }

    /// Auditors without a verdict, or whose verdict does not count.
    pub fn misses(&self) -> u8 {
        self.record.silent + self.record.gave_up + self.record.unopened
    }

    /// Whether three auditors were drawn for nothing.
    pub fn is_unaudited(&self) -> bool {
        self.misses() >= MISSES
    }

    /// Whether a pass counts that was given for a set with a wrong element.
    pub fn is_passed_wrongly(&self) -> bool {
        self.passes.iter().any(|pass| pass.hits)
    }

    /// The auditor at work.
    pub fn auditor(&self) -> Option<Auditor> {
        match self.audit {
            Audit::Open(auditor) => Some(auditor),
            _ => None,
        }
    }
}
