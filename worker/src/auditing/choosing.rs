//! What an audit costs, and which way of doing it costs least.

use super::{AuditError, Brief};
use mizan_blobs::accumulator_bytes;
use mizan_tensor::{receipt_spans, AuditScope, BlobSpan, Operation, Plan, TensorRef};
use std::time::Duration;

/// One product of 64 bits, as Freivalds' check has them, takes as long as so many of 8 bits.
const WIDE: u128 = 8;
/// Vectors that the check multiplies with.
const ROUNDS: u128 = 2;
/// Bytes of an operation in an advice list, at most.
const LISTED_BYTES: u64 = 125;
/// Microseconds of a second.
const MICROS: u128 = 1_000_000;

/// How fast a machine and its network are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Multiply-accumulates a second.
    pub macs_per_second: u128,
    /// Bytes a second from blob servers.
    pub bytes_per_second: u64,
}

impl Machine {
    /// How long computing takes.
    pub fn computes(&self, macs: u128) -> Duration {
        let micros = macs.saturating_mul(MICROS) / self.macs_per_second.max(1);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// How long fetching takes.
    pub fn fetches(&self, bytes: u64) -> Duration {
        let micros = u128::from(bytes).saturating_mul(MICROS);
        let micros = micros / u128::from(self.bytes_per_second.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// How a whole job is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullForm {
    /// By executing it again.
    Execute,
    /// By the worker's accumulators.
    Advice,
}

impl FullForm {
    /// Its name in figures and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Execute => "executed",
            Self::Advice => "advice",
        }
    }
}

/// An operation's accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The operation.
    pub operation: u16,
    /// Bytes of the accumulators.
    pub bytes: u64,
}

/// What advice is worth to a machine. Whatever its form, an audit needs inputs, parameters and
/// trace, and scales and compares every element; so that is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdviceWorth {
    /// The operations that are checked sooner by their accumulators than by executing them.
    pub operations: Vec<Wanted>,
    /// How long it takes to fetch these accumulators.
    pub fetches: Duration,
    /// How much sooner the audit ends, that included.
    pub saves: Duration,
}

/// What advice is worth to a machine, operation by operation.
pub fn advice_worth(plan: &Plan, batch: u32, machine: &Machine) -> AdviceWorth {
    let mut worth = AdviceWorth::default();
    let operations = (0u16..).take(plan.program().operations.len());
    for (operation, linear) in
        operations.filter_map(|index| Some((index, Linear::of(plan, index, batch)?)))
    {
        let fetches = machine.fetches(linear.bytes.saturating_add(LISTED_BYTES));
        let costs = fetches.saturating_add(machine.computes(linear.checking));
        let saves = machine.computes(linear.executing).saturating_sub(costs);
        if saves.is_zero() {
            continue;
        }
        let bytes = linear.bytes;
        worth.operations.push(Wanted { operation, bytes });
        worth.fetches = worth.fetches.saturating_add(fetches);
        worth.saves = worth.saves.saturating_add(saves);
    }
    worth
}

/// The form of a full audit that takes less time.
pub fn full_form(plan: &Plan, batch: u32, machine: &Machine) -> FullForm {
    if advice_worth(plan, batch, machine).operations.is_empty() {
        FullForm::Execute
    } else {
        FullForm::Advice
    }
}

/// What a linear operation costs, in multiply-accumulates of the product's kind.
struct Linear {
    /// Bytes of its accumulators.
    bytes: u64,
    /// To execute it.
    executing: u128,
    /// To check its accumulators.
    checking: u128,
}

impl Linear {
    /// `None` for any other operation.
    fn of(plan: &Plan, index: u16, batch: u32) -> Option<Self> {
        let operation = plan.program().operations.get(usize::from(index))?;
        let Operation::Linear { weights, .. } = operation else {
            return None;
        };
        let weights = plan.tensor_type(TensorRef::Parameter(*weights))?;
        let &[n, k] = weights.dimensions.as_slice() else {
            return None;
        };
        let (n, k) = (u128::from(n.max(1)), u128::from(k));
        let outputs = u128::from(plan.tensor_bytes(TensorRef::Operation(index), batch)?);
        let numbers = outputs + outputs / n * k + n * k;
        Some(Self {
            bytes: accumulator_bytes(plan, index, batch)?,
            executing: outputs.saturating_mul(k),
            checking: numbers.saturating_mul(ROUNDS * WIDE),
        })
    }
}

/// What a sampled audit may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledForm {
    /// Memory that it takes.
    pub bytes: u64,
    /// Whether it executes the drawn items again, for which it fetches all parameters.
    pub executes: bool,
}

/// Whether a sampled audit executes its items again: if memory and half of the time that is left
/// allow it. `to_fetch` are the bytes of parameters that are not on this machine.
pub fn sampled_form(
    brief: &Brief,
    to_fetch: u64,
    machine: &Machine,
    memory: u64,
    left: Duration,
) -> Result<SampledForm, AuditError> {
    let spans = item_spans(brief)?;
    let of_items: u64 = spans.iter().map(|span| span.length).sum();
    // As slices, as bytes, and as the tensors of the small job that is executed.
    let bytes = of_items.saturating_mul(3);
    let cost = brief.subject.plan.cost();
    // Weights once as they are and once as they are multiplied.
    let executing = bytes.saturating_add(cost.parameter_bytes.saturating_mul(2));
    let items = u32::try_from(brief.items()?.len()).unwrap_or(u32::MAX);
    let time = machine.fetches(to_fetch.saturating_add(of_items));
    let time = time.saturating_add(machine.computes(cost.macs(items)));
    let executes = executing <= memory && time <= left / 2;
    Ok(SampledForm {
        bytes: if executes { executing } else { bytes },
        executes,
    })
}

/// What belongs to the drawn items of all sampled sets: what their receipts are made of, and the
/// items' part of each output.
pub fn item_spans(brief: &Brief) -> Result<Vec<BlobSpan>, AuditError> {
    let subject = &brief.subject;
    let mut spans = Vec::new();
    for set in brief.sets().filter(|set| set.scope == AuditScope::Sampled) {
        let set = receipt_spans(&subject.plan, subject.batch, set.scope, &set.seed);
        spans.extend(set.ok_or_else(AuditError::no_such_batch)?);
    }
    for item in brief.items()? {
        spans.extend(
            super::sampled::output_spans(subject, item)?
                .into_iter()
                .map(|pair| pair.own),
        );
    }
    Ok(spans)
}

/// Memory that a check of a whole job takes: weights twice, tensors, and the largest operation
/// once more; with each output's copy for the comparison.
pub fn full_bytes(plan: &Plan, batch: u32) -> u64 {
    let cost = plan.cost();
    let all = |of_item: u64| of_item.saturating_mul(batch.into());
    let operations = plan.program().operations.iter().zip(0u16..);
    let largest = operations
        .filter_map(|(_, index)| plan.tensor_bytes(TensorRef::Operation(index), batch))
        .max();
    cost.parameter_bytes
        .saturating_mul(2)
        .saturating_add(all(cost.item_input_bytes))
        .saturating_add(all(cost.item_trace_bytes))
        .saturating_add(all(cost.item_output_bytes).saturating_mul(2))
        .saturating_add(largest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auditing::fixture::Fixture;

    const MACHINE: Machine = Machine {
        macs_per_second: 1_000_000,
        bytes_per_second: 1_000_000,
    };

    #[test]
    fn times_follow_from_speeds() {
        assert_eq!(MACHINE.computes(2_500_000), Duration::from_millis(2_500));
        assert_eq!(MACHINE.fetches(500_000), Duration::from_millis(500));
        let stopped = Machine {
            macs_per_second: 0,
            bytes_per_second: 0,
        };
        assert!(stopped.computes(u128::MAX) > Duration::from_secs(1 << 40));
        assert!(stopped.fetches(1) > Duration::ZERO);
    }

    #[test]
    fn advice_is_worth_it_where_computing_is_slow_and_fetching_fast() {
        let fixture = Fixture::new();
        let (plan, batch) = (&fixture.subject().plan, fixture.subject().batch);
        let form = |macs_per_second, bytes_per_second| {
            let machine = Machine {
                macs_per_second,
                bytes_per_second,
            };
            full_form(plan, batch, &machine)
        };
        assert_eq!(form(100_000, 1 << 30), FullForm::Advice);
        assert_eq!(form(100_000, 100), FullForm::Execute);
        assert_eq!(form(1 << 40, 1 << 20), FullForm::Execute);
    }

    #[test]
    fn only_operations_that_are_checked_sooner_are_wanted_and_their_fetching_counts() {
        let fixture = Fixture::new();
        let (plan, batch) = (&fixture.subject().plan, fixture.subject().batch);
        let worth = |bytes_per_second| {
            let machine = Machine {
                macs_per_second: 1_000_000,
                bytes_per_second,
            };
            advice_worth(plan, batch, &machine)
        };
        // 20 items of 600 channels of 600 products; two rounds of products with 64 bits.
        let (executing, checking) = (7_200_000, 16 * (12_000 + 12_000 + 360_000));
        let ideal = worth(u64::MAX);
        let bytes = 48_000;
        let operation = 0;
        assert_eq!(ideal.operations, [Wanted { operation, bytes }]);
        assert_eq!(ideal.saves, MACHINE.computes(executing - checking));
        let near = worth(1_000_000);
        assert_eq!(near.fetches, Duration::from_micros(48_125));
        assert_eq!(near.saves, ideal.saves - near.fetches);
        assert_eq!(worth(1), AdviceWorth::default());
    }

    #[test]
    fn items_are_executed_where_memory_and_time_allow_it() {
        let fixture = Fixture::new();
        let brief = fixture.brief(AuditScope::Sampled);
        let hour = Duration::from_secs(3_600);
        let form = |to_fetch, memory, left| {
            let form = sampled_form(&brief, to_fetch, &MACHINE, memory, left).unwrap();
            (form.executes, form.bytes)
        };
        let (executes, with) = form(0, u64::MAX, hour);
        assert!(executes);
        let (executes, without) = form(0, with - 1, hour);
        assert!(!executes);
        let parameters = brief.subject.plan.cost().parameter_bytes;
        assert_eq!(with - without, 2 * parameters);
        assert!(form(0, with, hour).0);
        assert!(!form(7_200_000_000, with, hour).0);
        assert!(!form(0, with, Duration::ZERO).0);
    }
}
