//! `mizan account balance`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::views::AccountBalance;
use mizan_client::{keys, units, AccountId, At};
use serde_json::json;

/// Show what an account has.
///
/// What is free, what is held and why, and all together.
#[derive(Debug, Args)]
pub(crate) struct Balance {
    /// The account; that of your key if not given
    #[arg(value_name = "ADDRESS", value_parser = keys::parse_address)]
    account: Option<AccountId>,
}

impl Balance {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let account = context.account_or_own(self.account)?;
        let client = context.client().await?;
        let balance = client.balance(&account, At::Best).await?;
        let address = keys::format_address(&account);
        let object = json!({ "account": address, "balance": balance });
        output.result(&text(&address, &balance), &object)
    }
}

fn text(address: &str, balance: &AccountBalance) -> String {
    let mut rows = vec![
        ("account".to_owned(), address.to_owned()),
        ("free".to_owned(), units::format_amount(balance.free)),
    ];
    for (reason, amount) in &balance.held {
        rows.push((format!("held for {reason}"), units::format_amount(*amount)));
    }
    rows.push(("in all".to_owned(), units::format_amount(balance.total)));
    facts(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_shown_with_every_hold() {
        let held = vec![("jobs.payment".to_owned(), 500_000_000_000)];
        let balance = AccountBalance {
            free: 1,
            held,
            total: 500_000_000_001,
        };
        let expected = "\
account                5Abc
free                   0.000000000001 MZN
held for jobs.payment  0.5 MZN
in all                 0.500000000001 MZN";
        assert_eq!(text("5Abc", &balance), expected);
    }
}
