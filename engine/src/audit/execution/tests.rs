use super::super::{check_elements, Missing, Tensors};
use super::*;
use crate::Executor;
use crate::{CpuExecutor, EngineError, Reference};
use mizan_tensor::{vectors, Draw, ElementError, Plan};
use std::path::Path;

const BATCH: u32 = 21;
const SEED: [u8; 32] = [5; 32];

/// The digits model, four operations, with a right trace.
struct Case {
    plan: Plan,
    parameters: Vec<Vec<u8>>,
    input: Vec<u8>,
    trace: Vec<u8>,
}

impl Case {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/digits/model");
        let model = mizan_digits::load_model(&folder).unwrap();
        let plan = Plan::new(model.program).unwrap();
        let length = plan.cost().item_input_bytes as usize * BATCH as usize;
        let input: Vec<u8> = (0..length).map(|at| (at * at / 3 + at) as u8).collect();
        let parameters: Vec<&[u8]> = model.parameters.iter().map(Vec::as_slice).collect();
        let execution = Reference.execute(&plan, &parameters, &[&input], BATCH);
        Self {
            trace: execution.unwrap().trace,
            parameters: model.parameters,
            plan,
            input,
        }
    }

    fn with_model<T>(&self, test: impl Fn(&LoadedModel<'_>) -> T) -> T {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let executor = CpuExecutor::new();
        let loaded = executor.load(&self.plan, &parameters).unwrap();
        test(&executor.load_lazily(&self.plan, &parameters));
        test(&loaded)
    }

    /// The place of an element in the trace.
    fn place(&self, operation: u16, index: u64) -> usize {
        (self.plan.trace_offset(operation, BATCH).unwrap() + index) as usize
    }

    /// A trace with one wrong element, and what is to be said of it.
    fn planted(&self, operation: u16, index: u64) -> (Vec<u8>, WrongElement) {
        let mut trace = self.trace.clone();
        let byte = &mut trace[self.place(operation, index)];
        let right = *byte as i8;
        *byte ^= 0x41;
        let published = *byte as i8;
        let wrong = WrongElement {
            operation,
            index,
            published,
            right,
        };
        (trace, wrong)
    }

    fn outputs(&self, trace: &[u8]) -> Vec<Vec<u8>> {
        self.plan.outputs(trace, BATCH).unwrap()
    }

    fn last(&self) -> u16 {
        self.plan.program().operations.len() as u16 - 1
    }

    fn width(&self, operation: u16) -> u64 {
        let tensor = TensorRef::Operation(operation);
        self.plan.tensor_bytes(tensor, 1).unwrap()
    }
}

/// Gives `job` and `inputs` of a case for a trace.
macro_rules! job {
    ($case:ident, $trace:expr) => {
        AuditedJob {
            inputs: &[&$case.input],
            batch: BATCH,
            trace: $trace,
        }
    };
}

type Advice = Vec<Option<Vec<i32>>>;

fn advice(model: &LoadedModel<'_>, job: &AuditedJob<'_>) -> Advice {
    let operations = 0..model.plan().program().operations.len() as u16;
    let of = |operation| model.accumulators(operation, job.inputs, job.batch, job.trace);
    operations.map(|operation| of(operation).unwrap()).collect()
}

fn advised_audit(
    model: &LoadedModel<'_>,
    job: &AuditedJob<'_>,
    advice: &Advice,
) -> Result<Option<WrongElement>, AuditError> {
    let advice: Vec<Option<&[i32]>> = advice.iter().map(Option::as_deref).collect();
    full_with_advice(model, job, &advice, &SEED)
}

#[test]
fn full_audits_name_any_wrong_element_of_any_operation() {
    let case = Case::new();
    case.with_model(|model| {
        assert_eq!(full(model, &job!(case, &case.trace)), Ok(None));
        for operation in 0..=case.last() {
            let elements = case.width(operation) * u64::from(BATCH);
            for index in [0, elements / 2, elements - 1] {
                let (trace, wrong) = case.planted(operation, index);
                let job = job!(case, &trace);
                assert_eq!(full(model, &job), Ok(Some(wrong)));
                let given = advice(model, &job);
                assert_eq!(advised_audit(model, &job, &given), Ok(Some(wrong)));
            }
        }
    });
}

#[test]
fn full_audits_name_the_first_of_several_wrong_elements() {
    let case = Case::new();
    let (mut trace, _) = case.planted(case.last(), 0);
    let (_, wrong) = case.planted(1, 7);
    for index in [7, 9] {
        let place = case.place(1, index);
        trace[place] ^= 0x41;
    }
    case.with_model(|model| {
        let job = job!(case, &trace);
        assert_eq!(full(model, &job), Ok(Some(wrong)));
        let given = advice(model, &job);
        assert_eq!(advised_audit(model, &job, &given), Ok(Some(wrong)));
    });
}

#[test]
fn accumulators_are_those_of_the_definition() {
    let case = Case::new();
    case.with_model(|model| {
        let given = advice(model, &job!(case, &case.trace));
        let linear = given.iter().map(Option::is_some);
        assert_eq!(linear.collect::<Vec<_>>(), [true, true, false, true]);
        for (operation, sums) in given.iter().enumerate() {
            let Some(sums) = sums else { continue };
            let inputs = [case.input.as_slice()];
            let read = model.linear(operation as u16, &inputs, BATCH, &case.trace);
            let read = read.unwrap().unwrap();
            let n = read.channels.len() / 16;
            let k = read.weights.len() / n;
            for (index, sum) in sums.iter().enumerate() {
                let row = &read.input[index / n * k..][..k];
                let column = &read.weights[index % n * k..][..k];
                let products = row.iter().zip(column);
                let products = products.map(|(x, w)| i32::from(*x as i8) * i32::from(*w as i8));
                assert_eq!(products.sum::<i32>(), *sum);
            }
        }
    });
}

#[test]
fn accumulators_are_the_same_in_every_arithmetic_and_workspace() {
    let case = Case::new();
    let parameters: Vec<&[u8]> = case.parameters.iter().map(Vec::as_slice).collect();
    let of = |executor: CpuExecutor| {
        let model = executor.load(&case.plan, &parameters).unwrap();
        advice(&model, &job!(case, &case.trace))
    };
    let expected = of(CpuExecutor::new());
    assert_eq!(of(CpuExecutor::with_exact_split()), expected);
    assert_eq!(of(CpuExecutor::new().workspace_bytes(400)), expected);
}

#[test]
fn bad_or_missing_advice_convicts_nobody_and_hides_nothing() {
    let case = Case::new();
    let (forged, wrong) = case.planted(1, 100);
    case.with_model(|model| {
        let good = advice(model, &job!(case, &case.trace));
        let mut off_by_one = good.clone();
        off_by_one
            .iter_mut()
            .flatten()
            .for_each(|sums| sums[3] += 1);
        let mut short = good.clone();
        short.iter_mut().flatten().for_each(|sums| sums.truncate(8));
        let missing = vec![None; good.len()];
        let everywhere = vec![Some(vec![0; 64]); good.len()];
        for given in [good, off_by_one, short, missing, everywhere] {
            let verdict = |trace| advised_audit(model, &job!(case, trace), &given);
            assert_eq!(verdict(&case.trace), Ok(None));
            assert_eq!(verdict(&forged), Ok(Some(wrong)));
        }
        let verdict = advised_audit(model, &job!(case, &case.trace), &vec![None; 3]);
        assert_eq!(verdict, Err(AuditError::WrongAdviceCount));
    });
}

#[test]
fn verify_items_finds_a_wrong_byte_in_a_chosen_item_only() {
    let case = Case::new();
    case.with_model(|model| {
        for operation in 0..=case.last() {
            let index = 13 * case.width(operation) + 3;
            let (trace, wrong) = case.planted(operation, index);
            let verify = |items: &[u32]| verify_items(model, &job!(case, &trace), items);
            assert_eq!(verify(&[13]), Ok(Some(wrong)));
            assert_eq!(verify(&[20, 13, 0]), Ok(Some(wrong)));
            assert_eq!(verify(&[12, 14]), Ok(None));
            assert_eq!(verify(&[]), Ok(None));
            assert_eq!(verify(&[3, BATCH]), Err(AuditError::ItemOutOfRange(BATCH)));
        }
        let all: Vec<u32> = (0..BATCH).collect();
        assert_eq!(
            verify_items(model, &job!(case, &case.trace), &all),
            Ok(None)
        );
    });
}

#[test]
fn verify_outputs_finds_a_wrong_byte_in_a_chosen_item_only() {
    let case = Case::new();
    let last = case.last();
    assert_eq!(case.plan.program().outputs, [last]);
    let (trace, wrong) = case.planted(last, 13 * case.width(last) + 3);
    let (right, forged) = (case.outputs(&case.trace), case.outputs(&trace));
    case.with_model(|model| {
        let verify = |output: &[u8], items: &[u32]| {
            verify_outputs(model, &[&case.input], BATCH, &[output], items)
        };
        assert_eq!(verify(&forged[0], &[2, 13]), Ok(Some(wrong)));
        assert_eq!(verify(&forged[0], &[2, 14]), Ok(None));
        assert_eq!(verify(&right[0], &[2, 13]), Ok(None));
        assert_eq!(verify(&right[0][1..], &[2]), Err(AuditError::WrongLength));
        let none = verify_outputs(model, &[&case.input], BATCH, &[], &[2]);
        assert_eq!(none, Err(AuditError::WrongLength));
    });
}

#[test]
fn tensors_of_other_lengths_are_refused() {
    let case = Case::new();
    case.with_model(|model| {
        let short = job!(case, &case.trace[1..]);
        assert_eq!(full(model, &short), Err(AuditError::WrongLength));
        assert_eq!(
            verify_items(model, &short, &[0]),
            Err(AuditError::WrongLength)
        );
        let input = &case.input[1..];
        let job = AuditedJob {
            inputs: &[input],
            ..short
        };
        let wrong = ExecutionError::WrongLength(TensorRef::Input(0));
        let wrong = Err(AuditError::Engine(EngineError::Execution(wrong)));
        assert_eq!(full(model, &job), wrong);
    });
}

#[test]
fn check_elements_finds_a_wrong_element_exactly_where_it_was_drawn() {
    let case = Case::new();
    let parameters: Vec<&[u8]> = case.parameters.iter().map(Vec::as_slice).collect();
    let draw = Draw::new(&case.plan, BATCH, &SEED).unwrap();
    let check = |trace: &[u8]| {
        let tensors = Tensors {
            plan: &case.plan,
            parameters: &parameters,
            job: job!(case, trace),
        };
        check_elements(&case.plan, BATCH, &tensors, &draw)
    };
    assert_eq!(check(&case.trace), Ok(None));
    for &(operation, index) in &draw.elements {
        let (trace, wrong) = case.planted(operation, index);
        // What reads the wrong element comes later, so this is the first that is wrong.
        assert_eq!(check(&trace), Ok(Some(wrong)));
    }
    let last = case.last();
    let elements = case.width(last) * u64::from(BATCH);
    let drawn = |index: &u64| draw.elements.contains(&(last, *index));
    let other = (0..elements).find(|index| !drawn(index)).unwrap();
    assert_eq!(check(&case.planted(last, other).0), Ok(None));
    let missing = Missing(TensorRef::Operation(last));
    let short = &case.trace[..case.trace.len() - elements as usize];
    assert_eq!(check(short), Err(ElementError::Source(missing)));
}

#[test]
fn slices_of_items_are_their_part_of_every_tensor() {
    let case = Case::new();
    let parameters: Vec<&[u8]> = case.parameters.iter().map(Vec::as_slice).collect();
    let tensors = Tensors {
        plan: &case.plan,
        parameters: &parameters,
        job: job!(case, &case.trace),
    };
    let mut expected: Vec<&[u8]> = Vec::new();
    for item in [4usize, 20] {
        expected.push(&case.input[item * 64..][..64]);
        for operation in 0..=case.last() {
            let width = case.width(operation);
            let start = case.place(operation, item as u64 * width);
            expected.push(&case.trace[start..][..width as usize]);
        }
    }
    assert_eq!(tensors.slices(&[4, 20]), expected);
    assert!(tensors.slices(&[BATCH]).is_empty());
}

#[test]
fn golden_vectors_pass_every_audit_and_fail_with_a_wrong_byte() {
    for mut vector in vectors::all().unwrap() {
        let plan = Plan::new(vector.program).unwrap();
        let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let executor = CpuExecutor::new();
        let model = executor.load_lazily(&plan, &parameters);
        let items: Vec<u32> = (0..vector.batch).collect();
        let verdicts = |trace: &[u8]| {
            let job = AuditedJob {
                inputs: &inputs,
                batch: vector.batch,
                trace,
            };
            let given = advice(&model, &job);
            let advised = advised_audit(&model, &job, &given).unwrap();
            let items = verify_items(&model, &job, &items).unwrap();
            [full(&model, &job).unwrap(), advised, items]
        };
        assert_eq!(verdicts(&vector.trace), [None; 3], "{}", vector.name);
        let last = vector.trace.len() - 1;
        vector.trace[last] ^= 1;
        let [executed, advised, items] = verdicts(&vector.trace);
        assert!(executed.is_some(), "{}", vector.name);
        assert_eq!([advised, items], [executed; 2], "{}", vector.name);
    }
}
