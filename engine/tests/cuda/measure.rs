//! Measuring single operations. Times of the emulated driver say nothing, so nothing is asked of
//! them but that they are times.

use crate::fixture::driver;
use mizan_engine::cuda::{
    measure::{Bench, Effort, LinearKernel, LinearWay, MeasureError, Product, Timing, Work},
    CudaSettings, DeviceError, KernelFamily,
};

const PRODUCT: Product = Product {
    m: 70,
    n: 132,
    k: 96,
};
const EFFORT: Effort = Effort {
    rounds: 3,
    repetitions: 2,
    seed: 7,
};

fn bench(behaviour: &str) -> Bench {
    Bench::open(&driver(behaviour), 0).unwrap()
}

fn linear(way: Option<LinearWay>, checked: bool) -> Work {
    Work::Linear {
        product: PRODUCT,
        way,
        checked,
    }
}

fn assert_is_a_time(timing: &Timing, of: &str) {
    assert_eq!(timing.of, of);
    assert_eq!((timing.repetitions, timing.round_nanos.len()), (2, 3));
    let seconds = timing.seconds();
    assert!(seconds.is_finite() && seconds > 0.0);
}

#[test]
fn a_product_is_measured_with_the_kernel_that_a_job_would_get() {
    let bench = bench("capability=86");
    assert_eq!(bench.family(), KernelFamily::Mma16x8x32);
    for checked in [false, true] {
        let timing = bench.measure(linear(None, checked), EFFORT).unwrap();
        assert_is_a_time(&timing, "linear_mma_m16n8k32_128x128");
    }
    let few_rows = Work::Linear {
        product: Product { m: 3, ..PRODUCT },
        way: None,
        checked: true,
    };
    let timing = bench.measure(few_rows, EFFORT).unwrap();
    assert_is_a_time(&timing, "linear_dp4a_rows");
}

#[test]
fn every_kernel_can_be_asked_for_and_its_own_code_runs() {
    let bench = bench("kernels=emulated,capability=90");
    let names = [
        "linear_dp4a_rows",
        "linear_dp4a_128x128",
        "linear_mma_m8n8k16_128x128",
        "linear_mma_m16n8k32_64x64",
        "linear_mma_m16n8k32_128x128",
        "linear_mma_m16n8k32_128x256",
        "linear_wgmma_128x256",
    ];
    let once = Effort {
        rounds: 1,
        repetitions: 1,
        seed: 1,
    };
    for (kernel, name) in LinearKernel::ALL.into_iter().zip(names) {
        let timing = bench
            .measure(linear(Some(kernel.into()), true), once)
            .unwrap();
        assert_eq!(timing.of, name);
    }
}

#[test]
fn a_kernel_that_the_device_lacks_is_not_measured() {
    let turing = bench("capability=75");
    let kernel = Some(LinearKernel::Mma16x8x32Of64x64.into());
    let error = turing.measure(linear(kernel, false), EFFORT).unwrap_err();
    let expected = MeasureError::NoSuchKernel("linear_mma_m16n8k32_64x64".into());
    assert_eq!(error, expected);
    // Nor one that wants more shared memory than the device grants.
    let small = bench("fail=cuFuncSetAttribute:0:2");
    let kernel = Some(LinearKernel::Mma16x8x32Of128x256.into());
    let error = small.measure(linear(kernel, false), EFFORT).unwrap_err();
    let expected = MeasureError::NoSuchKernel("linear_mma_m16n8k32_128x256".into());
    assert_eq!(error, expected);
}

#[test]
fn additions_and_hashes_are_measured() {
    let bench = bench("");
    // More than a slot passes at once, and no whole words.
    let settings = CudaSettings {
        slot_bytes: 4_096,
        ..driver("")
    };
    let narrow = Bench::open(&settings, 0).unwrap();
    for bench in [bench, narrow] {
        for checked in [false, true] {
            let count = 10_007;
            let timing = bench.measure(Work::Add { count, checked }, EFFORT).unwrap();
            assert_is_a_time(&timing, "add");
        }
        for bytes in [1, 10_007] {
            let timing = bench.measure(Work::Hash { bytes }, EFFORT).unwrap();
            assert_is_a_time(&timing, "blake3_chunks");
        }
    }
}

#[test]
fn a_wrong_result_has_no_time() {
    let wrong = |fault: &str, work| bench(fault).measure(work, EFFORT).unwrap_err();
    let product = wrong(
        "flip=linear_dp4a_128x128:0,capability=61",
        linear(None, false),
    );
    let MeasureError::WrongResult {
        of,
        row: 0,
        column: 0,
        found,
        expected,
    } = product
    else {
        panic!("{product}");
    };
    assert_eq!(
        (of.as_str(), found ^ expected),
        ("linear_dp4a_128x128", 0x10)
    );
    let add = Work::Add {
        count: 1_000,
        checked: false,
    };
    let error = wrong("flip=add:0", add);
    assert!(matches!(error, MeasureError::WrongResult { .. }), "{error}");
    let hash = wrong("flip=blake3_chunks:0", Work::Hash { bytes: 5_000 });
    let of = "blake3_chunks".into();
    assert_eq!(hash, MeasureError::CheckFailed { of });
}

#[test]
fn with_checks_a_result_must_be_right_every_time() {
    let failed = MeasureError::Device(DeviceError::ResultCheckFailed { operation: 0 });
    let once = "flip=linear_dp4a_128x128:2,flip=add:2,capability=61";
    let add = |checked| Work::Add {
        count: 1_000,
        checked,
    };
    let error = bench(once).measure(linear(None, true), EFFORT).unwrap_err();
    assert_eq!(error, failed);
    let error = bench(once).measure(add(true), EFFORT).unwrap_err();
    assert_eq!(error, failed);
    // Without, only the last one is compared.
    assert!(bench(once).measure(linear(None, false), EFFORT).is_ok());
    assert!(bench(once).measure(add(false), EFFORT).is_ok());
}

#[test]
fn what_the_devices_memory_does_not_hold_is_told_to_the_byte() {
    let bench = bench("memory=1000000");
    let product = Product {
        m: 1_000,
        n: 500,
        k: 600,
    };
    let work = Work::Linear {
        product,
        way: None,
        checked: false,
    };
    let operands = (1_000 + 500) * 600;
    let rest = 1_000 * (500 + 16) + 500 * 20 + 600 * 8 + 4;
    let expected = MeasureError::TooLarge {
        bytes: operands + rest,
        free: 1_000_000,
    };
    assert_eq!(bench.measure(work, EFFORT), Err(expected));
    let add = Work::Add {
        count: 333_333,
        checked: false,
    };
    let expected = MeasureError::TooLarge {
        bytes: 1_000_003,
        free: 1_000_000,
    };
    assert_eq!(bench.measure(add, EFFORT), Err(expected));
    let hash = Work::Hash { bytes: 1_000_000 };
    let expected = MeasureError::TooLarge {
        bytes: 1_000_000 + (977 + 1) * 32,
        free: 1_000_000,
    };
    assert_eq!(bench.measure(hash, EFFORT), Err(expected));
    // It goes on, and nothing of what was refused is still there.
    assert!(bench.measure(linear(None, true), EFFORT).is_ok());
}

#[test]
fn memory_that_is_short_meanwhile_ends_one_measurement() {
    let bench = bench("fail=cuMemAlloc_v2:2:2");
    let bytes = u64::from(PRODUCT.n * PRODUCT.k);
    let expected = MeasureError::Device(DeviceError::OutOfMemory { bytes });
    let work = linear(None, false);
    assert_eq!(bench.measure(work, EFFORT), Err(expected));
    assert!(bench.measure(work, EFFORT).is_ok());
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let bench = bench("");
    let refused = |work, effort, why: &str| {
        let expected = MeasureError::OutOfRange(why.into());
        assert_eq!(bench.measure(work, effort), Err(expected));
    };
    let product = |m, n, k| Work::Linear {
        product: Product { m, n, k },
        way: None,
        checked: false,
    };
    refused(product(0, 5, 5), EFFORT, "a side of the product is 0");
    refused(product(5, 5, 0), EFFORT, "a side of the product is 0");
    let longer = "a reduction longer than programs may have";
    refused(product(5, 5, 65_537), EFFORT, longer);
    let more = "more than 2^42 multiply-accumulates";
    refused(product(u64::MAX, u32::MAX, 65_536), EFFORT, more);
    let add = |count| Work::Add {
        count,
        checked: true,
    };
    let elements = "elements must be from 1 to 2^33";
    refused(add(0), EFFORT, elements);
    refused(add(u64::MAX), EFFORT, elements);
    let bytes = "bytes must be from 1 to 2^33";
    refused(Work::Hash { bytes: 0 }, EFFORT, bytes);
    refused(Work::Hash { bytes: u64::MAX }, EFFORT, bytes);
    for (rounds, repetitions, why) in [
        (0, 1, "rounds must be from 1 to 100"),
        (101, 1, "rounds must be from 1 to 100"),
        (1, 0, "repetitions must be from 1 to 10,000"),
        (1, u32::MAX, "repetitions must be from 1 to 10,000"),
    ] {
        let effort = Effort {
            rounds,
            repetitions,
            seed: 1,
        };
        refused(add(5), effort, why);
    }
    assert!(bench.measure(add(5), EFFORT).is_ok());
}

#[test]
fn slow_devices_repeat_less_and_hopeless_ones_say_so() {
    let effort = Effort {
        rounds: 3,
        repetitions: 10_000,
        seed: 1,
    };
    let hash = |bytes| Work::Hash { bytes };
    // As the device's clock tells it, a hash of this takes more than a ten-thousandth of a second,
    // unless the machine hashes 100 GB a second.
    let timing = bench("slow=10").measure(hash(1_000_000), effort).unwrap();
    assert!((1..10_000).contains(&timing.repetitions), "{timing:?}");
    let error = bench("slow=1000000").measure(hash(200_000), effort);
    let Err(MeasureError::TooLong { seconds, limit: 20 }) = error else {
        panic!("{error:?}");
    };
    assert!(seconds > 20);
}

#[test]
fn a_device_that_fails_meanwhile_is_told_as_jobs_tell_it() {
    let measured = |fault: &str| bench(fault).measure(linear(None, false), EFFORT);
    for function in [
        "cuEventSynchronize:2",
        "cuEventRecord:3",
        "cuLaunchKernel:2",
    ] {
        let lost = DeviceError::DeviceLost("CUDA_ERROR_ILLEGAL_ADDRESS (700)".into());
        let fault = format!("fail={function}:700");
        assert_eq!(measured(&fault), Err(lost.into()), "{function}");
    }
    let lost = DeviceError::DeviceLost("UnknownError (12345)".into());
    assert_eq!(
        measured("fail=cuEventElapsedTime:1:12345"),
        Err(lost.into())
    );
    let ended = "exit status: 7: the test driver ends the process in cuEventCreate";
    let ended = DeviceError::ProcessEnded(ended.into());
    assert_eq!(measured("exit=cuEventCreate:1"), Err(ended.into()));
}

#[test]
fn a_process_that_hangs_while_it_measures_is_ended_in_time() {
    let settings = CudaSettings {
        answer_limit: std::time::Duration::from_secs(1),
        ..driver("hang=cuEventSynchronize:1")
    };
    let bench = Bench::open(&settings, 0).unwrap();
    let late = DeviceError::TimedOut { seconds: 1 };
    let work = linear(None, false);
    assert_eq!(bench.measure(work, EFFORT), Err(late.clone().into()));
    assert_eq!(bench.measure(work, EFFORT), Err(late.into()));
}

#[test]
fn a_device_and_its_ceiling_are_described() {
    let bench = bench("capability=80,clock=1410000,memory=4000000000");
    let device = bench.device();
    assert_eq!(device.name, "Emulated device 0");
    assert_eq!((device.driver, device.clock_khz), (12_040, 1_410_000));
    // Two multiprocessors, of which each makes 2,048 products a clock.
    let ceiling = bench.ceiling();
    assert_eq!(ceiling.tensor, Some(2 * 2_048 * 1_410_000_000));
    assert_eq!((ceiling.dp4a, ceiling.best()), (None, ceiling.tensor));
    let silent = Bench::open(&driver("capability=80,clock=0"), 0).unwrap();
    assert_eq!(silent.ceiling().best(), None);
}

#[test]
fn a_device_that_is_not_there_can_not_be_opened() {
    let opened = Bench::open(&driver("devices=1"), 3);
    assert_eq!(opened.err(), Some(DeviceError::NoDevice));
}
