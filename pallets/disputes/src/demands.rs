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
};
use mizan_protocol::{
    block_number,
    jobs::Grounds,
    traits::{ClaimedResults, Disputes, Due},
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
        let deposit = Self::place(&case, own)?;
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
            answer_by_time: Self::time_after(T::Timing::get().answer_blocks),
        };
        let answer_by_time = demand.answer_by_time;
        Demands::<T>::insert(job, id.to_be_bytes(), demand);
        case.next_demand = id.saturating_add(1);
        case.open_demands = case.open_demands.saturating_add(1);
        case.own_demands = case.own_demands.saturating_add(own.into());
        case.late_demands = case.late_demands.saturating_add(late.into());
        Cases::<T>::insert(job, case);
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

    /// What the next demand on a job costs.
    fn place(case: &Case, own: bool) -> Result<Balance, Error<T>> {
        let economics = T::Economics::get();
        if own {
            return Ok(economics.demand_deposit);
        }
        let public = case.open_demands.saturating_sub(case.own_demands);
        ensure!(public < PUBLIC_DEMANDS, Error::<T>::TooManyDemands);
        economics
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
            .map_err(|error| match Flaw::from(error) {
                Flaw::WrongEvidenceLength => Error::<T>::WrongAnswerLength,
                Flaw::NothingWrong
                | Flaw::NoSuchPlace
                | Flaw::WrongHash
                | Flaw::NotSigned
                | Flaw::OtherAssignment => Error::<T>::WrongHash,
            })?;
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
        let (paid, burned) = Self::pay_for_answer(&demand, &answerer);
        Demands::<T>::remove(job, id.to_be_bytes());
        Cases::<T>::mutate_extant(job, |case| {
            case.open_demands = case.open_demands.saturating_sub(1);
            case.own_demands = case.own_demands.saturating_sub(demand.own.into());
            let react = Self::time_after(T::Timing::get().reaction_blocks());
            case.settles_time = case.settles_time.max(react);
        });
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
    fn pay_for_answer(
        demand: &Demand<T::AccountId>,
        answerer: &T::AccountId,
    ) -> (Balance, Balance) {
        let reason = HoldReason::Demand.into();
        let (taken, missing) = T::Currency::slash(&reason, &demand.demander, demand.deposit);
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
    fn reschedule(job: JobId) {
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

impl<T: Config> Disputes for Pallet<T> {
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
                late_demands: 0,
                next_demand: 0,
            },
        );
        Self::block_of(settles_time)
    }

    fn due(job: JobId) -> Due {
        let Some(case) = Cases::<T>::get(job) else {
            defensive!("a claimed result has no case");
            return Due::Nothing(BlockNumber::MAX);
        };
        let now = Time::<T>::get();
        match Self::first_demand(job) {
            Some(demand) if demand.answer_by_time <= now => Due::Convict(demand.request),
            Some(demand) => Due::Nothing(Self::block_of(demand.answer_by_time)),
            None if case.settles_time <= now => Due::Settle,
            None => Due::Nothing(Self::block_of(case.settles_time)),
        }
    }

    fn open_demands(job: JobId) -> u32 {
        Cases::<T>::get(job).map_or(0, |case| case.open_demands)
    }

    fn end(job: JobId) {
        let open = Cases::<T>::take(job).map_or(0, |case| case.open_demands);
        if open == 0 {
            return;
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
    }
}
