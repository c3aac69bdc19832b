//! What a speed earns, by what the chain says now.
//!
//! A payment is price times compute units plus a flat part, which is left out here. Of it the
//! provider gets its share, and what is minted for the burned share where no audit is missing.
//! While a job can be disputed, a multiple of its payment is locked in the provider's bond, so a
//! bond backs only so much of payments an hour, whatever the speed.

use crate::{node::Node, steps::BLOCK_SECONDS};
use mizan_client::{
    views::{Economics, JobState, JobView},
    AccountId, At, ClientError,
};
use serde::{Serialize, Serializer};

/// So many of the newest jobs are looked at.
const JOBS: u64 = 100;
/// Parts of a share.
const BILLION: u128 = 1_000_000_000;
const HOUR_SECONDS: u64 = 3_600;

/// What the chain says of prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prices {
    /// Least price of a compute unit.
    #[serde(serialize_with = "text")]
    pub least: u128,
    /// The least price of this worker, if it is registered.
    #[serde(serialize_with = "optional_text")]
    pub ask: Option<u128>,
    /// What was paid last, if anything was.
    pub paid: Option<Paid>,
    /// What the provider's free bond backs, if both are known.
    #[serde(serialize_with = "optional_text")]
    pub backed_an_hour: Option<u128>,
    /// What the provider has of each payment, in billionths, with what is minted.
    pub received: u128,
}

/// What was paid for the newest jobs that settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// How many there are.
    pub jobs: usize,
    /// Median of their prices of a compute unit.
    #[serde(serialize_with = "text")]
    pub median: u128,
    /// Multiply-accumulates of all of them, scaled to an hour; `None` if they settled at once.
    #[serde(serialize_with = "optional_text")]
    pub macs_an_hour: Option<u128>,
    /// Median of the blocks for which their bonds were locked.
    pub locked_blocks: u32,
    /// Median of lock over payment, in billionths.
    #[serde(serialize_with = "text")]
    pub lock_ratio: u128,
}

impl Prices {
    /// Reads them from the chain's newest block, for that worker.
    pub async fn read(node: &Node, worker: Option<&AccountId>) -> Result<Self, ClientError> {
        let client = node.client();
        let economics = node.ask(client.economics(At::Best)).await?;
        let next = node.ask(client.next_job(At::Best)).await?;
        let mut jobs = Vec::new();
        for id in (next.saturating_sub(JOBS)..next).rev() {
            jobs.extend(node.job(id, At::Best).await?);
        }
        let worker = match worker {
            Some(account) => node.worker(account).await?,
            None => None,
        };
        let provider = match &worker {
            Some(worker) => node.provider(&worker.provider).await?,
            None => None,
        };
        let paid = Paid::of(&jobs, &economics);
        let free = provider.map(|provider| provider.free_bond());
        Ok(Self {
            least: economics.min_price_per_unit,
            ask: worker.map(|worker| worker.ask),
            paid,
            backed_an_hour: free.zip(paid).and_then(|(free, paid)| paid.backed(free)),
            received: received(&economics),
        })
    }

    /// What so many multiply-accumulates a second earn in an hour without a pause, at a price.
    pub fn an_hour(&self, macs_per_second: u128, price: u128) -> u128 {
        let macs = macs_per_second.saturating_mul(HOUR_SECONDS.into());
        self.of(macs.saturating_mul(price) / BILLION)
    }

    /// What the provider gets of payments.
    pub fn of(&self, payments: u128) -> u128 {
        payments.saturating_mul(self.received) / BILLION
    }
}

impl Paid {
    fn of(jobs: &[JobView], economics: &Economics) -> Option<Self> {
        let settled: Vec<_> = jobs
            .iter()
            .filter_map(|job| Settled::of(job, economics))
            .collect();
        let median = |of: fn(&Settled) -> u128| {
            let mut all: Vec<_> = settled.iter().map(of).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied()
        };
        let ends = settled.iter().map(|job| job.settled_block);
        let blocks = ends.clone().max()?.saturating_sub(ends.min()?);
        let macs = settled.iter().map(|job| job.macs);
        let macs = macs.fold(0u128, u128::saturating_add);
        let macs_an_hour = macs
            .saturating_mul(HOUR_SECONDS.into())
            .checked_div(u128::from(blocks) * u128::from(BLOCK_SECONDS));
        Some(Self {
            jobs: settled.len(),
            median: median(|job| job.price)?,
            macs_an_hour,
            locked_blocks: u32::try_from(median(|job| job.locked_blocks)?).unwrap_or(u32::MAX),
            lock_ratio: median(|job| job.lock_ratio)?,
        })
    }

    /// The payments of an hour that a bond backs.
    fn backed(&self, bond: u128) -> Option<u128> {
        let at_once = bond.saturating_mul(BILLION).checked_div(self.lock_ratio)?;
        let locked = u128::from(self.locked_blocks) * u128::from(BLOCK_SECONDS);
        at_once
            .saturating_mul(HOUR_SECONDS.into())
            .checked_div(locked)
    }
}

/// What is of interest in a settled job.
struct Settled {
    macs: u128,
    price: u128,
    settled_block: u32,
    locked_blocks: u128,
    lock_ratio: u128,
}

impl Settled {
    fn of(job: &JobView, economics: &Economics) -> Option<Self> {
        let JobState::Settled {
            assignment,
            settlement,
            ..
        } = &job.state
        else {
            return None;
        };
        let by_size = settlement.payment.saturating_sub(economics.flat_price);
        let settled_block = settlement.settled_block;
        Some(Self {
            macs: job.macs,
            price: by_size.saturating_mul(BILLION).checked_div(job.macs)?,
            settled_block,
            locked_blocks: settled_block
                .saturating_sub(assignment.assigned_block)
                .into(),
            lock_ratio: assignment
                .lock
                .saturating_mul(BILLION)
                .checked_div(assignment.payment)?,
        })
    }
}

/// The provider's share and what is minted to it, in billionths of a payment.
fn received(economics: &Economics) -> u128 {
    let minted = u128::from(economics.burn_share) * u128::from(economics.mint_ratio) / BILLION;
    u128::from(economics.worker_share) + minted
}

fn text<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn optional_text<S: Serializer>(number: &Option<u128>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::views::{Assignment, Attestation, AuditOutcome, Settlement};

    const UNIT: u128 = 1_000_000_000_000;

    fn economics() -> Economics {
        Economics {
            min_price_per_unit: 1_000,
            flat_price: 500,
            worker_share: 850_000_000,
            auditor_share: 50_000_000,
            royalty_share: 20_000_000,
            burn_share: 80_000_000,
            mint_ratio: 500_000_000,
            audit_probability: 0,
            further_probability: 0,
            miss_share: 0,
            full_audit_share: 0,
            timeout_share: 0,
            proof_deposit: 0,
            demand_deposit: 0,
            min_bond: 0,
            min_auditor_bond: 0,
            model_deposit: 0,
            model_byte_deposit: 0,
            job_deposit: 0,
            job_input_deposit: 0,
        }
    }

    fn job(state: JobState) -> JobView {
        JobView {
            id: 1,
            requester: AccountId([1; 32]),
            model: [2; 32],
            batch: 1,
            inputs: Vec::new(),
            macs: 2 * BILLION,
            price_per_unit: 9_000,
            held: 0,
            deposit: 0,
            duration_blocks: 50,
            wait_until_block: 0,
            directed: None,
            excluded: Vec::new(),
            missing_inputs: Vec::new(),
            blob_servers: Vec::new(),
            due_block: 0,
            state,
        }
    }

    /// A job of two compute units that was assigned ten blocks before it settled.
    fn settled(payment: u128, settled_block: u32) -> JobView {
        job(JobState::Settled {
            assignment: Assignment {
                worker: AccountId([3; 32]),
                provider: AccountId([4; 32]),
                payment,
                lock: payment * 45 / 4,
                assigned_block: settled_block - 10,
                attest_by_block: settled_block,
            },
            attestation: Attestation {
                outputs: Vec::new(),
                trace: [0; 32],
                attested_block: settled_block - 5,
                settles_block: settled_block,
            },
            settlement: Settlement {
                payment,
                worker_paid: 0,
                auditors_paid: 0,
                burned: 0,
                minted: 0,
                audit: AuditOutcome::NotDrawn,
                settled_block,
            },
        })
    }

    fn prices(paid: Option<Paid>) -> Prices {
        Prices {
            least: 1_000,
            ask: None,
            paid,
            backed_an_hour: None,
            received: received(&economics()),
        }
    }

    #[test]
    fn a_provider_receives_its_share_and_what_is_minted() {
        // 85 % and half of 8 %.
        assert_eq!(received(&economics()), 890_000_000);
        assert_eq!(prices(None).of(1_000), 890);
    }

    #[test]
    fn an_hour_earns_compute_units_times_price() {
        // One compute unit a second, at a millionth of a token.
        assert_eq!(
            prices(None).an_hour(BILLION, UNIT / 1_000_000),
            3_600 * 890_000
        );
        assert_eq!(prices(None).an_hour(0, UNIT), 0);
        assert_eq!(prices(None).an_hour(u128::MAX, 0), 0);
        // More than there can be is not less than much.
        assert!(prices(None).an_hour(u128::MAX, u128::MAX) > UNIT);
    }

    #[test]
    fn what_was_paid_is_the_median_without_the_flat_part() {
        let jobs = [
            settled(2_500, 100),
            settled(4_500, 120),
            settled(90_500, 160),
        ];
        let paid = Paid::of(&jobs, &economics()).unwrap();
        // 1,000, 2,000 and 45,000 a compute unit.
        assert_eq!((paid.jobs, paid.median, paid.locked_blocks), (3, 2_000, 10));
        // Six compute units in 60 blocks of three seconds.
        assert_eq!(paid.macs_an_hour, Some(120 * BILLION));
        assert_eq!(paid.lock_ratio, 11_250_000_000);
    }

    #[test]
    fn jobs_that_did_not_settle_have_no_price() {
        let ended = JobState::Ended {
            reason: mizan_client::views::EndReason::Expired,
            block: 5,
        };
        assert_eq!(
            Paid::of(&[job(JobState::Open), job(ended)], &economics()),
            None
        );
        assert_eq!(Paid::of(&[], &economics()), None);
        let one = Paid::of(&[settled(2_500, 100)], &economics()).unwrap();
        assert_eq!((one.jobs, one.macs_an_hour), (1, None));
    }

    #[test]
    fn a_bond_backs_so_much_at_once_and_again_when_it_is_free() {
        let paid = Paid::of(&[settled(2_500, 100)], &economics()).unwrap();
        // 100 at once, for 30 seconds each time.
        assert_eq!(paid.backed(1_125), Some(100 * 120));
        assert_eq!(paid.backed(0), Some(0));
        let at_once = Paid {
            locked_blocks: 0,
            ..paid
        };
        assert_eq!(at_once.backed(1_125), None);
    }
}
