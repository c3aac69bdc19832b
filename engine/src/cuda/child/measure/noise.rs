//! Bytes of the full range that can be made again from any place on.

/// A sequence of bytes: word i of eight bytes is a hash of i.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    start: u64,
}

impl Noise {
    /// Of a seed; every tensor has another number.
    pub(super) fn new(seed: u64, tensor: u64) -> Self {
        Self {
            start: mixed(seed).wrapping_add(mixed(!tensor)),
        }
    }

    pub(super) fn word(self, index: u64) -> u64 {
        // SplitMix64's step.
        mixed(
            self.start
                .wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        )
    }

    /// Writes the bytes from `at` on.
    pub(super) fn write(self, at: u64, to: &mut [u8]) {
        let mut index = at / 8;
        let inside = (at % 8) as usize;
        // Up to the first whole word.
        let head = to.len().min((8 - inside) % 8);
        let (head, rest) = to.split_at_mut(head);
        if !head.is_empty() {
            head.copy_from_slice(&self.word(index).to_le_bytes()[inside..inside + head.len()]);
            index += 1;
        }
        for piece in rest.chunks_mut(8) {
            piece.copy_from_slice(&self.word(index).to_le_bytes()[..piece.len()]);
            index += 1;
        }
    }

    /// The bytes from `at` on.
    pub(super) fn bytes(self, at: u64, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.write(at, &mut bytes);
        bytes
    }
}

/// SplitMix64's finish: one to one, and each bit depends on all.
fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_can_be_made_again() {
        let noise = Noise::new(5, 1);
        let all = noise.bytes(0, 100);
        for start in 0..20u32 {
            for length in [0, 1, 5, 8, 9, 70] {
                let range = start as usize..(start + length) as usize;
                assert_eq!(noise.bytes(start.into(), length), all[range]);
            }
        }
    }

    #[test]
    fn every_byte_occurs_and_tensors_differ() {
        let bytes = Noise::new(5, 1).bytes(0, 1 << 16);
        let mut counts = [0u32; 256];
        bytes
            .iter()
            .for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| (150..400).contains(count)));
        assert_ne!(bytes, Noise::new(5, 2).bytes(0, 1 << 16));
        assert_ne!(bytes, Noise::new(6, 1).bytes(0, 1 << 16));
    }
}
