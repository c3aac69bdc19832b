//! The protocol's constants.

use crate::json::text;
use serde::Serialize;

/// The protocol's periods, in blocks unless named otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// From an attestation until its job settles, in dispute time.
    pub challenge_blocks: u32,
    /// From a demand until silence convicts, in dispute time.
    pub answer_blocks: u32,
    /// From the slot of an event until the slot at or after which the first block draws about it.
    pub draw_delay_slots: u32,
    /// From its draw until an auditor without a verdict loses a part of its lock, in dispute time;
    /// fetching what it checks at 1 MB/s comes on top.
    pub audit_blocks: u32,
    /// From assignment until a worker can no longer decline.
    pub decline_blocks: u32,
    /// Least time that a job must leave its worker, on top of fetching its inputs at 1 MB/s.
    pub min_duration_blocks: u32,
    /// Most time that a job may leave its worker.
    pub max_duration_blocks: u32,
    /// Longest time that a job may wait for a worker.
    pub max_wait_blocks: u32,
    /// Least time between two fee-free heartbeats of a worker.
    pub heartbeat_blocks: u32,
    /// A worker not heard of for longer gets no job.
    pub liveness_blocks: u32,
    /// After `n` misses in a row a worker gets no job for `2^n` times as long.
    pub back_off_blocks: u32,
    /// Length of a ledger period.
    pub era_blocks: u32,
    /// How many eras the record of an ended job is kept.
    pub retention_eras: u32,
}

/// The protocol's prices, deposits and shares. A share is in billionths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Economics {
    /// Least price of a compute unit.
    #[serde(with = "text")]
    pub min_price_per_unit: u128,
    /// Part of every payment that does not depend on its size.
    #[serde(with = "text")]
    pub flat_price: u128,
    /// Share of a payment that the provider gets.
    pub worker_share: u32,
    /// Share of a payment for auditors.
    pub auditor_share: u32,
    /// Share of a payment for the model's owner.
    pub royalty_share: u32,
    /// Share of a payment that is always burned.
    pub burn_share: u32,
    /// What is minted to the provider for each token of the burn share.
    pub mint_ratio: u32,
    /// Probability that a claimed result is audited.
    pub audit_probability: u32,
    /// Probability that a verdict "pass" is followed by a further auditor.
    pub further_probability: u32,
    /// Share of an audit lock that an auditor without a verdict loses.
    pub miss_share: u32,
    /// Share of a payment that an audit of the whole job costs its requester.
    pub full_audit_share: u32,
    /// Share of a payment that a timeout costs the provider.
    pub timeout_share: u32,
    /// What a fraud proof that proves nothing costs on top of its fee.
    #[serde(with = "text")]
    pub proof_deposit: u128,
    /// Deposit for a demand, doubled for each that is open on the job.
    #[serde(with = "text")]
    pub demand_deposit: u128,
    /// Least bond of a provider.
    #[serde(with = "text")]
    pub min_bond: u128,
    /// Least bond of an auditor.
    #[serde(with = "text")]
    pub min_auditor_bond: u128,
    /// Deposit for a registered model.
    #[serde(with = "text")]
    pub model_deposit: u128,
    /// Deposit for each byte of it.
    #[serde(with = "text")]
    pub model_byte_deposit: u128,
    /// Deposit for a job's record.
    #[serde(with = "text")]
    pub job_deposit: u128,
    /// Deposit for each of its inputs.
    #[serde(with = "text")]
    pub job_input_deposit: u128,
}
