//! Runs tensor programs fast, bit for bit as `mizan-tensor` defines them.
//!
//! # Overview
//! A worker is paid for a result only if it is exactly the one that the program defines. The
//! definition is slow on purpose; this crate is where speed lives. Every executor here gives the
//! same trace and the same outputs as the definition, for every program, parameter and input.
//!
//! | executor | what it is for |
//! | --- | --- |
//! | [`Reference`] | the definition itself, element by element: what the others are tested against |
//! | [`CpuExecutor`] | matrix products with the vector instructions of the machine it runs on |
//!
//! # Goals
//! - One trait, [`Executor`]; one test body over all implementations; equality of every byte.
//! - Exact on every machine, also on processors whose 8-bit products saturate.
//! - Memory: the trace, once, and a bounded workspace. Weights are copied only when they are
//!   reused.
//!
//! # Non-goals
//! Saying what an operation means (see `mizan-tensor`), fetching or storing tensors, scheduling
//! jobs, approximate results.
//!
//! # Assumptions
//! Inputs and parameters fit the memory of the machine. Their hashes were checked by whoever
//! fetched them; bytes of any value are executed.
//!
//! # Terminology
//! *Accumulator*: the sum of products before bias and scaling. *Row*: one slice of a tensor along
//! its last dimension; a linear operation treats rows independently. *Saturation*: an instruction
//! that cuts an intermediate sum to 16 bits instead of keeping it exact.
#![forbid(unsafe_code)]

mod cpu;
mod executor;

pub use cpu::CpuExecutor;
pub use executor::{EngineError, Executor, Reference};
