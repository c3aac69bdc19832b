//! Devices that their owner keeps from work now and then.

use crate::{
    fixture::{driver, started},
    jobs::linear_job,
};
use mizan_engine::{
    cuda::{CudaSettings, DeviceInfo, Pace},
    EngineError, Executor, Reference,
};
use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Lets those devices work, and counts parts on each.
#[derive(Default)]
struct Owner {
    lent: Mutex<Vec<u32>>,
    asked: Mutex<u32>,
    /// Parts that began, and parts that ended.
    parts: Mutex<[(u32, u32); 2]>,
}

impl Owner {
    fn lends(devices: &[u32]) -> Arc<Self> {
        let owner = Self::default();
        *owner.lent.lock().unwrap() = devices.to_vec();
        Arc::new(owner)
    }

    fn parts(&self) -> [(u32, u32); 2] {
        *self.parts.lock().unwrap()
    }
}

impl Pace for Owner {
    fn may_begin(&self, device: &DeviceInfo) -> bool {
        *self.asked.lock().unwrap() += 1;
        self.lent.lock().unwrap().contains(&device.index)
    }

    fn begins(&self, device: &DeviceInfo) {
        self.parts.lock().unwrap()[device.index as usize].0 += 1;
    }

    fn ended(&self, device: &DeviceInfo) {
        self.parts.lock().unwrap()[device.index as usize].1 += 1;
    }
}

/// Whether a job comes out right.
fn execute(executor: &dyn Executor) -> Result<bool, EngineError> {
    let job = linear_job(3, 5, 7, 3, 7);
    Ok(job.execute(executor)?.trace == job.execute(&Reference)?.trace)
}

#[test]
fn a_device_that_may_not_work_is_passed_over() {
    let executor = started(driver("devices=2"));
    let owner = Owner::lends(&[1]);
    executor.keep_pace(owner.clone());
    assert_eq!(execute(&executor), Ok(true));
    assert_eq!(owner.parts(), [(0, 0), (1, 1)]);
    // Also by what it knows of the model.
    *owner.lent.lock().unwrap() = vec![0];
    assert_eq!(execute(&executor), Ok(true));
    assert_eq!(owner.parts(), [(1, 1), (1, 1)]);
}

#[test]
fn a_job_waits_until_a_device_may_work_whatever_the_limit_of_answers() {
    let executor = started(CudaSettings {
        answer_limit: Duration::from_millis(500),
        ..driver("devices=2")
    });
    let owner = Owner::lends(&[]);
    executor.keep_pace(owner.clone());
    thread::scope(|scope| {
        let job = scope.spawn(|| execute(&executor));
        // Longer than a device has for an answer: both are asked about every 100 ms.
        while *owner.asked.lock().unwrap() < 20 {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!job.is_finished());
        assert_eq!(owner.parts(), [(0, 0), (0, 0)]);
        *owner.lent.lock().unwrap() = vec![1];
        assert_eq!(job.join().unwrap(), Ok(true));
    });
    assert_eq!(owner.parts(), [(0, 0), (1, 1)]);
    let statuses = executor.devices();
    assert!(statuses.iter().all(|status| status.last_failure.is_none()));
}

#[test]
fn a_part_that_fails_has_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let armed = folder.path().join("armed");
    let faults = format!("armed={},exit=cuLaunchKernel:1", armed.display());
    let executor = started(driver(&faults));
    let owner = Owner::lends(&[0]);
    executor.keep_pace(owner.clone());
    std::fs::write(&armed, "").unwrap();
    assert_eq!(execute(&executor), Ok(true));
    assert!(!armed.exists(), "no fault came");
    assert_eq!(owner.parts()[0], (2, 2));
}

/// Whether a process has that marker in its environment, as no other has.
fn runs(marker: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut environments = processes.filter_map(|it| std::fs::read(it.path().join("environ")).ok());
    environments.any(|it| String::from_utf8_lossy(&it).contains(marker))
}

#[test]
fn a_released_device_has_no_process_until_there_is_work() {
    let folder = tempfile::tempdir().unwrap();
    let marker = format!("MIZAN_TEST_MARKER={}", folder.path().display());
    let mut settings = driver("");
    let variable = ("MIZAN_TEST_MARKER".into(), folder.path().into());
    settings.command.environment.push(variable);
    let executor = started(settings);
    assert!(runs(&marker));
    let uuid = executor.devices()[0].info.uuid;
    executor.release(&[0; 16]);
    assert!(runs(&marker), "that is no device");
    executor.release(&uuid);
    assert!(!runs(&marker));
    executor.release(&uuid);
    assert_eq!(execute(&executor), Ok(true));
    assert!(runs(&marker));
    assert_eq!(executor.devices()[0].restarts, 0);
}
