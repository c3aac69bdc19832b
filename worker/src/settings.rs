//! Settings: what they are, where each comes from, and what is wrong with one.
//!
//! A setting is looked up in four layers, each going before the one to its left: defaults, the
//! configuration file, the environment (`MIZAN_WORKER_` and the name in capitals), flags.

mod hours;
mod layers;
mod shown;
mod template;
#[cfg(test)]
mod tests;
mod values;

pub use hours::{Hours, NoHours};
pub use layers::{Environment, Flags, Layers, Origin, SettingsError, PREFIX};
pub use template::{template, usual_file};
pub use values::{DeviceUse, LogFormat, Memory, Speed};

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// A setting as the configuration file and `config show` name it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// A value as the configuration file writes it: the default, where there is one.
    pub example: &'static str,
}

const fn field(name: &'static str, example: &'static str, meaning: &'static str) -> Field {
    Field {
        name,
        meaning,
        example,
    }
}

/// All settings, in the order in which people read them.
pub const FIELDS: [Field; 28] = [
    field("url", "\"ws://127.0.0.1:9944\"", "The node's address. Run your own: the worker believes it."),
    field("data", "\"/var/lib/mizan/worker\"", "Folder of the journal and, unless named otherwise, of key and blobs. One for each worker and chain. Default: $XDG_DATA_HOME/mizan/worker."),
    field("key_file", "\"/var/lib/mizan/worker/key\"", "File with the secret URI of the worker's key, readable by nobody else. Default: `key` in the data folder; `mizan-worker key new` makes it."),
    field("key", "\"//Alice\"", "The secret URI itself, for development keys: flag or environment only, never in this file."),
    field("blobs", "\"/var/lib/mizan/worker/blobs\"", "Folder of blobs: inputs and parameters are looked for there first, results go there. May be shared with requesters. Default: `blobs` in the data folder."),
    field("ask", "\"0.01 MZN\"", "Least price per compute unit: set on the chain before working if it has another."),
    field("memory", "\"auto\"", "Memory for the tensors of all jobs at once, like \"8 GiB\"; auto: half of the machine's."),
    field("max_job_bytes", "\"4 GiB\"", "Most bytes of inputs, parameters and trace of one job; larger ones are declined."),
    field("device", "\"auto\"", "What computes jobs. auto: the NVIDIA GPUs, or the processor if none can be used. cpu: the processor alone. cuda: the GPUs, or the worker does not start. What the GPUs can't do the processor does."),
    field("devices", "[0, 1]", "Which GPUs, by the numbers that `mizan-worker doctor` shows. Default: all."),
    field("device_memory", "\"8 GiB\"", "Most memory of each GPU for parameters that stay there between jobs. Default: three quarters of what is free."),
    field("idle_only", "false", "Whether a GPU that another program uses gets no work, but for accepted jobs that would be late otherwise. While all of them are in use no new jobs are taken."),
    field("idle_seconds", "60", "How long no other program may have used a GPU before it gets work again, if idle_only is true."),
    field("max_power", "200", "Watts that each GPU draws at most, on average: between parts of jobs it waits. Default: what the GPU itself allows."),
    field("max_temperature", "80", "Degrees Celsius from which a GPU gets no work until it has cooled down by 5. Default: what the GPU itself allows."),
    field("hours", "\"22:00-08:00,12:00-13:00\"", "Times of day, in this machine's time zone, at which new jobs are taken. Accepted ones are finished whenever that is. Default: always."),
    field("blob_servers", "[\"https://blobs.example.org\"]", "Blob servers of your own: asked after those that the job names, and given results too."),
    field("allow_private_blob_servers", "false", "Whether jobs may name blob servers at private or loopback addresses. Strangers name them: true lets them reach into your network."),
    field("cache_bytes", "\"64 GiB\"", "Most bytes of blobs that the worker itself brought into the folder of blobs and that no unsettled job needs."),
    field("cache_days", "14", "Days after which such a blob is removed if no job used it."),
    field("max_demands", "64", "Most demands that `mizan-worker audit` pays for, for each audit. Beyond 64 they get dearer."),
    field("bandwidth", "\"1000000\"", "Bytes a second from blob servers: by it `mizan-worker audit` chooses what it fetches."),
    field("speed", "\"auto\"", "Multiply-accumulates a second on which `mizan-worker audit` counts; auto: measured when it starts."),
    field("advice", "true", "Whether the worker gives accumulators to whoever audits a whole result of it, and `mizan-worker audit` takes them. Paid jobs go first."),
    field("metrics", "\"127.0.0.1:9615\"", "Address and port for Prometheus' /metrics and for /health; a port alone means 127.0.0.1. Default: off."),
    field("log_format", "\"text\"", "text or json. What is logged is set by RUST_LOG, as in RUST_LOG=mizan_worker=debug."),
    field("request_seconds", "30", "Longest time to wait for one answer of the node."),
    field("stop_seconds", "10", "Longest time that running steps get when the worker is told to stop."),
];

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's address.
    pub url: String,
    /// Folder of the journal.
    pub data: PathBuf,
    /// File of the key.
    pub key_file: PathBuf,
    /// The key's secret, if it was given itself and nothing of more weight names a file.
    pub key: Option<Secret>,
    /// Folder of blobs.
    pub blobs: PathBuf,
    /// Least price per compute unit to be set on the chain.
    pub ask: Option<u128>,
    /// Memory for all jobs at once.
    pub memory: Memory,
    /// Most bytes of inputs, parameters and trace of one job.
    pub max_job_bytes: u64,
    /// What computes jobs.
    pub device: DeviceUse,
    /// Which devices, by the driver's numbers; all, if empty.
    pub devices: Vec<u32>,
    /// Memory of each device for parameters that stay there; most of what is free, if `None`.
    pub device_memory: Option<u64>,
    /// Whether devices that others use get no work.
    pub idle_only: bool,
    /// How long nobody else may have used a device before it gets work again.
    pub idle: Duration,
    /// What each device draws at most on average.
    pub max_power_watts: Option<u32>,
    /// From which temperature on a device gets no work.
    pub max_temperature_celsius: Option<u32>,
    /// When new jobs are taken; always, if `None`.
    pub hours: Option<Hours>,
    /// The owner's own blob servers.
    pub blob_servers: Vec<String>,
    /// Whether jobs may name servers at private addresses.
    pub allow_private_blob_servers: bool,
    /// Most bytes of blobs that the worker brought and no job needs.
    pub cache_bytes: u64,
    /// How long such a blob is kept after its last use.
    pub cache_age: Duration,
    /// Most demands for one audit.
    pub max_demands: u32,
    /// Bytes a second from blob servers.
    pub bandwidth: u64,
    /// Multiply-accumulates a second of an auditor.
    pub speed: Speed,
    /// Whether advice is given and taken.
    pub advice: bool,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Longest time to wait for one answer of the node.
    pub request: Duration,
    /// Longest time that running steps get when the worker is told to stop.
    pub stop: Duration,
}

/// A secret that is never printed.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}
