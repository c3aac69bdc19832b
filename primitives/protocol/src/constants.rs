//! Every period and every economic constant, in two records that only genesis writes.

mod economics;
mod timing;

#[cfg(test)]
mod tests;

use crate::{Balance, BlockNumber, UNIT};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::Perbill;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Periods of the protocol, in blocks of three seconds unless named otherwise.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Timing {
    /// From an attestation until its job settles: the time to prove it wrong. In dispute time:
    /// only blocks count that had room for one more fraud proof.
    pub challenge_blocks: BlockNumber,
    /// From a demand until whoever attested is convicted of silence, in dispute time.
    pub answer_blocks: BlockNumber,
    /// From the slot of an event until the slot at or after which the first block draws about it.
    /// Authors know their slots two epochs ahead, so it is longer than those.
    pub draw_delay_slots: u32,
    /// From its draw until an auditor without a verdict loses a part of its lock, in dispute time;
    /// fetching what it checks comes on top.
    pub audit_blocks: BlockNumber,
    /// From assignment until a worker can no longer decline.
    pub decline_blocks: BlockNumber,
    /// Least time that a job must leave its worker, on top of fetching its inputs.
    pub min_duration_blocks: BlockNumber,
    /// Most time that a job may leave its worker. Below the number of block hashes that the
    /// chain remembers, because attestations name the block of their assignment.
    pub max_duration_blocks: BlockNumber,
    /// Longest time that a job may wait for a worker.
    pub max_wait_blocks: BlockNumber,
    /// Least time between two fee-free heartbeats of a worker.
    pub heartbeat_blocks: BlockNumber,
    /// A worker not heard of for longer gets no job.
    pub liveness_blocks: BlockNumber,
    /// After `n` declines and timeouts in a row a worker gets no job for `2^n` times as long.
    pub back_off_blocks: BlockNumber,
    /// Length of a ledger period.
    pub era_blocks: BlockNumber,
    /// How many eras the record of an ended job is kept.
    pub retention_eras: u32,
}

impl Default for Timing {
    /// The protocol's defaults, for blocks of three seconds.
    fn default() -> Self {
        Self {
            challenge_blocks: 1_200,
            answer_blocks: 2_400,
            draw_delay_slots: 420,
            audit_blocks: 200,
            decline_blocks: 20,
            min_duration_blocks: 40,
            max_duration_blocks: 3_600,
            max_wait_blocks: 201_600,
            heartbeat_blocks: 50,
            liveness_blocks: 120,
            back_off_blocks: 20,
            era_blocks: 28_800,
            retention_eras: 8,
        }
    }
}

/// Prices, shares and collateral.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Economics {
    /// Least price of a compute unit.
    pub min_price_per_unit: Balance,
    /// Part of every payment that does not depend on its size: the job's own transactions and
    /// its expected audit.
    pub flat_price: Balance,
    /// Share of a payment that the provider gets.
    pub worker_share: Perbill,
    /// Share of a payment for auditors; burned when none was drawn.
    pub auditor_share: Perbill,
    /// Share of a payment for the model's owner; burned when none is set.
    pub royalty_share: Perbill,
    /// Share of a payment that is always burned, and against which rewards are minted.
    pub burn_share: Perbill,
    /// What is minted to the provider for each token of the burn share; at most one half.
    pub mint_ratio: Perbill,
    /// `p`: probability of an audit that locks are priced for.
    pub audit_probability: Perbill,
    /// `v`: an attacker's assumed share of authors' slots.
    pub attacker_slot_share: Perbill,
    /// `c`: an attacker's assumed share of auditors' bonds.
    pub attacker_bond_share: Perbill,
    /// `d`: assumed probability that an audit sees a wrong result.
    pub detection: Perbill,
    /// `s`: the challenger's share of a convicted lock.
    pub challenger_share: Perbill,
    /// Probability that a verdict "pass" is followed by a further auditor.
    pub further_probability: Perbill,
    /// Share of an audit lock that an auditor without a verdict loses; burned.
    pub miss_share: Perbill,
    /// Share of a payment that an audit of the whole job costs its requester.
    pub full_audit_share: Perbill,
    /// Least bond of an auditor.
    pub min_auditor_bond: Balance,
    /// Share of the payment that a timeout costs the provider, at most the lock; burned.
    pub timeout_share: Perbill,
    /// What a fraud proof that proves nothing costs on top of its fee; burned.
    pub proof_deposit: Balance,
    /// Deposit for a demand. With `k` open on the job, or made after its challenge period, the next
    /// costs `2^k` times as much.
    pub demand_deposit: Balance,
    /// Least bond of a provider.
    pub min_bond: Balance,
    /// Deposit for a registered model, and for each byte of it.
    pub model_deposit: Balance,
    /// See [`Economics::model_deposit`].
    pub model_byte_deposit: Balance,
    /// Deposit for a job's record, and for each of its inputs; each blob server counts as four
    /// inputs.
    pub job_deposit: Balance,
    /// See [`Economics::job_deposit`].
    pub job_input_deposit: Balance,
}

impl Default for Economics {
    fn default() -> Self {
        Self {
            min_price_per_unit: UNIT.saturating_div(1_000),
            flat_price: UNIT.saturating_div(10),
            worker_share: Perbill::from_percent(85),
            auditor_share: Perbill::from_percent(5),
            royalty_share: Perbill::from_percent(2),
            burn_share: Perbill::from_percent(8),
            mint_ratio: Perbill::from_percent(50),
            audit_probability: Perbill::from_percent(25),
            attacker_slot_share: Perbill::from_rational(1u32, 3u32),
            attacker_bond_share: Perbill::from_rational(1u32, 3u32),
            detection: Perbill::from_percent(90),
            challenger_share: Perbill::from_percent(20),
            further_probability: Perbill::from_percent(20),
            miss_share: Perbill::from_percent(10),
            full_audit_share: Perbill::from_percent(20),
            min_auditor_bond: UNIT.saturating_mul(10),
            timeout_share: Perbill::from_percent(10),
            proof_deposit: UNIT.saturating_div(10),
            demand_deposit: UNIT.saturating_div(10),
            min_bond: UNIT.saturating_mul(10),
            model_deposit: UNIT,
            model_byte_deposit: UNIT.saturating_div(10_000),
            job_deposit: UNIT.saturating_div(10),
            job_input_deposit: UNIT.saturating_div(100),
        }
    }
}
