//! `mizan job audit`.

use crate::audit::how_much;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::audits::{self, scope_name, AuditScope};
use mizan_client::units::format_amount;
use mizan_client::At;
use serde_json::json;

/// Order an audit of your job.
///
/// Only the requester can, once for a job, and only while its result can be challenged. An auditor
/// is drawn for certain, and the job does not settle before the verdict. An audit of a sample costs
/// 5 % of the payment, one of the whole job 20 %; that goes to the auditor if it finds nothing
/// wrong, and otherwise comes back. Returns once the order is final.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    /// Every number of the job, not a sample
    #[arg(long)]
    full: bool,
}

impl Audit {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        // An unknown id is said without paying a fee for it.
        super::find(&client, self.job, At::Best).await?;
        let scope = if self.full {
            AuditScope::Full
        } else {
            AuditScope::Sampled
        };
        let call = audits::order_audit(self.job, scope);
        let included = sending::send(&client, &call, &key, output).await?;
        let order = included.ordered_audit();
        let price = order.map(|order| order.price);
        let object = json!({
            "job": self.job,
            "scope": scope_name(scope),
            "price": price.map(|price| price.to_string()),
        });
        let text = text(self.job, scope, price);
        output.result(&text, &sending::object(&included, object))
    }
}

fn text(job: u64, scope: AuditScope, price: Option<u128>) -> String {
    let price = price.map_or(String::new(), |price| {
        format!(" for {}", format_amount(price))
    });
    let how_much = how_much(scope);
    format!(
        "an audit of {how_much} of job {job} is ordered{price}; `mizan job watch {job}` follows it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_said_with_what_is_checked_and_its_price() {
        let said = text(7, AuditScope::Full, Some(20_000_645_120));
        assert_eq!(
            said,
            "an audit of all of job 7 is ordered for 0.02000064512 MZN; `mizan job watch 7` \
             follows it"
        );
        let said = text(7, AuditScope::Sampled, None);
        assert!(said.starts_with("an audit of a sample of job 7 is ordered;"));
    }
}
