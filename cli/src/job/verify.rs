//! `mizan job verify`.

mod bytes;
mod check;
mod draw;
mod verdict;

use crate::blobs::servers::Download;
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::grounds::{clause, of_accusation};
use crate::job::fetch::source;
use crate::job::find;
use crate::job::state::{is_in_challenge, sentence};
use crate::model::show::unknown;
use crate::output::Output;
use crate::sending;
use bytes::{spare, Bytes, Fetching};
use check::{Fault, Scope};
use clap::Args;
use mizan_client::views::{JobState, JobView};
use mizan_client::{disputes, At, Client, Keypair};
use mizan_engine::CpuExecutor;
use mizan_tensor::Plan;
use verdict::{Proof, Sent, Verdict};

/// How many items are drawn unless told otherwise.
const ITEMS: u32 = 8;
/// The most items of a job.
const MOST_ITEMS: i64 = mizan_tensor::MAX_BATCH as i64;

/// Check a claimed result, and prove a wrong one wrong.
///
/// Fetches the trace, the outputs, the inputs and the model's parameters, checks their hashes and
/// lengths, and the outputs against the trace; then executes some items again, drawn at random (or
/// with --full all), and compares every number. Where one is wrong, a single transaction with the
/// proof convicts the worker: --submit sends it, signed by your key. A proof that convicts is free
/// of fees and earns a share of the lock.
///
/// Exit code 0 says that nothing wrong was found, 8 that the result is wrong. A few wrong items
/// among many are found only by --full or by luck. Once the job is settled nothing can be proved
/// any more.
///
/// If a blob can't be had, `mizan job demand` makes the worker give it.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    /// Execute the whole job again
    #[arg(long, group = "scope")]
    full: bool,
    /// Execute so many items again, drawn at random; 8 if not given
    #[arg(long, value_name = "N", group = "scope")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST_ITEMS))]
    items: Option<u32>,
    /// Execute this item again, counted from 0; may be given several times
    #[arg(long = "item", value_name = "ITEM", group = "scope")]
    chosen: Vec<u32>,
    /// Send the proof if the result is wrong
    #[arg(long)]
    submit: bool,
    /// Refuse jobs whose bytes need more memory, such as 512MiB or 16GiB
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = size)]
    memory: u64,
    #[command(flatten)]
    download: Download,
}

/// Reads a number of bytes, with a binary unit or none.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..).map(str::trim);
    let unit = match unit {
        Some("" | "B") => 1,
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        Some("GiB") => 1 << 30,
        Some("TiB") => 1 << 40,
        _ => return Err("a size is a number of bytes, like 4294967296 or 4GiB".into()),
    };
    let number: Option<u64> = digits.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| "a size is a number of bytes, like 4294967296 or 4GiB".into())
}

impl Verify {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let key = self.submit.then(|| context.key()).transpose()?;
        let client = context.client().await?;
        let job = find(&client, self.job, At::Best).await?;
        let scope = self.scope(job.batch)?;
        let (fault, proof) = self.check(&client, &job, &scope, context, output).await?;
        let mut verdict = Verdict {
            job,
            scope,
            fault,
            proof: proof.as_ref().map(Vec::len),
            sent: None,
        };
        if let (Some(key), Some(fault), Some(proof)) = (key, fault, proof) {
            if is_in_challenge(&verdict.job) {
                // Should the chain refuse the proof, this is what was found.
                let what = clause(&of_accusation(fault.accusation()));
                output.progress(&format!("the result is wrong: {what}"));
                verdict.sent = Some(send(&client, self.job, &fault, proof, &key, output).await?);
            }
        }
        output.result(&verdict.text(), &verdict.object())?;
        match verdict.fault {
            None => Ok(()),
            Some(_) => Err(Failure::new(Kind::Wrong, verdict.text())),
        }
    }

    fn scope(&self, batch: u32) -> Result<Scope, Failure> {
        if self.full {
            return Ok(Scope::Whole);
        }
        if self.chosen.is_empty() {
            return Ok(Scope::Items(draw::draw(
                self.items.unwrap_or(ITEMS),
                batch,
            )?));
        }
        if let Some(item) = self.chosen.iter().find(|item| **item >= batch) {
            let id = self.job;
            let message = format!("job {id} has {batch} items, counted from 0: none is {item}");
            return Err(Failure::usage(message));
        }
        let mut items = self.chosen.clone();
        items.sort_unstable();
        items.dedup();
        Ok(Scope::Items(items))
    }

    /// What is wrong, with the evidence for it.
    async fn check(
        &self,
        client: &Client,
        job: &JobView,
        scope: &Scope,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(Option<Fault>, Option<Proof>), Failure> {
        let Some(claim) = job.state.attestation() else {
            let message = format!("no result is claimed yet: {}", sentence(job));
            return Err(Failure::new(Kind::Other, message));
        };
        let program = client.program(&job.model, At::Best).await?;
        let plan = Plan::new(program.ok_or_else(|| unknown(job.model))?);
        let plan = plan.map_err(|error| Failure::new(Kind::Other, error.to_string()))?;
        let spare = spare(&plan, job.batch, scope, self.memory)?;
        let source = source(&self.download, job, context)?;
        let fetching = Fetching {
            job,
            claim,
            plan: &plan,
            source: &source,
        };
        let mut bytes = fetching.published(spare, output).await?;
        let mut fault = bytes.show(&plan, job.batch, check::published)?;
        if fault.is_none() {
            fetching.rest(&mut bytes, output).await?;
            fault = execute(&plan, job.batch, &bytes, scope, output)?;
        }
        let proof = fault.map(|fault| {
            bytes.show(&plan, job.batch, |exhibits| {
                check::proof(exhibits, fetching.claim(), &fault)
            })
        });
        Ok((fault, proof.transpose()?))
    }
}

/// Off the runtime's threads: they have to keep the connection alive.
fn execute(
    plan: &Plan,
    batch: u32,
    bytes: &Bytes,
    scope: &Scope,
    output: &mut Output<'_>,
) -> Result<Option<Fault>, Failure> {
    let count = match scope {
        Scope::Whole => u64::from(batch),
        Scope::Items(items) => items.len() as u64,
    };
    output.progress(&format!("executing {count} of {batch} items"));
    // Weights are multiplied once: keeping them for a next time would only take memory.
    let executor = CpuExecutor::new().cache_bytes(0);
    tokio::task::block_in_place(|| {
        bytes.show(plan, batch, |exhibits| {
            check::executed(exhibits, scope, &executor)
        })
    })
}

/// Sends the proof, and says what the conviction did.
async fn send(
    client: &Client,
    id: u64,
    fault: &Fault,
    proof: Proof,
    key: &Keypair,
    output: &mut Output<'_>,
) -> Result<Sent, Failure> {
    let call = disputes::submit_fraud_proof(id, fault.accusation(), proof);
    let included = sending::send(client, &call, key, output).await?;
    if let Some(failed) = included.failed_proof() {
        return Err(verdict::failed(&failed));
    }
    let job = find(client, id, At::Hash(included.block_hash)).await?;
    match job.state {
        JobState::Convicted {
            assignment,
            conviction,
            ..
        } => Ok(Sent {
            assignment,
            conviction,
            included: sending::object(&included, serde_json::json!({})),
        }),
        _ => Err(Failure::new(
            Kind::Other,
            format!(
                "the chain took the proof but convicted nobody: {}",
                sentence(&job)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(chosen: Vec<u32>, items: Option<u32>, full: bool) -> Verify {
        Verify {
            job: 7,
            full,
            items,
            chosen,
            submit: false,
            memory: 1,
            download: Download::default(),
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert_eq!(size("512 MiB"), Ok(512 << 20));
        assert_eq!(size("7"), Ok(7));
        for bad in ["", "GiB", "4GB", "-1", "1.5GiB", "99999999999TiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn eight_items_are_drawn_unless_told_otherwise() {
        let drawn = |verify: Verify| match verify.scope(360).unwrap() {
            Scope::Items(items) => items.len(),
            Scope::Whole => 360,
        };
        assert_eq!(drawn(verify(vec![], None, false)), 8);
        assert_eq!(drawn(verify(vec![], Some(20), false)), 20);
        assert_eq!(drawn(verify(vec![], None, true)), 360);
    }

    #[test]
    fn chosen_items_are_those_of_the_batch_each_once() {
        let scope = verify(vec![5, 0, 5], None, false).scope(6);
        assert_eq!(scope, Ok(Scope::Items(vec![0, 5])));
        let refused = verify(vec![6], None, false).scope(6).unwrap_err();
        assert_eq!(
            refused,
            Failure::usage("job 7 has 6 items, counted from 0: none is 6")
        );
    }
}
