//! The devices of this machine, where it has any: every family of kernels on each of them.
//! `scripts/test-gpu` runs this where there must be one.

use crate::{
    fixture::{hardware, started},
    jobs::{linear_job, random_job, Job},
};
use mizan_engine::{
    cuda::{CudaExecutor, CudaSettings, DeviceInfo, KernelFamily},
    CpuExecutor, Executor,
};
use mizan_tensor::{Commitment, Execution};
use std::time::Instant;

/// Set where a device must be there.
const REQUIRED: &str = "MIZAN_TEST_GPU";

#[test]
fn devices_of_this_machine_give_the_definitions_bytes() {
    let devices = match CudaExecutor::list(&hardware()) {
        Ok(devices) => devices,
        Err(error) => {
            println!("no GPU: {error}");
            assert!(std::env::var_os(REQUIRED).is_none(), "no GPU: {error}");
            return;
        }
    };
    for device in &devices {
        let families = KernelFamily::ALL.into_iter();
        for family in families.filter(|family| family.lowest_capability() <= device.capability) {
            all_jobs_agree(device, family);
        }
    }
}

/// Starting the executor has golden vectors computed already.
fn all_jobs_agree(device: &DeviceInfo, family: KernelFamily) {
    let start = Instant::now();
    let executor = started(CudaSettings {
        devices: vec![device.index],
        family: Some(family),
        slot_bytes: 64 << 20,
        least_hashed_bytes: 1,
        ..hardware()
    });
    let random = (0..200).map(|seed| {
        let batch = 1 + (seed as u32 * 5) % 97;
        random_job(seed, batch, 1 + seed as usize % 6)
    });
    let longest = [1, 5, 1_021].map(|batch| linear_job(batch, 257, 65_536, 0x80, 0x80));
    // Some 48 MB of trace: subtrees of a mebibyte in several parts.
    let large = [linear_job(99_999, 509, 64, 3, 7)];
    let mut jobs = 0;
    for job in random.chain(longest).chain(large) {
        assert!(
            result(&job, &executor) == result(&job, &CpuExecutor::new()),
            "job {jobs}, {family:?} on {device:?}"
        );
        jobs += 1;
    }
    let (name, seconds) = (&device.name, start.elapsed().as_secs());
    let ((major, minor), driver) = (device.capability, device.driver);
    println!(
        "gpu: {name}, compute {major}.{minor}, CUDA {}.{}: {family:?}: {jobs} jobs right, {seconds} s",
        driver / 1_000,
        driver % 1_000 / 10,
    );
}

fn result(job: &Job, executor: &dyn Executor) -> (Execution, Commitment) {
    job.commit(executor).unwrap()
}
