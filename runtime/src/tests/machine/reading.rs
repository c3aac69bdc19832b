//! What the chain says, in the model's words.

use super::audits_on_chain::{assert_audits_are_listed, read_audit, read_auditors};
use super::cases::{Case, Demand};
use super::market::{Assignment, Contribution, Job, Market, Offer, State, Who, ACTORS};
use super::money::Account;
use super::notes::read_history;
use super::on_chain::{account, Chain, GENESIS};
use super::results::{Fault, Work, FAULTS};
use super::workforce::{Provider, Worker};
use crate::tests::chain::*;
use crate::{AccountId, Balances, Beacon, Runtime, RuntimeHoldReason};
use mizan_protocol::jobs::JobState;
use polkadot_sdk::*;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn who(of: &AccountId) -> Who {
    let found = (0..ACTORS.len()).find(|who| account(*who) == *of);
    found.unwrap_or_else(|| panic!("{of:?} is no actor"))
}

/// The chain is where the model is, to the last unit, and no token is unaccounted for.
pub(super) fn assert_same(chain: &Chain, model: &Market) {
    let read = chain.read(model);
    assert_eq!(read.now, model.now, "block");
    assert_eq!(Beacon::latest(), model.beacon(), "beacon");
    assert_eq!(read.outputs, model.outputs, "outputs of the beacon");
    assert_eq!(read.slots, model.slots, "slots of blocks");
    assert_eq!(read.accounts, model.accounts, "balances");
    let sums = |market: &Market| (market.minted, market.burned, market.next_job);
    assert_eq!(sums(&read), sums(model), "minted, burned, next job");
    assert_eq!(read.providers, model.providers, "providers");
    assert_eq!(read.workers, as_visible(model), "workers");
    assert_eq!(read.jobs, model.jobs, "jobs");
    assert_eq!(read.time, model.time, "dispute time");
    assert_eq!(read.auditors, model.auditors, "auditors");
    assert_eq!(read.cases, model.cases, "cases, demands and audits");
    assert_audits_are_listed(model);
    assert_eq!(read.refusals, model.refusals, "refused deliveries");
    assert_eq!(read_backed(), backed(model), "jobs by the bond behind them");
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
        Market {
            now: now(),
            crowded: model.crowded,
            time: pallet_disputes::Time::<Runtime>::get(),
            full: model.full,
            outputs: pallet_beacon::Outputs::<Runtime>::iter().collect(),
            slots: pallet_beacon::Slots::<Runtime>::iter().collect(),
            accounts: ACTORS.map(read_account),
            minted: pallet_rewards::Minted::<Runtime>::get(),
            burned: pallet_rewards::Burned::<Runtime>::get(),
            providers: read_providers(),
            workers: read_workers(),
            jobs: pallet_jobs::Jobs::<Runtime>::iter()
                .map(|(id, job)| (id, self.read_job(id, job)))
                .collect(),
            next_job: pallet_jobs::NextJobId::<Runtime>::get(),
            cases: pallet_disputes::Cases::<Runtime>::iter()
                .map(|(id, case)| (id, read_case(id, case)))
                .collect(),
            auditors: read_auditors(),
            refusals: pallet_jobs::Refusals::<Runtime>::iter()
                .map(|(account, count)| (who(&account), count))
                .collect(),
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
        let work = |fault| Work {
            model,
            batch: job.batch,
            fault,
        };
        assert_eq!(job.inputs.to_vec(), work(Fault::None).names().inputs);
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
            state: read_state(job.state, work),
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
        demands: hold(pallet_disputes::HoldReason::Demand.into()),
        auditor_bond: hold(pallet_disputes::HoldReason::AuditorBond.into()),
        order: hold(pallet_disputes::HoldReason::AuditOrder.into()),
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
                convicted: worker.convicted,
                offline: worker.offline,
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
        convictions: entry.convictions,
        audits: entry.audits,
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

/// What is kept of a claimed result.
fn read_case(id: u64, case: pallet_disputes::Case) -> Case {
    let demands = pallet_disputes::Demands::<Runtime>::iter_prefix(id);
    let demands = demands.map(|(number, demand)| {
        let read = Demand {
            demander: who(&demand.demander),
            request: demand.request,
            deposit: demand.deposit,
            own: demand.own,
            by_auditor: demand.by_auditor,
            answer_by: demand.answer_by_time,
        };
        (u32::from_be_bytes(number), read)
    });
    match pallet_jobs::Jobs::<Runtime>::get(id).map(|job| job.state) {
        Some(JobState::Attested(given, _)) => {
            assert_eq!(case.assigned_block_hash, block_hash(given.assigned_block));
        }
        state => panic!("no result can be challenged: {state:?}"),
    }
    Case {
        ends: case.challenge_ends_time,
        settles: case.settles_time,
        late: case.late_demands,
        next: case.next_demand,
        demands: demands.collect(),
        audit: read_audit(id),
    }
}

/// The jobs that a provider's bond backs.
fn backed(model: &Market) -> BTreeSet<(Who, u64)> {
    let jobs = model.jobs.iter();
    let backed = jobs.filter_map(|(id, job)| match &job.state {
        State::Assigned(by) | State::Attested { by, .. } => Some((by.provider, *id)),
        _ => None,
    });
    backed.collect()
}

fn read_backed() -> BTreeSet<(Who, u64)> {
    let listed = pallet_jobs::BackedJobs::<Runtime>::iter_keys();
    listed.map(|(account, id)| (who(&account), id)).collect()
}

fn read_state(state: JobState<AccountId>, work: impl Fn(Fault) -> Work) -> State {
    let fault = |claim: &mizan_protocol::jobs::Attestation| {
        let fits = |fault: &Fault| {
            let names = work(*fault).names();
            (claim.trace, claim.outputs.to_vec()) == (names.trace, names.outputs.clone())
        };
        let fault = FAULTS.into_iter().find(fits);
        fault.expect("it is one of the results that are claimed")
    };
    match state {
        JobState::Open => State::Open,
        JobState::Assigned(given) => State::Assigned(read_assignment(&given)),
        JobState::Attested(given, claim) => State::Attested {
            by: read_assignment(&given),
            fault: fault(&claim),
            attested: claim.attested_block,
            settles: claim.settles_block,
        },
        JobState::Settled(given, claim, settled) => {
            assert_eq!(settled.payment, given.payment);
            State::Settled {
                by: read_assignment(&given),
                fault: fault(&claim),
                worker_paid: settled.worker_paid,
                auditors_paid: settled.auditors_paid,
                burned: settled.burned,
                minted: settled.minted,
                audit: settled.audit,
                settled: settled.settled_block,
            }
        }
        JobState::Ended { reason, block } => State::Ended(reason, block),
        JobState::Convicted(given, claim, conviction) => State::Convicted {
            by: read_assignment(&given),
            fault: fault(&claim),
            grounds: conviction.grounds,
            challenger: conviction.challenger.as_ref().map(who),
            rewarded: conviction.rewarded,
            burned: conviction.burned,
            refunded: conviction.refunded,
            convicted: conviction.convicted_block,
        },
        JobState::Refused(given, claim, refused) => State::Refused {
            by: read_assignment(&given),
            fault: fault(&claim),
            refused,
        },
    }
}
