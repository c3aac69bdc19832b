//! The bytes of a job: fetched, and held in memory while they are checked.

use super::check::{length_of, Scope};
use crate::blobs::servers::Source;
use crate::failure::{Failure, Kind};
use crate::grounds::blob;
use crate::job::state::is_in_challenge;
use crate::output::Output;
use mizan_client::disputes::{blob_name, BlobRef};
use mizan_client::views::{Attestation, JobView};
use mizan_client::Hash;
use mizan_tensor::{Claim, Exhibits, Plan, TensorRef, MAX_DEMANDED_CHUNKS};

/// Bytes of a chunk.
const CHUNK_BYTES: u64 = 1_024;

/// A job with a claimed result, and where its bytes come from.
pub(super) struct Fetching<'a> {
    pub(super) job: &'a JobView,
    pub(super) claim: &'a Attestation,
    pub(super) plan: &'a Plan,
    pub(super) source: &'a Source,
}

/// The bytes of a job as far as they were fetched.
#[derive(Default)]
pub(super) struct Bytes {
    pub(super) trace: Vec<u8>,
    pub(super) outputs: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    parameters: Vec<Vec<u8>>,
}

impl Bytes {
    /// Lets `look` look at them.
    pub(super) fn show<R>(
        &self,
        plan: &Plan,
        batch: u32,
        look: impl FnOnce(&Exhibits<'_>) -> R,
    ) -> R {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = self.inputs.iter().map(Vec::as_slice).collect();
        let outputs: Vec<&[u8]> = self.outputs.iter().map(Vec::as_slice).collect();
        look(&Exhibits {
            plan,
            batch,
            parameters: &parameters,
            inputs: &inputs,
            trace: &self.trace,
            outputs: &outputs,
        })
    }
}

impl Fetching<'_> {
    /// What the worker claims.
    pub(super) fn claim(&self) -> Claim<'_> {
        Claim {
            batch: self.job.batch,
            inputs: &self.job.inputs,
            outputs: &self.claim.outputs,
            trace: &self.claim.trace,
        }
    }

    /// Trace and outputs, whatever their lengths, up to `spare` bytes more than their shapes say.
    pub(super) async fn published(
        &self,
        spare: u64,
        output: &mut Output<'_>,
    ) -> Result<Bytes, Failure> {
        let (trace, outputs) = (self.claim.trace, &self.claim.outputs);
        let mut bytes = Bytes {
            trace: self.get(BlobRef::Trace, trace, spare, output).await?,
            ..Bytes::default()
        };
        for (index, hash) in (0u16..).zip(outputs) {
            let output_bytes = self.get(BlobRef::Output(index), *hash, spare, output);
            bytes.outputs.push(output_bytes.await?);
        }
        Ok(bytes)
    }

    /// Inputs and parameters as well. Nobody attested their lengths, so others than their shapes
    /// say prove nothing.
    pub(super) async fn rest(
        &self,
        bytes: &mut Bytes,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        for (index, hash) in (0u16..).zip(&self.job.inputs) {
            let input = self.exact(BlobRef::Input(index), *hash, output).await?;
            bytes.inputs.push(input);
        }
        for (index, parameter) in (0u16..).zip(&self.plan.program().parameters) {
            let named = BlobRef::Parameter(index);
            let parameter = self.exact(named, parameter.hash, output).await?;
            bytes.parameters.push(parameter);
        }
        Ok(())
    }

    async fn exact(
        &self,
        named: BlobRef,
        hash: Hash,
        output: &mut Output<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let bytes = self.get(named, hash, 0, output).await?;
        let right = length_of(self.plan, self.job.batch, named)?;
        if u64::try_from(bytes.len()) == Ok(right) {
            return Ok(bytes);
        }
        let (named, length) = (blob(named), bytes.len());
        let message = format!(
            "{named} has {length} bytes, and its shape says {right}: no result of this job can be \
             checked, and no worker had to take it"
        );
        Err(Failure::new(Kind::Blob, message))
    }

    async fn get(
        &self,
        named: BlobRef,
        hash: Hash,
        spare: u64,
        output: &mut Output<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let length = length_of(self.plan, self.job.batch, named)?;
        output.progress(&format!("fetching {}, {length} bytes", blob(named)));
        let bytes = self.source.get(hash, length.saturating_add(spare)).await;
        bytes.map_err(|failure| missing(self.job, named, length, failure))
    }
}

/// Which blob can't be had and, while there is time, how to make the worker give it.
fn missing(job: &JobView, named: BlobRef, length: u64, failure: Failure) -> Failure {
    if !matches!(failure.kind, Kind::Blob | Kind::Unreachable) {
        return failure;
    }
    let (id, name) = (job.id, blob(named));
    let message = format!("{name} can't be had: {failure}");
    if !is_in_challenge(job) {
        return Failure::new(failure.kind, message);
    }
    let chunks = length
        .div_ceil(CHUNK_BYTES)
        .clamp(1, MAX_DEMANDED_CHUNKS.into());
    let command = format!(
        "mizan job demand {id} --chunks {}:0:{chunks} --key-file FILE",
        blob_name(named)
    );
    let advice = "whoever attested must give it or lose the lock";
    Failure::new(failure.kind, format!("{message}; {advice}: {command}"))
}

/// The most bytes that a check holds at once, about; `None` if they can't be counted.
pub(super) fn memory(plan: &Plan, batch: u32, scope: &Scope) -> Option<u64> {
    let cost = plan.cost();
    let all = |of_item: u64| of_item.checked_mul(batch.into());
    // Weights once as they are and once as they are multiplied, outputs once for the comparison.
    let held = [
        cost.parameter_bytes.checked_mul(2)?,
        all(cost.item_input_bytes)?,
        all(cost.item_trace_bytes)?,
        all(cost.item_output_bytes)?.checked_mul(2)?,
        match scope {
            Scope::Whole => largest_operation(plan, batch)?,
            Scope::Items(items) => {
                let of_item = cost.item_input_bytes.checked_add(cost.item_trace_bytes)?;
                let of_item = of_item.checked_add(cost.item_output_bytes)?;
                of_item.checked_mul(u64::try_from(items.len()).ok()?)?
            }
        },
    ];
    held.into_iter().try_fold(0, u64::checked_add)
}

/// Bytes of the largest output of an operation, which a check of the whole job makes again.
fn largest_operation(plan: &Plan, batch: u32) -> Option<u64> {
    let operations = (0u16..).zip(&plan.program().operations);
    let lengths = operations
        .map(|(index, _)| plan.tensor_bytes(TensorRef::Operation(index), batch))
        .collect::<Option<Vec<u64>>>()?;
    lengths.into_iter().max()
}

/// What is left of a budget of bytes after what the check needs.
pub(super) fn spare(plan: &Plan, batch: u32, scope: &Scope, budget: u64) -> Result<u64, Failure> {
    let needed = memory(plan, batch, scope).unwrap_or(u64::MAX);
    budget.checked_sub(needed).ok_or_else(|| {
        let mut message = format!(
            "the check holds about {needed} bytes in memory, and {budget} are allowed: allow more \
             with --memory"
        );
        if *scope == Scope::Whole {
            message.push_str(", or check some items instead of all");
        }
        Failure::usage(message)
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{plan, BATCH};
    use super::*;
    use crate::job::state::tests::{assignment, attestation, job};
    use mizan_client::views::JobState;

    #[test]
    fn a_missing_blob_is_named_with_how_to_demand_it_while_there_is_time() {
        let attested = job(JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        });
        let gone = || Failure::new(Kind::Blob, "it is not here");
        let said = missing(&attested, BlobRef::Input(1), 1_025, gone());
        let command = "mizan job demand 7 --chunks input:1:0:2 --key-file FILE";
        assert_eq!(said.kind, Kind::Blob);
        assert_eq!(
            said.message,
            format!(
                "input 1 can't be had: it is not here; whoever attested must give it or lose the \
                 lock: {command}"
            )
        );
        let long = missing(&attested, BlobRef::Trace, 1 << 30, gone()).message;
        assert!(long.contains("--chunks trace:0:8 "), "{long}");
        let over = job(JobState::Refused {
            assignment: assignment(),
            attestation: attestation(),
            block: 17,
        });
        let said = missing(&over, BlobRef::Trace, 1, gone());
        assert_eq!(said.message, "the trace can't be had: it is not here");
        let key = Failure::new(Kind::Key, "name blob servers");
        let said = missing(&attested, BlobRef::Trace, 1, key);
        assert_eq!(said, Failure::new(Kind::Key, "name blob servers"));
    }

    #[test]
    fn a_check_of_the_whole_job_makes_one_operation_again_and_one_of_items_these_items() {
        // Per item: 4 bytes of input, 8 of trace in operations of 3, 3 and 2, 5 of outputs.
        // 2 x 92 bytes of parameters, then input, trace and twice the outputs.
        let plan = plan();
        assert_eq!(plan.cost().item_trace_bytes, 8);
        let batch = u64::from(BATCH);
        let held = 2 * plan.cost().parameter_bytes + (4 + 8 + 2 * 5) * batch;
        assert_eq!(memory(&plan, BATCH, &Scope::Whole), Some(held + 3 * batch));
        let items = Scope::Items(vec![0, 2]);
        assert_eq!(memory(&plan, BATCH, &items), Some(held + 2 * (4 + 8 + 5)));
    }

    #[test]
    fn a_job_over_the_budget_is_refused_with_what_it_needs() {
        let plan = plan();
        let needed = memory(&plan, BATCH, &Scope::Whole).unwrap();
        assert_eq!(spare(&plan, BATCH, &Scope::Whole, needed + 7), Ok(7));
        let refused = spare(&plan, BATCH, &Scope::Whole, needed - 1).unwrap_err();
        assert_eq!(refused.kind, Kind::Usage);
        let said = format!("holds about {needed} bytes in memory, and {}", needed - 1);
        assert!(refused.message.contains(&said), "{refused}");
        assert!(refused.message.ends_with("check some items instead of all"));
    }
}
