//! `mizan job list`.

use crate::audit::outcome_name;
use crate::context::Context;
use crate::failure::Failure;
use crate::job::state::since_block;
use crate::output::Output;
use crate::table::{table, Column};
use clap::Args;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::units::{format_amount, format_compute_units};
use mizan_client::views::{JobState, JobView};
use mizan_client::{AccountId, At, Client, Hash};
use serde_json::json;

/// Most jobs that the node gives at once.
const PAGE: u32 = 100;

/// List jobs: open ones, or those of an account.
///
/// Without an account those that wait for a worker, oldest first; with one those that
/// it posted or that its workers had, newest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Jobs that wait for a worker; this is what you get without any of these
    #[arg(long, group = "which")]
    open: bool,
    /// Jobs that this account posted
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, group = "which")]
    requester: Option<AccountId>,
    /// Jobs that workers of this provider had
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, group = "which")]
    provider: Option<AccountId>,
    /// Only open jobs with higher ids than this
    #[arg(long, value_name = "ID", conflicts_with_all = ["requester", "provider"])]
    after: Option<u64>,
    /// Only jobs of the account with lower ids than this
    #[arg(long, value_name = "ID", requires = "which", conflicts_with_all = ["open", "after"])]
    before: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
}

/// Jobs, and where the rest begins.
struct Page {
    jobs: Vec<JobView>,
    /// For `--after` or `--before`.
    next: Option<u64>,
}

impl List {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let (page, more) = match self.requester.or(self.provider) {
            None => (self.open_jobs(&client).await?, "--after"),
            Some(account) => (self.jobs_of(&client, account).await?, "--before"),
        };
        if let Some(next) = page.next {
            output.progress(&format!("there are more: {more} {next}"));
        }
        let object = json!({ "jobs": page.jobs, "next": page.next });
        output.result(&text(&page.jobs), &object)
    }

    async fn open_jobs(&self, client: &Client) -> Result<Page, Failure> {
        let at = pinned(client).await?;
        let (mut jobs, mut after) = (Vec::new(), self.after);
        let wanted = self.limit as usize;
        loop {
            let page = client.open_jobs(after, PAGE, at).await?;
            let last = page.last().map(|job| job.id);
            let whole = page.len() == PAGE as usize;
            jobs.extend(page);
            if jobs.len() > wanted || !whole {
                break;
            }
            after = last;
        }
        Ok(cut(jobs, wanted))
    }

    /// Goes through all jobs in which the account takes part, since it may play several parts.
    async fn jobs_of(&self, client: &Client, account: AccountId) -> Result<Page, Failure> {
        let at = pinned(client).await?;
        let (mut jobs, mut before) = (Vec::new(), self.before);
        let wanted = self.limit as usize;
        loop {
            let page = client.explain_account(&account, before, PAGE, at).await?;
            let mut ids: Vec<u64> = page.history.iter().filter_map(|note| note.job).collect();
            ids.dedup();
            for id in ids {
                // A record may be forgotten between two pages.
                let Some(job) = client.job(id, at).await? else {
                    continue;
                };
                let had = page.history.iter().any(|note| {
                    note.job == Some(id) && has_account(&note.details, "provider", &account)
                });
                if self.requester == Some(job.requester) || (self.provider.is_some() && had) {
                    jobs.push(job);
                }
            }
            before = page.next;
            if jobs.len() > wanted || before.is_none() {
                return Ok(cut(jobs, wanted));
            }
        }
    }
}

/// One block for all pages, so that no job shows twice or not at all.
async fn pinned(client: &Client) -> Result<At, Failure> {
    Ok(At::Hash(client.best().await?.1))
}

fn has_account(
    details: &serde_json::Map<String, serde_json::Value>,
    part: &str,
    account: &AccountId,
) -> bool {
    let named = details.get(part).and_then(|value| value.as_str());
    named == Some(format_address(account).as_str())
}

/// The first jobs, and the last of them if there are more.
fn cut(mut jobs: Vec<JobView>, wanted: usize) -> Page {
    let more = jobs.len() > wanted;
    jobs.truncate(wanted);
    let next = jobs.last().map(|job| job.id).filter(|_| more);
    Page { jobs, next }
}

fn text(jobs: &[JobView]) -> String {
    if jobs.is_empty() {
        return "no jobs".into();
    }
    let columns = [
        Column::Right("JOB"),
        Column::Left("STATE"),
        Column::Right("SINCE"),
        Column::Left("AUDIT"),
        Column::Left("MODEL"),
        Column::Right("BATCH"),
        Column::Right("SIZE"),
        Column::Right("OFFER PER CU"),
        Column::Left("WORKER"),
    ];
    let rows = jobs.iter().map(|job| {
        let since = since_block(&job.state).map(|block| block.to_string());
        let worker = job.state.assignment().map(|assignment| assignment.worker);
        [
            job.id.to_string(),
            job.state.to_string(),
            since.unwrap_or_default(),
            audited(&job.state).to_owned(),
            short(&job.model),
            job.batch.to_string(),
            format_compute_units(job.macs),
            format_amount(job.price_per_unit),
            worker.as_ref().map(format_address).unwrap_or_default(),
        ]
    });
    table(columns, rows.collect())
}

/// Whether a settled job was audited.
fn audited(state: &JobState) -> &'static str {
    match state {
        JobState::Settled { settlement, .. } => outcome_name(settlement.audit),
        _ => "",
    }
}

/// Enough of a hash to tell models apart; `--json` has all of it.
fn short(hash: &Hash) -> String {
    mizan_client::hex_hash(hash).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state::tests::{
        assignment, attestation, convicted_job, conviction, job, settled_job, settlement,
    };

    #[test]
    fn jobs_are_a_table_with_the_worker_that_has_them() {
        let attested = job(JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        });
        let settled = settled_job(settlement());
        let convicted = convicted_job(conviction());
        let jobs = [job(JobState::Open), attested, settled, convicted];
        insta::assert_snapshot!("job_list", text(&jobs));
        let object = serde_json::to_string_pretty(&json!({ "jobs": jobs })).unwrap();
        insta::assert_snapshot!("job_list_json", object);
        assert_eq!(text(&[]), "no jobs");
    }

    #[test]
    fn a_page_says_where_the_rest_begins_if_there_is_more() {
        let jobs = || vec![job(JobState::Open), job(JobState::Open)];
        assert_eq!(cut(jobs(), 2).next, None);
        let page = cut(jobs(), 1);
        assert_eq!((page.jobs.len(), page.next), (1, Some(7)));
    }
}
