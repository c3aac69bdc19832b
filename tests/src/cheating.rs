//! Workers and auditors that cheat, each in one way. `mizan-cheater` runs them; no product can.

mod auditor;
mod work;

pub use auditor::{CheatingAuditor, CheatingVerdict};

use crate::wait::PAUSE;
use anyhow::{bail, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::views::{Attestation, JobState, JobView};
use mizan_client::{account_of, calls, disputes, AccountId, At, Client, Hash, Keypair};
use mizan_tensor::{hash_bytes, BlobRef, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use work::Work;

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
    /// The same with every byte of the operation's output.
    Spoil {
        /// The operation.
        operation: u16,
    },
    /// Computes nothing and attests what is claimed of another job of the same model.
    Copy,
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
            Some("spoil") => Self::Spoil {
                operation: words.next().context("no operation")?.parse()?,
            },
            Some("copy") => Self::Copy,
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
            Self::Flip { .. }
                | Self::Spoil { .. }
                | Self::WrongOutput
                | Self::WrongLength
                | Self::WithholdChunk
        )
    }

    fn publishes_trace(self) -> bool {
        matches!(
            self,
            Self::Flip { .. }
                | Self::Spoil { .. }
                | Self::WrongOutput
                | Self::WrongLength
                | Self::KeepOutput
        )
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
    attested: BTreeSet<u64>,
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
            attested: BTreeSet::new(),
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

    /// Attests in its way of cheating, unless it did. Says whether it did so now.
    async fn do_job(&mut self, id: u64) -> Result<bool> {
        let job = self.client.job(id, At::Best).await?;
        let Some(job) = job.filter(|_| !self.attested.contains(&id)) else {
            return Ok(false);
        };
        let JobState::Assigned { assignment } = &job.state else {
            return Ok(false);
        };
        let assigned = self.client.block_hash(assignment.assigned_block).await?;
        let assigned = assigned.context("the block of the assignment is gone")?;
        let (outputs, trace) = match self.cheat {
            Cheat::Copy => match self.other_claim(&job).await? {
                Some(other) => (other.outputs, other.trace),
                None => return Ok(false),
            },
            _ => self.compute(&job).await?,
        };
        let call = calls::attest_job(id, assigned, &outputs, trace);
        self.client.submit(&call, &self.key).await?;
        println!("attested job={id}");
        self.attested.insert(id);
        Ok(true)
    }

    /// What is claimed of another job of the same model and size, and was published.
    async fn other_claim(&self, job: &JobView) -> Result<Option<Attestation>> {
        for id in 0..self.client.next_job(At::Best).await? {
            let Some(other) = self.client.job(id, At::Best).await? else {
                continue;
            };
            let fits = (other.model, other.batch) == (job.model, job.batch);
            let claim = other.state.attestation().filter(|_| fits && id != job.id);
            let Some(claim) = claim else { continue };
            if self.blobs.contains(claim.trace).await? {
                return Ok(Some(claim.clone()));
            }
        }
        Ok(None)
    }

    /// Computes, cheats, publishes, and gives the hashes to attest.
    async fn compute(&mut self, job: &JobView) -> Result<(Vec<Hash>, Hash)> {
        let mut work = Work::of(&self.client, &self.blobs, job).await?;
        match self.cheat {
            Cheat::Flip { operation, index } => work.change(operation, index..index + 1)?,
            Cheat::Spoil { operation } => work.change(operation, 0..work.elements(operation)?)?,
            Cheat::WrongOutput => work.outputs[0][0] ^= 1,
            Cheat::WrongLength => work.trace.push(0),
            Cheat::Garbage
            | Cheat::Vanish
            | Cheat::KeepOutput
            | Cheat::WithholdChunk
            | Cheat::AnswerLate
            | Cheat::Copy => {}
        }
        if self.cheat.publishes_trace() {
            self.blobs.put(&work.trace).await?;
        }
        if self.cheat.publishes_outputs() {
            for output in &work.outputs {
                self.blobs.put(output).await?;
            }
        }
        let hashes = match self.cheat {
            Cheat::Garbage => (vec![[1; 32]; work.outputs.len()], [2; 32]),
            _ => {
                let outputs = work.outputs.iter().map(|output| hash_bytes(output));
                (outputs.collect(), hash_bytes(&work.trace))
            }
        };
        self.work.insert(job.id, work);
        Ok(hashes)
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
        let spoil = Cheat::Spoil { operation: 2 };
        assert_eq!("spoil:2".parse::<Cheat>().unwrap(), spoil);
        assert_eq!("vanish".parse::<Cheat>().unwrap(), Cheat::Vanish);
        for wrong in ["", "flip", "flip:1", "spoil", "honest"] {
            assert!(wrong.parse::<Cheat>().is_err(), "{wrong}");
        }
    }
}
