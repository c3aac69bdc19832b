//! What a worker knows of a job that it did.

use anyhow::{Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::views::JobView;
use mizan_client::{At, Client, Hash};
use mizan_tensor::{execute, Exhibits, Plan, Request, TensorRef};
use std::ops::Range;

/// A job's bytes, as its worker has them.
pub(super) struct Work {
    pub(super) plan: Plan,
    pub(super) batch: u32,
    pub(super) parameters: Vec<Vec<u8>>,
    pub(super) inputs: Vec<Vec<u8>>,
    pub(super) trace: Vec<u8>,
    pub(super) outputs: Vec<Vec<u8>>,
}

/// The program of a job.
pub(super) async fn plan_of(client: &Client, job: &JobView) -> Result<Plan> {
    let program = client.program(&job.model, At::Best).await?;
    Ok(Plan::new(program.context("no such model")?)?)
}

/// Blobs out of the folder that all share.
pub(super) async fn blobs_of(blobs: &LocalBlobStore, hashes: &[Hash]) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for hash in hashes {
        found.push(blobs.get(*hash, u64::MAX).await?);
    }
    Ok(found)
}

pub(super) fn slices(blobs: &[Vec<u8>]) -> Vec<&[u8]> {
    blobs.iter().map(Vec::as_slice).collect()
}

impl Work {
    /// Does a job right.
    pub(super) async fn of(client: &Client, blobs: &LocalBlobStore, job: &JobView) -> Result<Self> {
        let plan = plan_of(client, job).await?;
        let parameters: Vec<Hash> = plan.program().parameters.iter().map(|of| of.hash).collect();
        let parameters = blobs_of(blobs, &parameters).await?;
        let inputs = blobs_of(blobs, &job.inputs).await?;
        let right = execute(&plan, &slices(&parameters), &slices(&inputs), job.batch)?;
        Ok(Self {
            batch: job.batch,
            plan,
            parameters,
            inputs,
            trace: right.trace,
            outputs: right.outputs,
        })
    }

    /// Number of elements of an operation's output.
    pub(super) fn elements(&self, operation: u16) -> Result<u64> {
        let output = TensorRef::Operation(operation);
        let elements = self.plan.tensor_bytes(output, self.batch);
        elements.context("no such operation")
    }

    /// Changes elements of an operation's output, and computes all again that comes behind it.
    pub(super) fn change(&mut self, operation: u16, elements: Range<u64>) -> Result<()> {
        let start = self.plan.trace_offset(operation, self.batch);
        let start = start.context("no such operation")?;
        for index in elements {
            let at = usize::try_from(start + index)?;
            *self.trace.get_mut(at).context("no such element")? ^= 1;
        }
        for later in operation + 1..u16::try_from(self.plan.program().operations.len())? {
            let start = self.plan.trace_offset(later, self.batch);
            let start = start.context("no offset")?;
            for index in 0..self.elements(later)? {
                let value = self.element(later, index)?;
                self.trace[usize::try_from(start + index)?] = value.to_le_bytes()[0];
            }
        }
        let outputs = self.plan.outputs(&self.trace, self.batch);
        self.outputs = outputs.context("the trace is not whole")?;
        Ok(())
    }

    fn element(&self, operation: u16, index: u64) -> Result<i8> {
        let (parameters, inputs) = (slices(&self.parameters), slices(&self.inputs));
        let tensors = mizan_engine::audit::Tensors {
            plan: &self.plan,
            parameters: &parameters,
            job: mizan_engine::audit::AuditedJob {
                inputs: &inputs,
                batch: self.batch,
                trace: &self.trace,
            },
        };
        let value = self.plan.element(operation, index, self.batch, &tensors);
        value.map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// Answers a demand.
    pub(super) fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let exhibits = Exhibits {
            plan: &self.plan,
            batch: self.batch,
            parameters: &slices(&self.parameters),
            inputs: &slices(&self.inputs),
            trace: &self.trace,
            outputs: &slices(&self.outputs),
        };
        exhibits.answer(request)
    }
}
