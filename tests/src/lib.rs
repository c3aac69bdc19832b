//! End-to-end tests: real node processes, real workers, the real command.
//!
//! # Overview
//! This library starts the built programs and talks to them as people do. The tests are in
//! `tests/`; `mizan-demo`, `mizan-localnet`, `mizan-bench`, `mizan-cheater` and
//! `mizan-metadata-hash`, which scripts and tests run, use it too.
//!
//! | part | what it gives |
//! | --- | --- |
//! | [`chain`] | a development chain with its node |
//! | [`network`] | three validators on one machine |
//! | [`workers`] | worker daemons |
//! | [`cheating`], [`scene`] | workers that cheat, for tests alone, and a chain of theirs |
//! | [`auditors`] | auditors, honest ones and others, on that chain |
//! | [`command`] | the `mizan` command |
//! | [`jobs`] | jobs without the command, and waiting for their states |
//! | [`digits`] | the model, the images and the accuracy of a result |
//! | [`books`] | events and money of a range of blocks |
//! | [`metadata_hash`] | what careful signers sign besides a transaction |
//! | [`demo`] | the whole road once, and its report |
//! | [`mod@bench`] | figures that have no part in tests |
//! | [`process`], [`wait`], [`interrupt`], [`binaries`] | processes, deadlines, signals, where programs are |
//!
//! # Goals
//! - Nothing survives its starter: processes end, temporary folders go.
//! - No test waits for luck: every wait has a condition and a deadline.
//!
//! # Non-goals
//! Testing what one crate can test alone.
#![forbid(unsafe_code)]

pub mod auditors;
pub mod bench;
pub mod binaries;
pub mod books;
pub mod chain;
pub mod cheating;
pub mod command;
pub mod demo;
pub mod digits;
pub mod interrupt;
pub mod jobs;
pub mod metadata_hash;
pub mod network;
pub mod process;
pub mod scene;
pub mod wait;
pub mod workers;
