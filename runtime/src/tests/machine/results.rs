//! What workers claim, byte by byte: right results, and such with one fault.

use super::audits::DrawnSet;
use super::market::PROGRAMS;
use crate::tests::chain::{program, Alice};
use codec::Encode;
use mizan_protocol::jobs::{Accusation, BlobRef, Request};
use mizan_tensor::{
    execute, hash_bytes, is_drawn, receipt, receipt_opening, receipt_place, write_slice, Exhibits,
    Operand, Operation, Parameter, Plan, Program, TensorType,
};
use polkadot_sdk::*;
use sp_core::H256;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, LazyLock, Mutex},
};

/// What is wrong with a claimed result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    None,
    /// The last element of the last operation, and so the last byte of the last output.
    Element,
    /// The last byte of the last output, but not of the trace.
    Output,
    /// The last output lacks its last byte.
    Length,
}

/// All of them.
pub(super) const FAULTS: [Fault; 4] = [Fault::None, Fault::Element, Fault::Output, Fault::Length];

/// A result of a program for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub(super) model: usize,
    pub(super) batch: u32,
    pub(super) fault: Fault,
}

/// The bytes of a result.
struct Blobs {
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
    outputs: Vec<Vec<u8>>,
}

/// The hashes of a result.
pub(super) struct Names {
    pub(super) inputs: Vec<H256>,
    pub(super) trace: H256,
    pub(super) outputs: Vec<H256>,
}

/// Keeps what was worked out once.
type Memo<K, V> = LazyLock<Mutex<HashMap<K, Arc<V>>>>;

/// What is kept of each of a program's parameters, in its order. The weights of the large part
/// are zero, which makes its results known without a gigabyte of work.
static PARAMETERS: LazyLock<[Vec<Vec<u8>>; PROGRAMS.len()]> = LazyLock::new(|| {
    let weights = (0..24u8).map(|i| i.wrapping_mul(29)).collect();
    let channel = |c: i32| {
        let record = (5 * c, 3, 6u8, [0u8; 7]);
        record.encode()
    };
    let small = vec![weights, (0..3).flat_map(channel).collect()];
    let zeros = vec![vec![0; 1_024 * 1_024], vec![0; 1_024 * 16]];
    [small.clone(), [zeros, small].concat()]
});

static PLANS: LazyLock<[Plan; PROGRAMS.len()]> =
    LazyLock::new(|| programs().map(|program| Plan::new(program).expect("it is sound")));

/// One linear operation; and two of different size, each with an input and an output of its own.
pub(super) fn programs() -> [Program; PROGRAMS.len()] {
    let named = |model: usize, tensors: Vec<TensorType>| {
        let bytes = PARAMETERS[model].iter();
        let named = bytes.zip(tensors).map(|(bytes, tensor)| Parameter {
            hash: hash_bytes(bytes),
            tensor,
        });
        named.collect::<Vec<_>>()
    };
    let linear = |input, weights| Operation::Linear {
        input: Operand::Input(input),
        weights,
        channels: weights + 1,
        table: Some(0),
    };
    let tensors = |n, k| vec![TensorType::i8(&[n, k]), TensorType::channels(n)];
    let small = Program {
        parameters: named(0, tensors(3, 8)),
        ..program(Alice)
    };
    let large = Program {
        inputs: vec![TensorType::i8(&[1_024]), TensorType::i8(&[8])],
        parameters: named(1, [tensors(1_024, 1_024), tensors(3, 8)].concat()),
        operations: vec![linear(0, 0), linear(1, 2)],
        outputs: vec![0, 1],
        ..small.clone()
    };
    [small, large]
}

fn once<K: Clone + Eq + Hash, V>(memo: &Memo<K, V>, key: &K, make: impl FnOnce() -> V) -> Arc<V> {
    if let Some(known) = memo.lock().expect("no test panicked in it").get(key) {
        return known.clone();
    }
    let made = Arc::new(make());
    let mut memo = memo.lock().expect("no test panicked in it");
    memo.insert(key.clone(), made.clone());
    made
}

fn slices(of: &[Vec<u8>]) -> Vec<&[u8]> {
    of.iter().map(Vec::as_slice).collect()
}

impl Work {
    fn blobs(&self) -> Arc<Blobs> {
        static BLOBS: Memo<Work, Blobs> = LazyLock::new(Default::default);
        once(&BLOBS, self, || {
            let mut blobs = right_blobs(self.model, self.batch);
            let output = blobs.outputs.last_mut().expect("there are outputs");
            let last = output.last_mut().expect("it is not empty");
            match self.fault {
                Fault::None => (),
                Fault::Element => {
                    *last = last.wrapping_add(1);
                    *blobs.trace.last_mut().expect("it is not empty") = *last;
                }
                Fault::Output => *last = last.wrapping_add(2),
                Fault::Length => drop(output.pop()),
            }
            blobs
        })
    }

    pub(super) fn names(&self) -> Arc<Names> {
        static NAMES: Memo<Work, Names> = LazyLock::new(Default::default);
        once(&NAMES, self, || {
            let blobs = self.blobs();
            let name = |bytes: &Vec<u8>| H256(hash_bytes(bytes));
            Names {
                inputs: blobs.inputs.iter().map(name).collect(),
                trace: name(&blobs.trace),
                outputs: blobs.outputs.iter().map(name).collect(),
            }
        })
    }

    fn exhibit<R>(&self, look: impl FnOnce(&Exhibits<'_>) -> R) -> R {
        let blobs = self.blobs();
        look(&Exhibits {
            plan: &PLANS[self.model],
            batch: self.batch,
            parameters: &slices(&PARAMETERS[self.model]),
            inputs: &slices(&blobs.inputs),
            trace: &blobs.trace,
            outputs: &slices(&blobs.outputs),
        })
    }

    /// What it opens for an accusation; nothing where it can't.
    pub(super) fn evidence(&self, accusation: &Accusation) -> Arc<Vec<u8>> {
        static EVIDENCE: Memo<(Work, Vec<u8>), Vec<u8>> = LazyLock::new(Default::default);
        once(&EVIDENCE, &(*self, accusation.encode()), || {
            let evidence = self.exhibit(|exhibits| exhibits.evidence(accusation));
            evidence.unwrap_or_default()
        })
    }

    /// What it gives on demand; nothing where it can't.
    pub(super) fn answer(&self, request: &Request) -> Arc<Vec<u8>> {
        static ANSWERS: Memo<(Work, Vec<u8>), Vec<u8>> = LazyLock::new(Default::default);
        once(&ANSWERS, &(*self, request.encode()), || {
            let answer = self.exhibit(|exhibits| exhibits.answer(request));
            answer.unwrap_or_default()
        })
    }

    /// Whether an auditor who looks at that set looks at the accused element.
    pub(super) fn is_drawn(&self, set: DrawnSet, accusation: Accusation) -> bool {
        let Accusation::Element { operation, index } = accusation else {
            return false;
        };
        let (plan, seed) = (&PLANS[self.model], set.seed.as_fixed_bytes());
        is_drawn(plan, self.batch, set.scope, seed, operation, index)
    }

    fn receipt_stream(&self, set: DrawnSet) -> Vec<u8> {
        let seed = set.seed.as_fixed_bytes();
        let stream = self.exhibit(|exhibits| exhibits.receipt_stream(set.scope, seed));
        stream.expect("the trace has its length")
    }

    /// What an auditor who looks at that set of it passes it with.
    pub(super) fn receipt(&self, set: DrawnSet) -> H256 {
        static RECEIPTS: Memo<(Work, Vec<u8>), H256> = LazyLock::new(Default::default);
        let DrawnSet { scope, seed } = set;
        *once(&RECEIPTS, &(*self, (scope, seed).encode()), || {
            H256(receipt(&self.receipt_stream(set), seed.as_fixed_bytes()))
        })
    }

    /// What opens a byte of such a receipt, with the bytes of this result in the receipt and those
    /// of another in the job.
    pub(super) fn opening(&self, blobs: Work, set: DrawnSet, index: u64) -> Vec<u8> {
        let (plan, seed) = (&PLANS[self.model], set.seed.as_fixed_bytes());
        let place = receipt_place(plan, self.batch, set.scope, seed, index);
        let (blob, start) = place.expect("there is such a byte");
        let of = blobs.blobs();
        let bytes = match blob {
            BlobRef::Input(input) => &of.inputs[usize::from(input)],
            BlobRef::Trace => &of.trace,
            other => panic!("no receipt is made of {other:?}"),
        };
        let mut slice = Vec::new();
        write_slice(&mut slice, bytes, start, 1).expect("it is long enough");
        let opening = receipt_opening(&self.receipt_stream(set), seed, index, &slice);
        opening.expect("there is such a byte")
    }
}

fn right_blobs(model: usize, batch: u32) -> Blobs {
    let items = usize::try_from(batch).expect("it is small");
    let inputs = vec![(0..8 * items).map(|i| (i % 251) as u8).collect::<Vec<_>>()];
    let parameters = slices(&PARAMETERS[0]);
    let small = execute(&PLANS[0], &parameters, &slices(&inputs), batch).expect("it is sound");
    if model == 0 {
        let (trace, outputs) = (small.trace, small.outputs);
        return Blobs {
            inputs,
            trace,
            outputs,
        };
    }
    let zeros = vec![0; 1_024 * items];
    Blobs {
        inputs: [vec![vec![1; 1_024 * items]], inputs].concat(),
        trace: [zeros.clone(), small.trace].concat(),
        outputs: [vec![zeros], small.outputs].concat(),
    }
}

#[test]
fn results_are_right_but_for_their_fault() {
    for (model, fault) in (0..PROGRAMS.len()).flat_map(|model| FAULTS.map(|fault| (model, fault))) {
        for batch in [1, 7] {
            let work = Work {
                model,
                batch,
                fault,
            };
            let right = work.exhibit(|exhibits| {
                let (parameters, inputs) = (exhibits.parameters, exhibits.inputs);
                execute(exhibits.plan, parameters, inputs, batch)
            });
            let right = right.expect("it is sound").trace;
            let found = work.exhibit(|exhibits| exhibits.first_fault(&right));
            assert_eq!(found, super::verdicts::accusation_of(work), "{work:?}");
        }
    }
}
