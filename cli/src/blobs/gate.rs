//! Which accounts may upload to a server of blobs.
//!
//! Those that its owner lists; the requesters that it is run for; and the worker that has a job of
//! such a requester, for as many blobs as the job's results are and none longer than its trace.
//! While an auditor checks all of the job, the worker may also upload the accumulators of each linear
//! operation and the list of them.

use super::claims::{unavailable, Chain, Claim, Standing, FRESH, LATEST};
use mizan_blobs::{Admission, Content, Gate, Refusal, Upload};
use mizan_client::keys::format_address;
use mizan_client::{hex_hash, AccountId, Hash};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::Mutex;

/// Most jobs whose answers are remembered; a crowd that asks for more is told to wait.
pub(super) const MOST_JOBS: usize = 10_000;

/// Who may upload.
pub(crate) struct MarketGate {
    rules: Rules,
    chain: Chain,
    /// What was let in for a job of a worker.
    let_in: Mutex<LetIn>,
}

/// Blobs by job and worker.
type LetIn = BTreeMap<(u64, [u8; 32]), Blobs>;

/// Blobs that were let in for one job.
#[derive(Debug, Default)]
struct Blobs {
    results: BTreeSet<Hash>,
    /// With their lengths.
    advice: BTreeMap<Hash, u64>,
}

/// What a worker uploads for its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Result,
    Accumulators,
    AdviceList,
}

/// What the owner of the server said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// These accounts may upload anything.
    pub(crate) allowed: HashSet<[u8; 32]>,
    /// These, too, and the workers that have their jobs.
    pub(crate) requesters: HashSet<[u8; 32]>,
}

impl Claim {
    /// What the upload is to the job.
    fn part(&self, upload: &Upload) -> Part {
        let attested = self.attested.as_ref();
        match upload.content {
            Content::AdviceList => Part::AdviceList,
            Content::Blob if attested.is_some_and(|results| !results.contains(&upload.hash)) => {
                Part::Accumulators
            }
            Content::Blob => Part::Result,
        }
    }

    /// Whether the account may upload this for the job, and as what.
    fn check(&self, rules: &Rules, upload: &Upload) -> Result<Part, Refusal> {
        if !rules.requesters.contains(&self.requester) {
            return refuse("the job is not of a requester that this server serves");
        }
        if self.worker != upload.account {
            return refuse("another worker has the job");
        }
        let (part, length) = (self.part(upload), upload.length);
        match part {
            Part::Result if length > self.max_bytes => {
                let most = self.max_bytes;
                refuse(format!(
                    "{length} bytes are more than any result of the job has, which is {most}"
                ))
            }
            Part::AdviceList if self.advice.is_empty() => {
                refuse("no auditor checks all of the job now")
            }
            Part::Accumulators if self.advice.is_empty() => {
                refuse("the worker attested other results")
            }
            Part::Accumulators if !self.advice.contains(&length) => refuse(format!(
                "the worker attested other results, and no accumulators of the job have {length} \
                 bytes"
            )),
            _ => Ok(part),
        }
    }
}

impl Blobs {
    /// Lets a blob in: as many as the job has results, and accumulators for each linear operation.
    fn count(&mut self, claim: &Claim, part: Part, upload: &Upload) -> Result<(), Refusal> {
        let (hash, length) = (upload.hash, upload.length);
        match part {
            Part::AdviceList => {}
            Part::Result => {
                let is_new = claim.attested.is_none() && !self.results.contains(&hash);
                if is_new && self.results.len() >= claim.blobs {
                    let most = claim.blobs;
                    return refuse(format!("the job has {most} results, and this is another"));
                }
                self.results.insert(hash);
            }
            Part::Accumulators => {
                let others = self.advice.iter();
                let others = others.filter(|(other, bytes)| **other != hash && **bytes == length);
                let most = claim.advice.iter().filter(|bytes| **bytes == length);
                let (others, most) = (others.count(), most.count());
                if others >= most {
                    return refuse(format!(
                        "the job has {most} accumulators of {length} bytes, and these are others"
                    ));
                }
                self.advice.insert(hash, length);
            }
        }
        Ok(())
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::NotAllowed(why.into()))
}

impl MarketGate {
    /// A gate by these rules, which asks the node at `url` about jobs.
    pub(crate) fn new(rules: Rules, url: &str) -> Self {
        Self {
            rules,
            chain: Chain::new(url),
            let_in: Mutex::default(),
        }
    }

    async fn decide(&self, upload: &Upload) -> Result<(), Refusal> {
        // A requester has nothing to say about how its job was computed.
        let may_all = match upload.content {
            Content::Blob => self.rules.requesters.contains(&upload.account),
            Content::AdviceList => false,
        };
        if may_all || self.rules.allowed.contains(&upload.account) {
            return Ok(());
        }
        if self.rules.requesters.is_empty() {
            return refuse("this account is not on the server's list");
        }
        let Some(job) = upload.job else {
            return refuse("this account is not on the server's list, and names no job");
        };
        let mut claim = self.claim(job, FRESH).await?;
        // An auditor may have been drawn since the chain was asked.
        if claim.part(upload) != Part::Result && claim.advice.is_empty() {
            claim = self.claim(job, LATEST).await?;
        }
        let part = claim.check(&self.rules, upload)?;
        self.count(job, &claim, part, upload).await
    }

    async fn claim(&self, job: u64, age: Duration) -> Result<Claim, Refusal> {
        match self.chain.standing(job, age).await? {
            Standing::Claimed(claim) => Ok(claim),
            Standing::Over => refuse(format!("job {job} is settled or ended")),
            Standing::Unassigned => unavailable(format!(
                "no worker has a job {job} yet: if you have, try again soon"
            )),
        }
    }

    /// Lets no more in than the job has: a worker that makes up others is stopped.
    async fn count(
        &self,
        job: u64,
        claim: &Claim,
        part: Part,
        upload: &Upload,
    ) -> Result<(), Refusal> {
        let mut let_in = self.let_in.lock().await;
        let blobs = let_in.entry((job, claim.worker)).or_default();
        blobs.count(claim, part, upload)?;
        while let_in.len() > MOST_JOBS {
            let_in.pop_first();
        }
        Ok(())
    }
}

impl Gate for MarketGate {
    fn admit<'a>(&'a self, upload: &'a Upload) -> Admission<'a> {
        Box::pin(async move {
            let decision = self.decide(upload).await;
            log(upload, &decision);
            decision
        })
    }
}

/// Tells the owner of the server who asked for what.
fn log(upload: &Upload, decision: &Result<(), Refusal>) {
    // A standard error that is closed must not stop the server.
    let _ = writeln!(io::stderr(), "{}", line(upload, decision));
}

fn line(upload: &Upload, decision: &Result<(), Refusal>) -> String {
    let account = format_address(&AccountId(upload.account));
    let (hash, bytes) = (hex_hash(&upload.hash), upload.length);
    let job = upload.job.map(|job| format!(" for job {job}"));
    let job = job.unwrap_or_default();
    let what = match upload.content {
        Content::Blob => "",
        Content::AdviceList => "advice list ",
    };
    let decision = match decision {
        Ok(()) => "let in".to_owned(),
        Err(refusal) => format!("refused: {refusal}"),
    };
    format!("upload of {what}{hash}, {bytes} bytes, by {account}{job}: {decision}")
}

#[cfg(test)]
mod tests;
