//! Devices that fail, and what becomes of the jobs.

use crate::{
    fixture::{driver, refused, started},
    jobs::{linear_job, random_job, Job},
};
use mizan_engine::{
    cuda::{CudaExecutor, CudaSettings, DeviceError, KernelFamily},
    EngineError, Reference,
};
use mizan_tensor::Operation;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// An executor that has passed its self-check on a driver whose faults begin with [`Armed::arm`].
pub(crate) struct Armed {
    pub(crate) executor: CudaExecutor,
    folder: tempfile::TempDir,
}

impl Armed {
    fn new(faults: &str) -> Self {
        Self::with(faults, |settings| settings)
    }

    pub(crate) fn with(faults: &str, change: impl Fn(CudaSettings) -> CudaSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("armed");
        let settings = driver(&format!("armed={},{faults}", file.display()));
        Self {
            executor: started(change(settings)),
            folder,
        }
    }

    /// Lets the faults come, in one process.
    pub(crate) fn arm(&self) {
        std::fs::write(self.file(), "").unwrap();
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("armed")
    }

    /// Executes a job while the faults come, and makes sure that they did.
    pub(crate) fn execute(&self, job: &Job) -> Result<mizan_tensor::Execution, EngineError> {
        self.arm();
        let result = job.execute(&self.executor);
        self.assert_came();
        result
    }

    /// Some process has had the faults.
    pub(crate) fn assert_came(&self) {
        assert!(!Path::exists(&self.file()), "no fault came");
    }

    /// The job's result is right, although a failure was noticed, for which the process was
    /// started again so often.
    pub(crate) fn assert_survives(&self, job: &Job, restarts: u32) {
        self.assert_right(job, restarts);
        let status = &self.executor.devices()[0];
        assert!(status.last_failure.is_some(), "nothing was noticed");
    }

    pub(crate) fn assert_right(&self, job: &Job, restarts: u32) {
        let expected = job.execute(&Reference).unwrap();
        assert!(self.execute(job).unwrap() == expected);
        let status = &self.executor.devices()[0];
        assert_eq!((status.fault.as_ref(), status.restarts), (None, restarts));
        assert!(job.execute(&self.executor).unwrap() == expected);
    }
}

fn job() -> Job {
    random_job(7, 13, 6)
}

#[test]
fn a_job_survives_a_process_that_ends() {
    for function in [
        "cuLaunchKernel:3",
        "cuStreamSynchronize:1",
        "cuMemAlloc_v2:1",
    ] {
        Armed::new(&format!("exit={function}")).assert_survives(&job(), 1);
    }
}

#[test]
fn a_job_survives_a_process_that_hangs() {
    let hang = Armed::with("hang=cuStreamSynchronize:2", |settings| CudaSettings {
        answer_limit: Duration::from_secs(3),
        ..settings
    });
    hang.assert_survives(&job(), 1);
}

#[test]
fn a_job_survives_a_device_that_is_lost() {
    // An uncorrectable memory error, an illegal address, and a code that the bindings don't know.
    for code in [214, 700, 12_345] {
        Armed::new(&format!("fail=cuLaunchKernel:2:{code}")).assert_survives(&job(), 1);
    }
}

#[test]
fn a_job_survives_a_wrong_bit_of_any_kernel() {
    // Rows and columns for which the kernel is chosen, on a device of two multiprocessors.
    let kernels = [
        (61, "linear_dp4a_rows", [16, 33]),
        (61, "linear_dp4a_128x128", [17, 33]),
        (75, "linear_dp4a_rows", [16, 33]),
        (75, "linear_mma_m8n8k16_128x128", [17, 33]),
        (80, "linear_dp4a_rows", [16, 33]),
        (80, "linear_mma_m16n8k32_64x64", [17, 33]),
        (80, "linear_mma_m16n8k32_128x128", [100, 200]),
        (80, "linear_mma_m16n8k32_128x256", [200, 300]),
    ];
    for (capability, kernel, [rows, columns]) in kernels {
        let job = linear_job(rows, columns, 70, 3, 7);
        let flip = Armed::new(&format!("capability={capability},flip={kernel}:1"));
        flip.assert_survives(&job, 0);
    }
}

#[test]
fn a_job_survives_a_wrong_bit_in_any_operation() {
    let job = job();
    let operations = &job.plan.program().operations;
    let mut runs = [0; 2];
    for operation in operations {
        let kernel = match operation {
            Operation::Linear { .. } => 0,
            Operation::Add { .. } => 1,
        };
        runs[kernel] += 1;
        let name = ["linear_mma_m16n8k32_64x64", "add"][kernel];
        let flip = Armed::with(&format!("flip={name}:{}", runs[kernel]), |settings| {
            CudaSettings {
                // One kernel for all its linear operations.
                family: Some(KernelFamily::Mma16x8x32),
                ..settings
            }
        });
        flip.assert_survives(&job, 0);
    }
    assert!(runs[0] > 1 && runs[1] > 1, "{runs:?}");
}

#[test]
fn a_job_survives_a_wrong_bit_in_parameters_that_have_been_on_the_device_for_long() {
    let job = linear_job(40, 33, 70, 3, 7);
    for what in ["weights", "channels"] {
        let decay = Armed::new(&format!("decay={what}:1"));
        job.execute(&decay.executor).unwrap();
        decay.assert_survives(&job, 0);
        let failed = DeviceError::ResultCheckFailed { operation: 0 };
        assert_eq!(decay.executor.devices()[0].last_failure, Some(failed));
    }
}

#[test]
fn a_job_survives_a_bit_that_flips_in_a_result_after_it_was_computed() {
    Armed::new("decay=output:2").assert_survives(&job(), 0);
}

#[test]
fn a_job_survives_a_bit_that_flips_in_what_was_brought_for_it() {
    // The check can't tell what of it was wrong: everything is brought anew.
    Armed::new("decay=input:1").assert_survives(&linear_job(40, 33, 70, 3, 7), 1);
    let with_table = (0..).map(|seed| random_job(seed, 5, 1));
    let mut with_table = with_table.filter(|job| {
        let operations = &job.plan.program().operations;
        matches!(operations[0], Operation::Linear { table: Some(_), .. })
    });
    Armed::new("decay=table:1").assert_survives(&with_table.next().unwrap(), 1);
}

#[test]
fn a_device_that_is_wrong_twice_in_a_row_is_retired() {
    let flip = Armed::new("flip=linear_mma_m16n8k32_64x64:0");
    let wrong = DeviceError::ResultCheckFailed { operation: 0 };
    let job = linear_job(30, 5, 7, 3, 7);
    assert_eq!(flip.execute(&job), Err(wrong.clone().into()));
    let status = &flip.executor.devices()[0];
    assert!(status.retired);
    assert_eq!(status.fault, Some(wrong.clone()));
    assert_eq!(job.execute(&flip.executor), Err(wrong.into()));
}

#[test]
fn a_device_that_computes_wrongly_fails_its_self_check() {
    for kernel in ["add", "linear_mma_m16n8k32_64x64"] {
        let error = refused(driver(&format!("flip={kernel}:0")));
        let failed = matches!(error, DeviceError::SelfCheckFailed { .. });
        assert!(failed, "{error}");
    }
}

#[test]
fn a_parameter_that_changes_on_its_way_is_noticed() {
    Armed::new("flip=blake3_chunks:1").assert_survives(&linear_job(3, 5, 7, 3, 7), 1);
}

#[test]
fn parts_are_halved_until_they_fit_the_device() {
    let job = linear_job(500, 64, 1_000, 3, 7);
    let executor = started(driver("memory=1000000"));
    let expected = job.execute(&Reference).unwrap();
    assert!(job.execute(&executor).unwrap() == expected);
}

#[test]
fn memory_that_is_short_for_a_moment_costs_no_job() {
    Armed::new("fail=cuMemAlloc_v2:1:2").assert_right(&job(), 0);
}

#[test]
fn a_model_that_does_not_fit_the_device_is_an_error_and_costs_no_device() {
    let executor = started(driver("memory=2000000"));
    let large = linear_job(2, 1_000, 3_000, 3, 7);
    let error = large.execute(&executor).unwrap_err();
    let full = matches!(error, EngineError::Device(DeviceError::OutOfMemory { .. }));
    assert!(full, "{error}");
    let status = &executor.devices()[0];
    assert_eq!((status.fault.as_ref(), status.restarts), (None, 0));
    assert!(job().execute(&executor).unwrap() == job().execute(&Reference).unwrap());
}

#[test]
fn models_that_fit_the_device_only_one_at_a_time_take_turns() {
    let executor = started(driver("memory=1000000"));
    let jobs = [
        linear_job(4, 700, 1_000, 3, 7),
        linear_job(4, 701, 1_000, 3, 7),
    ];
    std::thread::scope(|scope| {
        for job in &jobs {
            let executor = &executor;
            scope.spawn(move || {
                let expected = job.execute(&Reference).unwrap();
                for _ in 0..5 {
                    assert!(job.execute(executor).unwrap() == expected);
                }
            });
        }
    });
    assert_eq!(executor.devices()[0].restarts, 0);
}

#[test]
fn a_device_that_fails_again_and_again_rests_and_is_tried_later() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let link = |to: &Path| {
        let _ = std::fs::remove_file(&program);
        std::os::unix::fs::symlink(to, &program).unwrap();
    };
    let exit = Armed::with("exit=cuLaunchKernel:1", |mut settings| {
        link(&settings.command.program);
        settings.command.program = program.clone();
        settings
    });
    // The process that runs ends at the next job, and no other one can be started.
    link(Path::new("/nonexistent/program"));
    let error = exit.execute(&job()).unwrap_err();
    let cannot_start = matches!(error, EngineError::Device(DeviceError::CannotStart(_)));
    assert!(cannot_start, "{error}");
    let status = exit.executor.devices().remove(0);
    assert!(status.fault.is_some() && !status.retired);
    link(&driver("").command.program);
    let deadline = Instant::now() + Duration::from_secs(60);
    while exit.executor.devices()[0].fault.is_some() {
        assert!(Instant::now() < deadline, "it is not tried again");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(job().execute(&exit.executor).unwrap() == job().execute(&Reference).unwrap());
}

#[test]
fn one_device_that_is_of_no_use_does_not_keep_the_others_from_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("armed");
    std::fs::write(&file, "").unwrap();
    let fault = "fail=cuModuleLoadDataEx:1:218";
    let executor = started(driver(&format!(
        "devices=3,armed={},{fault}",
        file.display()
    )));
    let expected = job().execute(&Reference).unwrap();
    assert!(job().execute(&executor).unwrap() == expected);
    let devices = executor.devices();
    let useless: Vec<_> = devices.iter().filter(|device| device.retired).collect();
    assert_eq!(useless.len(), 1, "{devices:?}");
    assert!(matches!(useless[0].fault, Some(DeviceError::BadKernel(_))));
}

#[test]
fn another_device_takes_over_from_one_that_is_retired() {
    let flip = Armed::with("devices=2,flip=linear_mma_m16n8k32_64x64:0", |settings| {
        settings
    });
    let job = linear_job(30, 5, 7, 3, 7);
    flip.arm();
    let expected = job.execute(&Reference).unwrap();
    // Two wrong results retire it; a job has three attempts.
    assert!(job.execute(&flip.executor).unwrap() == expected);
    let retired = flip
        .executor
        .devices()
        .iter()
        .filter(|device| device.retired)
        .count();
    assert!(retired <= 1);
}

#[test]
fn a_device_whose_process_takes_long_to_start_does_not_keep_the_others_from_work() {
    let folder = tempfile::tempdir().unwrap();
    let [program, began, go_on] =
        ["program", "began", "go-on"].map(|name| folder.path().join(name));
    let exit = Armed::with("devices=2,exit=cuLaunchKernel:1", |mut settings| {
        std::os::unix::fs::symlink(&settings.command.program, &program).unwrap();
        settings.command.program = program.clone();
        settings
    });
    let good = driver("").command.program;
    let slow = format!(
        "#!/bin/sh\n: >'{}'\nwhile [ ! -e '{}' ]; do sleep 0.05; done\n",
        began.display(),
        go_on.display()
    );
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, slow).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| exit.execute(&job()));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !began.exists() {
            assert!(Instant::now() < deadline, "no process was started again");
            std::thread::sleep(Duration::from_millis(10));
        }
        // Of a model that no device knows yet, it goes to the one with more free slots.
        let other = linear_job(30, 5, 7, 3, 7);
        let result = other.execute(&exit.executor).unwrap();
        assert!(result == other.execute(&Reference).unwrap());
        assert_eq!(exit.executor.devices().len(), 2);
        assert!(!first.is_finished(), "the start did not take long");
        // That start fails, and the next one is as it should be.
        std::fs::remove_file(&program).unwrap();
        std::os::unix::fs::symlink(&good, &program).unwrap();
        std::fs::write(&go_on, "").unwrap();
        let result = first.join().unwrap().unwrap();
        assert!(result == job().execute(&Reference).unwrap());
    });
}
