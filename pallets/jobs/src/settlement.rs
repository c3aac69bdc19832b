//! The ends of a job.

use crate::*;
use frame_support::{
    defensive,
    traits::{
        fungible::{BalancedHold, MutateHold},
        tokens::Precision,
        Defensive, OnUnbalanced,
    },
};
use mizan_protocol::{
    block_number,
    explain::Rule,
    jobs::{Assignment, Attestation, JobState},
    traits::{Contributions, Disputes, Settlement, Workforce},
};

/// A job whose inputs nobody can fetch loses this part of its deposit.
const MISSING_INPUTS_DIVISOR: Balance = 10;

impl<T: Config> Pallet<T> {
    /// Pays for an attested job whose challenge period has passed.
    pub(crate) fn settle(
        id: JobId,
        job: &mut JobOf<T>,
        assignment: Assignment<T::AccountId>,
        attestation: Attestation,
    ) {
        let (payment, missing) =
            T::Currency::slash(&HoldReason::Payment.into(), &job.requester, job.held);
        if missing > 0 {
            defensive!("a payment was not held in full");
        }
        let audited = T::Disputes::end(id, None);
        let settled = T::Settlement::settle(payment, &assignment.provider, &audited);
        for auditor in &audited.auditors {
            T::Contributions::record_audited(auditor);
        }
        T::Workforce::unlock(&assignment.provider, assignment.lock, 0);
        BackedJobs::<T>::remove(&assignment.provider, id);
        T::Workforce::settled(&assignment.worker);
        let directed = job.directed.is_some();
        let provider = assignment.provider.clone();
        T::Contributions::record_settled(&provider, job.macs, directed, settled.burned);
        Self::count_units(&provider, job.macs, |units| &mut units.accepted);
        Self::record(
            id,
            Rule::Settled {
                provider: provider.clone(),
                payment: settled.payment,
                worker_paid: settled.worker_paid,
                auditors_paid: settled.auditors_paid,
                burned: settled.burned,
                minted: settled.minted,
                audit: settled.audit,
            },
        );
        job.held = 0;
        let _ = Self::give_back_deposit(job, 0);
        Self::deposit_event(Event::JobSettled {
            job: id,
            provider,
            payment: settled.payment,
            worker_paid: settled.worker_paid,
            auditors_paid: settled.auditors_paid,
            burned: settled.burned,
            minted: settled.minted,
            audit: settled.audit,
        });
        job.state = JobState::Settled(assignment, attestation, settled);
        Self::keep_for_a_while(id, job);
    }

    /// Ends a job that no worker has, and refunds it.
    pub(crate) fn end(id: JobId, job: &mut JobOf<T>, reason: EndReason) {
        let burn = match reason {
            EndReason::InputsUnavailable => job.deposit.saturating_div(MISSING_INPUTS_DIVISOR),
            EndReason::Cancelled | EndReason::Expired | EndReason::TooManyMisses => 0,
        };
        let payment = Self::release(HoldReason::Payment, &job.requester, job.held);
        job.held = 0;
        let (deposit, burned) = Self::give_back_deposit(job, burn);
        OpenJobs::<T>::remove(id.to_be_bytes());
        let refunded = payment.saturating_add(deposit);
        Self::record(
            id,
            Rule::Ended {
                reason,
                refunded,
                burned,
            },
        );
        Self::deposit_event(Event::JobEnded {
            job: id,
            reason,
            refunded,
            burned,
        });
        job.state = JobState::Ended {
            reason,
            block: block_number::<T>(),
        };
        Self::keep_for_a_while(id, job);
    }

    /// Gives the deposit back, less what is burned of it. Says how much each was.
    pub(crate) fn give_back_deposit(job: &mut JobOf<T>, burn: Balance) -> (Balance, Balance) {
        let mut burned = 0;
        if burn > 0 {
            let (credit, missing) =
                T::Currency::slash(&HoldReason::Deposit.into(), &job.requester, burn);
            burned = burn.saturating_sub(missing);
            T::BurnedDeposit::on_unbalanced(credit);
        }
        let rest = job.deposit.saturating_sub(burned);
        job.deposit = 0;
        (
            Self::release(HoldReason::Deposit, &job.requester, rest),
            burned,
        )
    }

    pub(crate) fn release(reason: HoldReason, who: &T::AccountId, amount: Balance) -> Balance {
        T::Currency::release(&reason.into(), who, amount, Precision::BestEffort)
            .defensive()
            .unwrap_or_default()
    }

    /// The record of an ended job stays for `Timing.retention_eras`.
    pub(crate) fn keep_for_a_while(id: JobId, job: &mut JobOf<T>) {
        let timing = TimingRecord::<T>::get();
        let kept = timing
            .era_blocks
            .saturating_mul(timing.retention_eras)
            .max(1);
        Self::put_on_agenda(id, job, block_number::<T>().saturating_add(kept));
    }
}
