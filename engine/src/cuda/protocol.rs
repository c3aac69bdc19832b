//! What the two processes say to each other.
//!
//! First each sends [`GREETING`] and its [`VERSION`], the parent second. Then messages follow: four
//! bytes of length, little-endian, and as many bytes of SCALE. The parent asks, the device's
//! process answers every request with one message. Requests of one slot follow each other; slots
//! don't wait for each other.
//!
//! | request | answer | meaning |
//! | --- | --- | --- |
//! | [`Request::List`] | [`Response::Devices`] | which devices there are; then the process ends |
//! | [`Request::Open`] | [`Response::Opened`] | takes a device; once, before all that follows |
//! | [`Request::Prepare`] | [`Response::Prepared`] | a slot's next program, and which of its parameters the device lacks |
//! | [`Request::Load`] | [`Response::Loaded`] | a part of a parameter that it lacks is in the slot |
//! | | [`Response::OtherBytes`] | that was the last part, and all of it does not hash to the parameter's name |
//! | [`Request::Execute`] | [`Response::Executed`] | a batch's inputs are in the slot; then its trace is, and hashes of it if they were asked for |
//! | [`Request::Stage`] | [`Response::Staged`] | a batch that does not fit the slot follows in pieces |
//! | [`Request::Bring`] | [`Response::Staged`] | the next piece of its inputs is at the slot's begin |
//! | [`Request::ExecuteStaged`] | [`Response::Executed`] | all its inputs are there |
//! | [`Request::Fetch`] | [`Response::Fetched`] | the next piece of its trace and hashes, at the slot's begin |
//! | [`Request::Measure`] | [`Response::Measured`] | times an operation on operands that it makes in the slot |
//! | [`Request::Compare`] | [`Response::Compared`] | times a product, and cublasLt's beside it |
//!
//! Any of them may be answered by [`Response::Failed`] instead.
//!
//! Tensors don't pass here but through shared memory, which is divided into equal *slots*. A slot
//! belongs to the parent until it sends a request, and to the other process until that answers.

use super::{
    error::DeviceError,
    info::{DeviceInfo, KernelFamily},
    measure::{Comparison, Contest, Effort, MeasureError, Timing, Work},
};
use codec::{Decode, DecodeAll, Encode};
use mizan_tensor::Hash;
use std::io::{self, Read, Write};

/// What every connection begins with.
pub(crate) const GREETING: [u8; 8] = *b"mizancud";
/// The version of this protocol.
pub(crate) const VERSION: u16 = 4;
/// Longest message: a program of the largest size, all its parameters' names, and room.
pub(crate) const MAX_MESSAGE_BYTES: u32 = 512 * 1024;

/// A parameter by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub(crate) struct Content {
    pub(crate) hash: Hash,
    pub(crate) bytes: u64,
}

/// How a device is to be used.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Opening {
    pub(crate) device: u32,
    /// The fastest that the device has, if `None`.
    pub(crate) family: Option<KernelFamily>,
    /// But none of these.
    pub(crate) without: Vec<KernelFamily>,
    pub(crate) slots: u32,
    pub(crate) slot_bytes: u64,
    /// Budget of parameters that stay on the device; as many as fit, if `None`.
    pub(crate) resident_bytes: Option<u64>,
    /// Fewest multiply-accumulates of a product for which ways to compute it are tried.
    pub(crate) least_tried_macs: u64,
}

/// From the parent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Request {
    #[codec(index = 0)]
    List,
    #[codec(index = 1)]
    Open(Opening),
    #[codec(index = 2)]
    Prepare {
        slot: u32,
        /// SCALE bytes.
        program: Vec<u8>,
        /// In the program's order.
        parameters: Vec<Content>,
    },
    #[codec(index = 3)]
    Load {
        slot: u32,
        parameter: u16,
        /// Of this part in the parameter. Parts come in order.
        offset: u64,
        bytes: u64,
    },
    #[codec(index = 4)]
    Execute {
        slot: u32,
        batch: u32,
        /// What of its results is hashed; nothing, if `None`.
        hashed: Option<Hashed>,
    },
    #[codec(index = 5)]
    Stage {
        slot: u32,
        batch: u32,
        hashed: Option<Hashed>,
    },
    #[codec(index = 6)]
    Bring {
        slot: u32,
        /// Where the piece would be if the batch did fit. Pieces come in order.
        offset: u64,
        bytes: u64,
    },
    #[codec(index = 7)]
    ExecuteStaged { slot: u32 },
    #[codec(index = 8)]
    Fetch { slot: u32, offset: u64, bytes: u64 },
    #[codec(index = 10)]
    Measure {
        slot: u32,
        work: Work,
        effort: Effort,
    },
    #[codec(index = 11)]
    Compare {
        slot: u32,
        contest: Contest,
        effort: Effort,
    },
}

impl Request {
    /// The slot that it is about.
    pub(crate) fn slot(&self) -> Option<u32> {
        match *self {
            Self::Prepare { slot, .. }
            | Self::Load { slot, .. }
            | Self::Execute { slot, .. }
            | Self::Stage { slot, .. }
            | Self::Bring { slot, .. }
            | Self::ExecuteStaged { slot }
            | Self::Fetch { slot, .. }
            | Self::Measure { slot, .. }
            | Self::Compare { slot, .. } => Some(slot),
            Self::List | Self::Open(_) => None,
        }
    }
}

/// Whose commitment a batch's hashes are for. Which they are follows from this and the program:
/// see `runs.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Hashed {
    /// Where the batch begins in the job, in items.
    pub(crate) first: u32,
    /// Items of the whole job.
    pub(crate) job_batch: u32,
    /// Fewest neighbouring bytes that are hashed.
    pub(crate) least_bytes: u64,
}

/// From the device's process.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Response {
    #[codec(index = 0)]
    Devices(Vec<DeviceInfo>),
    #[codec(index = 1)]
    Opened {
        device: DeviceInfo,
        family: KernelFamily,
    },
    #[codec(index = 2)]
    Prepared { slot: u32, missing: Vec<u16> },
    #[codec(index = 3)]
    Loaded { slot: u32 },
    #[codec(index = 4)]
    Executed { slot: u32 },
    #[codec(index = 5)]
    Failed {
        /// `None` where the request was not about a slot.
        slot: Option<u32>,
        error: DeviceError,
    },
    #[codec(index = 6)]
    OtherBytes { slot: u32 },
    #[codec(index = 7)]
    Staged { slot: u32 },
    #[codec(index = 8)]
    Fetched { slot: u32 },
    #[codec(index = 10)]
    Measured {
        slot: u32,
        outcome: Result<Timing, MeasureError>,
    },
    #[codec(index = 11)]
    Compared {
        slot: u32,
        outcome: Result<Comparison, MeasureError>,
    },
}

impl Response {
    /// The slot that it is about.
    pub(crate) fn slot(&self) -> Option<u32> {
        match *self {
            Self::Prepared { slot, .. }
            | Self::Loaded { slot }
            | Self::OtherBytes { slot }
            | Self::Staged { slot }
            | Self::Fetched { slot }
            | Self::Executed { slot } => Some(slot),
            Self::Measured { slot, .. } | Self::Compared { slot, .. } => Some(slot),
            Self::Failed { slot, .. } => slot,
            Self::Devices(_) | Self::Opened { .. } => None,
        }
    }
}

/// Why a message could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("the connection was closed")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0} bytes are too long for a message")]
    TooLong(usize),
    #[error("a message can't be decoded")]
    Malformed,
    #[error("the first bytes are no greeting")]
    NoGreeting,
}

/// Sends the greeting and this program's version.
pub(crate) fn greet(to: &mut impl Write) -> Result<(), MessageError> {
    let [low, high] = VERSION.to_le_bytes();
    to.write_all(&[&GREETING[..], &[low, high]].concat())?;
    Ok(to.flush()?)
}

/// Reads the greeting, and gives the other's version.
pub(crate) fn read_greeting(from: &mut impl Read) -> Result<u16, MessageError> {
    let mut bytes = [0; GREETING.len() + 2];
    fill(from, &mut bytes)?;
    match bytes.split_last_chunk() {
        Some((greeting, version)) if *greeting == GREETING => Ok(u16::from_le_bytes(*version)),
        _ => Err(MessageError::NoGreeting),
    }
}

/// Writes a message.
pub(crate) fn send(to: &mut impl Write, message: &impl Encode) -> Result<(), MessageError> {
    let mut bytes = vec![0; 4];
    message.encode_to(&mut bytes);
    let length = bytes.len() - 4;
    let prefix = u32::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_MESSAGE_BYTES)
        .ok_or(MessageError::TooLong(length))?;
    bytes[..4].copy_from_slice(&prefix.to_le_bytes());
    // At once, so that messages of several threads do not mingle.
    to.write_all(&bytes)?;
    Ok(to.flush()?)
}

/// Reads a message.
pub(crate) fn receive<T: Decode>(from: &mut impl Read) -> Result<T, MessageError> {
    let mut prefix = [0; 4];
    fill(from, &mut prefix)?;
    let length = u32::from_le_bytes(prefix);
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE_BYTES {
        return Err(MessageError::TooLong(size));
    }
    let mut bytes = vec![0; size];
    fill(from, &mut bytes)?;
    T::decode_all(&mut &bytes[..]).map_err(|_| MessageError::Malformed)
}

fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), MessageError> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => MessageError::Closed,
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::{MAX_PARAMETERS, MAX_PROGRAM_BYTES};
    use proptest::prelude::*;

    fn round_trip(request: &Request) -> Request {
        let mut bytes = Vec::new();
        send(&mut bytes, request).unwrap();
        receive(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn the_largest_program_fits_a_message() {
        let content = Content {
            hash: [7; 32],
            bytes: u64::MAX,
        };
        let request = Request::Prepare {
            slot: u32::MAX,
            program: vec![1; MAX_PROGRAM_BYTES as usize],
            parameters: vec![content; MAX_PARAMETERS as usize],
        };
        assert_eq!(round_trip(&request), request);
    }

    #[test]
    fn a_message_over_the_limit_is_neither_sent_nor_read() {
        let mut bytes = Vec::new();
        let long = vec![0u8; MAX_MESSAGE_BYTES as usize];
        let sent = send(&mut bytes, &long);
        assert!(matches!(sent, Err(MessageError::TooLong(_))) && bytes.is_empty());
        let claimed = (MAX_MESSAGE_BYTES + 1).to_le_bytes();
        let read = receive::<Request>(&mut &claimed[..]);
        assert!(matches!(read, Err(MessageError::TooLong(_))));
    }

    #[test]
    fn a_greeting_tells_the_version_and_anything_else_is_none() {
        let mut bytes = Vec::new();
        greet(&mut bytes).unwrap();
        assert_eq!(read_greeting(&mut &bytes[..]).unwrap(), VERSION);
        let http = read_greeting(&mut &b"HTTP/1.1 200 OK"[..]);
        assert!(matches!(http, Err(MessageError::NoGreeting)));
        let cut = read_greeting(&mut &bytes[..9]);
        assert!(matches!(cut, Err(MessageError::Closed)));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_received(slot: u32, parameter: u16, offset: u64, bytes: u64) {
            let request = Request::Load { slot, parameter, offset, bytes };
            prop_assert_eq!(round_trip(&request), request);
        }

        #[test]
        fn noise_is_an_error_or_a_whole_message(noise: Vec<u8>) {
            let mut framed = (noise.len() as u32).to_le_bytes().to_vec();
            framed.extend(&noise);
            if let Ok(response) = receive::<Response>(&mut &framed[..]) {
                prop_assert_eq!(&response.encode(), &noise);
            }
            let _ = receive::<Response>(&mut &noise[..]);
            let _ = read_greeting(&mut &noise[..]);
        }

        #[test]
        fn a_message_that_is_cut_or_lengthened_is_an_error(program: Vec<u8>, cut in 0usize..1_000) {
            let request = Request::Prepare { slot: 1, program, parameters: Vec::new() };
            let mut bytes = Vec::new();
            send(&mut bytes, &request).unwrap();
            let kept = cut % bytes.len();
            prop_assert!(receive::<Request>(&mut &bytes[..kept]).is_err());
            let length = u32::try_from(bytes.len() - 4 + 1).unwrap();
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            bytes.push(0);
            prop_assert!(matches!(
                receive::<Request>(&mut &bytes[..]),
                Err(MessageError::Malformed)
            ));
        }
    }
}
