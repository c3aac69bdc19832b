//! `mizan account transfer`.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{account_of, calls, keys, units, AccountId, At};
use serde_json::json;

/// Give tokens to an account.
///
/// Returns once the transfer is final.
#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// Who gets them
    #[arg(long, value_name = "ADDRESS", value_parser = keys::parse_address)]
    to: AccountId,
    /// How many
    #[arg(long, value_name = "MZN", value_parser = units::parse_amount)]
    amount: u128,
}

impl Transfer {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        let free = client.balance(&account_of(&key), At::Best).await?.free;
        if self.amount > free {
            let (amount, free) = (
                units::format_amount(self.amount),
                units::format_amount(free),
            );
            let message =
                format!("{amount} is more than the {free} that are free; nothing was sent");
            return Err(Failure::new(Kind::Refused, message));
        }
        let call = calls::transfer(self.to, self.amount);
        let included = sending::send(&client, &call, &key, output).await?;
        let to = keys::format_address(&self.to);
        let what = json!({
            "from": keys::format_address(&account_of(&key)),
            "to": to,
            "amount": self.amount.to_string(),
        });
        let object = sending::object(&included, what);
        let (amount, block) = (units::format_amount(self.amount), included.block_number);
        output.result(&format!("{to} got {amount} in block {block}"), &object)
    }
}
