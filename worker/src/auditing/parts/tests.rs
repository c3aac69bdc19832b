use super::*;
use crate::auditing::{
    choosing::Machine,
    fixture::{noise, Blobs, Fixture, SEED},
    full::{self, NoAdvice},
    EarlierPass,
};
use mizan_tensor::{
    hash_bytes, AuditScope, Operand, Operation, Parameter, Program, Table, TensorType, FORMAT,
};
use proptest::{prelude::*, sample::Index};
use std::sync::Arc;

const ITEMS: u32 = 9;
/// Memory for one item at a time, for a few, and for all of them.
const MEMORY: [u64; 4] = [0, 2_000, 5_000, 1 << 30];

/// An operation as it is drawn: a linear one or an addition, of which tensors, and how wide.
type Drawn = (bool, Index, Index, u32);

/// A program of such operations on two inputs, with its parameters.
fn program(drawn: &[Drawn]) -> (Plan, Vec<Vec<u8>>) {
    let mut tensors = vec![
        (Operand::Input(0), TensorType::i8(&[2, 5])),
        (Operand::Input(1), TensorType::i8(&[7])),
    ];
    let inputs = tensors.iter().map(|(_, kind)| kind.clone()).collect();
    let (mut parameters, mut bytes, mut operations) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (is_linear, one, other, width)) in (0u16..).zip(drawn) {
        let (left, kind) = one.get(&tensors).clone();
        let table = (number % 2 == 0).then_some(0);
        let made = if *is_linear {
            let mut dimensions = kind.dimensions.clone();
            let depth = dimensions.pop().unwrap();
            dimensions.push(*width);
            let (weights, mut channels) = (noise(width * depth, 3), noise(16 * width, 5));
            for record in channels.chunks_mut(16) {
                record[2..4].fill(0);
                record[5..8].fill(0);
                record[8] = 16;
            }
            let first = parameters.len() as u16;
            for (bytes_of, tensor) in [
                (weights, TensorType::i8(&[*width, depth])),
                (channels, TensorType::channels(*width)),
            ] {
                let hash = hash_bytes(&bytes_of);
                parameters.push(Parameter { hash, tensor });
                bytes.push(bytes_of);
            }
            operations.push(Operation::Linear {
                input: left,
                weights: first,
                channels: first + 1,
                table,
            });
            TensorType::i8(&dimensions)
        } else {
            let alike: Vec<_> = tensors.iter().filter(|(_, it)| *it == kind).collect();
            operations.push(Operation::Add {
                left,
                right: other.get(&alike).0,
                left_multiplier: 3,
                right_multiplier: -2,
                shift: 1,
                table,
            });
            kind
        };
        tensors.push((Operand::Operation(number), made));
    }
    let last = operations.len() as u16 - 1;
    let outputs = if last == 0 { vec![0] } else { vec![last, 0] };
    let plan = Plan::new(Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: ITEMS,
        inputs,
        parameters,
        tables: vec![Table::from_fn(|value| value.wrapping_neg())],
        operations,
        outputs,
    });
    (plan.unwrap(), bytes)
}

/// What a worker, or whoever keeps blobs, does. Places are shares of a length.
#[derive(Clone, Debug)]
enum Deed {
    Honest,
    /// A byte of the trace is wrong, and the outputs with it or not.
    Trace(f64, bool),
    /// Much of the trace is wrong: what the pass before had to see is proved, not what is first.
    Spoilt(bool),
    Output(Index, f64),
    /// The trace or an output has another length.
    Length(Index, usize),
    Lost(Index),
}

fn deeds() -> impl Strategy<Value = Deed> {
    let place = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0].boxed();
    prop_oneof![
        Just(Deed::Honest),
        (place.clone(), any::<bool>()).prop_map(|(at, all)| Deed::Trace(at, all)),
        any::<bool>().prop_map(Deed::Spoilt),
        (any::<Index>(), place).prop_map(|(which, at)| Deed::Output(which, at)),
        (any::<Index>(), 0usize..2_000).prop_map(|(which, length)| Deed::Length(which, length)),
        any::<Index>().prop_map(Deed::Lost),
    ]
}

fn damage(bytes: &mut [u8], share: f64) {
    let last = bytes.len() - 1;
    bytes[(share * last as f64) as usize] ^= 0x41;
}

/// A claimed result of such a job, with what is to be had of it.
struct Claimed {
    source: Blobs,
    subject: Subject,
}

impl Claimed {
    fn new(drawn: &[Drawn], batch: u32, deed: &Deed) -> Self {
        let (plan, parameters) = program(drawn);
        let inputs = [noise(10 * batch, 7), noise(7 * batch, 8)];
        let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        let read = [&inputs[0][..], &inputs[1][..]];
        let made = mizan_tensor::execute(&plan, &parameters, &read, batch).unwrap();
        let (mut trace, mut outputs) = (made.trace, made.outputs);
        match deed {
            Deed::Trace(at, with_outputs) => {
                damage(&mut trace, *at);
                if *with_outputs {
                    outputs = plan.outputs(&trace, batch).unwrap();
                }
            }
            Deed::Spoilt(with_outputs) => {
                trace.iter_mut().step_by(2).for_each(|byte| *byte ^= 0x41);
                if *with_outputs {
                    outputs = plan.outputs(&trace, batch).unwrap();
                }
            }
            Deed::Output(which, at) => {
                let which = which.index(outputs.len());
                damage(&mut outputs[which], *at);
            }
            Deed::Length(which, length) => match which.index(outputs.len() + 1) {
                0 => trace.resize(*length, 1),
                which => outputs[which - 1].resize(*length, 1),
            },
            Deed::Honest | Deed::Lost(_) => {}
        }
        let mut source = Blobs::default();
        let subject = Subject {
            job: 1,
            inputs: inputs.iter().map(|blob| source.put(blob)).collect(),
            trace: source.put(&trace),
            outputs: outputs.iter().map(|blob| source.put(blob)).collect(),
            plan: Arc::new(plan),
            batch,
        };
        let mut all: Vec<_> = parameters.iter().map(|blob| source.put(blob)).collect();
        all.extend(subject.inputs.iter().chain([&subject.trace]));
        if let Deed::Lost(which) = deed {
            source.remove(*which.get(&all));
        }
        Self { source, subject }
    }

    fn brief(&self, scope: AuditScope, earlier: Option<EarlierPass>) -> Brief {
        Brief {
            subject: self.subject.clone(),
            own: DrawnSet { scope, seed: SEED },
            earlier,
        }
    }

    /// What it comes to with all of it in memory.
    async fn whole(&self, brief: &Brief) -> Checked {
        let machine = Machine {
            macs_per_second: 1 << 40,
            bytes_per_second: 1,
        };
        let (mut known, executor) = (Known::default(), CpuExecutor::new());
        let checked = full::check(
            brief,
            &self.source,
            &mut known,
            &machine,
            &executor,
            &NoAdvice,
        );
        checked.await.unwrap()
    }

    async fn in_parts(&self, brief: &Brief, bytes: u64) -> Checked {
        let (mut known, executor) = (Known::default(), CpuExecutor::new());
        let checked = check(brief, &self.source, &mut known, &executor, bytes);
        checked.await.unwrap()
    }
}

fn pass(scope: AuditScope, receipt: Hash) -> EarlierPass {
    EarlierPass {
        place: 0,
        set: DrawnSet {
            scope,
            seed: [8; 32],
        },
        receipt,
        slashed: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The ruling with its receipt or proof, and what is demanded, however little memory there is.
    #[test]
    fn parts_come_to_what_the_whole_comes_to(
        drawn in prop::collection::vec((any::<bool>(), any::<Index>(), any::<Index>(), 1u32..9), 1..6),
        batch in 1..=ITEMS,
        deed in deeds(),
        sampled_before in any::<bool>(),
    ) {
        let claimed = Claimed::new(&drawn, batch, &deed);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let earlier = match sampled_before {
                true => pass(AuditScope::Sampled, [1; 32]),
                false => pass(AuditScope::Full, [1; 32]),
            };
            for brief in [
                claimed.brief(AuditScope::Full, None),
                claimed.brief(AuditScope::Full, Some(earlier)),
            ] {
                let whole = claimed.whole(&brief).await;
                for bytes in MEMORY {
                    assert_eq!(claimed.in_parts(&brief, bytes).await, whole, "{bytes}");
                }
                match (&deed, &whole.ruling) {
                    (Deed::Honest, Ruling::Pass { .. }) | (Deed::Lost(_), Ruling::Missing { .. }) => {}
                    // The length may be the right one.
                    (Deed::Length(..), _) => {}
                    (_, Ruling::Fraud(fraud)) => {
                        let judged = claimed.subject.judge(&fraud.accusation, &fraud.evidence);
                        assert_eq!(judged.unwrap(), Finding::Wrong);
                    }
                    other => panic!("{other:?}"),
                }
            }
        });
    }
}

#[tokio::test]
async fn a_receipt_of_either_scope_is_checked_again_in_parts() {
    let fixture = Fixture::new();
    for (own, before) in [
        (AuditScope::Full, AuditScope::Sampled),
        (AuditScope::Sampled, AuditScope::Full),
        (AuditScope::Full, AuditScope::Full),
    ] {
        let right = fixture.exhibit(|exhibits| {
            let stream = exhibits.receipt_stream(before, &[8; 32]).unwrap();
            audit::receipt(&[&stream], &[8; 32])
        });
        let own_receipt = fixture.exhibit(|exhibits| {
            let stream = exhibits.receipt_stream(own, &SEED).unwrap();
            audit::receipt(&[&stream], &SEED)
        });
        for (receipt, earlier_is_false) in [(right, false), ([1; 32], true)] {
            let brief = Brief {
                earlier: Some(pass(before, receipt)),
                ..fixture.brief(own)
            };
            let (mut known, executor) = (Known::default(), CpuExecutor::new());
            let checked = check(&brief, &fixture.source, &mut known, &executor, 0).await;
            let ruling = Ruling::Pass {
                receipt: own_receipt,
                earlier_is_false,
            };
            assert_eq!(checked.unwrap().ruling, ruling);
        }
    }
}

#[test]
fn half_of_the_memory_is_taken_or_what_one_item_needs() {
    let fixture = Fixture::new();
    let plan = &fixture.subject().plan;
    // Weights and channels twice, an item's operand, and its output twice.
    let least = 2 * (600 * 600 + 16 * 600) + 3 * 600;
    let part = Part::of(plan, 0).unwrap();
    assert_eq!(part.fixed_bytes + part.item_bytes, least);
    assert_eq!(
        [0, least, least + 1_799, least + 1_800].map(|bytes| part.items(bytes)),
        [1, 1, 1, 2]
    );
    assert_eq!(part.items(u64::MAX), u32::MAX);
    let floor = least.max(2 * PIECE_BYTES);
    assert_eq!(bytes_in_parts(plan, floor), floor);
    assert_eq!(bytes_in_parts(plan, 10 * floor), 5 * floor);
}
