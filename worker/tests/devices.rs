//! The real program on machines with and without GPUs: an emulated driver stands for them.

#[path = "devices/bench.rs"]
mod bench;
#[path = "../../engine/tests/cuda/emulated.rs"]
mod emulated;
#[path = "devices/lent.rs"]
mod lent;
#[path = "devices/nvml.rs"]
mod nvml;

use emulated::DRIVER;
use mizan_engine::{
    cuda::{ChildCommand, CudaExecutor, CudaSettings},
    CpuExecutor, Executor,
};
use mizan_tensor::{vectors, Plan};
use mizan_worker::{devices::DeviceExecutor, metrics::Metrics};
use serde_json::Value;
use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    sync::Arc,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mizan-worker");
/// Nothing listens there.
const NOWHERE: &str = "ws://127.0.0.1:1";

/// Which driver a program finds.
#[derive(Clone, Copy)]
enum Driver {
    None,
    /// The emulated one, with what `engine/tests/cuda/driver/driver.cpp` says about it.
    Emulated(&'static str),
}

impl Driver {
    fn environment(self) -> Vec<(OsString, OsString)> {
        let variables = match self {
            Self::None => vec![("LD_LIBRARY_PATH", OsString::new())],
            Self::Emulated(behaviour) => vec![
                ("LD_LIBRARY_PATH", DRIVER.as_os_str().into()),
                ("MIZAN_TEST_DRIVER", behaviour.into()),
            ],
        };
        let owned = variables.into_iter();
        owned.map(|(name, value)| (name.into(), value)).collect()
    }

    fn settings(self) -> CudaSettings {
        CudaSettings::new(ChildCommand {
            program: PROGRAM.into(),
            arguments: vec!["cuda-child".into()],
            environment: self.environment(),
        })
    }

    /// The program with nothing of the machine's own settings.
    fn program(self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(words)
            .envs(self.environment())
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .env("RUST_LOG", "info")
            .stdin(Stdio::null());
        command
    }

    /// What the doctor says of GPUs, as health and words, and of memory.
    fn examined(self, more: &[&str]) -> (Vec<(String, String)>, String) {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let words = ["doctor", "--json", "--url", NOWHERE, "--key", "//Alice"];
        let words = [&words, &["--data", &data][..], more].concat();
        let Output { stdout, stderr, .. } = self.program(&words).output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        let report: Value = serde_json::from_slice(&stdout).expect(&said);
        let of = |check: &str| -> Vec<(String, String)> {
            let all = report["checks"].as_array().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            all.filter(|finding| finding["check"] == check)
                .map(|finding| (text(&finding["health"]), text(&finding["found"])))
                .collect()
        };
        (of("gpu"), of("memory").remove(0).1)
    }

    /// What a worker says until it misses its node, or ends with a code.
    fn run(self, more: &[&str]) -> (String, Option<i32>) {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let words = ["run", "--url", NOWHERE, "--key", "//Alice", "--data", &data];
        let mut command = self.program(&[&words[..], more].concat());
        let mut worker = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(worker.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.contains("no connection to the node") {
                worker.kill().unwrap();
                break;
            }
            said = said + &line + "\n";
        }
        (said, worker.wait().unwrap().code())
    }
}

/// Whether this machine has a driver of its own, which always is found.
fn has_driver() -> bool {
    CudaExecutor::list(&Driver::None.settings()).is_ok()
}

#[test]
fn the_subcommand_of_devices_is_not_for_people() {
    let help = Driver::None.program(&["--help"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("cuda-child"));
    let by_hand = Driver::None.program(&["cuda-child"]).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(1));
    let said = "this is for the worker to start, not for people\n";
    assert_eq!(String::from_utf8_lossy(&by_hand.stderr), said);
}

#[test]
fn without_a_driver_the_doctor_says_that_the_processor_computes() {
    if has_driver() {
        return;
    }
    let (gpus, memory) = Driver::None.examined(&[]);
    let [(health, found)] = &gpus[..] else {
        panic!("{gpus:?}");
    };
    assert_eq!(health, "ok");
    let says = "there is none, the processor computes jobs: no NVIDIA driver was found";
    assert!(found.starts_with(says), "{found}");
    assert!(!memory.contains("GPU"), "{memory}");
    let (demanded, _) = Driver::None.examined(&["--device", "cuda"]);
    assert_eq!(demanded[0].0, "problem");
}

#[test]
fn the_doctor_shows_each_gpu_that_it_tried() {
    let driver = Driver::Emulated("devices=2,capability=75");
    let (gpus, memory) = driver.examined(&["--memory", "4 GiB"]);
    assert_eq!(gpus.len(), 2);
    for (index, (health, found)) in gpus.iter().enumerate() {
        assert_eq!(health, "ok");
        let begins = format!("GPU {index} (Emulated device {index}, GPU-");
        let ends = "compute capability 7.5, 1024 MiB, mma m8n8k16 kernels: passed its self-check";
        let right = found.starts_with(&begins) && found.contains("driver for CUDA 12.4");
        assert!(right && found.ends_with(ends), "{found}");
    }
    let says = ", 1024 MiB for the processes of GPUs";
    assert!(memory.ends_with(says), "{memory}");
    let one = Driver::Emulated("devices=2").examined(&["--devices", "1"]);
    assert!(one.0.len() == 1 && one.0[0].1.starts_with("GPU 1 "));
    let unused = Driver::Emulated("devices=2").examined(&["--device", "cpu"]);
    assert!(unused.0[0]
        .1
        .starts_with("none is used, as the settings say"));
}

#[test]
fn the_doctor_names_a_gpu_that_computes_wrongly() {
    let driver = Driver::Emulated("flip=add:0");
    let (gpus, _) = driver.examined(&["--device", "cuda"]);
    let healths: Vec<_> = gpus.iter().map(|(health, _)| health.as_str()).collect();
    assert_eq!(healths, ["warning", "problem"]);
    assert!(gpus[0].1.starts_with("GPU 0 "), "{gpus:?}");
    assert!(gpus[0].1.contains("failed its self-check"), "{gpus:?}");
}

#[test]
fn a_worker_without_a_gpu_computes_on_the_processor_and_says_why() {
    if has_driver() {
        return;
    }
    let (said, _) = Driver::None.run(&[]);
    let says = "the processor computes jobs: no GPU can be used: no NVIDIA driver was found";
    assert_eq!(said.matches(says).count(), 1, "{said}");
    let (said, _) = Driver::None.run(&["--device", "cpu"]);
    assert!(!said.contains("GPU"), "{said}");
}

#[test]
fn a_worker_that_must_have_a_gpu_ends_with_11_without_one() {
    let driver = Driver::Emulated("version=10020");
    let (said, code) = driver.run(&["--device", "cuda"]);
    assert_eq!(code, Some(11));
    let says = "mizan-worker: no GPU can be used: the NVIDIA driver supports CUDA 10.2, and 11.0 \
                is needed: update the driver\n";
    assert_eq!(said, says);
}

#[test]
fn a_worker_uses_the_gpus_that_it_finds() {
    let (said, _) = Driver::Emulated("").run(&["--device", "cuda"]);
    let says = "computes jobs: GPU 0 (Emulated device 0, ";
    assert_eq!(said.matches(says).count(), 1, "{said}");
}

#[test]
fn gpus_are_left_alone_that_would_take_more_than_half_of_the_memory() {
    let driver = Driver::Emulated("devices=3");
    let (said, _) = driver.run(&["--memory", "2 GiB"]);
    let says = "their processes share 1536 MiB, more than half of the 2048 MiB for jobs";
    assert!(said.contains(says), "{said}");
    let (said, _) = driver.run(&["--memory", "2 GiB", "--devices", "0,2"]);
    assert!(said.contains("computes jobs: GPU 2 "), "{said}");
}

/// Whether the executor gives the known result of every golden vector.
fn is_right(executor: &dyn Executor) -> bool {
    vectors::all().unwrap().into_iter().all(|vector| {
        let plan = Plan::new(vector.program).unwrap();
        let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let executed = executor.execute(&plan, &parameters, &inputs, vector.batch);
        executed.unwrap().trace == vector.trace
    })
}

fn executor(settings: CudaSettings) -> (DeviceExecutor, Arc<Metrics>) {
    let devices = Box::new(CudaExecutor::start(settings).unwrap());
    let metrics = Arc::new(Metrics::new().unwrap());
    let executor = DeviceExecutor::new(devices, CpuExecutor::new(), metrics.clone());
    (executor, metrics)
}

#[test]
fn jobs_are_executed_by_devices_that_the_worker_itself_drives() {
    let (executor, metrics) = executor(Driver::Emulated("").settings());
    assert!(is_right(&executor));
    assert_eq!(metrics.devices.fallbacks.get(), 0);
    assert_eq!(metrics.devices.usable.get(), 1);
}

#[test]
fn no_job_is_lost_when_a_device_begins_to_compute_wrongly() {
    let folder = tempfile::tempdir().unwrap();
    let armed = folder.path().join("armed");
    let mut settings = Driver::Emulated("").settings();
    let faults = format!("armed={},flip=linear_dp4a_rows:0", armed.display());
    let driver = ("MIZAN_TEST_DRIVER".into(), faults.into());
    settings.command.environment.push(driver);
    let (executor, metrics) = executor(settings);
    std::fs::write(&armed, "").unwrap();
    assert!(is_right(&executor));
    assert!(!armed.exists(), "no fault came");
    assert_eq!(metrics.devices.retired.get(), 1);
    assert_eq!(metrics.devices.usable.get(), 0);
    assert!(metrics.devices.fallbacks.get() > 0);
}
