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
    EngineError, Executor, Reference,
};

/// Tries every product, however small.
fn all(settings: CudaSettings) -> CudaSettings {
    CudaSettings {
        least_tried_macs: 1,
        ..settings
    }
}

fn assert_agrees(job: &Job, executor: &dyn Executor) {
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

/// Runs the kernels of a family thread by thread, in every way that is tried.
fn assert_family_agrees(family: KernelFamily) {
    let executor = started(all(CudaSettings {
        family: Some(family),
        ..driver("capability=90,kernels=emulated")
    }));
    for (batch, n, k) in [(1, 1, 1), (5, 70, 1_040), (65, 33, 523), (130, 7, 1_024)] {
        assert_agrees(&noisy(batch, n, k), &executor);
    }
    assert_agrees(&random_job(3, 13, 5), &executor);
    // The longest reduction of extremes.
    assert_agrees(&linear_job(2, 3, 65_536, 0x80, 0x80), &executor);
    let status: &CudaExecutor = &executor;
    let status = status.devices().remove(0);
    assert_eq!((status.last_failure, status.restarts), (None, 0));
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
fn a_product_is_measured_in_the_way_that_a_job_would_take() {
    let product = Product {
        m: 20,
        n: 70,
        k: 1_040,
    };
    let once = Effort {
        rounds: 1,
        repetitions: 1,
        seed: 1,
    };
    let bench = Bench::open(&all(driver("kernels=emulated,capability=80")), 0).unwrap();
    for checked in [false, true] {
        let work = |way| Work::Linear {
            product,
            way,
            checked,
        };
        let timing = bench.measure(work(None), once).unwrap();
        assert!(timing.of.starts_with("linear_"), "{timing:?}");
        for (kernel, parts) in [
            (LinearKernel::Dp4a128x128, 5),
            (LinearKernel::Mma8x8x16Of128x128, 2),
            (LinearKernel::Mma16x8x32Of64x64, 40),
        ] {
            let way = LinearWay { kernel, parts };
            let timing = bench.measure(work(Some(way)), once).unwrap();
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
