//! The engine's BLAKE3.

use super::{memory::Memory, noise::Noise, Measuring, Run};
use crate::cuda::{
    launch::hash_workspace_bytes,
    measure::{MeasureError, MAX_BYTES},
};
use std::cell::Cell;

/// Bytes that are hashed at once on the host.
const PIECE_BYTES: usize = 1 << 20;

/// The hash of some bytes.
pub(super) struct Hashing<'a> {
    measuring: Measuring<'a>,
    length: u64,
    noise: Noise,
    bytes: Memory<'a>,
    nodes: Memory<'a>,
    /// Where the last hash is among the nodes.
    root: Cell<u64>,
}

impl<'a> Hashing<'a> {
    pub(super) fn new(
        measuring: Measuring<'a>,
        length: u64,
        seed: u64,
    ) -> Result<Self, MeasureError> {
        if !(1..=MAX_BYTES).contains(&length) {
            let what = "bytes must be from 1 to 2^33";
            return Err(MeasureError::OutOfRange(what.into()));
        }
        let nodes = hash_workspace_bytes(length);
        measuring.check_room(length + nodes)?;
        let noise = Noise::new(seed, 0);
        Ok(Self {
            measuring,
            length,
            noise,
            bytes: Memory::of_noise(measuring, noise, length)?,
            nodes: Memory::new(measuring, nodes)?,
            root: Cell::new(0),
        })
    }

    fn expected(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < self.length {
            // Both are at most a piece.
            let length = (self.length - at).min(PIECE_BYTES as u64);
            let piece = &mut piece[..length as usize];
            self.noise.write(at, piece);
            hasher.update_rayon(piece);
            at += length;
        }
        hasher.finalize()
    }
}

impl Run for Hashing<'_> {
    fn name(&self) -> String {
        "blake3_chunks".into()
    }

    fn queue(&self) -> Result<(), MeasureError> {
        let (kernels, stream) = (&self.measuring.opened.kernels, self.measuring.stream);
        let (bytes, nodes) = (self.bytes.address(), self.nodes.address());
        // SAFETY: the memory is as large as the kernels want, and outlives what is queued.
        let root = unsafe { kernels.hash(stream, bytes, self.length, nodes) }?;
        self.root.set(root - nodes);
        Ok(())
    }

    fn prove(&self) -> Result<(), MeasureError> {
        let found = self.nodes.get(&[self.root.get()], 32)?;
        match found == *self.expected().as_bytes() {
            true => Ok(()),
            false => Err(MeasureError::CheckFailed { of: self.name() }),
        }
    }
}
