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
//! | `cuda::CudaExecutor` | NVIDIA devices, each in a process of its own (feature `cuda`, Linux) |
//!
//! [`Executor::execute_committed`] gives the hashes that a worker attests as well, made where the
//! result is; [`commit`] those of any result.
//!
//! Whoever doubts a result need not do all the work again: [`audit`] checks it for less.
//!
//! # Goals
//! - One trait, [`Executor`]; one test body over all implementations; equality of every byte.
//! - Exact on every machine, also on processors whose 8-bit products saturate.
//! - Memory that can be reckoned, see below.
//!
//! # Memory of [`CpuExecutor`]
//! | what | how much | for how long |
//! | --- | --- | --- |
//! | trace and outputs | what the program says | until the caller drops them |
//! | workspace | [`CpuExecutor::workspace_bytes`], at least a row a thread | one operation |
//! | packed weights in the cache | [`CpuExecutor::cache_bytes`] | until others push them out |
//! | packed weights in use | those of one operation a running job; all of a [`LoadedModel`] | the operation; the loaded model |
//!
//! Weights are multiplied in an order of their own. Packing them takes longer than
//! multiplying a few rows with them, so [`CpuExecutor`] keeps them for the next job of the same
//! model. Clones of an executor, and all jobs that use it at once, share what is kept. Kept
//! weights are found by a hash of the bytes that the caller gives, computed at every job, so a
//! wrong parameter can at most be slow. Who runs many jobs with parameters that stay borrowed
//! saves the hashing as well with [`CpuExecutor::load`]. A model larger than the budget gains
//! nothing from the cache and loses the hashing: give it the room or turn the cache off.
//!
//! One row (batch 1 of a flat input) is multiplied with weights as they are, and nothing is
//! packed, except by the matrix library where its products saturate.
//!
//! # Which instructions multiply
//! | processor | products |
//! | --- | --- |
//! | x86-64 with AVX-512 VNNI, AVX-VNNI, or AVX2, in this order | of this crate |
//! | any other whose 8-bit products are exact, as ARM's | of the matrix library |
//! | any other | of the matrix library, the weights split in two halves whose products are exact |
//!
//! [`CpuExecutor::of_every_kind`] gives all that work on a machine; their names say which they are.
//!
//! # Non-goals
//! Saying what an operation means (see `mizan-tensor`), fetching or storing tensors, scheduling
//! jobs, approximate results.
//!
//! # Assumptions
//! Inputs and parameters fit the memory of the machine. Their hashes were checked by whoever
//! fetched them, see [`Executor`]; bytes of any value are executed.
//!
//! # Terminology
//! *Accumulator*: the sum of products before bias and scaling. *Row*: one slice of a tensor along
//! its last dimension; a linear operation treats rows independently. *Saturation*: an instruction
//! that cuts an intermediate sum to 16 bits instead of keeping it exact. *Packed*: in the order in
//! which weights are multiplied fastest. *Block*: rows computed together. *Band*: columns of a
//! product that one thread computes without the others.
// Allowed where vector instructions are that the compiler does not find by itself, and in the
// process of a device.
#![deny(unsafe_code)]

mod ahead;
pub mod audit;
mod commitment;
mod cpu;
#[cfg(all(feature = "cuda", target_os = "linux"))]
pub mod cuda;
mod executor;
mod threads;

pub use commitment::commit;
pub use cpu::{CpuExecutor, LoadedModel};
pub use executor::{EngineError, Executor, Reference};
pub use threads::on_threads;
