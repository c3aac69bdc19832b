//! The auditor: checks results for which the chain drew its account, and gives a verdict.
//!
//! # Overview
//! An auditor has a bond. The chain draws it for a claimed result, with a seed that nobody knew
//! when the result was claimed, and locks a part of the bond. It looks at what the seed says and
//! passes the result, or proves it wrong; without a verdict in time it loses a tenth of the lock.
//! It acts on the newest block: time is short, and whoever acts early does no harm.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`subject`] | a claimed result, and how much of it is looked at |
//! | [`slices`] | bytes of blobs with the hashes that prove them |
//! | [`gathering`] | getting them, from whoever has them |
//! | [`servers`] | the folder of blobs and the blob servers as such a source |
//! | [`sampled`], [`full`] | the two ways to check a result, without chain and network |
//! | [`holding`] | all blobs of a job |
//! | [`parts`] | a full check of a job that is larger than the memory for it |
//! | [`advice`] | a worker's accumulators, from blob servers |
//! | [`choosing`] | what fits memory and time, and what costs less |
//! | [`receipts`] | what proves that a result was looked at |
//! | [`demanding`] | making the worker give what nobody has |
//! | [`verdicts`] | telling the chain |
//! | [`duties`] | what there is to do |
//! | [`work`] | one step for one job |
//! | [`housekeeping`] | removing blobs that no audit needs any more |
//! | [`follow`] | the connection, and steps for all jobs |
//!
//! # Steps in the log
//! Each line about a job has the fields `job` and `step`:
//!
//! | `step` | what is true when the line is written |
//! | --- | --- |
//! | `drawn` | the chain has drawn this auditor; checking begins |
//! | `demanding` | the worker must give what nobody has, or be convicted by silence |
//! | `answered` | it gave it |
//! | `checked` | all of the result was looked at, `form` says how: `executed`, or with `advice` |
//! | `proving`, `proved` | something is wrong; the chain took the proof |
//! | `passed` | a block has the verdict that nothing is wrong |
//! | `withheld` | a block has the verdict that not all could be had |
//! | `doubted` | the receipt of the pass before is another than it must be: it is demanded |
//! | `opened` | a receipt of this auditor's own that was demanded is opened |
//! | `over` | the chain wants nothing more of this auditor for the job |
//! | `failed` | the attempt failed for the `reason` given; another follows |
//!
//! # Goals
//! - A proof is sent only after the chain's own referee, run here, convicts by it. Nothing else
//!   speaks against a worker.
//! - What was passed can be shown: what a receipt was made of is kept, with its proofs, until the
//!   job has ended.
//! - Killed at any moment, it goes on from what the chain says.
//!
//! # Non-goals
//! Registering (`mizan auditor register`), auditing what it was not drawn for, serving blobs.
//!
//! # Assumptions
//! The node is trusted. One process a key. An item of each operation fits the memory it may have,
//! with that operation's parameters twice; all blobs of a job fit the disk.

pub mod advice;
mod checking;
pub mod choosing;
pub mod demanding;
pub mod duties;
pub mod follow;
pub mod full;
pub mod gathering;
pub mod holding;
pub mod housekeeping;
pub mod parts;
pub mod receipts;
pub mod sampled;
pub mod servers;
pub mod slices;
pub mod subject;
pub mod verdicts;
pub mod work;

#[cfg(test)]
mod fixture;

pub use subject::{Brief, DrawnSet, EarlierPass, Subject};

use crate::{budget::Budget, metrics::Metrics, supply::Supply};
use choosing::Machine;
use housekeeping::{Brought, ReceiptFolder};
use mizan_blobs::{BlobError, LocalBlobStore};
use mizan_client::{account_of, AccountId, ClientError, Hash, Keypair};
use mizan_engine::CpuExecutor;
use mizan_tensor::{Accusation, ProgramError, RefereeError, Request};
use std::{path::PathBuf, sync::Arc};

/// All that an auditor has, apart from its connection.
pub struct Auditor {
    /// Its key.
    pub key: Keypair,
    /// Where blobs come from.
    pub supply: Supply,
    /// What computes.
    pub executor: CpuExecutor,
    /// Memory for all audits at once.
    pub budget: Budget,
    /// How fast this machine and its network are.
    pub machine: Machine,
    /// Where accumulators lie while they are read, if they are taken.
    pub passing: Option<LocalBlobStore>,
    /// Most demands that it pays for, for each audit.
    pub max_demands: u32,
    /// What its receipts were made of.
    pub receipts: ReceiptFolder,
    /// Which blobs it brought into the folder.
    pub brought: Brought,
    /// Its figures.
    pub metrics: Arc<Metrics>,
}

impl Auditor {
    /// Its account.
    pub fn account(&self) -> AccountId {
        account_of(&self.key)
    }
}

/// Something that is wrong with a result, as the chain will see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraud {
    /// What.
    pub accusation: Accusation,
    /// The proof.
    pub evidence: Vec<u8>,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Something is wrong.
    Fraud(Fraud),
    /// Nothing is wrong.
    Pass {
        /// The receipt of the own draw.
        receipt: Hash,
        /// Whether the pass before has another receipt than it must have.
        earlier_is_false: bool,
    },
    /// It can't be told, for nobody gives that.
    Missing {
        /// What to demand, the most telling first.
        requests: Vec<Request>,
        /// Whether a blob server may give it in a while.
        may_pass: bool,
    },
}

/// Why an audit did not come to a ruling, or the ruling not to the chain.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain or the connection to it.
    #[error(transparent)]
    Chain(#[from] ClientError),
    /// The chain does not have what the job refers to.
    #[error("the chain does not have the model's program")]
    NoProgram,
    /// The chain's program is not valid; it should not have been registered.
    #[error("the program is not valid: {0}")]
    Program(#[from] ProgramError),
    /// The folder of blobs.
    #[error(transparent)]
    Folder(#[from] BlobError),
    /// Another file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Blob servers may give what is missing in a while.
    #[error("{0} parts of the job can't be had from any blob server now")]
    NotYet(usize),
    /// Nobody gives what is missing, and no more demands are paid for.
    #[error(
        "{0} parts of the job can't be had from any blob server, and this auditor may make no more \
         demands for them: name other servers with --blob-servers, or allow more with \
         --max-demands"
    )]
    Unserved(usize),
    /// The receipt that is to be opened can't be made again.
    #[error(
        "the receipt can't be opened: {0}. Silence costs the whole lock: put what is missing onto \
         a blob server that the job or this auditor's settings name"
    )]
    Lost(String),
    /// The audit needs more memory than there may be.
    #[error("the audit needs {bytes} bytes of memory, and {limit} are allowed: give it more with --memory")]
    TooLarge {
        /// What it needs.
        bytes: u64,
        /// The most it may have.
        limit: u64,
    },
    /// The operations could not be executed.
    #[error(transparent)]
    Engine(#[from] mizan_engine::audit::AuditError),
    /// The audit contradicts itself. Nothing is sent then.
    #[error("the audit contradicts itself, nothing is sent; report this: {0}")]
    Impossible(String),
    /// The thread that computed is gone.
    #[error("computing was cut off")]
    CutOff,
}

impl AuditError {
    fn impossible(what: &str) -> Self {
        Self::Impossible(what.to_owned())
    }

    fn right_after_all(accusation: &Accusation) -> Self {
        Self::Impossible(format!(
            "the referee finds {accusation:?} right; most likely this machine's hardware is faulty"
        ))
    }

    fn no_such_batch() -> Self {
        Self::impossible("the program allows no such batch")
    }
}

impl From<RefereeError> for AuditError {
    fn from(error: RefereeError) -> Self {
        Self::Impossible(error.to_string())
    }
}
