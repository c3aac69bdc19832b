//! Answers as JSON: money and multiply-accumulates as decimal text, since they exceed what JSON's
//! readers hold; accounts as addresses; hashes in hex.

mod rules;

use mizan_protocol::{
    explain::{
        AccountExplanation, ContributionReport, ContributionSums, JobExplanation, JobOutlook,
        ModelCost, Note, Units, WorkerOutlook, WorkerReport,
    },
    jobs::{Assignment, Attestation, Job, JobState},
    BlockNumber, JobId, ModelId,
};
use mizan_runtime::AccountId;
use rules::{audit_outcome, end_reason, grounds, note};
use serde_json::{json, Map, Value};

/// Puts the fields of `more` to those of `object`.
fn with(object: Value, more: Value) -> Value {
    let fields = |value| match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let mut all = fields(object);
    all.extend(fields(more));
    Value::Object(all)
}

fn text(number: u128) -> String {
    number.to_string()
}

pub(super) fn job(id: JobId, job: &Job<AccountId>) -> Value {
    let servers = job.blob_servers.iter();
    let servers: Vec<_> = servers.map(|at| String::from_utf8_lossy(at)).collect();
    let object = json!({
        "id": id,
        "requester": job.requester,
        "model": job.model,
        "batch": job.batch,
        "inputs": job.inputs,
        "macs": text(job.macs),
        "price_per_unit": text(job.price_per_unit),
        "held": text(job.held),
        "deposit": text(job.deposit),
        "duration_blocks": job.duration_blocks,
        "wait_until_block": job.wait_until_block,
        "directed": job.directed,
        "excluded": job.excluded,
        "missing_inputs": job.missing_inputs,
        "blob_servers": servers,
        "due_block": job.due_block,
        "state": state_name(&job.state),
    });
    let state = match &job.state {
        JobState::Open => json!({}),
        JobState::Assigned(of) => json!({ "assignment": assignment(of) }),
        JobState::Attested(of, claim) => json!({
            "assignment": assignment(of),
            "attestation": attestation(claim),
        }),
        JobState::Settled(of, claim, settled) => json!({
            "assignment": assignment(of),
            "attestation": attestation(claim),
            "settlement": {
                "payment": text(settled.payment),
                "worker_paid": text(settled.worker_paid),
                "auditors_paid": text(settled.auditors_paid),
                "burned": text(settled.burned),
                "minted": text(settled.minted),
                "audit": audit_outcome(settled.audit),
                "settled_block": settled.settled_block,
            },
        }),
        JobState::Ended { reason, block } => json!({
            "reason": end_reason(*reason),
            "block": block,
        }),
        JobState::Convicted(of, claim, conviction) => json!({
            "assignment": assignment(of),
            "attestation": attestation(claim),
            "conviction": {
                "grounds": grounds(&conviction.grounds),
                "challenger": conviction.challenger,
                "rewarded": text(conviction.rewarded),
                "burned": text(conviction.burned),
                "refunded": text(conviction.refunded),
                "convicted_block": conviction.convicted_block,
            },
        }),
        JobState::Refused(of, claim, block) => json!({
            "assignment": assignment(of),
            "attestation": attestation(claim),
            "block": block,
        }),
    };
    with(object, state)
}

fn state_name(state: &JobState<AccountId>) -> &'static str {
    match state {
        JobState::Open => "open",
        JobState::Assigned(_) => "assigned",
        JobState::Attested(..) => "attested",
        JobState::Settled(..) => "settled",
        JobState::Ended { .. } => "ended",
        JobState::Convicted(..) => "convicted",
        JobState::Refused(..) => "refused",
    }
}

fn assignment(of: &Assignment<AccountId>) -> Value {
    json!({
        "worker": of.worker,
        "provider": of.provider,
        "payment": text(of.payment),
        "lock": text(of.lock),
        "assigned_block": of.assigned_block,
        "attest_by_block": of.attest_by_block,
    })
}

fn attestation(claim: &Attestation) -> Value {
    json!({
        "outputs": claim.outputs,
        "trace": claim.trace,
        "attested_block": claim.attested_block,
        "settles_block": claim.settles_block,
    })
}

fn job_outlook(outlook: &JobOutlook<AccountId>) -> Value {
    let object = json!({
        "rule": outlook.name(),
        "meaning": outlook.meaning(),
        "what_to_do": outlook.what_to_do(),
    });
    let details = match outlook {
        JobOutlook::AboutToMatch { worker } | JobOutlook::DirectedWorkerAway { worker } => {
            json!({ "worker": worker })
        }
        JobOutlook::AsksAboveOffer { lowest_ask, offer } => json!({
            "lowest_ask": text(*lowest_ask),
            "offer": text(*offer),
        }),
        JobOutlook::BondsTooSmall {
            lock,
            largest_free_bond,
        } => json!({
            "lock": text(*lock),
            "largest_free_bond": text(*largest_free_bond),
        }),
        JobOutlook::BeingComputed {
            worker,
            attest_by_block,
        } => json!({ "worker": worker, "attest_by_block": attest_by_block }),
        JobOutlook::InChallenge {
            settles_block,
            open_demands,
            auditor,
        } => json!({
            "settles_block": settles_block,
            "open_demands": open_demands,
            "auditor": auditor,
        }),
        JobOutlook::NoLiveWorker
        | JobOutlook::AllExcluded
        | JobOutlook::WaitOver
        | JobOutlook::Paid
        | JobOutlook::Refunded
        | JobOutlook::Convicted
        | JobOutlook::Burned => json!({}),
    };
    with(object, details)
}

fn worker_outlook(outlook: &WorkerOutlook) -> Value {
    let object = json!({
        "rule": outlook.name(),
        "meaning": outlook.meaning(),
        "what_to_do": outlook.what_to_do(),
    });
    let details = match outlook {
        WorkerOutlook::Idle { free_bond } => json!({ "free_bond": text(*free_bond) }),
        WorkerOutlook::Silent { heard_block } | WorkerOutlook::Offline { heard_block } => {
            json!({ "heard_block": heard_block })
        }
        WorkerOutlook::Paused {
            until_block,
            misses,
        } => json!({ "until_block": until_block, "misses": misses }),
        WorkerOutlook::Busy { slots } => json!({ "slots": slots }),
        WorkerOutlook::BondTooSmall {
            free_bond,
            least_lock,
        } => json!({ "free_bond": text(*free_bond), "least_lock": text(*least_lock) }),
        WorkerOutlook::NeverHeard
        | WorkerOutlook::HeartbeatNeeded
        | WorkerOutlook::NoLocksLeft
        | WorkerOutlook::Convicted => json!({}),
    };
    with(object, details)
}

pub(super) fn explained_job(
    id: JobId,
    at_block: BlockNumber,
    of: &JobExplanation<AccountId>,
) -> Value {
    json!({
        "job": id,
        "at_block": at_block,
        "state": state_name(&of.job.state),
        "outlook": job_outlook(&of.outlook),
        "history": of.history.iter().map(note).collect::<Vec<_>>(),
    })
}

/// A note of one of several jobs.
pub(super) fn note_of(id: JobId, of: &Note<AccountId>) -> Value {
    with(json!({ "job": id }), note(of))
}

pub(super) fn explained_account(
    account: &AccountId,
    at_block: BlockNumber,
    of: &AccountExplanation<AccountId>,
) -> Value {
    let units = |units: &Units| {
        json!({
            "claimed_macs": text(units.claimed),
            "accepted_macs": text(units.accepted),
            "rejected_macs": text(units.rejected),
            "pending_macs": text(units.pending()),
        })
    };
    let provider = of.provider.map(|provider| {
        json!({
            "account": account,
            "bond": text(provider.bond),
            "locked": text(provider.locked),
            "free_bond": text(provider.bond.saturating_sub(provider.locked)),
            "locks": provider.locks,
            "workers": provider.workers,
        })
    });
    let auditor = of.auditor.map(|auditor| {
        json!({
            "account": account,
            "bond": text(auditor.bond),
            "locked": text(auditor.locked),
            "free_bond": text(auditor.bond.saturating_sub(auditor.locked)),
            "locks": auditor.locks,
        })
    });
    let workers = of
        .workers
        .iter()
        .map(|(worker, outlook)| json!({ "worker": worker, "outlook": worker_outlook(outlook) }));
    let notes = of
        .jobs
        .iter()
        .flat_map(|(id, notes)| notes.iter().map(|note| note_of(*id, note)));
    json!({
        "account": account,
        "at_block": at_block,
        "units": of.units.as_ref().map(units),
        "provider": provider,
        "auditor": auditor,
        "workers": workers.collect::<Vec<_>>(),
        "history": notes.collect::<Vec<_>>(),
        "next": of.next,
    })
}

pub(super) fn worker(account: &AccountId, of: &WorkerReport<AccountId>) -> Value {
    json!({
        "account": account,
        "provider": of.provider,
        "ask": text(of.ask),
        "slots": of.slots,
        "open_jobs": of.jobs.len(),
        "heard_block": of.heard_block,
        "misses": of.misses,
        "paused_until_block": of.paused_until_block,
        "jobs": of.jobs,
        "outlook": worker_outlook(&of.outlook),
    })
}

pub(super) fn contribution(account: &AccountId, of: &ContributionReport) -> Value {
    let sums = |of: &ContributionSums| {
        json!({
            "settled_macs": text(of.settled_macs),
            "directed_macs": text(of.directed_macs),
            "jobs": of.jobs,
            "burned": text(of.burned),
            "convictions": of.convictions,
            "audits": of.audits,
        })
    };
    json!({
        "account": account,
        "current_era": of.current_era,
        "era": of.era,
        "of_era": sums(&of.of_era),
        "lifetime": sums(&of.lifetime),
    })
}

pub(super) fn model_cost(model: &ModelId, batch: u32, of: &ModelCost) -> Value {
    json!({
        "model": model,
        "batch": batch,
        "max_batch": of.max_batch,
        "macs": text(of.macs),
        "input_bytes": of.input_bytes.to_string(),
        "output_bytes": of.output_bytes.to_string(),
        "trace_bytes": of.trace_bytes.to_string(),
        "parameter_bytes": of.parameter_bytes.to_string(),
        "opening_bytes": of.opening_bytes.to_string(),
        "min_payment": text(of.min_payment),
        "min_lock": text(of.min_lock),
        "deposit": text(of.deposit),
        "min_duration_blocks": of.min_duration_blocks,
    })
}
