//! Time as the device sees it.

use super::driver::DriverError;
use cust::{
    event::{Event, EventFlags},
    stream::Stream,
};

/// Two events around what is queued.
pub(super) struct Stopwatch<'a> {
    stream: &'a Stream,
    start: Event,
    end: Event,
}

impl<'a> Stopwatch<'a> {
    pub(super) fn new(stream: &'a Stream) -> Result<Self, DriverError> {
        // Waiting for such an event leaves the processor to others.
        let event = || Event::new(EventFlags::BLOCKING_SYNC);
        Ok(Self {
            stream,
            start: event()?,
            end: event()?,
        })
    }

    /// Nanoseconds of what is queued, for which it waits.
    pub(super) fn nanos<E: From<DriverError>>(
        &self,
        queue: impl FnOnce() -> Result<(), E>,
    ) -> Result<u64, E> {
        self.start.record(self.stream).map_err(DriverError::from)?;
        queue()?;
        self.end.record(self.stream).map_err(DriverError::from)?;
        self.end.synchronize().map_err(DriverError::from)?;
        let elapsed = self.end.elapsed_time_f32(&self.start);
        let millis = elapsed.map_err(DriverError::from)?;
        // A float is off by less than a ten-millionth; a negative or undefined number becomes 0.
        Ok((f64::from(millis) * 1e6) as u64)
    }
}
