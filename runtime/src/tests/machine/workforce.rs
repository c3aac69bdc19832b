//! The model's providers and workers.

use super::market::{must, periods, Market, Refusal, Who};
use super::money::MIN_BOND;
use super::sending::Consent;
use pallet_providers::{MAX_LOCKS, MAX_SLOTS};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) bond: u128,
    pub(super) locked: u128,
    pub(super) locks: u32,
    pub(super) workers: u32,
}

impl Provider {
    pub(super) fn free_bond(&self) -> u128 {
        self.bond - self.locked
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) provider: Who,
    pub(super) ask: u128,
    pub(super) slots: u32,
    pub(super) open_jobs: u32,
    pub(super) heard: Option<u32>,
    pub(super) misses: u32,
    pub(super) paused_until: u32,
    /// Whether a result of it was proved wrong, or withheld: it gets no more jobs.
    pub(super) convicted: bool,
    /// Whether it said, since it was heard last, that it takes no jobs.
    pub(super) offline: bool,
    /// Whether jobs find it, as long as it is live.
    pub(super) listed: bool,
}

impl Worker {
    pub(super) fn is_live(&self, now: u32) -> bool {
        self.heard
            .is_some_and(|heard| now <= heard + periods::LIVENESS)
    }

    /// Whether the chain takes it for there.
    pub(super) fn is_online(&self, now: u32) -> bool {
        self.is_live(now) && !self.offline
    }

    /// Lists it if it may get a job. A pause must be over and word must have come since.
    fn list(&mut self, now: u32) {
        let rested = now >= self.paused_until;
        let free = self.open_jobs < self.slots && !self.convicted && !self.offline;
        if free && rested && self.is_live(now) {
            self.listed = true;
        }
    }

    /// It has a job more.
    pub(super) fn begin(&mut self) {
        self.open_jobs += 1;
        if self.open_jobs == self.slots {
            self.listed = false;
        }
    }

    /// It has a job less.
    pub(super) fn finish(&mut self, now: u32) {
        self.open_jobs -= 1;
        self.listed = false;
        self.list(now);
    }

    /// It lost a job. Gives the first block in which it may get one again.
    pub(super) fn miss(&mut self, now: u32) -> u32 {
        self.misses += 1;
        let pause = periods::BACK_OFF.saturating_mul(2u32.saturating_pow(self.misses));
        self.paused_until = now.saturating_add(pause);
        self.finish(now);
        self.paused_until
    }

    pub(super) fn heartbeat_is_due(&self, now: u32) -> bool {
        self.heard.is_none_or(|heard| {
            let resumes = heard < self.paused_until && now >= self.paused_until;
            now >= heard + periods::HEARTBEAT || resumes
        })
    }
}

impl Market {
    fn provider(&self, who: Who) -> Result<Provider, Refusal> {
        let provider = self.providers.get(&who).cloned();
        provider.ok_or("Providers(ProviderUnknown)")
    }

    pub(super) fn register_provider(&mut self, by: Who, bond: u128) -> Result<(), Refusal> {
        let known = self.providers.contains_key(&by);
        must(!known, "Providers(AlreadyRegistered)")?;
        must(bond >= MIN_BOND, "Providers(BondTooSmall)")?;
        self.accounts[by].hold_bond(bond)?;
        let provider = Provider {
            bond,
            ..Provider::default()
        };
        self.providers.insert(by, provider);
        Ok(())
    }

    pub(super) fn bond(&mut self, by: Who, amount: u128) -> Result<(), Refusal> {
        let mut provider = self.provider(by)?;
        provider.bond = provider
            .bond
            .checked_add(amount)
            .ok_or("Arithmetic(Overflow)")?;
        self.accounts[by].hold_bond(amount)?;
        self.providers.insert(by, provider);
        Ok(())
    }

    pub(super) fn unbond(&mut self, by: Who, amount: u128) -> Result<(), Refusal> {
        let mut provider = self.provider(by)?;
        must(amount <= provider.free_bond(), "Providers(BondLocked)")?;
        provider.bond -= amount;
        must(provider.bond >= MIN_BOND, "Providers(BondTooSmall)")?;
        self.accounts[by].bond -= amount;
        self.accounts[by].free += amount;
        self.providers.insert(by, provider);
        Ok(())
    }

    pub(super) fn exit(&mut self, by: Who) -> Result<(), Refusal> {
        let provider = self.provider(by)?;
        must(provider.workers == 0, "Providers(WorkersRemain)")?;
        must(provider.locks == 0, "Providers(LocksRemain)")?;
        self.accounts[by].bond -= provider.bond;
        self.accounts[by].free += provider.bond;
        self.providers.remove(&by);
        Ok(())
    }

    pub(super) fn register_worker(
        &mut self,
        by: Who,
        worker: Who,
        ask: u128,
        slots: u32,
        consent: Consent,
    ) -> Result<(), Refusal> {
        let mut provider = self.provider(by)?;
        let known = self.workers.contains_key(&worker);
        must(!known, "Providers(WorkerExists)")?;
        must((1..=MAX_SLOTS).contains(&slots), "Providers(BadSlots)")?;
        if worker != by {
            must(consent != Consent::None, "Providers(ConsentMissing)")?;
            let fits = consent == Consent::ToThisProvider;
            must(fits, "Providers(ConsentInvalid)")?;
        }
        provider.workers += 1;
        self.providers.insert(by, provider);
        let entry = Worker {
            provider: by,
            ask,
            slots,
            open_jobs: 0,
            heard: None,
            misses: 0,
            paused_until: 0,
            convicted: false,
            offline: false,
            listed: false,
        };
        self.workers.insert(worker, entry);
        Ok(())
    }

    fn own_worker(&mut self, by: Who, worker: Who) -> Result<&mut Worker, Refusal> {
        let worker = self.workers.get_mut(&worker);
        let worker = worker.ok_or("Providers(WorkerUnknown)")?;
        must(worker.provider == by, "Providers(NotYourWorker)")?;
        Ok(worker)
    }

    pub(super) fn set_ask(&mut self, by: Who, worker: Who, ask: u128) -> Result<(), Refusal> {
        self.own_worker(by, worker)?.ask = ask;
        Ok(())
    }

    pub(super) fn deregister_worker(&mut self, by: Who, worker: Who) -> Result<(), Refusal> {
        let record = self.own_worker(by, worker)?;
        must(record.open_jobs == 0, "Providers(WorkerBusy)")?;
        self.workers.remove(&worker);
        self.provider_mut(by).workers -= 1;
        Ok(())
    }

    pub(super) fn heartbeat(&mut self, by: Who) -> Result<(), Refusal> {
        let now = self.now;
        let worker = self.workers.get_mut(&by);
        let worker = worker.ok_or("Providers(WorkerUnknown)")?;
        must(!worker.convicted, "Providers(WorkerConvicted)")?;
        let due = worker.heartbeat_is_due(now);
        must(due, "Providers(HeartbeatTooSoon)")?;
        worker.heard = Some(now);
        worker.offline = false;
        worker.list(now);
        Ok(())
    }

    pub(super) fn go_offline(&mut self, by: Who) -> Result<(), Refusal> {
        let now = self.now;
        let worker = self.workers.get_mut(&by);
        let worker = worker.ok_or("Providers(WorkerUnknown)")?;
        must(!worker.convicted, "Providers(WorkerConvicted)")?;
        must(worker.is_online(now), "Providers(WorkerOffline)")?;
        worker.offline = true;
        worker.listed = false;
        Ok(())
    }

    /// A provider of which something in the market says that it is there.
    pub(super) fn provider_mut(&mut self, who: Who) -> &mut Provider {
        self.providers.get_mut(&who).expect("it is a provider")
    }

    /// Bond that can back a job now, if the worker may get one.
    pub(super) fn idle_bond(&self, worker: &Worker) -> Option<u128> {
        let provider = self.providers.get(&worker.provider)?;
        let idle = worker.listed && worker.is_live(self.now) && provider.locks < MAX_LOCKS;
        idle.then(|| provider.free_bond())
    }

    /// Frees a lock, less what is burned of it.
    pub(super) fn unlock(&mut self, who: Who, lock: u128, burned: u128) {
        let provider = self.provider_mut(who);
        provider.locked -= lock;
        provider.locks -= 1;
        provider.bond -= burned;
        self.accounts[who].bond -= burned;
        self.burned += burned;
    }
}
