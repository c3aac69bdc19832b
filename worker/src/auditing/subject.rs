//! What is audited, and how much of it.

use super::AuditError;
use mizan_client::{audits::AuditView, views::JobView, Hash};
use mizan_tensor::{
    Accusation, AuditScope, Blob, BlobRef, Claim, Draw, Finding, Plan, Program, Referee,
};
use std::{collections::BTreeSet, sync::Arc};

/// A claimed result of a job.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The job.
    pub job: u64,
    /// Its program.
    pub plan: Arc<Plan>,
    /// Its items.
    pub batch: u32,
    /// Hashes of its inputs.
    pub inputs: Vec<Hash>,
    /// Hashes of the outputs that were attested.
    pub outputs: Vec<Hash>,
    /// Hash of the trace that was attested.
    pub trace: Hash,
}

impl Subject {
    /// The result that is claimed of a job. `None` where none is claimed.
    pub fn new(job: &JobView, program: Program) -> Result<Option<Self>, AuditError> {
        let plan = Arc::new(Plan::new(program)?);
        Ok(job.state.attestation().map(|claim| Self {
            job: job.id,
            plan,
            batch: job.batch,
            inputs: job.inputs.clone(),
            outputs: claim.outputs.clone(),
            trace: claim.trace,
        }))
    }

    /// The referee about it, as the chain has one.
    pub fn referee(&self) -> Result<Referee<'_>, AuditError> {
        let claim = Claim {
            batch: self.batch,
            inputs: &self.inputs,
            outputs: &self.outputs,
            trace: &self.trace,
        };
        Ok(Referee::new(&self.plan, claim)?)
    }

    /// Hash and length of one of its blobs.
    pub fn blob(&self, blob: BlobRef) -> Result<Blob, AuditError> {
        Ok(self.referee()?.blob(blob)?)
    }

    /// What the chain will say of an accusation.
    pub fn judge(&self, accusation: &Accusation, evidence: &[u8]) -> Result<Finding, AuditError> {
        Ok(self.referee()?.judge(accusation, evidence)?)
    }

    /// Its inputs, in the program's order.
    pub fn inputs(&self) -> impl Iterator<Item = BlobRef> {
        (0u16..).take(self.inputs.len()).map(BlobRef::Input)
    }

    /// Its outputs, in the program's order, each with the operation that makes it.
    pub fn outputs(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        let outputs = self.plan.program().outputs.iter();
        (0u16..).zip(outputs.copied())
    }
}

/// What an auditor was drawn to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnSet {
    /// All of it, or what the seed says.
    pub scope: AuditScope,
    /// The seed.
    pub seed: Hash,
}

/// The verdict "pass" before, which a further auditor checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierPass {
    /// Its place among the passes of the job.
    pub place: u32,
    /// What its auditor looked at.
    pub set: DrawnSet,
    /// Its receipt.
    pub receipt: Hash,
    /// Whether its lock was taken already.
    pub slashed: bool,
}

/// What an auditor at work has to do.
#[derive(Clone, Debug)]
pub struct Brief {
    /// The result.
    pub subject: Subject,
    /// Its own draw.
    pub own: DrawnSet,
    /// The pass that it checks as well.
    pub earlier: Option<EarlierPass>,
}

impl Brief {
    /// The brief of whoever is at work; `None` if nobody is.
    pub fn new(subject: Subject, audit: &AuditView) -> Option<Self> {
        let open = audit.at_work()?;
        let places = (0u32..).zip(&audit.passes);
        Some(Self {
            subject,
            own: DrawnSet {
                scope: open.scope,
                seed: open.seed,
            },
            earlier: places.last().map(|(place, pass)| EarlierPass {
                place,
                set: DrawnSet {
                    scope: pass.scope,
                    seed: pass.seed,
                },
                receipt: pass.receipt,
                slashed: pass.slashed,
            }),
        })
    }

    /// All that is checked.
    pub fn sets(&self) -> impl Iterator<Item = &DrawnSet> {
        let earlier = self.earlier.iter().map(|pass| &pass.set);
        std::iter::once(&self.own).chain(earlier)
    }

    /// Whether the whole job is checked.
    pub fn is_full(&self) -> bool {
        self.sets().any(|set| set.scope == AuditScope::Full)
    }

    /// The drawn items of all sampled sets, ascending.
    pub fn items(&self) -> Result<Vec<u32>, AuditError> {
        let mut items = BTreeSet::new();
        for draw in self.draws() {
            items.extend(draw?.items);
        }
        Ok(items.into_iter().collect())
    }

    /// The drawn elements of all sampled sets, each once: first those that the pass before should
    /// have seen, so that it answers for what is found.
    pub fn elements(&self) -> Result<Vec<(u16, u64)>, AuditError> {
        let mut elements = self.earlier_elements()?;
        let known: BTreeSet<_> = elements.iter().copied().collect();
        for draw in self.draws() {
            let others = draw?.elements.into_iter();
            elements.extend(others.filter(|element| !known.contains(element)));
        }
        Ok(elements)
    }

    /// The drawn elements of the pass before, if it was sampled and still has a lock to lose.
    pub fn earlier_elements(&self) -> Result<Vec<(u16, u64)>, AuditError> {
        let sampled = |pass: &&EarlierPass| pass.set.scope == AuditScope::Sampled && !pass.slashed;
        match self.earlier.as_ref().filter(sampled) {
            Some(pass) => Ok(self.draw(&pass.set)?.elements),
            None => Ok(Vec::new()),
        }
    }

    fn draw(&self, set: &DrawnSet) -> Result<Draw, AuditError> {
        let draw = Draw::new(&self.subject.plan, self.subject.batch, &set.seed);
        draw.ok_or_else(AuditError::no_such_batch)
    }

    fn draws(&self) -> impl Iterator<Item = Result<Draw, AuditError>> + '_ {
        let sampled = self.sets().filter(|set| set.scope == AuditScope::Sampled);
        sampled.map(|set| self.draw(set))
    }
}
