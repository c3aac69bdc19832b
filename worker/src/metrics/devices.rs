//! Figures of GPUs.

use super::{full, MetricsError};
use prometheus::{IntCounter, IntGauge, Registry};

/// How devices stand, and what they did not do.
#[derive(Debug)]
pub struct DeviceFigures {
    /// Devices that work, or would.
    pub usable: IntGauge,
    /// Devices that must not work any more.
    pub retired: IntGauge,
    /// Processes of devices that were started again.
    pub restarts: IntCounter,
    /// Executions that the processor did because no device could.
    pub fallbacks: IntCounter,
}

impl DeviceFigures {
    /// All of them at zero.
    pub(super) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let counter = |name: &str, help: &str| IntCounter::new(full(name), help);
        let gauge = |name: &str, help: &str| IntGauge::new(full(name), help);
        let figures = Self {
            usable: gauge("devices_usable", "GPUs that work, or would")?,
            retired: gauge("devices_retired", "GPUs that must not work any more")?,
            restarts: counter(
                "device_restarts_total",
                "Processes of GPUs that were started again",
            )?,
            fallbacks: counter(
                "device_fallbacks_total",
                "Executions that the processor did because no GPU could",
            )?,
        };
        registry.register(Box::new(figures.usable.clone()))?;
        registry.register(Box::new(figures.retired.clone()))?;
        registry.register(Box::new(figures.restarts.clone()))?;
        registry.register(Box::new(figures.fallbacks.clone()))?;
        Ok(figures)
    }
}
