//! The program format.

use crate::Hash;
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// The version of the format that this crate reads and writes.
pub const FORMAT: u8 = 1;
/// Longest SCALE encoding of a program, in bytes.
pub const MAX_PROGRAM_BYTES: u32 = 128 * 1024;
/// Most inputs of a program.
pub const MAX_INPUTS: u32 = 16;
/// Most outputs of a program.
pub const MAX_OUTPUTS: u32 = 16;
/// Most parameter tensors of a program.
pub const MAX_PARAMETERS: u32 = 4_096;
/// Most tables of a program.
pub const MAX_TABLES: u32 = 64;
/// Most operations of a program.
pub const MAX_OPERATIONS: u32 = 4_096;
/// Most dimensions of an item or of a parameter.
pub const MAX_DIMENSIONS: u32 = 4;
/// Longest reduction: with it every accumulator of 8-bit products fits `i32`.
pub const MAX_REDUCTION: u32 = 65_536;
/// Largest batch a program may allow.
pub const MAX_BATCH: u32 = 1 << 20;
/// Largest tensor, and largest trace, at the largest batch: 16 TiB.
pub const MAX_TENSOR_BYTES: u64 = 1 << 44;
/// Most bytes of chunks and tree nodes that the proof about one element may need.
pub const MAX_OPENING_BYTES: u64 = 256 * 1024;

/// What the elements of a tensor are.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    PartialOrd,
    Ord,
)]
pub enum ElementType {
    /// A signed byte.
    #[codec(index = 0)]
    I8,
    /// A packed record of 16 bytes for one output channel: `bias: i32`, `multiplier: i32`,
    /// `shift: u8`, then 7 bytes that are ignored. A shift above 62 counts as 62.
    #[codec(index = 1)]
    Channel,
}

impl ElementType {
    /// Bytes of one element.
    pub const fn size(self) -> u64 {
        match self {
            ElementType::I8 => 1,
            ElementType::Channel => 16,
        }
    }
}

/// Element type and dimensions. For inputs the dimensions are those of one item.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct TensorType {
    /// What the elements are.
    pub element: ElementType,
    /// The dimensions, outermost first; one to [`MAX_DIMENSIONS`], none zero.
    pub dimensions: Vec<u32>,
}

impl TensorType {
    /// A tensor of signed bytes.
    pub fn i8(dimensions: &[u32]) -> Self {
        Self {
            element: ElementType::I8,
            dimensions: dimensions.to_vec(),
        }
    }

    /// A list of channel records.
    pub fn channels(count: u32) -> Self {
        Self {
            element: ElementType::Channel,
            dimensions: [count].to_vec(),
        }
    }

    /// Number of elements, if it fits.
    pub fn elements(&self) -> Option<u64> {
        self.dimensions
            .iter()
            .try_fold(1u64, |product, d| product.checked_mul(u64::from(*d)))
    }

    /// Number of bytes, if it fits.
    pub fn bytes(&self) -> Option<u64> {
        self.elements()?.checked_mul(self.element.size())
    }
}

/// A parameter tensor, named by the BLAKE3 hash of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Parameter {
    /// The hash under which anyone fetches the bytes.
    pub hash: Hash,
    /// Element type and dimensions.
    pub tensor: TensorType,
}

/// A map from each byte to a signed byte: any 8-bit non-linearity. The entry for a value `x` is
/// at the index of its two's-complement byte.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Table(pub [i8; 256]);

impl Table {
    /// The table of a function on signed bytes.
    pub fn from_fn(f: impl Fn(i8) -> i8) -> Self {
        let mut entries = [0i8; 256];
        for (byte, entry) in (0u8..=255).zip(entries.iter_mut()) {
            *entry = f(i8::from_le_bytes([byte]));
        }
        Self(entries)
    }

    /// The entry for a value.
    pub fn get(&self, value: i8) -> i8 {
        let [byte] = value.to_le_bytes();
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

/// Where an operation takes a batched tensor from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Operand {
    /// The program's input of that index.
    #[codec(index = 0)]
    Input(u16),
    /// The output of an earlier operation.
    #[codec(index = 1)]
    Operation(u16),
}

/// One step of a program. Its output is one tensor and one entry of the trace.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Operation {
    /// `[.., K] x [N, K] -> [.., N]`:
    /// `table(clamp(((sum(x * w) + bias) * multiplier + round) >> shift))`.
    #[codec(index = 0)]
    Linear {
        /// Items of shape `[.., K]`.
        input: Operand,
        /// Index of a parameter `[N, K]` of signed bytes.
        weights: u16,
        /// Index of a parameter of `N` channel records.
        channels: u16,
        /// Index of a table applied to the result.
        table: Option<u16>,
    },
    /// Element by element: `table(clamp((a * left_multiplier + b * right_multiplier + round) >>
    /// shift))`.
    #[codec(index = 1)]
    Add {
        /// `a`.
        left: Operand,
        /// `b`, of the same shape.
        right: Operand,
        /// Multiplies `a`.
        left_multiplier: i32,
        /// Multiplies `b`.
        right_multiplier: i32,
        /// Arithmetic shift to the right; above 62 it counts as 62.
        shift: u8,
        /// Index of a table applied to the result.
        table: Option<u16>,
    },
}

/// A list of operations over integer tensors, in single-assignment order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Program {
    /// [`FORMAT`].
    pub format: u8,
    /// The account that registers it. Part of the id, so that nobody can register these bytes
    /// as their own.
    pub owner: [u8; 32],
    /// Largest batch a job may ask for.
    pub max_batch: u32,
    /// Type of one item of each input.
    pub inputs: Vec<TensorType>,
    /// Parameter tensors.
    pub parameters: Vec<Parameter>,
    /// Tables that operations refer to.
    pub tables: Vec<Table>,
    /// The operations. Each reads inputs and earlier operations only.
    pub operations: Vec<Operation>,
    /// Indices of the operations whose outputs are the program's.
    pub outputs: Vec<u16>,
}

impl Program {
    /// Reads a program from all of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, codec::Error> {
        Self::decode_all(&mut &*bytes)
    }

    /// The BLAKE3 hash of the SCALE bytes: the model's id.
    pub fn id(&self) -> Hash {
        crate::hash_bytes(&self.encode())
    }
}
