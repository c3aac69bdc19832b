//! Items that are larger than a slot pass through it in pieces.

use crate::{
    faults::Armed,
    fixture::{driver, started},
    jobs::{linear_job, random_job, Job},
};
use mizan_engine::{
    cuda::{CudaSettings, DeviceError},
    EngineError, Reference,
};
use mizan_tensor::{Commitment, Plan, TensorType};

fn small_slots(settings: CudaSettings) -> CudaSettings {
    CudaSettings {
        slot_bytes: 10_000,
        least_hashed_bytes: 1,
        ..settings
    }
}

/// Items of so many rows of 1,000 bytes, of which as many of 700 are made.
fn job(batch: u32, rows: u32) -> Job {
    let job = linear_job(batch, 700, 1_000, 3, 7);
    let mut program = job.plan.program().clone();
    program.inputs = vec![TensorType::i8(&[rows, 1_000])];
    let bytes = (0..batch * rows * 1_000).map(|i| (i / 7) as u8);
    Job {
        plan: Plan::new(program).unwrap(),
        inputs: vec![bytes.collect()],
        ..job
    }
}

#[test]
fn an_item_larger_than_a_slot_gives_the_definitions_bytes_and_hashes() {
    let executor = started(small_slots(driver("")));
    for job in [job(3, 41), job(1, 6)] {
        let expected = job.execute(&Reference).unwrap();
        let (execution, commitment) = job.commit(&executor).unwrap();
        assert!(execution == expected);
        assert_eq!(commitment, Commitment::to(&expected));
        assert!(job.execute(&executor).unwrap() == expected);
    }
    assert_eq!(executor.devices()[0].restarts, 0);
}

#[test]
fn what_goes_wrong_with_an_item_in_pieces_is_noticed() {
    let wrong = DeviceError::ResultCheckFailed { operation: 0 };
    let lost = |what: &str| DeviceError::DeviceLost(what.into());
    let table = [
        ("flip=linear_mma_m16n8k32_128x256:1", 0, wrong.clone()),
        ("flip=blake3_chunks:1", 0, wrong),
        (
            "decay=input:1",
            1,
            lost("an input has other bytes on the device than on the host"),
        ),
        (
            "fail=cuStreamSynchronize:2:700",
            1,
            lost("CUDA_ERROR_ILLEGAL_ADDRESS (700)"),
        ),
    ];
    for (fault, restarts, failure) in table {
        let armed = Armed::with(fault, small_slots);
        let job = job(1, 41);
        let expected = job.execute(&armed.executor).unwrap();
        assert!(expected == job.execute(&Reference).unwrap());
        armed.arm();
        let (execution, commitment) = job.commit(&armed.executor).unwrap();
        armed.assert_came();
        assert!(execution == expected, "{fault}");
        assert_eq!(commitment, Commitment::to(&expected), "{fault}");
        let status = armed.executor.devices().remove(0);
        assert_eq!((status.fault, status.restarts), (None, restarts), "{fault}");
        assert_eq!(status.last_failure, Some(failure), "{fault}");
    }
}

#[test]
fn an_item_larger_than_the_device_is_an_error_that_costs_no_device() {
    let executor = started(small_slots(driver("memory=3000000")));
    // Its parameters fit.
    let error = job(1, 4_000).execute(&executor);
    let full = matches!(
        error,
        Err(EngineError::Device(DeviceError::OutOfMemory { .. }))
    );
    assert!(full, "{error:?}");
    let status = &executor.devices()[0];
    assert_eq!((status.fault.as_ref(), status.restarts), (None, 0));
    let other = random_job(1, 5, 3);
    assert!(other.execute(&executor).unwrap() == other.execute(&Reference).unwrap());
}
