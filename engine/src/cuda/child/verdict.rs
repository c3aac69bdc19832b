//! What the checks of a batch say, once it is done.

use super::{lane::Prepared, workspace::Workspace};
use crate::cuda::{
    error::DeviceError,
    runs::{node_bytes, Run, NODE_BYTES},
};
use mizan_tensor::{Hash, Operation, Plan, Table};

/// Bytes of a counter of faults.
const COUNTER_BYTES: u64 = 4;
/// Bytes of a hash.
pub(super) const HASH_BYTES: u64 = 32;

/// Where a verdict's parts are, in the order in which they follow each other: for each operation
/// a counter of faults; for each the hash of the channel records that it read, if it is linear;
/// the hash of each input; and all tables. All of them as they are on the device at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VerdictLayout {
    operations: u64,
    inputs: u64,
}

impl VerdictLayout {
    pub(super) fn of(plan: &Plan) -> Self {
        let program = plan.program();
        Self {
            operations: program.operations.len() as u64,
            inputs: program.inputs.len() as u64,
        }
    }

    pub(super) fn counter(self, operation: u16) -> u64 {
        COUNTER_BYTES * u64::from(operation)
    }

    pub(super) fn channels(self, operation: u16) -> u64 {
        COUNTER_BYTES * self.operations + HASH_BYTES * u64::from(operation)
    }

    pub(super) fn input(self, input: u16) -> u64 {
        (COUNTER_BYTES + HASH_BYTES) * self.operations + HASH_BYTES * u64::from(input)
    }

    /// Bytes of all that is not a table.
    pub(super) fn bytes(self) -> u64 {
        (COUNTER_BYTES + HASH_BYTES) * self.operations + HASH_BYTES * self.inputs
    }
}

/// A verdict as it comes from the device.
pub(super) struct Verdict {
    layout: VerdictLayout,
    pub(super) findings: Vec<u8>,
    /// One after the other.
    pub(super) tables: Vec<u8>,
    /// The hashes of the runs, of each turn.
    pub(super) nodes: [Vec<u8>; 2],
}

impl Verdict {
    /// Before anything is known.
    pub(super) fn of(plan: &Plan, runs: &[Run]) -> Self {
        let layout = VerdictLayout::of(plan);
        Self {
            nodes: [(); 2].map(|()| vec![0; node_bytes(runs) as usize]),
            layout,
            findings: vec![0; layout.bytes() as usize],
            tables: vec![0; Workspace::table_bytes(plan) as usize],
        }
    }

    /// An error for the first that is not as it should be. `inputs` are the hashes of the inputs
    /// as they are on the host.
    pub(super) fn check(
        &self,
        prepared: &Prepared,
        inputs: &[Hash],
        runs: &[Run],
    ) -> Result<(), DeviceError> {
        self.check_operations(prepared, inputs)?;
        self.check_nodes(runs)
    }

    /// The hashes of the runs.
    pub(super) fn into_nodes(self) -> Vec<u8> {
        let [before, _] = self.nodes;
        before
    }

    fn check_operations(&self, prepared: &Prepared, inputs: &[Hash]) -> Result<(), DeviceError> {
        let changed = |what: &str| {
            let reason = format!("{what} has other bytes on the device than on the host");
            Err(DeviceError::DeviceLost(reason))
        };
        let program = prepared.plan.program();
        for (hash, index) in inputs.iter().zip(0u16..) {
            if self.part(self.layout.input(index)) != Some(hash) {
                return changed("an input");
            }
        }
        let tables = program.tables.iter().flat_map(|Table(entries)| entries);
        if !tables
            .map(|entry| entry.to_le_bytes()[0])
            .eq(self.tables.iter().copied())
        {
            return changed("a table");
        }
        for (operation, index) in program.operations.iter().zip(0u16..) {
            let unchanged = match *operation {
                Operation::Linear { channels, .. } => {
                    let content = prepared.contents.get(usize::from(channels));
                    self.part(self.layout.channels(index)) == content.map(|content| &content.hash)
                }
                Operation::Add { .. } => true,
            };
            let right = self.part(self.layout.counter(index)) == Some(&[0; COUNTER_BYTES as usize]);
            if !unchanged || !right {
                return Err(DeviceError::ResultCheckFailed { operation: index });
            }
        }
        Ok(())
    }

    /// An error for the first run that did not have the same hashes before the checks: either one
    /// was hashed wrongly, or what was checked was not what was hashed.
    fn check_nodes(&self, runs: &[Run]) -> Result<(), DeviceError> {
        let [mut before, mut behind] = self.nodes.each_ref().map(Vec::as_slice);
        for run in runs {
            let bytes = (run.nodes() * NODE_BYTES) as usize;
            let first = before.split_off(..bytes);
            if first.is_none() || first != behind.split_off(..bytes) {
                let operation = run.operation;
                return Err(DeviceError::ResultCheckFailed { operation });
            }
        }
        Ok(())
    }

    fn part<const N: usize>(&self, at: u64) -> Option<&[u8; N]> {
        self.findings.get(at as usize..)?.first_chunk()
    }
}
