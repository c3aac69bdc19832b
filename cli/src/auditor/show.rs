//! `mizan auditor show`.

use crate::auditor::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::audits::AuditorView;
use mizan_client::explanations::ContributionReport;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::units::format_amount;
use mizan_client::{AccountId, At};
use serde_json::{json, Value};

/// Show an auditor's bond, its jobs and how often it audited.
///
/// What of the bond is locked behind verdicts, the jobs for which it is at work or answers for a
/// pass, and its verdicts on jobs that settled, in this era and ever.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The auditor; the account of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
}

/// An auditor and what it did.
struct Report {
    auditor: AuditorView,
    jobs: Vec<u64>,
    contribution: ContributionReport,
}

impl Show {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let at = At::Hash(client.best().await?.1);
        let report = Report {
            auditor: find(&client, &account, at).await?,
            jobs: client.audits_of(&account, at).await?,
            contribution: client.contribution(&account, None, at).await?,
        };
        output.result(&report.text(), &report.object())
    }
}

impl Report {
    fn text(&self) -> String {
        let (auditor, contribution) = (&self.auditor, &self.contribution);
        let jobs = self.jobs.iter().map(u64::to_string).collect::<Vec<_>>();
        let jobs = if jobs.is_empty() {
            "none".to_owned()
        } else {
            jobs.join(", ")
        };
        let rows = [
            ("auditor", format_address(&auditor.account)),
            ("bond", format_amount(auditor.bond)),
            ("locked", format_amount(auditor.locked)),
            ("free bond", format_amount(auditor.free_bond())),
            ("verdicts it backs", auditor.locks.to_string()),
            ("jobs", jobs),
            ("era", contribution.era.to_string()),
            ("audits in the era", contribution.of_era.audits.to_string()),
            ("audits ever", contribution.lifetime.audits.to_string()),
        ];
        facts(&rows)
    }

    fn object(&self) -> Value {
        json!({
            "auditor": self.auditor,
            "jobs": self.jobs,
            "contribution": self.contribution,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::views::Contribution;

    #[test]
    fn an_auditor_is_shown_with_bond_jobs_and_audits() {
        let account = AccountId([5; 32]);
        let audits = |audits| Contribution {
            audits,
            ..Contribution::default()
        };
        let mut report = Report {
            auditor: AuditorView {
                account,
                bond: 50_000_000_000_000,
                locked: 1_500_000_000_000,
                locks: 2,
            },
            jobs: vec![7, 12],
            contribution: ContributionReport {
                account,
                current_era: 3,
                era: 3,
                of_era: audits(4),
                lifetime: audits(90),
            },
        };
        insta::assert_snapshot!("auditor_show", report.text());
        let object = serde_json::to_string_pretty(&report.object()).unwrap();
        insta::assert_snapshot!("auditor_show_json", object);
        report.jobs.clear();
        assert!(report.text().contains("\njobs               none\n"));
    }
}
