//! `mizan model show`.

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::Output;
use crate::table::facts;
use clap::Args;
use mizan_client::views::ModelView;
use mizan_client::{hex_hash, keys, parse_hash, units, At, Hash};
use serde_json::json;

/// Show a registered model.
///
/// Its owner, its size, and the bytes of an item.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The model's id
    #[arg(value_name = "ID", value_parser = model_id)]
    model: Hash,
}

/// Reads a model's id from the command line.
pub(crate) fn model_id(text: &str) -> Result<Hash, String> {
    parse_hash(text).ok_or_else(|| "a model's id is 0x and 64 hexadecimal digits".into())
}

/// What to say of a model that is not there.
pub(crate) fn unknown(model: Hash) -> Failure {
    let id = hex_hash(&model);
    Failure::new(
        Kind::Other,
        format!("no model {id} is registered on this chain"),
    )
}

impl Show {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let model = client.model(&self.model, At::Best).await?;
        let model = model.ok_or_else(|| unknown(self.model))?;
        output.result(&text(&model), &json!({ "model": model }))
    }
}

fn text(model: &ModelView) -> String {
    let cost = &model.cost;
    let rows = [
        ("model", hex_hash(&model.id)),
        ("owner", keys::format_address(&model.owner)),
        ("deposit", units::format_amount(model.deposit)),
        ("largest batch", model.max_batch.to_string()),
        (
            "inputs",
            format!("{}, {} bytes an item", model.inputs, cost.item_input_bytes),
        ),
        (
            "outputs",
            format!(
                "{}, {} bytes an item",
                model.outputs, cost.item_output_bytes
            ),
        ),
        ("parameters", format!("{} bytes", cost.parameter_bytes)),
        ("trace", format!("{} bytes an item", cost.item_trace_bytes)),
        (
            "size",
            format!(
                "{} an item",
                units::format_compute_units(cost.item_macs.into())
            ),
        ),
    ];
    facts(&rows)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use mizan_client::AccountId;
    use mizan_tensor::Cost;

    /// A model of 8,960 multiply-accumulates an item.
    pub(crate) fn model() -> ModelView {
        let cost = Cost {
            item_macs: 8_960,
            item_input_bytes: 64,
            ..Cost::default()
        };
        ModelView {
            id: [0x11; 32],
            owner: AccountId([1; 32]),
            deposit: 1_059_400_000_000,
            max_batch: 1_024,
            inputs: 1,
            outputs: 1,
            cost,
        }
    }

    #[test]
    fn a_model_is_shown_with_exact_sizes() {
        insta::assert_snapshot!("model_show", text(&model()));
        let object = serde_json::to_string_pretty(&json!({ "model": model() })).unwrap();
        insta::assert_snapshot!("model_show_json", object);
    }
}
