//! `mizan job explain`.

use crate::context::Context;
use crate::explanation::{job_history, outlook_facts};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::explanations::JobExplanation;
use mizan_client::At;
use serde_json::json;

/// Say why a job is where it is, and what to do.
///
/// What it waits for now, and its whole history: in which block which rule fired, what that means,
/// and who can do what about it.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
}

impl Explain {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let explanation = client.explain_job(self.job, At::Best).await?;
        let explanation = explanation.ok_or_else(|| super::unknown(self.job))?;
        output.result(&text(&explanation), &json!(explanation))
    }
}

fn text(explanation: &JobExplanation) -> String {
    let mut rows = vec![
        ("job".to_owned(), explanation.job.to_string()),
        ("state".to_owned(), explanation.state.clone()),
        ("at block".to_owned(), explanation.at_block.to_string()),
    ];
    rows.extend(outlook_facts(&explanation.outlook));
    format!("{}\n\n{}", facts(&rows), job_history(&explanation.history))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explanation::tests::{notes, outlook};

    #[test]
    fn a_job_is_explained_by_what_it_waits_for_and_its_history() {
        let explanation = JobExplanation {
            job: 7,
            at_block: 21,
            state: "open".into(),
            outlook: outlook(),
            history: notes(),
        };
        insta::assert_snapshot!("job_explain", text(&explanation));
        let object = serde_json::to_string_pretty(&explanation).unwrap();
        insta::assert_snapshot!("job_explain_json", object);
    }
}
