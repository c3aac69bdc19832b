//! Asking for memory before it is read.
//!
//! Processors do so by themselves where a thread goes through one stretch of memory, but not where
//! it goes through several rows side by side, and not while it computes from what it has.

/// Bytes that come from memory together, on most processors.
pub(crate) const LINE_BYTES: usize = 64;

/// Asks for the line that lies `distance` elements after the first of `elements`, which may be past
/// their end or in no memory at all. Changes nothing but the time that later reads take.
#[inline(always)]
pub(crate) fn fetch<T>(elements: &[T], distance: usize) {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        let line = elements.as_ptr().wrapping_add(distance);
        // SAFETY: this is a hint for any address at all; nothing is read that a program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (elements, distance);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_distance_may_be_asked_for() {
        let elements = [1u64, 2, 3];
        for distance in [0, 1, 3, 4_096, usize::MAX / 8, usize::MAX] {
            fetch(&elements, distance);
            fetch::<u8>(&[], distance);
        }
        assert_eq!(elements, [1, 2, 3]);
    }
}
