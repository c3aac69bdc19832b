//! Slices: some bytes of a blob with the hashes that tie them to its name.

use crate::{
    local::at,
    tree::{merge_in, Subtree, PAIR_BYTES},
    BlobError, Hash, LocalBlobStore,
};
use blake3::{
    hazmat::{HasherExt, Mode},
    Hasher,
};
use mizan_tensor::{read_slice, slice_bytes, Blob};
use std::{io, io::Read, ops::Range};

/// One slice proves at most as many bytes.
pub const MAX_SLICE_BYTES: u32 = 1 << 20;
/// A slice has whole chunks of BLAKE3.
const CHUNK_BYTES: u64 = 1024;
/// As much of a file is read at once.
const READ_BYTES: usize = 256 << 10;

/// There is no slice of such bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no slice proves {length} bytes from byte {start} on of a blob of {blob_length}: ask for 1 to {} \
     bytes that it has",
    MAX_SLICE_BYTES
)]
pub struct OutOfRange {
    /// Bytes of the blob.
    pub blob_length: u64,
    /// The first byte that was asked for.
    pub start: u64,
    /// How many were asked for.
    pub length: u32,
}

/// Bytes of a blob that a slice is to prove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) blob: Blob,
    pub(crate) start: u64,
    pub(crate) length: u32,
    /// The exact size of the slice.
    pub(crate) slice_bytes: u64,
    /// Of the hashes, if they have one.
    key: Option<Hash>,
}

impl Wanted {
    pub(crate) fn new(
        hash: Hash,
        blob_length: u64,
        start: u64,
        length: u32,
    ) -> Result<Self, OutOfRange> {
        let slice_bytes = (length <= MAX_SLICE_BYTES)
            .then(|| slice_bytes(blob_length, start, length.into()))
            .flatten();
        let blob = Blob {
            hash,
            length: blob_length,
        };
        match slice_bytes {
            Some(slice_bytes) => Ok(Self {
                blob,
                start,
                length,
                slice_bytes,
                key: None,
            }),
            None => Err(OutOfRange {
                blob_length,
                start,
                length,
            }),
        }
    }

    pub(crate) fn range(&self) -> Range<u64> {
        self.start..self.start.saturating_add(self.length.into())
    }

    /// Whether this is the slice, and nothing else.
    pub(crate) fn is_proved_by(&self, mut slice: &[u8]) -> bool {
        read_slice(&mut slice, &self.blob, self.start, self.length.into()).is_ok()
            && slice.is_empty()
    }

    fn meets(&self, subtree: Subtree) -> bool {
        let Range { start, end } = self.range();
        subtree.start < end && start < subtree.end()
    }

    /// Writes the part of the slice that lies under a node and gives the node's hash. `data` gives
    /// all bytes under the node.
    pub(crate) fn write_under<R: Read>(
        &self,
        subtree: Subtree,
        data: &mut R,
        slice: &mut Vec<u8>,
    ) -> io::Result<Hash> {
        let is_root = subtree.length == self.blob.length;
        if !self.meets(subtree) {
            return self.hash_under(subtree, is_root, data);
        }
        let place = slice.len();
        if subtree.length <= CHUNK_BYTES {
            data.take(subtree.length).read_to_end(slice)?;
            let mut chunk = slice.get(place..).unwrap_or_default();
            return self.hash_under(subtree, is_root, &mut chunk);
        }
        // A node comes before its halves, whose hashes it is.
        slice.extend_from_slice(&[0; PAIR_BYTES as usize]);
        let (left, right) = subtree.halves();
        let left = self.write_under(left, data, slice)?;
        let right = self.write_under(right, data, slice)?;
        let behind = place.saturating_add(PAIR_BYTES as usize);
        if let Some(pair) = slice.get_mut(place..behind) {
            pair.copy_from_slice([left, right].as_flattened());
        }
        Ok(merge_in(self.mode(), &left, &right, is_root))
    }

    fn mode(&self) -> Mode<'_> {
        self.key.as_ref().map_or(Mode::Hash, Mode::KeyedHash)
    }

    fn hash_under<R: Read>(
        &self,
        subtree: Subtree,
        is_root: bool,
        data: &mut R,
    ) -> io::Result<Hash> {
        let mut hasher = self
            .key
            .as_ref()
            .map_or_else(Hasher::new, Hasher::new_keyed);
        hasher.set_input_offset(subtree.start);
        hasher.update_reader(data.take(subtree.length))?;
        if hasher.count() != subtree.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(match is_root {
            true => hasher.finalize().into(),
            false => hasher.finalize_non_root(),
        })
    }
}

/// The slice that proves the bytes `[start, start + length)` of what a reader gives, `data_bytes`
/// in all, to whoever knows them by their keyed BLAKE3 hash, as
/// [`mizan_tensor::read_keyed_slice`] reads it.
///
/// Reads and hashes all of it, and holds little more than the slice in memory. Fewer bytes are
/// [`io::ErrorKind::UnexpectedEof`], and bytes that no slice proves an error with [`OutOfRange`]
/// inside.
pub fn keyed_slice<R: Read>(
    data: R,
    data_bytes: u64,
    key: &Hash,
    start: u64,
    length: u32,
) -> io::Result<Vec<u8>> {
    let wanted = Wanted::new([0; 32], data_bytes, start, length)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let wanted = Wanted {
        key: Some(*key),
        ..wanted
    };
    let mut slice = Vec::new();
    let mut data = io::BufReader::with_capacity(READ_BYTES, data);
    wanted.write_under(Subtree::whole(data_bytes), &mut data, &mut slice)?;
    Ok(slice)
}

impl LocalBlobStore {
    /// The slice that proves the bytes `[start, start + length)` of a blob of `blob_length` bytes,
    /// as [`mizan_tensor::read_slice`] reads it.
    ///
    /// Reads and hashes the whole file each time, though it holds little more than the slice in
    /// memory: whoever wants many slices of a large blob asks a server, which keeps the hashes.
    /// A file of another length, and one of other bytes, is [`BlobError::Corrupt`]. Bytes that no
    /// slice proves are [`BlobError::Io`] with [`OutOfRange`] inside.
    pub async fn slice(
        &self,
        hash: Hash,
        blob_length: u64,
        start: u64,
        length: u32,
    ) -> Result<Vec<u8>, BlobError> {
        let wanted = Wanted::new(hash, blob_length, start, length).map_err(|out_of_range| {
            let error = io::Error::new(io::ErrorKind::InvalidInput, out_of_range);
            at(&self.path_of(hash))(error)
        })?;
        self.off_thread(move |store| store.write_slice(&wanted))
            .await
    }

    fn write_slice(&self, wanted: &Wanted) -> Result<Vec<u8>, BlobError> {
        let Blob { hash, length } = wanted.blob;
        let (path, file, bytes) = self.open_blob(hash, u64::MAX)?;
        if bytes != length {
            return Err(BlobError::Corrupt(path));
        }
        let mut slice = Vec::new();
        let mut data = io::BufReader::with_capacity(READ_BYTES, file);
        let found = wanted
            .write_under(Subtree::whole(length), &mut data, &mut slice)
            .map_err(at(&path))?;
        if found == hash {
            Ok(slice)
        } else {
            Err(BlobError::Corrupt(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tree::tests::{blob, LENGTHS},
        BlobStore,
    };

    fn store() -> (tempfile::TempDir, LocalBlobStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobStore::open(folder.path().join("blobs")).unwrap();
        (folder, store)
    }

    /// Some bytes of a blob: its ends, its middle, around the ends of chunks and groups.
    fn ranges(blob_length: u64) -> Vec<(u64, u32)> {
        let starts = [0, 1, 1023, 1024, 16_383, 16_384, blob_length / 2];
        let starts = starts.into_iter().chain(blob_length.checked_sub(1));
        let lengths = [1, 2, 1024, 5_000, 40_000, MAX_SLICE_BYTES];
        let ranges = starts.flat_map(|start| lengths.map(|length| (start, length)));
        ranges
            .filter(|(start, length)| start + u64::from(*length) <= blob_length)
            .collect()
    }

    #[tokio::test]
    async fn slices_are_those_that_the_referee_reads() {
        let (_folder, store) = store();
        for blob_length in LENGTHS {
            let blob = blob(blob_length);
            let hash = store.put(&blob).await.unwrap();
            for (start, length) in ranges(blob_length) {
                let slice = store.slice(hash, blob_length, start, length).await.unwrap();
                let mut expected = Vec::new();
                mizan_tensor::write_slice(&mut expected, &blob, start, length.into()).unwrap();
                assert!(slice == expected, "{blob_length} {start} {length}");
                let wanted = Wanted::new(hash, blob_length, start, length).unwrap();
                assert_eq!(slice.len() as u64, wanted.slice_bytes);
                assert!(wanted.is_proved_by(&slice));
            }
        }
    }

    #[test]
    fn keyed_slices_are_those_that_the_referee_reads() {
        let key = [7; 32];
        for blob_length in LENGTHS {
            let blob = blob(blob_length);
            for (start, length) in ranges(blob_length) {
                let slice = keyed_slice(&blob[..], blob_length, &key, start, length).unwrap();
                let mut expected = Vec::new();
                let asked = u64::from(length);
                mizan_tensor::write_keyed_slice(&mut expected, &blob, &key, start, asked).unwrap();
                assert!(slice == expected, "{blob_length} {start} {length}");
            }
        }
        let kind = |error: io::Error| error.kind();
        let short = keyed_slice(&[7; 4_999][..], 5_000, &key, 0, 1).map_err(kind);
        assert_eq!(short, Err(io::ErrorKind::UnexpectedEof));
        let beyond = keyed_slice(&[7; 5_000][..], 5_000, &key, 5_000, 1).map_err(kind);
        assert_eq!(beyond, Err(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn more_and_less_than_the_slice_is_not_the_slice() {
        let blob = blob(100_000);
        let hash = mizan_tensor::hash_bytes(&blob);
        let wanted = Wanted::new(hash, 100_000, 50_000, 2_000).unwrap();
        let mut slice = Vec::new();
        mizan_tensor::write_slice(&mut slice, &blob, 50_000, 2_000).unwrap();
        assert!(wanted.is_proved_by(&slice));
        assert!(!wanted.is_proved_by(&slice[..slice.len() - 1]));
        slice.push(0);
        assert!(!wanted.is_proved_by(&slice));
    }

    #[tokio::test]
    async fn a_blob_that_is_not_here_has_no_slice() {
        let (_folder, store) = store();
        let refused = store.slice([1; 32], 10, 0, 1).await.unwrap_err();
        assert!(matches!(refused, BlobError::Missing(hash) if hash == [1; 32]));
    }

    #[tokio::test]
    async fn a_file_of_other_bytes_or_another_length_is_corrupt() {
        let (_folder, store) = store();
        let blob = blob(50_000);
        let hash = store.put(&blob).await.unwrap();
        let path = store.path_of(hash);
        let corrupt = |error| matches!(error, BlobError::Corrupt(named) if named == path);
        assert!(corrupt(store.slice(hash, 49_999, 0, 1).await.unwrap_err()));
        assert!(corrupt(store.slice(hash, 50_001, 0, 1).await.unwrap_err()));
        // Far from the bytes that are asked for.
        let mut damaged = blob;
        damaged[49_000] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert!(corrupt(store.slice(hash, 50_000, 0, 1).await.unwrap_err()));
    }

    #[tokio::test]
    async fn bytes_that_no_slice_proves_are_named() {
        let (_folder, store) = store();
        let long = blob(2_000_000);
        for (blob, start, length) in [
            (&b""[..], 0, 0),
            (b"", 0, 1),
            (b"hello", 0, 0),
            (b"hello", 0, 6),
            (b"hello", 5, 1),
            (b"hello", u64::MAX, 1),
            (&long, 0, MAX_SLICE_BYTES + 1),
        ] {
            let hash = store.put(blob).await.unwrap();
            let blob_length = blob.len() as u64;
            let refused = store.slice(hash, blob_length, start, length).await;
            let Err(BlobError::Io { source, .. }) = refused else {
                panic!("{blob_length} {start} {length}");
            };
            let named = source.get_ref().unwrap().downcast_ref::<OutOfRange>();
            let expected = OutOfRange {
                blob_length,
                start,
                length,
            };
            assert_eq!(named, Some(&expected));
        }
    }
}
