//! `mizan era show`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{facts, table, Column};
use clap::Args;
use mizan_client::keys::format_address;
use mizan_client::units::{format_amount, format_compute_units};
use mizan_client::views::Contribution;
use mizan_client::{AccountId, At};
use serde_json::{json, Value};

/// Show who contributed what in an era.
///
/// With the blocks of the era, totals, and every provider and auditor, most compute units first.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The era; the current one if not given
    #[arg(value_name = "ERA")]
    era: Option<u32>,
}

/// An era and its entries, most units first.
struct Era {
    era: u32,
    first_block: u32,
    last_block: u32,
    best_block: u32,
    entries: Vec<(AccountId, Contribution)>,
}

impl Show {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let (best_block, hash) = client.best().await?;
        let at = At::Hash(hash);
        let length = client.timing(at).await?.era_blocks.max(1);
        let current = best_block / length;
        let era = self.era.unwrap_or(current);
        if era > current {
            let message = format!("era {era} has not begun: the current one is {current}");
            return Err(Failure::usage(message));
        }
        let mut entries = client.era_entries(era, usize::MAX, at).await?;
        sort(&mut entries);
        let first_block = era.saturating_mul(length);
        let era = Era {
            era,
            first_block,
            last_block: first_block.saturating_add(length - 1),
            best_block,
            entries,
        };
        output.result(&era.text(), &era.object())
    }
}

fn sort(entries: &mut [(AccountId, Contribution)]) {
    entries.sort_by(|(one, first), (other, second)| {
        let most = second.settled_macs.cmp(&first.settled_macs);
        most.then_with(|| one.0.cmp(&other.0))
    });
}

impl Era {
    fn totals(&self) -> Contribution {
        let entries = self.entries.iter().map(|(_, entry)| entry);
        entries.fold(Contribution::default(), |sum, entry| Contribution {
            settled_macs: sum.settled_macs.saturating_add(entry.settled_macs),
            directed_macs: sum.directed_macs.saturating_add(entry.directed_macs),
            jobs: sum.jobs.saturating_add(entry.jobs),
            burned: sum.burned.saturating_add(entry.burned),
            convictions: sum.convictions.saturating_add(entry.convictions),
            audits: sum.audits.saturating_add(entry.audits),
        })
    }

    fn is_over(&self) -> bool {
        self.best_block > self.last_block
    }

    fn text(&self) -> String {
        let totals = self.totals();
        let state = if self.is_over() {
            "over".into()
        } else {
            format!("now, at block {}", self.best_block)
        };
        let rows = [
            ("era", self.era.to_string()),
            (
                "blocks",
                format!("{} to {}", self.first_block, self.last_block),
            ),
            ("state", state),
            ("accounts", self.entries.len().to_string()),
            ("jobs", totals.jobs.to_string()),
            ("settled", format_compute_units(totals.settled_macs)),
            ("directed", format_compute_units(totals.directed_macs)),
            ("burned", format_amount(totals.burned)),
            ("convictions", totals.convictions.to_string()),
            ("audits", totals.audits.to_string()),
        ];
        if self.entries.is_empty() {
            return facts(&rows);
        }
        let columns = [
            Column::Left("ACCOUNT"),
            Column::Right("JOBS"),
            Column::Right("SETTLED"),
            Column::Right("DIRECTED"),
            Column::Right("BURNED"),
            Column::Right("CONVICTIONS"),
            Column::Right("AUDITS"),
        ];
        let entries = self.entries.iter().map(|(account, entry)| {
            [
                format_address(account),
                entry.jobs.to_string(),
                format_compute_units(entry.settled_macs),
                format_compute_units(entry.directed_macs),
                format_amount(entry.burned),
                entry.convictions.to_string(),
                entry.audits.to_string(),
            ]
        });
        format!("{}\n\n{}", facts(&rows), table(columns, entries.collect()))
    }

    fn object(&self) -> Value {
        let entries = self.entries.iter().map(|(account, contribution)| {
            json!({ "account": format_address(account), "contribution": contribution })
        });
        json!({
            "era": self.era,
            "first_block": self.first_block,
            "last_block": self.last_block,
            "over": self.is_over(),
            "entries": entries.collect::<Vec<_>>(),
            "totals": self.totals(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(settled_macs: u128, jobs: u64) -> Contribution {
        Contribution {
            settled_macs,
            directed_macs: 1_000,
            jobs,
            burned: 15_000_483_840,
            convictions: 0,
            audits: 0,
        }
    }

    fn era() -> Era {
        let mut entries = vec![
            (AccountId([1; 32]), entry(3_225_600, 1)),
            (AccountId([3; 32]), entry(12_500_000_000, 20)),
            (AccountId([2; 32]), entry(3_225_600, 2)),
        ];
        entries[0].1.convictions = 1;
        entries[2].1.audits = 4;
        sort(&mut entries);
        Era {
            era: 2,
            first_block: 200,
            last_block: 299,
            best_block: 251,
            entries,
        }
    }

    #[test]
    fn an_era_is_shown_with_its_blocks_totals_and_entries_most_first() {
        insta::assert_snapshot!("era_show", era().text());
        let object = serde_json::to_string_pretty(&era().object()).unwrap();
        insta::assert_snapshot!("era_show_json", object);
    }

    #[test]
    fn an_era_without_entries_has_no_table() {
        let era = Era {
            entries: vec![],
            best_block: 300,
            ..era()
        };
        assert!(era.text().ends_with("audits       0"), "{}", era.text());
        assert!(era.text().contains("state        over"));
    }
}
