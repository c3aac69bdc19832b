//! `mizan model cost`.

use crate::context::Context;
use crate::explanation::in_words;
use crate::failure::Failure;
use crate::model::show::{model_id, unknown};
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::explanations::ModelCost;
use mizan_client::{At, Hash};
use serde_json::json;

/// Show what a job of a model costs.
///
/// Its size, its bytes, and the least payment, lock, deposit
/// and duration that the chain takes.
#[derive(Debug, Args)]
pub(crate) struct Cost {
    /// The model's id
    #[arg(value_name = "ID", value_parser = model_id)]
    model: Hash,
    /// Number of items
    #[arg(long, value_name = "N")]
    batch: u32,
}

impl Cost {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let cost = client.model_cost(&self.model, self.batch, At::Best).await?;
        let cost = cost.ok_or_else(|| unknown(self.model))?;
        output.result(&text(&cost), &json!({ "cost": cost }))
    }
}

fn text(cost: &ModelCost) -> String {
    let bytes = |count: &String| format!("{count} bytes");
    let rows = [
        ("model", cost.model.clone()),
        (
            "batch",
            format!("{} of at most {}", cost.batch, cost.max_batch),
        ),
        ("size", in_words("macs", &cost.macs)),
        ("inputs", bytes(&cost.input_bytes)),
        ("outputs", bytes(&cost.output_bytes)),
        ("trace", bytes(&cost.trace_bytes)),
        ("parameters", bytes(&cost.parameter_bytes)),
        ("largest opening", bytes(&cost.opening_bytes)),
        ("least payment", in_words("payment", &cost.min_payment)),
        ("lock behind it", in_words("lock", &cost.min_lock)),
        ("deposit", in_words("deposit", &cost.deposit)),
        (
            "least duration",
            format!("{} blocks", cost.min_duration_blocks),
        ),
    ];
    facts(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_cost_is_shown_in_units_bytes_and_tokens() {
        let cost = ModelCost {
            model: format!("0x{}", "11".repeat(32)),
            batch: 360,
            max_batch: 1_024,
            macs: "3225600".into(),
            input_bytes: "23040".into(),
            output_bytes: "3600".into(),
            trace_bytes: "118800".into(),
            parameter_bytes: "9408".into(),
            opening_bytes: "4096".into(),
            min_payment: "100003225600".into(),
            min_lock: "1125036288000".into(),
            deposit: "110000000000".into(),
            min_duration_blocks: 41,
        };
        insta::assert_snapshot!("model_cost", text(&cost));
        let object = serde_json::to_string_pretty(&json!({ "cost": cost })).unwrap();
        insta::assert_snapshot!("model_cost_json", object);
    }
}
