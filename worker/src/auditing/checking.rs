//! Choosing how a result is checked, and checking it with the memory that there is.

use super::{
    advice::ServedAdvice,
    choosing::{full_bytes, sampled_form, FullForm},
    full::{self, Checked},
    gathering::Source,
    parts,
    sampled::{self, Known},
    work::{Progress, Standing, Task},
    AuditError, Auditor, Brief, Ruling,
};
use mizan_client::audits::OpenAuditView;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

impl Task {
    pub(super) async fn check(
        &self,
        standing: &Standing,
        open: &OpenAuditView,
        brief: &Brief,
        progress: &mut Progress,
    ) -> Result<Ruling, AuditError> {
        let left = self.time_until(open.verdict_by_time).await?;
        let known = &mut progress.known;
        match brief.is_full() {
            true => self.check_all(standing, brief, left, known).await,
            false => self.check_drawn(standing, brief, left, known).await,
        }
    }

    /// All of a job: in memory if there is enough of it, in parts otherwise.
    async fn check_all(
        &self,
        standing: &Standing,
        brief: &Brief,
        left: Duration,
        known: &mut Known,
    ) -> Result<Ruling, AuditError> {
        let Auditor {
            executor,
            machine,
            budget,
            ..
        } = &*self.auditor;
        let plan = &brief.subject.plan;
        let source = self.source(standing, left / 3);
        // The semaphores are never closed.
        let _place = self.places.full.acquire().await.ok();
        let whole = full_bytes(plan, brief.subject.batch);
        let checked = if whole > budget.total_bytes() {
            let bytes = parts::bytes_in_parts(plan, budget.total_bytes());
            let _memory = self.reserve(bytes).await?;
            parts::check(brief, &source, known, executor, bytes).await
        } else {
            let _memory = self.reserve(whole).await?;
            let advice = self.advice(standing, left);
            full::check(brief, &source, known, machine, executor, &advice).await
        };
        Ok(self.say_form(brief, checked?))
    }

    /// What was drawn of a job.
    async fn check_drawn(
        &self,
        standing: &Standing,
        brief: &Brief,
        left: Duration,
        known: &mut Known,
    ) -> Result<Ruling, AuditError> {
        let Auditor {
            executor, machine, ..
        } = &*self.auditor;
        let plan = &brief.subject.plan;
        let source = self.source(standing, left / 3);
        let _place = self.places.sampled.acquire().await.ok();
        let mut to_fetch = 0u64;
        for parameter in &plan.program().parameters {
            if !source.has(parameter.hash).await {
                to_fetch = to_fetch.saturating_add(parameter.tensor.bytes().unwrap_or_default());
            }
        }
        let memory = self.auditor.budget.total_bytes();
        let form = sampled_form(brief, to_fetch, machine, memory, left)?;
        let _memory = self.reserve(form.bytes).await?;
        sampled::check(brief, &source, known, &form, executor).await
    }

    /// What blob servers may give of the worker's accumulators, if they are taken.
    fn advice<'a>(&'a self, standing: &'a Standing, left: Duration) -> Option<ServedAdvice<'a>> {
        let auditor = &self.auditor;
        let passing = auditor.passing.as_ref()?;
        Some(ServedAdvice {
            supply: &auditor.supply,
            named: &standing.job.blob_servers,
            machine: &auditor.machine,
            budget: &auditor.budget,
            passing,
            verdict_by: Instant::now() + left,
        })
    }

    /// Says how a whole job was checked.
    fn say_form(&self, brief: &Brief, checked: Checked) -> Ruling {
        if let Some(form) = checked.form.map(FullForm::name) {
            info!(job = brief.subject.job, step = %"checked", %form, "audit");
            self.auditor.metrics.checked(form);
        }
        checked.ruling
    }
}
