//! Processes that do anything but serve.

use crate::fixture::{child, driver, refused};
use mizan_engine::cuda::{ChildCommand, CudaSettings, DeviceError};
use std::{
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

#[test]
fn a_program_that_is_not_there_can_not_be_started() {
    let mut settings = child("serve");
    settings.command.program = "/nonexistent/program".into();
    let error = refused(settings);
    assert!(matches!(error, DeviceError::CannotStart(_)), "{error}");
}

#[test]
fn a_process_that_ends_leaves_its_status_and_last_words() {
    let error = refused(child("ends"));
    let expected = DeviceError::ProcessEnded("exit status: 3: no reason".into());
    assert_eq!(error, expected);
}

#[test]
fn a_process_that_hangs_is_ended_in_time() {
    let settings = CudaSettings {
        start_limit: Duration::from_secs(1),
        ..child("hangs")
    };
    let started = Instant::now();
    assert_eq!(refused(settings), DeviceError::TimedOut { seconds: 1 });
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn this_program_can_start_itself() {
    let settings = CudaSettings {
        command: ChildCommand::this_program("--list").unwrap(),
        ..child("serve")
    };
    // It is a test program, and lists its tests instead of greeting.
    let error = refused(settings);
    assert_eq!(
        error,
        DeviceError::BadAnswer("the first bytes are no greeting".into())
    );
}

#[test]
fn another_program_is_not_understood() {
    let error = refused(child("another-program"));
    assert_eq!(
        error,
        DeviceError::BadAnswer("the first bytes are no greeting".into())
    );
}

#[test]
fn a_program_that_was_replaced_while_it_ran_is_told_apart() {
    let mismatch = DeviceError::ProtocolMismatch {
        ours: 4,
        theirs: u16::MAX,
    };
    assert_eq!(refused(child("newer-version")), mismatch);
}

#[test]
fn answers_that_make_no_sense_end_the_process() {
    for behaviour in ["noise", "long-message", "unasked-answer"] {
        let error = refused(child(behaviour));
        assert!(matches!(error, DeviceError::BadAnswer(_)), "{error}");
    }
}

#[test]
fn a_person_who_starts_it_is_told_that_it_is_not_for_them() {
    let command = child("serve").command;
    let output = Command::new(command.program)
        .args(command.arguments)
        .output()
        .unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "this is for the worker to start, not for people\n");
}

/// A process that serves, with the parent's end of its connection, after the greetings.
fn served(settings: CudaSettings) -> (Child, UnixStream) {
    let (mut parent, theirs) = UnixStream::pair().unwrap();
    let memory = tempfile::tempfile().unwrap();
    let command = settings.command;
    let process = Command::new(command.program)
        .args(command.arguments)
        .envs(command.environment)
        .stdin(Stdio::from(memory))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut greeting = [0; 10];
    parent.read_exact(&mut greeting).unwrap();
    parent.write_all(&greeting).unwrap();
    (process, parent)
}

#[test]
fn a_process_whose_parent_goes_ends() {
    let (mut process, parent) = served(child("serve"));
    assert_eq!(process.try_wait().unwrap(), None);
    drop(parent);
    process.wait().unwrap();
}

#[test]
fn a_process_whose_parent_goes_ends_although_its_driver_hangs() {
    let (mut process, mut parent) = served(driver("hang=cuInit:1"));
    // It lists the devices, and never comes back from it.
    parent.write_all(b"\x01\0\0\0\0").unwrap();
    drop(parent);
    assert!(process.wait().unwrap().success());
}

#[test]
fn a_process_that_is_asked_for_nonsense_ends_and_says_why() {
    let requests: [(&[u8], &str); 3] = [
        (
            b"\x03\0\0\0abc",
            "the connection to the parent: a message can't be decoded\n",
        ),
        (
            b"\xff\xff\xff\xff",
            "the connection to the parent: 4294967295 bytes are too long for a message\n",
        ),
        // To execute a batch, before any device is open.
        (
            b"\x0a\0\0\0\x04\0\0\0\0\x01\0\0\0\0",
            "the parent asks for what it may not\n",
        ),
    ];
    for (request, expected) in requests {
        let (process, mut parent) = served(child("serve"));
        parent.write_all(request).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(!output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    }
}
