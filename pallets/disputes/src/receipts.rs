//! Receipts: whoever passed a result must be able to open what it says it has looked at.

use crate::*;
use frame_support::{
    defensive,
    dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
    traits::{
        fungible::{Inspect, MutateHold},
        tokens::{Fortitude, Precision, Preservation},
        Defensive, Get,
    },
};
use mizan_tensor::Finding;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_demand_receipt(
        demander: T::AccountId,
        job: JobId,
        pass: u32,
        index: u64,
    ) -> DispatchResultWithPostInfo {
        let subject = Self::subject(job)?;
        let audit = Audits::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let named = audit.passes.get(pass as usize).filter(|pass| !pass.slashed);
        let named = named.ok_or(Error::<T>::PassUnknown)?;
        let bytes = subject.receipt_bytes(named.scope);
        ensure!(
            bytes.is_some_and(|bytes| index < bytes),
            Error::<T>::RequestImpossible
        );
        let open = ReceiptDemands::<T>::contains_key(job, pass);
        ensure!(!open, Error::<T>::ReceiptDemanded);
        let mut case = Cases::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let late = case.challenge_ends_time <= Time::<T>::get();
        let deposit = Self::public_price(&case, &audit)?;
        let free =
            T::Currency::reducible_balance(&demander, Preservation::Protect, Fortitude::Polite);
        ensure!(deposit <= free, Error::<T>::BalanceTooLow);
        T::Currency::hold(&HoldReason::Demand.into(), &demander, deposit)?;

        let answer_by_time = Self::time_after(T::Timing::get().answer_blocks);
        case.open_receipts = case.open_receipts.saturating_add(1);
        case.late_demands = case.late_demands.saturating_add(late.into());
        Cases::<T>::insert(job, case);
        ReceiptDemands::<T>::insert(
            job,
            pass,
            ReceiptDemand {
                demander: demander.clone(),
                index,
                deposit,
                answer_by_time,
            },
        );
        Self::deposit_event(Event::ReceiptDemanded {
            job,
            pass,
            demander,
            index,
            deposit,
            answer_by_time,
        });
        Self::reschedule(job);
        Ok(Some(T::WeightInfo::demand_receipt_of(subject.program_bytes)).into())
    }

    /// What an opening shows, with the demand and the bytes of the program.
    #[allow(clippy::type_complexity)]
    pub(crate) fn check_receipt(
        job: JobId,
        pass: u32,
        opening: &[u8],
    ) -> Result<(Finding, ReceiptDemand<T::AccountId>, u32), Error<T>> {
        let demand = ReceiptDemands::<T>::get(job, pass);
        let demand = demand.ok_or(Error::<T>::ReceiptDemandUnknown)?;
        let audit = Audits::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let named = audit.passes.get(pass as usize);
        let named = named.ok_or(Error::<T>::PassUnknown)?;
        let subject = Self::subject(job)?;
        let finding = subject
            .ask(|referee| {
                let (seed, receipt) = (named.seed.as_fixed_bytes(), named.receipt.as_fixed_bytes());
                referee.check_receipt(named.scope, seed, receipt, demand.index, opening)
            })
            .map_err(Error::<T>::of_answer)?;
        Ok((finding, demand, subject.program_bytes))
    }

    pub(crate) fn do_open_receipt(
        answerer: T::AccountId,
        job: JobId,
        pass: u32,
        opening: &[u8],
    ) -> DispatchResultWithPostInfo {
        let (finding, demand, program_bytes) = Self::check_receipt(job, pass, opening)?;
        ReceiptDemands::<T>::remove(job, pass);
        Self::forget_receipt_demand(job);
        match finding {
            Finding::Right => {
                let (paid, burned) =
                    Self::pay_for_answer(&demand.demander, demand.deposit, &answerer);
                Self::deposit_event(Event::ReceiptOpened {
                    job,
                    pass,
                    answerer,
                    paid,
                    burned,
                });
            }
            Finding::Wrong => {
                Self::return_receipt_demand(job, pass, demand);
                if let Some(mut audit) = Audits::<T>::get(job) {
                    Self::slash_pass(job, &mut audit, pass);
                    Audits::<T>::insert(job, audit);
                }
            }
        }
        Self::reschedule(job);
        Ok(PostDispatchInfo {
            actual_weight: Some(T::WeightInfo::open_receipt_of(program_bytes)),
            pays_fee: Pays::No,
        })
    }

    /// A pass whose receipt is not what it must be does not count; another auditor is drawn.
    pub(crate) fn slash_pass(job: JobId, audit: &mut AuditOf<T>, pass: u32) {
        let Some(named) = audit.passes.get_mut(pass as usize) else {
            defensive!("a receipt is demanded of no pass");
            return;
        };
        Self::slash(job, named);
        let (scope, ordered) = (named.scope, named.ordered);
        match audit.stage {
            // Another auditor is at work or about to be drawn: this pass is one that is missing.
            Stage::Waits(_) | Stage::Open(_) => match &mut audit.order {
                Some(order) if ordered => order.misses = order.misses.saturating_add(1),
                _ => audit.misses = audit.misses.saturating_add(1),
            },
            Stage::Done => Self::draw_again(job, audit, scope, ordered),
        }
        // Whoever is drawn to check the same again is drawn for certain.
        if let Stage::Waits(draw) = &mut audit.stage {
            draw.reason = DrawReason::Certain;
        }
    }

    /// Gives the deposit back to whoever asked for a receipt.
    pub(crate) fn return_receipt_demand(
        job: JobId,
        pass: u32,
        demand: ReceiptDemand<T::AccountId>,
    ) {
        let reason = HoldReason::Demand.into();
        let released = T::Currency::release(
            &reason,
            &demand.demander,
            demand.deposit,
            Precision::BestEffort,
        );
        Self::deposit_event(Event::ReceiptDemandReturned {
            job,
            pass,
            demander: demand.demander,
            deposit: released.defensive().unwrap_or_default(),
        });
    }

    /// A demand for a receipt is not open any more. Whoever learned something has time to use it.
    pub(crate) fn forget_receipt_demand(job: JobId) {
        let react = Self::time_after(T::Timing::get().reaction_blocks());
        Cases::<T>::mutate_extant(job, |case| {
            case.open_receipts = case.open_receipts.saturating_sub(1);
            case.settles_time = case.settles_time.max(react);
        });
    }
}
