//! The devices of this machine, where it has any: every family of kernels on each of them.

use crate::{
    fixture::{hardware, started},
    jobs::{linear_job, random_job},
};
use mizan_engine::{
    cuda::{CudaExecutor, CudaSettings, KernelFamily},
    CpuExecutor,
};

#[test]
fn devices_of_this_machine_give_the_definitions_bytes() {
    let devices = match CudaExecutor::list(&hardware()) {
        Ok(devices) => devices,
        Err(error) => {
            println!("nothing is tested: {error}");
            return;
        }
    };
    for device in devices {
        let families = KernelFamily::ALL.into_iter();
        for family in families.filter(|family| family.lowest_capability() <= device.capability) {
            let executor = started(CudaSettings {
                devices: vec![device.index],
                family: Some(family),
                slot_bytes: 64 << 20,
                ..hardware()
            });
            for seed in 0..200 {
                let job = random_job(seed, 1 + (seed as u32 * 5) % 97, 1 + seed as usize % 6);
                let expected = job.execute(&CpuExecutor::new()).unwrap();
                let result = job.execute(&executor).unwrap();
                assert!(result == expected, "seed {seed}, {family:?} on {device:?}");
            }
            for batch in [1, 5, 1_021] {
                let job = linear_job(batch, 257, 65_536, 0x80, 0x80);
                let expected = job.execute(&CpuExecutor::new()).unwrap();
                assert!(
                    job.execute(&executor).unwrap() == expected,
                    "{family:?} on {device:?}"
                );
            }
        }
    }
}
