//! Memory for jobs: each reserves what its tensors take before it fetches any.

use crate::settings::Memory;
use mizan_tensor::Cost;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// What is counted as one.
const GRAIN: u64 = 1 << 10;

/// The memory that all jobs share. Jobs get theirs in the order in which they ask.
#[derive(Clone, Debug)]
pub struct Budget {
    total_bytes: u64,
    free: Arc<Semaphore>,
    grains: u32,
}

/// Memory reserved for one job, until it is dropped.
#[derive(Debug)]
pub struct Reserved {
    /// Whether the job had to wait for it.
    pub waited: bool,
    _grains: OwnedSemaphorePermit,
}

impl Budget {
    /// A budget of so much memory.
    pub fn new(memory: Memory) -> Self {
        Self::without(memory, 0)
    }

    /// A budget of so much memory, of which something else takes a part.
    pub fn without(memory: Memory, taken_bytes: u64) -> Self {
        let total_bytes = match memory {
            Memory::Auto => physical_memory() / 2,
            Memory::Bytes(bytes) => bytes,
        };
        let total_bytes = total_bytes.saturating_sub(taken_bytes);
        let grains = u32::try_from(total_bytes / GRAIN).unwrap_or(u32::MAX);
        // Where a number of grains is more than the machine's word can count, that is no limit.
        let places = usize::try_from(grains).unwrap_or(usize::MAX);
        Self {
            total_bytes,
            free: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            grains,
        }
    }

    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// What jobs have of it now.
    pub fn used_bytes(&self) -> u64 {
        let free = u64::try_from(self.free.available_permits()).unwrap_or(u64::MAX);
        u64::from(self.grains).saturating_sub(free) * GRAIN
    }

    /// Whether so much is free now, or never will be.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        bytes > self.total_bytes || self.used_bytes().saturating_add(bytes) <= self.total_bytes
    }

    /// So much at once and before nobody who waits. `None` if it is not free now.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reserved> {
        let grains = u32::try_from(bytes.div_ceil(GRAIN)).ok()?;
        let permit = self.free.clone().try_acquire_many_owned(grains).ok()?;
        Some(Reserved {
            waited: false,
            _grains: permit,
        })
    }

    /// Waits until so much is free. `None` if there is not so much at all.
    pub async fn reserve(&self, bytes: u64) -> Option<Reserved> {
        let grains = u32::try_from(bytes.div_ceil(GRAIN)).ok()?;
        if grains > self.grains {
            return None;
        }
        match self.free.clone().try_acquire_many_owned(grains) {
            Ok(permit) => Some(Reserved {
                waited: false,
                _grains: permit,
            }),
            Err(TryAcquireError::Closed) => None,
            Err(TryAcquireError::NoPermits) => {
                let permit = self.free.clone().acquire_many_owned(grains).await;
                permit.ok().map(|permit| Reserved {
                    waited: true,
                    _grains: permit,
                })
            }
        }
    }
}

/// The machine's memory in bytes.
pub fn physical_memory() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.total_memory()
}

/// The most that the tensors of a job take at once: while it computes, all of them; while it
/// stores, trace and outputs and one copy of the larger.
pub fn job_bytes(cost: &Cost, batch: u32) -> u64 {
    let of_batch = |item: u64| item.saturating_mul(u64::from(batch));
    let result = of_batch(cost.item_trace_bytes).saturating_add(of_batch(cost.item_output_bytes));
    let needed = cost
        .parameter_bytes
        .saturating_add(of_batch(cost.item_input_bytes));
    let copied = of_batch(cost.item_trace_bytes.max(cost.item_output_bytes));
    result.saturating_add(needed.max(copied))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn budget(bytes: u64) -> Budget {
        Budget::new(Memory::Bytes(bytes))
    }

    #[test]
    fn jobs_beyond_the_budget_wait_their_turn() {
        let budget = budget(10 * GRAIN);
        let reserve = |bytes| Box::pin(budget.reserve(bytes));
        let first = reserve(6 * GRAIN).now_or_never().flatten().unwrap();
        assert!(!first.waited);
        assert_eq!(budget.used_bytes(), 6 * GRAIN);
        let mut second = reserve(7 * GRAIN);
        assert!((&mut second).now_or_never().is_none());
        // One that would fit does not overtake those that wait.
        let mut third = reserve(2 * GRAIN);
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        let second = second.now_or_never().flatten().unwrap();
        assert!(second.waited);
        assert!(third.now_or_never().flatten().unwrap().waited);
        drop(second);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn whoever_does_not_wait_gets_what_is_free_and_nobody_waits_for() {
        let budget = budget(10 * GRAIN);
        let first = budget.try_reserve(6 * GRAIN).unwrap();
        assert!(budget.try_reserve(5 * GRAIN).is_none());
        let mut waiting = Box::pin(budget.reserve(7 * GRAIN));
        assert!((&mut waiting).now_or_never().is_none());
        drop(first);
        assert!(budget.try_reserve(4 * GRAIN).is_none());
        assert!(waiting.now_or_never().flatten().unwrap().waited);
        assert!(budget.try_reserve(11 * GRAIN).is_none());
    }

    #[test]
    fn a_job_larger_than_the_whole_budget_gets_nothing_at_once() {
        let budget = budget(10 * GRAIN);
        let whole = budget.reserve(10 * GRAIN).now_or_never().flatten();
        assert!(whole.is_some());
        for bytes in [10 * GRAIN + 1, u64::MAX] {
            assert!(budget.reserve(bytes).now_or_never().unwrap().is_none());
        }
    }

    #[test]
    fn half_of_the_machine_is_the_default() {
        let physical = physical_memory();
        assert!(physical > 1 << 20);
        assert_eq!(Budget::new(Memory::Auto).total_bytes(), physical / 2);
    }

    #[test]
    fn what_something_else_takes_no_job_gets() {
        let budget = |taken| Budget::without(Memory::Bytes(10 * GRAIN), taken);
        assert_eq!(budget(3 * GRAIN).total_bytes(), 7 * GRAIN);
        assert!(budget(3 * GRAIN).try_reserve(8 * GRAIN).is_none());
        assert_eq!(budget(11 * GRAIN).total_bytes(), 0);
    }

    #[test]
    fn a_job_takes_its_tensors_or_its_result_and_a_copy() {
        let cost = Cost {
            parameter_bytes: 100,
            item_input_bytes: 10,
            item_trace_bytes: 5,
            item_output_bytes: 3,
            ..Cost::default()
        };
        assert_eq!(job_bytes(&cost, 2), 100 + 2 * (10 + 5 + 3));
        let mostly_trace = Cost {
            parameter_bytes: 1,
            item_input_bytes: 1,
            ..cost
        };
        assert_eq!(job_bytes(&mostly_trace, 2), 2 * (5 + 3 + 5));
        let huge = Cost {
            item_trace_bytes: u64::MAX,
            ..cost
        };
        assert_eq!(job_bytes(&huge, 2), u64::MAX);
    }
}
