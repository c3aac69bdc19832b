//! What is found in results that are wrong in one place, and where.

use super::*;
use mizan_tensor::{
    execute, hash_bytes, Commitment, Execution, Hash, Operand, Operation, Parameter, Program,
    TensorType, FORMAT,
};

/// Items of the job.
pub(crate) const BATCH: u32 = 5;
/// Outputs of an item in each operation.
const LENGTHS: [usize; 3] = [3, 3, 2];

/// Weights `[n, k]` and channel records that change the values without saturating them.
fn layer(n: u32, k: u32) -> [(TensorType, Vec<u8>); 2] {
    let weights = (0..n * k).map(|i| (i * 37 % 11) as u8).collect();
    let record = |channel: u32| {
        let mut record = [0; 16];
        record[0] = channel as u8;
        record[4] = 3;
        record[8] = 4;
        record
    };
    [
        (TensorType::i8(&[n, k]), weights),
        (TensorType::channels(n), (0..n).flat_map(record).collect()),
    ]
}

fn parameters() -> Vec<(TensorType, Vec<u8>)> {
    [layer(3, 4), layer(3, 3), layer(2, 3)].concat()
}

/// Three layers one after the other; the second and the last are outputs.
pub(crate) fn plan() -> Plan {
    let linear = |input, weights| Operation::Linear {
        input,
        weights,
        channels: weights + 1,
        table: None,
    };
    let parameters = parameters().into_iter().map(|(tensor, bytes)| Parameter {
        hash: hash_bytes(&bytes),
        tensor,
    });
    Plan::new(Program {
        format: FORMAT,
        owner: [1; 32],
        max_batch: 8,
        inputs: vec![TensorType::i8(&[4])],
        parameters: parameters.collect(),
        tables: vec![],
        operations: vec![
            linear(Operand::Input(0), 0),
            linear(Operand::Operation(0), 2),
            linear(Operand::Operation(1), 4),
        ],
        outputs: vec![1, 2],
    })
    .unwrap()
}

/// A job and what a worker published.
struct Case {
    plan: Plan,
    parameters: Vec<Vec<u8>>,
    input: Vec<u8>,
    published: Execution,
}

impl Case {
    /// With a right result.
    fn right() -> Self {
        let plan = plan();
        let parameters: Vec<Vec<u8>> = parameters().into_iter().map(|(_, bytes)| bytes).collect();
        let input: Vec<u8> = (0..4 * BATCH).map(|i| (i * 29 % 23) as u8).collect();
        let slices: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        let published = execute(&plan, &slices, &[&input], BATCH).unwrap();
        Self {
            plan,
            parameters,
            input,
            published,
        }
    }

    /// With a result that is wrong in one element, and outputs that agree with the trace.
    fn wrong(operation: usize, index: usize) -> Self {
        let mut case = Self::right();
        let start: usize = LENGTHS[..operation].iter().sum();
        let place = start * BATCH as usize + index;
        case.published.trace[place] ^= 64;
        case.published.outputs = case.plan.outputs(&case.published.trace, BATCH).unwrap();
        case
    }

    fn look<R>(&self, look: impl FnOnce(&Exhibits<'_>) -> R) -> R {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let outputs: Vec<&[u8]> = self.published.outputs.iter().map(Vec::as_slice).collect();
        look(&Exhibits {
            plan: &self.plan,
            batch: BATCH,
            parameters: &parameters,
            inputs: &[&self.input],
            trace: &self.published.trace,
            outputs: &outputs,
        })
    }

    fn published(&self) -> Option<Fault> {
        self.look(|exhibits| published(exhibits).unwrap())
    }

    fn executed(&self, scope: &Scope) -> Option<Fault> {
        self.look(|exhibits| executed(exhibits, scope, &CpuExecutor::new()).unwrap())
    }

    /// Bytes of the proof of a fault.
    fn proof(&self, fault: &Fault) -> Result<usize, Failure> {
        let Commitment { outputs, trace } = Commitment::to(&self.published);
        let inputs: [Hash; 1] = [hash_bytes(&self.input)];
        let claim = Claim {
            batch: BATCH,
            inputs: &inputs,
            outputs: &outputs,
            trace: &trace,
        };
        self.look(|exhibits| proof(exhibits, claim, fault).map(|evidence| evidence.len()))
    }
}

fn items(of: &[u32]) -> Scope {
    Scope::Items(of.to_vec())
}

#[test]
fn a_right_result_has_no_fault() {
    let case = Case::right();
    assert_eq!(case.published(), None);
    assert_eq!(case.executed(&Scope::Whole), None);
    assert_eq!(case.executed(&items(&[0, 3, 4])), None);
}

#[test]
fn any_wrong_element_is_found_in_its_item_with_its_index_in_the_whole_batch_and_proved() {
    for (operation, length) in LENGTHS.into_iter().enumerate() {
        for index in 0..length * BATCH as usize {
            let case = Case::wrong(operation, index);
            let right = Case::right();
            let item = u32::try_from(index / length).unwrap();
            let start: usize = LENGTHS[..operation].iter().sum();
            let place = start * BATCH as usize + index;
            let value = |case: &Case| i8::from_le_bytes([case.published.trace[place]]);
            let expected = Fault::Element {
                operation: operation as u16,
                index: index as u64,
                item: item.into(),
                claimed: value(&case),
                right: value(&right),
            };
            assert_eq!(case.published(), None);
            assert_eq!(case.executed(&Scope::Whole), Some(expected));
            assert_eq!(case.executed(&items(&[item])), Some(expected));
            let accusation = Accusation::Element {
                operation: operation as u16,
                index: index as u64,
            };
            assert_eq!(expected.accusation(), accusation);
            assert!(case.proof(&expected).unwrap() > 0);
        }
    }
}

#[test]
fn an_item_that_is_not_checked_hides_its_fault() {
    let case = Case::wrong(1, 2 * 3);
    assert_eq!(case.executed(&items(&[0, 1, 3, 4])), None);
    assert!(case.executed(&items(&[1, 2])).is_some());
}

#[test]
fn of_several_faults_the_first_operation_counts_whose_operands_are_right() {
    let mut case = Case::wrong(0, 4);
    // The same item in the last operation, and another item.
    let last = 6 * BATCH as usize;
    case.published.trace[last + 2] ^= 1;
    case.published.trace[last] ^= 1;
    case.published.outputs = case.plan.outputs(&case.published.trace, BATCH).unwrap();
    let fault = case.executed(&items(&[0, 1])).unwrap();
    let (operation, index) = (0, 4);
    assert_eq!(fault.accusation(), Accusation::Element { operation, index });
    assert!(case.proof(&fault).is_ok());
    let fault = case.executed(&items(&[0])).unwrap();
    let (operation, index) = (2, 0);
    assert_eq!(fault.accusation(), Accusation::Element { operation, index });
    assert!(case.proof(&fault).is_ok());
}

#[test]
fn an_output_that_is_not_in_the_trace_is_found_and_proved_without_executing() {
    let mut case = Case::right();
    let right = i8::from_le_bytes([case.published.outputs[1][3]]);
    case.published.outputs[1][3] ^= 64;
    let claimed = i8::from_le_bytes([case.published.outputs[1][3]]);
    let fault = Fault::Output {
        output: 1,
        index: 3,
        claimed,
        right,
    };
    assert_eq!(case.published(), Some(fault));
    assert!(case.proof(&fault).is_ok());
}

#[test]
fn a_blob_of_another_length_is_found_and_proved_without_executing() {
    let mut case = Case::right();
    case.published.trace.push(0);
    let fault = Fault::Length {
        blob: BlobRef::Trace,
        claimed: 41,
        right: 40,
    };
    assert_eq!(case.published(), Some(fault));
    assert!(case.proof(&fault).is_ok());

    let mut case = Case::right();
    case.published.outputs[0].clear();
    let fault = Fault::Length {
        blob: BlobRef::Output(0),
        claimed: 0,
        right: 15,
    };
    assert_eq!(case.published(), Some(fault));
    assert!(case.proof(&fault).is_ok());
}

#[test]
fn nothing_is_proved_that_the_referee_finds_right() {
    let case = Case::right();
    let invented = Fault::Element {
        operation: 0,
        index: 0,
        item: 0,
        claimed: 1,
        right: 2,
    };
    let refused = case.proof(&invented).unwrap_err();
    assert_eq!(refused.kind, Kind::Other);
    assert!(
        refused.message.ends_with("the referee finds it right"),
        "{refused}"
    );
}

#[test]
fn a_job_whose_input_has_another_length_can_not_be_checked() {
    let mut case = Case::right();
    case.input.pop();
    let scope = Scope::Whole;
    let failure = case.look(|exhibits| executed(exhibits, &scope, &CpuExecutor::new()));
    let failure = failure.unwrap_err();
    assert_eq!(
        failure.message,
        "the result can't be checked: Input(0) has the wrong length"
    );
}
