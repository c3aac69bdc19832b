//! `mizan job cancel`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::sending;
use clap::Args;
use mizan_client::calls;
use serde_json::json;

/// Take back a job that no worker has.
///
/// Payment and deposit are given back. Returns once this is final.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
}

impl Cancel {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = context.key()?;
        let client = context.client().await?;
        // An unknown id is said without paying a fee for it.
        super::find(&client, self.job, mizan_client::At::Best).await?;
        let included = sending::send(&client, &calls::cancel_job(self.job), &key, output).await?;
        let block = included.block_number;
        let object = sending::object(&included, json!({ "job": self.job }));
        output.result(
            &format!("job {} is cancelled in block {block}", self.job),
            &object,
        )
    }
}
