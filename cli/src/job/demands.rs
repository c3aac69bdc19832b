//! `mizan job demands`.

use crate::context::Context;
use crate::failure::Failure;
use crate::grounds::wanted;
use crate::output::Output;
use crate::table::{table, Column};
use clap::Args;
use mizan_client::disputes::{Demand, Demanded};
use mizan_client::keys::format_address;
use mizan_client::units::format_amount;
use mizan_client::At;
use serde_json::{json, Value};

/// List the open demands for a job's data.
///
/// With what is demanded, by whom, and until when: silence convicts the worker. The time for an
/// answer runs in blocks that had room for one more fraud proof, so the block named is the
/// earliest. Answered demands are not listed.
#[derive(Debug, Args)]
pub(crate) struct Demands {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
}

/// Open demands of a job at some block.
struct Open {
    job: u64,
    /// Number of the block.
    at_block: u32,
    /// Dispute time after it.
    time: u32,
    demands: Vec<Demand>,
}

impl Demands {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let (at_block, hash) = client.best().await?;
        let at = At::Hash(hash);
        super::find(&client, self.job, at).await?;
        let open = Open {
            job: self.job,
            at_block,
            time: client.dispute_time(at).await?,
            demands: client.demands(self.job, at).await?,
        };
        output.result(&open.text(), &open.object())
    }
}

/// The first block in which silence can convict, seen from a block and the dispute time after it.
pub(super) fn earliest_block(at_block: u32, time: u32, answer_by_time: u32) -> u32 {
    // The chain looks before the transactions of a block: what is missing must have passed before.
    let missing = answer_by_time.saturating_sub(time);
    at_block.saturating_add(1).saturating_add(missing)
}

impl Open {
    fn text(&self) -> String {
        if self.demands.is_empty() {
            return format!("no demands are open on job {}", self.job);
        }
        let columns = [
            Column::Right("DEMAND"),
            Column::Folded("WHAT", 24),
            Column::Left("DEMANDER"),
            Column::Right("DEPOSIT"),
            Column::Right("SILENCE CONVICTS"),
        ];
        let rows = self.demands.iter().map(|demand| {
            let block = earliest_block(self.at_block, self.time, demand.answer_by_time);
            [
                demand.id.to_string(),
                wanted(&demand.request.into()),
                format_address(&demand.demander),
                format_amount(demand.deposit),
                format!("block {block}"),
            ]
        });
        table(columns, rows.collect())
    }

    fn object(&self) -> Value {
        let demands = self.demands.iter().map(|demand| {
            json!({
                "demand": demand.id,
                "demander": demand.demander,
                "request": Demanded::from(demand.request),
                "deposit": demand.deposit.to_string(),
                "answer_by_time": demand.answer_by_time,
                "earliest_block": earliest_block(self.at_block, self.time, demand.answer_by_time),
            })
        });
        json!({
            "job": self.job,
            "at_block": self.at_block,
            "dispute_time": self.time,
            "demands": demands.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::disputes::{BlobRef, Request};
    use mizan_client::AccountId;

    fn open() -> Open {
        let demand = |id, request, deposit| Demand {
            id,
            demander: AccountId([1; 32]),
            request,
            deposit,
            answer_by_time: 30 + id,
        };
        let chunks = Request::Chunks {
            blob: BlobRef::Trace,
            first: 0,
            count: 8,
        };
        let element = Request::Element {
            operation: 2,
            index: 5,
        };
        Open {
            job: 7,
            at_block: 21,
            time: 20,
            demands: vec![
                demand(0, chunks, 100_000_000_000),
                demand(3, element, 200_000_000_000),
            ],
        }
    }

    #[test]
    fn demands_are_a_table_with_when_silence_convicts() {
        insta::assert_snapshot!("demands", open().text());
        let object = serde_json::to_string_pretty(&open().object()).unwrap();
        insta::assert_snapshot!("demands_json", object);
        let none = Open {
            demands: vec![],
            ..open()
        };
        assert_eq!(none.text(), "no demands are open on job 7");
    }

    #[test]
    fn silence_can_convict_once_the_missing_time_has_passed() {
        // Time was 20 after block 21. If every block counts it is 24 after block 25.
        assert_eq!(earliest_block(21, 20, 24), 26);
        assert_eq!(earliest_block(21, 20, 20), 22);
        assert_eq!(earliest_block(21, 20, 3), 22);
    }
}
