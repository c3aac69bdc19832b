//! Results are the definition's, on every family of kernels and however a job is cut.

use crate::{
    fixture::{driver, started},
    jobs::{linear_job, random_job, Job, Random},
};
use mizan_engine::{
    cuda::{CudaExecutor, CudaSettings, KernelFamily},
    CpuExecutor, EngineError, Executor, Reference,
};
use mizan_tensor::{ExecutionError, TensorRef};

fn assert_agrees(job: &Job, executor: &CudaExecutor) {
    let expected = job.execute(&Reference).unwrap();
    let result = job.execute(executor).unwrap();
    assert!(result == expected, "{:?}", executor.devices());
}

/// Runs programs of every kind on the kernels of a family, thread by thread.
fn assert_family_agrees(family: KernelFamily) {
    let executor = started(CudaSettings {
        family: Some(family),
        ..driver("capability=90,kernels=emulated")
    });
    assert_eq!(executor.devices()[0].family, Some(family));
    for seed in 0..12 {
        let job = random_job(seed, 1 + (seed as u32 * 5) % 17, 1 + seed as usize % 6);
        assert_agrees(&job, &executor);
    }
    // Longest reductions of extremes.
    for (weight, input) in [(0x80, 0x80), (0x80, 0x7f), (0x7f, 0x7f)] {
        assert_agrees(&linear_job(3, 3, 65_536, weight, input), &executor);
    }
    // Single items and prime sizes.
    for (batch, n, k) in [(1, 1, 1), (1, 257, 131), (131, 1, 7), (127, 131, 257)] {
        assert_agrees(&noisy_linear_job(batch, n, k), &executor);
    }
}

fn noisy_linear_job(batch: u32, n: u32, k: u32) -> Job {
    let mut random = Random(u64::from(k));
    let weights = random.bytes(u64::from(n * k));
    let mut job = linear_job(batch, n, k, 0, 0).with_parameter(0, weights);
    job.inputs[0] = random.bytes(u64::from(batch * k));
    job
}

#[test]
fn dp4a_kernels_give_the_definitions_bytes() {
    assert_family_agrees(KernelFamily::Dp4a);
}

#[test]
fn mma_8x8x16_kernels_give_the_definitions_bytes() {
    assert_family_agrees(KernelFamily::Mma8x8x16);
}

#[test]
fn mma_16x8x32_kernels_give_the_definitions_bytes() {
    assert_family_agrees(KernelFamily::Mma16x8x32);
}

#[test]
fn wgmma_kernels_give_the_definitions_bytes() {
    assert_family_agrees(KernelFamily::Wgmma);
}

#[test]
fn jobs_are_cut_into_parts_that_fit_slots() {
    // The largest item of the self-check needs some five thousand bytes.
    for slot_bytes in [6_000, 40_001, 1 << 20] {
        let executor = started(CudaSettings {
            slot_bytes,
            slots: 3,
            ..driver("")
        });
        for seed in 0..6 {
            assert_agrees(&random_job(seed, 97, 4), &executor);
        }
    }
}

#[test]
fn parts_are_bounded_in_work_too() {
    let executor = started(CudaSettings {
        part_macs: 1,
        ..driver("")
    });
    assert_agrees(&random_job(3, 29, 4), &executor);
}

#[test]
fn jobs_at_once_share_slots_and_several_devices() {
    let executor = started(CudaSettings {
        slot_bytes: 30_000,
        ..driver("devices=3")
    });
    let jobs: Vec<Job> = (0..4).map(|seed| random_job(seed, 61, 5)).collect();
    let expected: Vec<_> = jobs
        .iter()
        .map(|job| job.execute(&Reference).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (jobs, expected, executor) = (&jobs, &expected, executor.clone());
            scope.spawn(move || {
                for turn in 0..4 {
                    let index = (thread + turn) % jobs.len();
                    assert!(jobs[index].execute(&executor).unwrap() == expected[index]);
                }
            });
        }
    });
    let devices = executor.devices();
    assert_eq!(devices.len(), 3);
    assert!(devices
        .iter()
        .all(|device| device.fault.is_none() && device.restarts == 0));
}

#[test]
fn parameters_larger_than_a_slot_arrive_in_parts() {
    let executor = started(CudaSettings {
        slot_bytes: 8_000,
        ..driver("")
    });
    assert_agrees(&noisy_linear_job(5, 200, 301), &executor);
}

#[test]
fn other_bytes_than_the_program_names_are_the_callers_fault_and_harm_no_other_job() {
    let executor = started(driver(""));
    for index in [0u16, 1] {
        // Parameters that the device does not have yet.
        let named = || linear_job(5, 33 + u32::from(index), 70, 3, 7);
        let (honest, mut job) = (named(), named());
        job.parameters[usize::from(index)][40] ^= 1;
        let wrong = EngineError::WrongParameter { parameter: index };
        assert_eq!(job.execute(&executor), Err(wrong));
        let status = &executor.devices()[0];
        assert_eq!((status.last_failure.as_ref(), status.restarts), (None, 0));
        assert_agrees(&honest, &executor);
    }
}

#[test]
fn what_the_device_has_under_the_programs_name_is_not_asked_for_again() {
    let executor = started(driver(""));
    let mut job = linear_job(5, 33, 70, 3, 7);
    let honest = job.execute(&executor).unwrap();
    job.parameters[0].fill(0xfd);
    assert!(job.execute(&executor).unwrap() == honest);
}

#[test]
fn parameters_with_the_same_bytes_are_told_apart_by_nothing() {
    // Sixteen channel records and 16 x 16 weights are equally long.
    let job = linear_job(5, 16, 16, 3, 7);
    let weights = job.parameters[0].clone();
    let job = job.with_parameter(1, weights);
    assert_agrees(&job, &started(driver("")));
}

#[test]
fn models_that_do_not_fit_together_push_each_other_out() {
    let executor = started(CudaSettings {
        resident_bytes: Some(100_000),
        ..driver("")
    });
    let jobs: Vec<Job> = (1..=3).map(|w| linear_job(4, 256, 256, w, 5)).collect();
    for _ in 0..2 {
        for job in &jobs {
            assert_agrees(job, &executor);
        }
    }
}

#[test]
fn digits_model_gives_the_same_trace() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/digits/model");
    let model = mizan_digits::load_model(&folder).unwrap();
    let held_out = mizan_digits::dataset().held_out;
    let job = Job {
        plan: mizan_tensor::Plan::new(model.program).unwrap(),
        parameters: model.parameters,
        inputs: vec![mizan_digits::input_bytes(held_out.images())],
        batch: 360,
    };
    let result = job.execute(&started(driver("kernels=emulated"))).unwrap();
    assert!(result == job.execute(&CpuExecutor::new()).unwrap());
}

#[test]
fn jobs_that_do_not_fit_the_program_are_refused_as_by_the_definition() {
    let executor = started(driver(""));
    let job = linear_job(2, 3, 4, 1, 1);
    let (weights, channels) = (&job.parameters[0][..], &job.parameters[1][..]);
    let refused = |parameters: &[&[u8]], inputs: &[&[u8]], batch| {
        executor
            .execute(&job.plan, parameters, inputs, batch)
            .unwrap_err()
    };
    let both = [weights, channels];
    let input: &[u8] = &[0; 8];
    let out_of_range = EngineError::from(ExecutionError::BatchOutOfRange);
    assert_eq!(refused(&both, &[input], 0), out_of_range);
    assert_eq!(refused(&both, &[input], 3), out_of_range);
    assert_eq!(
        refused(&both[1..], &[input], 2),
        ExecutionError::WrongCount.into()
    );
    let short = ExecutionError::WrongLength(TensorRef::Input(0));
    assert_eq!(refused(&both, &[&input[1..]], 2), short.into());
}

#[test]
fn large_jobs_are_cut_so_that_copies_overlap() {
    // Some 17 MB of inputs and trace.
    let executor = started(CudaSettings {
        slot_bytes: 32 << 20,
        ..driver("")
    });
    let job = linear_job(65_536, 250, 7, 3, 7);
    let result = job.execute(&executor).unwrap();
    assert!(result == job.execute(&CpuExecutor::new()).unwrap());
}

#[test]
fn a_system_that_lets_no_memory_be_pinned_is_only_slower() {
    let executor = started(driver("fail=cuMemHostRegister_v2:0:2"));
    assert_agrees(&random_job(1, 5, 3), &executor);
}

#[test]
fn two_workers_share_a_device() {
    let (one, other) = (started(driver("")), started(driver("")));
    let (first, second) = (random_job(1, 5, 3), random_job(2, 7, 3));
    std::thread::scope(|scope| {
        scope.spawn(|| assert_agrees(&first, &one));
        assert_agrees(&second, &other);
    });
}

#[test]
fn what_a_library_prints_does_no_harm() {
    assert_agrees(&random_job(1, 5, 3), &started(driver("print=hello")));
}
