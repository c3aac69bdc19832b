//! What happened to jobs, as JSON.

use super::{text, with};
use mizan_protocol::{
    explain::{Note, Rule},
    jobs::{
        Accusation, AuditOutcome, AuditScope, BlobRef, DeclineReason, EndReason, Grounds, Request,
    },
};
use mizan_runtime::AccountId;
use serde_json::{json, Value};

/// What a worker was convicted of.
pub(super) fn grounds(of: &Grounds) -> Value {
    match of {
        Grounds::Wrong(Accusation::Element { operation, index }) => json!({
            "kind": "wrong_element",
            "operation": operation,
            "index": index,
        }),
        Grounds::Wrong(Accusation::Output { output, index }) => json!({
            "kind": "wrong_output",
            "output": output,
            "index": index,
        }),
        Grounds::Wrong(Accusation::Length { blob, length }) => json!({
            "kind": "wrong_length",
            "blob": blob_name(*blob),
            "length": length,
        }),
        Grounds::SecondAttestation => json!({ "kind": "second_attestation" }),
        Grounds::Unanswered(of) => json!({ "kind": "unanswered", "request": request(of) }),
    }
}

fn request(of: &Request) -> Value {
    match of {
        Request::Chunks { blob, first, count } => json!({
            "kind": "chunks",
            "blob": blob_name(*blob),
            "first": first,
            "count": count,
        }),
        Request::Nodes { blob, level, index } => json!({
            "kind": "nodes",
            "blob": blob_name(*blob),
            "level": level,
            "index": index,
        }),
        Request::Element { operation, index } => json!({
            "kind": "element",
            "operation": operation,
            "index": index,
        }),
    }
}

fn blob_name(blob: BlobRef) -> String {
    match blob {
        BlobRef::Input(index) => format!("input:{index}"),
        BlobRef::Parameter(index) => format!("parameter:{index}"),
        BlobRef::Trace => "trace".to_owned(),
        BlobRef::Output(index) => format!("output:{index}"),
    }
}

pub(super) fn end_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Cancelled => "cancelled",
        EndReason::Expired => "expired",
        EndReason::InputsUnavailable => "inputs_unavailable",
        EndReason::TooManyMisses => "too_many_misses",
    }
}

pub(super) fn audit_outcome(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::NotDrawn => "not_drawn",
        AuditOutcome::Passed => "passed",
        AuditOutcome::Unaudited => "unaudited",
    }
}

fn audit_scope(scope: AuditScope) -> &'static str {
    match scope {
        AuditScope::Sampled => "sampled",
        AuditScope::Full => "full",
    }
}

fn decline_reason(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::InputsUnavailable => "inputs_unavailable",
        DeclineReason::TooLarge => "too_large",
        DeclineReason::Unavailable => "unavailable",
    }
}

pub(super) fn note(note: &Note<AccountId>) -> Value {
    let rule = &note.rule;
    let object = json!({
        "block": note.block,
        "rule": rule.name(),
        "meaning": rule.meaning(),
        "what_to_do": rule.what_to_do(),
    });
    with(object, rule_details(rule))
}

fn rule_details(rule: &Rule<AccountId>) -> Value {
    match rule {
        Rule::Posted { held, deposit } => json!({ "held": text(*held), "deposit": text(*deposit) }),
        Rule::Assigned {
            worker,
            provider,
            payment,
            lock,
            attest_by_block,
        } => json!({
            "worker": worker,
            "provider": provider,
            "payment": text(*payment),
            "lock": text(*lock),
            "attest_by_block": attest_by_block,
        }),
        Rule::Declined {
            worker,
            provider,
            reason,
            paused_until_block,
        } => json!({
            "worker": worker,
            "provider": provider,
            "reason": decline_reason(*reason),
            "paused_until_block": paused_until_block,
        }),
        Rule::TimedOut {
            worker,
            provider,
            burned,
            paused_until_block,
        } => json!({
            "worker": worker,
            "provider": provider,
            "burned": text(*burned),
            "paused_until_block": paused_until_block,
        }),
        Rule::Attested {
            worker,
            provider,
            returned,
            settles_block,
        } => json!({
            "worker": worker,
            "provider": provider,
            "returned": text(*returned),
            "settles_block": settles_block,
        }),
        Rule::Settled {
            provider,
            payment,
            worker_paid,
            auditors_paid,
            burned,
            minted,
            audit,
        } => json!({
            "provider": provider,
            "payment": text(*payment),
            "worker_paid": text(*worker_paid),
            "auditors_paid": text(*auditors_paid),
            "burned": text(*burned),
            "minted": text(*minted),
            "audit": audit_outcome(*audit),
        }),
        Rule::Ended {
            reason,
            refunded,
            burned,
        } => json!({
            "reason": end_reason(*reason),
            "refunded": text(*refunded),
            "burned": text(*burned),
        }),
        Rule::Recalled { worker, provider } => json!({ "worker": worker, "provider": provider }),
        Rule::Convicted {
            provider,
            grounds,
            challenger,
            rewarded,
            burned,
            refunded,
        } => json!({
            "provider": provider,
            "grounds": self::grounds(grounds),
            "challenger": challenger,
            "rewarded": text(*rewarded),
            "burned": text(*burned),
            "refunded": text(*refunded),
        }),
        Rule::Refused { provider, burned } => json!({
            "provider": provider,
            "burned": text(*burned),
        }),
        Rule::AuditorDrawn { .. }
        | Rule::AuditPassed { .. }
        | Rule::AuditMissed { .. }
        | Rule::AuditorSlashed { .. }
        | Rule::AuditOrdered { .. } => audit_details(rule),
    }
}

fn audit_details(rule: &Rule<AccountId>) -> Value {
    match rule {
        Rule::AuditorDrawn {
            auditor,
            scope,
            lock,
            verdict_by_time,
        } => json!({
            "auditor": auditor,
            "scope": audit_scope(*scope),
            "lock": text(*lock),
            "verdict_by_time": verdict_by_time,
        }),
        Rule::AuditPassed { auditor } => json!({ "auditor": auditor }),
        Rule::AuditMissed {
            auditor,
            withheld,
            burned,
        } => json!({
            "auditor": auditor,
            "withheld": withheld,
            "burned": text(*burned),
        }),
        Rule::AuditorSlashed { auditor, burned } => json!({
            "auditor": auditor,
            "burned": text(*burned),
        }),
        Rule::AuditOrdered { scope, price } => json!({
            "scope": audit_scope(*scope),
            "price": text(*price),
        }),
        _ => json!({}),
    }
}
