//! Auditors that cheat, each in one way.

use super::work::{blobs_of, plan_of, slices};
use crate::wait::PAUSE;
use anyhow::{bail, Context, Result};
use mizan_client::audits::{self, OpenAuditView, Verdict};
use mizan_client::blobs::LocalBlobStore;
use mizan_client::views::JobView;
use mizan_client::{account_of, At, Client, Hash, Keypair};
use mizan_engine::audit::receipt;
use mizan_tensor::Exhibits;
use std::collections::BTreeSet;
use std::str::FromStr;

/// How an auditor cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheatingVerdict {
    /// Passes what it has not looked at, with a receipt of nothing.
    Blind,
    /// Looks at what it must and can show it, and passes whatever it sees.
    Bribed,
    /// Says nothing.
    Silent,
}

impl FromStr for CheatingVerdict {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auditor:blind" => Ok(Self::Blind),
            "auditor:bribed" => Ok(Self::Bribed),
            "auditor:silent" => Ok(Self::Silent),
            _ => bail!("unknown way to cheat '{text}'"),
        }
    }
}

/// An auditor that cheats.
pub struct CheatingAuditor {
    /// The chain.
    pub client: Client,
    /// Its key.
    pub key: Keypair,
    /// The folder of blobs.
    pub blobs: LocalBlobStore,
    /// How.
    pub how: CheatingVerdict,
}

impl CheatingAuditor {
    /// Cheats in every audit for which it is drawn, until it is stopped.
    pub async fn run(&self) -> Result<()> {
        let account = account_of(&self.key);
        // Nobody is drawn twice for a job.
        let mut done = BTreeSet::new();
        loop {
            for job in self.client.audits_of(&account, At::Best).await? {
                let audit = self.client.audit(job, At::Best).await?;
                let open = audit.as_ref().and_then(|audit| audit.at_work());
                let mine = open.filter(|open| open.auditor == account);
                if let Some(open) = mine.filter(|_| !done.contains(&job)) {
                    self.audit(job, open).await?;
                    done.insert(job);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn audit(&self, job: u64, open: &OpenAuditView) -> Result<()> {
        let receipt = match self.how {
            CheatingVerdict::Silent => {
                println!("says nothing of job={job}");
                return Ok(());
            }
            CheatingVerdict::Blind => receipt(&[], &open.seed),
            CheatingVerdict::Bribed => self.receipt(job, open).await?,
        };
        let call = audits::submit_verdict(job, Verdict::Pass { receipt });
        self.client.submit(&call, &self.key).await?;
        println!("passed job={job}");
        Ok(())
    }

    /// The receipt of an honest auditor that was drawn with that seed.
    async fn receipt(&self, job: u64, open: &OpenAuditView) -> Result<Hash> {
        let job: JobView = self.client.job(job, At::Best).await?.context("no job")?;
        let claim = job.state.attestation().context("no claim")?;
        let plan = plan_of(&self.client, &job).await?;
        let inputs = blobs_of(&self.blobs, &job.inputs).await?;
        let traces = blobs_of(&self.blobs, &[claim.trace]).await?;
        let exhibits = Exhibits {
            plan: &plan,
            batch: job.batch,
            parameters: &[],
            inputs: &slices(&inputs),
            trace: traces.first().context("no trace")?,
            outputs: &[],
        };
        let stream = exhibits.receipt_stream(open.scope, &open.seed);
        Ok(receipt(&[&stream.context("not all is there")?], &open.seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_cheat_are_read() {
        let read = |text: &str| text.parse::<CheatingVerdict>();
        assert_eq!(read("auditor:blind").unwrap(), CheatingVerdict::Blind);
        assert_eq!(read("auditor:bribed").unwrap(), CheatingVerdict::Bribed);
        assert_eq!(read("auditor:silent").unwrap(), CheatingVerdict::Silent);
        assert!(read("auditor:honest").is_err());
        assert!(read("vanish").is_err());
    }
}
