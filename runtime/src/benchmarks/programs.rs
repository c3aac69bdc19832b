//! Programs at their largest.

use crate::AccountId;
use alloc::{vec, vec::Vec};
use mizan_tensor::{
    Operand, Operation, Parameter, Program, TensorType, FORMAT, MAX_INPUTS, MAX_OUTPUTS,
};

/// A chain of operations on one number that begins with one on `k` numbers, and parameters that
/// nothing reads.
pub(super) fn long_program(owner: &AccountId, operations: u32, parameters: u32, k: u32) -> Program {
    let named = |bytes: &[u8], tensor| Parameter {
        hash: mizan_tensor::hash_bytes(bytes),
        tensor,
    };
    let mut all = vec![
        named(&vec![0; k as usize], TensorType::i8(&[1, k])),
        named(&[0; 16], TensorType::channels(1)),
        named(&[0], TensorType::i8(&[1, 1])),
    ];
    all.extend((0..parameters).map(|_| named(&[0], TensorType::i8(&[1]))));
    let operations = u16::try_from(operations).expect("at most 4,096; qed");
    let linear = |index: u16| match index.checked_sub(1) {
        None => (Operand::Input(0), 0),
        Some(previous) => (Operand::Operation(previous), 2),
    };
    Program {
        format: FORMAT,
        owner: owner.clone().into(),
        max_batch: 1,
        inputs: vec![TensorType::i8(&[k])],
        parameters: all,
        tables: vec![],
        operations: (0..operations)
            .map(linear)
            .map(|(input, weights)| Operation::Linear {
                input,
                weights,
                channels: 1,
                table: None,
            })
            .collect(),
        outputs: vec![0],
    }
}

/// The most inputs and outputs, all of them small.
pub(super) fn program(owner: &AccountId) -> Program {
    let parameter = |tensor| Parameter {
        hash: [1; 32],
        tensor,
    };
    let outputs: Vec<u16> = (0u16..).take(MAX_OUTPUTS as usize).collect();
    let operation = |_: &u16| Operation::Linear {
        input: Operand::Input(0),
        weights: 0,
        channels: 1,
        table: None,
    };
    Program {
        format: FORMAT,
        owner: owner.clone().into(),
        max_batch: 4_096,
        inputs: vec![TensorType::i8(&[8]); MAX_INPUTS as usize],
        parameters: vec![
            parameter(TensorType::i8(&[8, 8])),
            parameter(TensorType::channels(8)),
        ],
        tables: vec![],
        operations: outputs.iter().map(operation).collect(),
        outputs,
    }
}
