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
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc, Mutex,
    },
    thread,
    time::{Duration, Instant},
};

/// What is waited for comes much sooner.
const DEADLINE: Duration = Duration::from_secs(60);

/// Lets those devices work, and counts parts on each.
#[derive(Default)]
struct Owner {
    lent: Mutex<Vec<u32>>,
    asked: Mutex<u32>,
    /// Parts that began, and parts that ended.
    parts: Mutex<[(u32, u32); 2]>,
    /// Most that ran at once on the first device.
    at_once: Mutex<u32>,
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
        let mut parts = self.parts.lock().unwrap();
        parts[device.index as usize].0 += 1;
        let mut at_once = self.at_once.lock().unwrap();
        *at_once = (parts[0].0 - parts[0].1).max(*at_once);
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
        let start = Instant::now();
        let waits = || !job.is_finished() && start.elapsed() < DEADLINE;
        while *owner.asked.lock().unwrap() < 20 && waits() {
            thread::sleep(Duration::from_millis(5));
        }
        let (waited, parts) = (waits(), owner.parts());
        // Whatever was found, so that the job ends.
        *owner.lent.lock().unwrap() = vec![1];
        assert!(waited);
        assert_eq!(parts, [(0, 0), (0, 0)]);
        assert_eq!(job.join().unwrap(), Ok(true));
    });
    assert_eq!(owner.parts(), [(0, 0), (1, 1)]);
    let statuses = executor.devices();
    assert!(statuses.iter().all(|status| status.last_failure.is_none()));
}

#[test]
fn an_item_that_takes_longer_than_parts_may_has_the_device_for_itself() {
    let executor = started(CudaSettings {
        part_macs: 1,
        slots: 3,
        ..driver("")
    });
    let owner = Owner::lends(&[0]);
    executor.keep_pace(owner.clone());
    let job = linear_job(4, 5, 7, 3, 7);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| job.execute(&executor).unwrap());
        }
    });
    assert_eq!(owner.parts()[0], (12, 12));
    assert_eq!(*owner.at_once.lock().unwrap(), 1);
}

#[test]
fn a_long_item_gets_its_turn_while_short_parts_keep_coming() {
    let executor = started(CudaSettings {
        part_macs: 200,
        ..driver("")
    });
    let (long, short) = (linear_job(1, 15, 20, 3, 7), linear_job(1, 5, 7, 3, 7));
    let (start, done) = (Instant::now(), AtomicBool::new(false));
    thread::scope(|scope| {
        // As many as there are slots, and one more.
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) && start.elapsed() < DEADLINE {
                    short.execute(&executor).unwrap();
                }
            });
        }
        let executed = long.execute(&executor);
        done.store(true, Ordering::Relaxed);
        executed.unwrap();
    });
    assert!(start.elapsed() < DEADLINE);
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
