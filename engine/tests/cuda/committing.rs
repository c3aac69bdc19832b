//! Commitments that devices make are the definition's, and what is wrong in them is noticed.

use crate::{
    faults::Armed,
    fixture::{driver, started},
    jobs::{linear_job, random_job, Job},
};
use mizan_engine::{
    cuda::{CudaExecutor, CudaSettings, DeviceError},
    CpuExecutor, Reference,
};
use mizan_tensor::{Commitment, Operand, Operation, Plan, Program, TensorType, FORMAT};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Devices hash whatever has a whole chunk.
fn hashing(settings: CudaSettings) -> CudaSettings {
    CudaSettings {
        least_hashed_bytes: 1,
        ..settings
    }
}

/// With slots that are too small for many items, for some items, and for all of a small job.
static EXECUTORS: LazyLock<Vec<CudaExecutor>> = LazyLock::new(|| {
    let with = |slot_bytes| CudaSettings {
        slot_bytes,
        slots: 3,
        ..hashing(driver(""))
    };
    [999, 40_001, 4 << 20].map(with).map(started).into()
});

fn assert_committed(job: &Job, executor: &CudaExecutor) {
    let (execution, commitment) = job.commit(executor).unwrap();
    assert!(execution == job.execute(&CpuExecutor::new()).unwrap());
    assert_eq!(commitment, Commitment::to(&execution));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn commitments_are_the_definitions_however_a_job_is_cut(
        seed: u64,
        batch in 1u32..200,
        operations in 1usize..=5,
    ) {
        let job = random_job(seed, batch, operations);
        for executor in &*EXECUTORS {
            assert_committed(&job, executor);
        }
    }
}

/// Outputs of some MiB, the first and the last of which are the program's, around a small one.
fn large_job(batch: u32, width: u32) -> Job {
    let add = |left| Operation::Add {
        left,
        right: Operand::Input(0),
        left_multiplier: 3,
        right_multiplier: -5,
        shift: 1,
        table: None,
    };
    let linear = linear_job(batch, 3, width, 9, 7);
    let mut operations = linear.plan.program().operations.clone();
    operations.insert(0, add(Operand::Input(0)));
    operations.push(add(Operand::Operation(0)));
    let program = Program {
        format: FORMAT,
        inputs: vec![TensorType::i8(&[width])],
        operations,
        outputs: vec![2, 0],
        ..linear.plan.program().clone()
    };
    let bytes = (0..batch * width).map(|i| (i / 5).wrapping_mul(i) as u8);
    Job {
        plan: Plan::new(program).unwrap(),
        inputs: vec![bytes.collect()],
        ..linear
    }
}

#[test]
fn large_results_are_joined_of_subtrees_of_a_mebibyte_and_seams() {
    let job = large_job(45_000, 61);
    // In one part, and in parts that begin anywhere in a chunk.
    for slot_bytes in [16 << 20, 3_000_001] {
        let executor = started(CudaSettings {
            slot_bytes,
            slots: 1,
            ..hashing(driver(""))
        });
        assert_committed(&job, &executor);
    }
}

#[test]
fn a_result_that_is_a_subtree_or_a_chunk_alone_is_committed_to() {
    let executor = &EXECUTORS[2];
    for (batch, n) in [
        (1, 1_024),
        (2, 1_024),
        (1_024, 1_024),
        (1_025, 1_024),
        (3, 341),
    ] {
        assert_committed(&linear_job(batch, n, 1, 3, 7), executor);
    }
}

/// One whole chunk, so that whatever is looked at is this, and a part of one.
fn job_of_one_run() -> Job {
    linear_job(3, 500, 20, 3, 7)
}

fn armed(faults: &str) -> Armed {
    let armed = Armed::with(faults, hashing);
    // Its parameters are on the device.
    job_of_one_run().execute(&armed.executor).unwrap();
    armed
}

/// A commitment made while faults come is right, and something was noticed, for which the process
/// was started again so often.
fn assert_survives(armed: &Armed, restarts: u32) -> Option<DeviceError> {
    let job = job_of_one_run();
    let expected = job.execute(&Reference).unwrap();
    armed.arm();
    let (execution, commitment) = job.commit(&armed.executor).unwrap();
    armed.assert_came();
    assert!(execution == expected);
    assert_eq!(commitment, Commitment::to(&expected));
    let status = armed.executor.devices().remove(0);
    assert_eq!((status.fault, status.restarts), (None, restarts));
    status.last_failure
}

// The run is hashed first, then the channel records, the run again, and the input.

#[test]
fn a_wrong_bit_in_a_hash_is_noticed_by_the_other_hash_of_the_same() {
    let failed = DeviceError::ResultCheckFailed { operation: 0 };
    for turn in [1, 3] {
        let flip = armed(&format!("flip=blake3_chunks:{turn}"));
        assert_eq!(assert_survives(&flip, 0), Some(failed.clone()));
    }
}

#[test]
fn a_wrong_bit_in_the_hash_of_a_group_is_noticed_too() {
    let flip = Armed::with("flip=blake3_tree:1", |settings| CudaSettings {
        slot_bytes: 8 << 20,
        ..hashing(settings)
    });
    let job = linear_job(2_049, 1_024, 1, 3, 7);
    job.execute(&flip.executor).unwrap();
    flip.arm();
    assert_committed(&job, &flip.executor);
    flip.assert_came();
    let failed = DeviceError::ResultCheckFailed { operation: 0 };
    assert_eq!(flip.executor.devices()[0].last_failure, Some(failed));
}

#[test]
fn a_result_that_changes_around_its_check_is_not_committed_to() {
    let failed = DeviceError::ResultCheckFailed { operation: 0 };
    // Before the first hash the check notices it; behind the check, the second hash.
    for turn in [1, 3] {
        let decay = armed(&format!("decay=hashed:{turn}"));
        assert_eq!(assert_survives(&decay, 0), Some(failed.clone()));
    }
}

#[test]
fn a_result_that_changes_on_its_way_back_is_noticed_where_it_is_compared() {
    let reason = "a result has other bytes on the host than on the device";
    let changed = DeviceError::DeviceLost(reason.into());
    let spoil = armed("spoil=cuMemcpyDtoHAsync_v2:1");
    assert_eq!(assert_survives(&spoil, 1), Some(changed.clone()));
    // A device that hashes wrongly twice alike is found by the same.
    let twice = armed("flip=blake3_chunks:1,flip=blake3_chunks:3");
    assert_eq!(assert_survives(&twice, 1), Some(changed));
}
