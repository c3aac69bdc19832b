//! `mizan provider show`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::provider::find;
use crate::table::facts;
use clap::Args;
use mizan_client::explanations::ContributionReport;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::units::{format_amount, format_compute_units};
use mizan_client::views::ProviderView;
use mizan_client::{AccountId, At};
use serde_json::json;

/// Show a provider's bond and contribution.
///
/// What of the bond backs jobs, how many workers there are, what was contributed in this era and
/// ever, and how often a worker was convicted.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The provider; the account of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
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
        let provider = find(&client, &account, at).await?;
        let contribution = client.contribution(&account, None, at).await?;
        let object = json!({ "provider": provider, "contribution": contribution });
        output.result(&text(&provider, &contribution), &object)
    }
}

fn text(provider: &ProviderView, contribution: &ContributionReport) -> String {
    let (now, ever) = (&contribution.of_era, &contribution.lifetime);
    let rows = [
        ("provider", format_address(&provider.account)),
        ("bond", format_amount(provider.bond)),
        ("locked", format_amount(provider.locked)),
        ("free bond", format_amount(provider.free_bond())),
        ("jobs it backs", provider.locks.to_string()),
        ("workers", provider.workers.to_string()),
        ("era", contribution.era.to_string()),
        ("jobs in the era", now.jobs.to_string()),
        ("settled in the era", format_compute_units(now.settled_macs)),
        ("jobs ever", ever.jobs.to_string()),
        ("settled ever", format_compute_units(ever.settled_macs)),
        (
            "directed of these",
            format_compute_units(ever.directed_macs),
        ),
        ("convicted in the era", now.convictions.to_string()),
        ("convicted ever", ever.convictions.to_string()),
    ];
    facts(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::views::Contribution;

    #[test]
    fn a_provider_is_shown_with_bond_workers_and_contribution() {
        let account = AccountId([5; 32]);
        let provider = ProviderView {
            account,
            bond: 100_000_000_000_000,
            locked: 1_125_000_000_001,
            locks: 1,
            workers: 2,
        };
        let of_era = Contribution {
            settled_macs: 3_225_600,
            directed_macs: 0,
            jobs: 1,
            burned: 1,
            convictions: 0,
            audits: 0,
        };
        let report = ContributionReport {
            account,
            current_era: 3,
            era: 3,
            of_era,
            lifetime: Contribution {
                settled_macs: 2_003_225_600,
                jobs: 9,
                convictions: 2,
                ..of_era
            },
        };
        insta::assert_snapshot!("provider_show", text(&provider, &report));
        let object = json!({ "provider": provider, "contribution": report });
        let object = serde_json::to_string_pretty(&object).unwrap();
        insta::assert_snapshot!("provider_show_json", object);
    }
}
