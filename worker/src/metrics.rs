//! Figures for Prometheus, and whether the worker is well.
//!
//! | name | what |
//! | --- | --- |
//! | `mizan_worker_jobs_total{outcome}` | jobs that were `attested`, `declined`, `dropped`, `settled`, `convicted`, `refused`, `unpaid` (attested and ended otherwise) |
//! | `mizan_worker_audits_total{ruling}` | audits by `mizan-worker audit` whose result a block has: `pass`, `fraud`, `withheld` |
//! | `mizan_worker_full_audits_total{form}` | whole results that `mizan-worker audit` checked: `executed` again, or with `advice` |
//! | `mizan_worker_advice_lists_total` | audits to which this worker gave advice |
//! | `mizan_worker_failed_attempts_total` | attempts at a step that failed and are repeated |
//! | `mizan_worker_jobs_running` | steps that run now |
//! | `mizan_worker_fetched_bytes_total`, `_pushed_bytes_total` | blobs from and to blob servers |
//! | `mizan_worker_macs_total` | multiply-accumulates of computed jobs |
//! | `mizan_worker_heartbeats_total` | heartbeats included in a block |
//! | `mizan_worker_demands_answered_total` | demands for the data of results that this worker answered |
//! | `mizan_worker_demands_unanswered` | demands for data that wait for this worker's answer now |
//! | `mizan_worker_demands_unanswerable` | those of them whose last attempt failed because data is lost |
//! | `mizan_worker_convicted` | 1 while the worker's conviction keeps it from getting jobs |
//! | `mizan_worker_final_block` | the last final block that was looked at |
//! | `mizan_worker_connected` | 1 while the node is followed |
//! | `mizan_worker_disk_full` | 1 while no jobs are taken for want of space |
//! | `mizan_worker_memory_bytes`, `_memory_used_bytes` | the memory budget, and what jobs have of it |
//! | `mizan_worker_devices_usable`, `_devices_retired` | GPUs that work or would, and those that must not any more |
//! | `mizan_worker_accepting` | 0 while the owner's hours or limits let no new jobs be taken |
//! | `mizan_worker_device_temperature_celsius{device}`, `_device_power_watts`, `_device_power_limit_watts` | each GPU by its number, as far as its driver says so |
//! | `mizan_worker_device_busy_percent{device}`, `_device_memory_busy_percent`, `_device_others_percent` | how busy it is, and how busy other programs keep it |
//! | `mizan_worker_device_memory_used_bytes{device}` | memory of it that is used |
//! | `mizan_worker_device_paused{device}` | 1 while the owner's limits keep it from work |
//! | `mizan_worker_device_restarts_total` | processes of GPUs that were started again after a failure |
//! | `mizan_worker_device_fallbacks_total` | executions that the processor did because no GPU could |

mod devices;
mod server;

pub use devices::DeviceFigures;
pub use server::{Listening, MetricsError};

use prometheus::{
    core::Collector, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// How a job ended for this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A final block has the attestation.
    Attested,
    /// The chain was told that the worker does not do it.
    Declined,
    /// It could not be attested any more.
    Dropped,
    /// It was paid.
    Settled,
    /// It was attested, and the worker convicted for it.
    Convicted,
    /// It was attested, and its requester refused the delivery.
    Refused,
    /// It was attested, and ended otherwise.
    Unpaid,
}

impl Outcome {
    const ALL: [Self; 7] = [
        Self::Attested,
        Self::Declined,
        Self::Dropped,
        Self::Settled,
        Self::Convicted,
        Self::Refused,
        Self::Unpaid,
    ];

    /// Its name in figures and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attested => "attested",
            Self::Declined => "declined",
            Self::Dropped => "dropped",
            Self::Settled => "settled",
            Self::Convicted => "convicted",
            Self::Refused => "refused",
            Self::Unpaid => "unpaid",
        }
    }
}

/// What an audit can come to.
const RULINGS: [&str; 3] = ["pass", "fraud", "withheld"];

/// How a whole result can be checked.
const FORMS: [&str; 2] = ["executed", "advice"];

/// All figures.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    jobs: IntCounterVec,
    audits: IntCounterVec,
    full_audits: IntCounterVec,
    /// Audits to which advice was given.
    pub advice_lists: IntCounter,
    /// Attempts at a step that failed.
    pub failed_attempts: IntCounter,
    /// Steps that run now.
    pub running: IntGauge,
    /// Bytes that came from blob servers.
    pub fetched_bytes: IntCounter,
    /// Bytes that blob servers took.
    pub pushed_bytes: IntCounter,
    /// Multiply-accumulates of computed jobs.
    pub macs: IntCounter,
    /// Heartbeats in blocks.
    pub heartbeats: IntCounter,
    /// Demands that this worker answered.
    pub demands_answered: IntCounter,
    /// Demands that wait for this worker's answer.
    pub demands_unanswered: IntGauge,
    /// Those of them for which data is lost.
    pub demands_unanswerable: IntGauge,
    /// Whether the worker is convicted.
    pub convicted: IntGauge,
    /// The last final block.
    pub final_block: IntGauge,
    /// Whether the node is followed.
    pub connected: IntGauge,
    /// Whether the disk is full.
    pub disk_full: IntGauge,
    /// The memory budget.
    pub memory_bytes: IntGauge,
    /// What jobs have of it.
    pub memory_used_bytes: IntGauge,
    /// Whether new jobs are taken, as far as the owner's settings go.
    pub accepting: IntGauge,
    /// Figures of devices.
    pub devices: DeviceFigures,
}

impl Metrics {
    /// All figures at zero.
    pub fn new() -> Result<Self, MetricsError> {
        let counter = |name: &str, help: &str| IntCounter::new(full(name), help);
        let gauge = |name: &str, help: &str| IntGauge::new(full(name), help);
        let registry = Registry::new();
        let metrics = Self {
            jobs: family(
                "jobs_total",
                "Jobs by how they ended for this worker",
                "outcome",
            )?,
            audits: family("audits_total", "Audits by what they came to", "ruling")?,
            full_audits: family(
                "full_audits_total",
                "Whole results by how they were checked",
                "form",
            )?,
            advice_lists: counter("advice_lists_total", "Audits to which advice was given")?,
            failed_attempts: counter("failed_attempts_total", "Attempts at a step that failed")?,
            running: gauge("jobs_running", "Steps that run now")?,
            fetched_bytes: counter("fetched_bytes_total", "Bytes that came from blob servers")?,
            pushed_bytes: counter("pushed_bytes_total", "Bytes that blob servers took")?,
            macs: counter("macs_total", "Multiply-accumulates of computed jobs")?,
            heartbeats: counter("heartbeats_total", "Heartbeats included in a block")?,
            demands_answered: counter("demands_answered_total", "Demands that were answered")?,
            demands_unanswered: gauge("demands_unanswered", "Demands that wait for an answer")?,
            demands_unanswerable: gauge(
                "demands_unanswerable",
                "Demands that wait for an answer whose data is lost",
            )?,
            convicted: gauge("convicted", "1 while the worker is convicted")?,
            final_block: gauge("final_block", "The last final block that was looked at")?,
            connected: gauge("connected", "1 while the node is followed")?,
            disk_full: gauge("disk_full", "1 while no jobs are taken for want of space")?,
            memory_bytes: gauge("memory_bytes", "The memory budget")?,
            memory_used_bytes: gauge("memory_used_bytes", "What jobs have of the memory budget")?,
            accepting: gauge(
                "accepting",
                "0 while the owner's settings let no new jobs come",
            )?,
            devices: DeviceFigures::register(&registry)?,
            registry,
        };
        metrics.register()?;
        metrics.show_all();
        Ok(metrics)
    }

    /// Every label is shown from the beginning, so that rates of it can be computed.
    fn show_all(&self) {
        for outcome in Outcome::ALL {
            self.jobs.with_label_values(&[outcome.name()]);
        }
        for ruling in RULINGS {
            self.audits.with_label_values(&[ruling]);
        }
        for form in FORMS {
            self.full_audits.with_label_values(&[form]);
        }
    }

    fn register(&self) -> Result<(), MetricsError> {
        let all: [Box<dyn Collector>; 20] = [
            Box::new(self.jobs.clone()),
            Box::new(self.audits.clone()),
            Box::new(self.full_audits.clone()),
            Box::new(self.advice_lists.clone()),
            Box::new(self.failed_attempts.clone()),
            Box::new(self.running.clone()),
            Box::new(self.fetched_bytes.clone()),
            Box::new(self.pushed_bytes.clone()),
            Box::new(self.macs.clone()),
            Box::new(self.heartbeats.clone()),
            Box::new(self.demands_answered.clone()),
            Box::new(self.demands_unanswered.clone()),
            Box::new(self.demands_unanswerable.clone()),
            Box::new(self.convicted.clone()),
            Box::new(self.final_block.clone()),
            Box::new(self.connected.clone()),
            Box::new(self.disk_full.clone()),
            Box::new(self.memory_bytes.clone()),
            Box::new(self.memory_used_bytes.clone()),
            Box::new(self.accepting.clone()),
        ];
        for figure in all {
            self.registry.register(figure)?;
        }
        Ok(())
    }

    /// A job ended for this worker.
    pub fn ended(&self, outcome: Outcome) {
        self.jobs.with_label_values(&[outcome.name()]).inc();
    }

    /// A block has what an audit came to: `pass`, `fraud` or `withheld`.
    pub fn ruled(&self, ruling: &'static str) {
        self.audits.with_label_values(&[ruling]).inc();
    }

    /// A whole result was checked so: `executed` or with `advice`.
    pub fn checked(&self, form: &'static str) {
        self.full_audits.with_label_values(&[form]).inc();
    }

    /// How many jobs ended so.
    pub fn jobs(&self, outcome: Outcome) -> u64 {
        self.jobs.with_label_values(&[outcome.name()]).get()
    }

    /// Everything in Prometheus' text format.
    pub fn text(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

/// A number for a gauge, which can't show larger ones.
pub fn shown(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A counter for each value of a label.
fn family(name: &str, help: &str, label: &str) -> Result<IntCounterVec, MetricsError> {
    Ok(IntCounterVec::new(Opts::new(full(name), help), &[label])?)
}

fn full(name: &str) -> String {
    format!("mizan_worker_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::new().unwrap();
        metrics.ended(Outcome::Settled);
        metrics.final_block.set(7);
        let text = metrics.text().unwrap();
        for line in [
            "mizan_worker_jobs_total{outcome=\"settled\"} 1",
            "mizan_worker_jobs_total{outcome=\"declined\"} 0",
            "mizan_worker_final_block 7",
            "# TYPE mizan_worker_macs_total counter",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn the_manual_names_every_figure() {
        let manual = include_str!("metrics.rs");
        let metrics = Metrics::new().unwrap();
        for family in metrics.registry.gather() {
            let name = family.get_name().trim_start_matches("mizan_worker");
            let documented = |line: &str| line.starts_with("//! |") && line.contains(name);
            assert!(manual.lines().any(documented), "{name}");
        }
    }
}
