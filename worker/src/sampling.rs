//! A look at a fresh result before it is stored: some elements of every operation, computed once
//! more by the definition.
//!
//! It finds hardware or drivers that compute wrongly as a rule, and costs next to nothing. It does
//! not find a single wrong number among many.

use mizan_tensor::{Execution, Plan, Source, Span, TensorRef};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Elements that are computed once more of each operation.
const ELEMENTS: u64 = 32;

/// An element that came out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation.
    pub operation: u16,
    /// The element, counted over the whole batch.
    pub index: u64,
}

struct Tensors<'a> {
    plan: &'a Plan,
    batch: u32,
    parameters: &'a [&'a [u8]],
    inputs: &'a [&'a [u8]],
    trace: &'a [u8],
}

impl Source for Tensors<'_> {
    type Error = ();

    fn bytes(&self, span: Span) -> Result<&[u8], ()> {
        let (blob, offset) = match span.tensor {
            TensorRef::Input(index) => (self.inputs.get(usize::from(index)).copied(), Some(0)),
            TensorRef::Parameter(index) => {
                (self.parameters.get(usize::from(index)).copied(), Some(0))
            }
            TensorRef::Operation(index) => {
                (Some(self.trace), self.plan.trace_offset(index, self.batch))
            }
        };
        let range = || {
            let start = usize::try_from(offset?.checked_add(span.start)?).ok()?;
            let end = start.checked_add(usize::try_from(span.length).ok()?)?;
            blob?.get(start..end)
        };
        range().ok_or(())
    }
}

/// Computes random elements of every operation once more, and gives the first that differs.
pub fn compare(
    plan: &Plan,
    parameters: &[&[u8]],
    inputs: &[&[u8]],
    batch: u32,
    execution: &Execution,
) -> Option<Difference> {
    let source = Tensors {
        plan,
        batch,
        parameters,
        inputs,
        trace: &execution.trace,
    };
    let operations = (0u16..).take(plan.program().operations.len());
    let mut places = operations.flat_map(|operation| {
        let elements = plan.tensor_bytes(TensorRef::Operation(operation), batch);
        let elements = elements.unwrap_or_default();
        (0..ELEMENTS.min(elements)).map(move |_| Difference {
            operation,
            index: random() % elements.max(1),
        })
    });
    places.find(|place| {
        let span = Span {
            tensor: TensorRef::Operation(place.operation),
            start: place.index,
            length: 1,
        };
        let there = source.bytes(span).map(|bytes| bytes.first().copied());
        let right = plan.element(place.operation, place.index, batch, &source);
        there != Ok(right.ok().map(i8::cast_unsigned))
    })
}

/// A number that nobody foresees; not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::vectors;

    #[test]
    fn right_results_pass_and_an_operation_that_is_wrong_throughout_does_not() {
        for vector in vectors::all().unwrap() {
            let plan = Plan::new(vector.program).unwrap();
            let parameters: Vec<_> = vector.parameters.iter().map(Vec::as_slice).collect();
            let inputs: Vec<_> = vector.inputs.iter().map(Vec::as_slice).collect();
            let right = Execution {
                outputs: vec![vector.trace.clone()],
                trace: vector.trace,
            };
            let compared = |execution| {
                let compared = compare(&plan, &parameters, &inputs, vector.batch, execution);
                compared.map(|difference| difference.operation)
            };
            assert_eq!(compared(&right), None, "{}", vector.name);
            let wrong = right.trace.iter().map(|byte| byte ^ 1).collect();
            let wrong = Execution {
                trace: wrong,
                outputs: Vec::new(),
            };
            assert_eq!(compared(&wrong), Some(0), "{}", vector.name);
            let short = Execution {
                trace: Vec::new(),
                outputs: Vec::new(),
            };
            assert_eq!(compared(&short), Some(0), "{}", vector.name);
        }
    }
}
