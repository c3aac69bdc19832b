//! Waiting for the answer to a demand.

use crate::failure::Failure;
use crate::job::find;
use crate::job::state::sentence;
use mizan_client::runtime::disputes::calls::Answer as AnswerCall;
use mizan_client::runtime::disputes::events::DemandAnswered;
use mizan_client::runtime::jobs::events::JobConvicted;
use mizan_client::subxt::client::OnlineClientAtBlock;
use mizan_client::subxt::events::DecodeAsEvent;
use mizan_client::{At, Client, ClientError, MizanConfig};
use std::fmt;

/// How a demand ended.
pub(super) enum End {
    /// It was answered.
    Answered(Answer),
    /// The worker was convicted meanwhile, for silence or by somebody's proof.
    Convicted {
        /// In which block.
        block: u32,
        /// What for, and what that did.
        sentence: String,
    },
}

/// An answer that the chain took.
pub(super) struct Answer {
    /// In which block.
    pub(super) block: u32,
    /// Its bytes; `None` if the call was inside another.
    pub(super) bytes: Option<Vec<u8>>,
    /// Whether it shows that the result is wrong.
    pub(super) convicts: bool,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is answered in block {}", self.block)?;
        if self.convicts {
            f.write_str(", and the answer convicts the worker: the element is wrong")?;
        }
        Ok(())
    }
}

/// Goes through the final blocks from `block` on until the demand ends.
pub(super) async fn wait(
    client: &Client,
    job: u64,
    demand: u32,
    mut block: u32,
) -> Result<End, Failure> {
    let mut final_blocks = client.finalized_blocks().await?;
    let (mut newest, _) = client.finalized().await?;
    loop {
        while block <= newest {
            if let Some(end) = end_in(client, job, demand, block).await? {
                return Ok(end);
            }
            block = block.saturating_add(1);
        }
        (newest, _) = final_blocks.next().await?;
    }
}

async fn end_in(
    client: &Client,
    job: u64,
    demand: u32,
    block: u32,
) -> Result<Option<End>, Failure> {
    let hash = client.block_hash(block).await?;
    let hash = hash.ok_or_else(|| ClientError::BlockUnknown(block.to_string()))?;
    let at = client.at(At::Hash(hash)).await?;
    let events = at.events().fetch().await;
    let events = events.map_err(|error| unreadable(block, &error))?;
    let mine = |event: &DemandAnswered| event.job == job && event.demand == demand;
    let answered = any(events.find::<DemandAnswered>(), mine);
    let convicts = any(events.find::<JobConvicted>(), |event| event.job == job);
    if !answered && !convicts {
        return Ok(None);
    }
    if let Some(bytes) = answer_in(&at, job, demand, block).await? {
        return Ok(Some(End::Answered(Answer {
            block,
            bytes: Some(bytes),
            convicts,
        })));
    }
    if answered {
        let bytes = None;
        let convicts = false;
        return Ok(Some(End::Answered(Answer {
            block,
            bytes,
            convicts,
        })));
    }
    let sentence = sentence(&find(client, job, At::Hash(hash)).await?);
    Ok(Some(End::Convicted { block, sentence }))
}

/// The bytes of the answer that the chain took, or that convicted the worker.
async fn answer_in(
    at: &OnlineClientAtBlock<MizanConfig>,
    job: u64,
    demand: u32,
    block: u32,
) -> Result<Option<Vec<u8>>, Failure> {
    let extrinsics = at.extrinsics().fetch().await;
    let extrinsics = extrinsics.map_err(|error| unreadable(block, &error))?;
    for extrinsic in extrinsics.iter() {
        let extrinsic = extrinsic.map_err(|error| unreadable(block, &error))?;
        let Some(call) = extrinsic.decode_call_data_fields_as::<AnswerCall>() else {
            continue;
        };
        let call = call.map_err(|error| unreadable(block, &error))?;
        if call.job != job || call.demand != demand {
            continue;
        }
        // A wrong answer to the same demand may be in the same block.
        let events = extrinsic.events().await;
        let events = events.map_err(|error| unreadable(block, &error))?;
        if events.has::<DemandAnswered>() || events.has::<JobConvicted>() {
            return Ok(Some(call.answer.0));
        }
    }
    Ok(None)
}

/// Whether there is such an event. What can't be read is not it.
fn any<E: DecodeAsEvent>(
    events: impl Iterator<Item = Result<E, impl std::error::Error>>,
    is_it: impl Fn(&E) -> bool,
) -> bool {
    events.flatten().any(|event| is_it(&event))
}

fn unreadable(block: u32, error: &impl ToString) -> Failure {
    let reason = error.to_string();
    ClientError::Unexpected(format!("block {block}: {reason}")).into()
}
