//! Hashes of what an audit reads.

use mizan_tensor::{receipt_key, Hash};

/// Bytes that are hashed twice while they are in a processor's own cache.
const PIECE_BYTES: usize = 128 << 10;

/// Two kinds of BLAKE3 hashes of the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// The plain hash of each tensor: the name under which the chain knows it.
    pub names: Vec<Hash>,
    /// The keyed hash of all tensors, one after the other: the receipt of whoever has the seed,
    /// which nobody can copy from another.
    pub receipt: Hash,
}

/// Hashes `tensors` both ways, reading them from memory once. Of all inputs and the trace this is
/// the receipt of a full audit.
pub fn hash_with_receipt(tensors: &[&[u8]], seed: &Hash) -> Hashes {
    let mut keyed = blake3::Hasher::new_keyed(&receipt_key(seed));
    let name = |tensor: &&[u8]| {
        let mut plain = blake3::Hasher::new();
        for piece in tensor.chunks(PIECE_BYTES) {
            plain.update(piece);
            keyed.update(piece);
        }
        plain.finalize().into()
    };
    Hashes {
        names: tensors.iter().map(name).collect(),
        receipt: keyed.finalize().into(),
    }
}

/// The receipt alone: the hash of the receipt stream, whose parts come one after the other, with
/// the key of the auditor's seed. See [`super::Tensors::receipt_stream`].
pub fn receipt(stream: &[&[u8]], seed: &Hash) -> Hash {
    let mut hasher = ReceiptHasher::new(seed);
    for part in stream {
        hasher.update(part);
    }
    hasher.finish()
}

/// Makes a receipt of a stream that comes piece by piece, for whoever does not hold all of it.
#[derive(Debug)]
pub struct ReceiptHasher(blake3::Hasher);

impl ReceiptHasher {
    /// Of an empty stream so far, with the key of the auditor's seed.
    pub fn new(seed: &Hash) -> Self {
        Self(blake3::Hasher::new_keyed(&receipt_key(seed)))
    }

    /// The next bytes of the stream, of any number.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The receipt of all that came.
    pub fn finish(&self) -> Hash {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::hash_bytes;

    #[test]
    fn names_are_of_each_tensor_and_the_receipt_is_of_all() {
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 5).map(|i| (i / 7) as u8).collect();
        let seed = [9; 32];
        let expected = blake3::keyed_hash(&receipt_key(&seed), &bytes);
        for cut in [0, 1, 1_024, PIECE_BYTES, bytes.len()] {
            let (left, right) = bytes.split_at(cut);
            let hashes = hash_with_receipt(&[left, right], &seed);
            assert_eq!(hashes.names, [hash_bytes(left), hash_bytes(right)]);
            assert_eq!(hashes.receipt, *expected.as_bytes());
            assert_eq!(receipt(&[left, right], &seed), hashes.receipt);
            let mut hasher = ReceiptHasher::new(&seed);
            bytes
                .chunks(cut.max(1_000))
                .for_each(|piece| hasher.update(piece));
            assert_eq!(hasher.finish(), hashes.receipt);
        }
    }

    #[test]
    fn receipts_of_different_seeds_differ() {
        let receipt = |seed| receipt(&[b"tensor"], &seed);
        assert_ne!(receipt([1; 32]), receipt([2; 32]));
    }
}
