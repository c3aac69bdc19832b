//! One chain, a model, a requester, and providers whose workers cheat: for tests and figures of
//! disputes.

use crate::books::Supply;
use crate::command::Mizan;
use crate::process::{Launch, Process};
use crate::wait::{until, Deadline};
use crate::workers::{heard, Owner, BOND};
use crate::{binaries, chain::Chain, digits, jobs};
use anyhow::{ensure, Context, Result};
use mizan_client::blobs::{BlobStore, LocalBlobStore};
use mizan_client::disputes::Conviction;
use mizan_client::views::{Assignment, JobState, JobView};
use mizan_client::{account_of, calls, keys, units, AccountId, At, Client, Hash};

/// Images of a job.
pub const BATCH: u32 = 3;

/// One chain and what everybody on it shares.
pub struct Scene {
    /// The chain.
    pub chain: Chain,
    /// The folder of blobs.
    pub blobs: LocalBlobStore,
    model: Hash,
    input: Hash,
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
        let blobs = LocalBlobStore::open(folder.path().join("blobs"))?;
        let alice = keys::parse_key("//Alice")?;
        let model = jobs::register_digits(&chain.client, &alice, &blobs).await?;
        let images = std::fs::read(digits::input_file())?;
        let length = mizan_digits::PIXELS * BATCH as usize;
        let input = images.get(..length).context("too few images")?;
        let input = blobs.put(input).await?;
        Ok(Self {
            chain,
            blobs,
            model,
            input,
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

    /// Posts a job by Bob for one worker only.
    pub async fn post(&self, owner: &Owner) -> Result<u64> {
        let bob = keys::parse_key("//Bob")?;
        let offer = calls::Offer {
            model: self.model,
            batch: BATCH,
            inputs: vec![self.input],
            price_per_unit: jobs::PRICE,
            duration_blocks: 40,
            wait_blocks: 40,
            worker: Some(account_of(&owner.worker_key()?)),
            blob_servers: Vec::new(),
        };
        let included = self.client().submit(&calls::post_job(offer), &bob).await?;
        included.posted_job().context("no job was posted")
    }

    /// A new provider with the bond, and money for fees.
    async fn provider(&self, name: &str) -> Result<Owner> {
        let owner = Owner::alone(&format!("//Provider//{name}"));
        let account = account_of(&owner.provider_key()?);
        let alice = keys::parse_key("//Alice")?;
        let money = calls::transfer(account, BOND + 10 * units::UNIT);
        self.client().submit(&money, &alice).await?;
        owner.register(self.client()).await?;
        Ok(owner)
    }

    /// Workers that cheat in these ways, each of a provider of its own.
    pub async fn cheaters(&self, ways: &[&'static str]) -> Result<Vec<Cheater>> {
        futures::future::try_join_all(ways.iter().map(|how| self.cheater(how))).await
    }

    async fn cheater(&self, how: &'static str) -> Result<Cheater> {
        let name = how.replace(':', "-");
        let owner = self.provider(&name).await?;
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

    /// Waits until a job's worker is convicted.
    pub async fn convicted(&self, job: u64) -> Result<(JobView, Assignment, Conviction)> {
        let deadline = Deadline::seconds(120);
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
