//! Auditors and audits: what the chain keeps of them, and the calls about them.

use crate::{
    json::{hash, text},
    runtime::{
        self,
        runtime_types::{
            bounded_collections::bounded_vec::BoundedVec, pallet_disputes::audit as chain,
        },
    },
    AccountId, At, Client, ClientError, Hash, Included,
};
use serde::{Deserialize, Serialize, Serializer};
use subxt::{
    transactions::Payload,
    utils::{Static, H256},
};

pub use mizan_tensor::AuditScope;

/// An auditor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditorView {
    /// Its account.
    pub account: AccountId,
    /// Held on it as collateral.
    #[serde(with = "text")]
    pub bond: u128,
    /// Part of the bond that is locked behind verdicts.
    #[serde(with = "text")]
    pub locked: u128,
    /// Number of those verdicts.
    pub locks: u32,
}

impl AuditorView {
    /// Bond that is not locked. Auditors are drawn by it.
    pub fn free_bond(&self) -> u128 {
        self.bond.saturating_sub(self.locked)
    }
}

/// The audits of a job whose result can be challenged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditView {
    /// What is next.
    #[serde(flatten)]
    pub stage: AuditStage,
    /// Verdicts "pass", oldest first. A pass is named by its place in this list.
    pub passes: Vec<PassView>,
    /// Whoever was drawn.
    pub drawn: Vec<AccountId>,
    /// Draws without a verdict that counts, but for those of the order.
    pub misses: u32,
    /// An audit that the requester ordered.
    pub order: Option<OrderView>,
}

impl AuditView {
    /// The auditor at work.
    pub fn at_work(&self) -> Option<&OpenAuditView> {
        match &self.stage {
            AuditStage::Open(open) => Some(open),
            AuditStage::Waits(_) | AuditStage::Done => None,
        }
    }
}

/// What is next in the audits of a job. Serialises with its name under `stage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum AuditStage {
    /// The beacon of a block to come decides whether an auditor is drawn, and whom.
    Waits(DrawView),
    /// An auditor is at work.
    Open(OpenAuditView),
    /// Nothing.
    Done,
}

/// A draw to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DrawView {
    /// The beacon of the first block at or after this slot draws.
    pub slot: u64,
    /// Why it is made, and with what probability.
    pub reason: DrawReason,
    /// How much the auditor will check.
    #[serde(serialize_with = "scope")]
    pub scope: AuditScope,
    /// Whether it is the requester's order.
    pub ordered: bool,
}

/// Why a draw is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawReason {
    /// A result was claimed: with the probability of an audit.
    Claimed,
    /// An auditor passed it: with the probability of a further one.
    Passed,
    /// It must be audited: for certain.
    Certain,
}

/// An auditor at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OpenAuditView {
    /// The auditor.
    pub auditor: AccountId,
    /// Bond locked behind its verdict.
    #[serde(with = "text")]
    pub lock: u128,
    /// From which its draw and the key of its receipt follow.
    #[serde(with = "hash")]
    pub seed: Hash,
    /// How much it checks.
    #[serde(serialize_with = "scope")]
    pub scope: AuditScope,
    /// Whether it is the requester's order.
    pub ordered: bool,
    /// Dispute time at which a missing verdict costs it a part of the lock. It rests while a
    /// demand of its is open.
    pub verdict_by_time: u32,
    /// Its demands that are open.
    pub open_demands: u32,
    /// Its demands that were answered.
    pub answered: u32,
}

/// A verdict "pass".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PassView {
    /// The auditor.
    pub auditor: AccountId,
    /// Bond locked behind it.
    #[serde(with = "text")]
    pub lock: u128,
    /// From which its draw and the key of its receipt follow.
    #[serde(with = "hash")]
    pub seed: Hash,
    /// How much it checked.
    #[serde(serialize_with = "scope")]
    pub scope: AuditScope,
    /// Whether it was the requester's order.
    pub ordered: bool,
    /// Keyed hash of what it checked; see [`mizan_tensor::receipt_key`].
    #[serde(with = "hash")]
    pub receipt: Hash,
    /// Whether its lock was taken: then it does not count.
    pub slashed: bool,
}

/// An audit that a requester ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// How much is checked.
    #[serde(serialize_with = "scope")]
    pub scope: AuditScope,
    /// Held on the requester's account.
    #[serde(with = "text")]
    pub price: u128,
    /// Whether its draw was made or is about to be made.
    pub begun: bool,
    /// Its draws without a verdict that counts.
    pub misses: u32,
}

/// An open demand to open a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptDemandView {
    /// The pass, by its place in [`AuditView::passes`].
    pub pass: u32,
    /// Who wants to see it.
    pub demander: AccountId,
    /// Which byte of what the receipt was made of.
    pub index: u64,
    /// Held on the demander's account.
    #[serde(with = "text")]
    pub deposit: u128,
    /// Dispute time at which silence costs the auditor its lock.
    pub answer_by_time: u32,
}

/// What an auditor at work says. Fraud needs no verdict: a fraud proof convicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing wrong in its drawn set.
    Pass {
        /// Keyed hash of what it checked; see [`mizan_tensor::receipt_key`].
        receipt: Hash,
    },
    /// It was not given what it needs, though a demand of its was answered.
    Withheld,
}

/// A scope as text: `sampled` or `full`.
pub fn scope_name(scope: AuditScope) -> &'static str {
    match scope {
        AuditScope::Sampled => "sampled",
        AuditScope::Full => "full",
    }
}

/// Become an auditor with a bond.
pub fn register_auditor(bond: u128) -> impl Payload {
    runtime::tx().disputes().register_auditor(bond)
}

/// Add to an auditor's bond.
pub fn bond_auditor(amount: u128) -> impl Payload {
    runtime::tx().disputes().bond_auditor(amount)
}

/// Take back bond that is locked behind no verdict.
pub fn unbond_auditor(amount: u128) -> impl Payload {
    runtime::tx().disputes().unbond_auditor(amount)
}

/// Stop being an auditor and take the whole bond back.
pub fn exit_auditor() -> impl Payload {
    runtime::tx().disputes().exit_auditor()
}

/// Give the verdict of the auditor at work on a job.
pub fn submit_verdict(job: u64, verdict: Verdict) -> impl Payload {
    let verdict = match verdict {
        Verdict::Pass { receipt } => chain::Verdict::Pass {
            receipt: H256(receipt),
        },
        Verdict::Withheld => chain::Verdict::Withheld,
    };
    runtime::tx().disputes().submit_verdict(job, verdict)
}

/// Order an audit of one's own job while its result can be challenged.
pub fn order_audit(job: u64, scope: AuditScope) -> impl Payload {
    runtime::tx().disputes().order_audit(job, Static(scope))
}

/// Demand that an auditor opens its receipt at a byte of what the receipt was made of.
pub fn demand_receipt(job: u64, pass: u32, index: u64) -> impl Payload {
    runtime::tx().disputes().demand_receipt(job, pass, index)
}

/// Open a receipt where it was demanded: the slice of that byte in what the receipt was made of,
/// and then the slice of the same byte in the job's blob.
pub fn open_receipt(job: u64, pass: u32, opening: Vec<u8>) -> impl Payload {
    runtime::tx()
        .disputes()
        .open_receipt(job, pass, BoundedVec(opening))
}

impl Included {
    /// The audit that the transaction ordered.
    pub fn ordered_audit(&self) -> Option<OrderView> {
        let event = self
            .events
            .find_first::<runtime::disputes::events::AuditOrdered>()?;
        let event = event.ok()?;
        let Static(scope) = event.scope;
        Some(OrderView {
            scope,
            price: event.price,
            begun: false,
            misses: 0,
        })
    }
}

impl Client {
    /// An auditor; `None` if the account is none.
    pub async fn auditor(
        &self,
        account: &AccountId,
        at: At,
    ) -> Result<Option<AuditorView>, ClientError> {
        let address = runtime::storage().disputes().auditors();
        let auditor = self.read(address, (*account,), at).await?;
        Ok(auditor.map(|auditor| AuditorView {
            account: *account,
            bond: auditor.bond,
            locked: auditor.locked,
            locks: auditor.locks,
        }))
    }

    /// The audits of a job; `None` unless its result can be challenged now.
    pub async fn audit(&self, job: u64, at: At) -> Result<Option<AuditView>, ClientError> {
        let address = runtime::storage().disputes().audits();
        let audit = self.read(address, (job,), at).await?;
        Ok(audit.map(Into::into))
    }

    /// Ids of the jobs for which an account is the auditor at work or answers for a pass, oldest
    /// first.
    pub async fn audits_of(&self, account: &AccountId, at: At) -> Result<Vec<u64>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().disputes().audits_of(), (*account,))
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut jobs = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            jobs.push(key.map_err(|error| self.explain(error))?.1);
        }
        jobs.sort_unstable();
        Ok(jobs)
    }

    /// The open demands to open receipts of a job's auditors, oldest pass first.
    pub async fn receipt_demands(
        &self,
        job: u64,
        at: At,
    ) -> Result<Vec<ReceiptDemandView>, ClientError> {
        let block = self.at(at).await?;
        let entries = block
            .storage()
            .iter(runtime::storage().disputes().receipt_demands(), (job,))
            .await;
        let mut entries = entries.map_err(|error| self.explain(error))?;
        let mut demands = Vec::new();
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(|error| self.explain(error))?;
            let key = entry.key().and_then(|key| key.decode());
            let pass = key.map_err(|error| self.explain(error))?.1;
            let demand = entry.value().decode();
            let demand = demand.map_err(|error| self.explain(error))?;
            demands.push(ReceiptDemandView {
                pass,
                demander: demand.demander,
                index: demand.index,
                deposit: demand.deposit,
                answer_by_time: demand.answer_by_time,
            });
        }
        demands.sort_unstable_by_key(|demand| demand.pass);
        Ok(demands)
    }
}

fn scope<S: Serializer>(scope: &AuditScope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(scope_name(*scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audits_serialise_with_their_stage_and_scope_by_name() {
        let audit = AuditView {
            stage: AuditStage::Waits(DrawView {
                slot: 7,
                reason: DrawReason::Certain,
                scope: AuditScope::Full,
                ordered: true,
            }),
            passes: Vec::new(),
            drawn: Vec::new(),
            misses: 0,
            order: Some(OrderView {
                scope: AuditScope::Full,
                price: 5,
                begun: true,
                misses: 0,
            }),
        };
        let json = serde_json::json!({
            "stage": "waits",
            "slot": 7,
            "reason": "certain",
            "scope": "full",
            "ordered": true,
            "passes": [],
            "drawn": [],
            "misses": 0,
            "order": { "scope": "full", "price": "5", "begun": true, "misses": 0 },
        });
        assert_eq!(serde_json::to_value(&audit).unwrap(), json);
        assert_eq!(audit.at_work(), None);
    }
}
