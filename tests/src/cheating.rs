//! Workers that cheat, each in one way. `mizan-cheater` runs them; no product can.

use crate::wait::PAUSE;
use anyhow::{bail, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::views::{JobState, JobView};
use mizan_client::{account_of, calls, disputes, AccountId, At, Client, Hash, Keypair};
use mizan_tensor::{execute, hash_bytes, BlobRef, Exhibits, Plan, Request, TensorRef};
use std::collections::BTreeMap;
use std::str::FromStr;

/// How a worker cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cheat {
    /// Changes one byte of an operation's output before it goes on computing, as a fault would; so
    /// all that follows is consistent with the wrong byte.
    Flip {
        /// The operation.
        operation: u16,
        /// The element, counted over the whole batch.
        index: u64,
    },
    /// Changes one byte of the first output, and not of the trace.
    WrongOutput,
    /// Appends a byte to the trace.
    WrongLength,
    /// Attests hashes of nothing.
    Garbage,
    /// Attests what is right, gives it to nobody and is not heard of again.
    Vanish,
    /// Attests what is right and gives away all but the outputs.
    KeepOutput,
    /// Attests what is right, keeps the trace, and answers every demand but those for its first
    /// chunk.
    WithholdChunk,
    /// Attests what is right, keeps all, and answers when it is too late.
    AnswerLate,
}

impl FromStr for Cheat {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split(':');
        let cheat = match words.next() {
            Some("flip") => Self::Flip {
                operation: words.next().context("no operation")?.parse()?,
                index: words.next().context("no element")?.parse()?,
            },
            Some("wrong-output") => Self::WrongOutput,
            Some("wrong-length") => Self::WrongLength,
            Some("garbage") => Self::Garbage,
            Some("vanish") => Self::Vanish,
            Some("keep-output") => Self::KeepOutput,
            Some("withhold-chunk") => Self::WithholdChunk,
            Some("answer-late") => Self::AnswerLate,
            _ => bail!("unknown way to cheat '{text}'"),
        };
        Ok(cheat)
    }
}

impl Cheat {
    fn publishes_outputs(self) -> bool {
        matches!(
            self,
            Self::Flip { .. } | Self::WrongOutput | Self::WrongLength | Self::WithholdChunk
        )
    }

    fn publishes_trace(self) -> bool {
        matches!(
            self,
            Self::Flip { .. } | Self::WrongOutput | Self::WrongLength | Self::KeepOutput
        )
    }
}

/// A job's bytes, as its worker has them.
struct Work {
    plan: Plan,
    batch: u32,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
    outputs: Vec<Vec<u8>>,
}

fn slices(blobs: &[Vec<u8>]) -> Vec<&[u8]> {
    blobs.iter().map(Vec::as_slice).collect()
}

impl Work {
    /// Computes it again from behind an operation whose output was changed.
    fn flip(&mut self, operation: u16, index: u64) -> Result<()> {
        let start = self.plan.trace_offset(operation, self.batch);
        let at = usize::try_from(start.context("no such operation")? + index)?;
        *self.trace.get_mut(at).context("no such element")? ^= 1;
        for later in operation + 1..u16::try_from(self.plan.program().operations.len())? {
            let output = TensorRef::Operation(later);
            let length = self.plan.tensor_bytes(output, self.batch);
            let start = self.plan.trace_offset(later, self.batch);
            let (length, start) = (length.context("no shape")?, start.context("no offset")?);
            for index in 0..length {
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

    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
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

/// A worker that cheats.
pub struct Cheater {
    /// The chain.
    pub client: Client,
    /// Its key.
    pub key: Keypair,
    /// The folder of blobs.
    pub blobs: LocalBlobStore,
    /// How.
    pub cheat: Cheat,
    work: BTreeMap<u64, Work>,
}

impl Cheater {
    /// A worker whose key is registered.
    pub fn new(client: Client, key: Keypair, blobs: LocalBlobStore, cheat: Cheat) -> Self {
        Self {
            client,
            key,
            blobs,
            cheat,
            work: BTreeMap::new(),
        }
    }

    fn account(&self) -> AccountId {
        account_of(&self.key)
    }

    /// Cheats in every job that it gets, until it is stopped; or vanishes after the first.
    pub async fn run(&mut self) -> Result<()> {
        loop {
            self.stay_live().await?;
            for job in self.client.jobs_of(&self.account(), At::Best).await? {
                if self.do_job(job).await? && self.cheat == Cheat::Vanish {
                    println!("vanishes");
                    return Ok(());
                }
            }
            for job in self.work.keys().copied().collect::<Vec<_>>() {
                self.answer_demands(job).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends a heartbeat when one is due.
    async fn stay_live(&self) -> Result<()> {
        let worker = self.client.worker(&self.account(), At::Best).await?;
        let worker = worker.context("the key is not registered")?;
        let timing = self.client.timing(At::Best).await?;
        let now = self.client.at(At::Best).await?.block_number();
        let due = worker
            .heard_block
            .is_none_or(|heard| u64::from(heard + timing.heartbeat_blocks) < now);
        if due && !worker.convicted {
            // One that comes too soon, or after a conviction, is refused: the next look says.
            if let Err(error) = self.client.submit(&calls::heartbeat(), &self.key).await {
                println!("no heartbeat: {error}");
            }
        }
        Ok(())
    }

    async fn get(&self, hash: Hash) -> Result<Vec<u8>> {
        Ok(self.blobs.get(hash, u64::MAX).await?)
    }

    async fn compute(&self, job: &JobView) -> Result<Work> {
        let program = self.client.program(&job.model, At::Best).await?;
        let plan = Plan::new(program.context("no such model")?)?;
        let mut parameters = Vec::new();
        for parameter in &plan.program().parameters {
            parameters.push(self.get(parameter.hash).await?);
        }
        let mut inputs = Vec::new();
        for input in &job.inputs {
            inputs.push(self.get(*input).await?);
        }
        let right = execute(&plan, &slices(&parameters), &slices(&inputs), job.batch)?;
        Ok(Work {
            batch: job.batch,
            plan,
            parameters,
            inputs,
            trace: right.trace,
            outputs: right.outputs,
        })
    }

    /// Computes, cheats and attests, unless that was done. Says whether it is done now.
    async fn do_job(&mut self, id: u64) -> Result<bool> {
        let job = self.client.job(id, At::Best).await?;
        let Some(job) = job.filter(|_| !self.work.contains_key(&id)) else {
            return Ok(false);
        };
        let JobState::Assigned { assignment } = &job.state else {
            return Ok(false);
        };
        let assigned = self.client.block_hash(assignment.assigned_block).await?;
        let assigned = assigned.context("the block of the assignment is gone")?;
        let mut work = self.compute(&job).await?;
        match self.cheat {
            Cheat::Flip { operation, index } => work.flip(operation, index)?,
            Cheat::WrongOutput => work.outputs[0][0] ^= 1,
            Cheat::WrongLength => work.trace.push(0),
            Cheat::Garbage
            | Cheat::Vanish
            | Cheat::KeepOutput
            | Cheat::WithholdChunk
            | Cheat::AnswerLate => {}
        }
        if self.cheat.publishes_trace() {
            self.blobs.put(&work.trace).await?;
        }
        if self.cheat.publishes_outputs() {
            for output in &work.outputs {
                self.blobs.put(output).await?;
            }
        }
        let (outputs, trace) = match self.cheat {
            Cheat::Garbage => (vec![[1; 32]; work.outputs.len()], [2; 32]),
            _ => (
                work.outputs
                    .iter()
                    .map(|output| hash_bytes(output))
                    .collect(),
                hash_bytes(&work.trace),
            ),
        };
        let call = calls::attest_job(id, assigned, &outputs, trace);
        self.client.submit(&call, &self.key).await?;
        println!("attested job={id}");
        self.work.insert(id, work);
        Ok(true)
    }

    /// Answers what this way of cheating answers, when it does.
    async fn answer_demands(&mut self, id: u64) -> Result<()> {
        let work = &self.work[&id];
        for demand in self.client.demands(id, At::Best).await? {
            let first_chunk = Request::Chunks {
                blob: BlobRef::Trace,
                first: 0,
                count: 1,
            };
            let answers = match self.cheat {
                Cheat::WithholdChunk => demand.request != first_chunk,
                Cheat::AnswerLate => {
                    self.wait_until(demand.answer_by_time).await?;
                    true
                }
                _ => false,
            };
            let answer = work.answer(&demand.request).filter(|_| answers);
            let Some(answer) = answer else {
                continue;
            };
            let call = disputes::answer(id, demand.id, answer);
            match self.client.submit(&call, &self.key).await {
                Ok(_) => println!("answered job={id} demand={}", demand.id),
                Err(error) => println!("answer refused job={id}: {error}"),
            }
        }
        Ok(())
    }

    async fn wait_until(&self, time: u32) -> Result<()> {
        while self.client.dispute_time(At::Best).await? <= time {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_cheat_are_read() {
        let flip = Cheat::Flip {
            operation: 1,
            index: 7,
        };
        assert_eq!("flip:1:7".parse::<Cheat>().unwrap(), flip);
        assert_eq!("vanish".parse::<Cheat>().unwrap(), Cheat::Vanish);
        for wrong in ["", "flip", "flip:1", "honest"] {
            assert!(wrong.parse::<Cheat>().is_err(), "{wrong}");
        }
    }
}
