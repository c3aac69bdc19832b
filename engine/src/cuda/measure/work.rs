//! What can be measured, and what comes out.

use super::MeasureError;
use crate::cuda::KernelFamily;
use codec::{Decode, Encode};
use mizan_tensor::MAX_REDUCTION;

/// Most multiply-accumulates of one operation: seconds on the slowest device that there are
/// kernels for.
const MAX_MACS: u64 = 1 << 42;
/// Most bytes that an operation without products reads from one tensor.
pub(in crate::cuda) const MAX_BYTES: u64 = 1 << 33;
/// Most blocks that share a tile.
const MAX_PARTS: u32 = 64;
/// Most rounds.
const MAX_ROUNDS: u32 = 100;
/// Most repetitions of a round.
pub(in crate::cuda) const MAX_REPETITIONS: u32 = 10_000;

/// The shape of a product: `x` of `m` rows and `w` of `n` rows, each of `k` bytes, give `m` rows
/// of `n` results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Product {
    /// Rows of the result, at least 1.
    pub m: u64,
    /// Columns of the result, at least 1.
    pub n: u32,
    /// Products for each, from 1 to [`MAX_REDUCTION`].
    pub k: u32,
}

impl Product {
    /// Its multiply-accumulates; `None` if they are more than `u64` counts.
    pub fn macs(self) -> Option<u64> {
        self.m
            .checked_mul(self.n.into())?
            .checked_mul(self.k.into())
    }

    /// An error outside of what can be measured: no side 0, `k` as in programs, at most 2^42
    /// multiply-accumulates.
    pub(in crate::cuda) fn check(self) -> Result<(), MeasureError> {
        let macs = self.macs().filter(|macs| *macs <= MAX_MACS);
        let what = match macs {
            _ if self.k > MAX_REDUCTION => "a reduction longer than programs may have",
            Some(0) => "a side of the product is 0",
            Some(_) => return Ok(()),
            None => "more than 2^42 multiply-accumulates",
        };
        Err(MeasureError::OutOfRange(what.into()))
    }
}

/// A kernel for linear operations, by its entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum LinearKernel {
    /// `linear_dp4a_rows`
    #[codec(index = 0)]
    Dp4aRows,
    /// `linear_dp4a_128x128`
    #[codec(index = 1)]
    Dp4a128x128,
    /// `linear_mma_m8n8k16_128x128`
    #[codec(index = 2)]
    Mma8x8x16Of128x128,
    /// `linear_mma_m16n8k32_64x64`
    #[codec(index = 3)]
    Mma16x8x32Of64x64,
    /// `linear_mma_m16n8k32_128x128`
    #[codec(index = 4)]
    Mma16x8x32Of128x128,
    /// `linear_mma_m16n8k32_128x256`
    #[codec(index = 5)]
    Mma16x8x32Of128x256,
    /// `linear_wgmma_128x256`
    #[codec(index = 6)]
    WgmmaOf128x256,
}

impl LinearKernel {
    /// All of them, the oldest first.
    pub const ALL: [Self; 7] = [
        Self::Dp4aRows,
        Self::Dp4a128x128,
        Self::Mma8x8x16Of128x128,
        Self::Mma16x8x32Of64x64,
        Self::Mma16x8x32Of128x128,
        Self::Mma16x8x32Of128x256,
        Self::WgmmaOf128x256,
    ];

    /// The family that it belongs to.
    pub fn family(self) -> KernelFamily {
        match self {
            Self::Dp4aRows | Self::Dp4a128x128 => KernelFamily::Dp4a,
            Self::Mma8x8x16Of128x128 => KernelFamily::Mma8x8x16,
            Self::Mma16x8x32Of64x64 | Self::Mma16x8x32Of128x128 | Self::Mma16x8x32Of128x256 => {
                KernelFamily::Mma16x8x32
            }
            Self::WgmmaOf128x256 => KernelFamily::Wgmma,
        }
    }
}

/// A kernel, and how many of its blocks share a tile of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct LinearWay {
    /// The kernel.
    pub kernel: LinearKernel,
    /// From 1 to 64; 1 alone with [`LinearKernel::Dp4aRows`].
    pub parts: u32,
}

impl LinearWay {
    /// An error where a kernel has no such way.
    pub(in crate::cuda) fn check(self) -> Result<(), MeasureError> {
        let what = match self.kernel {
            LinearKernel::Dp4aRows if self.parts != 1 => "blocks of that kernel share no tile",
            _ if !(1..=MAX_PARTS).contains(&self.parts) => "parts must be from 1 to 64",
            _ => return Ok(()),
        };
        Err(MeasureError::OutOfRange(what.into()))
    }
}

impl From<LinearKernel> for LinearWay {
    fn from(kernel: LinearKernel) -> Self {
        Self { kernel, parts: 1 }
    }
}

/// An operation to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Work {
    /// A linear operation, with requantisation and without a table.
    #[codec(index = 0)]
    Linear {
        /// Its shape.
        product: Product,
        /// How; as in a job, if `None`.
        way: Option<LinearWay>,
        /// Whether with all that checks it: the checksums of its rows, and their comparison.
        checked: bool,
    },
    /// An addition of so many elements, from 1 to 2^33.
    #[codec(index = 1)]
    Add {
        /// Elements.
        count: u64,
        /// Whether with its check.
        checked: bool,
    },
    /// BLAKE3 of so many bytes, from 1 to 2^33.
    #[codec(index = 2)]
    Hash {
        /// Bytes.
        bytes: u64,
    },
}

/// How much is done to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Effort {
    /// Rounds, from 1 to 100; each has its time.
    pub rounds: u32,
    /// Repetitions in a round, from 1 to 10,000. They are fewer where a round would last longer
    /// than a second, or all of them longer than 20.
    pub repetitions: u32,
    /// Where the operands come from: the same seed makes the same bytes.
    pub seed: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            rounds: 7,
            repetitions: 100,
            seed: 1,
        }
    }
}

impl Effort {
    pub(in crate::cuda) fn check(self) -> Result<(), MeasureError> {
        let rounds = (1..=MAX_ROUNDS).contains(&self.rounds);
        let what = match (1..=MAX_REPETITIONS).contains(&self.repetitions) {
            true if rounds => return Ok(()),
            true => "rounds must be from 1 to 100",
            false => "repetitions must be from 1 to 10,000",
        };
        Err(MeasureError::OutOfRange(what.into()))
    }
}

/// How long an operation took.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Timing {
    /// What ran: the entry point of the engine's kernel, with the number of parts where blocks
    /// shared tiles, or the library.
    pub of: String,
    /// Repetitions in each round.
    pub repetitions: u32,
    /// Of each round, in order; the events' resolution is about half a microsecond.
    pub round_nanos: Vec<u64>,
}

impl Timing {
    /// Seconds of one repetition: the median of the rounds. Positive.
    pub fn seconds(&self) -> f64 {
        let mut rounds = self.round_nanos.clone();
        rounds.sort_unstable();
        let middle = rounds.len() / 2;
        let at = |index: usize| rounds.get(index).copied().unwrap_or_default() as f64;
        let median = match rounds.len() % 2 {
            0 => (at(middle.saturating_sub(1)) + at(middle)) / 2.0,
            _ => at(middle),
        };
        median.max(1.0) / 1e9 / f64::from(self.repetitions.max(1))
    }

    /// How much of something is done in a second, if one repetition does so much.
    pub fn per_second(&self, amount: u64) -> f64 {
        amount as f64 / self.seconds()
    }
}

/// What cublasLt makes of its accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum PeerOutput {
    /// Stores them as they are, four bytes each.
    #[codec(index = 0)]
    Int32,
    /// Scales them by one number and stores signed bytes: nearest to what the engine's kernels do,
    /// and as much to write.
    #[codec(index = 1)]
    Int8,
}

/// A product to measure beside cublasLt's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contest {
    /// Its shape. cublasLt needs `n` and `k` that are multiples of 4, and is fast with multiples
    /// of 16.
    pub product: Product,
    /// How the engine computes it; as in a job, if `None`.
    pub way: Option<LinearWay>,
    /// Whether the engine's with all that checks it.
    pub checked: bool,
    /// What cublasLt stores.
    pub output: PeerOutput,
}

/// Both on the same operands, their rounds in turns.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Comparison {
    /// The engine's kernel, which also requantises by a record for each column.
    pub own: Timing,
    /// The fastest algorithm of cublasLt.
    pub peer: Timing,
    /// The library's version as it says it: 120,903 for 12.9.3.
    pub version: u64,
    /// Algorithms that it proposed; it is asked for 32 at most.
    pub proposed: u32,
    /// Those of them that were tried, the library's favourites first, for ten seconds at most.
    pub tried: u32,
}

impl Comparison {
    /// The engine's speed as a part of cublasLt's: above 1 if the engine is faster.
    pub fn ratio(&self) -> f64 {
        self.peer.seconds() / self.own.seconds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(repetitions: u32, round_nanos: &[u64]) -> Timing {
        Timing {
            of: "add".into(),
            repetitions,
            round_nanos: round_nanos.to_vec(),
        }
    }

    #[test]
    fn a_time_is_the_median_of_the_rounds_for_one_repetition() {
        assert_eq!(timing(2, &[9_000, 4_000, 1_000]).seconds(), 2e-6);
        assert_eq!(timing(1, &[4_000, 2_000]).seconds(), 3e-6);
        assert_eq!(timing(4, &[8_000]).per_second(10), 5e6);
    }

    #[test]
    fn a_time_too_short_for_the_events_is_still_positive() {
        assert!(timing(10, &[0]).seconds() > 0.0 && timing(10, &[]).seconds() > 0.0);
    }

    #[test]
    fn a_ratio_above_one_is_for_the_engine() {
        let contest = Comparison {
            own: timing(1, &[2_000]),
            peer: timing(1, &[3_000]),
            version: 120_903,
            proposed: 5,
            tried: 4,
        };
        assert_eq!(contest.ratio(), 1.5);
    }

    #[test]
    fn blocks_share_tiles_where_a_kernel_can() {
        let way = |kernel, parts| LinearWay { kernel, parts }.check();
        for kernel in LinearKernel::ALL {
            let shares = kernel != LinearKernel::Dp4aRows;
            assert_eq!(LinearWay::from(kernel).check(), Ok(()));
            assert_eq!(way(kernel, 64).is_ok(), shares);
            for parts in [0, 65, u32::MAX] {
                let refused = way(kernel, parts);
                assert!(matches!(refused, Err(MeasureError::OutOfRange(_))));
            }
        }
    }

    #[test]
    fn products_beyond_all_bounds_are_refused_and_never_overflow() {
        let product = |m, n, k| Product { m, n, k }.check();
        assert_eq!(product(16_384, 16_384, 16_384), Ok(()));
        for bad in [
            product(0, 1, 1),
            product(1, 1, MAX_REDUCTION + 1),
            product(u64::MAX, u32::MAX, MAX_REDUCTION),
            product(MAX_MACS, 1, 2),
        ] {
            assert!(matches!(bad, Err(MeasureError::OutOfRange(_))), "{bad:?}");
        }
    }
}
