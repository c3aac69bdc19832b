//! A claimed result can be proved wrong, its data can be forced, and both have consequences.

mod auditing;
mod convicting;
mod delivering;
mod demanding;
mod proving;
mod timing;

use super::chain::*;
use crate::{
    AccountId, Balance, Balances, Disputes, Jobs, Models, Providers, Runtime, RuntimeCall,
    RuntimeEvent,
};
use codec::Encode;
use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchResultWithPostInfo, Pays},
};
use mizan_protocol::{
    jobs::{Conviction, Grounds, Hashes, JobState},
    JobId, ModelId, UNIT,
};
use mizan_tensor::{
    execute, hash_bytes, Accusation, BlobRef, Exhibits, Operand, Operation, Parameter, Plan,
    Program, Request, Table, TensorType, FORMAT,
};
use pallet_disputes::{Case, Cases, DemandId, Demands, Error, Event, Flaw, HoldReason, Time};
use polkadot_sdk::*;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;

type DisputesError = Error<Runtime>;

/// Covers the locks of a few jobs.
const BOND: Balance = 1_000 * UNIT;
const BATCH: u32 = 2;

/// A job whose bytes the test has: what its worker claims, right or wrong.
struct Trial {
    job: JobId,
    plan: Plan,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
    outputs: Vec<Vec<u8>>,
}

/// A linear operation from 8 values to 3 and a sum of its output with itself; both are outputs.
fn two_step_program(parameters: &[Vec<u8>]) -> Program {
    let named = |index: usize, tensor| Parameter {
        hash: hash_bytes(&parameters[index]),
        tensor,
    };
    Program {
        format: FORMAT,
        owner: id(Alice).into(),
        max_batch: 4,
        inputs: vec![TensorType::i8(&[8])],
        parameters: vec![
            named(0, TensorType::i8(&[3, 8])),
            named(1, TensorType::channels(3)),
        ],
        tables: vec![Table::from_fn(|x| x.max(0))],
        operations: vec![
            Operation::Linear {
                input: Operand::Input(0),
                weights: 0,
                channels: 1,
                table: Some(0),
            },
            Operation::Add {
                left: Operand::Operation(0),
                right: Operand::Operation(0),
                left_multiplier: 3,
                right_multiplier: -1,
                shift: 1,
                table: None,
            },
        ],
        outputs: vec![1, 0],
    }
}

/// Numbers of no pattern, different for each seed.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut hasher = Vec::new();
    while hasher.len() < length {
        let next = hash_bytes(&[hasher.as_slice(), &[seed]].concat());
        hasher.extend(next);
    }
    hasher.truncate(length);
    hasher
}

/// Channel records whose results are neither all zero nor all saturated.
fn channels(count: usize) -> Vec<u8> {
    let record = |index: usize| {
        let mut record = [0u8; 16];
        record[..4].copy_from_slice(&(index as i32 * 7 - 3).to_le_bytes());
        record[4..8].copy_from_slice(&1_000i32.to_le_bytes());
        record[8] = 18;
        record
    };
    (0..count).flat_map(record).collect()
}

fn slices(blobs: &[Vec<u8>]) -> Vec<&[u8]> {
    blobs.iter().map(Vec::as_slice).collect()
}

fn hashes(blobs: &[Vec<u8>]) -> Hashes {
    let hashes: Vec<_> = blobs.iter().map(|blob| H256(hash_bytes(blob))).collect();
    hashes.try_into().expect("they are few")
}

fn registered(program: &Program) -> ModelId {
    let model = H256(program.id());
    let bytes = program.encode().try_into().expect("it is short");
    // A second trial has the same model.
    let _ = Models::register_model(signed(Alice), bytes);
    model
}

impl Trial {
    /// Bob's job, which Charlie's worker has and has not attested yet. It computed the right
    /// result.
    fn assigned() -> Self {
        let parameters = vec![bytes(24, 1), channels(3)];
        let inputs = vec![bytes(8 * BATCH as usize, 2)];
        let program = two_step_program(&parameters);
        let plan = Plan::new(program.clone()).expect("it is valid");
        let right = execute(&plan, &slices(&parameters), &slices(&inputs), BATCH);
        let right = right.expect("the tensors fit");
        let post = Post {
            batch: BATCH,
            inputs: hashes(&inputs),
            worker: Some(id(Charlie)),
            duration: 40,
            ..Post::of(registered(&program))
        };
        let job = post.accepted(Bob);
        Self {
            job,
            plan,
            parameters,
            inputs,
            trace: right.trace,
            outputs: right.outputs,
        }
    }

    /// The same, claimed as it is.
    fn right() -> Self {
        provide(Charlie, BOND, 1);
        let trial = Self::assigned();
        trial.claim();
        trial
    }

    /// The same, claimed with one number changed in the trace, and the output cut out of that.
    fn wrong(at: usize) -> Self {
        provide(Charlie, BOND, 1);
        let mut trial = Self::assigned();
        trial.trace[at] ^= 1;
        trial.outputs = trial
            .plan
            .outputs(&trial.trace, BATCH)
            .expect("the trace is whole");
        trial.claim();
        trial
    }

    /// Charlie's worker attests what the trial has, a block later.
    fn claim(&self) {
        pass(1);
        assert_ok!(self.attestation().dispatch_as(Charlie));
    }

    fn attestation(&self) -> Attest {
        let assigned = match job(self.job).state {
            JobState::Assigned(assignment) => assignment.assigned_block,
            state => panic!("no worker has the job: {state:?}"),
        };
        Attest {
            job: self.job,
            block: block_hash(assigned),
            outputs: hashes(&self.outputs),
            trace: H256(hash_bytes(&self.trace)),
        }
    }

    fn with_exhibits<R>(&self, show: impl FnOnce(Exhibits<'_>) -> R) -> R {
        show(Exhibits {
            plan: &self.plan,
            batch: BATCH,
            parameters: &slices(&self.parameters),
            inputs: &slices(&self.inputs),
            trace: &self.trace,
            outputs: &slices(&self.outputs),
        })
    }

    fn evidence(&self, accusation: Accusation) -> Vec<u8> {
        self.with_exhibits(|exhibits| exhibits.evidence(&accusation))
            .expect("it can be opened")
    }

    fn answer(&self, request: Request) -> Vec<u8> {
        self.with_exhibits(|exhibits| exhibits.answer(&request))
            .expect("it can be answered")
    }

    /// Sends a fraud proof with the evidence that belongs to it.
    fn accuse(&self, who: Sr25519Keyring, accusation: Accusation) -> DispatchResultWithPostInfo {
        self.accuse_with(who, accusation, self.evidence(accusation))
    }

    fn accuse_with(
        &self,
        who: Sr25519Keyring,
        accusation: Accusation,
        evidence: Vec<u8>,
    ) -> DispatchResultWithPostInfo {
        let evidence = evidence.try_into().expect("it is short");
        Disputes::submit_fraud_proof(signed(who), self.job, accusation, evidence)
    }

    fn demand(&self, who: Sr25519Keyring, request: Request) -> DispatchResultWithPostInfo {
        Disputes::demand(signed(who), self.job, request)
    }

    /// Gives the right answer.
    fn give(&self, who: Sr25519Keyring, id: DemandId) -> DispatchResultWithPostInfo {
        let demand = Demands::<Runtime>::get(self.job, id.to_be_bytes()).expect("it is open");
        let answer = self.answer(demand.request).try_into().expect("it is short");
        Disputes::answer(signed(who), self.job, id, answer)
    }

    fn lock(&self) -> Balance {
        match job(self.job).state {
            JobState::Attested(assignment, _) | JobState::Convicted(assignment, ..) => {
                assignment.lock
            }
            state => panic!("no result was claimed: {state:?}"),
        }
    }

    fn conviction(&self) -> Conviction<AccountId> {
        match job(self.job).state {
            JobState::Convicted(_, _, conviction) => conviction,
            state => panic!("nobody was convicted: {state:?}"),
        }
    }

    fn is_settled(&self) -> bool {
        matches!(job(self.job).state, JobState::Settled(..))
    }

    fn case(&self) -> Case {
        Cases::<Runtime>::get(self.job).expect("the result can be challenged")
    }
}

/// An attestation, as a call.
struct Attest {
    job: JobId,
    block: H256,
    outputs: Hashes,
    trace: H256,
}

impl Attest {
    fn call(self) -> RuntimeCall {
        RuntimeCall::Jobs(pallet_jobs::Call::attest_job {
            job: self.job,
            assigned_block_hash: self.block,
            outputs: self.outputs,
            trace: self.trace,
        })
    }

    fn dispatch_as(self, who: Sr25519Keyring) -> DispatchResultWithPostInfo {
        use sp_runtime::traits::Dispatchable;
        self.call().dispatch(signed(who))
    }
}

/// The first element of the first operation.
const FIRST: Accusation = Accusation::Element {
    operation: 0,
    index: 0,
};
/// What proving it opens.
const FIRST_ELEMENT: Request = Request::Element {
    operation: 0,
    index: 0,
};

/// Sends a proof that proves nothing, and sees that it costs its deposit and changes nothing else.
fn assert_flawed(
    flaw: Flaw,
    who: Sr25519Keyring,
    send: impl FnOnce() -> DispatchResultWithPostInfo,
) {
    let deposit = economics().proof_deposit;
    let (wealth_before, issued) = (wealth(who), Balances::total_issuance());
    let jobs: Vec<_> = pallet_jobs::Jobs::<Runtime>::iter().collect();
    let cases: Vec<_> = Cases::<Runtime>::iter().collect();
    let info = send().expect("it is heard");
    assert_eq!(info.pays_fee, Pays::Yes);
    assert_eq!(wealth(who), wealth_before - deposit);
    assert_eq!(Balances::total_issuance(), issued - deposit);
    assert!(jobs == pallet_jobs::Jobs::<Runtime>::iter().collect::<Vec<_>>());
    assert!(cases == Cases::<Runtime>::iter().collect::<Vec<_>>());
    let told = events().into_iter().rev().find_map(|event| match event {
        RuntimeEvent::Disputes(Event::FraudProofFailed { flaw, burned, .. }) => {
            Some((flaw, burned))
        }
        _ => None,
    });
    assert_eq!(told, Some((flaw, deposit)));
}
