//! What must hold after every block.

use crate::*;
use alloc::collections::{BTreeMap, BTreeSet};
use frame_support::{ensure, traits::fungible::InspectHold};
use mizan_protocol::traits::ClaimedResults;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::cases_are_of_claimed_results()?;
        Self::cases_count_their_demands()?;
        Self::holds_are_what_demands_hold()?;
        Self::every_case_has_an_audit()?;
        Self::audits_count_their_demands()?;
        Self::bonds_are_held_and_locked()?;
        Self::free_bonds_are_summed()?;
        Self::holds_are_what_orders_hold()?;
        Self::queued_draws_are_those_that_audits_wait_for()
    }

    /// Every case is of a job whose result can be challenged. The jobs pallet asks for the case of
    /// every such job.
    fn cases_are_of_claimed_results() -> Result<(), DispatchError> {
        for job in Cases::<T>::iter_keys() {
            ensure!(
                T::Results::claimed(job).is_ok(),
                "a case is of a job without a claimed result"
            );
        }
        Ok(())
    }

    /// A case counts its open demands, and a demand belongs to a case.
    fn cases_count_their_demands() -> Result<(), DispatchError> {
        let mut counts: BTreeMap<JobId, (u32, u32)> = BTreeMap::new();
        for (job, _, demand) in Demands::<T>::iter() {
            let (open, own) = counts.entry(job).or_default();
            *open = open.saturating_add(1);
            *own = own.saturating_add(demand.own.into());
        }
        for (job, case) in Cases::<T>::iter() {
            let counted = counts.remove(&job).unwrap_or_default();
            ensure!(
                counted == (case.open_demands, case.own_demands),
                "a case counts its open demands wrong"
            );
            ensure!(
                case.own_demands <= OWN_DEMANDS
                    && case.open_demands.saturating_sub(case.own_demands)
                        <= PUBLIC_DEMANDS.saturating_add(AUDITOR_DEMANDS),
                "more demands are open than may be"
            );
            ensure!(
                ReceiptDemands::<T>::iter_prefix(job).count() == case.open_receipts as usize,
                "a case counts its demands for receipts wrong"
            );
        }
        ensure!(counts.is_empty(), "a demand is of a job without a case");
        Ok(())
    }

    /// What is held on demanders' accounts is exactly what open demands hold.
    fn holds_are_what_demands_hold() -> Result<(), DispatchError> {
        let mut sums: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (_, _, demand) in Demands::<T>::iter() {
            let sum = sums.entry(demand.demander).or_default();
            *sum = sum.saturating_add(demand.deposit);
        }
        for (_, _, demand) in ReceiptDemands::<T>::iter() {
            let sum = sums.entry(demand.demander).or_default();
            *sum = sum.saturating_add(demand.deposit);
        }
        for (who, sum) in sums {
            let held = T::Currency::balance_on_hold(&HoldReason::Demand.into(), &who);
            ensure!(held == sum, "demands' deposits differ from what is held");
        }
        Ok(())
    }

    /// Every case has an audit, and no other job has one.
    fn every_case_has_an_audit() -> Result<(), DispatchError> {
        let cases: BTreeSet<_> = Cases::<T>::iter_keys().collect();
        let audits: BTreeSet<_> = Audits::<T>::iter_keys().collect();
        ensure!(cases == audits, "audits are not those of the cases");
        Ok(())
    }

    /// An auditor at work has the open demands that it is said to have, and nobody else has such.
    fn audits_count_their_demands() -> Result<(), DispatchError> {
        for (job, audit) in Audits::<T>::iter() {
            let open = Demands::<T>::iter_prefix_values(job);
            let mut theirs = open.filter(|demand| demand.by_auditor);
            match audit.at_work() {
                Some(at_work) => {
                    let (mut count, mut own) = (0u32, true);
                    for demand in theirs {
                        count = count.saturating_add(1);
                        own &= demand.demander == at_work.auditor;
                    }
                    ensure!(
                        own && count == at_work.open_demands && count <= AUDITOR_DEMANDS,
                        "an auditor's open demands are counted wrong"
                    );
                }
                None => ensure!(
                    theirs.next().is_none(),
                    "a demand is of an auditor who is not at work"
                ),
            }
        }
        Ok(())
    }

    /// Every auditor's bond is held, and its locks are those of its verdicts.
    fn bonds_are_held_and_locked() -> Result<(), DispatchError> {
        let mut locks: BTreeMap<T::AccountId, (Balance, u32)> = BTreeMap::new();
        let mut jobs = BTreeSet::new();
        for (job, audit) in Audits::<T>::iter() {
            let passes = audit.counting().map(|pass| (&pass.auditor, pass.lock));
            let open = audit.at_work().map(|open| (&open.auditor, open.lock));
            for (auditor, lock) in passes.chain(open) {
                let (sum, count) = locks.entry(auditor.clone()).or_default();
                *sum = sum.saturating_add(lock);
                *count = count.saturating_add(1);
                jobs.insert((auditor.clone(), job));
            }
        }
        for (who, auditor) in Auditors::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::AuditorBond.into(), &who);
            ensure!(held == auditor.bond, "an auditor's bond is not held");
            ensure!(auditor.locked <= auditor.bond, "more is locked than held");
            let expected = locks.remove(&who).unwrap_or_default();
            ensure!(
                expected == (auditor.locked, auditor.locks),
                "an auditor's locks are not those of its verdicts"
            );
        }
        ensure!(locks.is_empty(), "a verdict is of nobody");
        let listed: BTreeSet<_> = AuditsOf::<T>::iter_keys().collect();
        ensure!(listed == jobs, "auditors' jobs are listed wrong");
        Ok(())
    }

    /// Auditors' places have no gap, and their free bonds are summed right.
    fn free_bonds_are_summed() -> Result<(), DispatchError> {
        let count = AuditorCount::<T>::get();
        ensure!(
            Auditors::<T>::iter().count() == count as usize
                && AuditorAt::<T>::iter().count() == count as usize,
            "auditors are counted wrong"
        );
        let mut sum: Balance = 0;
        for place in 0..count {
            let who = AuditorAt::<T>::get(place).ok_or("a place has no auditor")?;
            let auditor = Auditors::<T>::get(&who).ok_or("a place has nobody")?;
            ensure!(auditor.place == place, "an auditor is at another place");
            if auditor.free_bond() > 0 {
                ensure!(
                    Self::place_at(sum) == Some(place),
                    "a free bond is not where it is drawn"
                );
            }
            sum = sum.saturating_add(auditor.free_bond());
        }
        ensure!(Self::all_free_bonds() == sum, "free bonds are summed wrong");
        Ok(())
    }

    /// What is held for orders is what orders name.
    fn holds_are_what_orders_hold() -> Result<(), DispatchError> {
        let mut sums: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (job, audit) in Audits::<T>::iter() {
            if let (Some(order), Ok(result)) = (audit.order, T::Results::claimed(job)) {
                let sum = sums.entry(result.requester).or_default();
                *sum = sum.saturating_add(order.price);
            }
        }
        for (who, sum) in sums {
            let held = T::Currency::balance_on_hold(&HoldReason::AuditOrder.into(), &who);
            ensure!(held == sum, "the prices of orders differ from what is held");
        }
        Ok(())
    }

    /// Each audit that waits for a draw is queued once, in the slot that it names, and no other is.
    fn queued_draws_are_those_that_audits_wait_for() -> Result<(), DispatchError> {
        let queued: BTreeSet<_> = Draws::<T>::iter_keys().collect();
        let waiting = Audits::<T>::iter()
            .filter_map(|(job, audit)| Some((audit.draw_slot()?.to_be_bytes(), job)));
        ensure!(
            queued == waiting.collect::<BTreeSet<_>>(),
            "the draws that are queued are not those that audits wait for"
        );
        Ok(())
    }
}
