//! Why a device did not do what it was asked to.

use codec::{Decode, Encode};

/// Why a device did not execute a job, or can't execute any.
///
/// The caller decides what follows: another executor, or declining the job with this as reason.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum DeviceError {
    /// This host has no NVIDIA driver, or one that can't be opened.
    #[error("no NVIDIA driver was found: {0}")]
    #[codec(index = 0)]
    DriverMissing(String),
    /// The driver lacks what the kernels or the bindings need.
    #[error(
        "the NVIDIA driver supports CUDA {}.{}, and {}.{} is needed: update the driver",
        .found / 1_000, .found % 1_000 / 10, .needed / 1_000, .needed % 1_000 / 10
    )]
    #[codec(index = 1)]
    DriverTooOld {
        /// The version of CUDA that it supports, as 1,000 times the major version and ten times
        /// the minor one.
        found: u32,
        /// The version that is needed.
        needed: u32,
    },
    /// There is a driver, but no device, or not the one that was asked for.
    #[error("the NVIDIA driver shows no such device")]
    #[codec(index = 2)]
    NoDevice,
    /// No kernel runs on a device this old, or not the kernels that were asked for.
    #[error("no kernel for compute capability {major}.{minor}")]
    #[codec(index = 3)]
    UnsupportedDevice {
        /// Major compute capability.
        major: u32,
        /// Minor compute capability.
        minor: u32,
    },
    /// The device has no room for the smallest part of the job, with nothing else on it.
    #[error("the device has no room for {bytes} more bytes")]
    #[codec(index = 4)]
    OutOfMemory {
        /// What could not be had.
        bytes: u64,
    },
    /// More was to pass through a slot at once than it has room for.
    #[error("{bytes} bytes at once are more than the {limit} of a slot")]
    #[codec(index = 5)]
    TooLarge {
        /// What was to pass.
        bytes: u64,
        /// Bytes of a slot.
        limit: u64,
    },
    /// The device or its driver failed.
    #[error("the device failed: {0}")]
    #[codec(index = 6)]
    DeviceLost(String),
    /// The driver does not take the kernels.
    #[error("the driver does not take the kernels: {0}")]
    #[codec(index = 7)]
    BadKernel(String),
    /// No kernel does this operation.
    #[error("no kernel does operation {operation} of the program")]
    #[codec(index = 8)]
    Unsupported {
        /// Its index.
        operation: u16,
    },
    /// A check on the device found a wrong number.
    #[error("operation {operation} failed its check on the device: the hardware may be faulty")]
    #[codec(index = 9)]
    ResultCheckFailed {
        /// The operation's index.
        operation: u16,
    },
    /// The device computed a program wrongly whose result is known.
    #[error("the device failed its self-check on {program}: the hardware or driver is faulty")]
    #[codec(index = 10)]
    SelfCheckFailed {
        /// Which program.
        program: String,
    },
    /// The device's process did not answer in time, and was ended.
    #[error("the device's process did not answer for {seconds} seconds")]
    #[codec(index = 11)]
    TimedOut {
        /// How long it had.
        seconds: u64,
    },
    /// The device's process ended.
    #[error("the device's process ended: {0}")]
    #[codec(index = 12)]
    ProcessEnded(String),
    /// The device's process answered something that makes no sense, and was ended.
    #[error("the device's process gave an answer that makes no sense: {0}")]
    #[codec(index = 13)]
    BadAnswer(String),
    /// The device's process is of another version of this program.
    #[error(
        "the device's process speaks version {theirs} of the protocol instead of {ours}: the \
         program was replaced while it ran, restart it"
    )]
    #[codec(index = 14)]
    ProtocolMismatch {
        /// Version of this program.
        ours: u16,
        /// Version of the other.
        theirs: u16,
    },
    /// The device's process could not be started.
    #[error("the device's process could not be started: {0}")]
    #[codec(index = 15)]
    CannotStart(String),
}

/// What may help after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A new process, and the same work again.
    Restart,
    /// The same work once more, in the same process.
    Repeat,
    /// Less work at once.
    Smaller,
    /// Nothing here; the device may well do other work.
    OtherExecutor,
    /// Nothing; the device must not work.
    Retire,
}

impl DeviceError {
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            // A driver that is being replaced may be back soon.
            Self::DriverMissing(_)
            | Self::NoDevice
            | Self::DeviceLost(_)
            | Self::TimedOut { .. }
            | Self::ProcessEnded(_)
            | Self::BadAnswer(_)
            | Self::CannotStart(_) => Remedy::Restart,
            Self::ResultCheckFailed { .. } => Remedy::Repeat,
            Self::OutOfMemory { .. } => Remedy::Smaller,
            Self::TooLarge { .. } | Self::Unsupported { .. } => Remedy::OtherExecutor,
            Self::DriverTooOld { .. }
            | Self::UnsupportedDevice { .. }
            | Self::BadKernel(_)
            | Self::SelfCheckFailed { .. }
            | Self::ProtocolMismatch { .. } => Remedy::Retire,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_as_people_write_them() {
        let error = DeviceError::DriverTooOld {
            found: 10_020,
            needed: 11_040,
        };
        let expected =
            "the NVIDIA driver supports CUDA 10.2, and 11.4 is needed: update the driver";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn only_what_a_new_process_can_mend_asks_for_one() {
        let mended = [
            DeviceError::DeviceLost("gone".into()),
            DeviceError::TimedOut { seconds: 1 },
            DeviceError::ProcessEnded("signal 9".into()),
            DeviceError::BadAnswer("noise".into()),
            DeviceError::DriverMissing("just being replaced".into()),
            DeviceError::NoDevice,
        ];
        assert!(mended.iter().all(|error| error.remedy() == Remedy::Restart));
        let failed = DeviceError::SelfCheckFailed {
            program: "linear".into(),
        };
        assert_eq!(failed.remedy(), Remedy::Retire);
        let unsupported = DeviceError::Unsupported { operation: 3 };
        assert_eq!(unsupported.remedy(), Remedy::OtherExecutor);
    }
}
