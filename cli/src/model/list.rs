//! `mizan model list`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{table, Column};
use clap::Args;
use mizan_client::keys::{format_address, parse_address};
use mizan_client::units::format_compute_units;
use mizan_client::views::ModelView;
use mizan_client::{hex_hash, AccountId, At};
use serde_json::json;

/// List registered models.
///
/// In the order of their ids.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that this account registered
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    owner: Option<AccountId>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

impl List {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        // All are read, since the chain keeps them in no order.
        let models = client.models(usize::MAX, At::Best).await?;
        let (models, left_out) = self.choose(models);
        if left_out > 0 {
            output.progress(&format!("{left_out} more are left out: raise --limit"));
        }
        let object = json!({ "models": models, "left_out": left_out });
        output.result(&text(&models), &object)
    }

    /// Those that were asked for, and how many others there are.
    fn choose(&self, mut models: Vec<ModelView>) -> (Vec<ModelView>, usize) {
        models.retain(|model| self.owner.is_none_or(|owner| model.owner == owner));
        models.sort_by_key(|model| model.id);
        let left_out = models.len().saturating_sub(self.limit);
        models.truncate(self.limit);
        (models, left_out)
    }
}

fn text(models: &[ModelView]) -> String {
    if models.is_empty() {
        return "no models".into();
    }
    let columns = [
        Column::Left("MODEL"),
        Column::Right("SIZE OF AN ITEM"),
        Column::Right("LARGEST BATCH"),
        Column::Right("PARAMETERS"),
        Column::Left("OWNER"),
    ];
    let rows = models.iter().map(|model| {
        [
            hex_hash(&model.id),
            format_compute_units(model.cost.item_macs.into()),
            model.max_batch.to_string(),
            format!("{} bytes", model.cost.parameter_bytes),
            format_address(&model.owner),
        ]
    });
    table(columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::show::tests::model;

    fn models() -> Vec<ModelView> {
        let other = ModelView {
            id: [0x0f; 32],
            owner: AccountId([2; 32]),
            ..model()
        };
        vec![model(), other]
    }

    fn list(owner: Option<AccountId>, limit: usize) -> (Vec<ModelView>, usize) {
        List { owner, limit }.choose(models())
    }

    #[test]
    fn models_are_a_table_in_the_order_of_their_ids() {
        let (models, left_out) = list(None, 100);
        assert_eq!(left_out, 0);
        insta::assert_snapshot!("model_list", text(&models));
        let object = serde_json::to_string_pretty(&json!({ "models": models })).unwrap();
        insta::assert_snapshot!("model_list_json", object);
    }

    #[test]
    fn models_are_chosen_by_owner_and_counted_where_left_out() {
        assert_eq!(list(Some(AccountId([1; 32])), 9).0, [model()]);
        assert_eq!(list(Some(AccountId([9; 32])), 9), (vec![], 0));
        assert_eq!(list(None, 1).1, 1);
        assert_eq!(text(&[]), "no models");
    }
}
