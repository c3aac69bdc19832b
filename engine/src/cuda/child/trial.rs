//! Ways to compute a product, tried against each other on the device itself.
//!
//! All give the same bytes, so only their time counts. It depends on more than can be reckoned:
//! clocks, caches, how fast memory is, what the owner lets the device draw. So the first product of
//! a shape is computed in every way that may be the fastest; the result of each is checked as that
//! of any operation is.

use super::{
    driver::{check, DriverError},
    opened::Opened,
    stopwatch::Stopwatch,
};
use crate::cuda::{
    error::DeviceError,
    launch::{Address, Kernels, Linear},
    process::lock,
    ways::Way,
};
use cust::{stream::Stream, sys};
use std::{collections::HashMap, ffi::c_void};

/// Rounds in which all ways are timed in turns. The least time counts: what else the device does
/// meanwhile only adds to it.
const ROUNDS: u32 = 3;
/// A product that takes less is repeated in the rounds behind the first, so often at most: events
/// tell half a microsecond.
const SHORT_NANOS: u64 = 100_000;
const REPETITIONS: u64 = 8;
/// Most shapes for which the best way is kept.
const MOST_SHAPES: usize = 4_096;

/// Products for which the same way is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// Rounded up, to one of eight numbers between two powers of two.
    rows: u64,
    n: u32,
    k: u32,
}

impl Shape {
    fn of(m: u64, n: u32, k: u32) -> Self {
        let step = (m.checked_next_power_of_two().unwrap_or(m) / 16).max(1);
        let rows = m.checked_next_multiple_of(step).unwrap_or(m);
        Self { rows, n, k }
    }
}

/// The best way for each shape that was tried.
pub(super) type Tried = HashMap<Shape, Way>;

impl Opened {
    /// How a product is computed: the best way, for which they are tried if it is the first of its
    /// shape and large enough; `None` if every one has a wrong result.
    ///
    /// # Safety
    /// As for [`Kernels::linear`], of everything that was queued before; `faults` must be a zero
    /// counter on the device, if results are to be checked. Sums and counter are zero again behind
    /// it; the result is of any content.
    pub(super) unsafe fn way(
        &self,
        stream: &Stream,
        operation: Linear,
        faults: Option<Address>,
    ) -> Result<Option<Way>, DeviceError> {
        let choice = self.kernels.choice();
        let Linear { m, n, k, .. } = operation;
        let usual = Way::whole(choice.tile(m, n));
        if !self.is_worth_a_trial(m, n, k) {
            return Ok(Some(usual));
        }
        let rows = choice.telling_rows(m, n);
        let shape = Shape::of(rows, n, k);
        {
            let tried = lock(&self.tried);
            if let Some(way) = tried.get(&shape) {
                let fits = way.fits(operation.sharing.room, m, n);
                return Ok(Some(if fits { *way } else { Way::whole(way.tile) }));
            }
            if tried.len() >= MOST_SHAPES {
                return Ok(Some(usual));
            }
        }
        let trial = Trial {
            kernels: &self.kernels,
            stream,
            operation: Linear {
                m: rows,
                ..operation
            },
            faults,
        };
        // SAFETY: the caller vouches for it; fewer rows are a part of all.
        let best = unsafe { trial.best() }?;
        if let Some(way) = best {
            lock(&self.tried).insert(shape, way);
        }
        Ok(best)
    }

    /// Whether a product takes so long that it matters how it is computed.
    pub(super) fn is_worth_a_trial(&self, m: u64, n: u32, k: u32) -> bool {
        let macs = m.saturating_mul(n.into()).saturating_mul(k.into());
        macs >= self.least_tried_macs
    }
}

/// A product to be computed in several ways.
struct Trial<'a> {
    kernels: &'a Kernels,
    stream: &'a Stream,
    operation: Linear,
    faults: Option<Address>,
}

impl Trial<'_> {
    /// # Safety
    /// As for [`Opened::way`].
    unsafe fn best(&self) -> Result<Option<Way>, DeviceError> {
        let Linear { m, n, k, .. } = self.operation;
        let ways = self.kernels.choice().ways(m, n, k);
        let mut right = Vec::new();
        for way in ways {
            // SAFETY: the caller vouches for it.
            if unsafe { self.is_right(way) }? {
                right.push((way, u64::MAX));
            }
        }
        let stopwatch = Stopwatch::new(self.stream)?;
        for _ in 0..ROUNDS {
            for (way, least) in &mut right {
                let repetitions = (SHORT_NANOS / *least).clamp(1, REPETITIONS);
                let nanos = stopwatch.nanos(|| {
                    (0..repetitions).try_for_each(|_| {
                        // SAFETY: the caller vouches for it; nobody reads the sums.
                        unsafe { self.kernels.linear(*way, self.stream, self.operation) }
                    })
                })?;
                *least = (nanos / repetitions).clamp(1, *least);
            }
        }
        // SAFETY: the caller vouches for it.
        unsafe { self.clear_sums() }?;
        let best = right.into_iter().min_by_key(|(_, nanos)| *nanos);
        Ok(best.map(|(way, _)| way))
    }

    /// Computes the product in that way. True if the result is right, or need not be checked.
    ///
    /// # Safety
    /// As for [`Opened::way`].
    unsafe fn is_right(&self, way: Way) -> Result<bool, DeviceError> {
        let (stream, operation) = (self.stream, self.operation);
        let mut found = 0u32;
        // SAFETY: the caller vouches for it; `found` lives until the stream is done, below.
        let queued = unsafe {
            self.clear_sums()
                .and_then(|()| self.kernels.linear(way, stream, operation))
                .and_then(|()| match self.faults {
                    None => Ok(()),
                    Some(faults) => {
                        self.kernels.check_linear(stream, operation, faults)?;
                        let to = (&raw mut found).cast::<c_void>();
                        let copied = sys::cuMemcpyDtoHAsync_v2(to, faults, 4, stream.as_inner());
                        check(copied)?;
                        Ok(self.clear(faults, 4)?)
                    }
                })
        };
        let done = stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        Ok(found == 0)
    }

    /// # Safety
    /// As for [`Opened::way`].
    unsafe fn clear_sums(&self) -> Result<(), DeviceError> {
        if self.operation.sums != 0 {
            // SAFETY: there are two words for each row.
            unsafe { self.clear(self.operation.sums, self.operation.m * 16) }?;
        }
        Ok(())
    }

    /// # Safety
    /// There must be so many bytes, which live until the stream is done.
    unsafe fn clear(&self, at: Address, bytes: u64) -> Result<(), DriverError> {
        // SAFETY: the caller vouches for it.
        check(unsafe { sys::cuMemsetD8Async(at, 0, bytes as usize, self.stream.as_inner()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart_by_an_eighth_of_their_rows() {
        let same = |one, other| Shape::of(one, 5, 7) == Shape::of(other, 5, 7);
        assert!((1..16).all(|m| !same(m, m + 1)));
        assert!(same(4_096, 3_841) && !same(4_096, 3_840) && !same(4_096, 4_097));
        assert!(same(u64::MAX, u64::MAX));
        assert_ne!(Shape::of(1, 5, 7), Shape::of(1, 7, 5));
    }
}
