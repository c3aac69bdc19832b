//! What an owner demands of GPUs: an emulated management library says how they are.

use super::{has_driver, nvml, Driver, NOWHERE};
use crate::emulated::DRIVER;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A GPU that nobody uses.
const IDLE: &str = "temperature=45\npower=31000\nlimit=170000\nbusy=0\nmemory=1\nused=536870912\n\
                    graphics=1\ncompute=own\nusing=\n";
/// What is waited for comes much sooner.
const DEADLINE: Duration = Duration::from_secs(60);

/// A machine with emulated GPUs, and a script that says how they are.
struct Machine {
    folder: TempDir,
    libraries: Vec<PathBuf>,
}

impl Machine {
    fn new(script: &str) -> Self {
        Self::with(nvml::LIBRARY.clone(), script)
    }

    fn with(library: PathBuf, script: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            libraries: vec![DRIVER.clone(), library],
        };
        machine.says(script);
        machine
    }

    /// From now on.
    fn says(&self, script: &str) {
        // Whoever reads it meanwhile must not see a part.
        let (new, path) = (self.folder.path().join("new"), self.script());
        std::fs::write(&new, script).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    fn script(&self) -> PathBuf {
        self.folder.path().join("nvml")
    }

    fn program(&self, command: &str, more: &[&str]) -> Command {
        let data = self.folder.path().join("data").display().to_string();
        let words = [
            command, "--url", NOWHERE, "--key", "//Alice", "--data", &data,
        ];
        let mut program = Driver::Emulated("").program(&[&words[..], more].concat());
        program
            .env(
                "LD_LIBRARY_PATH",
                std::env::join_paths(&self.libraries).unwrap(),
            )
            .env("MIZAN_TEST_NVML", self.script());
        program
    }

    /// What the doctor says of readings: health and words.
    fn examined(&self, more: &[&str]) -> Vec<(String, String)> {
        let words = [&["--json"], more].concat();
        let output = self.program("doctor", &words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).expect(&said);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = report["checks"].as_array().unwrap().iter();
        all.filter(|finding| finding["check"] == "gpu readings")
            .map(|finding| (text(&finding["health"]), text(&finding["found"])))
            .collect()
    }

    fn run(&self, more: &[&str]) -> Worker {
        let mut program = self.program("run", more);
        let mut process = program.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
        });
        Worker { process, said }
    }
}

/// A worker that runs, until this is dropped.
struct Worker {
    process: Child,
    said: Receiver<String>,
}

impl Worker {
    /// Waits until it says that.
    fn says(&self, words: &str) -> String {
        self.says_after(words).0
    }

    /// The same, with all that it said before.
    fn says_after(&self, words: &str) -> (String, String) {
        let until = Instant::now() + DEADLINE;
        let mut all = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) if line.contains(words) => return (line, all),
                Ok(line) => all = all + &line + "\n",
                Err(_) => panic!("{words}: not in\n{all}"),
            }
        }
    }

    /// Waits for its end; gives its code and what it said.
    fn ends(mut self) -> (Option<i32>, String) {
        let until = Instant::now() + DEADLINE;
        let mut all = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.said.recv_timeout(left) {
                Ok(line) => all = all + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on\n{all}"),
            }
        }
        (self.process.wait().unwrap().code(), all)
    }

    /// Processes that it started with that subcommand.
    fn started(&self, subcommand: &str) -> Vec<u32> {
        let tasks = format!("/proc/{}/task", self.process.id());
        let tasks = std::fs::read_dir(tasks).unwrap();
        let children = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        let children: Vec<_> = children.collect();
        let pids = children.iter().flat_map(|list| list.split_whitespace());
        let is_such = |pid: &&str| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
            line.is_ok_and(|line| line.contains(subcommand))
        };
        let started = pids.filter(is_such);
        started.filter_map(|pid| pid.parse().ok()).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn and(script: &str, more: &str) -> String {
    // What stands first counts.
    format!("{more}\n{script}")
}

#[test]
fn the_subcommand_that_reads_gpus_is_not_for_people() {
    let help = Driver::None.program(&["--help"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("nvml-child"));
    let by_hand = Driver::None.program(&["nvml-child"]).output().unwrap();
    assert_eq!(by_hand.status.code(), Some(1));
    let said = "this is for the worker to start, not for people\n";
    assert_eq!(String::from_utf8_lossy(&by_hand.stderr), said);
}

#[test]
fn the_doctor_shows_how_each_gpu_is_and_who_else_uses_it() {
    let nobody = std::fs::read_to_string("/proc/1/comm").unwrap();
    let script = and(
        IDLE,
        "using=1:38,worker:20,own:30,4000000:2\nbusy=90\nprint=hello",
    );
    let [(health, found)] = &Machine::new(&script).examined(&[])[..] else {
        panic!("one finding a GPU");
    };
    assert_eq!(health, "ok");
    let expected = format!(
        "GPU 0: 45 °C, 31 W of 170 W, 90 % busy, 40 % by other programs, 512 MiB used, opened by \
         {} (1)",
        nobody.trim()
    );
    assert_eq!(*found, expected);
}

#[test]
fn an_older_driver_says_less() {
    let older = nvml::library("older", &["-DOLDER"]);
    let [(health, found)] = &Machine::with(older, IDLE).examined(&["--idle-only"])[..] else {
        panic!("one finding a GPU");
    };
    assert_eq!(health, "ok");
    let says = "GPU 0: 45 °C, 31 W of 170 W, 0 % busy, opened by ";
    assert!(found.starts_with(says), "{found}");
}

#[test]
fn the_doctor_finds_limits_that_can_not_be_kept() {
    let machine = Machine::new("temperature=45\n");
    let limit = ["--max-temperature", "80"];
    assert_eq!(machine.examined(&limit)[0].0, "ok");
    let (health, found) = &machine.examined(&["--max-power", "100"])[0];
    assert_eq!(health, "problem");
    let says = "its driver does not say the power that it draws, which max_power needs";
    assert!(found.ends_with(says), "{found}");
    machine.says("lost=1");
    let lost = "GPU 0: the driver does not say how it is";
    assert_eq!(machine.examined(&limit)[0], ("problem".into(), lost.into()));
    machine.says("init=9");
    let (health, found) = &machine.examined(&limit)[0];
    assert_eq!(health, "problem");
    assert!(
        found.ends_with("can't be used: NVIDIA driver is not loaded"),
        "{found}"
    );
    assert_eq!(machine.examined(&[])[0].0, "ok");
}

#[test]
fn a_worker_whose_limits_can_not_be_kept_ends_with_11() {
    let table = [
        (
            "devices=0",
            "--idle-only",
            "the limits for GPU 0 can't be kept: its driver does not say how it is",
        ),
        (
            "temperature=45",
            "--idle-only",
            "its driver does not say how busy it is, which idle_only needs; name the other GPUs",
        ),
        (
            "init=18",
            "--max-power=100",
            "idle_only, max_power and max_temperature can't be kept: NVIDIA's management library \
             (libnvidia-ml.so.1) can't be used: RM detects a driver/library version mismatch",
        ),
        (
            "crash=1",
            "--max-temperature=80",
            "can't be kept: the process that reads GPUs ended: signal: 6 (SIGABRT)",
        ),
    ];
    for (script, limit, says) in table {
        let (code, said) = Machine::new(script).run(&[limit]).ends();
        assert_eq!(code, Some(11), "{script}: {said}");
        assert!(said.contains(says), "{script}: {said}");
    }
}

#[test]
fn a_gpu_without_the_library_is_an_error_only_if_limits_are_set() {
    if has_driver() {
        return;
    }
    let machine = Machine::with(Path::new("/nonexistent").into(), "");
    let (code, said) = machine.run(&["--idle-only"]).ends();
    assert_eq!(code, Some(11), "{said}");
    assert!(said.contains("libnvidia-ml.so.1"), "{said}");
    let worker = machine.run(&[]);
    worker.says("computes jobs: GPU 0");
    worker.says("GPUs are not watched: NVIDIA's management library");
}

#[test]
fn limits_to_gpus_on_a_machine_without_are_named() {
    let machine = Machine::new(IDLE);
    let worker = machine.run(&["--device", "cpu", "--max-power", "100"]);
    worker.says("idle_only, max_power and max_temperature are about GPUs, and none is used");
}

#[test]
fn a_gpu_is_paused_while_another_program_uses_it_and_works_again() {
    let machine = Machine::new(IDLE);
    let worker = machine.run(&["--idle-only", "--idle-seconds", "1"]);
    worker.says("computes jobs: GPU 0");
    assert_eq!(worker.started("cuda-child").len(), 1);
    machine.says(&and(IDLE, "using=1:45"));
    worker.says("GPU 0: paused, another program uses it (45 %)");
    // It gets all memory of the GPU.
    let until = Instant::now() + DEADLINE;
    while !worker.started("cuda-child").is_empty() {
        assert!(Instant::now() < until, "the GPU's process goes on");
        thread::sleep(Duration::from_millis(20));
    }
    machine.says(IDLE);
    worker.says("GPU 0: works again");
}

#[test]
fn what_the_driver_does_not_say_is_told_once() {
    let machine = Machine::new("busy=0\nmemory=0\ntemperature=40\npower=9000\nlimit=9000\n");
    let worker = machine.run(&["--idle-only"]);
    let line = worker.says("GPU 0: its driver does not say");
    let says = "how much memory is used, how busy other programs keep it, which programs have \
                opened it";
    assert!(line.contains(says) && !line.contains("power"), "{line}");
    worker.says("while it computes it rests two seconds out of thirty");
}

#[test]
fn what_can_not_be_read_hides_nothing_else_and_is_told_once() {
    let broken = "power_error=999\nusing_error=999\n";
    let machine = Machine::new(&and(IDLE, broken));
    let [(health, found)] = &machine.examined(&["--idle-only"])[..] else {
        panic!("one finding a GPU");
    };
    assert_eq!(health, "ok");
    let says = "GPU 0: 45 °C, at most 170 W, 0 % busy, 512 MiB used, opened by ";
    assert!(found.starts_with(says), "{found}");
    let worker = machine.run(&["--max-temperature", "80"]);
    worker.says("GPU 0: the power that it draws can't be read: ");
    worker.says("GPU 0: how busy other programs keep it can't be read: ");
    // A new fault is told, and those that were told before are not.
    machine.says(&and(IDLE, &format!("{broken}limit_error=999\n")));
    let limit = "GPU 0: its power limit can't be read: ";
    let (_, before) = worker.says_after(limit);
    assert!(!before.contains("can't be read"), "{before}");
}

#[test]
fn a_limit_that_can_not_be_read_is_not_kept_by_guessing() {
    let machine = Machine::new(&and(IDLE, "power_error=999"));
    let (code, said) = machine.run(&["--max-power", "100"]).ends();
    assert_eq!(code, Some(11), "{said}");
    let says = "its driver does not say the power that it draws, which max_power needs";
    assert!(said.contains(says), "{said}");
    machine.says(IDLE);
    let worker = machine.run(&["--max-power", "100"]);
    worker.says("computes jobs: GPU 0");
    machine.says(&and(IDLE, "power_error=999"));
    worker.says("GPU 0: the power that it draws can't be read: ");
}

#[test]
fn a_process_that_reads_gpus_is_started_again_when_it_crashes_or_hangs() {
    let machine = Machine::new(IDLE);
    let worker = machine.run(&["--max-temperature", "80"]);
    worker.says("computes jobs: GPU 0");
    machine.says(&and(IDLE, "crash=1"));
    worker.says("GPUs are not watched: the process that reads GPUs ended: signal: 6 (SIGABRT)");
    machine.says(IDLE);
    worker.says("GPUs are watched again");
    machine.says(&and(IDLE, "hang=1"));
    worker.says("GPUs are not watched: the process that reads GPUs said nothing for 5 seconds");
    machine.says(IDLE);
    worker.says("GPUs are watched again");
}

#[test]
fn a_process_that_reads_gpus_ends_with_its_worker_even_if_it_hangs() {
    let machine = Machine::new(IDLE);
    let worker = machine.run(&["--max-temperature", "80"]);
    worker.says("computes jobs: GPU 0");
    let [reader] = worker.started("nvml-child")[..] else {
        panic!("one process reads");
    };
    machine.says(&and(IDLE, "hang=1"));
    drop(worker);
    let until = Instant::now() + DEADLINE;
    // An orphan that has ended may stay listed until somebody has seen it.
    let runs = || {
        let stat = std::fs::read_to_string(format!("/proc/{reader}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while runs() {
        assert!(Instant::now() < until, "it goes on without its worker");
        thread::sleep(Duration::from_millis(20));
    }
}
