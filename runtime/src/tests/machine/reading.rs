//! What the chain says, in the model's words.

use super::market::{Assignment, Contribution, Job, Market, Offer, State, Who, ACTORS, PROGRAMS};
use super::money::Account;
use super::on_chain::{account, Chain, GENESIS, INPUT, OUTPUT, TRACE};
use super::workforce::{Provider, Worker};
use crate::tests::chain::*;
use crate::{AccountId, Balances, Beacon, Runtime, RuntimeHoldReason};
use mizan_protocol::{
    explain::{History, Rule},
    jobs::JobState,
};
use polkadot_sdk::*;
use std::collections::BTreeMap;

fn who(of: &AccountId) -> Who {
    let found = (0..ACTORS.len()).find(|who| account(*who) == *of);
    found.unwrap_or_else(|| panic!("{of:?} is no actor"))
}

/// The chain is where the model is, to the last unit, and no token is unaccounted for.
pub(super) fn assert_same(chain: &Chain, model: &Market) {
    let read = chain.read(model);
    assert_eq!(read.now, model.now, "block");
    assert_eq!(read.beacon, model.beacon, "beacon");
    assert_eq!(read.accounts, model.accounts, "balances");
    let sums = |market: &Market| (market.minted, market.burned, market.next_job);
    assert_eq!(sums(&read), sums(model), "minted, burned, next job");
    assert_eq!(read.providers, model.providers, "providers");
    assert_eq!(read.workers, as_visible(model), "workers");
    assert_eq!(read.jobs, model.jobs, "jobs");
    assert_eq!(read.eras, model.eras, "contributions");
    assert_eq!(read.units, model.units, "units");
    assert_every_token_is_accounted_for(model);
}

/// The chain drops silent workers from its list when it comes across them, the model never: only
/// live ones count.
fn as_visible(model: &Market) -> BTreeMap<Who, Worker> {
    let mut workers = model.workers.clone();
    for worker in workers.values_mut() {
        worker.listed &= worker.is_live(model.now);
    }
    workers
}

fn assert_every_token_is_accounted_for(model: &Market) {
    let issuance = Balances::total_issuance();
    assert_eq!(issuance, model.issuance(), "issuance");
    let opened_with = pallet_rewards::GenesisIssuance::<Runtime>::get();
    assert_eq!(opened_with, GENESIS, "issuance at genesis");
    let mut sum = 0;
    for (who, info) in frame_system::Account::<Runtime>::iter() {
        let holds = pallet_balances::Holds::<Runtime>::get(&who);
        let held: u128 = holds.iter().map(|hold| hold.amount).sum();
        assert_eq!(info.data.reserved, held, "what is held of {who:?}");
        sum += info.data.free + info.data.reserved;
    }
    assert_eq!(sum, issuance, "all accounts together");
    // Alice takes no part.
    assert_eq!(wealth(Alice), issuance - model.wealth(), "the rest");
}

impl Chain {
    /// Everything but what only the model knows.
    fn read(&self, model: &Market) -> Market {
        let outputs = pallet_beacon::Outputs::<Runtime>::iter_keys().count();
        assert_eq!(outputs, model.now as usize, "outputs of the beacon");
        Market {
            now: now(),
            crowded: model.crowded,
            beacon: Beacon::latest(),
            accounts: ACTORS.map(read_account),
            minted: pallet_rewards::Minted::<Runtime>::get(),
            burned: pallet_rewards::Burned::<Runtime>::get(),
            providers: read_providers(),
            workers: read_workers(),
            jobs: pallet_jobs::Jobs::<Runtime>::iter()
                .map(|(id, job)| (id, self.read_job(id, job)))
                .collect(),
            next_job: pallet_jobs::NextJobId::<Runtime>::get(),
            eras: pallet_contributions::Eras::<Runtime>::iter()
                .map(|(era, provider, entry)| ((era, who(&provider)), contribution(&entry)))
                .collect(),
            units: pallet_jobs::UnitsOf::<Runtime>::iter()
                .map(|(provider, units)| (who(&provider), units))
                .collect(),
            told: model.told.clone(),
        }
    }

    fn read_job(&self, id: u64, job: mizan_protocol::jobs::Job<AccountId>) -> Job {
        let history = read_history(pallet_jobs::Histories::<Runtime>::get(id));
        let model = self.programs.iter().position(|id| *id == job.model);
        let model = model.expect("the model is one of the two");
        assert!(job.inputs.iter().all(|input| *input == INPUT));
        let posted = history.first().expect("it was posted").0;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is ASCII");
        Job {
            requester: who(&job.requester),
            offer: Offer {
                model,
                batch: job.batch,
                inputs: job.inputs.len(),
                price: job.price_per_unit,
                duration: job.duration_blocks,
                wait: job.wait_until_block - posted,
                worker: job.directed.as_ref().map(who),
                servers: job.blob_servers.iter().map(|at| text(at)).collect(),
            },
            macs: job.macs,
            held: job.held,
            deposit: job.deposit,
            wait_until: job.wait_until_block,
            excluded: job.excluded.iter().map(who).collect(),
            missing: job.missing_inputs.iter().map(who).collect(),
            state: read_state(job.state, PROGRAMS[model].outputs),
            due: job.due_block,
            history,
        }
    }
}

fn read_account(actor: sp_keyring::Sr25519Keyring) -> Account {
    let hold = |reason: RuntimeHoldReason| held(actor, reason);
    Account {
        free: free(actor),
        bond: hold(pallet_providers::HoldReason::Bond.into()),
        payment: hold(pallet_jobs::HoldReason::Payment.into()),
        deposit: hold(pallet_jobs::HoldReason::Deposit.into()),
    }
}

fn read_providers() -> BTreeMap<Who, Provider> {
    pallet_providers::Providers::<Runtime>::iter()
        .map(|(account, provider)| {
            let read = Provider {
                bond: provider.bond,
                locked: provider.locked,
                locks: provider.locks,
                workers: provider.workers,
            };
            (who(&account), read)
        })
        .collect()
}

fn read_workers() -> BTreeMap<Who, Worker> {
    pallet_providers::Workers::<Runtime>::iter()
        .map(|(account, worker)| {
            let place = worker.ask.to_be_bytes();
            let mut read = Worker {
                provider: who(&worker.provider),
                ask: worker.ask,
                slots: worker.slots,
                open_jobs: worker.open_jobs,
                heard: worker.heard_block,
                misses: worker.misses,
                paused_until: worker.paused_until_block,
                listed: pallet_providers::Idle::<Runtime>::contains_key(place, &account),
            };
            read.listed &= read.is_live(now());
            (who(&account), read)
        })
        .collect()
}

fn contribution(entry: &pallet_contributions::Contribution) -> Contribution {
    Contribution {
        settled: entry.settled_macs,
        directed: entry.directed_macs,
        jobs: entry.jobs,
        burned: entry.burned,
    }
}

fn read_assignment(given: &mizan_protocol::jobs::Assignment<AccountId>) -> Assignment {
    Assignment {
        worker: who(&given.worker),
        provider: who(&given.provider),
        payment: given.payment,
        lock: given.lock,
        assigned: given.assigned_block,
        attest_by: given.attest_by_block,
    }
}

fn read_state(state: JobState<AccountId>, outputs: usize) -> State {
    let check = |claim: &mizan_protocol::jobs::Attestation| {
        assert_eq!(claim.trace, TRACE);
        assert_eq!(claim.outputs.to_vec(), vec![OUTPUT; outputs]);
    };
    match state {
        JobState::Open => State::Open,
        JobState::Assigned(given) => State::Assigned(read_assignment(&given)),
        JobState::Attested(given, claim) => {
            check(&claim);
            State::Attested {
                by: read_assignment(&given),
                outputs: claim.outputs.len(),
                attested: claim.attested_block,
                settles: claim.settles_block,
            }
        }
        JobState::Settled(given, claim, settled) => {
            check(&claim);
            assert_eq!(settled.payment, given.payment);
            State::Settled {
                by: read_assignment(&given),
                worker_paid: settled.worker_paid,
                burned: settled.burned,
                minted: settled.minted,
                settled: settled.settled_block,
            }
        }
        JobState::Ended { reason, block } => State::Ended(reason, block),
    }
}

fn read_history(history: History<AccountId>) -> Vec<(u32, Rule<Who>)> {
    let notes = history.into_iter();
    notes
        .map(|note| (note.block, read_rule(note.rule)))
        .collect()
}

fn read_rule(rule: Rule<AccountId>) -> Rule<Who> {
    match rule {
        Rule::Posted { held, deposit } => Rule::Posted { held, deposit },
        Rule::Assigned {
            worker,
            provider,
            payment,
            lock,
            attest_by_block,
        } => Rule::Assigned {
            worker: who(&worker),
            provider: who(&provider),
            payment,
            lock,
            attest_by_block,
        },
        Rule::Declined {
            worker,
            provider,
            reason,
            paused_until_block,
        } => Rule::Declined {
            worker: who(&worker),
            provider: who(&provider),
            reason,
            paused_until_block,
        },
        Rule::TimedOut {
            worker,
            provider,
            burned,
            paused_until_block,
        } => Rule::TimedOut {
            worker: who(&worker),
            provider: who(&provider),
            burned,
            paused_until_block,
        },
        Rule::Attested {
            worker,
            provider,
            returned,
            settles_block,
        } => Rule::Attested {
            worker: who(&worker),
            provider: who(&provider),
            returned,
            settles_block,
        },
        Rule::Settled {
            provider,
            payment,
            worker_paid,
            burned,
            minted,
        } => Rule::Settled {
            provider: who(&provider),
            payment,
            worker_paid,
            burned,
            minted,
        },
        Rule::Ended {
            reason,
            refunded,
            burned,
        } => Rule::Ended {
            reason,
            refunded,
            burned,
        },
    }
}
