//! What the owner learns of the speed of the processor and the GPUs.

use super::{Driver, NOWHERE};
use serde_json::Value;
use std::process::Output;

/// What `bench` comes to.
fn bench(driver: Driver, more: &[&str]) -> Output {
    let words = ["bench", "--json", "--url", NOWHERE, "--key", "//Alice"];
    driver.program(&[&words, more].concat()).output().unwrap()
}

/// What it says of everything that computes.
fn measured(driver: Driver, more: &[&str]) -> (Vec<Value>, u128) {
    let output = bench(driver, more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect(&said);
    // Without a node there are speeds, but no prices.
    assert!(report["earnings"].is_null() && report["earnings_unknown"].is_string());
    let speed = number(&report["macs_per_second"]);
    (report["computers"].as_array().unwrap().clone(), speed)
}

fn number(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

fn name(computer: &Value) -> &str {
    computer["name"].as_str().unwrap()
}

#[test]
fn a_gpu_is_measured_by_itself_and_a_worker_is_as_fast_as_its_gpus() {
    let (computers, speed) = measured(Driver::Emulated(""), &[]);
    let [processor, gpu] = &computers[..] else {
        panic!("{computers:?}");
    };
    assert!(name(processor).starts_with("processor (") && processor["ceiling"].is_null());
    assert!(name(gpu).starts_with("GPU 0 (Emulated device 0, "), "{gpu}");
    let (speeds, ceiling) = (gpu["speeds"].as_array().unwrap(), number(&gpu["ceiling"]));
    assert_eq!(speeds.len(), processor["speeds"].as_array().unwrap().len());
    for line in speeds {
        let one = number(&line["macs_per_second"]);
        let share = line["of_ceiling"].as_f64().unwrap();
        assert!(one > 0 && one < ceiling, "{line}");
        assert!((share - one as f64 / ceiling as f64).abs() < 1e-6, "{line}");
    }
    let job = speeds.last().unwrap();
    assert!(
        job["what"].as_str().unwrap().starts_with("job of "),
        "{job}"
    );
    assert_eq!(number(&job["macs_per_second"]), speed);
}

#[test]
fn a_gpu_that_fails_has_no_speed_but_a_reason_and_the_processor_counts() {
    let (computers, speed) = measured(Driver::Emulated("version=10020"), &[]);
    let [processor, gpus] = &computers[..] else {
        panic!("{computers:?}");
    };
    assert!(gpus["speeds"].as_array().unwrap().is_empty());
    let fault = gpus["fault"].as_str().unwrap();
    assert!(fault.contains("update NVIDIA's driver"), "{fault}");
    let job = processor["speeds"].as_array().unwrap().last().unwrap();
    assert_eq!(number(&job["macs_per_second"]), speed);
}

#[test]
fn gpus_that_run_leaves_alone_for_want_of_memory_are_not_reckoned_with() {
    let driver = Driver::Emulated("devices=3");
    let (computers, speed) = measured(driver, &["--memory", "2 GiB"]);
    let [processor, gpus] = &computers[..] else {
        panic!("{computers:?}");
    };
    let fault = gpus["fault"].as_str().unwrap();
    let says = "their processes share 1536 MiB, more than half of the 2048 MiB for jobs";
    assert!(fault.contains(says), "{fault}");
    let job = processor["speeds"].as_array().unwrap().last().unwrap();
    assert_eq!(number(&job["macs_per_second"]), speed);
}

#[test]
fn where_run_ends_for_want_of_a_gpu_bench_ends_with_the_same_code_and_no_earnings() {
    let table: [(_, &[&str], _); 3] = [
        (
            Driver::Emulated("version=10020"),
            &["--device", "cuda"],
            "no GPU can be used: the NVIDIA driver supports CUDA 10.2, and 11.0 is needed",
        ),
        (
            Driver::Emulated("devices=3"),
            &["--device", "cuda", "--memory", "2 GiB"],
            "no GPU can be used: their processes share 1536 MiB",
        ),
        // Its owner sets limits, and nothing says how it is.
        (
            Driver::Emulated(""),
            &["--max-power", "100"],
            "can't be kept",
        ),
    ];
    for (driver, more, says) in table {
        let output = bench(driver, more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(11), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(output.stdout.is_empty());
    }
}
