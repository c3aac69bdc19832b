//! Parameters that stay on the device for the next job of the same model.

use crate::cuda::protocol::Content;
use std::{collections::HashMap, sync::Arc};

/// At most so many bytes of parameters; of those that no job uses, the ones unused for longest go
/// first.
pub(crate) struct Residents<T> {
    budget_bytes: u64,
    bytes: u64,
    /// Counts uses.
    clock: u64,
    entries: HashMap<Content, Entry<T>>,
}

struct Entry<T> {
    resident: Arc<T>,
    used: u64,
}

impl<T> Residents<T> {
    pub(crate) fn new(budget_bytes: u64) -> Self {
        Self {
            budget_bytes,
            bytes: 0,
            clock: 0,
            entries: HashMap::new(),
        }
    }

    /// The parameter, if it is there. It stays at least as long as the caller holds it.
    pub(crate) fn get(&mut self, content: Content) -> Option<Arc<T>> {
        self.clock += 1;
        let entry = self.entries.get_mut(&content)?;
        entry.used = self.clock;
        Some(entry.resident.clone())
    }

    /// Lets parameters go until so many more bytes are within the budget, or none is left that
    /// may go.
    pub(crate) fn make_room(&mut self, bytes: u64) {
        while self.bytes.saturating_add(bytes) > self.budget_bytes && self.evict() {}
    }

    /// Lets the parameter go that no job uses and that was unused for longest; whether there was
    /// one.
    pub(crate) fn evict(&mut self) -> bool {
        let unused = self.entries.iter();
        let unused = unused.filter(|(_, entry)| Arc::strong_count(&entry.resident) == 1);
        let oldest = unused.min_by_key(|(_, entry)| entry.used);
        let Some((&content, _)) = oldest else {
            return false;
        };
        self.remove(content);
        true
    }

    /// Lets a parameter go, which jobs that use it keep until they are done.
    pub(crate) fn remove(&mut self, content: Content) {
        if self.entries.remove(&content).is_some() {
            self.bytes = self.bytes.saturating_sub(content.bytes);
        }
    }

    /// Keeps a parameter, and gives the one to use: another slot may have been faster. One beyond
    /// the budget is not kept.
    pub(crate) fn insert(&mut self, content: Content, resident: Arc<T>) -> Arc<T> {
        if let Some(there) = self.get(content) {
            return there;
        }
        self.make_room(content.bytes);
        if self.bytes.saturating_add(content.bytes) <= self.budget_bytes {
            self.bytes += content.bytes;
            let entry = Entry {
                resident: resident.clone(),
                used: self.clock,
            };
            self.entries.insert(content, entry);
        }
        resident
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: u8, bytes: u64) -> Content {
        Content {
            hash: [name; 32],
            bytes,
        }
    }

    fn keep(residents: &mut Residents<u8>, name: u8, bytes: u64) -> Arc<u8> {
        residents.insert(content(name, bytes), Arc::new(name))
    }

    fn has(residents: &mut Residents<u8>, name: u8, bytes: u64) -> bool {
        residents.get(content(name, bytes)).is_some()
    }

    #[test]
    fn the_parameter_unused_for_longest_goes_first() {
        let mut residents = Residents::new(100);
        keep(&mut residents, 1, 40);
        keep(&mut residents, 2, 40);
        assert!(has(&mut residents, 1, 40));
        keep(&mut residents, 3, 40);
        assert!(!has(&mut residents, 2, 40));
        assert!(has(&mut residents, 1, 40) && has(&mut residents, 3, 40));
    }

    #[test]
    fn what_a_job_uses_stays() {
        let mut residents = Residents::new(100);
        let used = keep(&mut residents, 1, 60);
        let other = keep(&mut residents, 2, 60);
        assert!(has(&mut residents, 1, 60) && !has(&mut residents, 2, 60));
        assert!(!residents.evict());
        drop((used, other));
        assert!(residents.evict() && !residents.evict());
        assert_eq!(residents.bytes, 0);
    }

    #[test]
    fn what_is_removed_is_brought_anew_though_a_job_still_uses_it() {
        let mut residents = Residents::new(100);
        let old = keep(&mut residents, 1, 60);
        residents.remove(content(1, 60));
        residents.remove(content(1, 60));
        let new = keep(&mut residents, 1, 60);
        assert!(!Arc::ptr_eq(&old, &new));
        assert_eq!(residents.bytes, 60);
    }

    #[test]
    fn a_parameter_beyond_the_budget_is_used_but_not_kept() {
        let mut residents = Residents::new(100);
        assert_eq!(*keep(&mut residents, 1, 101), 1);
        assert!(!has(&mut residents, 1, 101));
    }

    #[test]
    fn of_two_slots_that_bring_the_same_parameter_both_use_the_first_one() {
        let mut residents = Residents::new(100);
        let first = keep(&mut residents, 1, 50);
        let second = keep(&mut residents, 1, 50);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(residents.bytes, 50);
    }
}
