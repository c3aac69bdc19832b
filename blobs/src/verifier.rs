//! A verified stream, checked while it comes.

use crate::{
    tree::{merge, Subtree, GROUP_BYTES},
    Hash,
};
use blake3::hazmat::HasherExt;
use std::{
    fs::File,
    io,
    io::{Read, Seek, SeekFrom, Write},
};

/// No blob is longer, whatever anybody says; sums of lengths stay within 64 bits.
const LONGEST: u64 = 1 << 60;

/// Why checking a stream stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The blob would be this long.
    TooLarge(u64),
    /// The bytes from here on are not those of the blob.
    Lied(u64),
    /// The bytes that an earlier run left in the file are not those of the blob, from here on.
    BadPrefix(u64),
    /// No more comes.
    Cut,
    /// The file can't be read or written.
    File(io::Error),
}

/// Checks a stream while it comes and writes what is right to a file.
pub(crate) struct Verifier<'a, R> {
    pub(crate) root: Hash,
    pub(crate) encoded: R,
    pub(crate) file: &'a File,
    /// Where the stream starts; the file has what is before.
    pub(crate) from: u64,
    /// As much of the file is known to be right.
    pub(crate) verified: u64,
}

impl<R: Read> Verifier<'_, R> {
    /// Reads to the end of the blob and gives its length.
    ///
    /// A blob's length needs no trust: with another length the tree has another shape, and the
    /// hashes do not fit at the latest where the shapes differ.
    pub(crate) fn run(&mut self, max_bytes: u64) -> Result<u64, Stop> {
        let mut length = [0; 8];
        self.read(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > max_bytes.min(LONGEST) {
            return Err(Stop::TooLarge(length));
        }
        if self.from > 0 && self.from >= length {
            return Err(Stop::Lied(0));
        }
        let mut stack = vec![(Subtree::whole(length), self.root)];
        let mut buffer = vec![0; usize::try_from(GROUP_BYTES).unwrap_or_default()];
        while let Some((subtree, hash)) = stack.pop() {
            let is_root = subtree.length == length;
            if subtree.is_before(self.from) {
                self.check_prefix(subtree, &hash, &mut buffer)?;
            } else if subtree.is_group() {
                self.group(subtree, &hash, is_root, &mut buffer)?;
            } else {
                let pair = self.pair(subtree, &hash, is_root)?;
                let (left, right) = subtree.halves();
                stack.extend([(right, pair.1), (left, pair.0)]);
            }
        }
        Ok(length)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), Stop> {
        self.encoded.read_exact(bytes).map_err(|_| Stop::Cut)
    }

    fn pair(&mut self, subtree: Subtree, hash: &Hash, is_root: bool) -> Result<(Hash, Hash), Stop> {
        let (mut left, mut right) = ([0; 32], [0; 32]);
        self.read(&mut left)?;
        self.read(&mut right)?;
        if merge(&left, &right, is_root) == *hash {
            Ok((left, right))
        } else {
            Err(Stop::Lied(subtree.start))
        }
    }

    fn group(
        &mut self,
        subtree: Subtree,
        hash: &Hash,
        is_root: bool,
        buffer: &mut [u8],
    ) -> Result<(), Stop> {
        let length = usize::try_from(subtree.length).unwrap_or(usize::MAX);
        let bytes = buffer.get_mut(..length).ok_or(Stop::Cut)?;
        self.read(bytes)?;
        let found = if is_root {
            *blake3::hash(bytes).as_bytes()
        } else {
            blake3::Hasher::new()
                .set_input_offset(subtree.start)
                .update(bytes)
                .finalize_non_root()
        };
        if found != *hash {
            return Err(Stop::Lied(subtree.start));
        }
        // Group after group: the file is at the right place but for the first one.
        if subtree.start == self.from {
            self.file
                .seek(SeekFrom::Start(subtree.start))
                .map_err(Stop::File)?;
        }
        self.file.write_all(bytes).map_err(Stop::File)?;
        self.verified = subtree.end();
        Ok(())
    }

    /// The hash came from the server and is verified, the bytes are in the file from before.
    fn check_prefix(
        &mut self,
        subtree: Subtree,
        hash: &Hash,
        buffer: &mut [u8],
    ) -> Result<(), Stop> {
        if subtree.end() <= self.verified {
            return Ok(());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(subtree.start);
        self.file
            .seek(SeekFrom::Start(subtree.start))
            .map_err(Stop::File)?;
        let mut left = self.file.take(subtree.length);
        loop {
            match left.read(buffer).map_err(Stop::File)? {
                0 => break,
                read => hasher.update(buffer.get(..read).unwrap_or_default()),
            };
        }
        if hasher.count() != subtree.length || hasher.finalize_non_root() != *hash {
            return Err(Stop::BadPrefix(subtree.start));
        }
        self.verified = subtree.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::{blob, encode, LENGTHS};

    fn run(
        blob: &[u8],
        encoded: &[u8],
        from: u64,
        file: &File,
        verified: u64,
    ) -> (Result<u64, Stop>, u64) {
        let mut verifier = Verifier {
            root: mizan_tensor::hash_bytes(blob),
            encoded,
            file,
            from,
            verified,
        };
        (verifier.run(u64::MAX), verifier.verified)
    }

    #[test]
    fn a_stream_is_read_back_from_any_group_on() {
        for length in LENGTHS {
            let blob = blob(length);
            for from in (0..length.max(1)).step_by(GROUP_BYTES as usize) {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&blob[..from as usize]).unwrap();
                let (result, verified) = run(&blob, &encode(&blob, from), from, &file, 0);
                assert_eq!((result.unwrap(), verified), (length, length));
                let mut read = Vec::new();
                file.rewind().unwrap();
                file.read_to_end(&mut read).unwrap();
                assert_eq!(read, blob);
            }
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_found_before_its_group_is_written() {
        let blob = blob(100_000);
        let good = encode(&blob, 0);
        for place in (8..good.len()).step_by(997) {
            let mut bad = good.clone();
            bad[place] ^= 1;
            let file = tempfile::tempfile().unwrap();
            let (result, verified) = run(&blob, &bad, 0, &file, 0);
            assert!(matches!(result, Err(Stop::Lied(_))), "{place}: {result:?}");
            let written = file.metadata().unwrap().len();
            assert_eq!(written, verified);
            assert!(written < place as u64);
        }
    }

    #[test]
    fn a_wrong_length_is_found_and_what_was_right_is_kept() {
        let blob = blob(3 * 1_048_576);
        for claimed in [0, 1, 16_384, 2_000_000, 3_145_727, 3_145_729, 9_000_000] {
            let mut bad = encode(&blob, 0);
            bad[..8].copy_from_slice(&u64::to_le_bytes(claimed));
            let mut file = tempfile::tempfile().unwrap();
            let (result, verified) = run(&blob, &bad, 0, &file, 0);
            assert!(
                matches!(result, Err(Stop::Lied(_))),
                "{claimed}: {result:?}"
            );
            let mut read = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut read).unwrap();
            assert_eq!(read, blob[..verified as usize]);
        }
    }

    #[test]
    fn what_an_earlier_run_left_is_checked_too() {
        let blob = blob(200_000);
        let from = 10 * GROUP_BYTES;
        let mut left = blob[..from as usize].to_vec();
        left[9 * GROUP_BYTES as usize + 5] ^= 1;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&left).unwrap();
        let (result, verified) = run(&blob, &encode(&blob, from), from, &file, 0);
        // The tree has 8 groups, then 2: the last two are not as they should be.
        assert!(matches!(result, Err(Stop::BadPrefix(at)) if at == 8 * GROUP_BYTES));
        assert_eq!(verified, 8 * GROUP_BYTES);
    }
}
