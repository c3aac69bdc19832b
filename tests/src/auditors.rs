//! Auditors on a chain of a [`Scene`]: the product's daemon, and ones that cheat.

use crate::process::{Launch, Process};
use crate::scene::Scene;
use crate::wait::{until, Deadline};
use crate::{binaries, jobs};
use anyhow::{ensure, Context, Result};
use mizan_client::audits::{self, AuditView, AuditorView};
use mizan_client::explanations::Note;
use mizan_client::views::{AuditOutcome, JobState, JobView, Settlement};
use mizan_client::{account_of, keys, units, AccountId, At, Client, Keypair};

/// What auditors of the tests put up: so much that a few locks hardly change who is drawn.
pub const AUDITOR_BOND: u128 = 200_000 * units::UNIT;
/// How long tests wait for what takes a chain a minute.
pub const PATIENCE: u64 = 300;

/// Somebody who audits, or is going to.
pub struct Auditor {
    /// Its name, which is its log's, too.
    pub name: &'static str,
    /// Its secret.
    pub secret: String,
    /// Its account.
    pub account: AccountId,
    /// What runs for it.
    pub process: Option<Process>,
}

impl Auditor {
    /// Its key.
    pub fn key(&self) -> Result<Keypair> {
        Ok(keys::parse_key(&self.secret)?)
    }

    /// What the chain says of its bond.
    pub async fn bond(&self, client: &Client) -> Result<AuditorView> {
        let auditor = client.auditor(&self.account, At::Best).await?;
        auditor.with_context(|| format!("{} is no auditor", self.name))
    }

    /// Waits until its process has said something.
    pub async fn said(&mut self, text: &str) -> Result<()> {
        let process = self.process.as_mut().context("it does not run")?;
        process.line(text, 0, Deadline::seconds(60)).await.map(drop)
    }
}

/// Something that happened in the audits of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// When.
    pub block: u32,
    /// Name of the rule, such as `auditor_drawn`.
    pub rule: String,
    /// The auditor; `None` where none could be drawn.
    pub auditor: Option<AccountId>,
    /// Bond locked by it.
    pub lock: u128,
    /// Bond burned by it.
    pub burned: u128,
}

impl AuditNote {
    fn of(note: &Note) -> Result<Self> {
        let text = |name: &str| note.details.get(name).and_then(|value| value.as_str());
        let amount = |name| text(name).map_or(Ok(0), str::parse);
        let auditor = text("auditor").map(str::parse).transpose();
        Ok(Self {
            block: note.block,
            rule: note.rule.clone(),
            auditor: auditor.ok().context("no address")?,
            lock: amount("lock")?,
            burned: amount("burned")?,
        })
    }
}

/// The names of rules, each with its auditor. What chance may add is left out: draws that found
/// nobody.
pub fn told(notes: &[AuditNote]) -> Vec<(&str, AccountId)> {
    let told = notes.iter();
    told.filter_map(|note| Some((note.rule.as_str(), note.auditor?)))
        .collect()
}

impl Scene {
    /// Somebody with the bond of an auditor who does not audit yet.
    pub async fn bondholder(&self, name: &'static str) -> Result<Auditor> {
        let secret = format!("//Auditor//{name}");
        let account = account_of(&keys::parse_key(&secret)?);
        self.endow(account, AUDITOR_BOND).await?;
        Ok(Auditor {
            name,
            secret,
            account,
            process: None,
        })
    }

    /// Registers an auditor, and lets the product work for it.
    pub async fn audits(&self, auditor: &mut Auditor) -> Result<()> {
        self.audits_with(auditor, &[]).await
    }

    /// The same with further arguments.
    pub async fn audits_with(&self, auditor: &mut Auditor, more: &[&str]) -> Result<()> {
        let data = self.folder.path().join(auditor.name).display().to_string();
        let blobs = self.blobs.folder().display().to_string();
        let (url, key) = (&self.chain.url, auditor.secret.clone());
        let words = [
            "audit", "--url", url, "--key", &key, "--blobs", &blobs, "--data", &data,
        ];
        let words = [&words, more].concat();
        self.begin(auditor, "mizan-worker", &words).await
    }

    /// Registers an auditor that cheats in this way.
    pub async fn cheats(&self, auditor: &mut Auditor, how: &str) -> Result<()> {
        let blobs = self.blobs.folder().display().to_string();
        let secret = auditor.secret.clone();
        let words = [self.chain.url.as_str(), &secret, &blobs, how];
        self.begin(auditor, "mizan-cheater", &words).await
    }

    async fn begin(&self, auditor: &mut Auditor, program: &str, words: &[&str]) -> Result<()> {
        let register = audits::register_auditor(AUDITOR_BOND);
        self.client().submit(&register, &auditor.key()?).await?;
        auditor.process = Some(Process::start(Launch {
            name: auditor.name,
            program: binaries::find(program)?,
            arguments: words.iter().map(|word| word.to_string()).collect(),
            folder: self.folder.path(),
            grouped: true,
        })?);
        Ok(())
    }

    /// Stops an auditor and gives its bond back, none of which is locked. Gives what is left of it.
    pub async fn dismiss(&self, auditor: &mut Auditor) -> Result<u128> {
        if let Some(mut process) = auditor.process.take() {
            process.stop().await?;
        }
        let client = self.client();
        let left = auditor.bond(client).await?;
        ensure!((left.locked, left.locks) == (0, 0), "{left:?}");
        let exit = audits::exit_auditor();
        client.submit(&exit, &auditor.key()?).await?;
        let balance = client.balance(&auditor.account, At::Best).await?;
        let held = balance.held_for("disputes.auditor_bond");
        ensure!(held == 0, "{balance:?}");
        Ok(left.bond)
    }

    /// Waits until the audits of a job are as `look` wants, as the best block has them.
    pub async fn audit_is<T>(
        &self,
        job: u64,
        what: &str,
        look: impl Fn(&AuditView) -> Option<T>,
    ) -> Result<T> {
        let what = format!("{what} of job {job}");
        until(&what, Deadline::seconds(PATIENCE), async || {
            let audit = self.client().audit(job, At::Best).await?;
            Ok(audit.as_ref().and_then(&look))
        })
        .await
    }

    /// Waits until an auditor is drawn for a job.
    pub async fn drawn(&self, job: u64, auditor: &Auditor) -> Result<()> {
        let what = format!("{} to be drawn as an auditor", auditor.name);
        let drawn = |audit: &AuditView| audit.drawn.contains(&auditor.account).then_some(());
        self.audit_is(job, &what, drawn).await
    }

    /// Waits until there are so many passes of a job.
    pub async fn passed(&self, job: u64, passes: usize) -> Result<()> {
        let enough = |audit: &AuditView| (audit.passes.len() >= passes).then_some(());
        self.audit_is(job, "a verdict", enough).await
    }

    /// What happened in the audits of a job.
    pub async fn audit_notes(&self, job: u64) -> Result<Vec<AuditNote>> {
        let told = self.client().explain_job(job, At::Best).await?;
        let history = told.context("the job is forgotten")?.history;
        let of_audits = history.iter().filter(|note| note.rule.starts_with("audit"));
        of_audits.map(AuditNote::of).collect()
    }

    /// Waits until a job is settled.
    pub async fn settled(&self, job: u64) -> Result<(JobView, Settlement)> {
        let deadline = Deadline::seconds(PATIENCE);
        let job = jobs::reached(self.client(), job, "settled", deadline).await?;
        let JobState::Settled { settlement, .. } = job.state.clone() else {
            anyhow::bail!("the job is {}", job.state);
        };
        Ok((job, settlement))
    }

    /// Every share of a payment went where it must, with so many auditors whose verdicts count.
    pub async fn check_shares(
        &self,
        settled: &Settlement,
        auditors: u128,
        audit: AuditOutcome,
    ) -> Result<()> {
        let economics = self.client().economics(At::Best).await?;
        let share = |of: u128, share: u32| of * u128::from(share) / 1_000_000_000;
        let payment = settled.payment;
        let worker = share(payment, economics.worker_share);
        let of_auditors = share(payment, economics.auditor_share);
        let each = of_auditors.checked_div(auditors).unwrap_or(0);
        let burn_share = share(payment, economics.burn_share);
        let minted = match audit {
            AuditOutcome::Unaudited => 0,
            _ => share(burn_share, economics.mint_ratio),
        };
        ensure!(settled.audit == audit, "{settled:?}");
        ensure!(settled.worker_paid == worker, "{settled:?}");
        ensure!(settled.auditors_paid == auditors * each, "{settled:?}");
        let rest = payment - worker - auditors * each;
        ensure!(settled.burned == rest, "{settled:?}");
        ensure!(settled.minted == minted, "{settled:?}");
        Ok(())
    }
}
