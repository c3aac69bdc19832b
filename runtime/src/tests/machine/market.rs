//! The model: the whole market as plain values, without FRAME.
//!
//! It says what each act does and which are refused, in far fewer words than the pallets: no
//! storage, no weights, no lists kept beside the records.

use super::auditors::Auditor;
use super::cases::Case;
use super::money::Account;
use super::results::{Fault, Work};
use super::sending::Told;
use super::workforce;
use crate::tests::chain::FIRST_SLOT;
use mizan_protocol::{
    explain::{Rule, Units},
    jobs::{AuditOutcome, EndReason, Grounds},
    Slot, UNIT,
};
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring;
use std::collections::BTreeMap;

/// Who takes part. Each can be requester, provider and worker.
pub(super) const ACTORS: [Sr25519Keyring; 5] = [
    Sr25519Keyring::Bob,
    Sr25519Keyring::Charlie,
    Sr25519Keyring::Dave,
    Sr25519Keyring::Eve,
    Sr25519Keyring::Ferdie,
];

/// One of [`ACTORS`], by its place.
pub(super) type Who = usize;

/// Short periods, so that few steps see all of them pass.
pub(super) mod periods {
    pub(crate) const CHALLENGE: u32 = 5;
    pub(crate) const ANSWER: u32 = 4;
    pub(crate) const DRAW_DELAY: u32 = 2;
    pub(crate) const AUDIT: u32 = 5;
    pub(crate) const DECLINE: u32 = 2;
    pub(crate) const MIN_DURATION: u32 = 4;
    pub(crate) const MAX_DURATION: u32 = 12;
    pub(crate) const MAX_WAIT: u32 = 20;
    pub(crate) const HEARTBEAT: u32 = 5;
    pub(crate) const LIVENESS: u32 = 9;
    pub(crate) const BACK_OFF: u32 = 1;
    pub(crate) const ERA: u32 = 15;
    pub(crate) const RETENTION_ERAS: u32 = 2;
}

/// What is known of a program.
pub(super) struct Facts {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) item_macs: u128,
    /// Of one item of each input.
    pub(super) input_bytes: &'static [u64],
    pub(super) parameter_bytes: &'static [u64],
    /// Of one item of what each operation gives. Each is an output, in the same order.
    pub(super) operation_bytes: &'static [u64],
}

impl Facts {
    /// Of one item of all inputs and operations.
    pub(super) fn item_bytes(&self) -> u64 {
        let tensors = self.input_bytes.iter().chain(self.operation_bytes);
        tensors.sum()
    }
}

/// A small program, and one whose full batch is four compute units.
pub(super) const PROGRAMS: [Facts; 2] = [
    Facts {
        inputs: 1,
        outputs: 1,
        item_macs: 3 * 8,
        input_bytes: &[8],
        parameter_bytes: &[3 * 8, 3 * 16],
        operation_bytes: &[3],
    },
    Facts {
        inputs: 2,
        outputs: 2,
        item_macs: 1_024 * 1_024 + 3 * 8,
        input_bytes: &[1_024, 8],
        parameter_bytes: &[1_024 * 1_024, 1_024 * 16, 3 * 8, 3 * 16],
        operation_bytes: &[1_024, 3],
    },
];

/// The largest batch of both.
pub(super) const MAX_BATCH: u32 = 4_096;

/// Why an act is refused, as the chain's error prints.
pub(super) type Refusal = &'static str;

/// What a requester asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) model: usize,
    pub(super) batch: u32,
    pub(super) inputs: usize,
    pub(super) price: u128,
    pub(super) duration: u32,
    pub(super) wait: u32,
    pub(super) worker: Option<Who>,
    pub(super) servers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) worker: Who,
    pub(super) provider: Who,
    pub(super) payment: u128,
    pub(super) lock: u128,
    pub(super) assigned: u32,
    pub(super) attest_by: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Assigned(Assignment),
    Attested {
        by: Assignment,
        fault: Fault,
        attested: u32,
        settles: u32,
    },
    Settled {
        by: Assignment,
        fault: Fault,
        worker_paid: u128,
        auditors_paid: u128,
        burned: u128,
        minted: u128,
        audit: AuditOutcome,
        settled: u32,
    },
    Ended(EndReason, u32),
    Convicted {
        by: Assignment,
        fault: Fault,
        grounds: Grounds,
        challenger: Option<Who>,
        rewarded: u128,
        burned: u128,
        refunded: u128,
        convicted: u32,
    },
    Refused {
        by: Assignment,
        fault: Fault,
        refused: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) requester: Who,
    pub(super) offer: Offer,
    pub(super) macs: u128,
    pub(super) held: u128,
    pub(super) deposit: u128,
    pub(super) wait_until: u32,
    pub(super) excluded: Vec<Who>,
    pub(super) missing: Vec<Who>,
    pub(super) state: State,
    pub(super) due: u32,
    pub(super) history: Vec<(u32, Rule<Who>)>,
}

impl Job {
    /// Whether money is held for it.
    pub(super) fn is_unfinished(&self) -> bool {
        matches!(
            self.state,
            State::Open | State::Assigned(_) | State::Attested { .. }
        )
    }

    /// What its worker does, with that fault.
    pub(super) fn work(&self, fault: Fault) -> Work {
        Work {
            model: self.offer.model,
            batch: self.offer.batch,
            fault,
        }
    }

    /// The result that its worker claims, while that can be challenged.
    pub(super) fn claim(&self) -> Option<Work> {
        match self.state {
            State::Attested { fault, .. } => Some(self.work(fault)),
            _ => None,
        }
    }

    /// Whether that worker has it.
    pub(super) fn is_given_to(&self, worker: Who) -> bool {
        matches!(&self.state, State::Assigned(given) if given.worker == worker)
    }
}

/// What a provider contributed in an era.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contribution {
    pub(super) settled: u128,
    pub(super) directed: u128,
    pub(super) jobs: u64,
    pub(super) burned: u128,
    pub(super) convictions: u32,
    pub(super) audits: u64,
}

/// Everything that is so at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Market {
    pub(super) now: u32,
    /// Whether this block's hooks had no room for jobs: what is due waits for the block's end.
    pub(super) crowded: bool,
    /// Blocks so far that had room for a fraud proof to the end; this one is not over.
    pub(super) time: u32,
    /// Whether this block has no such room.
    pub(super) full: bool,
    /// The beacon's output of each block before this one.
    pub(super) outputs: BTreeMap<u32, [u8; 32]>,
    /// The slot of each block but the genesis block, and of this one.
    pub(super) slots: BTreeMap<u32, Slot>,
    pub(super) accounts: [Account; ACTORS.len()],
    pub(super) minted: u128,
    pub(super) burned: u128,
    pub(super) providers: BTreeMap<Who, workforce::Provider>,
    pub(super) workers: BTreeMap<Who, workforce::Worker>,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) next_job: u64,
    pub(super) cases: BTreeMap<u64, Case>,
    /// In the order of their places.
    pub(super) auditors: Vec<Auditor>,
    /// How many deliveries each had a part in that were refused.
    pub(super) refusals: BTreeMap<Who, u32>,
    pub(super) eras: BTreeMap<(u32, Who), Contribution>,
    pub(super) units: BTreeMap<Who, Units>,
    /// What the last act told.
    pub(super) told: Vec<Told>,
}

/// Refuses unless the condition holds.
pub(super) fn must(condition: bool, refusal: Refusal) -> Result<(), Refusal> {
    condition.then_some(()).ok_or(refusal)
}

impl Market {
    /// The first block, in which each actor has this much.
    pub(super) fn with_wealth(wealth: [u128; ACTORS.len()]) -> Self {
        let mut market = Self {
            now: 0,
            crowded: false,
            time: 0,
            full: false,
            outputs: BTreeMap::new(),
            slots: BTreeMap::new(),
            accounts: wealth.map(Account::with),
            minted: 0,
            burned: 0,
            providers: BTreeMap::new(),
            workers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            next_job: 0,
            cases: BTreeMap::new(),
            auditors: Vec::new(),
            refusals: BTreeMap::new(),
            eras: BTreeMap::new(),
            units: BTreeMap::new(),
            told: Vec::new(),
        };
        market.start_block(FIRST_SLOT);
        market
    }

    /// Ends this block, leaves so many slots empty, and begins the next block.
    pub(super) fn pass_over(&mut self, empty: Slot) {
        self.end_block();
        self.start_block(self.slot() + empty + 1);
    }

    /// Ends this block and begins one whose hooks have no room for jobs.
    pub(super) fn pass_into_crowded_block(&mut self) {
        self.end_block();
        self.next_number(self.slot() + 1);
        self.crowded = true;
    }

    fn end_block(&mut self) {
        self.told.clear();
        self.time += u32::from(!self.full);
        self.full = false;
        // In a block with room nothing is due any more at its end.
        self.do_what_is_due();
    }

    fn start_block(&mut self, slot: Slot) {
        self.next_number(slot);
        self.crowded = false;
        self.do_what_is_due();
        self.match_open_jobs();
        self.make_draws();
    }

    /// Counts the block and mixes the beacon of its parent, which carried no VRF output.
    fn next_number(&mut self, slot: Slot) {
        let parent = self.now;
        let mut mixed = self.beacon().to_vec();
        mixed.extend(parent.to_le_bytes());
        let output = sp_io::hashing::blake2_256(&mixed);
        self.outputs.insert(parent, output);
        self.now += 1;
        self.slots.insert(self.now, slot);
    }

    /// The slot of this block.
    pub(super) fn slot(&self) -> Slot {
        self.slots[&self.now]
    }

    /// The first block at or after a slot, if that is finished.
    pub(super) fn first_since(&self, slot: Slot) -> Option<u32> {
        let mut since = self.slots.iter().filter(|(_, of_block)| **of_block >= slot);
        let (block, _) = since.next()?;
        (*block < self.now).then_some(*block)
    }

    /// The newest output, that of the parent block.
    pub(super) fn beacon(&self) -> [u8; 32] {
        let newest = self.outputs.last_key_value();
        newest.map_or([0; 32], |(_, output)| *output)
    }

    /// What can leave an account that must stay.
    pub(super) fn spendable(&self, who: Who) -> u128 {
        self.accounts[who].spendable()
    }

    /// All money of all actors.
    pub(super) fn wealth(&self) -> u128 {
        self.accounts.iter().map(Account::total).sum()
    }
}

/// What the smallest job costs and more.
pub(super) const A_LITTLE: u128 = UNIT / 2;
