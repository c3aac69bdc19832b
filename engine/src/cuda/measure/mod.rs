//! How fast a device is: single operations, beside what its hardware could do, and beside NVIDIA's
//! own library.
//!
//! # Overview
//! [`Bench`] starts a process of its own for a device, as [`CudaExecutor`](super::CudaExecutor)
//! does, that does nothing but measure; whoever wants right figures lets no job run on the device
//! meanwhile.
//!
//! ```text
//!   CudaExecutor::list -> DeviceInfo      name, driver, clock, multiprocessors
//!   Bench::open        -> Bench           a process with that device
//!     ceiling          -> Ceiling         products a second that the hardware could do
//!     measure          -> Timing          one operation, of which kernel
//!     compare          -> Comparison      a product, and cublasLt's on the same bytes
//! ```
//!
//! # How it is timed
//! Operands are bytes of the full range from a seed, on the device before anything is timed. An
//! operation is executed until the device is warm, then in rounds of equally many repetitions,
//! which the device queues up; events on the device take the time of a round, so that no latency
//! of the host counts. Where a round would last longer than a second, it has fewer repetitions.
//! What fits the device's cache is read from there from the second repetition on, which flatters
//! products of few rows, cublasLt's as much as the engine's.
//!
//! # Nothing is timed that is wrong
//! Whatever was timed has left its result, and elements of it, spread over all of it, are compared
//! with the definition. cublasLt proves itself first on a small product, compared as a whole, and
//! each of its algorithms on elements of the product itself before it is timed.
//!
//! # The peer
//! cublasLt is no part of this program. It is looked for when a comparison is asked for: where
//! [`PEER_LIBRARY`] says, if that is set, and else by its usual names as the system's loader finds
//! libraries. It gets both operands as this engine has them, rows of `x` and of `w`, which is the
//! layout in which it is fast ("TN"). It proposes up to 32 algorithms, its favourites first; as
//! many as can be in ten seconds are tried on the warm device, and the fastest is measured, in
//! turns with the engine's own kernel.
//!
//! # Non-goals
//! Whole programs, and what committing costs: that is what executors are for.

mod bench;
mod ceiling;
mod error;
mod work;

pub use bench::Bench;
pub use ceiling::Ceiling;
pub use error::{MeasureError, LOOKED_FOR};
pub use work::{
    Comparison, Contest, Effort, LinearKernel, LinearWay, PeerOutput, Product, Timing, Work,
};
pub(super) use work::{MAX_BYTES, MAX_REPETITIONS};

/// The environment variable of a device's process that says where cublasLt is: a library, or a
/// folder with one, such as an installed toolkit or Python's `site-packages`.
pub const PEER_LIBRARY: &str = "MIZAN_CUBLASLT";
