//! The executor for devices, from end to end and without one: real processes, the real bindings,
//! the kernels in their emulator behind a driver that the tests build.

#![cfg(target_os = "linux")]

#[path = "../executors/jobs.rs"]
mod jobs;

mod absent;
mod committing;
mod compare;
mod cublaslt;
mod faults;
mod fixture;
mod hardware;
mod measure;
mod pace;
mod pieces;
mod processes;
mod results;
mod substitutes;
mod trials;
