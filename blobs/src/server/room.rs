//! What room there is for uploads, and for whom.

use super::Limits;
use crate::{right, Hash};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Who uploads: an account, or a token by a hash of it.
pub(crate) type Uploader = [u8; 32];

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("a blob may have {limit} bytes here, this has {bytes}")]
    Blob { bytes: u64, limit: u64 },
    #[error("the server is full, try another one or after garbage was collected")]
    Total,
    #[error("the server takes no more uploads at once, try again soon")]
    Uploads,
    #[error("{left} bytes are left to you until midnight UTC, this needs {bytes}")]
    Day { bytes: u64, left: u64 },
    #[error("this blob is just being uploaded by you, try again when that has ended")]
    Busy,
}

#[derive(Default)]
struct State {
    stored: u64,
    /// Of uploads that go on, as if they were whole.
    reserved: u64,
    uploads: HashSet<(Uploader, Hash)>,
    /// Days since 1970, and what was uploaded on that day.
    days: HashMap<Uploader, (u64, u64)>,
}

/// Counts uploads and what is stored.
pub(crate) struct Room {
    limits: Limits,
    state: Mutex<State>,
}

impl Room {
    pub(crate) fn new(limits: Limits, stored: u64) -> Self {
        let state = State {
            stored,
            ..State::default()
        };
        Self {
            limits,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: what a panic leaves behind is sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_stored(&self, bytes: u64) {
        self.state().stored = bytes;
    }

    /// Whether a blob of that length could be taken at all.
    pub(crate) fn check_length(&self, bytes: u64) -> Result<(), Full> {
        match self.limits.max_blob_bytes {
            limit if bytes > limit => Err(Full::Blob { bytes, limit }),
            _ => Ok(()),
        }
    }

    /// Takes the room for a blob of `length` bytes of which `coming` are still to come.
    pub(crate) fn enter(
        self: &Arc<Self>,
        uploader: Uploader,
        hash: Hash,
        length: u64,
        coming: u64,
    ) -> Result<Entry, Full> {
        self.check_length(length)?;
        let mut state = self.state();
        if state.uploads.contains(&(uploader, hash)) {
            return Err(Full::Busy);
        }
        if state.uploads.len() >= self.limits.max_uploads {
            return Err(Full::Uploads);
        }
        let total = state.stored.saturating_add(state.reserved);
        if total.saturating_add(length) > self.limits.max_total_bytes {
            return Err(Full::Total);
        }
        let today = right::now() / (24 * 60 * 60);
        state.days.retain(|_, (day, _)| *day == today);
        let used = &mut state.days.entry(uploader).or_insert((today, 0)).1;
        let left = self.limits.max_bytes_per_day.saturating_sub(*used);
        if coming > left {
            return Err(Full::Day {
                bytes: coming,
                left,
            });
        }
        *used = used.saturating_add(coming);
        state.uploads.insert((uploader, hash));
        state.reserved = state.reserved.saturating_add(length);
        Ok(Entry {
            room: self.clone(),
            uploader,
            hash,
            length,
            coming,
            placed: false,
        })
    }
}

/// The room of one upload, given back when it is dropped.
pub(crate) struct Entry {
    room: Arc<Room>,
    uploader: Uploader,
    hash: Hash,
    length: u64,
    coming: u64,
    placed: bool,
}

impl Entry {
    /// Bytes came: these stay used even if the upload is broken off.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.coming = self
            .coming
            .saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The blob is stored.
    pub(crate) fn placed(mut self) {
        self.placed = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.room.state();
        state.uploads.remove(&(self.uploader, self.hash));
        state.reserved = state.reserved.saturating_sub(self.length);
        if self.placed {
            state.stored = state.stored.saturating_add(self.length);
        }
        if let Some((_, used)) = state.days.get_mut(&self.uploader) {
            *used = used.saturating_sub(self.coming);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Arc<Room> {
        let limits = Limits {
            max_blob_bytes: 100,
            max_total_bytes: 250,
            max_uploads: 2,
            max_bytes_per_day: 150,
            ..Limits::default()
        };
        Arc::new(Room::new(limits, 20))
    }

    #[test]
    fn every_limit_is_kept() {
        let room = room();
        let (one, two, three) = ([1; 32], [2; 32], [3; 32]);
        let enter = |who, hash, length| room.enter(who, [hash; 32], length, length);
        let too_long = Full::Blob {
            bytes: 101,
            limit: 100,
        };
        assert_eq!(enter(one, 1, 101).err(), Some(too_long));
        let first = enter(one, 1, 100).unwrap();
        assert_eq!(enter(one, 1, 10).err(), Some(Full::Busy));
        let day = Full::Day {
            bytes: 60,
            left: 50,
        };
        assert_eq!(enter(one, 2, 60).err(), Some(day));
        let second = enter(two, 1, 100).unwrap();
        assert_eq!(enter(three, 1, 1).err(), Some(Full::Uploads));
        first.placed();
        assert_eq!(enter(three, 1, 31).err(), Some(Full::Total));
        drop(second);
        enter(three, 1, 31).unwrap();
    }

    #[test]
    fn bytes_that_did_not_come_are_given_back() {
        let room = room();
        let mut entry = room.enter([1; 32], [1; 32], 100, 100).unwrap();
        entry.came(30);
        drop(entry);
        let left = room.enter([1; 32], [2; 32], 100, 150).err();
        assert_eq!(
            left,
            Some(Full::Day {
                bytes: 150,
                left: 120
            })
        );
    }
}
