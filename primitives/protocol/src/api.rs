//! The runtime APIs that clients and the node use.

use crate::{
    explain::{
        AccountExplanation, ContributionReport, JobExplanation, ModelCost, ModelCostError, Note,
        WorkerReport,
    },
    jobs::{Accusation, Job},
    EraIndex, JobId, ModelId,
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Why [`TensorApi`] gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum TensorApiError {
    /// The program's bytes can't be read.
    Undecodable,
    /// The program would not be accepted for registration.
    InvalidProgram,
    /// There is no such operation or element.
    NoSuchElement,
    /// The bytes given are not those that the element depends on, in number or length.
    WrongBytes,
    /// The evidence does not belong to the claim, or the accusation to the program.
    BadProof,
}

polkadot_sdk::sp_api::decl_runtime_apis! {
    /// Jobs, workers, contributions, and why each is where it is. Pages hold at most
    /// [`MAX_PAGE`](crate::explain::MAX_PAGE) entries, whatever is asked for.
    pub trait MarketApi<AccountId> where AccountId: codec::Codec {
        /// A job, until it is forgotten.
        fn job(job: JobId) -> Option<Job<AccountId>>;

        /// Jobs without a worker, oldest first, with ids above `after`.
        fn open_jobs(after: Option<JobId>, limit: u32) -> Vec<(JobId, Job<AccountId>)>;

        /// A worker.
        fn worker(worker: AccountId) -> Option<WorkerReport<AccountId>>;

        /// A provider's part in the ledger, in an era (the current one if `None`) and ever.
        fn contribution(provider: AccountId, era: Option<EraIndex>) -> ContributionReport;

        /// What a job of that batch costs.
        fn model_cost(model: ModelId, batch: u32) -> Result<ModelCost, ModelCostError>;

        /// Why a job is where it is.
        fn explain_job(job: JobId) -> Option<JobExplanation<AccountId>>;

        /// Why an account is where it is, with its newest jobs below `before`.
        fn explain_account(
            account: AccountId,
            before: Option<JobId>,
            limit: u32,
        ) -> AccountExplanation<AccountId>;

        /// What happened to jobs in this block.
        fn job_notes() -> Vec<(JobId, Note<AccountId>)>;
    }

    /// The chain's own definition of every operation.
    pub trait TensorApi {
        /// The value of an element of an operation's output, from the bytes that it depends
        /// on in the order of `mizan_tensor::Plan::spans`.
        fn element(
            program: Vec<u8>,
            operation: u16,
            index: u64,
            batch: u32,
            bytes: Vec<Vec<u8>>,
        ) -> Result<i8, TensorApiError>;

        /// Whether a fraud proof about a claimed result would convict. The chain's own judgement,
        /// for those who want to know before they send it.
        fn judge(
            program: Vec<u8>,
            claim: ClaimedHashes,
            accusation: Accusation,
            evidence: Vec<u8>,
        ) -> Result<bool, TensorApiError>;
    }
}

/// The hashes of a claimed result and of what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ClaimedHashes {
    /// Number of items.
    pub batch: u32,
    /// Hash of each input.
    pub inputs: Vec<[u8; 32]>,
    /// Hash of each output.
    pub outputs: Vec<[u8; 32]>,
    /// Hash of the trace.
    pub trace: [u8; 32],
}

/// Implements [`TensorApi::judge`] for runtimes.
pub fn judge(
    program: &[u8],
    claim: &ClaimedHashes,
    accusation: &Accusation,
    evidence: &[u8],
) -> Result<bool, TensorApiError> {
    use mizan_tensor::{Claim, Finding, Plan, Program, Referee};
    let program = Program::from_bytes(program).map_err(|_| TensorApiError::Undecodable)?;
    let plan = Plan::new(program).map_err(|_| TensorApiError::InvalidProgram)?;
    let claim = Claim {
        batch: claim.batch,
        inputs: &claim.inputs,
        outputs: &claim.outputs,
        trace: &claim.trace,
    };
    Referee::new(&plan, claim)
        .and_then(|referee| referee.judge(accusation, evidence))
        .map(|finding| finding == Finding::Wrong)
        .map_err(|_| TensorApiError::BadProof)
}

/// Implements [`TensorApi::element`] for runtimes.
pub fn element(
    program: &[u8],
    operation: u16,
    index: u64,
    batch: u32,
    bytes: &[Vec<u8>],
) -> Result<i8, TensorApiError> {
    use mizan_tensor::{ElementError, Plan, Program, Source, Span};

    struct Given<'a>(Vec<(Span, &'a [u8])>);
    impl Source for Given<'_> {
        type Error = ();
        fn bytes(&self, span: Span) -> Result<&[u8], ()> {
            self.0
                .iter()
                .find(|(given, _)| *given == span)
                .map(|(_, bytes)| *bytes)
                .ok_or(())
        }
    }

    let program = Program::from_bytes(program).map_err(|_| TensorApiError::Undecodable)?;
    let plan = Plan::new(program).map_err(|_| TensorApiError::InvalidProgram)?;
    let spans = plan
        .spans(operation, index, batch)
        .ok_or(TensorApiError::NoSuchElement)?;
    if spans.len() != bytes.len() {
        return Err(TensorApiError::WrongBytes);
    }
    let given = Given(
        spans
            .into_iter()
            .zip(bytes.iter().map(Vec::as_slice))
            .collect(),
    );
    plan.element(operation, index, batch, &given)
        .map_err(|error| match error {
            ElementError::NoSuchOperation | ElementError::OutOfRange => {
                TensorApiError::NoSuchElement
            }
            ElementError::WrongLength | ElementError::Source(()) => TensorApiError::WrongBytes,
        })
}
