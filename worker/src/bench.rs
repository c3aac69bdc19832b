//! Measures what computes jobs here, and what that earns at the chain's prices.
//!
//! # Overview
//! `mizan-worker bench` is for owners who ask what their hardware is worth. The processor, and each
//! GPU with which `run` would compute under the same settings, computes layers of a network as it would compute jobs: checked,
//! copied and committed to. Nothing is taken from names or data sheets but a GPU's ceiling, and
//! nothing leaves the machine but questions to the node. A worker that runs at the same time makes
//! the figures smaller.
//!
//! What a job earns depends on the chain: see [`earnings`]. Whether there are jobs no benchmark
//! knows; but the newest ones say how much was computed for money lately.

mod computers;
pub mod earnings;
mod sample;

pub use computers::{Computer, Speed};
use sample::Sample;

use crate::{devices::Unusable, keystore, node::Node, settings::Settings};
use earnings::Prices;
use mizan_client::{account_of, ClientError};
use mizan_engine::CpuExecutor;
use std::time::Duration;

/// What was measured, and what it earns.
#[derive(Debug)]
pub struct Report {
    /// Everything that computes, the processor first.
    pub computers: Vec<Computer>,
    /// What the chain says of prices, or why that is not known.
    pub prices: Result<Prices, ClientError>,
}

impl Report {
    /// Multiply-accumulates a second of a worker with these settings: of all GPUs that work
    /// together, or of the processor where none does.
    pub fn macs_per_second(&self) -> u128 {
        self.together(|speed| speed.macs_per_second)
    }

    /// Bytes of trace and outputs that come of it in a second. All of them go to blob servers
    /// before the worker attests, so whoever can't send so many computes less.
    pub fn result_bytes_per_second(&self) -> u128 {
        self.together(|speed| speed.result_bytes_per_second.unwrap_or_default())
    }

    fn together(&self, of: impl Fn(&Speed) -> u128) -> u128 {
        let speeds = |computers: &[Computer]| {
            let speeds = computers.iter().filter_map(Computer::of_a_job);
            speeds.map(&of).fold(0, u128::saturating_add)
        };
        let (processor, devices) = self.computers.split_at(1.min(self.computers.len()));
        match speeds(devices) {
            0 => speeds(processor),
            devices => devices,
        }
    }
}

/// Channels and items of the layer by which the processor's speed is measured.
pub(crate) const LAYER: (u32, u32) = (1_024, 128);

/// How many multiply-accumulates a second the processor does in a layer of a network, by what it
/// did in so much time; `None` if it can't compute at all.
pub(crate) fn processor_speed(processor: &CpuExecutor, time: Duration) -> Option<u128> {
    let (width, batch) = LAYER;
    let sample = Sample::layers(batch, width, 1).ok()?;
    sample.macs_per_second(processor, time).ok()
}

/// Measures all of it, which takes a quarter of a minute for each device. An error where `run` would
/// end with it: the settings demand a GPU, or limits that can't be kept.
pub async fn measure(settings: &Settings) -> Result<Report, Unusable> {
    Ok(Report {
        computers: computers::measure(settings).await?,
        prices: prices(settings).await,
    })
}

async fn prices(settings: &Settings) -> Result<Prices, ClientError> {
    let node = Node::connect(&settings.url, settings.request).await?;
    // Newcomers have no key yet.
    let account = keystore::load(settings).ok().map(|key| account_of(&key));
    Prices::read(&node, account.as_ref()).await
}
