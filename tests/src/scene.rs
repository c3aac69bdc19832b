//! One chain, a model, a requester, and providers whose workers cheat: for tests and figures of
//! disputes. Auditors are in [`crate::auditors`].

use crate::books::Supply;
use crate::command::Mizan;
use crate::process::{Launch, Process};
use crate::wait::{until, Deadline};
use crate::workers::{heard, Owner, Place, Worker, BOND};
use crate::{binaries, chain::Chain, digits, jobs};
use anyhow::{ensure, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::disputes::{self, BlobRef, Conviction, Request};
use mizan_client::views::{Assignment, JobState, JobView};
use mizan_client::{account_of, calls, keys, units, AccountId, At, Client, Hash};
use serde_json::json;

/// Images of a job.
pub const BATCH: u32 = 3;
/// Who posts jobs and pays for them, unless named otherwise.
pub const REQUESTER: &str = "//Bob";
/// What an account gets for fees, and to pay for jobs.
const POCKET: u128 = 10 * units::UNIT;

/// How likely audits are on a chain, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chances {
    /// A claimed result is audited.
    pub audit: u32,
    /// A verdict "pass" is followed by a further auditor.
    pub further: u32,
}

impl Chances {
    /// Every result is audited, and no pass is looked at again: that is, one of a hundred
    /// thousand. Audit locks are as much larger as that is less likely.
    pub const ONCE: Self = Self {
        audit: 1_000_000_000,
        further: 10_000,
    };
    /// Every result is audited, and every pass is looked at again.
    pub const AGAIN: Self = Self {
        audit: 1_000_000_000,
        further: 1_000_000_000,
    };
}

/// One chain and what everybody on it shares.
pub struct Scene {
    /// The chain.
    pub chain: Chain,
    /// The folder of blobs.
    pub blobs: LocalBlobStore,
    model: Hash,
    /// Where logs and data are.
    pub folder: tempfile::TempDir,
}

/// A worker that cheats.
pub struct Cheater {
    /// In which way.
    pub how: &'static str,
    /// Its provider and key.
    pub owner: Owner,
    /// Its process.
    pub process: Process,
}

impl Scene {
    /// Starts a chain with the digits model.
    pub async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let chain = Chain::start(folder.path(), true).await?;
        Self::with(chain, folder).await
    }

    /// The same on a chain with other chances of audits, whose challenge period leaves a busy
    /// machine the time to order one.
    pub async fn audited(chances: Chances) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let changes = json!({
            "jobs": { "timing": { "challengeBlocks": 8 } },
            "rewards": { "economics": {
                "auditProbability": chances.audit,
                "furtherProbability": chances.further,
            } },
        });
        let chain = Chain::start_changed(folder.path(), true, &changes).await?;
        Self::with(chain, folder).await
    }

    async fn with(chain: Chain, folder: tempfile::TempDir) -> Result<Self> {
        let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
        let alice = keys::parse_key("//Alice")?;
        let model = jobs::register_digits(&chain.client, &alice, &blobs).await?;
        Ok(Self {
            chain,
            blobs,
            model,
            folder,
        })
    }

    /// The connection to the chain.
    pub fn client(&self) -> &Client {
        &self.chain.client
    }

    /// The command in the hands of somebody.
    pub fn command(&self, key: &str) -> Result<Mizan> {
        Mizan::new(&self.chain.url, key, self.blobs.folder())
    }

    /// Posts a job for one worker only.
    pub async fn post(&self, owner: &Owner) -> Result<u64> {
        self.post_by(REQUESTER, owner, 0).await
    }

    /// The same by another requester, or over other images: those from `first` on.
    pub async fn post_by(&self, requester: &str, owner: &Owner, first: usize) -> Result<u64> {
        let images = std::fs::read(digits::input_file())?;
        let images = images.get(first * mizan_digits::PIXELS..);
        let input = images.and_then(|rest| rest.get(..mizan_digits::PIXELS * BATCH as usize));
        let offer = calls::Offer {
            model: self.model,
            batch: BATCH,
            inputs: vec![self.blobs.put(input.context("too few images")?).await?],
            price_per_unit: jobs::PRICE,
            duration_blocks: 40,
            wait_blocks: 40,
            worker: Some(account_of(&owner.worker_key()?)),
            blob_servers: Vec::new(),
        };
        let requester = keys::parse_key(requester)?;
        let posted = calls::post_job(offer);
        let included = self.client().submit(&posted, &requester).await?;
        included.posted_job().context("no job was posted")
    }

    /// Gives an account so much, and money for fees and jobs.
    pub async fn endow(&self, account: AccountId, amount: u128) -> Result<()> {
        let alice = keys::parse_key("//Alice")?;
        let money = calls::transfer(account, amount + POCKET);
        self.client().submit(&money, &alice).await?;
        Ok(())
    }

    /// A new provider with the bond, and a worker's key with that many slots.
    async fn provider(&self, name: &str, slots: u32) -> Result<Owner> {
        let owner = Owner::alone(&format!("//Provider//{name}"));
        self.endow(account_of(&owner.provider_key()?), BOND).await?;
        owner.register_with(self.client(), slots).await?;
        Ok(owner)
    }

    /// An honest worker that does that many jobs at once.
    pub async fn worker(&self, slots: u32) -> Result<(Owner, Worker)> {
        self.worker_with(slots, &[]).await
    }

    /// The same with further arguments.
    pub async fn worker_with(&self, slots: u32, more: &[&str]) -> Result<(Owner, Worker)> {
        let owner = self.provider("honest", slots).await?;
        let place = Place {
            url: &self.chain.url,
            blobs: self.blobs.folder(),
            folder: self.folder.path(),
        };
        let worker = Worker::start_with("worker", &owner, place, more, true)?;
        heard(self.client(), &owner, Deadline::seconds(60)).await?;
        Ok((owner, worker))
    }

    /// Workers that cheat in these ways, each of a provider of its own.
    pub async fn cheaters(&self, ways: &[&'static str]) -> Result<Vec<Cheater>> {
        futures::future::try_join_all(ways.iter().map(|how| self.cheater(how))).await
    }

    async fn cheater(&self, how: &'static str) -> Result<Cheater> {
        let name = how.replace(':', "-");
        let owner = self.provider(&name, 1).await?;
        let blobs = self.blobs.folder().display().to_string();
        let arguments = [&self.chain.url, &owner.worker, &blobs, how];
        let process = Process::start(Launch {
            name: &name,
            program: binaries::find("mizan-cheater")?,
            arguments: arguments.iter().map(|word| word.to_string()).collect(),
            folder: self.folder.path(),
            grouped: true,
        })?;
        heard(self.client(), &owner, Deadline::seconds(60)).await?;
        Ok(Cheater {
            how,
            owner,
            process,
        })
    }

    /// Waits until a result is claimed, as the best block has it.
    pub async fn claimed(&self, job: u64) -> Result<JobView> {
        let what = format!("a claimed result of job {job}");
        until(&what, Deadline::seconds(60), async || {
            let job = self.client().job(job, At::Best).await?;
            Ok(job.filter(|job| matches!(job.state, JobState::Attested { .. })))
        })
        .await
    }

    /// Waits for a claimed result, and demands data of it as its requester: while the demand is
    /// open the job does not settle, so that a busy machine has time to look at it.
    pub async fn held(&self, job: u64) -> Result<JobView> {
        let claimed = self.claimed(job).await?;
        let chunk = Request::Chunks {
            blob: BlobRef::Trace,
            first: 0,
            count: 1,
        };
        let requester = keys::parse_key(REQUESTER)?;
        let demand = disputes::demand(job, chunk);
        self.client().submit(&demand, &requester).await?;
        Ok(claimed)
    }

    /// Waits until a job's worker is convicted.
    pub async fn convicted(&self, job: u64) -> Result<(JobView, Assignment, Conviction)> {
        let deadline = Deadline::seconds(240);
        let job = jobs::reached(self.client(), job, "convicted", deadline).await?;
        let JobState::Convicted {
            assignment,
            conviction,
            ..
        } = job.state.clone()
        else {
            anyhow::bail!("the job is {}", job.state);
        };
        Ok((job, assignment, conviction))
    }

    /// What an account has, and what of it is held.
    pub async fn total(&self, account: &AccountId) -> Result<u128> {
        Ok(self.client().balance(account, At::Best).await?.total)
    }

    /// All tokens are accounted for.
    pub async fn check_books(&self) -> Result<()> {
        let supply = Supply::at(self.client(), At::Best).await?;
        ensure!(supply.balances(), "{supply:?}");
        Ok(())
    }

    /// A provider lost exactly the lock, and its ledger says so.
    pub async fn lost_the_lock(&self, assignment: &Assignment) -> Result<()> {
        let provider = self
            .client()
            .provider(&assignment.provider, At::Best)
            .await?;
        let provider = provider.context("the provider is gone")?;
        ensure!(provider.bond == BOND - assignment.lock, "{provider:?}");
        ensure!(provider.locked == 0, "{provider:?}");
        let ledger = self
            .client()
            .lifetime(&assignment.provider, At::Best)
            .await?;
        ensure!(ledger.convictions == 1 && ledger.jobs == 0, "{ledger:?}");
        let worker = self.client().worker(&assignment.worker, At::Best).await?;
        ensure!(worker.is_some_and(|worker| worker.convicted));
        Ok(())
    }
}
