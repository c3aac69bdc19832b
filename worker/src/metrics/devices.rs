//! Figures of GPUs.

use super::{full, shown, MetricsError};
use crate::devices::reading::Reading;
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

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
    /// By each device's number: its readings, as far as its driver says them.
    readings: Vec<IntGaugeVec>,
    /// By each device's number: whether its owner's limits keep it from work.
    paused: IntGaugeVec,
}

/// Names and meanings of readings, in the order of [`values`].
const READINGS: [(&str, &str); 7] = [
    ("temperature_celsius", "Temperatures of GPUs"),
    ("power_watts", "What GPUs draw"),
    ("power_limit_watts", "What GPUs may draw"),
    ("busy_percent", "How busy GPUs are"),
    ("memory_busy_percent", "How busy the memory of GPUs is"),
    ("memory_used_bytes", "Memory of GPUs that is used"),
    ("others_percent", "How busy other programs keep GPUs"),
];

fn values(reading: &Reading) -> [Option<u64>; 7] {
    let watts = |milliwatts: Option<u32>| milliwatts.map(|it| u64::from(it / 1_000));
    [
        reading.temperature_celsius.map(u64::from),
        watts(reading.power_milliwatts),
        watts(reading.power_limit_milliwatts),
        reading.busy_percent.map(u64::from),
        reading.memory_busy_percent.map(u64::from),
        reading.memory_used_bytes,
        reading.others_percent.map(u64::from),
    ]
}

impl DeviceFigures {
    /// All of them at zero.
    pub(super) fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let counter = |name: &str, help: &str| IntCounter::new(full(name), help);
        let gauge = |name: &str, help: &str| IntGauge::new(full(name), help);
        let by_device = |name: &str, help: &str| {
            let name = full(&format!("device_{name}"));
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["device"])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, MetricsError>(gauge)
        };
        let figures = Self {
            readings: READINGS
                .into_iter()
                .map(|(name, help)| by_device(name, help))
                .collect::<Result<_, _>>()?,
            paused: by_device("paused", "1 while the owner's limits keep a GPU from work")?,
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

    /// Shows how a device is. What its driver does not say is not shown.
    pub(crate) fn show(&self, device: u32, reading: &Reading) {
        let device = device.to_string();
        for (gauge, value) in self.readings.iter().zip(values(reading)) {
            match value {
                Some(value) => gauge.with_label_values(&[&device]).set(shown(value)),
                // It fails where there is none, as it should be.
                None => drop(gauge.remove_label_values(&[&device])),
            }
        }
    }

    /// Shows no more how a device was.
    pub(crate) fn forget(&self, device: u32) {
        self.show(device, &Reading::default());
    }

    /// Shows whether the owner's limits keep a device from work.
    pub(crate) fn pause(&self, device: u32, paused: bool) {
        let gauge = self.paused.with_label_values(&[&device.to_string()]);
        gauge.set(paused.into());
    }
}
