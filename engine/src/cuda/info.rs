//! What a device is.

use codec::{Decode, Encode};

/// Which kernels multiply matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum KernelFamily {
    /// Four products an instruction; compute capability 6.1 and later.
    #[codec(index = 0)]
    Dp4a,
    /// Tensor cores with tiles of 8 x 8 x 16; 7.5 and later.
    #[codec(index = 1)]
    Mma8x8x16,
    /// Tensor cores with tiles of 16 x 8 x 32; 8.0 and later.
    #[codec(index = 2)]
    Mma16x8x32,
    /// Tensor cores that four warps feed together, from shared memory; 9.0 and nothing else.
    #[codec(index = 3)]
    Wgmma,
}

impl KernelFamily {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [Self::Wgmma, Self::Mma16x8x32, Self::Mma8x8x16, Self::Dp4a];

    /// Whether a device of that compute capability has its instructions.
    pub fn runs_on(self, capability: (u32, u32)) -> bool {
        match self {
            Self::Dp4a => capability >= (6, 1),
            Self::Mma8x8x16 => capability >= (7, 5),
            Self::Mma16x8x32 => capability >= (8, 0),
            // Its PTX is of the kind that later devices do not take.
            Self::Wgmma => capability == (9, 0),
        }
    }

    /// The fastest that a device of that compute capability runs, without some of them.
    pub fn fastest_for(capability: (u32, u32), without: &[Self]) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|family| family.runs_on(capability) && !without.contains(family))
    }

    /// Whether a device that fails with it is tried with an older family before it is given up. PTX
    /// for one architecture only needs a newer driver than other PTX, and runs on the fewest
    /// devices. Where any other family fails, it is the device that has failed.
    pub fn has_substitute(self) -> bool {
        self == Self::Wgmma
    }
}

/// A device as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DeviceInfo {
    /// The driver's number for it.
    pub index: u32,
    /// Its unchanging name.
    pub uuid: [u8; 16],
    /// The product's name.
    pub name: String,
    /// Major and minor compute capability.
    pub capability: (u32, u32),
    /// Its multiprocessors.
    pub processors: u32,
    /// Its memory.
    pub memory_bytes: u64,
    /// The version of CUDA that the driver supports: 1,000 times major plus ten times minor.
    pub driver: u32,
    /// The highest clock of its multiprocessors in kHz; 0 if the driver does not say.
    pub clock_khz: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_gets_the_fastest_kernels_that_it_can_run() {
        let of = |capability| KernelFamily::fastest_for(capability, &[]);
        assert_eq!(of((6, 0)), None);
        assert_eq!(of((6, 1)), Some(KernelFamily::Dp4a));
        assert_eq!(of((7, 0)), Some(KernelFamily::Dp4a));
        assert_eq!(of((7, 5)), Some(KernelFamily::Mma8x8x16));
        assert_eq!(of((8, 0)), Some(KernelFamily::Mma16x8x32));
        assert_eq!(of((8, 9)), Some(KernelFamily::Mma16x8x32));
        assert_eq!(of((9, 0)), Some(KernelFamily::Wgmma));
        assert_eq!(of((10, 0)), Some(KernelFamily::Mma16x8x32));
        assert_eq!(of((12, 0)), Some(KernelFamily::Mma16x8x32));
    }

    #[test]
    fn whatever_has_a_substitute_leaves_the_device_another_family() {
        for family in KernelFamily::ALL {
            let other = KernelFamily::fastest_for((9, 0), &[family]);
            assert!(other.is_some() && other != Some(family));
        }
        let other = KernelFamily::fastest_for((9, 0), &[KernelFamily::Wgmma]);
        assert_eq!(other, Some(KernelFamily::Mma16x8x32));
    }
}
