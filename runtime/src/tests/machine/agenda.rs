//! What the model does by itself in a block: what is due, and finding workers for open jobs.

use super::cases::Due;
use super::market::{Assignment, Market, State, Who, ACTORS};
use super::money::{lock, payment, MIN_PRICE};
use super::results::Fault;
use mizan_protocol::{
    explain::Rule,
    jobs::{EndReason, Grounds},
};
use polkadot_sdk::*;
use sp_io::hashing::{blake2_256, twox_64};

impl Market {
    /// Does what is due, one after the other: a conviction moves other jobs to the next block.
    pub(super) fn do_what_is_due(&mut self) {
        while let Some(id) = self.next_due() {
            match self.jobs[&id].state.clone() {
                State::Open => self.end(id, EndReason::Expired),
                State::Assigned(given) if self.now <= given.attest_by => self.recall(id, given),
                State::Assigned(given) => self.time_out(id, given),
                State::Attested { by, fault, .. } => self.look_at(id, by, fault),
                State::Settled { .. }
                | State::Ended(..)
                | State::Convicted { .. }
                | State::Refused { .. } => drop(self.jobs.remove(&id)),
            }
        }
    }

    /// Within a block the chain goes by the hashes of the ids: a settlement before a timeout of the
    /// same worker leaves another count of misses than after it.
    fn next_due(&self) -> Option<u64> {
        let due = self.jobs.iter().filter(|(_, job)| job.due <= self.now);
        let first = due.min_by_key(|(id, job)| (job.due, twox_64(&id.to_le_bytes()), **id));
        first.map(|(id, _)| *id)
    }

    fn look_at(&mut self, id: u64, by: Assignment, fault: Fault) {
        // Silence is judged before anything else.
        if !matches!(self.due(id), Due::Convict(_)) {
            self.advance_audit(id);
        }
        match self.due(id) {
            Due::Settle => self.settle(id, by, fault),
            Due::Convict(request) => self.convict(id, Grounds::Unanswered(request), None),
            Due::Wait(block) => self.job_mut(id).due = block.max(self.now + 1),
        }
    }

    pub(super) fn match_open_jobs(&mut self) {
        let open = self.jobs.iter().filter(|(_, job)| job.state == State::Open);
        let open: Vec<_> = open.map(|(id, _)| *id).collect();
        for id in open {
            self.look_for_worker(id);
        }
    }

    /// Gives the job to the idle worker with the lowest ask whose bond covers the lock. Among
    /// equal asks the lowest hash of beacon, job and worker decides.
    pub(super) fn look_for_worker(&mut self, id: u64) {
        let (job, now) = (&self.jobs[&id], self.now);
        let fitting = self.workers.iter().filter_map(|(who, worker)| {
            let free_bond = self.idle_bond(worker)?;
            let named = job.offer.worker.is_none_or(|named| named == *who);
            let wanted = named && !job.excluded.contains(who) && worker.ask <= job.offer.price;
            let payment = payment(worker.ask.max(MIN_PRICE), job.macs)?.min(job.held);
            let lock = lock(payment)?;
            (wanted && lock <= free_bond).then_some((worker.ask, *who, payment, lock))
        });
        let Some((_, worker, payment, lock)) =
            fitting.min_by_key(|(ask, who, ..)| (*ask, self.tie_break(id, *who)))
        else {
            return;
        };
        let provider = self.workers[&worker].provider;
        let attest_by = now + job.offer.duration;
        let given = Assignment {
            worker,
            provider,
            payment,
            lock,
            assigned: now,
            attest_by,
        };
        let rule = Rule::Assigned {
            worker,
            provider,
            payment,
            lock,
            attest_by_block: attest_by,
        };
        let backing = self.provider_mut(provider);
        backing.locked += lock;
        backing.locks += 1;
        let busy = self.workers.get_mut(&worker);
        busy.expect("it was just found").begin();
        self.note(id, rule);
        let job = self.job_mut(id);
        job.due = attest_by + 1;
        job.state = State::Assigned(given);
    }

    fn tie_break(&self, id: u64, worker: Who) -> [u8; 32] {
        let mut subject = self.beacon().to_vec();
        subject.extend(id.to_le_bytes());
        subject.extend(ACTORS[worker].to_raw_public());
        blake2_256(&subject)
    }
}
