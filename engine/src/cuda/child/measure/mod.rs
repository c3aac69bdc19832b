//! Measuring: what is asked for is made on the device, timed, and its result proved.

mod addition;
mod clock;
mod hashing;
mod linear;
mod memory;
mod noise;
mod operands;
mod peer;

use super::{driver::DriverError, opened::Opened};
use crate::cuda::{
    error::DeviceError,
    measure::{Comparison, Contest, Effort, MeasureError, Timing, Work},
};
use addition::Addition;
use clock::Clock;
use cust::stream::Stream;
use hashing::Hashing;
use linear::Linear;
use operands::Operands;

/// A device with a queue and a slot that are there for nothing else.
#[derive(Clone, Copy)]
pub(super) struct Measuring<'a> {
    pub(super) opened: &'a Opened,
    pub(super) stream: &'a Stream,
    pub(super) slot: u32,
}

/// An operation with all that it reads and writes, which can be executed any number of times.
trait Run {
    /// What is executed.
    fn name(&self) -> String;

    /// Queues it once more.
    fn queue(&self) -> Result<(), MeasureError>;

    /// Compares what the last execution has left with the definition.
    fn prove(&self) -> Result<(), MeasureError>;
}

impl From<DriverError> for MeasureError {
    fn from(error: DriverError) -> Self {
        DeviceError::from(error).into()
    }
}

impl Measuring<'_> {
    /// Times one operation.
    pub(super) fn measure(self, work: Work, effort: Effort) -> Result<Timing, MeasureError> {
        effort.check()?;
        match work {
            Work::Linear {
                product,
                way,
                checked,
            } => {
                product.check()?;
                let (opened, seed) = (self.opened, effort.seed);
                let kernel = linear::kernel(opened, way)?;
                let needed = operands::bytes(product);
                self.check_room(needed.saturating_add(kernel.bytes(opened, product)))?;
                let operands = Operands::new(self, product, seed)?;
                let linear = Linear::new(&operands, &kernel, checked)?;
                self.time(&linear, effort)
            }
            Work::Add { count, checked } => {
                self.time(&Addition::new(self, count, checked, effort.seed)?, effort)
            }
            Work::Hash { bytes } => self.time(&Hashing::new(self, bytes, effort.seed)?, effort),
        }
    }

    /// Times a product in turns with cublasLt's.
    pub(super) fn compare(
        self,
        contest: Contest,
        effort: Effort,
    ) -> Result<Comparison, MeasureError> {
        effort.check()?;
        contest.product.check()?;
        peer::compare(self, contest, effort)
    }

    fn time(self, run: &dyn Run, effort: Effort) -> Result<Timing, MeasureError> {
        let [timing] = Clock::new(self.stream)?.in_turns([run], effort)?;
        run.prove()?;
        Ok(timing)
    }

    fn wait(self) -> Result<(), MeasureError> {
        Ok(self.stream.synchronize().map_err(DriverError::from)?)
    }
}
