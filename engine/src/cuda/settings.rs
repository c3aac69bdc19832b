//! How devices are used.

use super::info::KernelFamily;
use std::{ffi::OsString, io, path::PathBuf, time::Duration};

/// What starts a device's process: a program that calls [`serve_child`](super::serve_child).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables that it gets besides this process's own.
    pub environment: Vec<(OsString, OsString)>,
}

impl ChildCommand {
    /// This program once more, with that subcommand: the very file that runs, also when another
    /// one has taken its place meanwhile.
    pub fn this_program(subcommand: &str) -> io::Result<Self> {
        let itself = PathBuf::from("/proc/self/exe");
        let program = match itself.exists() {
            true => itself,
            false => std::env::current_exe()?,
        };
        Ok(Self {
            program,
            arguments: vec![subcommand.into()],
            environment: Vec::new(),
        })
    }
}

/// How devices are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaSettings {
    /// What starts a device's process.
    pub command: ChildCommand,
    /// Which devices, by the driver's numbers; all that there are, if empty.
    pub devices: Vec<u32>,
    /// Which kernels alone; whatever is fastest on a device and does not fail there, if `None`.
    pub family: Option<KernelFamily>,
    /// Parts of jobs that a device works on at once: with two, one's tensors are copied while the
    /// other's are computed.
    pub slots: u32,
    /// Memory shared with a device's process for each slot. As many items as fit are computed
    /// together; one that does not fit passes through in pieces, which is slower.
    pub slot_bytes: u64,
    /// Budget of a device for parameters that stay there between jobs; what is free, if `None`.
    pub resident_bytes: Option<u64>,
    /// Most multiply-accumulates of a part of a job, so that a part ends soon on any device.
    pub part_macs: u64,
    /// Fewest neighbouring bytes of an operation's output that a device hashes for a commitment:
    /// the host hashes fewer in less time than it takes to ask for it.
    pub least_hashed_bytes: u64,
    /// Fewest multiply-accumulates of a product for which a device tries which kernel is the fastest,
    /// when a product of that shape first comes: smaller ones are done before it matters.
    pub least_tried_macs: u64,
    /// How long a device's process may take to start.
    pub start_limit: Duration,
    /// How long it may take for one answer, with whatever else the device does meanwhile. For an
    /// item that takes more than [`Self::part_macs`], as many times longer.
    pub answer_limit: Duration,
    /// How often a part of a job is tried.
    pub attempts: u32,
    /// How long a device rests that failed that often in a row.
    pub rest: Duration,
}

impl CudaSettings {
    /// All devices, as they are used best on most machines.
    pub fn new(command: ChildCommand) -> Self {
        Self {
            command,
            devices: Vec::new(),
            family: None,
            slots: 2,
            slot_bytes: 256 << 20,
            resident_bytes: None,
            part_macs: 1 << 42,
            least_hashed_bytes: 128 << 10,
            least_tried_macs: 1 << 22,
            start_limit: Duration::from_secs(120),
            answer_limit: Duration::from_secs(60),
            attempts: 3,
            rest: Duration::from_secs(60),
        }
    }

    /// Memory that is shared with the process of one device.
    pub fn shared_bytes(&self) -> u64 {
        self.slot_bytes.saturating_mul(self.slots.into())
    }
}
