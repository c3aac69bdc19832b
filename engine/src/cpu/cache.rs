//! Packed weights, kept for the next job of the same model.

use super::linear::Shape;
use mizan_tensor::{hash_bytes, Hash};
use rayon::prelude::*;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Bytes that one thread hashes at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Which weights: all their bytes, by hash, and how they are cut into rows.
///
/// The bytes are hashed at every look-up, so nobody can ask for weights by a name that is not
/// theirs. It takes a sixth of the time of packing them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    hash: Hash,
    shape: Shape,
}

impl Key {
    /// The hash is over the hashes of equal pieces, which all threads share.
    fn of(shape: Shape, weights: &[i8]) -> Self {
        let pieces: Vec<Hash> = weights
            .par_chunks(PIECE_BYTES)
            .map(|piece| hash_bytes(bytemuck::cast_slice(piece)))
            .collect();
        Self {
            hash: hash_bytes(pieces.as_flattened()),
            shape,
        }
    }
}

/// At most so many bytes of packed weights; the ones unused for longest go first.
pub(super) struct WeightCache<T> {
    budget_bytes: usize,
    shelf: Mutex<Shelf<T>>,
}

struct Shelf<T> {
    entries: HashMap<Key, Entry<T>>,
    bytes: usize,
    /// Counts look-ups.
    clock: u64,
}

struct Entry<T> {
    place: Place<T>,
    bytes: usize,
    used: u64,
}

/// Filled by the first job that needs it; others wait for it instead of packing a second time.
type Place<T> = Arc<OnceLock<Arc<T>>>;

impl<T> WeightCache<T> {
    pub(super) fn new(budget_bytes: usize) -> Self {
        let shelf = Shelf {
            entries: HashMap::new(),
            bytes: 0,
            clock: 0,
        };
        Self {
            budget_bytes,
            shelf: Mutex::new(shelf),
        }
    }

    /// The packed weights, which take `bytes`. They stay where they are as long as the caller
    /// holds them, also when the cache drops them, and are not kept if they are over its budget.
    ///
    /// `pack` must not wait for work of other threads of the pool: one that waits picks up other
    /// work meanwhile, and that could be a job that waits here for the same weights.
    pub(super) fn get_or_pack(
        &self,
        shape: Shape,
        weights: &[i8],
        bytes: usize,
        pack: impl FnOnce() -> T,
    ) -> Arc<T> {
        if bytes > self.budget_bytes {
            return Arc::new(pack());
        }
        let key = Key::of(shape, weights);
        let place = self.shelf().place(key, bytes, self.budget_bytes);
        place.get_or_init(|| Arc::new(pack())).clone()
    }

    /// What the packed weights in the cache take.
    pub(super) fn bytes(&self) -> usize {
        self.shelf().bytes
    }

    /// No step on the shelf leaves it half changed, so a panic elsewhere spoils nothing.
    fn shelf(&self) -> MutexGuard<'_, Shelf<T>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shelf<T> {
    fn place(&mut self, key: Key, bytes: usize, budget_bytes: usize) -> Place<T> {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.used = self.clock;
            return entry.place.clone();
        }
        // A model has tens of weights: looking at each is nothing beside packing one.
        while self.bytes > budget_bytes - bytes {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some((&oldest, _)) = oldest else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
        let entry = Entry {
            place: Place::default(),
            bytes,
            used: self.clock,
        };
        let place = entry.place.clone();
        self.bytes += bytes;
        self.entries.insert(key, entry);
        place
    }
}

impl<T> fmt::Debug for WeightCache<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WeightCache")
            .field("budget_bytes", &self.budget_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const SHAPE: Shape = Shape { n: 2, k: 2 };

    /// Gets the weights and says whether they had been kept.
    fn was_kept(cache: &WeightCache<i8>, shape: Shape, weight: i8, bytes: usize) -> bool {
        let mut packed = false;
        let got = cache.get_or_pack(shape, &[weight; 4], bytes, || {
            packed = true;
            weight
        });
        assert_eq!(*got, weight);
        !packed
    }

    #[test]
    fn the_weights_unused_for_longest_go_first() {
        let cache = WeightCache::new(100);
        let get = |weight, bytes| was_kept(&cache, SHAPE, weight, bytes);
        assert!(!get(1, 40) && !get(2, 40) && get(1, 40));
        assert_eq!(cache.bytes(), 80);
        assert!(!get(3, 60) && get(1, 40) && get(3, 60));
        assert_eq!(cache.bytes(), 100);
        assert!(!get(2, 100));
        assert_eq!(cache.bytes(), 100);
        assert!(!get(1, 40) && !get(3, 60) && get(1, 40));
    }

    #[test]
    fn weights_over_the_budget_are_not_kept_and_push_nothing_out() {
        let cache = WeightCache::new(100);
        let get = |weight, bytes| was_kept(&cache, SHAPE, weight, bytes);
        assert!(!get(1, 40) && !get(2, 101) && !get(2, 101) && get(1, 40));
        assert_eq!(cache.bytes(), 40);
    }

    #[test]
    fn the_same_bytes_in_another_shape_are_other_weights() {
        let cache = WeightCache::new(100);
        let (wide, tall) = (Shape { n: 1, k: 4 }, Shape { n: 4, k: 1 });
        let get = |shape| was_kept(&cache, shape, 1, 10);
        assert!(!get(wide) && !get(tall) && get(wide));
    }

    #[test]
    fn weights_in_use_outlive_the_cache() {
        let cache = WeightCache::new(100);
        let held = cache.get_or_pack(SHAPE, &[1; 4], 100, || 1);
        assert!(!was_kept(&cache, SHAPE, 2, 100));
        assert_eq!(*held, 1);
    }

    #[test]
    fn jobs_that_need_the_same_weights_pack_them_once() {
        let cache = WeightCache::new(100);
        let packed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache.get_or_pack(SHAPE, &[1; 4], 10, || {
                        packed.fetch_add(1, Ordering::Relaxed)
                    })
                });
            }
        });
        assert_eq!(packed.into_inner(), 1);
    }

    #[test]
    fn every_byte_of_many_pieces_counts() {
        let shape = Shape {
            n: 1,
            k: 3 * PIECE_BYTES + 7,
        };
        let mut weights = vec![0; shape.k];
        let mut seen = vec![Key::of(shape, &weights).hash];
        for index in [0, PIECE_BYTES, 3 * PIECE_BYTES + 6] {
            weights[index] = 1;
            let hash = Key::of(shape, &weights).hash;
            assert!(!seen.contains(&hash));
            seen.push(hash);
        }
    }
}
