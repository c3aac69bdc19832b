//! Telling the chain what an audit came to.

use super::{AuditError, Auditor, Brief, EarlierPass, Fraud};
use crate::{node::Node, sampling::random};
use mizan_client::{
    audits::{self, Verdict},
    disputes, ClientError,
};
use mizan_tensor::receipt_bytes;
use tracing::{info, warn};

/// Whether the chain says that it wants nothing more of this auditor for the job.
pub fn is_over(error: &ClientError) -> bool {
    let errors = [
        "NotYourAudit",
        "JobUnknown",
        "Over",
        "AlreadyConvicted",
        "ReceiptDemandUnknown",
        "PassUnknown",
    ];
    errors.iter().any(|name| error.is_refusal("Disputes", name))
}

/// Sends a proof. `false` if the chain found nothing wrong, which costs a deposit: the same proof
/// must not be sent again.
pub async fn prove(
    node: &Node,
    auditor: &Auditor,
    job: u64,
    fraud: &Fraud,
) -> Result<bool, ClientError> {
    let Fraud {
        accusation,
        evidence,
    } = fraud;
    warn!(job, step = %"proving", ?accusation, bytes = evidence.len(), "audit");
    let call = disputes::submit_fraud_proof(job, *accusation, evidence.clone());
    let included = node.submit(&call, &auditor.key).await?;
    if let Some(failed) = included.failed_proof() {
        warn!(job, "the chain did not take the proof: {}", failed.why);
        return Ok(false);
    }
    let block = included.block_number;
    auditor.metrics.ruled("fraud");
    info!(job, step = %"proved", block, "audit");
    Ok(true)
}

/// Gives a verdict.
pub async fn give(
    node: &Node,
    auditor: &Auditor,
    job: u64,
    verdict: Verdict,
) -> Result<(), ClientError> {
    let call = audits::submit_verdict(job, verdict);
    let block = node.submit(&call, &auditor.key).await?.block_number;
    match verdict {
        Verdict::Pass { receipt } => {
            auditor.metrics.ruled("pass");
            let receipt = mizan_client::hex_hash(&receipt);
            info!(job, step = %"passed", block, %receipt, "audit");
        }
        Verdict::Withheld => {
            auditor.metrics.ruled("withheld");
            warn!(
                job,
                step = %"withheld",
                block,
                reason = %"the worker answered demands, and still not all could be had",
                "audit"
            );
        }
    }
    Ok(())
}

/// Demands that the auditor before opens its receipt, at a byte that it can't foresee.
pub async fn doubt(
    node: &Node,
    auditor: &Auditor,
    brief: &Brief,
    earlier: &EarlierPass,
) -> Result<(), AuditError> {
    let (subject, pass) = (&brief.subject, earlier.place);
    let bytes = receipt_bytes(&subject.plan, subject.batch, earlier.set.scope);
    let index = random() % bytes.unwrap_or(1).max(1);
    let call = audits::demand_receipt(subject.job, pass, index);
    match node.submit(&call, &auditor.key).await {
        Ok(included) => {
            let block = included.block_number;
            warn!(job = subject.job, step = %"doubted", pass, index, block, "audit");
            Ok(())
        }
        Err(error) if error.is_transient() => Err(error.into()),
        // Demanded by others, taken already, or too dear: no reason to keep the verdict back.
        Err(error) => {
            warn!(
                job = subject.job,
                pass, "a false receipt is not demanded: {error}"
            );
            Ok(())
        }
    }
}
