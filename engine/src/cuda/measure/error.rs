//! Why something was not measured.

use crate::cuda::DeviceError;
use codec::{Decode, Encode};

/// The names by which cublasLt is looked for, the newest first.
pub const LOOKED_FOR: [&str; 4] = [
    "libcublasLt.so.13",
    "libcublasLt.so.12",
    "libcublasLt.so.11",
    "libcublasLt.so",
];

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum MeasureError {
    /// The device or its process failed. After anything but [`DeviceError::OutOfMemory`] and
    /// [`DeviceError::UnsupportedDevice`] the process may be of no use any more: open it anew.
    #[error(transparent)]
    #[codec(index = 0)]
    Device(DeviceError),
    /// The order makes no sense, or leaves the range that is said where it is defined.
    #[error("this can't be measured: {0}")]
    #[codec(index = 1)]
    OutOfRange(String),
    /// The device's memory does not hold all operands and results.
    #[error("it needs {bytes} bytes on the device, where {free} are free")]
    #[codec(index = 2)]
    TooLarge {
        /// What is needed.
        bytes: u64,
        /// What there is.
        free: u64,
    },
    /// All rounds would take too long, even with one repetition each.
    #[error("it would take {seconds} seconds, more than {limit}: ask for fewer rounds")]
    #[codec(index = 3)]
    TooLong {
        /// By what the first execution took, rounded up.
        seconds: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The device does not have the kernel that was asked for.
    #[error("the device does not run {0}")]
    #[codec(index = 4)]
    NoSuchKernel(String),
    /// A result is not what the definition says, so its time says nothing.
    #[error("{of} gave {found} instead of {expected} in row {row}, column {column}")]
    #[codec(index = 5)]
    WrongResult {
        /// A kernel's entry point, or the library's path.
        of: String,
        /// The element's row.
        row: u64,
        /// The element's column.
        column: u64,
        /// What it is.
        found: i64,
        /// What it should be.
        expected: i64,
    },
    /// A hash or a check on the device is wrong.
    #[error("{of} gave a wrong result")]
    #[codec(index = 6)]
    CheckFailed {
        /// A kernel's entry point.
        of: String,
    },
    /// There is no cublasLt on this host, or none where it was said to be.
    #[error("cublasLt was not found: {looked_for}")]
    #[codec(index = 7)]
    LibraryNotFound {
        /// Every file that was tried, each with what the system said.
        looked_for: String,
    },
    /// A library of that name lacks what cublasLt has.
    #[error("{library} has no function {symbol}")]
    #[codec(index = 8)]
    SymbolMissing {
        /// As it was opened.
        library: String,
        /// The name of the function.
        symbol: String,
    },
    /// cublasLt refused a call.
    #[error("{call} of cublasLt failed: {name} ({status})")]
    #[codec(index = 9)]
    LibraryFailed {
        /// The function.
        call: String,
        /// The status that it gave.
        status: i32,
        /// The status's name in NVIDIA's header.
        name: String,
    },
    /// cublasLt knows no algorithm for this product on this device.
    #[error("cublasLt proposes no algorithm for a product of {m} x {k} and {n} x {k}")]
    #[codec(index = 10)]
    NoAlgorithm {
        /// Rows.
        m: u64,
        /// Columns.
        n: u32,
        /// Depth.
        k: u32,
    },
}

impl From<DeviceError> for MeasureError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}
