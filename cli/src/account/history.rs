//! `mizan account history`.

use crate::account::explain::Pages;
use crate::context::Context;
use crate::explanation::in_one_line;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{table, Column};
use clap::Args;
use futures::{stream, StreamExt};
use mizan_client::explanations::Note;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::runtime::balances::events::Transfer;
use mizan_client::units::format_amount;
use mizan_client::{AccountId, At, Client, ClientError};
use serde_json::{json, Value};

/// Blocks that are read at the same time.
const AT_ONCE: usize = 8;

/// List what happened to an account: its jobs and its transfers.
///
/// Newest first: its newest jobs, and the transfers of the last
/// blocks. A node keeps the events of the last 256 blocks or so, an archive node all.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The account; that of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    account: Option<AccountId>,
    /// How many blocks to look through for transfers
    #[arg(long, value_name = "N", default_value_t = 256)]
    blocks: u32,
    /// At most so many jobs
    #[arg(long, value_name = "JOBS", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Tokens that went from one account to another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moved {
    block: u32,
    from: AccountId,
    to: AccountId,
    amount: u128,
}

/// What happened to an account.
struct Account {
    account: AccountId,
    notes: Vec<Note>,
    transfers: Vec<Moved>,
    /// First block that was looked through for transfers, and the last.
    blocks: (u32, u32),
}

impl History {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let notes = Pages::newest(self.limit).read(&client, &account).await?;
        let newest = client.best_number().await?;
        let oldest = newest.saturating_sub(self.blocks.saturating_sub(1)).max(1);
        let (transfers, first) = transfers(&client, &account, oldest, newest).await?;
        if first > oldest {
            output.progress(&format!(
                "the node has no events of blocks before {first}: ask an archive node"
            ));
        }
        let account = Account {
            account,
            notes: notes.history,
            transfers,
            blocks: (first, newest),
        };
        output.result(&account.text(), &account.object())
    }
}

/// The transfers of a range of blocks, newest first, as far back as the node has them; and the
/// first block that it has.
async fn transfers(
    client: &Client,
    account: &AccountId,
    oldest: u32,
    newest: u32,
) -> Result<(Vec<Moved>, u32), Failure> {
    let numbers = stream::iter((oldest..=newest).rev());
    let mut blocks = numbers
        .map(|number| async move { (number, of_block(client, number).await) })
        .buffered(AT_ONCE);
    let (mut found, mut first) = (Vec::new(), newest);
    while let Some((number, moved)) = blocks.next().await {
        let Some(moved) = moved? else {
            break;
        };
        let of_account = moved
            .into_iter()
            .filter(|moved| moved.from == *account || moved.to == *account);
        found.extend(of_account);
        first = number;
    }
    Ok((found, first))
}

/// The transfers of a block, newest first; `None` if the node has forgotten its events.
async fn of_block(client: &Client, block: u32) -> Result<Option<Vec<Moved>>, Failure> {
    let Some(hash) = client.block_hash(block).await? else {
        return Ok(Some(Vec::new()));
    };
    let at_block = match client.at(At::Hash(hash)).await {
        Err(error) if is_forgotten(&error.to_string()) => return Ok(None),
        Err(ClientError::BlockUnknown(_)) => return Ok(None),
        at_block => at_block?,
    };
    let events = match at_block.events().fetch().await {
        Err(error) if is_forgotten(&error.to_string()) => return Ok(None),
        events => events.map_err(|error| unreadable(block, &error.to_string()))?,
    };
    let mut moved = Vec::new();
    for event in events.find::<Transfer>() {
        let event = event.map_err(|error| unreadable(block, &error.to_string()))?;
        moved.push(Moved {
            block,
            from: event.from,
            to: event.to,
            amount: event.amount,
        });
    }
    moved.reverse();
    Ok(Some(moved))
}

/// Whether a node says that it no longer has a block's state.
fn is_forgotten(message: &str) -> bool {
    message.contains("State already discarded") || message.contains("UnknownBlock")
}

fn unreadable(block: u32, reason: &str) -> Failure {
    ClientError::Unexpected(format!("the events of block {block}: {reason}")).into()
}

impl Account {
    fn text(&self) -> String {
        let (first, last) = self.blocks;
        let end = format!("transfers of blocks {first} to {last}");
        let mut rows: Vec<(u32, [String; 4])> = Vec::new();
        rows.extend(self.notes.iter().map(|note| (note.block, of_note(note))));
        let transfers = self.transfers.iter();
        rows.extend(transfers.map(|moved| (moved.block, self.of_transfer(moved))));
        if rows.is_empty() {
            return format!("nothing happened; {end}");
        }
        // Stable: what happened to a job in one block stays in order.
        rows.sort_by_key(|(block, _)| std::cmp::Reverse(*block));
        let columns = [
            Column::Right("BLOCK"),
            Column::Right("JOB"),
            Column::Left("WHAT"),
            Column::Folded("DETAILS", 58),
        ];
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        format!("{}\n\n{end}", table(columns, rows))
    }

    fn is_sender(&self, moved: &Moved) -> bool {
        moved.from == self.account
    }

    fn of_transfer(&self, moved: &Moved) -> [String; 4] {
        let amount = format_amount(moved.amount);
        let (what, details) = if self.is_sender(moved) {
            ("sent", format!("{amount} to {}", format_address(&moved.to)))
        } else {
            let from = format_address(&moved.from);
            ("received", format!("{amount} from {from}"))
        };
        [moved.block.to_string(), String::new(), what.into(), details]
    }

    fn object(&self) -> Value {
        let transfers = self.transfers.iter().map(|moved| {
            json!({
                "block": moved.block,
                "from": format_address(&moved.from),
                "to": format_address(&moved.to),
                "amount": moved.amount.to_string(),
            })
        });
        json!({
            "account": format_address(&self.account),
            "jobs": self.notes,
            "transfers": transfers.collect::<Vec<_>>(),
            "first_block": self.blocks.0,
            "last_block": self.blocks.1,
        })
    }
}

fn of_note(note: &Note) -> [String; 4] {
    let job = note.job.map(|job| job.to_string()).unwrap_or_default();
    let details = in_one_line(&note.details);
    [note.block.to_string(), job, note.rule.clone(), details]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::tests::notes;

    fn account() -> Account {
        let (own, other) = (AccountId([5; 32]), AccountId([6; 32]));
        let moved = |block, from, to| Moved {
            block,
            from,
            to,
            amount: 1_500_000_000_000,
        };
        let mut notes = notes();
        notes.iter_mut().for_each(|note| note.job = Some(7));
        Account {
            account: own,
            notes,
            transfers: vec![moved(20, own, other), moved(2, other, own)],
            blocks: (1, 21),
        }
    }

    #[test]
    fn jobs_and_transfers_are_listed_together_newest_first() {
        insta::assert_snapshot!("account_history_table", account().text());
        let object = serde_json::to_string_pretty(&account().object()).unwrap();
        insta::assert_snapshot!("account_history_json", object);
    }

    #[test]
    fn an_account_to_which_nothing_happened_is_told_how_far_was_looked() {
        let account = Account {
            notes: vec![],
            transfers: vec![],
            ..account()
        };
        assert_eq!(
            account.text(),
            "nothing happened; transfers of blocks 1 to 21"
        );
    }

    #[test]
    fn a_node_that_pruned_a_block_is_told_from_other_errors() {
        assert!(is_forgotten(
            "UnknownBlock: State already discarded for 0x12"
        ));
        assert!(!is_forgotten("connection closed"));
    }
}
