//! `mizan job demand`.

mod answer;

use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::grounds::wanted;
use crate::job::demands::earliest_block;
use crate::job::find;
use crate::job::state::{is_in_challenge, sentence, too_late};
use crate::output::Output;
use crate::sending;
use answer::{Answer, End};
use clap::Args;
use mizan_client::disputes::{self, parse_blob, BlobRef, Demand as Open, Demanded, Request};
use mizan_client::units::format_amount;
use mizan_client::{At, Client, Included};
use serde_json::{json, Value};
use std::path::PathBuf;

/// Make the worker give data of a claimed result.
///
/// Whoever attested must give what is demanded, or is convicted. A deposit is held: half of it
/// pays for the answer, half is burned; without an answer you have it back. While a demand is open
/// the job does not settle. Anyone may demand; the requester has four places at the base price,
/// and each further demand that is open costs twice as much.
///
/// A blob is written as trace, output:INDEX, input:INDEX or parameter:INDEX.
#[derive(Debug, Args)]
pub(crate) struct Demand {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    #[command(flatten)]
    what: What,
    /// Wait until it is answered, or the worker is convicted
    #[arg(long)]
    wait: bool,
    /// Write the answer to this file, as the chain took it: verified slices of BLAKE3 trees
    #[arg(long, value_name = "FILE", requires = "wait")]
    out: Option<PathBuf>,
}

/// What is demanded.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// All that a proof about this element opens, counted over the whole batch; if the element is
    /// wrong, the answer convicts
    #[arg(long, value_name = "OPERATION:INDEX", value_parser = element)]
    element: Option<Request>,
    /// Up to 8 chunks of 1 KiB
    #[arg(long, value_name = "BLOB:FIRST:COUNT", value_parser = chunks)]
    chunks: Option<Request>,
    /// What is up to 8 levels below a node of a blob's hash tree, whose level 0 are the chunks
    #[arg(long, value_name = "BLOB:LEVEL:INDEX", value_parser = nodes)]
    nodes: Option<Request>,
}

fn element(text: &str) -> Result<Request, String> {
    let parsed = text.split_once(':').and_then(|(operation, index)| {
        Some(Request::Element {
            operation: operation.parse().ok()?,
            index: index.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| "an element is OPERATION:INDEX, like 2:35".into())
}

fn chunks(text: &str) -> Result<Request, String> {
    let parsed = blob_and_two(text).and_then(|(blob, first, count)| {
        Some(Request::Chunks {
            blob,
            first: first.parse().ok()?,
            count: count.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| "chunks are BLOB:FIRST:COUNT, like trace:0:8 or input:0:16:1".into())
}

fn nodes(text: &str) -> Result<Request, String> {
    let parsed = blob_and_two(text).and_then(|(blob, level, index)| {
        Some(Request::Nodes {
            blob,
            level: level.parse().ok()?,
            index: index.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| "nodes are BLOB:LEVEL:INDEX, like trace:8:0 or output:0:8:0".into())
}

/// A blob, whose name may hold a colon, and the two numbers after it.
fn blob_and_two(text: &str) -> Option<(BlobRef, &str, &str)> {
    let (rest, last) = text.rsplit_once(':')?;
    let (blob, first) = rest.rsplit_once(':')?;
    Some((parse_blob(blob)?, first, last))
}

impl What {
    fn request(&self) -> Option<Request> {
        self.element.or(self.chunks).or(self.nodes)
    }
}

/// A demand that was made.
struct Made {
    job: u64,
    demand: Open,
    /// First block in which silence can convict.
    earliest_block: u32,
    included: Value,
    /// How it ended, if that was waited for.
    end: Option<End>,
    /// Where the answer was written.
    file: Option<PathBuf>,
}

impl Demand {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let request = self.what.request();
        let request = request.ok_or_else(|| Failure::usage("nothing is demanded"))?;
        let key = context.key()?;
        let client = context.client().await?;
        let job = find(&client, self.job, At::Best).await?;
        if !is_in_challenge(&job) {
            let why = match job.state.attestation() {
                Some(_) => too_late(&job),
                None => format!("no result is claimed yet: {}", sentence(&job)),
            };
            return Err(Failure::new(Kind::Other, why));
        }
        let call = disputes::demand(self.job, request);
        let included = sending::send(&client, &call, &key, output).await?;
        let mut made = Made::read(&client, self.job, request, &included).await?;
        if self.wait {
            output.progress(&made.text());
            output.progress("waiting until it is answered, or the worker is convicted");
            let end = answer::wait(&client, self.job, made.demand.id, included.block_number);
            let end = end.await?;
            if let (Some(path), End::Answered(answer)) = (&self.out, &end) {
                write(path, answer)?;
                made.file = Some(path.clone());
            }
            made.end = Some(end);
        }
        output.result(&made.text(), &made.object())
    }
}

fn write(path: &std::path::Path, answer: &Answer) -> Result<(), Failure> {
    let Some(bytes) = &answer.bytes else {
        let block = answer.block;
        let message = format!(
            "the demand is answered in block {block}, by a call inside another: its bytes are not \
             read from there"
        );
        return Err(Failure::new(Kind::Other, message));
    };
    Ok(std::fs::write(path, bytes)?)
}

impl Made {
    async fn read(
        client: &Client,
        job: u64,
        request: Request,
        included: &Included,
    ) -> Result<Self, Failure> {
        use mizan_client::runtime::disputes::events::DataDemanded;
        let event = included.events.find_first::<DataDemanded>();
        let Some(Ok(event)) = event else {
            let message = "the chain took the call but made no demand";
            return Err(Failure::new(Kind::Other, message));
        };
        let time = client.dispute_time(At::Hash(included.block_hash)).await?;
        Ok(Self {
            job,
            earliest_block: earliest_block(included.block_number, time, event.answer_by_time),
            demand: Open {
                id: event.demand,
                demander: event.demander,
                request,
                deposit: event.deposit,
                answer_by_time: event.answer_by_time,
            },
            included: sending::object(included, json!({})),
            end: None,
            file: None,
        })
    }

    fn text(&self) -> String {
        let (id, job) = (self.demand.id, self.job);
        let Some(end) = &self.end else {
            return format!(
                "demand {id} of job {job} is made in block {}, for {}; {} is held; without an \
                 answer by dispute time {}, in block {} at the earliest, the worker is convicted",
                self.included["block"],
                wanted(&self.demand.request.into()),
                format_amount(self.demand.deposit),
                self.demand.answer_by_time,
                self.earliest_block
            );
        };
        match end {
            End::Answered(answer) => {
                let mut text = format!("demand {id} of job {job} {answer}");
                if let (Some(file), Some(bytes)) = (&self.file, &answer.bytes) {
                    let (file, length) = (file.display(), bytes.len());
                    text.push_str(&format!("; the answer is in {file} ({length} bytes)"));
                }
                text
            }
            End::Convicted { sentence, .. } => sentence.clone(),
        }
    }

    fn object(&self) -> Value {
        let mut object = json!({
            "job": self.job,
            "demand": self.demand.id,
            "request": Demanded::from(self.demand.request),
            "deposit": self.demand.deposit.to_string(),
            "answer_by_time": self.demand.answer_by_time,
            "earliest_block": self.earliest_block,
            "block": self.included["block"],
            "transaction": self.included["transaction"],
        });
        match &self.end {
            None => {}
            Some(End::Answered(answer)) => {
                let file = self.file.as_ref().map(|file| file.display().to_string());
                object["end"] = json!("answered");
                object["end_block"] = json!(answer.block);
                object["convicted"] = json!(answer.convicts);
                object["bytes"] = json!(answer.bytes.as_ref().map(Vec::len));
                object["file"] = json!(file);
            }
            Some(End::Convicted { block, .. }) => {
                object["end"] = json!("convicted");
                object["end_block"] = json!(block);
                object["convicted"] = json!(true);
            }
        }
        object
    }
}

#[cfg(test)]
mod tests;
