//! Demands for data, and their answers.

use crate::*;
use frame_support::{
    defensive,
    dispatch::{DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
    traits::{
        fungible::{Balanced, BalancedHold, Inspect, MutateHold},
        tokens::{Fortitude, Precision, Preservation},
        Defensive, Get, Imbalance, OnUnbalanced,
    },
    weights::Weight,
};
use mizan_protocol::{
    block_number,
    jobs::{AuditScope, Grounds},
    traits::{Audited, ClaimedResults, Disputes, Due},
    BlockNumber,
};
use mizan_tensor::Finding;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_demand(
        demander: T::AccountId,
        job: JobId,
        request: Request,
    ) -> DispatchResultWithPostInfo {
        let subject = Self::subject(job)?;
        subject
            .ask(|referee| referee.check_request(&request))
            .map_err(|_| Error::<T>::RequestImpossible)?;
        let mut case = Cases::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let late = case.challenge_ends_time <= Time::<T>::get();
        let requests = demander == subject.result.requester;
        let own = requests && !late && case.own_demands < OWN_DEMANDS;
        let mut audit = Audits::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let by_auditor = Self::auditors_place(&audit, &demander);
        let deposit = match own || by_auditor {
            true => T::Economics::get().demand_deposit,
            false => Self::public_price(&case, &audit)?,
        };
        let free =
            T::Currency::reducible_balance(&demander, Preservation::Protect, Fortitude::Polite);
        ensure!(deposit <= free, Error::<T>::BalanceTooLow);
        T::Currency::hold(&HoldReason::Demand.into(), &demander, deposit)?;

        let id = case.next_demand;
        let demand = Demand {
            demander: demander.clone(),
            request,
            deposit,
            own,
            by_auditor,
            answer_by_time: Self::time_after(T::Timing::get().answer_blocks),
        };
        let answer_by_time = demand.answer_by_time;
        Demands::<T>::insert(job, id.to_be_bytes(), demand);
        case.next_demand = id.saturating_add(1);
        case.open_demands = case.open_demands.saturating_add(1);
        case.own_demands = case.own_demands.saturating_add(own.into());
        case.late_demands = case
            .late_demands
            .saturating_add((late && !by_auditor).into());
        Cases::<T>::insert(job, case);
        if by_auditor {
            Self::count_auditors_demand(&mut audit);
            Audits::<T>::insert(job, audit);
        }
        Self::deposit_event(Event::DataDemanded {
            job,
            demand: id,
            demander,
            request,
            deposit,
            answer_by_time,
        });
        Self::reschedule(job);
        Ok(Some(T::WeightInfo::demand_of(subject.program_bytes)).into())
    }

    /// Whether a demand takes a place of the auditor at work.
    fn auditors_place(audit: &AuditOf<T>, demander: &T::AccountId) -> bool {
        audit.at_work().is_some_and(|open| {
            let made = open.open_demands.saturating_add(open.answered);
            &open.auditor == demander
                && open.open_demands < AUDITOR_DEMANDS
                && made < MAX_AUDITOR_DEMANDS
        })
    }

    /// The clock of the auditor rests while one of its demands is open.
    fn count_auditors_demand(audit: &mut AuditOf<T>) {
        if let Stage::Open(open) = &mut audit.stage {
            open.open_demands = open.open_demands.saturating_add(1);
        }
    }

    /// A demand of the auditor was answered: it has a new period to use it.
    fn count_auditors_answer(job: JobId) {
        let period = T::Timing::get().audit_blocks;
        Audits::<T>::mutate_extant(job, |audit| {
            if let Stage::Open(open) = &mut audit.stage {
                open.open_demands = open.open_demands.saturating_sub(1);
                open.answered = open.answered.saturating_add(1);
                open.verdict_by_time = open.verdict_by_time.max(Self::time_after(period));
            }
        });
    }

    /// What the next demand in a place that is nobody's own costs.
    pub(crate) fn public_price(case: &Case, audit: &AuditOf<T>) -> Result<Balance, Error<T>> {
        let of_auditor = audit.at_work().map_or(0, |open| open.open_demands);
        let public = case
            .open_demands
            .saturating_sub(case.own_demands)
            .saturating_sub(of_auditor)
            .saturating_add(case.open_receipts);
        ensure!(public < PUBLIC_DEMANDS, Error::<T>::TooManyDemands);
        T::Economics::get()
            .deposit_for_demand(public.saturating_add(case.late_demands))
            .ok_or(Error::<T>::TooManyDemands)
    }

    /// What an answer shows, with the demand and the bytes of the program.
    #[allow(clippy::type_complexity)]
    pub(crate) fn check_answer(
        job: JobId,
        id: DemandId,
        answer: &[u8],
    ) -> Result<(Finding, Demand<T::AccountId>, u32), Error<T>> {
        let demand = Demands::<T>::get(job, id.to_be_bytes()).ok_or(Error::<T>::DemandUnknown)?;
        let subject = Self::subject(job)?;
        let finding = subject
            .ask(|referee| referee.check_answer(&demand.request, answer))
            .map_err(Error::<T>::of_answer)?;
        Ok((finding, demand, subject.program_bytes))
    }

    pub(crate) fn do_answer(
        answerer: T::AccountId,
        job: JobId,
        id: DemandId,
        answer: &[u8],
    ) -> DispatchResultWithPostInfo {
        let (finding, demand, program_bytes) = Self::check_answer(job, id, answer)?;
        let bytes = u32::try_from(answer.len()).unwrap_or(u32::MAX);
        let free = PostDispatchInfo {
            actual_weight: Some(T::WeightInfo::answer_of(program_bytes, bytes)),
            pays_fee: Pays::No,
        };
        if let (Finding::Wrong, Request::Element { operation, index }) = (finding, demand.request) {
            // Whoever asked for it has found the fault, whoever brought the bytes.
            let grounds = Grounds::Wrong(Accusation::Element { operation, index });
            let challenger = demand.demander;
            Self::deposit_event(Event::FraudProved {
                job,
                challenger: challenger.clone(),
                grounds,
            });
            T::Results::convict(job, grounds, Some(challenger)).map_err(Error::<T>::from)?;
            return Ok(free);
        }
        let (paid, burned) = Self::pay_for_answer(&demand.demander, demand.deposit, &answerer);
        Demands::<T>::remove(job, id.to_be_bytes());
        Cases::<T>::mutate_extant(job, |case| {
            case.open_demands = case.open_demands.saturating_sub(1);
            case.own_demands = case.own_demands.saturating_sub(demand.own.into());
            let react = Self::time_after(T::Timing::get().reaction_blocks());
            case.settles_time = case.settles_time.max(react);
        });
        if demand.by_auditor {
            Self::count_auditors_answer(job);
        }
        Self::deposit_event(Event::DemandAnswered {
            job,
            demand: id,
            answerer,
            paid,
            burned,
        });
        Self::reschedule(job);
        Ok(free)
    }

    /// Half the deposit for the answer, half burned.
    pub(crate) fn pay_for_answer(
        demander: &T::AccountId,
        deposit: Balance,
        answerer: &T::AccountId,
    ) -> (Balance, Balance) {
        let reason = HoldReason::Demand.into();
        let (taken, missing) = T::Currency::slash(&reason, demander, deposit);
        if missing > 0 {
            defensive!("a demand's deposit was not held in full");
        }
        let half = taken.peek().saturating_div(2);
        let (pay, mut rest) = taken.split(half);
        let mut paid = pay.peek();
        if let Err(pay) = T::Currency::resolve(answerer, pay) {
            // An account that can't take it has it burned.
            paid = 0;
            rest = rest.merge(pay);
        }
        let burned = rest.peek();
        T::BurnedDeposit::on_unbalanced(rest);
        (paid, burned)
    }

    /// Tells the jobs pallet when to look at the job again.
    pub(crate) fn reschedule(job: JobId) {
        let block = match Self::due(job) {
            Due::Nothing(block) => block,
            Due::Settle | Due::Convict(_) => block_number::<T>(),
        };
        T::Results::look_at(job, block);
    }

    /// The open demand that has to be answered first. All have the same time from their making,
    /// so it is the oldest.
    fn first_demand(job: JobId) -> Option<Demand<T::AccountId>> {
        Demands::<T>::iter_prefix_values(job).next()
    }
}

impl<T: Config> Disputes<T::AccountId> for Pallet<T> {
    fn begin(job: JobId, assigned_block_hash: H256) -> BlockNumber {
        let settles_time = Self::time_after(T::Timing::get().challenge_blocks);
        Cases::<T>::insert(
            job,
            Case {
                assigned_block_hash,
                challenge_ends_time: settles_time,
                settles_time,
                open_demands: 0,
                own_demands: 0,
                open_receipts: 0,
                late_demands: 0,
                next_demand: 0,
            },
        );
        let draw = Self::draw_later(job, DrawReason::Claimed, AuditScope::Sampled, false);
        Audits::<T>::insert(job, Audit::begun_with(draw));
        Self::block_of(settles_time)
    }

    fn advance(job: JobId) -> (Due, Weight) {
        let receipts = Cases::<T>::get(job).map_or(0, |case| case.open_receipts);
        // Silence is judged before anything else.
        if !matches!(Self::due(job), Due::Convict(_)) {
            Self::advance_audit(job);
        }
        (Self::due(job), T::WeightInfo::advance(receipts))
    }

    fn advance_weight() -> Weight {
        T::WeightInfo::advance(MAX_PASSES)
    }

    fn passes(job: JobId) -> u32 {
        let audit = Audits::<T>::get(job);
        let passes = audit.map(|audit| u32::try_from(audit.passes.len()).unwrap_or(MAX_PASSES));
        passes.unwrap_or(0)
    }

    fn most_passes() -> u32 {
        MAX_PASSES
    }

    fn due(job: JobId) -> Due {
        let (Some(case), Some(audit)) = (Cases::<T>::get(job), Audits::<T>::get(job)) else {
            defensive!("a claimed result has no case");
            return Due::Nothing(BlockNumber::MAX);
        };
        let now = Time::<T>::get();
        let audits = Self::audit_due(job, &audit);
        match (Self::first_demand(job), audits) {
            (Some(demand), _) if demand.answer_by_time <= now => Due::Convict(demand.request),
            (Some(demand), audits) => {
                let demands = Self::block_of(demand.answer_by_time);
                Due::Nothing(audits.map_or(demands, |block| block.min(demands)))
            }
            (None, Some(block)) => Due::Nothing(block),
            (None, None) if case.settles_time <= now => Due::Settle,
            (None, None) => Due::Nothing(Self::block_of(case.settles_time)),
        }
    }

    fn settles_block(job: JobId) -> BlockNumber {
        let settles = Cases::<T>::get(job).map_or(0, |case| Self::block_of(case.settles_time));
        let next = match Self::due(job) {
            Due::Nothing(block) => block,
            Due::Settle | Due::Convict(_) => block_number::<T>(),
        };
        settles.max(next).max(block_number::<T>().saturating_add(1))
    }

    fn open_demands(job: JobId) -> u32 {
        Cases::<T>::get(job).map_or(0, |case| {
            case.open_demands.saturating_add(case.open_receipts)
        })
    }

    fn auditor_at_work(job: JobId) -> Option<T::AccountId> {
        let audit = Audits::<T>::get(job)?;
        audit.at_work().map(|open| open.auditor.clone())
    }

    fn audit_for_certain(job: JobId) {
        Self::make_certain(job);
    }

    fn end(job: JobId, convicted: Option<&Grounds>) -> Audited<T::AccountId> {
        let audited = Self::end_audits(job, convicted);
        let Some(case) = Cases::<T>::take(job) else {
            return audited;
        };
        if case.open_receipts > 0 {
            for (pass, demand) in ReceiptDemands::<T>::drain_prefix(job) {
                Self::return_receipt_demand(job, pass, demand);
            }
        }
        if case.open_demands == 0 {
            return audited;
        }
        for (id, demand) in Demands::<T>::drain_prefix(job) {
            let reason = HoldReason::Demand.into();
            let deposit = T::Currency::release(
                &reason,
                &demand.demander,
                demand.deposit,
                Precision::BestEffort,
            )
            .defensive()
            .unwrap_or_default();
            Self::deposit_event(Event::DemandReturned {
                job,
                demand: DemandId::from_be_bytes(id),
                demander: demand.demander,
                deposit,
            });
        }
        audited
    }
}
