//! Ways to compute a product, tried on the device. Which one is the fastest is up to it, so nothing
//! is asked of that; results are the definition's whatever it is.

use crate::{
    faults::Armed,
    fixture::{driver, started},
    jobs::{linear_job, random_job, Job, Random},
};
use mizan_engine::{
    cuda::{
        measure::{Bench, Effort, LinearKernel, LinearWay, MeasureError, Product, Work},
        CudaExecutor, CudaSettings, DeviceError, KernelFamily,
    },
    EngineError, Reference,
};

const ONCE: Effort = Effort {
    rounds: 1,
    repetitions: 1,
    seed: 1,
};

/// Tries every product, however small.
fn all(settings: CudaSettings) -> CudaSettings {
    CudaSettings {
        least_tried_macs: 1,
        ..settings
    }
}

fn assert_agrees(job: &Job, executor: &CudaExecutor) {
    let expected = job.execute(&Reference).unwrap();
    // The first trial, and what came of it.
    for _ in 0..2 {
        assert!(job.execute(executor).unwrap() == expected);
    }
}

fn noisy(batch: u32, n: u32, k: u32) -> Job {
    let mut random = Random(u64::from(k));
    let weights = random.bytes(u64::from(n * k));
    let mut job = linear_job(batch, n, k, 0, 0).with_parameter(0, weights);
    job.inputs[0] = random.bytes(u64::from(batch * k));
    job
}

/// Computes products with the kernels of a family, thread by thread, in every way that is tried.
/// Each is checked in the trial, and the best one compared with the definition.
fn assert_family_agrees(family: KernelFamily) {
    let settings = all(CudaSettings {
        family: Some(family),
        ..driver("capability=90,kernels=emulated")
    });
    let bench = Bench::open(&settings, 0).unwrap();
    for (m, n, k) in [(1, 1, 1), (5, 70, 1_040), (65, 33, 523), (130, 7, 1_024)] {
        let work = Work::Linear {
            product: Product { m, n, k },
            way: None,
            checked: true,
        };
        let timing = bench.measure(work, ONCE).unwrap();
        assert!(timing.of.starts_with("linear_"), "{timing:?}");
    }
}

#[test]
fn dp4a_kernels_agree_in_every_way() {
    assert_family_agrees(KernelFamily::Dp4a);
}

#[test]
fn mma_8x8x16_kernels_agree_in_every_way() {
    assert_family_agrees(KernelFamily::Mma8x8x16);
}

#[test]
fn mma_16x8x32_kernels_agree_in_every_way() {
    assert_family_agrees(KernelFamily::Mma16x8x32);
}

#[test]
fn wgmma_kernels_agree_in_every_way() {
    assert_family_agrees(KernelFamily::Wgmma);
}

#[test]
fn jobs_at_once_try_the_same_shapes() {
    let executor = started(all(CudaSettings {
        slots: 3,
        slot_bytes: 30_000,
        ..driver("")
    }));
    let jobs: Vec<Job> = (0..3).map(|seed| random_job(seed, 61, 5)).collect();
    std::thread::scope(|scope| {
        for job in &jobs {
            scope.spawn(|| assert_agrees(job, &executor));
        }
    });
    assert_eq!(executor.devices()[0].restarts, 0);
}

#[test]
fn a_way_whose_result_is_wrong_is_not_taken() {
    // Of this shape a trial's first way is wrong, and the job does not notice.
    let job = noisy(33, 40, 1_040);
    let flip = Armed::with("flip=linear_mma_m16n8k32_64x64:1", all);
    flip.assert_right(&job, 0);
    assert_eq!(flip.executor.devices()[0].last_failure, None);
}

#[test]
fn a_device_that_is_wrong_in_every_way_fails_as_without_a_trial() {
    let job = noisy(33, 40, 1_040);
    let flip = Armed::with(
        "flip=linear_mma_m16n8k32_64x64:0,capability=80",
        |settings| {
            all(CudaSettings {
                family: Some(KernelFamily::Mma16x8x32),
                ..settings
            })
        },
    );
    let wrong = DeviceError::ResultCheckFailed { operation: 0 };
    let error = flip.execute(&job).unwrap_err();
    assert_eq!(error, EngineError::Device(wrong.clone()));
    let status = flip.executor.devices().remove(0);
    assert!(status.retired && status.fault == Some(wrong));
}

#[test]
fn a_job_survives_a_device_that_is_lost_in_a_trial() {
    for fault in [
        "fail=cuEventRecord:1:700",
        "fail=cuEventSynchronize:2:700",
        "break=linear_mma_m16n8k32_64x64:2",
        "exit=cuEventElapsedTime:1",
    ] {
        Armed::with(fault, all).assert_survives(&noisy(33, 40, 1_040), 1);
    }
}

#[test]
fn parts_are_halved_until_they_fit_with_the_room_that_blocks_share() {
    let job = linear_job(500, 64, 1_000, 3, 7);
    let executor = started(all(driver("memory=1200000")));
    assert_agrees(&job, &executor);
}

#[test]
fn blocks_of_every_tiled_kernel_share_tiles_when_that_is_asked_for() {
    let bench = Bench::open(&driver("kernels=emulated,capability=90"), 0).unwrap();
    let tiled = LinearKernel::ALL.into_iter();
    for kernel in tiled.filter(|kernel| *kernel != LinearKernel::Dp4aRows) {
        // The latter are more than there are steps through the depth.
        for (parts, checked) in [(2, false), (5, true), (40, true)] {
            let work = Work::Linear {
                product: Product {
                    m: 20,
                    n: 70,
                    k: 1_040,
                },
                way: Some(LinearWay { kernel, parts }),
                checked,
            };
            let timing = bench.measure(work, ONCE).unwrap();
            assert!(timing.of.ends_with(&format!(" in {parts} parts")));
        }
    }
}

#[test]
fn ways_that_there_are_not_are_refused() {
    let bench = Bench::open(&driver(""), 0).unwrap();
    for (kernel, parts, why) in [
        (
            LinearKernel::Dp4aRows,
            2,
            "blocks of that kernel share no tile",
        ),
        (LinearKernel::Dp4a128x128, 0, "parts must be from 1 to 64"),
        (LinearKernel::Dp4a128x128, 65, "parts must be from 1 to 64"),
    ] {
        let work = Work::Linear {
            product: Product { m: 5, n: 5, k: 5 },
            way: Some(LinearWay { kernel, parts }),
            checked: false,
        };
        let refused = MeasureError::OutOfRange(why.into());
        assert_eq!(bench.measure(work, Effort::default()), Err(refused));
    }
}
