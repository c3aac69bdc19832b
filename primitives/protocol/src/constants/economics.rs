//! What the prices and shares make of a payment.

use super::Economics;
use crate::{Balance, Macs};
use mizan_tensor::{AuditScope, MACS_PER_COMPUTE_UNIT};
use polkadot_sdk::{
    sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding,
    sp_runtime::{PerThing, Perbill, Rounding},
};

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
