//! What must hold after every block.

use crate::*;
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use mizan_protocol::traits::ClaimedResults;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet.
    pub fn do_try_state() -> Result<(), DispatchError> {
        Self::cases_are_of_claimed_results()?;
        Self::cases_count_their_demands()?;
        Self::holds_are_what_demands_hold()
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
                    && case.open_demands.saturating_sub(case.own_demands) <= PUBLIC_DEMANDS,
                "more demands are open than may be"
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
        for (who, sum) in sums {
            let held = T::Currency::balance_on_hold(&HoldReason::Demand.into(), &who);
            ensure!(held == sum, "demands' deposits differ from what is held");
        }
        Ok(())
    }
}
