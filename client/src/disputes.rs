//! Fraud proofs, demands and answers: what is open on a job, and the calls about it.
//!
//! What they are about is said in the types of [`mizan_tensor`]: [`Accusation`], [`Request`] and
//! [`BlobRef`].

use crate::{
    json::text,
    runtime::{
        self,
        runtime_types::{
            bounded_collections::bounded_vec::BoundedVec, mizan_protocol::jobs, pallet_disputes,
            sp_runtime::MultiSignature,
        },
    },
    AccountId, At, Client, ClientError, Hash, Included,
};
use serde::{Deserialize, Serialize};
use subxt::{transactions::Payload, utils::Static};

pub use mizan_tensor::{Accusation, BlobRef, Request};

/// What a worker was convicted of. Serialises with its name under `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Grounds {
    /// An element of an operation's output was proved wrong.
    WrongElement {
        /// The operation.
        operation: u16,
        /// The element, counted over the whole batch.
        index: u64,
    },
    /// A byte of an output differs from the trace.
    WrongOutput {
        /// The program's output of that index.
        output: u16,
        /// The byte.
        index: u64,
    },
    /// A blob has another length than its shape says.
    WrongLength {
        /// The blob, as [`blob_name`] writes it.
        blob: String,
        /// Its real length.
        length: u64,
    },
    /// It signed another result for the same assignment.
    SecondAttestation,
    /// It did not give what was demanded.
    Unanswered {
        /// What.
        request: Demanded,
    },
}

/// What was demanded. Serialises with its name under `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Demanded {
    /// Consecutive chunks of 1 KiB.
    Chunks {
        /// The blob, as [`blob_name`] writes it.
        blob: String,
        /// The first chunk.
        first: u64,
        /// How many.
        count: u8,
    },
    /// Descendants of a node of a blob's tree.
    Nodes {
        /// The blob, as [`blob_name`] writes it.
        blob: String,
        /// The node's level; chunks are level 0.
        level: u8,
        /// Its index on that level.
        index: u64,
    },
    /// All that a fraud proof about an element opens.
    Element {
        /// The operation.
        operation: u16,
        /// The element, counted over the whole batch.
        index: u64,
    },
}

impl From<Request> for Demanded {
    fn from(request: Request) -> Self {
        match request {
            Request::Chunks { blob, first, count } => Self::Chunks {
                blob: blob_name(blob),
                first,
                count,
            },
            Request::Nodes { blob, level, index } => Self::Nodes {
                blob: blob_name(blob),
                level,
                index,
            },
            Request::Element { operation, index } => Self::Element { operation, index },
        }
    }
}

/// A blob of a job as text: `trace`, `input:0`, `parameter:3`, `output:1`.
pub fn blob_name(blob: BlobRef) -> String {
    match blob {
        BlobRef::Input(index) => format!("input:{index}"),
        BlobRef::Parameter(index) => format!("parameter:{index}"),
        BlobRef::Trace => "trace".to_owned(),
        BlobRef::Output(index) => format!("output:{index}"),
    }
}

/// Reads a blob as [`blob_name`] writes it.
pub fn parse_blob(name: &str) -> Option<BlobRef> {
    if name == "trace" {
        return Some(BlobRef::Trace);
    }
    let (kind, index) = name.split_once(':')?;
    let index = index.parse().ok()?;
    match kind {
        "input" => Some(BlobRef::Input(index)),
        "parameter" => Some(BlobRef::Parameter(index)),
        "output" => Some(BlobRef::Output(index)),
        _ => None,
    }
}

impl From<jobs::Grounds> for Grounds {
    fn from(grounds: jobs::Grounds) -> Self {
        match grounds {
            jobs::Grounds::Wrong(Static(accusation)) => match accusation {
                Accusation::Element { operation, index } => Self::WrongElement { operation, index },
                Accusation::Output { output, index } => Self::WrongOutput { output, index },
                Accusation::Length { blob, length } => Self::WrongLength {
                    blob: blob_name(blob),
                    length,
                },
            },
            jobs::Grounds::SecondAttestation => Self::SecondAttestation,
            jobs::Grounds::Unanswered(Static(request)) => Self::Unanswered {
                request: request.into(),
            },
        }
    }
}

/// What a conviction did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conviction {
    /// What for.
    pub grounds: Grounds,
    /// Who proved it.
    pub challenger: Option<AccountId>,
    /// What the challenger got of the lock.
    #[serde(with = "text")]
    pub rewarded: u128,
    /// What was burned of the lock.
    #[serde(with = "text")]
    pub burned: u128,
    /// What the requester got back, deposit included.
    #[serde(with = "text")]
    pub refunded: u128,
    /// Block of the conviction.
    pub convicted_block: u32,
}

impl From<jobs::Conviction<AccountId>> for Conviction {
    fn from(conviction: jobs::Conviction<AccountId>) -> Self {
        Self {
            grounds: conviction.grounds.into(),
            challenger: conviction.challenger,
            rewarded: conviction.rewarded,
            burned: conviction.burned,
            refunded: conviction.refunded,
            convicted_block: conviction.convicted_block,
        }
    }
}

/// An open demand for data of a claimed result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Its id among the demands of the job.
    pub id: u32,
    /// Who wants to know.
    pub demander: AccountId,
    /// What.
    pub request: Request,
    /// Held on the demander's account.
    pub deposit: u128,
    /// Dispute time at which silence convicts.
    pub answer_by_time: u32,
}

/// Prove a claimed result wrong; see [`mizan_tensor::Exhibits::evidence`].
pub fn submit_fraud_proof(job: u64, accusation: Accusation, evidence: Vec<u8>) -> impl Payload {
    runtime::tx()
        .disputes()
        .submit_fraud_proof(job, Static(accusation), BoundedVec(evidence))
}

/// Prove that a worker signed another result for the same assignment. `payload` is what it signed.
pub fn submit_second_attestation(job: u64, payload: Vec<u8>, signature: [u8; 64]) -> impl Payload {
    runtime::tx().disputes().submit_second_attestation(
        job,
        BoundedVec(payload),
        MultiSignature::Sr25519(signature),
    )
}

/// Demand data of a claimed result.
pub fn demand(job: u64, request: Request) -> impl Payload {
    runtime::tx().disputes().demand(job, Static(request))
}

/// Give what was demanded; see [`mizan_tensor::Exhibits::answer`].
pub fn answer(job: u64, demand: u32, answer: Vec<u8>) -> impl Payload {
    runtime::tx()
        .disputes()
        .answer(job, demand, BoundedVec(answer))
}

/// Say that the result of a job was not delivered.
pub fn refuse_delivery(job: u64) -> impl Payload {
    runtime::tx().jobs().refuse_delivery(job)
}

/// Why a fraud proof that was included proved nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedProof {
    /// What was wrong with it.
    pub why: &'static str,
    /// What it cost besides the fee.
    #[serde(serialize_with = "text::serialize")]
    pub burned: u128,
}

impl Included {
    /// Whether the fraud proof in the transaction failed, and why.
    pub fn failed_proof(&self) -> Option<FailedProof> {
        use pallet_disputes::Flaw;
        let event = self
            .events
            .find_first::<runtime::disputes::events::FraudProofFailed>()?;
        let event = event.ok()?;
        let why = match event.flaw {
            Flaw::NothingWrong => "what it opens is as it must be",
            Flaw::NoSuchPlace => "the program has no such operation, element, output or blob",
            Flaw::WrongEvidenceLength => "the evidence ends too early or goes on too long",
            Flaw::WrongHash => "the evidence does not belong to the hashes of this job",
            Flaw::NotSigned => "the payload is not an attestation that this worker signed",
            Flaw::OtherAssignment => "the signed attestation is of another assignment",
        };
        let burned = event.burned;
        Some(FailedProof { why, burned })
    }

    /// The demand that the transaction made.
    pub fn made_demand(&self) -> Option<u32> {
        let event = self
            .events
            .find_first::<runtime::disputes::events::DataDemanded>()?;
        event.ok().map(|event| event.demand)
    }
}

impl Client {
    /// The open demands of a job, oldest first.
    pub async fn demands(&self, job: u64, at: At) -> Result<Vec<Demand>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().disputes().demands(), (job,))
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut demands = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            let id = key.map_err(|error| self.explain(error))?.1;
            let demand = entry.value().decode();
            let demand = demand.map_err(|error| self.explain(error))?;
            let Static(request) = demand.request;
            demands.push(Demand {
                id: u32::from_be_bytes(id),
                demander: demand.demander,
                request,
                deposit: demand.deposit,
                answer_by_time: demand.answer_by_time,
            });
        }
        demands.sort_unstable_by_key(|demand| demand.id);
        Ok(demands)
    }

    /// The chain's dispute time: how many blocks had room for one more fraud proof.
    pub async fn dispute_time(&self, at: At) -> Result<u32, ClientError> {
        let time = self.read(runtime::storage().disputes().time(), (), at);
        Ok(time.await?.unwrap_or_default())
    }

    /// The hash of the block that every attestation of a job's assignment names, while its result
    /// can be challenged.
    pub async fn assigned_block_hash(&self, job: u64, at: At) -> Result<Option<Hash>, ClientError> {
        let case = self.read(runtime::storage().disputes().cases(), (job,), at);
        Ok(case.await?.map(|case| case.assigned_block_hash.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_read_as_they_are_written_and_nothing_else_is() {
        for blob in [
            BlobRef::Trace,
            BlobRef::Input(0),
            BlobRef::Parameter(65_535),
            BlobRef::Output(7),
        ] {
            assert_eq!(parse_blob(&blob_name(blob)), Some(blob));
        }
        for text in ["", "trace:0", "input", "input:", "input:-1", "output:65536"] {
            assert_eq!(parse_blob(text), None, "{text}");
        }
    }

    #[test]
    fn grounds_serialise_as_the_node_says_them() {
        let grounds = Grounds::Unanswered {
            request: Demanded::Element {
                operation: 1,
                index: 2,
            },
        };
        let json = serde_json::json!({
            "kind": "unanswered",
            "request": { "kind": "element", "operation": 1, "index": 2 },
        });
        assert_eq!(serde_json::to_value(&grounds).unwrap(), json);
        assert_eq!(serde_json::from_value::<Grounds>(json).unwrap(), grounds);
    }
}
