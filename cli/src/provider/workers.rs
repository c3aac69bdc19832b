//! `mizan provider workers`.

use crate::account::explain::Pages;
use crate::context::Context;
use crate::explanation::in_words;
use crate::failure::Failure;
use crate::output::Output;
use crate::provider::find;
use crate::table::{table, Column};
use clap::Args;
use mizan_client::explanations::WorkerReport;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::{AccountId, At};
use serde_json::json;

/// List a provider's workers, and why each gets jobs or gets none.
///
/// What they ask, what they do, and what to do about those that get no jobs.
#[derive(Debug, Args)]
pub(crate) struct Workers {
    /// The provider; the account of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
}

impl Workers {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let at = At::Hash(client.best().await?.1);
        find(&client, &account, at).await?;
        let listed = Pages::newest(1).read(&client, &account).await?.workers;
        let mut workers = Vec::new();
        for listed in listed {
            // Its owner may just have taken it off.
            let Some(report) = client.worker_report(&listed.worker, at).await? else {
                continue;
            };
            if report.provider == account {
                workers.push(report);
            }
        }
        let object = json!({ "provider": format_address(&account), "workers": workers });
        output.result(&text(&workers), &object)
    }
}

fn text(workers: &[WorkerReport]) -> String {
    if workers.is_empty() {
        return "no workers: `mizan provider register-worker` registers one".into();
    }
    let columns = [
        Column::Left("WORKER"),
        Column::Right("ASK PER CU"),
        Column::Right("SLOTS"),
        Column::Right("JOBS"),
        Column::Right("HEARD"),
        Column::Right("MISSES"),
        Column::Left("NOW"),
        Column::Folded("WHAT TO DO", 20),
    ];
    let rows = workers.iter().map(|worker| {
        let heard = worker.heard_block.map(|block| block.to_string());
        [
            format_address(&worker.account),
            in_words("ask", &worker.ask),
            worker.slots.to_string(),
            worker.open_jobs.to_string(),
            heard.unwrap_or_else(|| "never".into()),
            worker.misses.to_string(),
            worker.outlook.rule.clone(),
            worker.outlook.what_to_do.clone(),
        ]
    });
    table(columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(account: u8, heard_block: Option<u32>, rule: &str, what_to_do: &str) -> WorkerReport {
        let outlook = json!({
            "rule": rule,
            "meaning": "why",
            "what_to_do": what_to_do,
        });
        WorkerReport {
            account: AccountId([account; 32]),
            provider: AccountId([5; 32]),
            ask: "10000000000".into(),
            slots: 2,
            open_jobs: 1,
            heard_block,
            misses: 0,
            paused_until_block: 0,
            jobs: vec![7],
            outlook: serde_json::from_value(outlook).unwrap(),
        }
    }

    #[test]
    fn workers_are_a_table_with_what_to_do_for_each() {
        let start = "start the worker, and run its doctor if it runs already";
        let mend = "find the fault in hardware or software, then deregister the worker and \
                    register it again";
        let workers = [
            report(4, Some(18), "silent", start),
            report(6, None, "never_heard", start),
            report(7, Some(18), "convicted", mend),
        ];
        insta::assert_snapshot!("provider_workers", text(&workers));
        let object = serde_json::to_string_pretty(&json!({ "workers": workers })).unwrap();
        insta::assert_snapshot!("provider_workers_json", object);
        assert!(text(&[]).contains("register-worker"));
    }
}
