//! `mizan job watch`.

use crate::audit;
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::job::find;
use crate::job::state::{sentence, since_block};
use crate::output::Output;
use clap::{Args, ValueEnum};
use mizan_client::views::{JobState, JobView};
use mizan_client::{At, Client, ClientError};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{sleep_until, Instant};

/// How far a job is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// Until an attestation is final
    Attested,
    /// Until the settlement is final
    Settled,
}

/// Follow a job until it is settled and final.
///
/// Says every change. Succeeds only once the job is settled and the settlement is final (or, with
/// `--until attested`, once a result is claimed and the claim is final).
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The job's id
    #[arg(value_name = "ID")]
    job: u64,
    /// How far to follow it
    #[arg(long, value_enum, default_value = "settled")]
    until: Until,
    /// Give up after so long
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Watch {
    pub(crate) async fn run(
        self,
        context: &Context,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = context.client().await?;
        let seconds = self.timeout;
        let follow = self.follow(&client, output);
        let (job, block) = match seconds {
            None => follow.await?,
            Some(seconds) => {
                let end = Instant::now() + Duration::from_secs(seconds);
                tokio::select! {
                    followed = follow => followed?,
                    () = sleep_until(end) => {
                        let message = format!("the job was not there after {seconds} seconds");
                        return Err(Failure::new(Kind::Unreachable, message));
                    }
                }
            }
        };
        let text = format!("{}; this is final", sentence(&job));
        output.result(&text, &json!({ "job": job, "final_block": block }))
    }

    /// Reports every change, and ends with the job as a final block has it, and that block.
    async fn follow(
        &self,
        client: &Client,
        output: &mut Output<'_>,
    ) -> Result<(JobView, u32), Failure> {
        let mut best_blocks = client.best_blocks().await?;
        let mut final_blocks = client.finalized_blocks().await?;
        let mut report = Report::default();
        let at = At::Hash(client.best().await?.1);
        report.best(&find(client, self.job, at).await?, output);
        report.audit(client, self.job, at, output).await?;
        let (mut number, mut hash) = client.finalized().await?;
        loop {
            // Not there yet when the post itself is not final.
            if let Some(job) = client.job(self.job, At::Hash(hash)).await? {
                report.final_(&job, output);
                if reached(&job, self.until)? {
                    return Ok((job, number));
                }
            }
            loop {
                tokio::select! {
                    block = final_blocks.next() => {
                        (number, hash) = block?;
                        break;
                    }
                    block = best_blocks.next() => {
                        let at = At::Hash(block?.1);
                        if let Some(job) = known(client.job(self.job, at).await)? {
                            report.best(&job, output);
                            report.audit(client, self.job, at, output).await?;
                        }
                    }
                }
            }
        }
    }
}

/// What was read at a block that may have been given up meanwhile.
fn known<T>(read: Result<Option<T>, ClientError>) -> Result<Option<T>, ClientError> {
    match read {
        Err(ClientError::BlockUnknown(_)) => Ok(None),
        read => read,
    }
}

/// Whether a job, as a final block has it, is where it was to be followed to.
fn reached(job: &JobView, until: Until) -> Result<bool, Failure> {
    match &job.state {
        JobState::Open | JobState::Assigned { .. } => Ok(false),
        JobState::Attested { .. } => Ok(until == Until::Attested),
        JobState::Settled { .. } => Ok(true),
        JobState::Ended { .. } | JobState::Convicted { .. } | JobState::Refused { .. } => {
            Err(Failure::new(Kind::Unsettled, sentence(job)))
        }
    }
}

/// What was said already.
#[derive(Default)]
struct Report(HashSet<String>);

impl Report {
    /// Says something, once. Final blocks come after the newest and would repeat it.
    fn once(&mut self, line: String, output: &mut Output<'_>) {
        if !self.0.contains(&line) {
            output.progress(&line);
            self.0.insert(line);
        }
    }

    /// Says where the job stands.
    fn best(&mut self, job: &JobView, output: &mut Output<'_>) {
        self.once(sentence(job), output);
    }

    /// Says what is next in its audits, while its result can be challenged.
    async fn audit(
        &mut self,
        client: &Client,
        job: u64,
        at: At,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        if let Some(audit) = known(client.audit(job, at).await)? {
            self.once(format!("  {}", audit::sentence(job, &audit)), output);
        }
        Ok(())
    }

    /// Says that a state is final.
    fn final_(&mut self, job: &JobView, output: &mut Output<'_>) {
        self.best(job, output);
        if let Some(block) = since_block(&job.state) {
            self.once(format!("  {} in block {block} is final", job.state), output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state::tests::{assignment, attestation, convicted_job, conviction, job};
    use mizan_client::views::EndReason;

    #[test]
    fn only_a_settled_job_has_reached_settlement() {
        let attested = job(JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        });
        assert_eq!(reached(&job(JobState::Open), Until::Attested), Ok(false));
        assert_eq!(reached(&attested, Until::Attested), Ok(true));
        assert_eq!(reached(&attested, Until::Settled), Ok(false));
        let ended = job(JobState::Ended {
            reason: EndReason::Expired,
            block: 9,
        });
        assert_eq!(
            reached(&ended, Until::Settled).unwrap_err().kind,
            Kind::Unsettled
        );
        assert_eq!(
            reached(&ended, Until::Attested).unwrap_err().kind,
            Kind::Unsettled
        );
    }

    #[test]
    fn a_convicted_or_refused_job_has_not_reached_settlement() {
        let refused = job(JobState::Refused {
            assignment: assignment(),
            attestation: attestation(),
            block: 17,
        });
        for job in [convicted_job(conviction()), refused] {
            let failure = reached(&job, Until::Settled).unwrap_err();
            assert_eq!(failure, Failure::new(Kind::Unsettled, sentence(&job)));
        }
    }

    #[test]
    fn progress_says_each_state_once_and_when_it_is_final() {
        let (mut result, mut progress) = (Vec::new(), Vec::new());
        let mut output = Output::new(false, &mut result, &mut progress);
        let mut report = Report::default();
        let assigned = job(JobState::Assigned {
            assignment: assignment(),
        });
        report.best(&assigned, &mut output);
        report.best(&assigned, &mut output);
        report.final_(&assigned, &mut output);
        report.best(&assigned, &mut output);
        let progress = String::from_utf8(progress).unwrap();
        let lines: Vec<&str> = progress.lines().collect();
        assert_eq!(lines.len(), 2, "{progress}");
        assert_eq!(lines[1], "  assigned in block 10 is final");
        assert!(result.is_empty());
    }
}
