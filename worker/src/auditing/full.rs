//! Full audits: the whole job, executed again or checked by the worker's accumulators.

use super::{
    choosing::{full_form, FullForm, Machine},
    gathering::{Gathering, Source},
    holding::{hold, Held, Holding},
    sampled::Known,
    AuditError, Brief, DrawnSet, Fraud, Ruling, Subject,
};
use crate::budget::Reserved;
use mizan_client::Hash;
use mizan_engine::{
    audit::{self, AuditedJob, Tensors, WrongElement},
    CpuExecutor,
};
use mizan_tensor::{Accusation, Draw, Exhibits, Finding, Plan};
use std::{future::Future, io::Read, path::Path};

/// Where the system's own generator is read.
const SYSTEM_RANDOMNESS: &str = "/dev/urandom";

/// A worker's accumulators.
#[derive(Debug)]
pub struct Advice {
    /// A place for each operation.
    pub accumulators: Vec<Option<Vec<i32>>>,
    /// The memory that they take.
    pub memory: Option<Reserved>,
}

/// Gives a worker's accumulators. Nobody committed to them: bad ones convict nobody and cost only
/// time.
pub trait AdviceSource: Send + Sync {
    /// The accumulators of a job, as far as they can be had.
    fn advice(&self, subject: &Subject) -> impl Future<Output = Option<Advice>> + Send;
}

/// Without advice every full audit executes again.
#[derive(Clone, Copy, Debug)]
pub struct NoAdvice;

impl AdviceSource for NoAdvice {
    async fn advice(&self, _subject: &Subject) -> Option<Advice> {
        None
    }
}

impl<A: AdviceSource> AdviceSource for Option<A> {
    async fn advice(&self, subject: &Subject) -> Option<Advice> {
        self.as_ref()?.advice(subject).await
    }
}

/// What a check of a whole job came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it came to.
    pub ruling: Ruling,
    /// How it was checked; `None` if not all could be had. With advice, an operation for which that
    /// was missing or bad was executed again.
    pub form: Option<FullForm>,
}

impl From<Ruling> for Checked {
    fn from(ruling: Ruling) -> Self {
        Self { ruling, form: None }
    }
}

/// Checks a whole job, all of which is in memory meanwhile; see [`super::parts`] for one that is
/// too large for that.
pub async fn check<S: Source, A: AdviceSource>(
    brief: &Brief,
    source: &S,
    known: &mut Known,
    machine: &Machine,
    executor: &CpuExecutor,
    advice: &A,
) -> Result<Checked, AuditError> {
    let subject = &brief.subject;
    let gathering = Gathering::new(subject, source, &mut known.kept);
    let held = match hold(&gathering, |blob| gathering.whole(blob)).await? {
        Holding::Whole(held) => held,
        Holding::Not(ruling) => return Ok(ruling.into()),
    };
    let advice = match full_form(&subject.plan, subject.batch, machine) {
        FullForm::Advice => usable(subject, advice.advice(subject).await),
        FullForm::Execute => None,
    };
    let form = match advice {
        Some(_) => FullForm::Advice,
        None => FullForm::Execute,
    };
    let (brief, executor) = (brief.clone(), executor.clone());
    let ruled = tokio::task::spawn_blocking(move || held.rule(&brief, &executor, advice));
    Ok(Checked {
        ruling: ruled.await.map_err(|_| AuditError::CutOff)??,
        form: Some(form),
    })
}

/// Advice with which anything can be checked. Too many or too few accumulators are bad advice, too.
fn usable(subject: &Subject, advice: Option<Advice>) -> Option<Advice> {
    let operations = subject.plan.program().operations.len();
    advice.filter(|advice| {
        let Advice { accumulators, .. } = advice;
        accumulators.len() == operations && accumulators.iter().any(Option::is_some)
    })
}

fn slices(blobs: &[Vec<u8>]) -> Vec<&[u8]> {
    blobs.iter().map(Vec::as_slice).collect()
}

impl Held<Vec<u8>> {
    fn rule(
        &self,
        brief: &Brief,
        executor: &CpuExecutor,
        advice: Option<Advice>,
    ) -> Result<Ruling, AuditError> {
        let Subject { plan, batch, .. } = &brief.subject;
        let (parameters, inputs) = (slices(&self.parameters), slices(&self.inputs));
        let exhibits = Exhibits {
            plan,
            batch: *batch,
            parameters: &parameters,
            inputs: &inputs,
            trace: &self.trace,
            outputs: &slices(&self.outputs),
        };
        let job = AuditedJob {
            inputs: &inputs,
            batch: *batch,
            trace: &self.trace,
        };
        let tensors = Tensors {
            plan,
            parameters: &parameters,
            job,
        };
        if let Some(accusation) = fault(brief, &exhibits, &tensors, executor, advice)? {
            return proved(&brief.subject, &exhibits, accusation);
        }
        let earlier = brief.earlier.iter().filter(|pass| !pass.slashed);
        let mut earlier_is_false = false;
        for pass in earlier {
            earlier_is_false |= receipt(&tensors, &pass.set)? != pass.receipt;
        }
        Ok(Ruling::Pass {
            receipt: receipt(&tensors, &brief.own)?,
            earlier_is_false,
        })
    }
}

/// What is wrong, if anything.
fn fault(
    brief: &Brief,
    exhibits: &Exhibits<'_>,
    tensors: &Tensors<'_>,
    executor: &CpuExecutor,
    advice: Option<Advice>,
) -> Result<Option<Accusation>, AuditError> {
    // What the pass before should have seen goes first: it answers for that.
    let seen = Draw {
        items: Vec::new(),
        elements: brief.earlier_elements()?,
    };
    let wrong = audit::check_elements(exhibits.plan, exhibits.batch, tensors, &seen);
    let wrong = wrong.map_err(|_| AuditError::impossible("an element can't be computed"))?;
    if let Some(wrong) = wrong {
        return Ok(Some(of_element(&wrong)));
    }
    // Nothing of a right trace is given, so only outputs are compared.
    if let Some(accusation) = exhibits.first_fault(&[]) {
        return Ok(Some(accusation));
    }
    let wrong = first_wrong(exhibits.plan, tensors, executor, advice)?;
    Ok(wrong.as_ref().map(of_element))
}

pub(super) fn of_element(wrong: &WrongElement) -> Accusation {
    Accusation::Element {
        operation: wrong.operation,
        index: wrong.index,
    }
}

fn first_wrong(
    plan: &Plan,
    tensors: &Tensors<'_>,
    executor: &CpuExecutor,
    advice: Option<Advice>,
) -> Result<Option<WrongElement>, AuditError> {
    let (model, job) = (executor.load_lazily(plan, tensors.parameters), &tensors.job);
    Ok(match advice {
        None => audit::full(&model, job)?,
        Some(Advice { accumulators, .. }) => {
            let advice = accumulators.iter().map(Option::as_deref);
            let advice: Vec<Option<&[i32]>> = advice.collect();
            audit::full_with_advice(&model, job, &advice, &secret()?)?
        }
    })
}

/// The proof, if the chain's referee convicts by it.
fn proved(
    subject: &Subject,
    exhibits: &Exhibits<'_>,
    accusation: Accusation,
) -> Result<Ruling, AuditError> {
    let evidence = exhibits.evidence(&accusation);
    let evidence = evidence.ok_or_else(|| AuditError::impossible("nothing to open"))?;
    match subject.judge(&accusation, &evidence)? {
        Finding::Wrong => Ok(Ruling::Fraud(Fraud {
            accusation,
            evidence,
        })),
        Finding::Right => Err(AuditError::right_after_all(&accusation)),
    }
}

fn receipt(tensors: &Tensors<'_>, set: &DrawnSet) -> Result<Hash, AuditError> {
    let stream = tensors.receipt_stream(set.scope, &set.seed);
    let stream = stream.ok_or_else(AuditError::no_such_batch)?;
    Ok(audit::receipt(&stream, &set.seed))
}

/// Thirty-two bytes that nobody foresees.
fn secret() -> Result<Hash, AuditError> {
    let mut bytes = [0; 32];
    let path = Path::new(SYSTEM_RANDOMNESS);
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|source| AuditError::File {
        path: path.into(),
        source,
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
