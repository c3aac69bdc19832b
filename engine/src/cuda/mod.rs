//! The executor for NVIDIA devices.
//!
//! # Overview
//! A GPU is driven by code that this crate does not control: a driver of any age, in this
//! process's memory, which can crash, hang, or run out of memory. So no driver is ever called in
//! the process that works for the owner's bond. For each device [`CudaExecutor`] starts a process
//! of the same program, which calls [`serve_child`]; only that process opens the driver. Requests
//! and answers pass over a socket, tensors through shared memory. Whatever becomes of the device's
//! process, the parent says why ([`DeviceError`]), starts another one, and does the work again or
//! leaves it to the caller.
//!
//! ```text
//!   parent: CudaExecutor                      a process for each device: serve_child
//!   job -> parts -> slots  -- requests -->    slot 1: copy in | compute, hash, check | copy out
//!                          <-- answers  --    slot 2:     copy in | compute, hash, check | copy out
//!          inputs, traces  == memory ====     parameters stay, until others need the room
//! ```
//!
//! One binary serves hosts with and without a driver: the driver's library is looked for when a
//! device's process starts, through the trampolines of `cuda-stub`.
//!
//! # What is done with a job
//! It is cut along its items into *parts* that fit a slot and end soon. Each part goes to the
//! device with most free slots; a device works on as many parts as it has slots, of one job or of
//! several, so that one part's tensors are copied while another's are computed. A part that does
//! not fit the device's memory is halved, down to one item, and at last tried with nothing else on
//! the device. An item that does not fit a slot is a part alone: its inputs and results pass through
//! the slot in pieces, one after the other, while all of it is on the device. Whoever owns the
//! devices may say when parts begin on each ([`Pace`]).
//!
//! Parameters are found by the hashes that the program names, so no job hashes them here. Those that
//! the device lacks are copied, and hashed there; if that is not the name, they are hashed here
//! too, which tells whether the caller gave others or the device has a fault. They stay until
//! others need the room, the ones unused for longest first.
//!
//! The first product of a shape is computed in several ways, with one kernel and another, with more
//! blocks and fewer, and those that follow in the fastest: which that is depends on the device (see
//! `docs/kernels.md`).
//!
//! How fast a device does single operations is measured elsewhere, in [`measure`].
//!
//! # Checks
//! Consumer devices have no error correction, and a worker answers for each wrong number. So after
//! all operations of a part, and before any of its numbers gets out:
//! - every linear operation is compared with checksums of its rows that come from its input and
//!   from its weights, summed up when they arrived; the steps after the accumulators are evaluated
//!   twice; every element-wise operation is evaluated twice (see `docs/kernels.md`);
//! - inputs, tables and channel records are compared with what they are on the host, so that what
//!   both evaluations read is right too; weights were, when they were summed up.
//!
//! What fails is [`DeviceError::ResultCheckFailed`], or [`DeviceError::DeviceLost`] where no
//! operation is to blame; parameters are brought to the device anew. Whoever stores the result
//! may compute some elements once more: that covers the way back.
//!
//! Whenever a device's process starts, and so also after every change of the driver, it executes
//! programs whose results are known before it gets any work: the golden vectors of `mizan-tensor`,
//! and products for each kernel that the device uses.
//!
//! # Commitments
//! A worker answers for the hashes of trace and outputs, so [`Executor::execute_committed`] makes
//! them where the numbers are, in the slot's own queue: while it works on one part, the other
//! slot's part is copied or computed. A part's bytes begin and end anywhere in a blob's chunks. The
//! device hashes whole chunks and joins what is a subtree of 1 MiB; only these hashes come back.
//! The host hashes the chunks at the seams and what is shorter than
//! [`CudaSettings::least_hashed_bytes`], and joins all of it.
//!
//! The order in a slot is: compute, hash, check, hash again, copy out. What was checked between
//! two hashes that are equal is what was hashed, by hardware that hashed alike twice; if they
//! differ, that is [`DeviceError::ResultCheckFailed`], and no hash gets out before all checks have
//! passed. One of sixteen hashes, and at least one of every run of chunks, is then compared
//! with the bytes that came to the host: that finds a device that copies or hashes wrongly as a
//! rule ([`DeviceError::DeviceLost`]).
//!
//! | what goes wrong | what it does |
//! | --- | --- |
//! | a number, or what is in the device's memory, before or between the hashes | checks or second hash fail: the part again |
//! | a hash, once | the hashes differ: the part again |
//! | the device hashes wrongly the same way twice | mostly found on the host; it fails the self-check |
//! | a bit of the result behind the second hash, on its way, or in the host's memory | it is not what was committed to: who reads it notices, and it can be computed anew |
//! | the same at a seam, or in what the host hashes alone | as for any executor: committed to, if it was wrong by then |
//!
//! So bytes that are damaged behind the checks cost another execution, when somebody asks for
//! them. Were they hashed by the host, it would commit to a wrong number, which nothing cures. The
//! bus has a checksum of its own for every packet.
//!
//! [`Executor::execute_committed`]: crate::Executor::execute_committed
//!
//! # Memory
//! | what | where | how much | for how long |
//! | --- | --- | --- | --- |
//! | slots | host, shared and pinned | [`CudaSettings::slots`] times [`CudaSettings::slot_bytes`] a device | as long as the process |
//! | trace and outputs | host | what the program says | until the caller drops them |
//! | hashes of a job | host | up to a twentieth of what is hashed, where a part's outputs are shorter than 1 MiB; else next to nothing | until it is committed to |
//! | parameters | device | [`CudaSettings::resident_bytes`], or three quarters of what was free | until others need the room |
//! | tensors and sums of a part | device | somewhat more than the slot they came from | until other memory is short |
//! | room for blocks that share tiles | device | 128 KiB for each multiprocessor and slot | as tensors |
//! | those of an item in pieces | device | what they take | until its results have gone |
//!
//! # Failures
//! | what | what follows |
//! | --- | --- |
//! | process ends, hangs, answers nonsense; device or driver gone | a new process, and the part again |
//! | that, [`CudaSettings::attempts`] times in a row | the device rests for [`CudaSettings::rest`] |
//! | out of memory | smaller parts, then alone, then an error |
//! | wrong result | the part again; twice in a row, the device is retired |
//! | self-check failed, kernels not taken, driver too old | the device is retired |
//! | any of these, or a hang, with kernels that have a substitute ([`KernelFamily::has_substitute`]) | a new process with the next older kernels, and the part again; the device is neither retired nor rests |
//! | no kernel for an operation | an error, for another executor |
//!
//! # Goals
//! - The same bytes as the definition, or an error; never a guess.
//! - Nothing that a device or driver does ends or hangs the parent.
//!
//! # Non-goals
//! Falling back to another executor, or declining: the caller decides. Several nodes, AMD or Apple
//! devices.
//!
//! # Terminology
//! *Slot*: an equal share of the shared memory, with a queue of work on the device. *Part*: some
//! neighbouring items of a job. *Run*: whole chunks of a blob, in one operation's output of a part.
//! *Resident*: a parameter that stays on the device. *Retired*: not used any more until the caller
//! starts anew.

#[allow(unsafe_code)]
mod child;
mod committing;
mod content;
mod device;
mod error;
mod executor;
#[allow(unsafe_code)]
mod grid;
mod info;
mod job;
#[allow(unsafe_code)]
mod launch;
mod layout;
pub mod measure;
mod pace;
mod parts;
mod passage;
mod pool;
mod process;
mod protocol;
mod running;
mod runs;
mod self_check;
mod settings;
mod tiles;
mod ways;

pub use child::serve_child;
pub use device::DeviceStatus;
pub use error::DeviceError;
pub use executor::CudaExecutor;
pub use info::{DeviceInfo, KernelFamily};
pub use pace::Pace;
pub use settings::{ChildCommand, CudaSettings};
