//! What reads of the chain give. Everything serialises: accounts as addresses, hashes in hex,
//! money and multiply-accumulates as decimal text, since they exceed what JSON readers can hold.

use crate::{
    disputes::Conviction,
    json::{hash, hashes, text},
    AccountId, Hash,
};
use mizan_tensor::Cost;
use serde::{Deserialize, Serialize};
use std::fmt;

mod constants;

pub use constants::{Economics, Timing};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: u64,
    /// Who posted it and pays.
    pub requester: AccountId,
    /// The program it runs.
    #[serde(with = "hash")]
    pub model: Hash,
    /// Number of items.
    pub batch: u32,
    /// Hashes of its inputs, in the program's order.
    #[serde(with = "hashes")]
    pub inputs: Vec<Hash>,
    /// Its size in multiply-accumulates.
    #[serde(with = "text")]
    pub macs: u128,
    /// Most that the requester pays for a compute unit.
    #[serde(with = "text")]
    pub price_per_unit: u128,
    /// Held on the requester's account for the payment.
    #[serde(with = "text")]
    pub held: u128,
    /// Held on the requester's account for the record.
    #[serde(with = "text")]
    pub deposit: u128,
    /// Blocks that a worker has from its assignment.
    pub duration_blocks: u32,
    /// Last block in which a worker can get it.
    pub wait_until_block: u32,
    /// The only worker that may do it.
    pub directed: Option<AccountId>,
    /// Workers that declined it or timed out.
    pub excluded: Vec<AccountId>,
    /// Providers that found its inputs missing.
    pub missing_inputs: Vec<AccountId>,
    /// Addresses of the blob servers that have its inputs and take its outputs.
    pub blob_servers: Vec<String>,
    /// Block in which the chain looks at it next.
    pub due_block: u32,
    /// Where it stands.
    #[serde(flatten)]
    pub state: JobState,
}

/// Where a job stands. Serialises with its name under `state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker.
    Open,
    /// A worker has it.
    Assigned {
        /// Who has it, on what terms.
        assignment: Assignment,
    },
    /// A result is claimed and can be challenged.
    Attested {
        /// Who had it, on what terms.
        assignment: Assignment,
        /// The claim.
        attestation: Attestation,
    },
    /// Paid and recorded in the ledger.
    Settled {
        /// Who had it, on what terms.
        assignment: Assignment,
        /// The claim.
        attestation: Attestation,
        /// Where the money went.
        settlement: Settlement,
    },
    /// Ended and refunded.
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        block: u32,
    },
    /// Its worker was convicted, and the payment given back.
    Convicted {
        /// Who had it, on what terms.
        assignment: Assignment,
        /// The claim.
        attestation: Attestation,
        /// What the conviction did.
        conviction: Conviction,
    },
    /// Its requester says that the result was not delivered: the payment was burned.
    Refused {
        /// Who had it, on what terms.
        assignment: Assignment,
        /// The claim.
        attestation: Attestation,
        /// When.
        block: u32,
    },
}

impl JobState {
    /// The state's name, as it serialises.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned { .. } => "assigned",
            Self::Attested { .. } => "attested",
            Self::Settled { .. } => "settled",
            Self::Ended { .. } => "ended",
            Self::Convicted { .. } => "convicted",
            Self::Refused { .. } => "refused",
        }
    }

    /// Who has or had the job.
    pub fn assignment(&self) -> Option<&Assignment> {
        match self {
            Self::Assigned { assignment }
            | Self::Attested { assignment, .. }
            | Self::Settled { assignment, .. }
            | Self::Convicted { assignment, .. }
            | Self::Refused { assignment, .. } => Some(assignment),
            Self::Open | Self::Ended { .. } => None,
        }
    }

    /// The claimed result.
    pub fn attestation(&self) -> Option<&Attestation> {
        match self {
            Self::Attested { attestation, .. }
            | Self::Settled { attestation, .. }
            | Self::Convicted { attestation, .. }
            | Self::Refused { attestation, .. } => Some(attestation),
            Self::Open | Self::Assigned { .. } | Self::Ended { .. } => None,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A worker's obligation to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The hot key that attests.
    pub worker: AccountId,
    /// The account that is paid and whose bond is locked.
    pub provider: AccountId,
    /// What the job will cost its requester.
    #[serde(with = "text")]
    pub payment: u128,
    /// Bond locked behind it.
    #[serde(with = "text")]
    pub lock: u128,
    /// Block of the assignment.
    pub assigned_block: u32,
    /// Last block in which an attestation counts.
    pub attest_by_block: u32,
}

/// A worker's signed claim of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Hash of each output, in the program's order.
    #[serde(with = "hashes")]
    pub outputs: Vec<Hash>,
    /// Hash of the trace.
    #[serde(with = "hash")]
    pub trace: Hash,
    /// Block of the attestation.
    pub attested_block: u32,
    /// First block in which the job can settle.
    pub settles_block: u32,
}

/// Where the money of a settled job went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// What the requester paid.
    #[serde(with = "text")]
    pub payment: u128,
    /// What the provider got of it.
    #[serde(with = "text")]
    pub worker_paid: u128,
    /// What auditors got of it.
    #[serde(with = "text")]
    pub auditors_paid: u128,
    /// What was burned of it.
    #[serde(with = "text")]
    pub burned: u128,
    /// What was minted to the provider on top.
    #[serde(with = "text")]
    pub minted: u128,
    /// Whether it was audited.
    pub audit: AuditOutcome,
    /// Block of the settlement.
    pub settled_block: u32,
}

/// Whether a job that settled was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// No audit was drawn.
    NotDrawn,
    /// An auditor checked it and passed it.
    Passed,
    /// An audit was drawn, and a verdict that counts is missing: nothing was minted.
    Unaudited,
}

/// Why a job ended without a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its requester cancelled it before a worker had it.
    Cancelled,
    /// No worker took it while it waited.
    Expired,
    /// Three providers could not fetch its inputs.
    InputsUnavailable,
    /// Too many workers declined it or timed out, or the only one that may do it did.
    TooManyMisses,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelView {
    /// Its id.
    #[serde(with = "hash")]
    pub id: Hash,
    /// Who registered it.
    pub owner: AccountId,
    /// What it cost to register, held on the owner's account.
    #[serde(with = "text")]
    pub deposit: u128,
    /// Largest batch of a job.
    pub max_batch: u32,
    /// Number of inputs.
    pub inputs: u32,
    /// Number of outputs.
    pub outputs: u32,
    /// What its jobs cost.
    #[serde(serialize_with = "cost")]
    pub cost: Cost,
}

/// Who lends hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    /// The account.
    pub account: AccountId,
    /// Held on it as collateral.
    #[serde(with = "text")]
    pub bond: u128,
    /// Part of the bond that backs jobs.
    #[serde(with = "text")]
    pub locked: u128,
    /// Number of jobs that it backs.
    pub locks: u32,
    /// Number of its workers.
    pub workers: u32,
}

impl ProviderView {
    /// Bond that backs no job.
    pub fn free_bond(&self) -> u128 {
        self.bond.saturating_sub(self.locked)
    }
}

/// A daemon on a provider's hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerView {
    /// Its hot key.
    pub account: AccountId,
    /// Who owns it and is paid.
    pub provider: AccountId,
    /// Least price per compute unit.
    #[serde(with = "text")]
    pub ask: u128,
    /// Jobs that it can do at once.
    pub slots: u32,
    /// Jobs that it has now.
    pub open_jobs: u32,
    /// Block of its last heartbeat.
    pub heard_block: Option<u32>,
    /// Declines and timeouts since the last settled job.
    pub misses: u32,
    /// First block in which it may get a job again.
    pub paused_until_block: u32,
    /// Whether it was convicted: then it gets no more jobs.
    pub convicted: bool,
    /// Whether it said, since its last heartbeat, that it takes no jobs.
    pub offline: bool,
}

/// What an account owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountBalance {
    /// What it can spend, less what keeps the account alive.
    #[serde(with = "text")]
    pub free: u128,
    /// What is held, and why.
    #[serde(serialize_with = "holds")]
    pub held: Vec<(String, u128)>,
    /// Both together.
    #[serde(with = "text")]
    pub total: u128,
}

impl AccountBalance {
    /// What is held for that reason, such as `providers.bond`.
    pub fn held_for(&self, reason: &str) -> u128 {
        let of_reason = self.held.iter().filter(|(name, _)| name == reason);
        of_reason.map(|(_, amount)| *amount).sum()
    }
}

/// What a provider contributed, in an era or ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Multiply-accumulates of settled jobs.
    #[serde(with = "text")]
    pub settled_macs: u128,
    /// Those of them whose requester named the worker.
    #[serde(with = "text")]
    pub directed_macs: u128,
    /// Number of settled jobs.
    pub jobs: u64,
    /// Tokens that were burned of the payments for them.
    #[serde(with = "text")]
    pub burned: u128,
    /// Number of convictions.
    pub convictions: u32,
    /// Verdicts as an auditor on jobs that settled.
    pub audits: u64,
}

fn holds<S: serde::Serializer>(held: &[(String, u128)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        held.iter()
            .map(|(reason, amount)| (reason, amount.to_string())),
    )
}

fn cost<S: serde::Serializer>(cost: &Cost, serializer: S) -> Result<S::Ok, S::Error> {
    let fields = [
        ("item_macs", cost.item_macs),
        ("item_input_bytes", cost.item_input_bytes),
        ("item_trace_bytes", cost.item_trace_bytes),
        ("item_output_bytes", cost.item_output_bytes),
        ("parameter_bytes", cost.parameter_bytes),
        ("opening_bytes", cost.opening_bytes),
    ];
    serializer.collect_map(fields)
}
