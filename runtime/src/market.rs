//! Answers that need several pallets.

use crate::{AccountId, Contributions, Jobs, Providers, Runtime, RuntimeEvent, System};
use alloc::{collections::BTreeSet, vec::Vec};
use mizan_protocol::{
    explain::{
        AccountExplanation, AuditorReport, ContributionReport, ContributionSums, Note,
        WorkerReport, MAX_PAGE,
    },
    traits::Contributions as _,
    EraIndex, JobId,
};

/// A worker, its jobs and whether it gets more.
pub(crate) fn worker(account: AccountId) -> Option<WorkerReport<AccountId>> {
    let worker = pallet_providers::Workers::<Runtime>::get(&account)?;
    let mut jobs: Vec<_> = pallet_jobs::JobsOf::<Runtime>::iter_key_prefix(&account).collect();
    jobs.sort_unstable();
    Some(WorkerReport {
        provider: worker.provider,
        ask: worker.ask,
        slots: worker.slots,
        heard_block: worker.heard_block,
        misses: worker.misses,
        paused_until_block: worker.paused_until_block,
        jobs,
        outlook: Providers::worker_outlook(&account)?,
    })
}

/// A provider's part in the ledger.
pub(crate) fn contribution(provider: AccountId, era: Option<EraIndex>) -> ContributionReport {
    let current_era = Contributions::era();
    let era = era.unwrap_or(current_era);
    ContributionReport {
        current_era,
        era,
        of_era: sums(pallet_contributions::Eras::<Runtime>::get(era, &provider)),
        lifetime: sums(pallet_contributions::Lifetime::<Runtime>::get(&provider)),
    }
}

fn sums(of: pallet_contributions::Contribution) -> ContributionSums {
    ContributionSums {
        settled_macs: of.settled_macs,
        directed_macs: of.directed_macs,
        jobs: of.jobs,
        burned: of.burned,
        convictions: of.convictions,
        audits: of.audits,
    }
}

/// An account's part in the market.
pub(crate) fn explain_account(
    account: AccountId,
    before: Option<JobId>,
    limit: usize,
) -> AccountExplanation<AccountId> {
    let ids = Jobs::jobs_of_account(&account, before, limit);
    let next = ids.last().copied().filter(|_| ids.len() == limit);
    let jobs = ids
        .into_iter()
        .map(|id| (id, pallet_jobs::Histories::<Runtime>::get(id).into_inner()))
        .collect();
    AccountExplanation {
        units: pallet_jobs::UnitsOf::<Runtime>::get(&account),
        provider: Providers::provider_report(&account),
        auditor: auditor(&account),
        workers: Providers::worker_outlooks(&account, MAX_PAGE as usize),
        jobs,
        next,
    }
}

/// An auditor's bond.
fn auditor(account: &AccountId) -> Option<AuditorReport> {
    let auditor = pallet_disputes::Auditors::<Runtime>::get(account)?;
    Some(AuditorReport {
        bond: auditor.bond,
        locked: auditor.locked,
        locks: auditor.locks,
    })
}

/// What happened to jobs in this block.
pub(crate) fn job_notes() -> Vec<(JobId, Note<AccountId>)> {
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::new();
    for record in System::read_events_no_consensus() {
        let job = match record.event {
            RuntimeEvent::Jobs(event) => event.job(),
            RuntimeEvent::Disputes(event) => event.audited_job(),
            _ => None,
        };
        jobs.extend(job.filter(|job| seen.insert(*job)));
    }
    Jobs::notes_of_block(jobs)
}
