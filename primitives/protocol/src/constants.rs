//! Every period and every economic constant, in two records that only genesis writes.

use crate::{Balance, BlockNumber, Macs, UNIT};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use mizan_tensor::{AuditScope, MACS_PER_COMPUTE_UNIT};
use polkadot_sdk::{
    sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding,
    sp_runtime::{PerThing, Perbill, Rounding},
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// One block to see an answer, one to send what follows from it, one to spare.
const LEAST_REACTION_BLOCKS: BlockNumber = 3;

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

/// Blocks of three seconds in which so many bytes come at 1 MB/s.
fn fetch_blocks(bytes: u64) -> BlockNumber {
    u32::try_from(bytes.div_ceil(3_000_000)).unwrap_or(u32::MAX)
}

impl Timing {
    /// Times of a development chain: a job settles within seconds.
    pub fn development() -> Self {
        Self {
            challenge_blocks: 4,
            answer_blocks: 8,
            draw_delay_slots: 2,
            audit_blocks: 8,
            decline_blocks: 10,
            min_duration_blocks: 5,
            heartbeat_blocks: 5,
            liveness_blocks: 20,
            back_off_blocks: 2,
            era_blocks: 100,
            ..Self::default()
        }
    }

    /// Says what is wrong with the record.
    pub fn check(&self) -> Result<(), &'static str> {
        let ordered = self.min_duration_blocks <= self.max_duration_blocks
            && self.heartbeat_blocks < self.liveness_blocks
            // Whether a result is audited shows while it can still be challenged.
            && self.draw_delay_slots < self.challenge_blocks;
        let positive = [
            self.challenge_blocks,
            self.answer_blocks,
            self.draw_delay_slots,
            self.audit_blocks,
            self.decline_blocks,
            self.max_wait_blocks,
            self.min_duration_blocks,
            self.heartbeat_blocks,
            self.back_off_blocks,
            self.era_blocks,
        ];
        match (ordered, positive.contains(&0)) {
            (false, _) => Err("timing: a shortest period exceeds its longest"),
            (_, true) => Err("timing: a period is zero"),
            _ => Ok(()),
        }
    }

    /// Least time that a job must leave its worker: the fixed part, and its inputs at 1 MB/s.
    pub fn min_duration(&self, input_bytes: u64) -> BlockNumber {
        self.min_duration_blocks
            .saturating_add(fetch_blocks(input_bytes))
    }

    /// Time that an auditor has for its verdict, in dispute time: the fixed part, and what it
    /// fetches at 1 MB/s. Who audits all of a job has the job's duration as well.
    pub fn verdict_blocks(&self, fetched_bytes: u64, duration: BlockNumber) -> BlockNumber {
        self.audit_blocks
            .saturating_add(fetch_blocks(fetched_bytes))
            .saturating_add(duration)
    }

    /// How long a job can't settle after an answer, so that what it shows can be used: a quarter of
    /// the challenge period, rounded up, and never less than it takes to see the answer and to
    /// have a transaction included.
    pub fn reaction_blocks(&self) -> BlockNumber {
        self.challenge_blocks.div_ceil(4).max(LEAST_REACTION_BLOCKS)
    }

    /// How long a worker gets no job after `misses` declines and timeouts in a row.
    pub fn back_off(&self, misses: u32) -> BlockNumber {
        self.back_off_blocks
            .saturating_mul(2u32.saturating_pow(misses))
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

impl Economics {
    /// Says what is wrong with the record.
    pub fn check(&self) -> Result<(), &'static str> {
        let shares = [
            self.worker_share,
            self.auditor_share,
            self.royalty_share,
            self.burn_share,
        ];
        let sum = shares
            .iter()
            .fold(0u64, |sum, s| sum.saturating_add(s.deconstruct().into()));
        if sum != u64::from(Perbill::ACCURACY) {
            return Err("economics: the shares of a payment do not sum to one");
        }
        if self.mint_ratio > Perbill::from_percent(50) {
            return Err("economics: the mint ratio exceeds one half");
        }
        if self.conviction().is_zero() {
            return Err("economics: a cheater is never convicted, no lock can deter it");
        }
        if self.further_probability.is_zero() {
            return Err(
                "economics: no pass is ever checked again, no audit lock can deter a bribe",
            );
        }
        if self.challenger_share.is_one() {
            return Err("economics: a challenger who is the worker would lose nothing");
        }
        if self.proof_deposit == 0 || self.demand_deposit == 0 {
            return Err("economics: the deposit for a fraud proof or demand is zero");
        }
        let least = [
            self.min_price_per_unit,
            self.flat_price,
            self.min_bond,
            self.min_auditor_bond,
        ];
        if least.contains(&0) {
            return Err("economics: the least price, flat price or a least bond is zero");
        }
        Ok(())
    }

    /// `e = p (1 - v)(1 - c) d`: the probability that a cheater is convicted.
    pub fn conviction(&self) -> Perbill {
        // Products of shares round down, so that the lock is rather too large.
        [
            self.attacker_slot_share.left_from_one(),
            self.attacker_bond_share.left_from_one(),
            self.detection,
        ]
        .into_iter()
        .fold(self.audit_probability, |e, share| {
            Perbill::from_parts(share.mul_floor(e.deconstruct()))
        })
    }

    /// Payment for a number of multiply-accumulates at a price per compute unit: rounded up,
    /// with the flat part. `None` on overflow.
    pub fn payment(&self, price_per_unit: Balance, macs: Macs) -> Option<Balance> {
        let unit = u128::from(MACS_PER_COMPUTE_UNIT);
        multiply_by_rational_with_rounding(price_per_unit, macs, unit, Rounding::Up)?
            .checked_add(self.flat_price)
    }

    /// The bond behind a job of payment `P`: `L = P (1 - e) / (e (1 - s))`, rounded up.
    /// With less, cheating would pay on average. `None` on overflow.
    pub fn lock(&self, payment: Balance) -> Option<Balance> {
        let e = self.conviction();
        let one = u128::from(Perbill::ACCURACY);
        let up = u128::from(e.left_from_one().deconstruct()).checked_mul(one)?;
        let kept = self.challenger_share.left_from_one();
        let down = u128::from(e.deconstruct()).checked_mul(kept.deconstruct().into())?;
        multiply_by_rational_with_rounding(payment, up, down, Rounding::Up)
    }

    /// The bond behind an auditor's verdict on a job of payment `P`:
    /// `P / (f (1 - c))`, rounded up, with the probability `f` of a further auditor. With less, a
    /// bribe could cost less than what the cheater gains. `None` on overflow.
    pub fn audit_lock(&self, payment: Balance) -> Option<Balance> {
        let kept = self.attacker_bond_share.left_from_one();
        // Rounded down, so that the lock is rather too large.
        let caught = kept.mul_floor(self.further_probability.deconstruct());
        let one = u128::from(Perbill::ACCURACY);
        multiply_by_rational_with_rounding(payment, one, caught.into(), Rounding::Up)
    }

    /// What an auditor without a verdict loses of its lock.
    pub fn miss_penalty(&self, lock: Balance) -> Balance {
        self.miss_share.mul_floor(lock)
    }

    /// What an audit costs the requester who orders it.
    pub fn audit_price(&self, scope: AuditScope, payment: Balance) -> Balance {
        let share = match scope {
            AuditScope::Sampled => self.auditor_share,
            AuditScope::Full => self.full_audit_share,
        };
        share.mul_ceil(payment)
    }

    /// What a timeout costs a provider whose job pays `payment` behind `lock`.
    pub fn timeout_penalty(&self, payment: Balance, lock: Balance) -> Balance {
        lock.min(self.timeout_share.mul_floor(payment))
    }

    /// Deposit for a demand that comes after so many. `None` on overflow.
    pub fn deposit_for_demand(&self, open: u32) -> Option<Balance> {
        self.demand_deposit.checked_mul(2u128.checked_pow(open)?)
    }

    /// Deposit for a model of that many bytes.
    pub fn deposit_for_model(&self, bytes: u32) -> Option<Balance> {
        self.model_byte_deposit
            .checked_mul(bytes.into())?
            .checked_add(self.model_deposit)
    }

    /// Deposit for a job of that many inputs that names that many blob servers. An address may be
    /// four times as long as an input's hash.
    pub fn deposit_for_job(&self, inputs: u32, blob_servers: u32) -> Option<Balance> {
        let entries = blob_servers.checked_mul(4)?.checked_add(inputs)?;
        self.job_input_deposit
            .checked_mul(entries.into())?
            .checked_add(self.job_deposit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_records_are_valid() {
        assert_eq!(Timing::default().check(), Ok(()));
        assert_eq!(Timing::development().check(), Ok(()));
        assert_eq!(Economics::default().check(), Ok(()));
    }

    #[test]
    fn lock_is_eleven_and_a_quarter_payments() {
        let economics = Economics::default();
        let lock = economics.lock(1_000_000_000).unwrap();
        // e is a tenth up to the rounding of two thirds, and always downwards: the lock is not
        // smaller than the exact one.
        assert!((11_250_000_000..11_250_000_200).contains(&lock), "{lock}");
        assert_eq!(economics.lock(u128::MAX), None);
        assert_eq!(economics.lock(0), Some(0));
    }

    #[test]
    fn cheating_costs_more_than_it_gains_at_the_lock() {
        let economics = Economics::default();
        let e = f64::from(economics.conviction().deconstruct()) / 1e9;
        let s = f64::from(economics.challenger_share.deconstruct()) / 1e9;
        let payment = 5_000_000_007u128;
        let lock = economics.lock(payment).unwrap() as f64;
        // Gain P when not convicted, lose what of the lock does not come back as challenger.
        assert!(payment as f64 * (1.0 - e) <= e * lock * (1.0 - s) * (1.0 + 1e-12));
    }

    #[test]
    fn payment_is_rounded_up_and_refuses_overflow() {
        let economics = Economics {
            flat_price: 7,
            ..Economics::default()
        };
        assert_eq!(economics.payment(1, 1), Some(8));
        assert_eq!(economics.payment(3, 1_000_000_000), Some(10));
        assert_eq!(economics.payment(3, 1_000_000_001), Some(11));
        assert_eq!(economics.payment(u128::MAX, u128::MAX), None);
        assert_eq!(economics.payment(u128::MAX, 1_000_000_000), None);
    }

    #[test]
    fn records_that_would_lose_or_print_money_are_refused() {
        let wrong: [fn(&mut Economics); 9] = [
            |e| e.further_probability = Perbill::zero(),
            |e| e.min_auditor_bond = 0,
            |e| e.proof_deposit = 0,
            |e| e.demand_deposit = 0,
            |e| e.burn_share = Perbill::from_percent(9),
            |e| e.mint_ratio = Perbill::from_percent(51),
            |e| e.audit_probability = Perbill::zero(),
            |e| e.challenger_share = Perbill::one(),
            |e| e.min_bond = 0,
        ];
        for change in wrong {
            let mut economics = Economics::default();
            change(&mut economics);
            assert!(economics.check().is_err());
        }
        assert!(Timing {
            era_blocks: 0,
            ..Timing::default()
        }
        .check()
        .is_err());
        assert!(Timing {
            liveness_blocks: 1,
            ..Timing::default()
        }
        .check()
        .is_err());
        assert!(Timing {
            draw_delay_slots: Timing::default().challenge_blocks,
            ..Timing::default()
        }
        .check()
        .is_err());
    }

    /// One auditor and the draw of a further one: what audits of most jobs take.
    #[test]
    fn a_passed_audit_does_not_postpone_the_settlement() {
        let timing = Timing::default();
        let audited = 2 * timing.draw_delay_slots + timing.audit_blocks;
        assert!(audited < timing.challenge_blocks);
    }

    #[test]
    fn periods_saturate() {
        let timing = Timing::default();
        assert_eq!(timing.back_off(0), 20);
        assert_eq!(timing.back_off(3), 160);
        assert_eq!(timing.back_off(u32::MAX), u32::MAX);
        assert_eq!(timing.min_duration(0), 40);
        assert_eq!(timing.min_duration(3_000_001), 42);
        assert_eq!(timing.min_duration(u64::MAX), u32::MAX);
        assert_eq!(timing.verdict_blocks(3_000_001, 7), 209);
        assert_eq!(timing.verdict_blocks(0, u32::MAX), u32::MAX);
    }

    #[test]
    fn demands_get_dearer_and_overflow_is_none() {
        let economics = Economics {
            demand_deposit: 3,
            ..Economics::default()
        };
        assert_eq!(economics.deposit_for_demand(0), Some(3));
        assert_eq!(economics.deposit_for_demand(5), Some(96));
        assert_eq!(economics.deposit_for_demand(127), None);
        assert_eq!(economics.deposit_for_demand(128), None);
        assert_eq!(Timing::development().reaction_blocks(), 3);
        assert_eq!(Timing::default().reaction_blocks(), 300);
    }

    #[test]
    fn audit_lock_is_seven_and_a_half_payments_and_a_bribe_costs_more_than_it_gains() {
        let economics = Economics::default();
        let lock = economics.audit_lock(1_000_000_000).unwrap();
        assert!((7_500_000_000..7_500_000_100).contains(&lock), "{lock}");
        assert_eq!(economics.audit_lock(u128::MAX), None);
        assert_eq!(economics.audit_lock(0), Some(0));
        // Who bribes an auditor pays it at least what it can expect to lose.
        let share = |share: Perbill| f64::from(share.deconstruct()) / 1e9;
        let caught =
            share(economics.further_probability) * (1.0 - share(economics.attacker_bond_share));
        let payment = 5_000_000_007u128;
        let lock = economics.audit_lock(payment).unwrap() as f64;
        assert!(caught * lock >= payment as f64 * (1.0 - 1e-12));
        assert_eq!(economics.miss_penalty(75), 7);
        assert_eq!(economics.audit_price(AuditScope::Sampled, 101), 6);
        assert_eq!(economics.audit_price(AuditScope::Full, 101), 21);
    }

    #[test]
    fn timeout_never_costs_more_than_the_lock() {
        let economics = Economics::default();
        assert_eq!(economics.timeout_penalty(1_000, 11_250), 100);
        assert_eq!(economics.timeout_penalty(1_000, 30), 30);
    }

    #[test]
    fn security_page_gives_what_the_constants_give() {
        let page = include_str!("../../../docs/security.md");
        let (e, timing) = (Economics::default(), Timing::default());
        let share = |share: Perbill| f64::from(share.deconstruct()) / 1e9;
        let mzn = |amount: Balance| amount as f64 / UNIT as f64;
        let lock = e.lock(UNIT).expect("it fits") as f64 / UNIT as f64;
        let audit_lock = e.audit_lock(UNIT).expect("it fits") as f64 / UNIT as f64;
        let kept = 1.0 - share(e.challenger_share);
        let demand = |open| mzn(e.deposit_for_demand(open).expect("it fits"));
        let rows = [
            format!("| a job is audited | {:.2} |", share(e.audit_probability)),
            format!("authors' slots | {:.3} |", share(e.attacker_slot_share)),
            format!("auditors' bonds | {:.3} |", share(e.attacker_bond_share)),
            format!("an audit sees a wrong result | {:.2} |", share(e.detection)),
            format!("| of a convicted lock | {:.2} |", share(e.challenger_share)),
            format!(
                "| e | probability of conviction | {:.3} |",
                share(e.conviction())
            ),
            format!("| lock behind a job of payment P | {lock:.2} |"),
            format!("| lost by who convicts himself | {:.2} |", kept * lock),
            format!("a share of {:.2} of the lock |", share(e.challenger_share)),
            format!(
                "by a further auditor | {:.2} |",
                share(e.further_probability)
            ),
            format!("no verdict in time | {:.2} |", share(e.miss_share)),
            format!("| audit lock / P | {audit_lock:.2} |"),
            format!("its fee, and {} MZN burned |", mzn(e.proof_deposit)),
            format!("| 0 | {} MZN |", demand(0)),
            format!("| 1 | {} MZN |", demand(1)),
            format!("| 3 | {} MZN |", demand(3)),
            format!("| 7 | {} MZN |", demand(7)),
            format!("| 11 | {} MZN |", demand(11)),
            format!("{} MZN burned for each", mzn(e.demand_deposit / 2)),
            format!("challenge period ({})", thousands(timing.challenge_blocks)),
            format!("time to answer ({})", thousands(timing.answer_blocks)),
            format!("{} blocks to answer", thousands(timing.answer_blocks)),
            format!("{} blocks after it", timing.reaction_blocks()),
            format!("`D` = {} slots", timing.draw_delay_slots),
        ];
        // Where a line ends is of no account.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let page = words(page);
        for row in rows {
            assert!(page.contains(&words(&row)), "docs/security.md lacks: {row}");
        }
    }

    fn thousands(number: u32) -> String {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}
