//! A job of two operations, for tests: a linear one, and its output added to its input.

use crate::journal::Key;
use mizan_client::{
    views::{JobState, JobView},
    AccountId, Hash,
};
use mizan_tensor::{hash_bytes, Operand, Operation, Parameter, Plan, Program, TensorType, FORMAT};

/// Which assignment of the job it is.
pub(crate) const KEY: Key = Key {
    job: 5,
    assigned_block: 10,
    block_hash: [10; 32],
};

/// So many bytes, of many values.
pub(crate) fn bytes(count: u32) -> Vec<u8> {
    (0..count).map(|i| (i * 37 % 251) as u8).collect()
}

/// What the job's model computes, on items as wide as there are channels.
pub(crate) fn plan(max_batch: u32, weights: &[u8], channels: &[u8]) -> Plan {
    let width = (channels.len() / 16) as u32;
    let parameter = |bytes: &[u8], tensor| Parameter {
        hash: hash_bytes(bytes),
        tensor,
    };
    let linear = Operation::Linear {
        input: Operand::Input(0),
        weights: 0,
        channels: 1,
        table: None,
    };
    let add = Operation::Add {
        left: Operand::Operation(0),
        right: Operand::Input(0),
        left_multiplier: 1,
        right_multiplier: 1,
        shift: 1,
        table: None,
    };
    Plan::new(Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch,
        inputs: vec![TensorType::i8(&[width])],
        parameters: vec![
            parameter(weights, TensorType::i8(&[width, width])),
            parameter(channels, TensorType::channels(width)),
        ],
        tables: Vec::new(),
        operations: vec![linear, add],
        outputs: vec![1],
    })
    .unwrap()
}

/// The job as the chain shows it.
pub(crate) fn view(batch: u32, input: Hash, blob_servers: Vec<String>) -> JobView {
    JobView {
        id: KEY.job,
        requester: AccountId([2; 32]),
        model: [0; 32],
        batch,
        inputs: vec![input],
        macs: 1,
        price_per_unit: 1,
        held: 1,
        deposit: 1,
        duration_blocks: 10,
        wait_until_block: 10,
        directed: None,
        excluded: Vec::new(),
        missing_inputs: Vec::new(),
        blob_servers,
        due_block: 10,
        state: JobState::Open,
    }
}
