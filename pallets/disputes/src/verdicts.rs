//! What auditors say, what they answer for, and what they are paid for.

use crate::*;
use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{
    defensive,
    dispatch::{DispatchResult, DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
    traits::{
        fungible::{Balanced, BalancedHold, Inspect, MutateHold},
        tokens::{Fortitude, Precision, Preservation},
        Defensive, Get, Imbalance, OnUnbalanced,
    },
};
use mizan_protocol::{
    explain::Rule,
    jobs::{AuditOutcome, AuditScope, Grounds},
    traits::{Audited, ClaimedResults},
};
use proofs::Subject;

impl<T: Config> Event<T> {
    /// The job to whose history the event belongs, if it is about an audit.
    pub fn audited_job(&self) -> Option<JobId> {
        match self {
            Self::AuditorDrawn { job, .. }
            | Self::NoAuditorDrawn { job }
            | Self::VerdictGiven { job, .. }
            | Self::VerdictMissed { job, .. }
            | Self::AuditorSlashed { job, .. }
            | Self::AuditOrdered { job, .. } => Some(*job),
            _ => None,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// The audits of a job and its auditor at work, if that is `who` and may say that.
    #[allow(clippy::type_complexity)]
    pub(crate) fn may_give_verdict(
        who: &T::AccountId,
        job: JobId,
        verdict: &Verdict,
    ) -> Result<(AuditOf<T>, OpenAudit<T::AccountId>), Error<T>> {
        let Some(audit) = Audits::<T>::get(job) else {
            // It says why there is none.
            T::Results::claimed(job).map_err(Error::<T>::from)?;
            return Err(Error::<T>::NotYourAudit);
        };
        let open = audit.at_work().filter(|open| &open.auditor == who).cloned();
        let open = open.ok_or(Error::<T>::NotYourAudit)?;
        ensure!(open.open_demands == 0, Error::<T>::DemandsOpen);
        if *verdict == Verdict::Withheld {
            ensure!(open.answered > 0, Error::<T>::NothingAnswered);
        }
        Ok((audit, open))
    }

    pub(crate) fn do_submit_verdict(
        who: T::AccountId,
        job: JobId,
        verdict: Verdict,
    ) -> DispatchResultWithPostInfo {
        let (mut audit, open) = Self::may_give_verdict(&who, job, &verdict)?;
        Self::deposit_event(Event::VerdictGiven {
            job,
            auditor: who,
            verdict,
        });
        match verdict {
            Verdict::Pass { receipt } => Self::pass(job, &mut audit, open, receipt),
            Verdict::Withheld => Self::dismiss(job, &mut audit, open, true),
        }
        Audits::<T>::insert(job, audit);
        Self::reschedule(job);
        Ok(PostDispatchInfo {
            actual_weight: None,
            pays_fee: Pays::No,
        })
    }

    fn pass(job: JobId, audit: &mut AuditOf<T>, open: OpenAudit<T::AccountId>, receipt: H256) {
        let rule = Rule::AuditPassed {
            auditor: open.auditor.clone(),
        };
        T::Results::note(job, rule);
        let pass = Pass {
            auditor: open.auditor,
            lock: open.lock,
            seed: open.seed,
            scope: open.scope,
            ordered: open.ordered,
            receipt,
            slashed: false,
        };
        if audit.passes.try_push(pass).is_err() {
            defensive!("nothing is drawn after the last pass");
        }
        if audit.passes.is_full() {
            if let Some(order) = &mut audit.order {
                order.begun = true;
            }
            audit.stage = Stage::Done;
        } else {
            audit.stage = Self::draw_later(job, DrawReason::Passed, AuditScope::Sampled, false);
        }
    }

    pub(crate) fn do_order_audit(
        who: T::AccountId,
        job: JobId,
        scope: AuditScope,
    ) -> DispatchResult {
        let result = T::Results::claimed(job).map_err(Error::<T>::from)?;
        ensure!(result.requester == who, Error::<T>::NotYourJob);
        let case = Cases::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        let mut audit = Audits::<T>::get(job).ok_or(Error::<T>::JobUnknown)?;
        ensure!(audit.order.is_none(), Error::<T>::AlreadyOrdered);
        let late = case.challenge_ends_time <= Time::<T>::get();
        ensure!(!late && !audit.passes.is_full(), Error::<T>::OrderTooLate);
        let price = T::Economics::get().audit_price(scope, result.payment);
        let free = T::Currency::reducible_balance(&who, Preservation::Protect, Fortitude::Polite);
        ensure!(price <= free, Error::<T>::BalanceTooLow);
        T::Currency::hold(&HoldReason::AuditOrder.into(), &who, price)?;
        audit.order = Some(Order {
            scope,
            price,
            begun: false,
            misses: 0,
        });
        if audit.stage == Stage::Done {
            Self::conclude_audits(job, &mut audit);
        }
        Audits::<T>::insert(job, audit);
        T::Results::note(job, Rule::AuditOrdered { scope, price });
        Self::deposit_event(Event::AuditOrdered {
            job,
            requester: who,
            scope,
            price,
        });
        Self::reschedule(job);
        Ok(())
    }

    /// Whether an auditor who was drawn with that pass answers for an element. A further auditor
    /// answers for the set of the pass before it as well.
    fn answers_for(
        audit: &AuditOf<T>,
        pass: usize,
        subject: &Subject<T::AccountId>,
        operation: u16,
        index: u64,
    ) -> bool {
        let earlier = pass
            .checked_sub(1)
            .and_then(|earlier| audit.passes.get(earlier));
        let own = audit.passes.get(pass);
        let mut sets = earlier.into_iter().chain(own);
        sets.any(|pass| subject.is_drawn(pass.scope, &pass.seed, operation, index))
    }

    /// The auditor at work, if that element is in its drawn set.
    pub(crate) fn auditor_of(
        job: JobId,
        subject: &Subject<T::AccountId>,
        accusation: &Accusation,
    ) -> Option<T::AccountId> {
        let Accusation::Element { operation, index } = *accusation else {
            return None;
        };
        let audit = Audits::<T>::get(job)?;
        let open = audit.at_work()?;
        let own = subject.is_drawn(open.scope, &open.seed, operation, index);
        let last = audit.passes.len().checked_sub(1);
        let earlier = last.is_some_and(|last| {
            audit
                .passes
                .get(last)
                .is_some_and(|pass| subject.is_drawn(pass.scope, &pass.seed, operation, index))
        });
        (own || earlier).then(|| open.auditor.clone())
    }

    /// Takes the whole lock of an auditor: its pass does not count.
    pub(crate) fn slash(job: JobId, pass: &mut Pass<T::AccountId>) {
        let burned = Self::unlock_auditor(&pass.auditor, pass.lock, pass.lock);
        pass.slashed = true;
        AuditsOf::<T>::remove(&pass.auditor, job);
        let auditor = pass.auditor.clone();
        T::Results::note(
            job,
            Rule::AuditorSlashed {
                auditor: auditor.clone(),
                burned,
            },
        );
        Self::deposit_event(Event::AuditorSlashed {
            job,
            auditor,
            burned,
        });
    }

    /// The job ended: whoever passed what is proved wrong loses its lock, all others have theirs
    /// back, and the order is paid or returned.
    pub(crate) fn end_audits(job: JobId, convicted: Option<&Grounds>) -> Audited<T::AccountId> {
        let Some(mut audit) = Audits::<T>::take(job) else {
            defensive!("a claimed result has no audit");
            return Audited::not_drawn();
        };
        Self::drop_draw(job, &audit);
        if let Some(Grounds::Wrong(Accusation::Element { operation, index })) = convicted {
            if let (false, Ok(subject)) = (audit.passes.is_empty(), Self::subject(job)) {
                let wrong: Vec<usize> = (0..audit.passes.len())
                    .filter(|pass| Self::answers_for(&audit, *pass, &subject, *operation, *index))
                    .collect();
                let passes = audit.passes.iter_mut().enumerate();
                for (_, pass) in passes.filter(|(at, pass)| wrong.contains(at) && !pass.slashed) {
                    Self::slash(job, pass);
                }
            }
        }
        if let Stage::Open(open) = &audit.stage {
            Self::unlock_auditor(&open.auditor, open.lock, 0);
            AuditsOf::<T>::remove(&open.auditor, job);
        }
        for pass in audit.counting() {
            Self::unlock_auditor(&pass.auditor, pass.lock, 0);
            AuditsOf::<T>::remove(&pass.auditor, job);
        }
        Self::end_order(job, &audit, convicted.is_some());
        Self::outcome(&audit)
    }

    fn outcome(audit: &AuditOf<T>) -> Audited<T::AccountId> {
        let auditors: BTreeSet<_> = audit.counting().map(|pass| pass.auditor.clone()).collect();
        let missed = audit.misses >= MAX_MISSES || (audit.misses > 0 && auditors.is_empty());
        let outcome = match (missed, auditors.is_empty()) {
            (true, _) => AuditOutcome::Unaudited,
            (false, true) => AuditOutcome::NotDrawn,
            (false, false) => AuditOutcome::Passed,
        };
        Audited {
            outcome,
            auditors: auditors.into_iter().collect(),
        }
    }

    /// Pays an ordered audit, or gives the price back where no verdict counts.
    fn end_order(job: JobId, audit: &AuditOf<T>, convicted: bool) {
        let Some(order) = audit.order else {
            return;
        };
        let Ok(result) = T::Results::claimed(job) else {
            defensive!("an order is of a job without a claimed result");
            return;
        };
        let reason = HoldReason::AuditOrder.into();
        let auditor = audit.counting().find(|pass| pass.ordered && !convicted);
        let Some(auditor) = auditor.map(|pass| &pass.auditor) else {
            let released = T::Currency::release(
                &reason,
                &result.requester,
                order.price,
                Precision::BestEffort,
            );
            let _ = released.defensive();
            return;
        };
        let (price, missing) = T::Currency::slash(&reason, &result.requester, order.price);
        if missing > 0 {
            defensive!("the price of an order was not held in full");
        }
        let mut paid = price.peek();
        if let Err(price) = T::Currency::resolve(auditor, price) {
            // An account that can't take it has it burned.
            paid = 0;
            T::BurnedDeposit::on_unbalanced(price);
        }
        Self::deposit_event(Event::OrderPaid {
            job,
            auditor: auditor.clone(),
            paid,
        });
    }
}
