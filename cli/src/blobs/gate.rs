//! Which accounts may upload to a server of blobs.
//!
//! Those that its owner lists; the requesters that it is run for; and the worker that has a job of
//! such a requester, for as many blobs as the job's results are and none longer than its trace.

use super::claims::{unavailable, Chain, Claim, Standing};
use mizan_blobs::{Admission, Gate, Refusal, Upload};
use mizan_client::keys::format_address;
use mizan_client::{hex_hash, AccountId, Hash};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};
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
type LetIn = BTreeMap<(u64, [u8; 32]), BTreeSet<Hash>>;

/// What the owner of the server said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// These accounts may upload anything.
    pub(crate) allowed: HashSet<[u8; 32]>,
    /// These, too, and the workers that have their jobs.
    pub(crate) requesters: HashSet<[u8; 32]>,
}

impl Claim {
    /// Whether the account may upload this for the job.
    fn check(&self, rules: &Rules, upload: &Upload) -> Result<(), Refusal> {
        if !rules.requesters.contains(&self.requester) {
            return refuse("the job is not of a requester that this server serves");
        }
        if self.worker != upload.account {
            return refuse("another worker has the job");
        }
        if upload.length > self.max_bytes {
            let (length, most) = (upload.length, self.max_bytes);
            return refuse(format!(
                "{length} bytes are more than any result of the job has, which is {most}"
            ));
        }
        match &self.attested {
            Some(results) if !results.contains(&upload.hash) => {
                refuse("the worker attested other results")
            }
            _ => Ok(()),
        }
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
        let known = [&self.rules.allowed, &self.rules.requesters];
        if known.iter().any(|known| known.contains(&upload.account)) {
            return Ok(());
        }
        if self.rules.requesters.is_empty() {
            return refuse("this account is not on the server's list");
        }
        let Some(job) = upload.job else {
            return refuse("this account is not on the server's list, and names no job");
        };
        let claim = match self.chain.standing(job).await? {
            Standing::Claimed(claim) => claim,
            Standing::Over => return refuse(format!("job {job} is settled or ended")),
            Standing::Unassigned => {
                return unavailable(format!(
                    "no worker has a job {job} yet: if you have, try again soon"
                ))
            }
        };
        claim.check(&self.rules, upload)?;
        self.count(job, &claim, upload.hash).await
    }

    /// Lets as many blobs in as the job has results: a worker that makes up others is stopped.
    async fn count(&self, job: u64, claim: &Claim, hash: Hash) -> Result<(), Refusal> {
        let mut let_in = self.let_in.lock().await;
        let blobs = let_in.entry((job, claim.worker)).or_default();
        if !blobs.contains(&hash) && claim.attested.is_none() && blobs.len() >= claim.blobs {
            let most = claim.blobs;
            return refuse(format!("the job has {most} results, and this is another"));
        }
        blobs.insert(hash);
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
    let decision = match decision {
        Ok(()) => "let in".to_owned(),
        Err(refusal) => format!("refused: {refusal}"),
    };
    format!("upload of {hash}, {bytes} bytes, by {account}{job}: {decision}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state::tests::{assignment, attestation, job};
    use crate::model::show::tests::model;
    use mizan_client::views::{EndReason, JobState};

    const REQUESTER: [u8; 32] = [1; 32];
    const WORKER: [u8; 32] = [4; 32];

    fn rules() -> Rules {
        Rules {
            allowed: HashSet::from([[8; 32]]),
            requesters: HashSet::from([REQUESTER]),
        }
    }

    fn upload(account: [u8; 32], job: Option<u64>) -> Upload {
        Upload {
            account,
            job,
            hash: [6; 32],
            length: 10,
        }
    }

    fn standing(state: JobState) -> Standing {
        let mut model = model();
        model.cost.item_trace_bytes = 330;
        Standing::of(&job(state), &model)
    }

    fn claim(state: JobState) -> Claim {
        let Standing::Claimed(claim) = standing(state) else {
            panic!("no worker has the job");
        };
        claim
    }

    fn assigned() -> Claim {
        let assignment = assignment();
        claim(JobState::Assigned { assignment })
    }

    fn attested() -> Claim {
        claim(JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        })
    }

    /// A gate whose chain is never there.
    fn gate() -> MarketGate {
        MarketGate::new(rules(), "ws://127.0.0.1:1")
    }

    #[test]
    fn the_worker_of_a_requesters_job_may_upload_its_results() {
        assert_eq!(standing(JobState::Open), Standing::Unassigned);
        let reason = EndReason::Expired;
        let ended = JobState::Ended { reason, block: 9 };
        assert_eq!(standing(ended), Standing::Over);
        let (rules, own) = (rules(), upload(WORKER, Some(7)));
        assert_eq!(assigned().check(&rules, &own), Ok(()));
        assert_eq!(attested().check(&rules, &own), Ok(()));
        assert_eq!(assigned().max_bytes, 330 * 360);
    }

    #[test]
    fn others_longer_blobs_and_results_that_were_not_attested_are_refused() {
        let refused = |claim: Claim, upload: Upload| {
            let refusal = claim.check(&rules(), &upload).unwrap_err();
            assert!(matches!(refusal, Refusal::NotAllowed(_)));
            refusal.to_string()
        };
        let own = upload(WORKER, Some(7));
        let long = Upload {
            length: 330 * 360 + 1,
            ..own.clone()
        };
        assert!(refused(assigned(), long).contains("118801 bytes are more than"));
        let other = upload([9; 32], Some(7));
        assert!(refused(assigned(), other).contains("another worker"));
        let stranger = Claim {
            requester: [2; 32],
            ..assigned()
        };
        assert!(refused(stranger, own.clone()).contains("not of a requester"));
        let made_up = Upload {
            hash: [9; 32],
            ..own
        };
        assert!(refused(attested(), made_up).contains("attested other results"));
    }

    #[test]
    fn the_log_says_who_wanted_what_and_why_it_was_refused() {
        let own = upload(WORKER, Some(7));
        let refused = line(&own, &refuse("another worker has the job"));
        let account = format_address(&AccountId(WORKER));
        let end = format!("10 bytes, by {account} for job 7: refused: another worker has the job");
        assert!(refused.ends_with(&end), "{refused}");
        assert!(line(&own, &Ok(())).ends_with("for job 7: let in"));
    }

    #[tokio::test]
    async fn a_worker_uploads_no_more_blobs_than_its_job_has_results() {
        let (gate, claim) = (gate(), assigned());
        assert_eq!(claim.blobs, 2);
        for hash in [[1; 32], [2; 32], [1; 32]] {
            assert_eq!(gate.count(7, &claim, hash).await, Ok(()));
        }
        let refused = gate.count(7, &claim, [3; 32]).await.unwrap_err();
        assert!(refused.to_string().contains("2 results"), "{refused}");
        assert_eq!(gate.count(8, &claim, [3; 32]).await, Ok(()));
    }

    #[tokio::test]
    async fn listed_accounts_and_requesters_need_no_chain() {
        for account in [[8; 32], REQUESTER] {
            assert_eq!(gate().admit(&upload(account, None)).await, Ok(()));
        }
        let refused = gate().admit(&upload([9; 32], None)).await.unwrap_err();
        assert!(matches!(refused, Refusal::NotAllowed(_)));
    }

    #[tokio::test]
    async fn without_the_chain_a_worker_is_told_to_try_again() {
        let gate = gate();
        for _ in 0..2 {
            let refused = gate.admit(&upload(WORKER, Some(7))).await.unwrap_err();
            assert!(matches!(&refused, Refusal::Unavailable(_)), "{refused}");
            assert!(refused.to_string().contains("try again soon"), "{refused}");
        }
    }
}
