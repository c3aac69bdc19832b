//! Devices that fail with kernels which have a substitute, and what becomes of the jobs.

use crate::{
    faults::Armed,
    fixture::{driver, refused, started},
    jobs::{linear_job, Job},
};
use mizan_engine::{
    cuda::{
        measure::{Bench, Effort, Product, Work},
        CudaExecutor, CudaSettings, DeviceError, DeviceStatus, KernelFamily,
    },
    Reference,
};
use std::time::Duration;

/// Fills a device of two multiprocessors, so that it goes to the largest tile of its family.
fn job() -> Job {
    linear_job(200, 300, 70, 3, 7)
}

fn assert_right(executor: &CudaExecutor) {
    let expected = job().execute(&Reference).unwrap();
    assert!(job().execute(executor).unwrap() == expected);
}

/// The device works, with the kernels that it had been tried with, or with older ones.
fn assert_works(executor: &CudaExecutor, given_up: &[KernelFamily], restarts: u32) -> DeviceStatus {
    assert_right(executor);
    let status = executor.devices().remove(0);
    let family = match given_up {
        [] => KernelFamily::Wgmma,
        _ => KernelFamily::Mma16x8x32,
    };
    assert_eq!(status.family, Some(family));
    assert_eq!(status.given_up, given_up);
    assert_eq!((status.fault.as_ref(), status.retired), (None, false));
    assert_eq!(status.restarts, restarts);
    status
}

/// It starts all the same, and says what it failed with.
fn falls_back_at_the_start(behaviour: &str) -> DeviceError {
    let executor = started(CudaSettings {
        answer_limit: Duration::from_secs(5),
        ..driver(&format!("capability=90,{behaviour}"))
    });
    let status = assert_works(&executor, &[KernelFamily::Wgmma], 1);
    status.last_failure.unwrap()
}

fn armed(fault: &str, answer_limit: u64) -> Armed {
    let armed = Armed::with(&format!("capability=90,{fault}"), |settings| CudaSettings {
        answer_limit: Duration::from_secs(answer_limit),
        ..settings
    });
    assert_eq!(
        armed.executor.devices()[0].family,
        Some(KernelFamily::Wgmma)
    );
    armed.arm();
    armed
}

#[test]
fn a_device_with_warpgroups_uses_them() {
    let status = assert_works(&started(driver("capability=90")), &[], 0);
    assert_eq!(status.last_failure, None);
}

#[test]
fn a_driver_that_does_not_take_the_newest_kernels_gets_older_ones() {
    // PTX 8.0 came with CUDA 12.0.
    let failure = falls_back_at_the_start("version=11080");
    let DeviceError::BadKernel(text) = failure else {
        panic!("{failure}");
    };
    assert!(text.starts_with("linear_wgmma: "), "{text}");
}

#[test]
fn a_device_that_grants_too_little_shared_memory_gets_older_kernels() {
    let failure = falls_back_at_the_start("fail=cuFuncSetAttribute:1:2");
    let lacks = "linear_wgmma: the device grants it no shared memory";
    assert_eq!(failure, DeviceError::BadKernel(lacks.into()));
}

#[test]
fn kernels_that_compute_wrongly_in_the_self_check_are_given_up() {
    let failure = falls_back_at_the_start("flip=linear_wgmma_128x256:0");
    let failed = matches!(failure, DeviceError::SelfCheckFailed { .. });
    assert!(failed, "{failure}");
}

#[test]
fn kernels_that_hang_or_break_off_in_the_self_check_are_given_up() {
    let failure = falls_back_at_the_start("hang=linear_wgmma_128x256:1");
    assert_eq!(failure, DeviceError::TimedOut { seconds: 5 });
    let failure = falls_back_at_the_start("break=linear_wgmma_128x256:1");
    assert!(matches!(failure, DeviceError::DeviceLost(_)), "{failure}");
}

#[test]
fn kernels_that_are_wrong_once_are_used_again() {
    let flip = armed("flip=linear_wgmma_128x256:1", 100);
    let status = assert_works(&flip.executor, &[], 0);
    flip.assert_came();
    let wrong = DeviceError::ResultCheckFailed { operation: 0 };
    assert_eq!(status.last_failure, Some(wrong));
}

#[test]
fn kernels_that_are_wrong_twice_in_a_row_are_given_up_and_the_job_survives() {
    let flip = armed("flip=linear_wgmma_128x256:0", 100);
    let status = assert_works(&flip.executor, &[KernelFamily::Wgmma], 1);
    flip.assert_came();
    let wrong = DeviceError::ResultCheckFailed { operation: 0 };
    assert_eq!(status.last_failure, Some(wrong));
    assert_right(&flip.executor);
}

#[test]
fn kernels_that_hang_at_work_are_given_up_and_the_job_survives() {
    let hang = armed("hang=linear_wgmma_128x256:1", 5);
    let status = assert_works(&hang.executor, &[KernelFamily::Wgmma], 1);
    hang.assert_came();
    let hung = DeviceError::TimedOut { seconds: 5 };
    assert_eq!(status.last_failure, Some(hung));
}

#[test]
fn a_device_that_is_lost_once_keeps_its_kernels() {
    let lost = armed("break=linear_wgmma_128x256:1", 100);
    let status = assert_works(&lost.executor, &[], 1);
    lost.assert_came();
    let failure = status.last_failure.unwrap();
    assert!(matches!(failure, DeviceError::DeviceLost(_)), "{failure}");
}

#[test]
fn a_device_that_fails_with_the_older_kernels_too_is_retired() {
    let both = "flip=linear_wgmma_128x256:0,flip=linear_mma_m16n8k32_128x256:0";
    let error = refused(driver(&format!("capability=90,{both}")));
    let failed = matches!(error, DeviceError::SelfCheckFailed { .. });
    assert!(failed, "{error}");
}

#[test]
fn a_family_that_was_asked_for_has_no_substitute() {
    let error = refused(CudaSettings {
        family: Some(KernelFamily::Wgmma),
        ..driver("capability=90,version=11080")
    });
    assert!(matches!(error, DeviceError::BadKernel(_)), "{error}");
}

#[test]
fn a_device_whose_driver_does_not_take_the_newest_kernels_is_measured_with_older_ones() {
    let bench = Bench::open(&driver("capability=90,version=11080"), 0).unwrap();
    assert_eq!(bench.family(), KernelFamily::Mma16x8x32);
    let product = Product {
        m: 200,
        n: 300,
        k: 70,
    };
    let work = Work::Linear {
        product,
        way: None,
        checked: true,
    };
    let timing = bench.measure(work, Effort::default()).unwrap();
    assert_eq!(timing.of, "linear_mma_m16n8k32_128x256");
}
