//! A claimed result that is wrong, with the most that can hang on it.

use super::{
    calls::{attest, endow, idle_worker, post, register},
    programs::long_program,
};
use crate::*;
use alloc::{vec, vec::Vec};
use frame_benchmarking::account;
use frame_system::RawOrigin;
use mizan_protocol::{traits::ClaimedResults, JobId};
use mizan_tensor::{Accusation, Exhibits, Plan, Request, MAX_REDUCTION};
use sp_core::H256;

/// Opens as many demands on a job as there can be.
pub(super) fn open_most_demands(job: JobId) {
    use pallet_disputes::{OWN_DEMANDS, PUBLIC_DEMANDS};
    let requester = <Jobs as ClaimedResults<_>>::claimed(job)
        .expect("it is claimed; qed")
        .requester;
    for number in 0..OWN_DEMANDS + PUBLIC_DEMANDS {
        let demander = match number < OWN_DEMANDS {
            true => requester.clone(),
            false => account("demander", number, 0),
        };
        endow(&demander, 10_000 * MZN);
        let request = Request::Element {
            operation: 0,
            index: 0,
        };
        Disputes::demand(RawOrigin::Signed(demander).into(), job, request)
            .expect("there is a place; qed");
    }
}

/// A job whose worker claims a wrong number, with its provider's other claims: as many as can be.
pub(super) fn claim_wrong_result(
    operations: u32,
    parameters: u32,
    evidence_bytes: u32,
) -> (JobId, Accusation, Vec<u8>) {
    // Both operands of the element have K bytes.
    let k = (evidence_bytes / 2).clamp(1, MAX_REDUCTION);
    let owner: AccountId = account("model owner", 1, 0);
    endow(&owner, 1_000 * MZN);
    let operand = vec![0u8; k as usize];
    let (one, channel) = ([0u8; 1], [0u8; 16]);
    let program = long_program(&owner, operations, parameters, k);
    let plan = Plan::new(program.clone()).expect("it is valid; qed");
    // Every number is zero, as multipliers are.
    let trace = vec![1u8; operations as usize];
    let claimed = vec![H256(mizan_tensor::hash_bytes(&[1]))];
    let accusation = Accusation::Element {
        operation: 0,
        index: 0,
    };
    let mut blobs: Vec<&[u8]> = vec![&operand, &channel, &one];
    blobs.resize(program.parameters.len(), &one);
    let exhibits = Exhibits {
        plan: &plan,
        batch: 1,
        parameters: &blobs,
        inputs: &[&operand],
        trace: &trace,
        outputs: &[&[1]],
    };
    let evidence = exhibits.evidence(&accusation).expect("it exists; qed");

    let model = register(owner, &program);
    let worker = idle_worker(1, 1_000 * MZN, pallet_providers::MAX_SLOTS);
    let requester: AccountId = account("requester", 0, 0);
    endow(&requester, 1_000 * MZN);
    let inputs = vec![H256(mizan_tensor::hash_bytes(&operand))];
    let jobs: Vec<_> = (0..pallet_providers::MAX_LOCKS)
        .map(|_| post(&requester, model, 1, inputs.clone(), &worker))
        .collect();
    let trace = H256(mizan_tensor::hash_bytes(&trace));
    for job in &jobs {
        attest(*job, &worker, claimed.clone(), trace);
    }
    // A conviction has all others audited for certain, and those for which nothing was drawn queued.
    jobs.iter()
        .skip(1)
        .for_each(|job| pallet_disputes::forgo_draw::<Runtime>(*job));
    let job = *jobs.first().expect("there are some; qed");
    (job, accusation, evidence)
}
