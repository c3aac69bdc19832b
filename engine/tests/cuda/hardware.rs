//! The devices of this machine, where it has any: every family of kernels on each of them.
//! `scripts/test-gpu` runs this where there must be one.

use crate::{
    fixture::{hardware, started},
    jobs::{linear_job, random_job, Job},
};
use mizan_engine::{
    cuda::{
        measure::{
            Bench, Comparison, Contest, Effort, LinearKernel, LinearWay, MeasureError, PeerOutput,
            Product, Work, PEER_LIBRARY,
        },
        CudaExecutor, CudaSettings, DeviceInfo, KernelFamily,
    },
    CpuExecutor, Executor,
};
use mizan_tensor::{Commitment, Execution};
use std::time::Instant;

/// Set where a device must be there.
const REQUIRED: &str = "MIZAN_TEST_GPU";

/// Enough to come to every path.
const EFFORT: Effort = Effort {
    rounds: 3,
    repetitions: 10,
    seed: 3,
};

/// No multiple of any tile, but of 16, as cublasLt likes it.
const PRODUCT: Product = Product {
    m: 1_000,
    n: 1_008,
    k: 1_040,
};

/// Of rows that are aligned to 4 bytes and not to 16.
const WORDS: Product = Product {
    m: 300,
    n: 1_004,
    k: 1_028,
};

/// None where there are none and none must be.
fn devices() -> Vec<DeviceInfo> {
    CudaExecutor::list(&hardware()).unwrap_or_else(|error| {
        println!("no GPU: {error}");
        assert!(std::env::var_os(REQUIRED).is_none(), "no GPU: {error}");
        Vec::new()
    })
}

#[test]
fn devices_of_this_machine_give_the_definitions_bytes() {
    for device in &devices() {
        let families = KernelFamily::ALL.into_iter();
        for family in families.filter(|family| family.runs_on(device.capability)) {
            all_jobs_agree(device, family);
        }
    }
}

/// Whatever is measured has been compared with the definition, so this tests every kernel, and that
/// cublasLt is called as it wants to be, where there is one.
#[test]
fn devices_of_this_machine_can_be_measured() {
    for device in &devices() {
        let bench = Bench::open(&hardware(), device.index).unwrap();
        let measured = |work| bench.measure(work, EFFORT).unwrap();
        for way in ways(device).into_iter().map(Some).chain([None]) {
            for (product, checked) in [(PRODUCT, false), (PRODUCT, true), (WORDS, true)] {
                measured(Work::Linear {
                    product,
                    way,
                    checked,
                });
            }
        }
        let count = 10_000_019;
        let checked = true;
        measured(Work::Add { count, checked });
        measured(Work::Hash { bytes: count });
        for output in [PeerOutput::Int32, PeerOutput::Int8] {
            compared(&bench, output);
        }
    }
}

/// Every kernel that a device runs, with one block for each tile, and with several where they can
/// share it: more than there are steps through the depth, too.
fn ways(device: &DeviceInfo) -> Vec<LinearWay> {
    let kernels = LinearKernel::ALL.into_iter();
    let kernels = kernels.filter(|kernel| kernel.family().runs_on(device.capability));
    let ways = kernels.flat_map(|kernel| {
        let parts: &[u32] = match kernel {
            LinearKernel::Dp4aRows => &[1],
            _ => &[1, 2, 3, 7, 40],
        };
        parts.iter().map(move |&parts| LinearWay { kernel, parts })
    });
    ways.collect()
}

fn compared(bench: &Bench, output: PeerOutput) {
    let contest = Contest {
        product: PRODUCT,
        way: None,
        checked: false,
        output,
    };
    let name = &bench.device().name;
    match bench.compare(contest, EFFORT) {
        Ok(Comparison { version, tried, .. }) => {
            println!(
                "gpu: {name}: cublasLt {version} agrees: {output:?}, algorithms tried: {tried}"
            );
        }
        // Where it is said to be, it must be.
        Err(error @ MeasureError::LibraryNotFound { .. })
            if std::env::var_os(PEER_LIBRARY).is_none() =>
        {
            println!("gpu: {name}: {error}");
        }
        Err(error) => panic!("{output:?} on {name}: {error}"),
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
