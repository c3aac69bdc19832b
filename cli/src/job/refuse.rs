//! `mizan job refuse`.

use crate::context::Context;
use crate::failure::Failure;
use crate::job::state::sentence;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::{disputes, At};
use serde_json::json;

/// Say that a large result was not delivered to you.
///
/// Only the requester can say so, only while the result can be challenged and no demand is open,
/// and only if the outputs have more than 1 MiB: smaller ones can be had with `mizan job demand`.
/// The payment is burned: nobody is paid, nothing is given back but the deposit, and both accounts
/// have it on record. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Refuse {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
}

impl Refuse {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        // An unknown id is said without paying a fee for it.
        super::find(&client, self.job, At::Best).await?;
        let call = disputes::refuse_delivery(self.job);
        let included = sending::send(&client, &call, &key, output).await?;
        let job = super::find(&client, self.job, At::Hash(included.block_hash)).await?;
        let object = sending::object(&included, json!({ "job": self.job }));
        output.result(&sentence(&job), &object)
    }
}
