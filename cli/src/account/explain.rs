//! `mizan account explain`.

use crate::context::Context;
use crate::explanation::{history, units, with_details};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{facts, table, Column};
use clap::Args;
use mizan_client::explanations::{AccountExplanation, WorkerOutlook};
use mizan_client::keys::{format_address, parse_address};
use mizan_client::units::format_amount;
use mizan_client::{AccountId, At, Client};
use serde_json::json;

/// Most jobs that the node gives at once.
const PAGE: u32 = 100;

/// Say why an account was paid or not, and what to do.
///
/// What its workers claimed, what was accepted and rejected, its bonds, why each of its workers
/// gets jobs or gets none, and what happened to its jobs, newest jobs first.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The account; that of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
    #[command(flatten)]
    pages: Pages,
}

/// Which part of a long history.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Pages {
    /// Only jobs with lower ids than this
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    /// At most so many jobs
    #[arg(long, value_name = "JOBS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// All jobs, however many
    #[arg(long, conflicts_with_all = ["before", "limit"])]
    all: bool,
}

impl Pages {
    /// The newest jobs, as many as that.
    pub(crate) fn newest(limit: u32) -> Self {
        Self {
            before: None,
            limit,
            all: false,
        }
    }

    /// What the node says of an account, with the notes of those jobs.
    pub(crate) async fn read(
        self,
        client: &Client,
        account: &AccountId,
    ) -> Result<AccountExplanation, Failure> {
        // One block for all pages, so that they belong together.
        let at = At::Hash(client.best().await?.1);
        if !self.all {
            let page = client.explain_account(account, self.before, self.limit, at);
            return Ok(page.await?);
        }
        let mut whole = client.explain_account(account, None, PAGE, at).await?;
        while let Some(before) = whole.next {
            let page = client.explain_account(account, Some(before), PAGE, at);
            let page = page.await?;
            whole.history.extend(page.history);
            whole.next = page.next;
        }
        Ok(whole)
    }
}

impl Explain {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let explanation = self.pages.read(&client, &account).await?;
        write(&explanation, output)
    }
}

/// Writes it as a result, and says how to get older jobs.
pub(crate) fn write(
    explanation: &AccountExplanation,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if let Some(next) = explanation.next {
        output.progress(&format!("there are older jobs: --before {next}, or --all"));
    }
    output.result(&text(explanation), &json!(explanation))
}

/// Whether there is nothing to say.
pub(crate) fn is_stranger(explanation: &AccountExplanation) -> bool {
    explanation.units.is_none()
        && explanation.provider.is_none()
        && explanation.auditor.is_none()
        && explanation.workers.is_empty()
        && explanation.history.is_empty()
}

fn text(explanation: &AccountExplanation) -> String {
    let address = format_address(&explanation.account);
    if is_stranger(explanation) {
        return format!("{address} has no part in the market: no bond, no worker, no job");
    }
    let mut rows = vec![
        ("account".to_owned(), address),
        ("at block".to_owned(), explanation.at_block.to_string()),
    ];
    match (&explanation.units, &explanation.provider) {
        (Some(of_provider), _) => rows.extend(units(of_provider)),
        (None, Some(_)) => rows.push(("units".into(), "no job was claimed or rejected yet".into())),
        (None, None) => {}
    }
    if let Some(provider) = &explanation.provider {
        rows.push(("bond".into(), format_amount(provider.bond)));
        rows.push(("free bond".into(), format_amount(provider.free_bond())));
        rows.push(("jobs it backs".into(), provider.locks.to_string()));
    }
    if let Some(auditor) = &explanation.auditor {
        rows.push(("auditor's bond".into(), format_amount(auditor.bond)));
        rows.push(("free of it".into(), format_amount(auditor.free_bond())));
        rows.push(("verdicts it backs".into(), auditor.locks.to_string()));
    }
    let mut parts = vec![facts(&rows)];
    if !explanation.workers.is_empty() {
        parts.push(workers(&explanation.workers));
    }
    if !explanation.history.is_empty() {
        parts.push(history(&explanation.history));
    }
    parts.join("\n\n")
}

fn workers(workers: &[WorkerOutlook]) -> String {
    let columns = [
        Column::Left("WORKER"),
        Column::Left("NOW"),
        Column::Folded("MEANING", 26),
        Column::Folded("WHAT TO DO", 18),
    ];
    let rows = workers.iter().map(|worker| {
        let outlook = &worker.outlook;
        [
            format_address(&worker.worker),
            outlook.rule.clone(),
            with_details(&outlook.meaning, &outlook.details),
            outlook.what_to_do.clone(),
        ]
    });
    table(columns, rows.collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::explanation::tests::notes;
    use mizan_client::audits::AuditorView;
    use mizan_client::explanations::Units;
    use mizan_client::views::ProviderView;

    /// A provider with one worker that pauses after a decline.
    pub(crate) fn explanation() -> AccountExplanation {
        let account = AccountId([5; 32]);
        let outlook = json!({
            "rule": "paused",
            "meaning": "the worker pauses after declines or timeouts",
            "what_to_do": "see the history for the reasons, mend them, and wait for the block named",
            "until_block": 25, "misses": 1,
        });
        let mut history = notes();
        history.iter_mut().for_each(|note| note.job = Some(7));
        AccountExplanation {
            account,
            at_block: 21,
            units: Some(Units {
                claimed_macs: "3225600".into(),
                accepted_macs: "3225600".into(),
                rejected_macs: "8960".into(),
                pending_macs: "0".into(),
            }),
            provider: Some(ProviderView {
                account,
                bond: 100_000_000_000_000,
                locked: 1_125_000_000_000,
                locks: 1,
                workers: 1,
            }),
            auditor: Some(AuditorView {
                account,
                bond: 50_000_000_000_000,
                locked: 750_000_000_000,
                locks: 1,
            }),
            workers: vec![WorkerOutlook {
                worker: AccountId([4; 32]),
                outlook: serde_json::from_value(outlook).unwrap(),
            }],
            history,
            next: Some(6),
        }
    }

    #[test]
    fn an_account_is_explained_by_units_bonds_workers_and_history() {
        insta::assert_snapshot!("account_explain", text(&explanation()));
        let object = serde_json::to_string_pretty(&explanation()).unwrap();
        insta::assert_snapshot!("account_explain_json", object);
    }

    #[test]
    fn a_provider_without_work_is_told_that_nothing_was_claimed() {
        let idle = AccountExplanation {
            units: None,
            ..explanation()
        };
        assert!(text(&idle).contains("\nunits              no job was claimed or rejected yet\n"));
    }

    #[test]
    fn an_account_without_a_part_in_the_market_is_told_so() {
        let stranger = AccountExplanation {
            units: None,
            provider: None,
            auditor: None,
            workers: vec![],
            history: vec![],
            next: None,
            ..explanation()
        };
        assert!(is_stranger(&stranger));
        assert!(text(&stranger).ends_with("has no part in the market: no bond, no worker, no job"));
        assert!(!is_stranger(&explanation()));
    }
}
