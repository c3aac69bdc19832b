//! What the owner learns of the speed of the processor and the GPUs.

use super::{Driver, NOWHERE};
use serde_json::Value;

/// What `bench` says of everything that computes.
fn measured(driver: Driver) -> (Vec<Value>, u128) {
    let words = ["bench", "--json", "--url", NOWHERE, "--key", "//Alice"];
    let output = driver.program(&words).output().unwrap();
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
    let (computers, speed) = measured(Driver::Emulated(""));
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
    let (computers, speed) = measured(Driver::Emulated("version=10020"));
    let [processor, gpus] = &computers[..] else {
        panic!("{computers:?}");
    };
    assert!(gpus["speeds"].as_array().unwrap().is_empty());
    let fault = gpus["fault"].as_str().unwrap();
    assert!(fault.contains("update NVIDIA's driver"), "{fault}");
    let job = processor["speeds"].as_array().unwrap().last().unwrap();
    assert_eq!(number(&job["macs_per_second"]), speed);
}
